"""The process that carries out queries for `planlake ui` and for assistants: it reads requests and writes answers.

It opens the lake anew for each query, on a locked connection; it has no keys of the API, cannot take more memory than
it may, and whoever started it ends it where a query goes on for too long.
"""

import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from threading import Thread
from time import perf_counter, sleep

import duckdb
import msgspec
import pyarrow as pa

from planlake.config import Config, Environment
from planlake.engines.duckdb.connection import Connection
from planlake.engines.memory import ROOM_MEGABYTES
from planlake.engines.spill import spill_folder
from planlake.engines.type_words import word_of
from planlake.errors import ConfigurationError, PlanlakeError
from planlake.lake.views.query import QueryContext
from planlake.report.printable_rows import AS_THEY_ARE, IS_TEXT, as_text, is_any
from planlake.report.query import fetch, open_for_queries
from planlake.report.web.columns_of_tables import columns_of_tables
from planlake.report.web.files import file_of
from planlake.report.web.frames import Answer, Cell, Column, Request, Setup, Trouble, receive, send
from planlake.report.web.mistakes import place_of_mistake
from planlake.report.web.second_wall import build_second_wall

MOST_BYTES = 8_000_000  # of an answer's rows, as JSON
SECONDS_BETWEEN_LOOKS = 1.0
MOST_DIGITS = 2**53  # beyond it a browser has no whole number of its own
ALLOWED_BY = "ui.seconds"
PRECISE = {pa.types.is_boolean, pa.types.is_decimal}


def main() -> None:
    """Answer requests from standard input on standard output until it is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever started this process
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is no answer
    setup, _ = receive(sys.stdin.buffer, Setup)
    config = Config.model_validate_json(setup.config)
    if all(map(_is_of_this_machine, config.environments.values())):
        build_second_wall(spill_folder())  # before there is any other thread: of those it knows nothing
    Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    ready = answered(config, setup, Request("select 1"))  # loads all that a query needs
    _limit_memory(config.settings.query_memory_megabytes)
    send(answers, *ready)
    while True:
        try:
            request, _ = receive(sys.stdin.buffer, Request)
        except EOFError:
            return
        send(answers, *answered(config, setup, request))


def _is_of_this_machine(one: Environment) -> bool:
    """Whether a lake is read without any network, and without the files in which clouds keep their tokens."""
    return one.catalog.uri.startswith("sqlite:") and one.catalog.type == "sql" and "://" not in f"{one.warehouse}"


def _end_with(parent: int) -> None:
    """End this process when the one that started it is gone, in the middle of a query too."""
    while os.getppid() == parent:
        sleep(SECONDS_BETWEEN_LOOKS)
    os._exit(1)


def answered(config: Config, setup: Setup, request: Request) -> tuple[Answer, bytes]:
    """The answer to a request and the file it asked for; what is wrong with it is part of the answer."""
    began = perf_counter()
    try:
        found, content = _carried_out(_opened(config, setup, request), request)
        return replace(found, seconds=perf_counter() - began), content
    except PlanlakeError as error:
        line, column = place_of_mistake(error, request.sql)
        message = ". ".join(one for one in (str(error), error.state) if one)
        return Answer(trouble=Trouble(message, error.hint, line, column, error.exit_code)), b""
    except MemoryError:
        megabytes = config.settings.query_memory_megabytes
        message, hint = f"the query failed: it needs more memory than {megabytes:,} MB", "ask for fewer columns or rows"
        return Answer(trouble=Trouble(message, hint)), b""
    except Exception as error:
        message = f"this query met a defect of Planlake: {type(error).__name__}"
        return Answer(trouble=Trouble(message, "planlake sql shows more of it", exit_code=4)), b""


def _opened(config: Config, setup: Setup, request: Request) -> QueryContext:
    try:
        day = date.fromisoformat(request.as_of) if request.as_of else None
    except ValueError:
        raise ConfigurationError("the day is not a date", hint="a day looks like 2026-11-27") from None
    asked = open_for_queries(config, environment=setup.environment, as_of=day, hides_personal=setup.hides_personal)
    seconds = min(setup.seconds, request.seconds or setup.seconds)
    return replace(asked, limits=replace(asked.limits, seconds=seconds, allowed_by=ALLOWED_BY))


def _carried_out(asked: QueryContext, request: Request) -> tuple[Answer, bytes]:
    if not request.sql:
        return Answer(tables=columns_of_tables(asked)), b""
    found = fetch(asked, request.sql, request.values, most=request.max_rows)
    notes = found.notes[:-1] if found.is_cut else found.notes  # the last says that there are more
    if request.format:
        return Answer(notes=notes), file_of(_writer(), found, request)
    rows, is_whole = _within(_rows(_writer(), found.rows), MOST_BYTES)
    columns = tuple(Column(one.name, word_of(one.type)) for one in found.rows.schema)
    return Answer(columns, rows, found.is_cut or not is_whole, notes, found.hidden), b""


@cache
def _writer() -> Connection:
    """Writes values as texts, of whatever type they are; it is handed values, and no query of anybody's."""
    return duckdb.connect(config={"temp_directory": ""})


def _rows(connection: Connection, table: pa.Table) -> Iterator[tuple[Cell, ...]]:
    return zip(*(_cells(connection, column) for column in table.columns), strict=True)


def _cells(connection: Connection, column: pa.ChunkedArray) -> list[Cell]:
    """Values as a browser can hold them: numbers that it has, and texts."""
    kind = column.type
    is_precise = any(is_one(kind) for is_one in PRECISE)
    if is_any(kind, IS_TEXT) or (is_any(kind, AS_THEY_ARE) and not is_precise):
        return [_cell(one) for one in column.to_pylist()]
    return list(as_text(connection, column).to_pylist())


def _cell(value: object) -> Cell:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float):
        return value if value - value == 0 else str(value)
    return int(str(value)) if abs(int(str(value))) <= MOST_DIGITS else str(value)


def _within(rows: Iterator[tuple[Cell, ...]], most: int) -> tuple[tuple[tuple[Cell, ...], ...], bool]:
    """The rows that so many bytes hold, and whether these are all; an error where not even one fits."""
    found, size = list[tuple[Cell, ...]](), 0
    for row in rows:
        size += len(msgspec.json.encode(row))
        if size > most:
            if not found:
                message = f"the query failed: one row of the answer has more than {most / 1e6:.0f} MB"
                raise ConfigurationError(message, hint="ask for fewer columns, or download the answer")
            return tuple(found), False
        found.append(row)
    return tuple(found), True


def _limit_memory(megabytes: int) -> None:
    """Never take more than so much for a query and as much for its answer; nothing happens except on Linux."""
    if sys.platform != "linux":
        return
    import resource  # noqa: PLC0415 - Windows has none

    taken = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    most = taken + (2 * megabytes + ROOM_MEGABYTES) * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
