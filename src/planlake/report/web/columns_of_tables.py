"""The tables that can be asked, with their columns: what an editor completes.

No file of any table is read: columns are those of schemas, and a view of a model is bound to empty tables that stand
for what it reads. Of several tables that have one name the first is the one that is meant where no database is named.
"""

from contextlib import suppress
from dataclasses import dataclass, field

import duckdb

from planlake.clock import read_clock
from planlake.engines.duckdb.locked import locked
from planlake.engines.duckdb.reading import NamedFields, sql_type
from planlake.engines.sql import identifier
from planlake.engines.type_words import word_of_sql
from planlake.errors import PlanlakeError
from planlake.lake.tables.columns import IMPORT_COLUMNS, REFINED_OWN, TABLES, declared_columns, keys_of
from planlake.lake.views.models import MAPPING, Model
from planlake.lake.views.personal import LEDGER, TEXT, Personal
from planlake.lake.views.query import QueryContext, columns_of
from planlake.lake.views.views import SEARCHED_ZONES, Views, known_names
from planlake.lake.warehouse import file_opener

Types = dict[str, str]  # of the columns of a table, as DuckDB calls them
SNAPSHOT_COLUMNS = ("snapshot_year", "snapshot_month", "snapshot_day", "snapshot_date")
RESPONSES, INCREMENT, CURRENT, HISTORY = "api_response_", "increment_", "current_", "history_"


def columns_of_tables(asked: QueryContext) -> dict[str, list[tuple[str, str]]]:
    """The columns and types of every table and view, by `database.table`; what is not shown here is left out."""
    found = {}
    with locked(file_opener(asked.lake), asked.limits) as room:
        views = Views(
            *(asked.lake, asked.resources, room.connection, asked.texts_of),
            called=room.files.name_of,
            models=asked.models,
            personal=asked.personal,
        )
        asked.models.define_macros(room.connection, "", asked.as_of or read_clock().today())
        lakes = [lake for lake in (asked.lake, asked.lake.base) if lake is not None]
        known = known_names(asked.lake, asked.resources, asked.models)
        shapes = Shapes(views, asked.personal)
        for zone, database in ((zone, lake.database(zone)) for zone in SEARCHED_ZONES for lake in lakes):
            for name in known.get(database, ()):
                with suppress(PlanlakeError, duckdb.Error, KeyError):
                    types = shapes.of(zone, name)
                    found[f"{database}.{name}"] = [(column, word_of_sql(kind)) for column, kind in types.items()]
    return found


@dataclass(frozen=True, slots=True)
class Shapes:
    """The columns of tables and views, each worked out once; a KeyError for what is not shown."""

    views: Views
    personal: Personal | None
    known: dict[tuple[str, str], Types] = field(default_factory=dict)
    standing: set[tuple[str, str]] = field(default_factory=set)  # tables that stand for others on the connection

    def of(self, zone: str, name: str) -> Types:
        """The columns of a table, those that are hidden as the texts that they then are."""
        if (zone, name) not in self.known:
            types = self._stored(zone, name)
            hidden = self.personal.hidden_columns(zone, name, types) if self.personal is not None else ()
            self.known[zone, name] = types | {column: TEXT for column in hidden if column in types}
        return self.known[zone, name]

    def _stored(self, zone: str, name: str) -> Types:
        model = self.views.models.by_name.get(name) if zone == "trusted" else None
        if model is not None and model.is_view:
            return self._bound(model)
        if zone == "raw":
            return self._raw(name)
        if zone == "refined":
            return self._refined(name)
        if (zone, name) in TABLES:
            return _types(declared_columns(TABLES[zone, name]))
        table = self.views.lake.shown(zone, name)
        return _types(table.schema()) if table is not None else columns_of(self.views, zone, name)

    def _raw(self, name: str) -> Types:
        if self.personal is not None and name != LEDGER:
            raise KeyError(name)
        if ("raw", name) in TABLES:
            return _types(declared_columns(TABLES["raw", name]))
        imports = _types(declared_columns(IMPORT_COLUMNS))
        if name.startswith(RESPONSES):
            return {"page_number": imports["page_number"], name.removeprefix(RESPONSES): TEXT} | imports
        increment = self.views.lake.shown("refined", f"{INCREMENT}{name}")
        keys = keys_of(increment.schema() if increment else None, self.views.resources[name])
        return dict.fromkeys(keys.values(), TEXT) | imports | {"batch": "BIGINT"}

    def _refined(self, name: str) -> Types:
        plain = name.removeprefix(HISTORY)
        stored = name if name.startswith((INCREMENT, CURRENT)) else f"{CURRENT if plain == name else INCREMENT}{plain}"
        table = self.views.lake.shown("refined", stored)
        if table is None:
            raise KeyError(name)
        types = _types(table.schema())
        if stored == name:
            return types
        shown = [one for one in types if one not in REFINED_OWN]
        found = {column: types[column] for column in (*shown, *IMPORT_COLUMNS, "batch")}
        if plain == name:
            return found | dict.fromkeys(SNAPSHOT_COLUMNS, TEXT)
        return found | {"is_deleted": "BOOLEAN", "valid_from": "TIMESTAMP", "valid_to": "TIMESTAMP"}

    def _bound(self, model: Model) -> Types:
        """The columns of a view, as DuckDB works them out from its query."""
        for schema, name in model.reads:
            self._stand(schema, name, is_optional=name in model.optional)
        described = self.views.connection.execute(f"describe {model.query}").fetchall()
        return {row[0]: row[1] for row in described}

    def _stand(self, schema: str, name: str, *, is_optional: bool) -> None:
        """Make an empty table that has the name and the columns of another one."""
        if schema == MAPPING:
            self.views.define(schema, name)
        elif (schema, name) not in self.standing:
            try:
                types = self.of(schema, name)
            except KeyError:
                if not is_optional:
                    raise
                resource = self.views.resources[name]
                keys = keys_of(None, resource)
                types = _types(declared_columns({keys[key]: kind for key, kind in resource.columns.items()}))
            columns = ", ".join(f"{identifier(column)} {kind}" for column, kind in types.items())
            self.views.connection.execute(f"create schema if not exists {identifier(schema)}")
            self.views.connection.execute(f"create table {identifier(schema)}.{identifier(name)} ({columns})")
            self.standing.add((schema, name))


def _types(schema: NamedFields) -> Types:
    return {one.name: sql_type(one) for one in schema.fields}
