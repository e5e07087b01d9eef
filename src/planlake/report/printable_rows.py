"""Makes the rows of an answer fit to be shown: nothing in them moves a cursor, no two columns have one name."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from planlake.engines.duckdb.connection import Connection
from planlake.printable import printable

AS_THEY_ARE = (pa.types.is_integer, pa.types.is_boolean, pa.types.is_null, pa.types.is_floating, pa.types.is_decimal)
IS_TEXT = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
IS_MOMENT = (pa.types.is_date, pa.types.is_timestamp, pa.types.is_time)
NOT_HELD = (OverflowError, ValueError, pa.ArrowException)  # by Python: years beyond 9999 or before 1, nanoseconds


def printable_rows(connection: Connection, rows: pa.Table) -> pa.Table:
    """The same rows with nothing in them that a screen may not show, and no two columns of one name."""
    columns = [_column(connection, column) for column in rows.columns]
    return pa.table(columns, names=unique([printable(name) for name in rows.column_names]))


def _column(connection: Connection, column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if is_any(kind, (*AS_THEY_ARE, *IS_MOMENT)) or pa.types.is_interval(kind):
        return column
    import pyarrow.compute as pc  # noqa: PLC0415 - makes some hundred functions, which numbers do not need

    texts = column if is_any(kind, IS_TEXT) else as_text(connection, column)
    is_hidden = pc.fill_null(pc.invert(pc.utf8_is_printable(texts)), fill_value=False)
    if not pc.any(is_hidden).as_py():
        return column
    written = [printable(text) for text in texts.filter(is_hidden).to_pylist()]
    plain = texts.combine_chunks().cast(pa.string())
    return pa.chunked_array([pc.replace_with_mask(plain, is_hidden.combine_chunks(), pa.array(written))])


def unique(names: Sequence[str]) -> list[str]:
    """The names, with a number behind those that are there before; none of these is any other's name."""
    taken, found = set(names), dict[str, None]()
    for name in names:
        given, number = name, 1
        while given in found or (number > 1 and given in taken):
            number += 1
            given = f"{name}_{number}"
        found[given] = None
    return list(found)


def as_text(connection: Connection, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Values as DuckDB writes them."""
    return connection.from_arrow(pa.table({"value": column})).project("value::varchar").to_arrow_table().column(0)


def is_structured(kind: pa.DataType) -> bool:
    """Whether values are lists, maps or structures."""
    return bool(pa.types.is_nested(kind)) and not pa.types.is_union(kind)


def as_json(connection: Connection, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Lists, maps and structures as JSON."""
    return (
        connection.from_arrow(pa.table({"value": column})).project("to_json(value)::varchar").to_arrow_table().column(0)
    )


def is_any(kind: pa.DataType, kinds: Sequence[Any]) -> bool:
    """Whether a type is of one of these kinds, each a test of Arrow's."""
    return any(is_one(kind) for is_one in kinds)


def for_csv(connection: Connection, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column that CSV can hold: what is nested as JSON, as text what the library would write otherwise."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return column.cast(kind.value_type)
    if is_any(kind, (*AS_THEY_ARE, *IS_TEXT)):
        return column
    if is_structured(kind):
        return as_json(connection, column)
    if is_any(kind, IS_MOMENT):
        import pyarrow.compute as pc  # noqa: PLC0415

        try:
            pc.min_max(column).as_py()
        except NOT_HELD:
            return as_text(connection, column)
        return column
    return as_text(connection, column)
