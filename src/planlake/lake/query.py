"""Running a user's query: in goes SQL text, out comes its answer; only the tables it names are opened."""

import json
from collections.abc import Iterator
from typing import Any

import duckdb
import pyarrow as pa

from planlake.config import suggestion
from planlake.engines.duckdb import Connection
from planlake.errors import ConfigurationError
from planlake.lake.lake import ZONES
from planlake.lake.views import Views, known_names

HINT = "planlake tables lists what can be queried"


def answer(views: Views, query: str) -> pa.Table:
    """The answer of one SELECT (or DESCRIBE, SUMMARIZE); a ConfigurationError says what is wrong with the query."""
    connection = views.connection
    unknown = [names for names in sorted(named_tables(connection, query)) if not views.define(*names)]
    try:
        return connection.sql(query).to_arrow_table()
    except duckdb.Error as error:
        if isinstance(error, duckdb.CatalogException) and unknown:
            raise _unknown(views, *unknown[0]) from None
        message = str(error).split("\n\n")[0].replace("\n", " ")
        raise ConfigurationError(f"the query failed: {message}", hint=HINT) from None


def _unknown(views: Views, schema: str, name: str) -> ConfigurationError:
    databases = [views.lake.database(zone) for zone in ZONES]
    if schema and schema.lower() not in [database.lower() for database in databases]:
        return ConfigurationError(f'no database is called "{schema}"', hint=suggestion(schema, databases))
    if name in views.resources:
        return ConfigurationError(f'"{name}" was not loaded yet', hint=f"planlake run {name}")
    known = {found for names in known_names(views.lake, views.resources).values() for found in names}
    return ConfigurationError(f'no table is called "{name}"', hint=suggestion(name, known) if known else HINT)


def named_tables(connection: Connection, query: str) -> set[tuple[str, str]]:
    """Schema and name of every table a query names; a ConfigurationError where it is no single SELECT."""
    tree = json.loads(connection.execute("select json_serialize_sql(?)", [query.strip().rstrip(";")]).fetchall()[0][0])
    if tree["error"]:
        message = str(tree["error_message"]).splitlines()[0]
        if "Only SELECT" in message:
            message = "only queries that read are carried out: SELECT, WITH, FROM, DESCRIBE, SUMMARIZE"
        raise ConfigurationError(f"the query cannot be read: {message}", hint=HINT)
    if len(tree["statements"]) != 1:
        raise ConfigurationError(f"one query at a time; these are {len(tree['statements'])}")
    return set(_tables_in(tree))


def _tables_in(node: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - DuckDB's syntax tree
    if isinstance(node, dict):
        if node.get("type") == "BASE_TABLE":
            yield node["schema_name"], node["table_name"]
        for child in node.values():
            yield from _tables_in(child)
    elif isinstance(node, list):
        for child in node:
            yield from _tables_in(child)
