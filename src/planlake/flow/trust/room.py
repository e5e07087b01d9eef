"""Where a model is carried out: a locked connection on which what it reads is there, and its errors name its lines."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cache, partial
from time import time

import duckdb
import pyarrow as pa

from planlake.clock import read_clock
from planlake.config import Config
from planlake.engines.duckdb.connection import Connection
from planlake.engines.duckdb.locked import Limits, Locked, locked
from planlake.engines.sql import literal
from planlake.errors import ConfigurationError
from planlake.lake.lake import Lake
from planlake.lake.tables.columns import ResourceSpec
from planlake.lake.views.models import Model, Models, left_tables
from planlake.lake.views.query import clear_query_errors
from planlake.lake.views.read_models import read_models
from planlake.lake.views.views import Views
from planlake.lake.warehouse import file_opener
from planlake.sources.closing_days import closing_days_of
from planlake.sources.records import texts_of

# What is wrong with the text of a query: such a message names columns and tables, and no value of a row.
OF_THE_TEXT = (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException, duckdb.SyntaxException)
OF_A_SETTING = re.compile(r"the setting (\w+) is a (?:number|day)")
BEFORE_A_QUERY = re.compile(r'^(?:explain |insert into made |.*"? as (?=select\b|with\b|from\b))', re.IGNORECASE)
OF_LIMITS = (duckdb.InterruptException, duckdb.OutOfMemoryException)  # of which the message is our own
ROWS_AT_A_TIME = 10_000
SECONDS_OF_ONE_TIME = 2  # a file that is written twice within them may look the same
_READ: dict[tuple[object, ...], Models] = {}  # what was read last
NO_VALUE, TRY_CAST = "a value of some row does not convert", "try_cast gives NULL where cast fails"


def models_of(config: Config, connection: Connection, resources: Mapping[str, object]) -> Models:
    """The models of the configuration's folder and what they are given; none where there is no such folder.

    A process that answers many queries reads them again only where a file of theirs is another one.
    """
    said, folder = config.models, config.folder / config.models.folder
    key: tuple[object, ...] = (folder, said.model_dump_json(), *resources)
    newest = 0.0
    for file in sorted((*folder.glob("*.*"), *folder.glob("mappings/*"))):
        with suppress(OSError):
            found = file.stat()
            key, newest = (*key, str(file), found.st_mtime_ns, found.st_size, found.st_ino), max(newest, found.st_mtime)
    if key not in _READ:
        models = read_models(folder, connection, resources, said.checks)
        _READ.clear()
        if abs(time() - newest) < SECONDS_OF_ONE_TIME:
            return given(config, models)
        _READ[key] = models
    return given(config, _READ[key])


def given(config: Config, models: Models) -> Models:
    """Models with what the configuration gives them; closing days are found out once, where they are asked for."""
    settings = {name: str(value) for name, value in config.models.settings.items()}
    return replace(models, closing_days=cache(partial(closing_days_of, config)), settings=settings)


def tables_left(config: Config, lake: Lake, models: Models) -> list[str]:
    """The trusted tables that no model makes any more; the catalogue is not asked where models were never used."""
    folder, is_named = config.folder / config.models.folder, "folder" in config.models.model_fields_set
    return left_tables(models, lake) if is_named or folder.exists() or folder.is_symlink() else []


@contextmanager
def opened_room(
    config: Config, lake: Lake, resources: Mapping[str, ResourceSpec], models: Models, model: Model
) -> Iterator[tuple[Locked, Views]]:
    """A connection that reads what a model reads and can do nothing else; a ConfigurationError says what is wrong."""
    limits = Limits(config.settings.query_seconds, config.settings.query_memory_megabytes)
    opened = locked(file_opener(lake), limits)
    read = (model, *models.views_below(model))
    with (
        opened as room,
        _with_line(read),
        clear_query_errors(room, limits, model.query) as deadline,
        deadline.working(),
    ):
        views = Views(lake, resources, room.connection, texts_of, called=room.files.name_of, models=models)
        models.define_macros(room.connection, model.text, read_clock().today())
        for schema, name in model.reads:
            if not views.define_for(model, schema, name):
                raise ConfigurationError(f"{schema}.{name} was not loaded yet", hint=f"planlake run {name}")
        yield room, views


@contextmanager
def _with_line(models: Sequence[Model]) -> Iterator[None]:
    """What is wrong with a model, or a view below it, with the line of its file; they come in this order.

    What reading rows says may hold a value of one, but not what the queries themselves say by `error('...')`, such as
    which values a setting can have.
    """
    try:
        yield
    except ConfigurationError as error:
        cause = error.__context__
        said = str(cause).partition("\n")[0].removeprefix("Invalid Input Error: ")
        facts = {**error.facts, "at": error.facts.get("at", _place(models, str(cause), said))}
        message, hint = error.message, error.hint
        if any(f"error({literal(said)})" in one.query for one in models) or OF_A_SETTING.fullmatch(said):
            message, hint = said, ""
        elif isinstance(cause, duckdb.Error) and not isinstance(cause, (*OF_THE_TEXT, *OF_LIMITS)):
            message, hint = NO_VALUE, TRY_CAST
        raise ConfigurationError(message, facts=facts, state=error.state, hint=hint) from None


def _place(models: Sequence[Model], text: str, said: str) -> str:
    """The line that an error of DuckDB is about: in which of the models its words stand, else in the first."""
    setting = OF_A_SETTING.fullmatch(said)
    words = f"'{setting[1]}'" if setting else f"error({literal(said)})"
    shown = re.search(r"LINE (\d+): (?:\.\.\.)?(.*?)(?:\.\.\.)?$", text, re.MULTILINE)
    number = int(shown[1]) if shown else 1
    text = BEFORE_A_QUERY.sub("", shown[2]).strip() if shown else ""
    for one in models:
        lines = one.query.split("\n")
        if shown and text in "".join(lines[number - 1 : number]):
            return one.place(number)
        if spoken := [place for place, line in enumerate(lines, 1) if words in line]:
            return one.place(spoken[0])
    return models[0].place(number)


def made_rows(room: Locked, model: Model) -> str:
    """The rows of a view as a table of the connection, once for all its checks; its name."""
    room.connection.execute(f"create temporary table made as {model.query}")
    return "made"


def answer_of(room: Locked, model: Model) -> pa.RecordBatchReader:
    """The rows of a model as its query gives them, in pieces."""
    try:
        return room.connection.sql(model.query).to_arrow_reader(ROWS_AT_A_TIME)
    except OF_THE_TEXT:
        room.connection.execute(f"explain {model.query}")  # fails as well, and says the line, which sql() does not
        raise


def pieces_of(reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    """The rows of an answer; what Arrow hands on of an error of DuckDB is that error again."""
    try:
        yield from reader
    except (OSError, pa.ArrowException) as error:
        text = str(error)
        of = {"Out of Memory": duckdb.OutOfMemoryException, "INTERRUPT": duckdb.InterruptException}
        kind = next((kind for begins, kind in of.items() if text.startswith(begins)), duckdb.Error)
        raise kind(text) from None


def related(views: Views, model: Model) -> Callable[[str], str]:
    """Makes the tables that relations of a model lead to ready to be read, by `schema.table`."""

    def ready(place: str) -> str:
        zone, _, name = place.partition(".")
        if not views.define(zone, name):
            raise ConfigurationError(f"a relation of {model.name} leads to {place}, which was not loaded")
        return place

    return ready
