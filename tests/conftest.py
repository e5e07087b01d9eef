"""A lake in a temporary folder, fed by the real simulator, with keys and clock set."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import pytest

from planlake.config import Config, load_config
from planlake.flow.plan import Selection
from planlake.flow.query import opened_views
from planlake.flow.run import RunResult, TableResult, run
from planlake.lake.lake import ZONES
from planlake.lake.previews import open_lake
from planlake.lake.query import answer
from planlake.simulator.app import PRIVATE_KEY, PUBLIC_KEY, Speech
from planlake.simulator.dataset import Dataset
from planlake.simulator.faults import FaultPlan
from planlake.simulator.register import TOKEN
from planlake.simulator.server import Simulator

Write = Callable[[str], Config]


@dataclass
class Feed:
    """A simulator and a lake that reads from it; both clocks are moved by `run_at`."""

    simulator: Simulator
    config: Config
    monkeypatch: pytest.MonkeyPatch

    @property
    def data(self) -> Dataset:
        return self.simulator.data

    def run_at(self, now: str, *tables: str, is_full: bool = False, accepts_gaps: bool = False) -> RunResult:
        """A run at a London time, the API moved on to the same moment."""
        self.monkeypatch.setenv("PLANLAKE_NOW", now)
        moment = datetime.fromisoformat(now)
        if moment > self.data.now:
            self.data.move_to(moment)
        return run(self.config, Selection(tables=tables, is_full=is_full, accepts_gaps=accepts_gaps))

    def fail(self, *rules) -> None:
        """What goes wrong from now on; nothing, where no rule is given."""
        self.simulator.faults = FaultPlan(list(rules))

    def rows(self, query: str, as_of: str | None = None) -> list[dict]:
        """The rows of a query, each a dictionary."""
        day = date.fromisoformat(as_of) if as_of else None
        with opened_views(self.config, as_of=day) as views:
            return answer(views, query).to_pylist()

    def snapshots(self) -> dict[str, int]:
        """The current Iceberg snapshot of every table."""
        lake = open_lake(self.config)
        found = {f"{zone}.{name}": lake.find(zone, name) for zone in ZONES for name in lake.names(zone)}
        return {name: table.metadata.current_snapshot_id for name, table in found.items()}


def table_of(result: RunResult, name: str) -> TableResult:
    """What a run did to one table."""
    return next(table for table in result.tables if table.table == name)


@contextmanager
def feeding(data: Dataset, folder: Path, settings: str, speech: Speech | None = None) -> Iterator[Feed]:
    """A running simulator of these records and a lake in `folder`; `settings` is YAML beside source and api."""
    with Simulator(data, speech=speech) as simulator, pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("TASCOMI_PUBLIC_KEY", PUBLIC_KEY)
        monkeypatch.setenv("TASCOMI_PRIVATE_KEY", PRIVATE_KEY)
        monkeypatch.setenv("PLANLAKE_API_TOKEN", TOKEN)
        yield Feed(simulator, written_config(simulator, folder, settings), monkeypatch)


def written_config(simulator: Simulator, folder: Path, settings: str) -> Config:
    """A planlake.yaml in `folder`, read."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "planlake.yaml"
    file.write_text(f'api: {{base_url: "{simulator.url}"}}\n{settings}', encoding="utf-8")
    return load_config(file)
