"""Answers a user's SQL query; only the tables it names are opened, and only for reading.

Each query has a locked connection of its own, for `planlake sql` and for whatever else takes SQL from people.
"""

from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date

import duckdb
import pyarrow as pa

from planlake.clock import read_clock
from planlake.config import suggestion
from planlake.engines.duckdb.connection import Connection
from planlake.engines.duckdb.deadline import Deadline
from planlake.engines.duckdb.locked import Limits, Locked, locked
from planlake.engines.duckdb.parsing import TextsOf
from planlake.engines.sql import identifier, literal
from planlake.errors import ConfigurationError
from planlake.lake.built_in_tables import built_in_rows_sql
from planlake.lake.lake import ZONES, Lake
from planlake.lake.tables.columns import ResourceSpec
from planlake.lake.views.models import Models
from planlake.lake.views.parse_query import DATABASES, HINT, Question, parse_query
from planlake.lake.views.personal import Personal, note_of_hidden
from planlake.lake.views.query_errors import nearest_columns, why
from planlake.lake.views.views import Views, known_names, places_of_names
from planlake.lake.warehouse import file_opener

Values = Sequence[object] | Mapping[str, object] | None  # of a query, beside its text
CELLS_AT_A_TIME = 1_000_000  # of an answer: what is handed on in one piece, and may become objects of Python
ROWS_AT_A_TIME = 122_880


@dataclass(frozen=True, slots=True)
class QueryContext:
    """A lake that is asked: its resources, the day it is asked about, and how far a query may go.

    Personal values are shown unless `hides_personal`; `plain_texts` are keys that hold none, by resource.
    """

    lake: Lake
    resources: Mapping[str, ResourceSpec]
    texts_of: TextsOf = field(repr=False)
    limits: Limits
    as_of: date | None = None
    models: Models = field(default_factory=Models, repr=False)
    hides_personal: bool = False
    plain_texts: Mapping[str, Collection[str]] = field(default_factory=dict, repr=False)

    @property
    def personal(self) -> Personal | None:
        """What its answers hide."""
        if not self.hides_personal:
            return None
        return Personal(self.lake, self.resources, self.models, self.plain_texts, as_of=self.as_of)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer while it comes: its columns, its rows in pieces, what to know of it, and what can draw it.

    A listing is what SHOW TABLES and the like answer; `hidden` are columns of the tables whose values are not shown.
    """

    schema: pa.Schema
    pieces: Generator[pa.RecordBatch]
    connection: Connection
    notes: tuple[str, ...] = ()
    is_listing: bool = False
    hidden: tuple[str, ...] = ()


@contextmanager
def answer_query(
    asked: QueryContext, query: str, values: Values = None, *, when_stuck: Callable[[bool], None] | None = None
) -> Iterator[Answer]:
    """The answer of one SELECT (or DESCRIBE, SUMMARIZE, SHOW TABLES); a ConfigurationError says what is wrong with it.

    `values` stand for `?` in it, or by their names for `$name`; `when_stuck`: see `Deadline`. Raises LakeError where a
    file of a table cannot be read.
    """
    opened = locked(file_opener(asked.lake), asked.limits)
    with opened as room, clear_query_errors(room, asked.limits, query) as deadline:
        deadline.when_stuck = when_stuck
        wanted = parse_query(room.connection, query)
        if wanted.lists:
            listed = _listing(asked, wanted)
            pieces = (piece for piece in listed.to_batches())
            yield Answer(listed.schema, pieces, room.connection, is_listing=True)
            return
        asked.models.define_macros(room.connection, query, asked.as_of or read_clock().today())
        notes, hidden = _define_views(asked, room, wanted, query)
        with deadline.working():
            found = room.connection.sql(query, params=values)
            size = max(2_048, min(ROWS_AT_A_TIME, CELLS_AT_A_TIME // max(1, len(found.columns))))
            reader = found.to_arrow_reader(size)
        yield Answer(reader.schema, _pieces(reader, deadline), room.connection, tuple(notes), hidden=hidden)


def _define_views(asked: QueryContext, room: Locked, wanted: Question, query: str) -> tuple[list[str], tuple[str, ...]]:
    """Make the views of the tables a query names; afterwards the connection can read their files alone."""
    views = Views(
        *(asked.lake, asked.resources, room.connection, asked.texts_of, asked.as_of),
        called=room.files.name_of,
        models=asked.models,
        personal=asked.personal,
    )
    for names in wanted.tables:
        if not views.define(*names):
            raise unknown(views, *names)
    room.files.keep(views.texts)
    hidden = views.personal.hidden if views.personal is not None else []
    return [*views.notes, *note_of_hidden(query, hidden)], tuple(hidden)


def _pieces(reader: pa.RecordBatchReader, deadline: Deadline) -> Generator[pa.RecordBatch]:
    """The rows, piece by piece; only the time until a piece is there counts."""
    try:
        while True:
            with deadline.working():
                piece = reader.read_next_batch()
            yield piece
    except StopIteration:
        return
    except (OSError, pa.ArrowException) as error:  # so Arrow hands on what DuckDB says
        raise duckdb.Error(str(error)) from None
    finally:
        reader.close()


@contextmanager
def clear_query_errors(room: Locked, limits: Limits, query: str) -> Iterator[Deadline]:
    """A deadline for a query, and what it, DuckDB or a file says as one clear error."""
    deadline = Deadline(room.connection, limits.seconds)
    try:
        yield deadline
    except (duckdb.Error, MemoryError) as error:
        reason, hint = why(error, room=room, deadline=deadline, limits=limits)
        hint = hint or nearest_columns(room.connection, query, reason) or HINT
        raise ConfigurationError(f"the query failed: {reason}", hint=hint) from None


def _listing(asked: QueryContext, wanted: Question) -> pa.Table:
    """The databases, or the tables and views of one or of all, with what they are."""
    known = known_names(asked.lake, asked.resources, asked.models)
    if wanted.lists == DATABASES:
        return pa.table({"database": [*known]})
    chosen = [name for name in known if not wanted.of or name.lower() == wanted.of.lower()]
    if not chosen:
        raise _no_database(wanted.of, known)
    lakes = [lake for lake in (asked.lake, asked.lake.base) if lake is not None]
    stored = {lake.database(zone): {*lake.names(zone)} for lake in lakes for zone in ZONES}
    rows = [(database, name) for database in chosen for name in known[database]]
    kinds = ["table" if name in stored[database] else "view" for database, name in rows]
    databases, names = [one for one, _ in rows], [one for _, one in rows]
    return pa.table(
        {"database": pa.array(databases, "str"), "table": pa.array(names, "str"), "kind": pa.array(kinds, "str")}
    )


def columns_of(views: Views, database: str, name: str) -> dict[str, str]:
    """The columns of a table or view with DuckDB's types, made ready to be read; an error where there is none."""
    if not views.define(database, name):
        raise unknown(views, database, name)
    full_name = f"{identifier(database)}.{identifier(name)}" if database else identifier(name)
    return {row[0]: row[1] for row in views.connection.execute(f"describe {full_name}").fetchall()}


