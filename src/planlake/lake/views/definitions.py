"""The views of a lake as other engines can carry them out: plain SQL over the Iceberg tables, by their names.

`views` renders the same for Planlake's own queries, from files and as of any day. These are right from one day to the
next without being made anew: what changes daily they read from the tables. They change with a table's columns.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from planlake.engines.duckdb.reading import type_name
from planlake.engines.sql import literal
from planlake.lake.about_tables import about
from planlake.lake.lake import Lake
from planlake.lake.state.journal import DONE
from planlake.lake.state.ledger import CLOSED, COUNT, FULL, GAP, REQUEST_EVENTS, RESTORED, VOIDED
from planlake.lake.tables.columns import (
    IMPORT_COLUMNS,
    REFINED_OWN,
    TYPES,
    Columns,
    ResourceSpec,
    keys_of,
    latest_first,
)
from planlake.lake.views.dialects import ATHENA, SPARK, Dialect

if TYPE_CHECKING:
    from pyiceberg.schema import Schema
    from pyiceberg.table import Table

GAPS, SNAPSHOT_DATES = "gaps", "snapshot_dates"
BLOCK = 1000  # numbers of requests are listed so many at a time: Athena's lists hold 10,000 at most
READ_BY_VIEWS = (
    ("raw", "api_responses"),
    ("raw", "api_requests"),
    ("operations", "published"),
    ("operations", "journal"),
)
_OF_GAPS = dict.fromkeys(("resource", "window"), "text") | {"page": "integer", "reason": "text", "run": "long"}
_OF_GAPS["given_up_at"] = "timestamp"
_OF_SNAPSHOT_DATES = {"resource": "text", "snapshot_date": "text"}
_OF_IMPORT = ", ".join(IMPORT_COLUMNS)
_SHORT = {kind: name for name, kind in TYPES.items() if name in ATHENA.types}


@dataclass(frozen=True, slots=True)
class ViewDefinition:
    """A view: its zone and name, what it shows, its columns with their types as this dialect calls them, its query."""

    zone: str
    name: str
    about: str
    columns: Columns
    query: str


@dataclass(frozen=True, slots=True)
class _Places:
    """What the tables of a lake are called in a dialect."""

    lake: Lake
    dialect: Dialect

    def __call__(self, zone: str, name: str) -> str:
        return self.dialect.table(self.lake.database(zone), name)

    def view_of(self, zone: str, name: str) -> str:
        """A view; a temporary one has no database."""
        return self.dialect.quoted(name) if self.dialect is SPARK else self(zone, name)

    def view(self, zone: str, name: str, columns: Columns, query: str) -> ViewDefinition:
        kinds = {column: self.dialect.types[kind] for column, kind in columns.items()}
        return ViewDefinition(zone, name, about(zone, name), kinds, query)


def operations_views(lake: Lake, dialect: Dialect) -> list[ViewDefinition]:
    """The views of the operations database; those of resources read `snapshot_dates`."""
    places = _Places(lake, dialect)
    journal = places("operations", "journal") if lake.find("operations", "journal") is not None else None
    snapshot_dates = snapshot_dates_query(places("operations", "published"), journal, dialect)
    return [
        places.view("operations", SNAPSHOT_DATES, _OF_SNAPSHOT_DATES, snapshot_dates),
        places.view("operations", GAPS, _OF_GAPS, gaps_query(places("raw", "api_requests"), dialect)),
    ]


def resource_views(lake: Lake, resource: ResourceSpec, dialect: Dialect) -> Iterator[ViewDefinition]:
    """The views of a resource, of those of its tables that are there."""
    places, name = _Places(lake, dialect), resource.name
    increment, current = (lake.find("refined", f"{kind}_{name}") for kind in ("increment", "current"))
    if increment is None:
        return
    keys = _keys_ever(increment, resource)
    columns = {**dict.fromkeys(keys.values(), "text"), **IMPORT_COLUMNS, "batch": "long"}
    yield places.view("raw", f"api_response_{name}", _of_responses(name), _responses(places, name))
    yield places.view("raw", name, columns, _parsed(places, resource, keys))
    shown = _shown(increment.schema())
    spans = {"is_deleted": "boolean", "valid_from": "timestamp", "valid_to": "timestamp"}
    query = _history(places, resource, [*shown], increment.schema().column_names)
    yield places.view("refined", f"history_{name}", {**shown, **spans}, query)
    if current is None:
        return
    now = _shown(current.schema())
    days = dict.fromkeys(("snapshot_year", "snapshot_month", "snapshot_day", "snapshot_date"), "text")
    yield places.view("refined", name, {**now, **days}, _latest(places, name, [*now]))


def _keys_ever(increment: "Table", resource: ResourceSpec) -> Mapping[str, str]:
    """The column of each key in any version: raw is never set back, so no rollback takes a column from its view."""
    earlier = {key: name for schema in increment.metadata.schemas for key, name in keys_of(schema).items()}
    now = keys_of(increment.schema(), resource)
    return now | {key: name for key, name in earlier.items() if key not in now and name not in now.values()}


def _of_responses(name: str) -> Columns:
    first, *others = IMPORT_COLUMNS.items()
    return dict([first, (name, "text"), *others])


def _shown(schema: "Schema") -> Columns:
    """What users see of a refined table: the vendor's columns, when and how a row came, its batch."""
    kinds = {field.name: _SHORT[type_name(field)] for field in schema.fields}
    vendor = [name for name in kinds if name not in REFINED_OWN]
    return {name: kinds[name] for name in (*vendor, *IMPORT_COLUMNS, "batch")}


