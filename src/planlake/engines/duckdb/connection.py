"""Connections to DuckDB: a database in memory for each run, and the one that units of work are done with."""

import atexit
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

import duckdb

from planlake.engines.duckdb.ctrl_c import as_ctrl_c, stopping
from planlake.engines.spill import spill_folder

Connection = duckdb.DuckDBPyConnection
# Joins keep the sides they are written with: of files without statistics the optimizer takes either side for one row,
# and would put the wide one into memory.
KEPT_SIDES = "build_side_probe_side"


UNIT_THREADS = 2  # where a process does units alone: others of its machine do theirs, and each thread takes memory


@contextmanager
def connected(memory_limit_megabytes: int, threads: int | None = None) -> Iterator[Connection]:
    """An in-memory DuckDB that spills to this process's folder beyond its memory limit; for SQL of our own only.

    What users write is carried out on a connection of `locked`.
    """
    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": f"{memory_limit_megabytes}MB",
        "temp_directory": str(spill_folder()),
        "python_enable_replacements": False,  # a name in a query is a table, never a variable of ours
    }
    if threads is not None:
        settings["threads"] = threads
    with as_ctrl_c(), duckdb.connect(config=settings) as connection:
        connection.execute(f"set disabled_optimizers = '{KEPT_SIDES}'")
        with _shared(connection):
            _prepare(connection)
            yield connection


@contextmanager
def connected_to_read(memory_limit_megabytes: int) -> Iterator[Connection]:
    """The same for commands that only read: Ctrl-C stops what DuckDB does, however busy it is."""
    with connected(memory_limit_megabytes) as connection, stopping(connection.interrupt):
        yield connection


Prepare = Callable[[Connection, str], None]
_preparing: dict[str, Prepare] = {}  # what connections need beside, by the scheme of the files it is for


def before_use(scheme: str, prepare: Prepare) -> None:
    """Prepare every connection for files of a scheme: those that are open, and those to come."""
    with _opening:
        _preparing[scheme] = prepare
        for connection in _of_process.get(os.getpid(), []):
            prepare(connection, scheme)


def _prepare(connection: Connection) -> None:
    for scheme, prepare in _preparing.items():
        prepare(connection, scheme)


_opening = Lock()
_of_process: dict[int, list[Connection]] = {}  # a fork has none of its own


@contextmanager
def _shared(connection: Connection) -> Iterator[None]:
    """Units of work that are done in this process are done with this database, so that one limit of memory holds."""
    known = _of_process.setdefault(os.getpid(), [])
    known.append(connection)
    try:
        yield
    finally:
        known.remove(connection)


@contextmanager
def unit_cursor(memory_limit_megabytes: int) -> Iterator[Connection]:
    """A cursor for one unit of work: of the run's own database in its process, elsewhere of one that stays open.

    Opening a database takes as long as a small unit.
    """
    with _opening:
        known = _of_process.setdefault(os.getpid(), [])
        if not known:
            _stay_open(memory_limit_megabytes)
    with known[-1].cursor() as cursor:
        yield cursor


def _stay_open(memory_limit_megabytes: int) -> None:
    opened = connected(memory_limit_megabytes, UNIT_THREADS)
    opened.__enter__()
    atexit.register(opened.__exit__, None, None, None)
