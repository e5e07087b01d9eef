"""A table page by page, with filters and facets, for browsers without script.

What an address asks for becomes SQL of ours: columns are those that the table has, values stand for `?`.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from urllib.parse import quote, urlencode

from planlake.engines.sql import identifier, literal
from planlake.errors import ConfigurationError
from planlake.lake.about_tables import OF_COLUMNS
from planlake.report.web.frames import Answer, Cell, Column, Request
from planlake.report.web.worker import QueryError, Workers, ask

ROWS, MOST_COLUMNS, MOST_FACETS, MOST_VALUES = 100, 20, 3, 15
SECONDS_OF_FACETS = 3.0
LAST_PAGE = 10_000
CONDITIONS: Mapping[str, tuple[str, str]] = {  # by name: how it is said, and its SQL
    "is": ("is", "{}::text = ?"),
    "not": ("is not", "{}::text is distinct from ?"),
    "has": ("contains", "contains(lower({}::text), lower(?))"),
    "least": ("is at least", "{0} >= try_cast(? as {1})"),
    "most": ("is at most", "{0} <= try_cast(? as {1})"),
    "empty": ("is empty", "coalesce({}::text, '') = ''"),
    "filled": ("is filled", "coalesce({}::text, '') <> ''"),
}
WITHOUT_VALUE = ("empty", "filled")
TYPES = {
    **dict.fromkeys(("integer", "long", "decimal"), "decimal(38, 9)"),  # so that 2.5 is between 2 and 3
    "double": "double",
    "timestamp": "timestamp",
    "date": "date",
}
A_VALUE = {"timestamp": "a day or moment, such as 2026-11-27 or 2026-11-27 09:30", "date": "a day, such as 2026-11-27"}
ZONES_FIRST = ("refined-zone", "trusted-zone", "operations")
SECOND = ("current_", "history_", "increment_")
SAMPLED = 1000  # rows that tell which columns are mostly filled
STAGES = ("stage", "status", "type")
COMPARING = ("least", "most")
Given = Sequence[tuple[str, str]]
Labels = Mapping[str, Mapping[str, str]]
UNKNOWN: Labels = {}


@dataclass(frozen=True, slots=True)
class Filter:
    """A condition on a column, and the address of the page without it; one with a `trouble` narrows nothing."""

    column: str
    condition: str
    value: str
    trouble: str = ""
    without: str = ""

    @property
    def said(self) -> str:
        """The condition in words."""
        return CONDITIONS[self.condition][0] if self.condition in CONDITIONS else self.condition


@dataclass(frozen=True, slots=True)
class Value:
    """A value of a facet: how many rows have it, the address of the page with those alone, and what a code means."""

    value: str | None
    rows: int
    link: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Facet:
    """The commonest values of a column; `trouble` says why they could not be counted."""

    column: str
    values: tuple[Value, ...] = ()
    has_more: bool = False
    trouble: str = ""
    without: str = ""


@dataclass(frozen=True, slots=True)
class Browsed:
    """A page of a table. `rows_found` is None where they could not be counted in time. Links are addresses."""

    table: str
    columns: tuple[Column, ...]
    shown: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    rows_found: int | None
    first_row: int
    filters: tuple[Filter, ...]
    facets: tuple[Facet, ...]
    notes: tuple[str, ...]
    as_of: str
    days: Sequence[str]
    sort: str
    is_down: bool
    sort_links: Mapping[str, str]
    facet_links: Mapping[str, str]
    kept: Given
    before: str
    after: str
    ask: str
    conditions: Mapping[str, tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Listed:
    """A table that can be browsed; `is_second` where people query another first, which is made of it."""

    name: str
    columns: int
    link: str
    is_second: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """The tables of each database."""

    databases: Mapping[str, list[Listed]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an address asks for, column names checked: conditions, the order, the columns to show and to count."""

    filters: tuple[Filter, ...] = ()
    facets: tuple[str, ...] = ()
    show: tuple[str, ...] = ()
    sort: str = ""
    is_down: bool = False
    page: int = 1
    as_of: str = ""

    def parts(self) -> list[tuple[str, str]]:
        """Itself as the parts of an address."""
        found = [
            part
            for one in self.filters
            for part in (("column", one.column), ("condition", one.condition), ("value", one.value))
        ]
        found += [("facet", one) for one in self.facets] + [("show", one) for one in self.show]
        found += [("sort", self.sort)] * bool(self.sort) + [("down", "1")] * self.is_down
        found += [("as-of", self.as_of)] * bool(self.as_of) + [("page", str(self.page))] * (self.page > 1)
        return found

    @property
    def link(self) -> str:
        """Itself as an address, beside the page that it is on."""
        return "?" + urlencode(self.parts())