def _list(dialect: Dialect, columns: Iterable[str], of: str = "") -> str:
    return ", ".join(f"{of}{dialect.quoted(column)}" for column in columns)


def _latest(places: _Places, name: str, columns: list[str]) -> str:
    """`snapshot_date` is in one row, whatever was published: no record is ever lost or doubled by it."""
    return f"""\
select {_list(places.dialect, columns, "shown.")},
    substr(snapshot_date, 1, 4) as snapshot_year, substr(snapshot_date, 5, 2) as snapshot_month,
    substr(snapshot_date, 7, 2) as snapshot_day, snapshot_date
from {places("refined", f"current_{name}")} shown
cross join (
    select coalesce(max(snapshot_date), '') as snapshot_date from {places.view_of("operations", SNAPSHOT_DATES)}
    where resource = {literal(name)}
) published
where not is_deleted"""


def _history(places: _Places, resource: ResourceSpec, columns: list[str], held: list[str]) -> str:
    order = latest_first(resource.changed, held, quoted=places.dialect.quoted)
    return f"""\
select {_list(places.dialect, columns)}, is_deleted, import_datetime as valid_from,
    lag(import_datetime) over (
        partition by {places.dialect.quoted(resource.key)} order by {order}
    ) as valid_to
from {places("refined", f"increment_{resource.name}")}"""


def snapshot_dates_query(published: str, journal: str | None, dialect: Dialect) -> str:
    """A query for the day of what each table shows, from table expressions; without a journal nothing was gone back to.

    What a table shows was published, gone back to or built anew last; all are numbered alike. A version that was never
    published has the day on which it was made.
    """
    actions = f"""
    union all
    select resource, action, coalesce(current_to, 0), {dialect.day("noted_at")}
    from {journal} where state = '{DONE}'"""
    if journal is None:
        actions = """
    -- nothing was gone back to yet, so there is no table "journal": after the first time this view is another one"""
    return f"""\
with events as (
    select resource, run as number, snapshot_id, snapshot_date as day from {published}{actions}
), shown as (
    select resource, max_by(snapshot_id, number) as snapshot_id, max_by(day, number) as day
    from events group by resource
)
select shown.resource, coalesce(max(published.snapshot_date), max(shown.day)) as snapshot_date
from shown left join {published} published
    on published.resource = shown.resource and published.snapshot_id = shown.snapshot_id
group by shown.resource"""


