"""A lake in a temporary folder, fed by the real simulator, with keys and clock set."""

import gc
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from itertools import count
from pathlib import Path
from threading import Thread

import duckdb
import pytest

from commands import typed_in_process
from planlake.config import Config, load_config
from planlake.lake.lake import ZONES, catalogue_file
from planlake.lake.open_lake import open_lake
from planlake.lake.views.views import Views
from planlake.report.query import open_views
from planlake.runs.plan import Selection
from planlake.runs.run import RunResult, TableResult, run
from planlake.simulator.app import PRIVATE_KEY, PUBLIC_KEY, Speech
from planlake.simulator.dataset import Dataset
from planlake.simulator.faults import FaultPlan
from planlake.simulator.register import TOKEN
from planlake.simulator.server import Simulator
from querying import answer

Write = Callable[[str], Config]
TESTS = Path(__file__).parent
MEMORY, ENOUGH_BYTES = Path("/dev/shm"), 2 * 2**30


# The longest first: what begins last decides when several processes are done. All others follow as they are.
IN_ONE = "tests/browser/"
LONGEST = (
    "browser",
    *("flow/test_random_histories.py", "changes/test_undoing_in_any_order.py", "flow/ingest/test_interruptions.py"),
    *("flow/ingest/test_faults.py", "flow/ingest/test_faults_at_recount.py"),
    *(
        "changes/test_rollback.py",
        "flow/test_real_records.py",
        "lake/test_maintenance.py",
        "flow/refine/test_odd_records.py",
    ),
    *("flow/refine/test_planted_faults.py", "flow/ingest/test_ledger.py", "runs/test_rules.py", "cli/runs/test_run.py"),
)


def pytest_collection_modifyitems(items):
    """Files and folders in the order of `LONGEST`."""
    places = {str(TESTS / name): place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(str(item.path), places.get(str(item.path.parent), len(places))))


def pytest_xdist_make_scheduler(config, log):
    """A file's tests stay in one process, and all of the browser: its lakes are made once."""
    from xdist.scheduler import LoadFileScheduling  # noqa: PLC0415 - only where it is used

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid):
            file = super()._split_scope(nodeid)
            return IN_ONE if file.startswith(IN_ONE) else file

    return Scheduling(config, log)


def pytest_configure(config):
    """Temporary folders lie in memory where there is some: every commit of a lake waits for its disk.

    Ctrl-C is heard: a shell that runs a command in the background (`make test &`) has it, and all it starts, ignore it.
    Garbage is looked for less often, as the program does: tests and modules stay to the end, and are many.
    """
    gc.set_threshold(50_000, 20, 20)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.pop("COLUMNS", None)  # which workers of xdist have: screens are as wide as a test says
    config.option.loadscopereorder = False  # xdist takes the files with the most tests for the longest
    has_room = MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= ENOUGH_BYTES
    if has_room and "TMPDIR" not in os.environ:
        os.environ["TMPDIR"], tempfile.tempdir = str(MEMORY), None


@pytest.fixture(scope="session", autouse=True)
def one_duckdb():
    """DuckDB is started once: to start takes as long as a query, and lakes are opened thousands of times.

    Who connects with settings is given a database of its own in the one with these settings; a program that is run as
    a process starts its own.
    """
    connect, numbers, started = duckdb.connect, count(1), {}

    @contextmanager
    def connected(settings):
        database, name = started.get(str(settings)), f"lake_{next(numbers)}"
        if database is None:
            database = started[str(settings)] = connect(config=settings)
        try:
            with database.cursor() as connection:
                connection.execute(f"attach ':memory:' as {name}; use {name}")
                yield connection
        finally:
            with database.cursor() as connection:
                others = "not internal and not starts_with(database_name, 'lake_') and database_name <> 'memory'"
                left = connection.execute(f"select database_name from duckdb_databases() where {others}").fetchall()
                for one in (name, *(one for (one,) in left)):
                    connection.execute(f'detach "{one}"')

    def connect_or_share(*args, config=None, **more):
        if config and config.get("temp_directory") == "":  # locked for good: nobody could share it
            return connect(*args, config=config, **more)
        return connected(config) if config else connect(*args, **more)

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(duckdb, "connect", connect_or_share)
        yield
    for database in started.values():
        database.close()


@pytest.fixture
def feed(loaded):
    """The lake that a module's `loaded` made, set back to how it was then."""
    made, set_back = loaded
    set_back()
    return made


