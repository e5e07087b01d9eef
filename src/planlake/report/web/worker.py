"""Carries out queries in a process of its own, which is ended where a query goes on for too long or is stopped.

That process reads the lake and nothing else, on a locked connection (`engines.duckdb.locked`). One is kept ready; where
several are asked for at once, others are started beside it.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from threading import Lock, Semaphore, Thread, Timer
from typing import IO

import msgspec

from planlake.config import Config
from planlake.config_file import VARIABLE
from planlake.errors import PlanlakeError
from planlake.lake.lake import catalogue_file
from planlake.lake.metadata.read_catalogue import settle
from planlake.report.web.frames import Answer, Request, Setup, receive, send

SECONDS_OF_GRACE = 5.0  # until a process that was asked to stop is ended
SECONDS_OF_FILES = 60.0  # how long writing a file of an answer may take, beside the query
MOST_AT_ONCE = 3
PROGRAM = "planlake.report.web.worker_process"
Kill = Callable[[], None]


class QueryError(PlanlakeError):
    """What is wrong with a query, and where: line and column from 1, 0 where nobody knows."""

    exit_code = 2

    def __init__(self, message: str, *, hint: str = "", line: int = 0, column: int = 0) -> None:
        super().__init__(message, hint=hint)
        self.line, self.column = line, column


@dataclass(slots=True, eq=False)
class Process:
    """A process for queries, and whether it has said that it is ready."""

    program: "subprocess.Popen[bytes]"
    is_ready: bool = False

    def send(self, record: object) -> None:
        """Hand it a record."""
        send(_pipe(self.program.stdin), record)

    def receive(self) -> tuple[Answer, bytes]:
        """Wait for its next answer."""
        return receive(_pipe(self.program.stdout), Answer)


@dataclass(slots=True)
class Workers:
    """The processes that carry out queries over one lake: those that wait, and how many may work at once."""

    setup: Setup
    variables: Mapping[str, str] = field(repr=False)
    catalogues: tuple[Path, ...] = field(default=(), repr=False)
    waiting: list[Process] = field(default_factory=list, repr=False)
    working: set[Process] = field(default_factory=set, repr=False)
    lock: Lock = field(default_factory=Lock, repr=False)
    places: Semaphore = field(default_factory=lambda: Semaphore(MOST_AT_ONCE), repr=False)
    is_closed: bool = False


@contextmanager
def open_workers(config: Config, environment: str | None = None) -> Iterator[Workers]:
    """Processes for queries over a lake, of which the first is started at once; they end when this is left."""
    seconds = min(config.ui.seconds, config.settings.query_seconds)
    setup = Setup(config.model_dump_json(), environment, not config.ui.personal, seconds)
    catalogues = {file for name in config.environments if (file := catalogue_file(config, name))}
    workers = Workers(setup, _without_keys(config), tuple(catalogues))
    keep_ready(workers)
    try:
        yield workers
    finally:
        close(workers)


def close(workers: Workers) -> None:
    """End all processes, in the middle of a query too; what is asked from now on is refused."""
    with workers.lock:
        workers.is_closed = True
        left = [*workers.waiting, *workers.working]
        workers.waiting.clear()
    for one in left:
        _end(one)


def answer(
    workers: Workers,
    sql: str,
    *,
    as_of: date | str | None = None,
    max_rows: int = 1000,
    started: Callable[[Kill], None] | None = None,
) -> Answer:
    """The first rows of a query, 8 MB of them at most, and whether there are more; a QueryError where it has none.

    `started` is called with what stops it, on another thread too.
    """
    return ask(workers, Request(sql, _day(as_of), max_rows), started)[0]


def download(
    workers: Workers,
    sql: str,
    *,
    as_of: date | str | None = None,
    format: str,  # noqa: A002 - as people call it
    started: Callable[[Kill], None] | None = None,
) -> bytes:
    """The whole answer as a file, `csv`, `parquet` or `xlsx`; a QueryError where it is too large for one."""
    from planlake.report.web.files import MOST_ROWS  # noqa: PLC0415 - heavy, and mostly not asked for

    return ask(workers, Request(sql, _day(as_of), MOST_ROWS[format], format=format), started)[1]


def tables(workers: Workers) -> dict[str, list[tuple[str, str]]]:
    """The columns and types of every table and view that can be asked, by `database.table`."""
    return ask(workers, Request(""))[0].tables


def keep_ready(workers: Workers) -> None:
    """Start a process that waits for a query, where none does."""
    with workers.lock:
        if not workers.waiting and not workers.is_closed:
            workers.waiting.append(_start(workers))


def ask(workers: Workers, request: Request, started: Callable[[Kill], None] | None = None) -> tuple[Answer, bytes]:
    """What a request is answered, and the file that it asked for; a QueryError says what is wrong with it."""
    with workers.places:
        for catalogue in workers.catalogues:
            settle(catalogue)  # a process that carries out queries may write nothing
        with workers.lock:
            if workers.is_closed:
                raise QueryError("planlake ui is ending, and this query was not begun")
            process = _ready(workers)
            workers.working.add(process)
        try:
            found, content = _talked(process, workers.setup, request, started)
        except BaseException:
            _end(process)
            Thread(target=keep_ready, args=(workers,), daemon=True).start()
            raise
        finally:
            with workers.lock:
                workers.working.discard(process)
        with workers.lock:
            is_kept = not workers.is_closed and len(workers.waiting) < MOST_AT_ONCE - 1
            if is_kept:
                workers.waiting.append(process)
        if not is_kept:
            _end(process)
    if (trouble := found.trouble) is not None:
        raise QueryError(trouble.message, hint=trouble.hint, line=trouble.line, column=trouble.column)
    return found, content


def _ready(workers: Workers) -> Process:
    """A process that waits for a query; one that has ended meanwhile is passed over."""
    while workers.waiting:
        process = workers.waiting.pop()
        if process.program.poll() is None:
            return process
        _end(process)
    return _start(workers)


def _talked(
    process: Process, setup: Setup, request: Request, started: Callable[[Kill], None] | None
) -> tuple[Answer, bytes]:
    """What a process answers; it is ended when it says nothing for too long."""
    seconds = setup.seconds + SECONDS_OF_GRACE + (SECONDS_OF_FILES if request.format or not request.sql else 0)
    is_late = list[bool]()

    def give_up() -> None:
        is_late.append(True)
        process.program.kill()

    timer = Timer(seconds, give_up)
    timer.daemon = True
    if started is not None:
        started(process.program.kill)
    try:
        if not process.is_ready:
            process.receive()
            process.is_ready = True
        timer.start()
        process.send(request)
        return process.receive()
    except (OSError, EOFError, msgspec.MsgspecError):
        if is_late:
            message = f"the query was stopped: it took longer than {setup.seconds:g} seconds"
            raise QueryError(message, hint="the setting ui.seconds allows more") from None
        message = "the query was stopped before it had an answer"
        hint = "if nobody stopped it, it needed more than this machine has: ask for fewer columns or rows"
        raise QueryError(message, hint=hint) from None
    finally:
        timer.cancel()


def _start(workers: Workers) -> Process:
    program = subprocess.Popen(  # noqa: S603 - a module of our own
        [sys.executable, "-m", PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=dict(workers.variables),
    )
    process = Process(program)
    with suppress(OSError):  # that it is gone shows when it is asked
        process.send(workers.setup)
    return process


def _end(process: Process) -> None:
    process.program.kill()
    process.program.wait()
    for pipe in (process.program.stdin, process.program.stdout):
        with suppress(OSError):
            _pipe(pipe).close()


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None  # noqa: S101 - each was asked for
    return pipe


def _without_keys(config: Config) -> dict[str, str]:
    """This process's variables without those that the file names as places of secrets: a query needs none."""
    sections = (config.api, config.lineage, config.notify, config.notify and config.notify.email)
    places = [one for section in sections if section for one in vars(section).values() if isinstance(one, str)]
    keys = {name for place in places for name in VARIABLE.findall(place)}
    return {name: value for name, value in os.environ.items() if name not in keys}


def _day(as_of: date | str | None) -> str | None:
    return as_of.isoformat() if isinstance(as_of, date) else as_of
