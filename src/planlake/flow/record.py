"""What every command that changes a lake writes into `runs`: in goes its context, out come the common columns."""

import hashlib
from collections.abc import Sequence
from typing import Any

from planlake import __version__
from planlake.clock import naive_utc
from planlake.config import Config
from planlake.flow.context import Context
from planlake.lake.runs import append_operations


def run_row(context: Context) -> dict[str, Any]:
    """The columns that every row of one run has."""
    return {
        "run": context.run,
        "started_at": naive_utc(context.clock.start),
        "ended_at": naive_utc(context.clock.now()),
        "run_date": f"{context.clock.today():%Y%m%d}",
        "configuration_hash": configuration_hash(context.config),
        "version": __version__,
    }


def record(context: Context, outcome: str, message: str, resources: Sequence[str]) -> None:
    """Write a command that is no run into `runs`: a row for the whole, and one for each table it changed."""
    common = {**run_row(context), "outcome": outcome, "message": message}
    append_operations(context.lake, "runs", [common, *({**common, "resource": name} for name in resources)])


def configuration_hash(config: Config) -> str:
    """Sixteen characters that change with the configuration; it holds references to the keys, never the keys."""
    return hashlib.sha256(config.model_dump_json(exclude={"folder"}).encode()).hexdigest()[:16]