def list_tables(tables: Mapping[str, object]) -> Listing:
    """The tables of a lake by database, those first that people query first."""
    found: dict[str, list[Listed]] = {}

    def place(whole: str) -> int:
        return next(
            (place for place, zone in enumerate(ZONES_FIRST) if zone in whole.rpartition(".")[0]), len(ZONES_FIRST)
        )

    for whole in sorted(tables, key=place):
        columns = tables[whole]
        database, _, name = whole.rpartition(".")
        count = len(columns) if isinstance(columns, Sequence) else 0
        found.setdefault(database, []).append(
            Listed(name, count, f"browse/{quote(whole, safe='')}.html", name.startswith(SECOND))
        )
    return Listing(found)


def browse(workers: Workers, table: str, given: Given, days: Sequence[str], labels: Labels = UNKNOWN) -> Browsed:
    """The page of a table that an address asks for; a PlanlakeError where it has no such table or column.

    `labels` are what codes of columns stand for.
    """
    database, _, name = table.rpartition(".")
    source = f"{identifier(database)}.{identifier(name)}" if database else identifier(name)
    as_of = dict(given).get("as-of", "")
    head = _answer(workers, f"select * from {source} limit 0", as_of)
    wanted = _wanted(given, head.columns)
    wanted = replace(wanted, filters=_tried(workers, wanted.filters, head.columns))
    where, values = _where(wanted.filters, head.columns)
    shown = [one for one in head.columns if one.name in wanted.show] or _telling(workers, source, head, as_of)
    order = f" order by {identifier(wanted.sort)}{' desc' if wanted.is_down else ''} nulls last" if wanted.sort else ""
    columns = ", ".join(identifier(one.name) for one in shown)
    start = (wanted.page - 1) * ROWS
    limit = f" limit {ROWS + 1} offset {start}"
    query = f"select {columns} from {source}{where}{order}{limit}"
    found = _answer(workers, query, as_of, values).in_days
    narrowing = f"select {', '.join(map(identifier, wanted.facets)) or '1'} from {source}{where}{order} limit 0"
    return Browsed(
        table=table,
        columns=head.columns,
        shown=tuple(shown),
        rows=found.rows,
        rows_found=_count(workers, f"select count(*) from {source}{where}", values, as_of),
        first_row=start + 1,
        filters=tuple(
            replace(one, without=_changed(wanted, filters=tuple(two for two in wanted.filters if two is not one)))
            for one in wanted.filters
        ),
        facets=_facets(workers, source, wanted, head.columns, labels),
        notes=_answer(workers, narrowing, as_of, values).notes,  # not of columns that are merely shown
        as_of=as_of,
        days=days,
        sort=wanted.sort,
        is_down=wanted.is_down,
        sort_links={
            one.name: _changed(wanted, sort=one.name, is_down=one.name == wanted.sort and not wanted.is_down)
            for one in shown
        },
        facet_links={one.name: _changed(wanted, facets=_with(wanted.facets, one.name)) for one in shown},
        kept=[part for part in wanted.parts() if part[0] not in ("page", "as-of")],
        before=replace(wanted, page=wanted.page - 1).link if wanted.page > 1 else "",
        after=replace(wanted, page=wanted.page + 1).link if found.is_cut and wanted.page < LAST_PAGE else "",
        ask=_ask_link(f"select *\nfrom {source}{_written(where, values)}{order}", as_of),
        conditions=CONDITIONS,
    )


