"""Reading tables with DuckDB: in goes an Iceberg table, out comes the SQL text that reads its files.

Columns are matched by field id, so a renamed or re-added column is never confused with another.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from pyiceberg.manifest import DataFile
from pyiceberg.schema import Schema
from pyiceberg.types import (
    BooleanType,
    DoubleType,
    IcebergType,
    IntegerType,
    LongType,
    StringType,
    TimestampType,
)

from planlake.engines.sql import identifier, literal

if TYPE_CHECKING:
    import duckdb

SQL_TYPES: dict[type[IcebergType], str] = {
    IntegerType: "INTEGER",
    LongType: "BIGINT",
    DoubleType: "DOUBLE",
    BooleanType: "BOOLEAN",
    TimestampType: "TIMESTAMP",
    StringType: "VARCHAR",
}


def rows_sql(files: Sequence[DataFile], schema: Schema, *, columns: Collection[str] | None = None) -> str:
    """A table expression over these files; only `columns` where given, all of the schema otherwise."""
    fields = [field for field in schema.fields if columns is None or field.name in columns]
    if not files:
        empty = ", ".join(f"null::{SQL_TYPES[type(f.field_type)]} as {identifier(f.name)}" for f in fields)
        return f"(select {empty} where false)"
    entries = ", ".join(
        f"{f.field_id}: {{name: {literal(f.name)}, type: {literal(SQL_TYPES[type(f.field_type)])}, default_value: NULL}}"
        for f in fields
    )
    paths = ", ".join(literal(path_of(file.file_path)) for file in files)
    return f"read_parquet([{paths}], hive_partitioning=false, schema=MAP{{{entries}}})"


def path_of(location: str) -> str:
    """A file's location as DuckDB reads it."""
    return location.removeprefix("file://")


def scalar(connection: "duckdb.DuckDBPyConnection", query: str, parameters: Iterable[object] = ()) -> object:
    """The single value a query answers."""
    rows = connection.execute(query, list(parameters)).fetchall()
    return rows[0][0] if rows else None
