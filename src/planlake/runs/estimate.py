"""Estimates requests, bytes and seconds of a full load.

One request for each table that is to be read whole: its first page says how many pages there are, how large one is and
how long one takes.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from planlake.config import Config
from planlake.event_loop import run_to_end
from planlake.lake.state.ledger import FULL
from planlake.runs.plan import TablePlan
from planlake.sources.catalogue import catalogue_of
from planlake.sources.dialect import Dialect, page_query
from planlake.sources.http.client import Source
from planlake.sources.records import no_records
from planlake.sources.signing import opened_source


@dataclass(frozen=True, slots=True)
class Estimate:
    """What reading a table whole takes: requests, bytes of JSON, seconds; `error` where its first page did not come."""

    requests: int = 0
    bytes: int = 0
    seconds: float = 0.0
    error: str = ""


def estimate_full_loads(config: Config, plans: Sequence[TablePlan]) -> dict[str, Estimate]:
    """What to expect of every table that is to be read whole, by table.

    Raises what asking the API raises: ConfigurationError for keys, SourceUnreachable, SourceRefused.
    """
    tables = [plan.table for plan in plans if any(window.name == FULL for window in plan.windows)]
    return run_to_end(_ask(config, tables)) if tables else {}


async def _ask(config: Config, tables: Sequence[str]) -> dict[str, Estimate]:
    catalogue, concurrency = catalogue_of(config), config.settings.concurrency
    dialect, places = catalogue.dialect, [catalogue.resource(table).address for table in tables]
    async with opened_source(config, dialect) as source:
        found = await asyncio.gather(*(_estimate(source, dialect, place, concurrency) for place in places))
    return dict(zip(tables, found, strict=True))


async def _estimate(source: Source, dialect: Dialect, address: str, concurrency: int) -> Estimate:
    answer = await source.get(address, page_query(dialect, 1), no_records)
    if answer.error:
        return Estimate(error=answer.error)
    pages = max(1, answer.totals.pages) if answer.totals else 1
    return Estimate(pages, pages * answer.size, pages * answer.seconds / min(pages, concurrency))
