"""SQL that reads data files of an Iceberg table by field id, so that renamed and added columns are found."""

import json
from collections.abc import Callable, Collection, Sequence
from typing import Any, Protocol

from planlake.engines.sql import identifier, literal

Called = Callable[[str], str]  # what DuckDB calls the file at a location


def path_of(location: str) -> str:
    """A file's location as DuckDB reads it by itself."""
    return location.removeprefix("file://")


class NamedFile(Protocol):
    """A data file, whoever read its name."""

    @property
    def file_path(self) -> str:
        """Where it lies."""


class NamedField(Protocol):
    """A column of a table, whoever read its name."""

    @property
    def field_id(self) -> int:
        """Its number in the table."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def field_type(self) -> Any:  # noqa: ANN401 - a type of pyiceberg's
        """Its type."""


class NamedFields(Protocol):
    """The columns of a table."""

    @property
    def fields(self) -> Sequence[NamedField]:
        """Each of them, in order."""


SQL_TYPES = {  # by what Iceberg calls them
    "int": "INTEGER",
    "long": "BIGINT",
    "double": "DOUBLE",
    "boolean": "BOOLEAN",
    "timestamp": "TIMESTAMP",
    "date": "DATE",
    "string": "VARCHAR",
}


def type_name(field: NamedField) -> str:
    """What Iceberg calls the type of a column; pyiceberg is asked only where nobody else read it."""
    return getattr(field, "type_name", "") or str(field.field_type)


def sql_type(field: NamedField) -> str:
    """What DuckDB calls the type of a column."""
    return SQL_TYPES[type_name(field)]


def rows_sql(
    files: Sequence[NamedFile],
    schema: NamedFields,
    *,
    columns: Collection[str] | None = None,
    called: Called = path_of,
) -> str:
    """A table expression over these files; only `columns` where given, all of the schema otherwise."""
    fields = [field for field in schema.fields if columns is None or field.name in columns]
    if not files:
        empty = ", ".join(f"null::{sql_type(f)} as {identifier(f.name)}" for f in fields)
        return f"(select {empty} where false)"
    paths = ", ".join(literal(called(file.file_path)) for file in files)
    return f"read_parquet([{paths}], hive_partitioning=false, schema={_columns_sql(fields)})"


def _columns_sql(fields: Sequence[NamedField]) -> str:
    """Columns by field id. DuckDB reads 766 of them from JSON in 0.03 s; a MAP of literals takes it 0.1 s."""
    columns = {
        str(field.field_id): {"name": field.name, "type": sql_type(field), "default_value": None} for field in fields
    }
    kind = "map(integer, struct(name varchar, type varchar, default_value varchar))"
    return f"{literal(json.dumps(columns))}::json::{kind}"