@pytest.fixture
def typed(feed, monkeypatch, capfd):
    """Run a command on the lake of `feed` in this process."""
    file = feed.config.folder / "planlake.yaml"
    return lambda *arguments: typed_in_process(monkeypatch, capfd, [*arguments, "--config", file])


@dataclass
class Feed:
    """A simulator and a lake that reads from it; both clocks are moved by `run_at`."""

    simulator: Simulator
    config: Config
    monkeypatch: pytest.MonkeyPatch
    _views: dict[str | None, Views] = field(default_factory=dict, init=False)  # not shared by a feed of another lake
    _open: ExitStack = field(default_factory=ExitStack, init=False)
    _read: tuple | None = field(default=None, init=False)

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

    def remembered(self) -> Callable[[], None]:
        """Keep the lake, the API and the clock as they are; what is returned sets them back, to the same places."""
        folder, config, now = self.config.folder, self.config, os.environ.get("PLANLAKE_NOW", "")
        copy = shutil.copytree(folder, f"{folder}-kept-{len([*folder.parent.glob(f'{folder.name}-kept-*')])}")
        requests, state = [*self.simulator.requests], vars(self.data)
        kept = {name: deepcopy(value) for name, value in state.items() if name != "_lock"}

        def set_back() -> None:
            shutil.rmtree(folder)
            shutil.copytree(copy, folder)
            for name in state.keys() - {"_lock"}:
                del state[name]
            state.update(deepcopy(kept))
            self.config, self.simulator.requests[:] = config, requests
            self.monkeypatch.setenv("PLANLAKE_NOW", now)
            self.fail()

        return set_back

    def rows(self, query: str, as_of: str | date | None = None, environment: str | None = None) -> list[dict]:
        """The rows of a query, each a dictionary; the lake is opened again where something was committed to it."""
        if self._read is None or self._read != self._catalogues():
            self.close()
        if environment not in self._views:
            self._views[environment] = self._open.enter_context(open_views(self.config, environment=environment))
            self._read = self._catalogues()  # to open a new lake is a commit
        day = date.fromisoformat(str(as_of)) if as_of else None
        return answer(replace(self._views[environment], as_of=day, notes=[]), query).to_pylist()

    def close(self) -> None:
        """Close the lake that was opened for queries."""
        self._open.close()
        self._views.clear()

    def _catalogues(self) -> tuple | None:
        """The configuration and the state of each catalogue; None where one has no file.

        SQLite counts the commits to a file in the file itself.
        """
        files = [catalogue_file(self.config, name) for name in self.config.environments]
        if not all(file and file.is_file() for file in files):
            return None
        return self.config, *((file, file.stat().st_ino, _commits(file)) for file in files)

    def snapshots(self) -> dict[str, int]:
        """The current Iceberg snapshot of every table."""
        lake = open_lake(self.config)
        found = {f"{zone}.{name}": lake.find(zone, name) for zone in ZONES for name in lake.names(zone)}
        return {name: table.metadata.current_snapshot_id for name, table in found.items()}


def _commits(catalogue: Path) -> bytes:
    with catalogue.open("rb") as stream:
        stream.seek(24)
        return stream.read(4)


def table_of(result: RunResult, name: str) -> TableResult:
    """What a run did to one table."""
    return next(table for table in result.tables if table.table == name)


@contextmanager
def feeding(data: Dataset, folder: Path, settings: str, speech: Speech | None = None) -> Iterator[Feed]:
    """A running simulator of these records and a lake in `folder`; `settings` is YAML beside source and api.

    It is told to stop at the end and not waited for, which takes a fifth of a second.
    """
    simulator = Simulator(data, speech=speech)
    simulator.start()
    try:
        with pytest.MonkeyPatch.context() as monkeypatch:
            monkeypatch.setenv("TASCOMI_PUBLIC_KEY", PUBLIC_KEY)
            monkeypatch.setenv("TASCOMI_PRIVATE_KEY", PRIVATE_KEY)
            monkeypatch.setenv("PLANLAKE_API_TOKEN", TOKEN)
            feed = Feed(simulator, written_config(simulator, folder, settings), monkeypatch)
            yield feed
            feed.close()
    finally:
        Thread(target=simulator.stop, daemon=True).start()


def written_config(simulator: Simulator, folder: Path, settings: str) -> Config:
    """A planlake.yaml in `folder`, read."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "planlake.yaml"
    file.write_text(f'api: {{base_url: "{simulator.url}"}}\n{settings}', encoding="utf-8")
    return load_config(file)
