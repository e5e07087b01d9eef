"""The types that columns of a trusted table have, and its rows in them."""

from collections.abc import Collection, Iterator

import pyarrow as pa
from pyiceberg.io.pyarrow import schema_to_pyarrow
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

from planlake.errors import ConfigurationError
from planlake.lake.tables.parquet import is_text
from planlake.lake.views.models import Model


def schema_for(model: Model, answered: pa.Schema, held: Schema | None, last_id: int) -> Schema:
    """The columns of an answer as a table's; those that it has already, in the same type, keep their numbers.

    `last_id` is the highest number the table ever used. A ConfigurationError names a column whose type cannot be
    stored, or whose name comes twice.
    """
    known = {field.name: field for field in held.fields} if held is not None else {}
    fields: list[NestedField] = []
    names = set[str]()
    for column in answered:
        if column.name.lower() in names:
            facts = {"model": model.name, "at": model.place(1)}
            hint = f"name one of them otherwise: {column.name} as ..."
            raise ConfigurationError(f"two columns are called {column.name}", facts=facts, hint=hint)
        names.add(column.name.lower())
        kind, before = _kind(model, column), known.get(column.name)
        if before is not None and before.field_type == kind:
            number = before.field_id
        else:
            last_id = number = last_id + 1
        meaning = model.columns.get(column.name)
        fields.append(NestedField(number, column.name, kind, required=False, doc=meaning))
    return Schema(*fields)


def columns_not_given(model: Model, given: Collection[str]) -> str:
    """What is said of columns that the model describes and its query does not give; empty where there are none."""
    unknown = [name for name in model.columns if name not in given]
    return f"`columns` describes {', '.join(unknown)}, which the query does not give" if unknown else ""


def _kind(model: Model, column: pa.Field) -> IcebergType:
    """What a column of an answer is stored as; whole numbers that fit nowhere else as double."""
    of, kind = pa.types, column.type
    if of.is_boolean(kind):
        return BooleanType()
    if of.is_integer(kind):
        return IntegerType() if kind.bit_width < 32 or kind == pa.int32() else LongType()
    if of.is_floating(kind) or of.is_decimal(kind):
        return LongType() if of.is_decimal(kind) and kind.scale == 0 else DoubleType()
    if of.is_timestamp(kind):
        return TimestampType()
    if of.is_date(kind):
        return DateType()
    if is_text(kind) or of.is_null(kind):
        return StringType()
    facts = {"model": model.name, "column": column.name, "type": kind}
    hint = f"cast({column.name} as varchar), or as another type that a table can have"
    raise ConfigurationError("a column has a type that no table can have", facts=facts, hint=hint)


def shaped(pieces: Iterator[pa.RecordBatch], schema: Schema, *, most_bytes: int) -> Iterator[pa.Table]:
    """The rows in the types of a table, in pieces of about so many bytes; one without rows where there are none."""
    wanted = schema_to_pyarrow(schema)
    held: list[pa.RecordBatch] = []
    size = 0
    for piece in pieces:
        held.append(piece)
        size += piece.nbytes
        if size >= most_bytes:
            yield _cast(held, wanted)
            held, size = [], 0
    if held:
        yield _cast(held, wanted)


def _cast(pieces: list[pa.RecordBatch], wanted: pa.Schema) -> pa.Table:
    """The rows in these types; texts as they come: a file holds the same of texts and of large ones."""
    rows, columns, fields = pa.Table.from_batches(pieces), [], []
    for column, field in zip(rows.columns, wanted, strict=True):
        kind = column.type if is_text(column.type) else field.type
        try:
            columns.append(column.cast(kind, safe=not pa.types.is_timestamp(kind)))
        except pa.ArrowInvalid:  # whose message shows the value
            hint = f"{field.name}::double, or ::varchar"
            raise ConfigurationError(f"a value of {field.name} is too large for {field.type}", hint=hint) from None
        fields.append(field.with_type(kind))
    return pa.Table.from_arrays(columns, schema=pa.schema(fields))
