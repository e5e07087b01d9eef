"""What every step of a run is given: the open lake, the catalogue, the clock, and where to tell what it does."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

from planlake.clock import Clock
from planlake.config import Config
from planlake.engines.choosing import Engines
from planlake.engines.duckdb.connection import Connection
from planlake.engines.engine import Engine
from planlake.lake.lake import Lake
from planlake.lake.state.landing import Arrivals
from planlake.lake.state.unfinished_runs import UnfinishedRun
from planlake.sources.catalogue import Catalogue
from planlake.telemetry.progress import Notify, ignore
from planlake.telemetry.reporter import Reporter


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
    reporter: Reporter = field(repr=False)
    notify: Notify = ignore
    accepts_gaps: bool = False
    request_ids: Iterator[int] = field(default_factory=itertools.count, repr=False)
    accepts_deletions: bool = False
    unfinished: tuple[UnfinishedRun, ...] = ()
    engines: Engines = field(default_factory=Engines)
    followed: set[str] = field(default_factory=set, repr=False)  # what a command sees to itself before it ends

    def unit_memory(self, engine: Engine) -> int:
        """Megabytes for DuckDB where this engine carries out a unit of work."""
        return int(self.config.settings.memory_limit_megabytes * engine.share)
