"""What is known of a table beside how it stands: its columns, what they mean and lead to, and who reads it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from html import unescape
from itertools import groupby
from typing import TYPE_CHECKING

from planlake.engines.duckdb.reading import rows_sql
from planlake.engines.sql import identifier
from planlake.engines.type_words import word_of_declared
from planlake.lake.about_tables import about
from planlake.lake.tables.columns import key_by_column
from planlake.lake.tables.data_files import data_files
from planlake.lake.views.models import Models, standing_on
from planlake.report.meanings import Described, describe_columns
from planlake.report.pages.figures.change import changes_of
from planlake.report.pages.figures.columns import columns_shown, profile_of, values_shown
from planlake.report.pages.figures.kept import DayChange, Profile, unless_damaged
from planlake.report.pages.figures.lake_facts import LakeFacts
from planlake.sources.catalogue import Catalogue, Resource, catalogue_of
from planlake.sources.meanings import codes_of

if TYPE_CHECKING:
    from pyiceberg.table import Table

FIRST = 50
ASKED_FOR = ("reference", "_id", "date", "stage", "type", "decision")  # how names of columns end
NAMES, LETTERS = 2000, 60  # of a table of codes


@dataclass(frozen=True, slots=True)
class Common:
    """A value that occurs often: what it stands for, where that is known, and its share of the rows that hold any."""

    value: str
    label: str
    share: float


@dataclass(frozen=True, slots=True)
class ColumnLine:
    """A column: what it means and how that is known, the share of rows in which it holds something, what it leads to.

    `filled` is None of a table that was never loaded. `common` is empty where `shows_values` is not true.
    `labels` say what codes stand for.
    """

    name: str
    type: str
    about: Described
    is_key: bool
    is_declared: bool
    is_personal: bool
    shows_values: bool
    filled: float | None
    common: tuple[Common, ...] = ()
    target: str = ""
    is_guessed: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Beside:
    """A table that this one leads to, or that leads here, by which column; a guess where only a name suggests it."""

    table: str
    column: str
    is_guessed: bool


@dataclass(frozen=True, slots=True)
class Reader:
    """A model that reads the table, itself or by others."""

    name: str
    about: str
    is_direct: bool


@dataclass(frozen=True, slots=True)
class Question:
    """A query that people may begin with."""

    about: str
    sql: str


@dataclass(frozen=True, slots=True)
class DescribedTable:
    """One table as the catalogue has it; `columns` are those shown first, `groups` the others by their first letter.

    `never_filled` hold nothing in any row. `rows` has what people saw on each day and `changes` what each
    brought, the oldest first.
    """

    about: str
    count: int
    columns: tuple[ColumnLine, ...]
    groups: tuple[tuple[str, tuple[ColumnLine, ...]], ...]
    never_filled: tuple[ColumnLine, ...]
    leads_to: tuple[Beside, ...]
    led_from: tuple[Beside, ...]
    readers: tuple[Reader, ...]
    questions: tuple[Question, ...]
    rows: tuple[tuple[date, int], ...]
    changes: tuple[DayChange, ...]


def described_tables(facts: LakeFacts, names: Sequence[str]) -> dict[str, DescribedTable]:
    """What is known of these tables of the catalogue, loaded or not."""
    catalogue = catalogue_of(facts.config)
    led_from = _led_from(catalogue)
    rows = _rows_by_day(facts)
    found = {}
    for name in names:
        resource = catalogue.resource(name)
        lines = column_lines(facts, resource)
        empty = tuple(one for one in lines if one.filled == 0)
        first, groups = _in_groups([one for one in lines if one.filled != 0])
        found[name] = DescribedTable(
            about("refined", name),
            len(lines),
            first,
            groups,
            empty,
            tuple(Beside(one.target, one.name, one.is_guessed) for one in lines if one.target),
            tuple(led_from.get(name, ())),
            tuple(_readers(facts.models, name)),
            tuple(_questions(resource, lines)),
            tuple(rows.get(name, ())),
            changes_of(facts, resource),
        )
    return found


def column_lines(facts: LakeFacts, resource: Resource) -> list[ColumnLine]:
    """Every column of a resource, the key first: those of its table, or where it has none the declared ones."""
    return facts.once(f"columns of {resource.name}", partial(_column_lines, facts, resource))


def _column_lines(facts: LakeFacts, resource: Resource) -> list[ColumnLine]:
    codes = codes_of(facts.config).get(resource.name, frozenset())
    profile = profile_of(facts, resource, codes)
    current = facts.table("refined", f"current_{resource.name}")
    keys = key_by_column(current.schema() if current is not None else None, resource)
    names = columns_shown(current.schema()) if current is not None else list(keys)
    types = {name: word_of_declared(resource.type_of(keys.get(name, name))) for name in names}
    shown = values_shown(resource, keys, codes)
    known = _Known(resource, profile, shown, _names_of_codes(facts, resource, [keys[one] for one in shown]))
    lines = [
        _line(one, keys.get(one.column, one.column), known)
        for one in describe_columns(facts.config, resource.name, types, keys)
    ]
    return sorted(lines, key=lambda one: (not one.is_key, one.name.lower()))


@dataclass(frozen=True, slots=True)
class _Known:
    """What lines of columns are made of; `names` has what codes stand for in the tables they lead to, by key."""

    resource: Resource
    profile: Profile | None
    shown: frozenset[str]
    names: Mapping[str, Mapping[str, str]]


def _line(one: Described, key: str, known: _Known) -> ColumnLine:
    resource, profile = known.resource, known.profile
    counted = profile.columns.get(one.column) if profile is not None else None
    rows = profile.rows if profile is not None else 0
    labels = {**known.names.get(key, {}), **one.labels}
    return ColumnLine(
        one.column,
        one.type,
        one,
        key == resource.key,
        key in resource.columns,
        resource.is_personal(key),
        one.column in known.shown,
        (counted.filled / rows if rows else 0.0) if counted is not None else None,
        tuple(Common(value, labels.get(value, ""), count / counted.filled) for value, count in counted.common)
        if counted is not None
        else (),
        resource.relations.get(key) or resource.relations_guessed.get(key, ""),
        key not in resource.relations,
        labels,
    )


def _names_of_codes(facts: LakeFacts, resource: Resource, keys: Sequence[str]) -> dict[str, dict[str, str]]:
    """What the codes of columns stand for, by the keys of these: the column `name` of the tables that they lead to."""
    found: dict[str, dict[str, str]] = {}
    for key in keys:
        target = resource.relations.get(key) or resource.relations_guessed.get(key, "")
        table = facts.table("refined", f"current_{target}") if target else None
        if table is None or "name" not in table.schema().column_names:
            continue
        other = catalogue_of(facts.config).resource(target)
        if not other.personal:
            found[key] = unless_damaged(partial(_names_in, facts, table, other.key), {})
    return found


def _names_in(facts: LakeFacts, table: "Table", key: str) -> dict[str, str]:
    rows = rows_sql(data_files(table), table.schema(), columns=(key, "name", "is_deleted"))
    query = f"""select {identifier(key)}::varchar, coalesce(left(name, {LETTERS}), '')
                from {rows} where not is_deleted limit {NAMES}"""
    return {value: unescape(name) for value, name in facts.ask(query)}  # the API sends `'` as `&#39;`


def _in_groups(
    lines: Sequence[ColumnLine],
) -> tuple[tuple[ColumnLine, ...], tuple[tuple[str, tuple[ColumnLine, ...]], ...]]:
    """The columns that a page shows first, those that people ask for, and the others by their first letter."""
    if len(lines) <= FIRST + FIRST // 2:
        return tuple(lines), ()
    fullest = sorted(lines, key=_rank)[:FIRST]
    first = {one.name for one in fullest}
    others = (one for one in lines if one.name not in first)
    groups = groupby(others, key=lambda one: one.name[:1].upper())
    return tuple(one for one in lines if one.name in first), tuple((letter, tuple(some)) for letter, some in groups)


def _rank(one: ColumnLine) -> tuple[bool, bool, bool, bool, float]:
    """The key, then what leads somewhere, dates, references and codes, then others by how filled they are."""
    asked_for = bool(one.target) or one.type.startswith("timestamp") or one.name.endswith(ASKED_FOR)
    return not one.is_key, _is_constant(one), one.type == "boolean", not asked_for, -(one.filled or 0)


def _is_constant(one: ColumnLine) -> bool:
    """Whether every row has the same value, which nobody looks for first."""
    return one.filled == 1 and len(one.common) == 1 and one.common[0].share == 1


def _led_from(catalogue: Catalogue) -> dict[str, list[Beside]]:
    found: dict[str, list[Beside]] = {}
    for resource in catalogue.resources.values():
        for relations, is_guessed in ((resource.relations, False), (resource.relations_guessed, True)):
            for column, target in relations.items():
                found.setdefault(target, []).append(Beside(resource.name, column, is_guessed))
    return {
        target: sorted(some, key=lambda one: (one.is_guessed, one.table, one.column)) for target, some in found.items()
    }


def _readers(models: Models, name: str) -> Iterator[Reader]:
    """The models that read a table in whatever way, those that read it themselves first."""
    direct = [one for one, model in models.by_name.items() if name in _tables_read(models, one)]
    found = dict.fromkeys(direct)
    for one in found.copy():
        left = [one]
        while left:
            new = [other for other in standing_on(models, left.pop()) if other not in found]
            found |= dict.fromkeys(new)
            left += new
    for one in found:
        yield Reader(one, models.by_name[one].about, one in direct)


def _tables_read(models: Models, name: str) -> set[str]:
    """The resources that a model reads itself, whichever of their tables or views."""
    beginnings = ("increment_", "current_", "history_", "api_response_")
    read = {table for schema, table in models.by_name[name].reads if schema in ("refined", "raw")}
    return read | {table.removeprefix(one) for table in read for one in beginnings}


def _questions(resource: Resource, lines: Sequence[ColumnLine]) -> Iterator[Question]:
    """Queries over a table that anybody can carry out as they stand."""
    name, columns = _name(resource.name), {one.name: one for one in lines}
    yield Question("The first ten rows", f"select *\nfrom {name}\nlimit 10")
    coded = next((one for one in lines if one.shows_values and one.filled and one.type != "boolean"), None)
    if coded is not None:
        column = _name(coded.name)
        yield Question(
            f"Rows by {coded.name}", f"select {column}, count(*) as rows\nfrom {name}\ngroup by all\norder by rows desc"
        )
    if resource.changed in columns:
        day = f"{_name(resource.changed)}::date"
        yield Question(
            "Rows by the day on which they were last changed",
            f"select {day} as day, count(*) as rows\nfrom {name}\ngroup by day\norder by day desc\nlimit 30",
        )
    yield Question(
        "What came on each day",
        f"select import_date, count(*) as versions, count(*) filter (where is_deleted) as deleted\n"
        f"from {_name(f'increment_{resource.name}')}\ngroup by import_date\norder by import_date desc",
    )


def _name(name: str) -> str:
    plain = name.isidentifier() and name.isascii() and name.islower()
    return name if plain else '"' + name.replace('"', '""') + '"'


def _rows_by_day(facts: LakeFacts) -> Mapping[str, list[tuple[date, int]]]:
    """How many rows people saw on each day on which a version was published, the oldest first."""
    found: dict[str, list[tuple[date, int]]] = {}
    query = """select resource, snapshot_date, arg_max(rows, (run, batch)) from published
               group by all order by resource, snapshot_date"""
    for resource, day, rows in facts.ask(query):
        found.setdefault(resource, []).append((datetime.strptime(day, "%Y%m%d").date(), rows))  # noqa: DTZ007 - a day
    return found
