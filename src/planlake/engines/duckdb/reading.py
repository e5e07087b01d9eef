"""SQL that reads data files of an Iceberg table by field id, so that renamed and added columns are found."""

import json
from collections.abc import Callable, Collection, Sequence

from pyiceberg.manifest import DataFile
from pyiceberg.schema import Schema
from pyiceberg.types import (
    BooleanType,
    DateType,
    DoubleType,
    IcebergType,
    IntegerType,
    LongType,
    NestedField,
    StringType,
    TimestampType,
)

from planlake.engines.sql import identifier, literal

Called = Callable[[str], str]  # what DuckDB calls the file at a location


def path_of(location: str) -> str:
    """A file's location as DuckDB reads it by itself."""
    return location.removeprefix("file://")


SQL_TYPES: dict[type[IcebergType], str] = {
    IntegerType: "INTEGER",
    LongType: "BIGINT",
    DoubleType: "DOUBLE",
    BooleanType: "BOOLEAN",
    TimestampType: "TIMESTAMP",
    DateType: "DATE",
    StringType: "VARCHAR",
}


def rows_sql(
    files: Sequence[DataFile],
    schema: Schema,
    *,
    columns: Collection[str] | None = None,
    called: Called = path_of,
) -> str:
    """A table expression over these files; only `columns` where given, all of the schema otherwise."""
    fields = [field for field in schema.fields if columns is None or field.name in columns]
    if not files:
        empty = ", ".join(f"null::{SQL_TYPES[type(f.field_type)]} as {identifier(f.name)}" for f in fields)
        return f"(select {empty} where false)"
    paths = ", ".join(literal(called(file.file_path)) for file in files)
    return f"read_parquet([{paths}], hive_partitioning=false, schema={_columns_sql(fields)})"


def _columns_sql(fields: Sequence[NestedField]) -> str:
    """Columns by field id. DuckDB reads 766 of them from JSON in 0.03 s; a MAP of literals takes it 0.1 s."""
    columns = {
        str(field.field_id): {"name": field.name, "type": SQL_TYPES[type(field.field_type)], "default_value": None}
        for field in fields
    }
    kind = "map(integer, struct(name varchar, type varchar, default_value varchar))"
    return f"{literal(json.dumps(columns))}::json::{kind}"