def _telling(workers: Workers, source: str, head: Answer, as_of: str) -> list[Column]:
    """The columns that are shown until others are chosen: of many the id, references, days and stages that are filled.

    Last come those that mostly are not, Planlake's own and those whose values are hidden.
    """
    if len(head.columns) <= MOST_COLUMNS:
        return [*head.columns]
    own = {one.name for one in head.columns if one.name in OF_COLUMNS or one.name in head.hidden}
    filled = _filled(workers, source, [one.name for one in head.columns if one.name not in own], as_of)

    def place(one: Column) -> tuple[bool, bool, bool, int]:
        kind = 3
        if "reference" in one.name:
            kind = 0
        elif one.type in ("date", "timestamp"):
            kind = 1
        elif any(word in one.name for word in STAGES):
            kind = 2
        return one.name in own, one.name != "id", one.name not in filled, kind

    return sorted(head.columns, key=place)[:MOST_COLUMNS]


def _filled(workers: Workers, source: str, columns: Sequence[str], as_of: str) -> Collection[str]:
    """The columns that hold something in most of the first rows; all where that takes too long."""
    counts = ", ".join(f"2 * count({identifier(one)}) > count(*)" for one in columns)
    rows = f"select {', '.join(map(identifier, columns))} from {source} limit {SAMPLED}"
    try:
        [found] = _answer(workers, f"select {counts} from ({rows})", as_of, seconds=SECONDS_OF_FACETS).rows
    except QueryError:
        return columns
    return {one for one, is_filled in zip(columns, found, strict=True) if is_filled == "true"}


def _answer(
    workers: Workers, query: str, as_of: str, values: Sequence[Cell] = (), *, seconds: float | None = None
) -> Answer:
    return ask(workers, Request(query, as_of or None, ROWS, tuple(values), seconds=seconds))[0]


def _wanted(given: Given, columns: Sequence[Column]) -> Wanted:
    known = {one.name for one in columns}
    named: dict[str, list[str]] = {}
    for name, value in given:
        named.setdefault(name, []).append(value)
    parts = zip_longest(*(named.get(one, []) for one in ("column", "condition", "value")), fillvalue="")
    filters = tuple(_checked(Filter(*one), known) for one in parts if one[0])
    facets = tuple(dict.fromkeys(filter(None, named.get("facet", []))))[-MOST_FACETS:]
    show, sort = tuple(named.get("show", [])), named.get("sort", [""])[0]
    for name in (*facets, *show, *filter(None, [sort])):
        if name not in known:
            raise ConfigurationError(f'no column is called "{name}"', hint="choose one that the page offers")
    page = named.get("page", ["1"])[0]
    number = int(page) if page.isdecimal() and len(page) < 6 else 1
    as_of = named.get("as-of", [""])[0]
    return Wanted(filters, facets, show, sort, "down" in named, min(max(number, 1), LAST_PAGE), as_of)


def _checked(one: Filter, known: Collection[str]) -> Filter:
    """A filter with what is wrong with it, as far as its words tell."""
    trouble = ""
    if one.column not in known:
        trouble = "the table has no such column"
    elif one.condition not in CONDITIONS:
        trouble = "there is no such condition" if one.condition else "it has no condition"
    elif one.condition in COMPARING and not one.value.strip():
        trouble = "it has no value"
    return replace(one, trouble=trouble)