def place_of_table(views: Views, database: str, name: str) -> tuple[str, str]:
    """The zone and database of a table or view that can be queried, by the names that a query has for it."""
    if not database:
        return places_of_names(views)[name.lower()]
    known = known_names(views.lake, views.resources, views.models)
    lakes = [one for one in (views.lake, views.lake.base) if one is not None]
    zone = next(zone for zone in ZONES if database.lower() in (zone, *(one.database(zone).lower() for one in lakes)))
    own, *_ = [one.database(zone) for one in lakes if name.lower() in known.get(one.database(zone), ())]
    return zone, own


def unknown(views: Views, schema: str, name: str) -> ConfigurationError:
    """Why there is no table of this name."""
    lake, resources = views.lake, views.resources
    databases = [*ZONES, *(lake.database(zone) for zone in ZONES)]
    bases = [lake.base.database(zone) for zone in ZONES] if lake.base is not None else []
    if schema and schema.lower() not in [database.lower() for database in (*databases, *bases)]:
        return _no_database(schema, databases)
    trusted = ["", "trusted", *(one.database("trusted").lower() for one in (lake, lake.base) if one is not None)]
    if name.lower() in views.models.by_name and schema.lower() in trusted:
        return _not_built(views, name.lower())
    if name.lower() in resources:
        return ConfigurationError(f'"{name}" was not loaded yet', hint=f"planlake run {name.lower()}")
    known = {found for names in known_names(lake, resources, views.models).values() for found in names}
    return ConfigurationError(f'no table is called "{name}"', hint=suggestion(name, known) if known else HINT)


def _not_built(views: Views, model: str) -> ConfigurationError:
    """Why a model has no table yet, as the last run that would have built it told."""
    rows = built_in_rows_sql(views.lake, "operations", "runs", called=views.called)
    query = f"""select run, outcome, message from {rows} where resource = {literal(f"trusted.{model}")}
                order by run desc limit 1"""
    for run, outcome, message in views.connection.execute(query).fetchall():
        said = f"trusted.{model} was never built: run {run} says it is {outcome}: {message}"
        return ConfigurationError(said, hint=f"planlake model test {model}")
    return ConfigurationError(f"trusted.{model} was not built yet", hint="planlake run --step trust")


def _no_database(schema: str, databases: "Mapping[str, object] | list[str]") -> ConfigurationError:
    return ConfigurationError(f'no database is called "{schema}"', hint=suggestion(schema, list(databases)))
