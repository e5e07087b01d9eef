"""Counts the rows of a table that users see, those that are not deleted, and lists their ids."""

from collections.abc import Sequence

import duckdb
from pyiceberg.manifest import DataFile
from pyiceberg.schema import Schema
from pyiceberg.table import Table

from planlake.engines.duckdb.connection import Connection
from planlake.engines.duckdb.reading import rows_sql
from planlake.engines.sql import identifier
from planlake.lake.lake import Lake
from planlake.lake.tables.columns import ResourceSpec
from planlake.lake.tables.data_files import data_files


def live_row_count_of(connection: Connection, table: Table | None) -> int:
    """How many rows the view of a table shows: those of `current_` that are not deleted; 0 without a table."""
    return live_row_count(connection, table.schema(), data_files(table)) if table is not None else 0


def live_row_count(connection: Connection, schema: Schema, files: Sequence[DataFile]) -> int:
    """How many rows of these files are not deleted."""
    if not files:
        return 0
    rows = rows_sql(files, schema, columns=("is_deleted",))
    with connection.cursor() as cursor:
        return int(cursor.execute(f"select count(*) from {rows} where not is_deleted").fetchall()[0][0])


def live_row_count_if_readable(connection: Connection, schema: Schema, files: Sequence[DataFile]) -> int | None:
    """How many rows of these files are not deleted; None where one of them cannot be read."""
    try:
        return live_row_count(connection, schema, files)
    except duckdb.Error:
        return None


def held_ids(lake: Lake, connection: Connection, resource: ResourceSpec) -> list[str]:
    """The ids of all records held that are not deleted, as text."""
    current = lake.shown("refined", f"current_{resource.name}")
    if current is None:
        return []
    rows = rows_sql(data_files(current), current.schema(), columns=(resource.key, "is_deleted"))
    key = identifier(resource.key)
    query = f"select {key}::varchar as id from {rows} where not is_deleted order by {key}"
    with connection.cursor() as cursor:
        found: list[str] = cursor.sql(query).to_arrow_table()["id"].to_pylist()
    return found