def _tried(workers: Workers, filters: Sequence[Filter], columns: Sequence[Column]) -> tuple[Filter, ...]:
    """The filters, with what is wrong with values that are none of their columns' types."""
    words = {one.name: one.type for one in columns}
    compared = [one for one in filters if not one.trouble and one.condition in COMPARING and words[one.column] in TYPES]
    if not compared:
        return tuple(filters)
    terms = ", ".join(f"try_cast(? as {TYPES[words[one.column]]}) is null" for one in compared)
    found = _answer(workers, f"select {terms}", "", [one.value for one in compared]).rows[0]
    wrong = [one for one, is_wrong in zip(compared, found, strict=True) if is_wrong == "true"]
    return tuple(
        replace(one, trouble=f"it is not {A_VALUE.get(words[one.column], 'a number')}") if one in wrong else one
        for one in filters
    )


def _where(filters: Sequence[Filter], columns: Sequence[Column]) -> tuple[str, list[Cell]]:
    """The conditions as SQL, with the values that stand for their `?`."""
    types = {one.name: TYPES.get(one.type, "text") for one in columns}
    filters = [one for one in filters if not one.trouble]
    terms = [CONDITIONS[one.condition][1].format(identifier(one.column), types[one.column]) for one in filters]
    values: list[Cell] = [one.value for one in filters if one.condition not in WITHOUT_VALUE]
    return (f" where {' and '.join(terms)}" if terms else ""), values


def _written(where: str, values: Sequence[Cell]) -> str:
    """The conditions with their values in them, for people."""
    parts = where.split("?")
    texts = [literal(str(one)) for one in values]
    if len(parts) != len(texts) + 1:  # a column has a ? in its name
        return ""
    return "".join(part + text for part, text in zip(parts, [*texts, ""], strict=True)).replace(" where", "\nwhere")


def _count(workers: Workers, query: str, values: Sequence[Cell], as_of: str) -> int | None:
    try:
        found = _answer(workers, query, as_of, values, seconds=SECONDS_OF_FACETS)
    except QueryError:
        return None
    return int(found.rows[0][0] or 0)


def _facet(workers: Workers, source: str, column: str, wanted: Wanted, columns: Sequence[Column]) -> Facet:
    where, values = _where(wanted.filters, columns)
    term = f"{identifier(column)}::text"
    query = f"select {term}, count(*) from {source}{where} group by 1 order by 2 desc, 1 limit {MOST_VALUES + 1}"
    without = _changed(wanted, facets=tuple(one for one in wanted.facets if one != column))
    try:
        found = _answer(workers, query, wanted.as_of, values, seconds=SECONDS_OF_FACETS)
    except QueryError:
        return Facet(column, trouble="They could not be counted in time.", without=without)
    rows = [(None if value is None else str(value), int(rows or 0)) for value, rows in found.rows]
    shown = tuple(Value(value, count, _narrowed(wanted, column, value)) for value, count in rows[:MOST_VALUES])
    return Facet(column, shown, has_more=len(rows) > MOST_VALUES, without=without)


def _facets(
    workers: Workers, source: str, wanted: Wanted, columns: Sequence[Column], labels: Labels
) -> tuple[Facet, ...]:
    """The values that are counted, codes with what they stand for."""
    found = (_facet(workers, source, one, wanted, columns) for one in wanted.facets)
    return tuple(
        replace(
            facet,
            values=tuple(
                replace(one, label=labels.get(facet.column, {}).get(one.value or "", "")) for one in facet.values
            ),
        )
        for facet in found
    )


def _narrowed(wanted: Wanted, column: str, value: str | None) -> str:
    one = Filter(column, "is", value) if value else Filter(column, "empty", "")
    return _changed(wanted, filters=(*wanted.filters, one))


def _with(names: tuple[str, ...], name: str) -> tuple[str, ...]:
    return names if name in names else (*names, name)[-MOST_FACETS:]


def _changed(wanted: Wanted, **changes: object) -> str:
    """The address with something else, from its first page."""
    return replace(wanted, page=1, **changes).link  # type: ignore[arg-type]


def _ask_link(query: str, as_of: str) -> str:
    parts = {"q": query} | ({"as-of": as_of} if as_of else {})
    return f"../ask.html#{urlencode(parts, quote_via=quote)}"