def _responses(places: _Places, name: str) -> str:
    dialect, text = places.dialect, places.dialect.text
    first, *others = IMPORT_COLUMNS
    day = dialect.day("requested_at")
    return f"""\
{_counting(places, name)}
select {first}, api_response as {dialect.quoted(name)}, {", ".join(others)} from counting
union all
select page, cast(null as {text}), url, cast(status as {text}), error, requested_at, {dialect.seconds("requested_at")},
    substr(london_day, 1, 4), substr(london_day, 5, 2), substr(london_day, 7, 2), london_day
from (
    select page, url, status, error, requested_at, {day} as london_day
    from {places("raw", "api_requests")} where resource = {literal(name)} and error is not null
) failed"""


def _parsed(places: _Places, resource: ResourceSpec, keys: Mapping[str, str]) -> str:
    """Records that consist of texts are taken apart once; from others each key is taken for itself."""
    dialect, found_in_any = places.dialect, places.dialect.found_in_any
    values = ", ".join(f"{dialect.found('parsed', key)} as {dialect.quoted(name)}" for key, name in keys.items())
    apart = f"""\
{_counting(places, resource.name)}
select {values}, {_OF_IMPORT}, batch
from (select *, {dialect.parsed("api_response")} as parsed from counting) records"""
    if found_in_any is None:
        return apart
    others = ", ".join(found_in_any("api_response", key) for key in keys)
    return f"""\
{apart.replace("from counting)", "from counting where is_regular)")}
union all
select {others}, {_OF_IMPORT}, batch from counting where not is_regular"""


def _counting(places: _Places, name: str) -> str:
    """The raw rows that count, as `ledger.raw_rows_sql` has them: of good requests, in batches that are not voided."""
    dialect, events = places.dialect, ", ".join(map(literal, REQUEST_EVENTS))
    low, high = (f"cast(split_part(ends, '-', {part}) as bigint)" for part in (1, 2))
    blocks = dialect.series(f"low - low % {BLOCK}", "high", str(BLOCK))
    numbers = dialect.series("greatest(low, beginning)", f"least(high, beginning + {BLOCK - 1})", "1")
    parts = dialect.each(dialect.words("requests"), "parts", "ends")
    return f"""\
with ledger as (
    select request_id, batch, event, error, requests from {places("raw", "api_requests")}
    where resource = {literal(name)}
), ranges as (
    select request_id as low, request_id as high from ledger where event in ({events}) and error is null
    union all
    select {low}, {high}
    from (select requests from ledger where requests is not null) compacted {parts}
), blocks as (
    select low, high, beginning from ranges {dialect.each(blocks, "parts", "beginning")}
), good as (
    select request_id from blocks {dialect.each(numbers, "parts", "request_id")}
), counting as (
    select {", ".join(("batch", "is_regular", "api_response", *IMPORT_COLUMNS))} from {places("raw", "api_responses")}
    where resource = {literal(name)} and request_id in (select request_id from good)
        and batch not in (
            select batch from ledger where event in ('{VOIDED}', '{RESTORED}')
            group by batch having max_by(event, request_id) = '{VOIDED}'
        )
)"""


def gaps_query(ledger: str, dialect: Dialect) -> str:
    """A query for everything that was given up and not read since, from a table expression of the ledger."""
    window = dialect.quoted("window")
    return f"""\
with voided as (
    select resource, batch from {ledger} where event in ('{VOIDED}', '{RESTORED}')
    group by resource, batch having max_by(event, request_id) = '{VOIDED}'
), counting as (
    select requests.* from {ledger} requests
    left join voided on voided.resource = requests.resource and voided.batch = requests.batch
    where voided.batch is null or event = '{COUNT}'
), closings as (
    select resource, {window}, max(request_id) as closed_id from counting where event = '{CLOSED}'
    group by resource, {window}
), full_readings as (
    select resource, max({dialect.day("requested_at")}) as full_day from counting
    where event = '{CLOSED}' and {window} = '{FULL}' group by resource
)
select distinct counting.resource, counting.{window}, page, error as reason, run, requested_at as given_up_at
from counting
left join closings on closings.resource = counting.resource and closings.{window} = counting.{window}
left join full_readings on full_readings.resource = counting.resource
where event = '{GAP}' and request_id > coalesce(closed_id, 0)
    and (counting.{window} = '{FULL}' or replace(counting.{window}, '-', '') >= coalesce(full_day, ''))"""
