"""Reading tables with DuckDB: in goes an Iceberg table, out comes the SQL text that reads its files.

Columns are matched by field id, so a renamed or re-added column is never confused with another.
"""

import json
from collections.abc import Callable, Collection, Sequence

from pyiceberg.expressions import BooleanExpression
from pyiceberg.manifest import DataFile
from pyiceberg.schema import Schema
from pyiceberg.types import (
    BooleanType,
    DoubleType,
    IcebergType,
    IntegerType,
    LongType,
    NestedField,
    StringType,
    TimestampType,
)

from planlake.engines.sql import identifier, literal
from planlake.lake.files import data_files
from planlake.lake.lake import Lake
from planlake.lake.schemas import Described

Called = Callable[[str], str]  # what DuckDB calls the file at a location
OF_ONE_LAKE = ("runs", "journal", "previewed")


def path_of(location: str) -> str:
    """A file's location as DuckDB reads it by itself."""
    return location.removeprefix("file://")


SQL_TYPES: dict[type[IcebergType], str] = {
    IntegerType: "INTEGER",
    LongType: "BIGINT",
    DoubleType: "DOUBLE",
    BooleanType: "BOOLEAN",
    TimestampType: "TIMESTAMP",
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


def own_rows_sql(
    lake: Lake,
    zone: str,
    name: str,
    *,
    columns: Collection[str] | None = None,
    where: BooleanExpression | None = None,
    called: Called = path_of,
) -> str:
    """A table expression over one of Planlake's own tables; no rows where nothing was ever written to it.

    `where` only spares files that hold no such row. A preview shows its own rows of resources it has entered, and its
    base's of all others; what ran, of itself alone.
    """
    table = lake.find(zone, name)
    schema = table.schema() if table is not None else lake.own_schema(zone, name)
    wanted = columns if columns is None or lake.base is None else {*columns, "resource"}
    files = data_files(table, where=where) if table is not None else []
    own = rows_sql(files, schema, columns=wanted, called=called)
    if lake.base is None or name in OF_ONE_LAKE:
        return own
    others = own_rows_sql(lake.base, zone, name, columns=wanted, where=where, called=called)
    entered = ", ".join(map(literal, ["", *sorted(lake.own)]))
    return f"""(select * from {own} where resource in ({entered})
                union all by name select * from {others} where resource not in ({entered}))"""


def _columns_sql(fields: Sequence[NestedField]) -> str:
    """Columns by field id. DuckDB reads 766 of them from JSON in 0.03 s; a MAP of literals takes it 0.1 s."""
    columns = {
        str(field.field_id): {"name": field.name, "type": SQL_TYPES[type(field.field_type)], "default_value": None}
        for field in fields
    }
    kind = "map(integer, struct(name varchar, type varchar, default_value varchar))"
    return f"{literal(json.dumps(columns))}::json::{kind}"


def latest_first(resource: Described, columns: Collection[str]) -> str:
    """The order in which versions of an id win, best first: batch, then `last_updated`, page and position.

    `columns` are those of the rows: nobody has to send or declare `last_updated`.
    """
    by_change = f"{identifier(resource.changed)} desc nulls last, " if resource.changed in columns else ""
    return f"batch desc, {by_change}page_number desc, import_position desc, import_request_id desc"
