"""Renders the views that users query as SQL for DuckDB.

The catalogue keeps no views; they are rendered here when a connection asks for a name, from the files of the tables as
they are at that moment. `as_of` shows refined tables as they were published on a day.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, cast

from planlake.clock import dashed
from planlake.engines.duckdb.connection import Connection
from planlake.engines.duckdb.parsing import SAYS_A_KEY_TWICE, TextsOf, found_keys, parse_by_python, structure_of
from planlake.engines.duckdb.reading import Called, path_of, rows_sql
from planlake.engines.names import column_names
from planlake.engines.sql import identifier, literal
from planlake.errors import ConfigurationError
from planlake.lake.about_tables import resource_of
from planlake.lake.built_in_tables import built_in_rows_sql, no_rows_sql
from planlake.lake.lake import ZONES, Lake
from planlake.lake.metadata.table_metadata import Columns, Field
from planlake.lake.state.ledger import raw_files, raw_rows_sql
from planlake.lake.state.operations import until_today_sql
from planlake.lake.tables.columns import IMPORT_COLUMNS, REFINED_OWN, TABLES, ResourceSpec, keys_of, latest_first
from planlake.lake.tables.data_files import data_files, highest_by_resource
from planlake.lake.tables.version_summary import DAY_TAG
from planlake.lake.tables.versions import next_kept, run_date_of, still_published, tag_of, version_of_day
from planlake.lake.views.definitions import GAPS, SNAPSHOT_DATES, gaps_query, snapshot_dates_query
from planlake.lake.views.dialects import DUCKDB
from planlake.lake.views.mappings import read_mapping
from planlake.lake.views.models import MAPPING, Model, Models
from planlake.lake.views.personal import Personal

if TYPE_CHECKING:
    from pyiceberg.schema import Schema
    from pyiceberg.table import Table
    from pyiceberg.table.snapshots import Snapshot

NOTHING_BY_THEN = "nothing was loaded by then"  # told of a day before the first load
SEARCHED_ZONES = ("refined", "trusted", "operations", "raw")


@dataclass(frozen=True, slots=True)
class Views:
    """Renders views of one lake; `notes` collects what a user should know of an answer.

    `called` says how the connection calls the file at a location.
    """

    lake: Lake
    resources: Mapping[str, ResourceSpec]
    connection: Connection = field(repr=False)
    texts_of: TextsOf = field(repr=False)
    as_of: date | None = None
    notes: list[str] = field(default_factory=list)
    called: Called = field(default=path_of, repr=False)
    models: Models = field(default_factory=Models, repr=False)
    texts: list[str] = field(default_factory=list, repr=False)  # of all that was defined, for the files they name
    personal: Personal | None = field(default=None, repr=False)  # what is hidden; nothing where there is none

    def define(self, schema: str, name: str) -> str:
        """Make the table or view of this name on the connection; its SQL, empty where the lake has none.

        Without a schema the refined zone is searched first, then trusted, operations and raw.
        """
        if schema.lower() == MAPPING:
            return self._mapping(name.lower())
        known = ((zone, (zone, *_databases(self.lake, zone))) for zone in SEARCHED_ZONES)
        zones = [zone for zone, names in known if not schema or schema.lower() in names]
        if not schema and name.lower() in self.resources:
            zones.remove("raw")  # a resource without its database means what users call its table
        for zone in zones:
            query = self._render(zone, name.lower())
            if query is not None:
                if self.personal is not None:
                    query = self.personal.hide(self.connection, zone, name.lower(), query)
                self._create(schema, name, query)
                return query
        return ""

    def define_for(self, model: Model, schema: str, name: str) -> str:
        """The same for a model: a table it can do without has no rows where it was never loaded."""
        query = self.define(schema, name)
        if not query and schema == "refined" and name in model.optional:
            query = no_rows_sql(self.resources[name])
            self._create(schema, name, query)
        return query

    def _create(self, schema: str, name: str, query: str) -> None:
        if schema:
            self.connection.execute(f"create schema if not exists {identifier(schema)}")
        full_name = f"{identifier(schema)}.{identifier(name)}" if schema else identifier(name)
        self.connection.execute(f"create or replace view {full_name} as {query}")
        self.texts.append(query)

    def _render(self, zone: str, name: str) -> str | None:
        if zone == "raw":
            return self._raw(name)
        if zone == "refined":
            return self._refined(name)
        if (zone, name) in TABLES:
            return f"select * from {self._own(zone, name)}"
        if zone == "operations" and name in (GAPS, SNAPSHOT_DATES):
            return self._gaps() if name == GAPS else self._snapshot_dates()
        model = self.models.by_name.get(name) if zone == "trusted" else None
        if model is not None and model.trouble and self.lake.shown(zone, name) is None:
            raise ConfigurationError(f"the model {name} cannot be read: {model.trouble}", hint="planlake model list")
        if model is not None and model.is_view:
            return self._model(model)
        table = self.lake.shown(zone, name)
        return self._as_of_day(name, table) if table is not None else None

    def _gaps(self) -> str:
        gaps = gaps_query(self._own("raw", "api_requests"), DUCKDB)
        return f'select * from ({gaps}) order by resource, "window", page'

    def _snapshot_dates(self) -> str:
        return snapshot_dates_query(self._own("operations", "published"), self._own("operations", "journal"), DUCKDB)

    def _model(self, model: Model) -> str:
        """A view that a model is: its own query, once what it reads is there under the names it uses."""
        for schema, name in model.reads:
            if not self.define_for(model, schema, name):
                facts = {"model": model.name, "at": model.place(1)}
                if schema == "trusted":
                    message, hint = f"{schema}.{name} was not built yet", "planlake run --step trust"
                else:
                    message, hint = f"{schema}.{name} was not loaded yet", "planlake run"
                raise ConfigurationError(message, facts=facts, hint=hint)
        return model.query

    def _mapping(self, name: str) -> str:
        """A file of mappings as a table of texts; what it holds is the user's own, so it is read before the query."""
        if name not in self.models.mappings:
            return ""
        self.connection.register(f"mapping {name}", read_mapping(self.models.mappings[name]))
        query = f"select * from {identifier(f'mapping {name}')}"
        self._create(MAPPING, name, query)
        return query

    def _as_of_day(self, name: str, table: "Table") -> str:
        """A trusted table, of a past day as it was at its end."""
        if self.as_of is None:
            return self._whole(table)
        following = run_date_of(next_kept(table, version := version_of_day(table, self.as_of)))
        if version is None:
            if following:
                message = f"trusted.{name} of {self.as_of} is not kept any more; the first day kept is {following}"
                raise ConfigurationError(message, hint=f'planlake sql --as-of {following} "from trusted.{name}"')
            self.notes.append(f"{name} as of {self.as_of}: it was not built by then")
            return f"select * from {rows_sql([], table.schema())}"
        gap = f"; what was built between it and {following} is not kept" if following else ""
        self.notes.append(f"{name} as of {self.as_of}: as built on {run_date_of(version)}{gap}")
        schema = next(one for one in table.schemas().values() if one.schema_id == version.schema_id)
        files = data_files(table, snapshot_id=version.snapshot_id)
        return f"select * from {rows_sql(files, schema, called=self.called)}"

    def _own(self, zone: str, name: str) -> str:
        """Rows of one of Planlake's own tables; none where nothing was written to it yet."""
        return built_in_rows_sql(self.lake, zone, name, called=self.called)

    def _whole_rows(self, table: "Table") -> str:
        return rows_sql(data_files(table), table.schema(), called=self.called)

    def _whole(self, table: "Table") -> str:
        return f"select * from {self._whole_rows(table)}"

    def _raw(self, name: str) -> str | None:
        if ("raw", name) in TABLES:
            return f"select * from {self._own('raw', name)}"
        if name.startswith("api_response_") and name.removeprefix("api_response_") in self.resources:
            return self._responses(name.removeprefix("api_response_"))
        if name in self.resources:
            return self._parsed(self.resources[name])
        return None

    def _responses(self, resource: str) -> str | None:
        """Records as received in a column named after the resource, and failed requests as rows of their own."""
        lake = self.lake.holder(resource)
        if lake.find("raw", "api_requests") is None:
            return None
        rows = raw_rows_sql(lake, raw_files(lake, resource, 0), resource, 0, called=self.called)
        imports = ", ".join(IMPORT_COLUMNS)
        failed = f"""
            select page, null, url, status::varchar, error, requested_at, {DUCKDB.seconds("requested_at")},
                strftime(london, '%Y'), strftime(london, '%m'), strftime(london, '%d'), strftime(london, '%Y%m%d')
            from (select *, timezone('Europe/London', timezone('UTC', requested_at)) as london
                  from {self._own("raw", "api_requests")})
            where resource = {literal(resource)} and error is not null"""
        columns = imports.replace("page_number", f"page_number, api_response as {identifier(resource)}", 1)
        return f"select {columns} from {rows} union all {failed}"

    def _parsed(self, resource: ResourceSpec) -> str | None:
        """Every key as text, beside the import columns."""
        lake = self.lake.holder(resource.name)
        files = raw_files(lake, resource.name, 0)
        if not files:
            return None
        rows = raw_rows_sql(lake, files, resource.name, 0, called=self.called)
        increment = self.lake.shown("refined", f"increment_{resource.name}")
        keys = keys_of(increment.schema() if increment else None, resource)
        found = found_keys(self.connection, f"(select api_response from {rows} where is_regular)")
        names = column_names((key for key in found if key not in keys), keys.values())
        keys.update(names)
        fast = [key for key in keys if key in found]
        is_fast = bool(fast) and len({key.lower() for key in fast}) == len(fast)
        regular_rows = f"is_regular and not ({SAYS_A_KEY_TWICE})"
        terms = [f"parsed[{literal(key)}] as {identifier(keys[key])}" for key in fast]
        columns = ", ".join([*terms, *IMPORT_COLUMNS, "batch"])
        regular = f"""select {columns} from (select *, from_json(api_response, {literal(structure_of(fast))}) as parsed
                      from {rows} where {regular_rows})"""
        slow = self._irregular(resource, f"(select * from {rows} where not ({regular_rows} and {is_fast}))", keys)
        return f"{slow} union all by name {regular}" if is_fast else slow

    def _irregular(self, resource: ResourceSpec, rows: str, keys: Mapping[str, str]) -> str:
        imports = ", ".join(IMPORT_COLUMNS)
        others = self.connection.sql(f"select {imports}, batch, api_response from {rows}").to_arrow_table()
        name = f"irregular {resource.name}"  # no resource is called so
        self.connection.register(name, parse_by_python(others, keys, self.texts_of))
        return f"select * from {identifier(name)}"

    def _refined(self, name: str) -> str | None:
        for prefix, render in (
            ("increment_", self._increment),
            ("current_", self._current),
            ("history_", self._history),
        ):
            if name.startswith(prefix) and name.removeprefix(prefix) in self.resources:
                return render(self.resources[name.removeprefix(prefix)])
        return self._latest(self.resources[name]) if name in self.resources else None

    def _increment(self, resource: ResourceSpec) -> str | None:
        table = self.lake.shown("refined", f"increment_{resource.name}")
        if table is None:
            return None
        return f"select * from {self._versions(resource, table)}"

    def _versions(self, resource: ResourceSpec, table: "Table") -> str:
        """Versions received until the day asked about; where there are none, a note says when the first came."""
        if self.as_of is None:
            return self._whole_rows(table)
        dates = rows_sql(data_files(table), table.schema(), columns=("import_date",), called=self.called)
        query = f"select min(import_date) from {dates}"
        first = self.connection.execute(query).fetchall()[0][0]
        if first is not None and first > f"{self.as_of:%Y%m%d}":
            note = f"{resource.name} as of {self.as_of}: {NOTHING_BY_THEN}, the first on {dashed(first)}"
            self.notes[:] = [*(one for one in self.notes if not one.startswith(f"{resource.name} as of")), note]
        return f"(select * from {self._whole_rows(table)} where import_date <= '{self.as_of:%Y%m%d}')"

    def _current(self, resource: ResourceSpec) -> str | None:
        table = self.lake.shown("refined", f"current_{resource.name}")
        if table is None or self.as_of is None or table.current_snapshot() is None:
            return self._whole(table) if table is not None else None
        day, snapshot = self._snapshot_of_day(resource, table, self.as_of)
        if snapshot is not None:
            self.notes.append(f"{resource.name} as of {self.as_of}: as published on {dashed(day)}")
            files = data_files(table, snapshot_id=snapshot.snapshot_id)
            return f"select * from {rows_sql(files, self._schema(resource, table), called=self.called)}"
        if self._was_undone(resource, table, self.as_of):
            self.notes.append(f"{resource.name} as of {self.as_of}: what was published until then was undone")
            return f"select * from {rows_sql([], table.schema())}"
        shown = "no snapshot is kept; shown as received by the end of that day"
        self.notes.append(f"{resource.name} as of {self.as_of}: {shown}")
        increment = self.lake.shown("refined", f"increment_{resource.name}")
        if increment is None:
            return None
        return f"""select * from {self._versions(resource, increment)} qualify row_number() over (
            partition by {identifier(resource.key)}
            order by {latest_first(resource.changed, increment.schema().column_names)}) = 1"""

    def _snapshot_of_day(self, resource: ResourceSpec, table: "Table", day: date) -> tuple[str, "Snapshot | None"]:
        """The day on which the version that was published at the end of this day was, and it, if it is still kept.

        The tag of that day or the last before it, unless a later version was published whose tag is gone since.
        """
        tag = tag_of(table, day)
        tagged = table.snapshot_by_name(tag) if tag else None
        tag_day = tag.removeprefix(DAY_TAG) if tag else ""
        published = [row for row, counts in self._published_until(resource, table, day) if counts]
        if not published or published[0][0] <= tag_day:
            return tag_day, tagged
        return published[0][0], table.snapshot_by_id(published[0][1])

    def _published_until(self, resource: ResourceSpec, table: "Table", day: date) -> list[tuple[tuple[str, int], bool]]:
        """The day and version of everything published by the end of a day, the last first, and whether it counts."""
        query = f"""select snapshot_date, snapshot_id, run, batch from {self._own("operations", "published")}
                    where resource = {literal(resource.name)} and snapshot_date <= '{day:%Y%m%d}'
                    order by snapshot_date desc, run desc"""
        rows = self.connection.execute(query).fetchall()
        counts = still_published(table, [(run, batch, version) for _, version, run, batch in rows])
        return [((date, version), one) for (date, version, *_), one in zip(rows, counts, strict=True)]

    def _was_undone(self, resource: ResourceSpec, table: "Table", day: date) -> bool:
        """Whether something was published by the end of a day and all of it is undone: then there was nothing."""
        return {one for _, one in self._published_until(resource, table, day)} == {False}

    def _schema(self, resource: ResourceSpec, table: "Table") -> "Schema | Columns":
        """The columns of `current_` with the types they had on the day asked about; those that came later are NULL."""
        snapshot = self._snapshot_of_day(resource, table, self.as_of)[1] if self.as_of else None
        if snapshot is None or snapshot.schema_id is None:
            return table.schema()
        then = {field.name: field for field in table.schemas()[snapshot.schema_id].fields}
        now = {field.name: field for field in table.schema().fields}
        return Columns(tuple(cast("Iterable[Field]", {**now, **then}.values())))

    def _history(self, resource: ResourceSpec) -> str | None:
        """Every version with the time from which and until which Planlake held it as the latest."""
        table = self.lake.shown("refined", f"increment_{resource.name}")
        if table is None:
            return None
        next_version = f"""lag(import_datetime) over (
            partition by {identifier(resource.key)}
            order by {latest_first(resource.changed, table.schema().column_names)})"""
        columns = f"{_shown(table.schema())}, is_deleted, import_datetime as valid_from, {next_version} as valid_to"
        return f"select {columns} from {self._versions(resource, table)}"

    def _latest(self, resource: ResourceSpec) -> str | None:
        """The latest version of each id that is not deleted, and the date of the last published snapshot."""
        rows = self._current(resource)
        table = self.lake.shown("refined", f"current_{resource.name}")
        if rows is None or table is None:
            return None
        day = literal(self._published(resource, table))
        return f"""
            select {_shown(self._schema(resource, table))}, substr({day}, 1, 4) as snapshot_year,
                substr({day}, 5, 2) as snapshot_month, substr({day}, 7, 2) as snapshot_day, {day} as snapshot_date
            from ({rows}) where not is_deleted"""

    def _published(self, resource: ResourceSpec, table: "Table") -> str:
        """The day on which what is shown was published last."""
        snapshot = table.current_snapshot()
        if self.as_of is not None:
            day, kept = self._snapshot_of_day(resource, table, self.as_of)
            if kept is not None:
                return day
            shown = f"snapshot_date <= '{self.as_of:%Y%m%d}'"
        else:
            shown = f"snapshot_id = {snapshot.snapshot_id} and {until_today_sql()}" if snapshot is not None else "false"
        query = f"""select coalesce(max(snapshot_date), '') from {self._own("operations", "published")}
                    where resource = {literal(resource.name)} and {shown}"""
        told = str(self.connection.execute(query).fetchall()[0][0])
        return told if self.as_of is not None else told or run_date_of(snapshot)


