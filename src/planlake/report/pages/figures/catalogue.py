"""The catalogue: every database and table, a line each, what can be loaded beside, and the index to search it all."""

from collections.abc import Iterator
from dataclasses import dataclass

from planlake.lake.about_tables import OF_ITS_OWN, OF_RESOURCES
from planlake.lake.tables.columns import TABLES
from planlake.lake.views.models import Model, standing_on
from planlake.report.meanings import describe_resource
from planlake.report.pages import words
from planlake.report.pages.figures.columns import columns_shown
from planlake.report.pages.figures.described import column_lines
from planlake.report.pages.figures.lake_facts import LakeFacts
from planlake.report.verdicts import Verdict
from planlake.sources.catalogue import Resource, catalogue_of

SEARCH_FILE = "data/search.js"


@dataclass(frozen=True, slots=True)
class CataloguedTable:
    """A table that is configured: its line, and how it stands. `columns` is the number of them."""

    name: str
    about: str
    columns: int
    cadence: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class CataloguedModel:
    """A model: what it says of itself and its columns, what it reads, which models read it."""

    name: str
    kind: str
    about: str
    reads: tuple[str, ...]
    read_by: tuple[str, ...]
    columns: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Database:
    """A database and its tables, each with what it holds and its number of columns (None of a view)."""

    name: str
    about: str
    tables: tuple[tuple[str, str, int | None], ...]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All that can be asked of a lake; `others` are resources of the vendor that are not configured."""

    answer: str
    refined: str
    trusted: str
    tables: tuple[CataloguedTable, ...]
    models: tuple[CataloguedModel, ...]
    databases: tuple[Database, ...]
    others: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What can be searched for: a table (then `column` is empty) or a column, and the address of its line."""

    table: str
    column: str
    type: str
    meaning: str
    place: str
    is_personal: bool = False


def catalogue(facts: LakeFacts) -> Catalogue:
    """The lines of the catalogue."""
    resources = catalogue_of(facts.config).resources
    tables = tuple(_tables(facts))
    columns = sum(one.columns for one in tables)
    return Catalogue(
        f"{words.counted(len(tables), 'table', 'tables')} with {words.counted(columns, 'column', 'columns')}",
        facts.lake.database("refined"),
        facts.lake.database("trusted"),
        tables,
        tuple(_model(facts, one) for one in facts.models.by_name.values()),
        tuple(_databases(facts)),
        tuple((name, len(one.columns)) for name, one in resources.items() if name not in facts.verdicts),
    )


def search_index(facts: LakeFacts) -> list[Found]:
    """All tables and columns of the catalogue, loaded or not, and those of models."""
    found = []
    for resource in catalogue_of(facts.config).resources.values():
        found += _of_resource(facts, resource)
    for model in facts.models.by_name.values():
        one, place = _model(facts, model), f"catalogue.html#m-{model.name}"
        found.append(Found(one.name, "", "", one.about, place))
        found += [Found(one.name, column, "", meaning, f"{place}.{column}") for column, meaning in one.columns]
    for name, said in OF_ITS_OWN.items():
        found.append(Found(name, "", "", said, f"catalogue.html#t-{name}"))
    return found


def _tables(facts: LakeFacts) -> Iterator[CataloguedTable]:
    configured = {
        **dict.fromkeys(facts.config.tables.daily, "daily"),
        **dict.fromkeys(facts.config.tables.weekly, "weekly"),
    }
    for name, cadence in configured.items():
        current = facts.table("refined", f"current_{name}")
        resource = catalogue_of(facts.config).resource(name)
        count = len(columns_shown(current.schema())) if current is not None else len(resource.columns)
        yield CataloguedTable(name, _key_meaning(facts, resource), count, cadence, facts.verdicts[name])


def _key_meaning(facts: LakeFacts, resource: Resource) -> str:
    """What a row of the table is: the meaning of its key, as far as one is known."""
    return describe_resource(facts.config, resource)[resource.key].meaning


def _model(facts: LakeFacts, model: Model) -> CataloguedModel:
    table = None if model.is_view else facts.table("trusted", model.name)
    names = table.schema().column_names if table is not None else []
    columns = {**dict.fromkeys(names, ""), **model.columns}
    return CataloguedModel(
        model.name,
        "view" if model.is_view else "table",
        model.about,
        tuple(f"{schema}.{name}" for schema, name in model.reads),
        tuple(standing_on(facts.models, model.name)),
        tuple(columns.items()),
    )


def _databases(facts: LakeFacts) -> Iterator[Database]:
    """The databases beside refined and trusted, which have lists of their own."""
    raw = [
        ("<table>", "Records as they were received, every value as text.", None),
        ("api_response_<table>", OF_RESOURCES["api_response_"].format("<table>"), None),
    ]
    own = {
        zone: [(name, OF_ITS_OWN[name], len(columns)) for (of, name), columns in TABLES.items() if of == zone]
        for zone in ("raw", "operations")
    }
    views = [(name, OF_ITS_OWN[name], None) for name in ("gaps", "snapshot_dates")]
    yield Database(facts.lake.database("raw"), "What came from the API, as it came.", (*own["raw"], *raw))
    yield Database(facts.lake.database("operations"), "What Planlake did and found.", (*own["operations"], *views))


def _of_resource(facts: LakeFacts, resource: Resource) -> list[Found]:
    is_here = resource.name in facts.verdicts
    page = f"tables/{resource.name}.html" if is_here else f"catalogue.html#t-{resource.name}"
    found = [Found(resource.name, "", "", "" if is_here else "not loaded", page)]
    if is_here:
        return found + [
            Found(resource.name, one.name, one.type, one.about.meaning, f"{page}#c-{one.name}", one.is_personal)
            for one in column_lines(facts, resource)
        ]
    return found + [
        Found(resource.name, one.column, one.type, one.meaning, page, resource.is_personal(key))
        for key, one in describe_resource(facts.config, resource).items()
    ]
