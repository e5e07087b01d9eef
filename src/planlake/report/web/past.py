"""Queries that were asked, in a file of the user's own: nothing is kept in the browser."""

import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from planlake.config import Config
from planlake.report.state_folder import state_folder

MOST_KEPT = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """A query, and the day it was asked about; None for the present."""

    sql: str
    as_of: str | None = None


@dataclass(frozen=True, slots=True)
class Past:
    """The queries of one configuration and environment, in a file that nobody else can read."""

    file: Path

    def asked(self) -> list[Asked]:
        """The queries, the last first; none where there is no file, or it holds something else."""
        try:
            lines = self.file.read_bytes().splitlines()
            return [msgspec.json.decode(line, type=Asked) for line in reversed(lines)]
        except (OSError, msgspec.MsgspecError):
            return []

    def remember(self, query: Asked) -> None:
        """Put a query last, once. Where the file cannot be written, nothing is kept."""
        kept = [query, *(one for one in self.asked() if one != query)][:MOST_KEPT]
        content = b"".join(msgspec.json.encode(one) + b"\n" for one in reversed(kept))
        beside = self.file.with_suffix(f".{os.getpid()}.part")
        with suppress(OSError):
            self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(content)
            beside.replace(self.file)


def past_of(config: Config, environment: str | None) -> Past:
    """Where the queries of an environment are kept."""
    place = f"{config.folder.resolve()}\0{environment or next(iter(config.environments))}"
    return Past(state_folder() / f"queries-{hashlib.sha256(place.encode()).hexdigest()[:16]}.jsonl")