def known_names(
    lake: Lake, resources: Mapping[str, ResourceSpec], models: Models | None = None
) -> dict[str, list[str]]:
    """Every table and view that can be queried now, by database; a preview's own, and its base's it shows."""
    own = _own_names(lake, resources)
    if lake.base is None:
        views = [one.name for one in models.by_name.values() if one.is_view] if models is not None else []
        trusted = lake.database("trusted")
        return own | {trusted: sorted({*own[trusted], *views})}
    others = known_names(lake.base, resources, models)
    theirs = {lake.base.database(zone): set(own[lake.database(zone)]) for zone in ZONES}
    return own | {
        database: [name for name in names if name not in theirs[database]] for database, names in others.items()
    }


def places_of_names(views: Views) -> dict[str, tuple[str, str]]:
    """The zone and database in which a name that is given without one is found, for everything that can be queried."""
    known = known_names(views.lake, views.resources, views.models)
    lakes = [one for one in (views.lake.base, views.lake) if one is not None]
    return {
        name: (zone, one.database(zone))
        for zone in reversed(SEARCHED_ZONES)
        for one in lakes
        for name in known.get(one.database(zone), ())
    }


def _own_names(lake: Lake, resources: Mapping[str, ResourceSpec]) -> dict[str, list[str]]:
    refined = lake.names("refined")
    loaded = [name.removeprefix("current_") for name in refined if name.startswith("current_")]
    increments = [name.removeprefix("increment_") for name in refined if name.startswith("increment_")]
    raw = lake.names("raw")
    received = resources.keys() & {*increments, *highest_by_resource(lake.find("raw", "api_responses"), "batch")}
    names = {zone: lake.names(zone) for zone in ZONES}
    names["operations"] += [GAPS, SNAPSHOT_DATES] if raw else []
    names["raw"] = [*raw, *(f"api_response_{name}" for name in received), *received] if raw else []
    names["refined"] = [*refined, *loaded, *(f"history_{name}" for name in increments)]
    known = resources.keys()
    return {
        lake.database(zone): sorted(name for name in found if zone != "refined" or resource_of(name) in known)
        for zone, found in names.items()
    }


def _databases(lake: Lake, zone: str) -> list[str]:
    """The names a zone's database goes by: in a preview also its base's, so that queries run as they stand."""
    bases = _databases(lake.base, zone) if lake.base is not None else []
    return [lake.database(zone).lower(), *bases]


def _shown(schema: "Schema | Columns") -> str:
    """The columns users see: the vendor's, then when and how they came, then the batch."""
    vendor = [name for name in schema.column_names if name not in REFINED_OWN]
    return ", ".join(map(identifier, [*vendor, *IMPORT_COLUMNS, "batch"]))
