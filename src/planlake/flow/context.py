"""What every step of a run is given: the open lake, the catalogue, the clock, and where to tell what it does."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from planlake.clock import Clock
from planlake.config import Config
from planlake.engines.duckdb import Connection
from planlake.lake.arrivals import Arrivals
from planlake.lake.lake import Lake
from planlake.lake.unended import Unended
from planlake.sources.catalogue import Catalogue

if TYPE_CHECKING:
    from planlake.flow.telling import Telling  # which knows the steps, and they know their context


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a step of a table has come; `total` is None while it is not known."""

    table: str
    step: str
    done: int
    total: int | None = None


Notify = Callable[[Progress], None]


def ignore(_: Progress) -> None:
    """Report progress to nobody."""


@dataclass(frozen=True, slots=True)
class Context:
    """One run: its number, its lake and what it works with. `connection` is a DuckDB of its own."""

    run: int
    config: Config
    catalogue: Catalogue
    lake: Lake
    connection: Connection = field(repr=False)
    clock: Clock
    arrivals: Arrivals = field(repr=False)
    telling: "Telling" = field(repr=False)
    notify: Notify = ignore
    accepts_gaps: bool = False
    request_ids: Iterator[int] = field(default_factory=itertools.count, repr=False)
    accepts_deletions: bool = False
    unended: tuple[Unended, ...] = ()
