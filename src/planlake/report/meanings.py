"""What tables and columns mean: of one table, and of all that have a word in their names or meanings."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

import duckdb

from planlake.config import Config
from planlake.engines.sql import identifier
from planlake.engines.type_words import word_of_declared, word_of_sql
from planlake.errors import PlanlakeError
from planlake.flow.trust.result import TRUSTED
from planlake.lake.about_tables import OF_COLUMNS, about, resource_of
from planlake.lake.tables.columns import key_by_column, keys_of
from planlake.lake.views.models import left_tables
from planlake.lake.views.query import columns_of
from planlake.lake.views.views import Views
from planlake.sources.catalogue import Resource, catalogue_of
from planlake.sources.meanings import Confidence, labels_of, meanings_of

Words = Sequence[re.Pattern[str]]


@dataclass(frozen=True, slots=True)
class Described:
    """A column with what it means, as it is shown (a guess says that it is one), and what its values stand for.

    `confidence` says how the meaning is known and `source` where from: both are empty for Planlake's own columns, and a
    model's own have its file alone. All three are empty where nobody knows.
    """

    column: str
    type: str
    meaning: str = ""
    confidence: Confidence | None = None
    source: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found: a column of a table, or a table itself (`column` is None).

    `filled` is the share of rows in which the column holds something; None where that is not known.
    """

    table: str
    is_loaded: bool
    column: Described | None = field(default=None)
    filled: float | None = field(default=None)


def comment_of(one: Described) -> str:
    """A column's meaning and what its values stand for, as one text; empty where nobody knows."""
    values = ", ".join(f"{value} = {label}" for value, label in one.labels.items())
    return f"{one.meaning} Values: {values}." if values else one.meaning


def describe_columns(
    config: Config, resource: str, columns: Mapping[str, str], keys: Mapping[str, str]
) -> list[Described]:
    """Columns of a resource, given with their types; `keys` has the key of the API of each that is called otherwise."""
    meanings, labels = meanings_of(config).get(resource, {}), labels_of(config).get(resource, {})
    found = []
    for name, kind in columns.items():
        key = keys.get(name, name)
        one = Described(name, kind, OF_COLUMNS.get(name, ""), labels=labels.get(key, {}))
        if known := meanings.get(key):
            one = replace(one, meaning=known.said, confidence=known.confidence, source=known.source)
        found.append(one)
    return found


def describe_resource(config: Config, resource: Resource) -> dict[str, Described]:
    """The declared columns of a resource by their keys, as a new table would have them."""
    named = keys_of(None, resource)
    types = {named[key]: word_of_declared(kind) for key, kind in resource.columns.items()}
    keys = {column: key for key, column in named.items()}
    return dict(zip(resource.columns, describe_columns(config, resource.name, types, keys), strict=True))


def about_table(views: Views, zone: str, name: str) -> str:
    """What a table or view of a zone holds, as its model says or as Planlake does; empty where neither does."""
    model = views.models.by_name.get(name) if zone == "trusted" else None
    return model.about if model is not None else about(zone, name)


def describe_table(views: Views, config: Config, zone: str, name: str, columns: Mapping[str, str]) -> list[Described]:
    """The columns of a table or view, which are given with their types; what a model says of its own comes first."""
    resource = catalogue_of(config).resources.get(resource_of(name.lower()))
    found = [Described(column, kind) for column, kind in columns.items()]
    if resource is not None:
        found = describe_columns(config, resource.name, columns, _keys(views, resource))
    model = views.models.by_name.get(name.lower()) if zone == "trusted" else None
    if model is None:
        return found
    return [
        replace(one, meaning=model.columns[one.column], confidence=None, source=model.file.name)
        if one.column in model.columns
        else one
        for one in found
    ]


def _keys(views: Views, resource: Resource) -> dict[str, str]:
    """The key of the API that each column of a resource holds, or would."""
    increment = views.lake.shown("refined", f"increment_{resource.name}")
    return key_by_column(increment.schema() if increment is not None else None, resource)


def search(views: Views, config: Config, text: str) -> list[Found]:
    """Tables and columns whose names or meanings have words that begin as those of a text do; in the catalogue's order.

    All resources of the catalogue are searched, loaded or not, with the columns that only the data has, and after them
    the tables and views of the trusted zone.
    """
    words = [re.compile(rf"(?<![^\W_]){re.escape(word)}") for word in text.lower().split()]
    resources = catalogue_of(config).resources.values()
    trusted = dict.fromkeys((*views.models.by_name, *left_tables(views.models, views.lake)))
    return [
        *(one for resource in resources for one in _found(views, config, resource, words)),
        *(one for name in trusted for one in _found_in_trusted(views, config, name, words)),
    ]


def _found_in_trusted(views: Views, config: Config, name: str, words: Words) -> Iterator[Found]:
    """What is found of a trusted table, or of a view; of a model that cannot be read or was not built by its text."""
    model, full_name = views.models.by_name.get(name), f"{TRUSTED}{name}"
    columns: Mapping[str, str] = dict.fromkeys(model.columns, "") if model is not None else {}
    is_loaded = False
    with suppress(PlanlakeError, duckdb.Error):
        columns, is_loaded = columns_of(views, "trusted", name), True
    found = describe_table(views, config, "trusted", name, {one: word_of_sql(kind) for one, kind in columns.items()})
    matching = [one for one in found if _matches(one, full_name, words)]
    if all(word.search(f"{full_name} {model.about if model is not None else ''}".lower()) for word in words):
        yield Found(full_name, is_loaded)
    stored = is_loaded and not (model is not None and model.is_view)  # to count what a view shows may take long
    filled = _filled(views, "trusted", name, matching) if stored and matching else {}
    for one in matching:
        yield Found(full_name, is_loaded, one, filled.get(one.column))


def _found(views: Views, config: Config, resource: Resource, words: Words) -> Iterator[Found]:
    keys = _keys(views, resource)
    types = {column: word_of_declared(resource.type_of(key)) for column, key in keys.items()}
    matching = [
        one for one in describe_columns(config, resource.name, types, keys) if _matches(one, resource.name, words)
    ]
    current = views.lake.shown("refined", f"current_{resource.name}")
    is_loaded = current is not None
    if all(word.search(resource.name) for word in words):
        yield Found(resource.name, is_loaded)
    held = [one for one in matching if current is not None and one.column in current.schema().column_names]
    filled = _filled(views, "refined", resource.name, held) if held else {}
    for one in matching:
        yield Found(resource.name, is_loaded, one, filled.get(one.column))


def _matches(one: Described, table: str, words: Words) -> bool:
    """Whether a column has each word, or its table's name has; at least one of them itself."""
    own = f"{one.column} {one.meaning}".lower()
    return any(word.search(own) for word in words) and all(word.search(f"{table} {own}") for word in words)


def _filled(views: Views, zone: str, table: str, columns: Sequence[Described]) -> dict[str, float]:
    """In which share of the rows shown each column holds something; nothing of a table without rows.

    The lists of files keep no counts of NULLs (decision 0001), and '' in a text holds nothing: one query counts both.
    """
    views.define(zone, table)
    counts = ", ".join(f"count(nullif({identifier(one.column)}::varchar, ''))" for one in columns)
    rows, *held = views.connection.execute(f"select count(*), {counts} from {zone}.{identifier(table)}").fetchall()[0]
    return {one.column: number / rows for one, number in zip(columns, held, strict=True)} if rows else {}
