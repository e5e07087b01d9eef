"""Writing rows as a Parquet data file of an Iceberg table."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyiceberg.conversions import to_bytes
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.typedef import Record
from pyiceberg.types import PrimitiveType

from planlake.lake.aws.file_access import FileAccess, access_of

FIELD_ID = b"PARQUET:field_id"  # in the metadata of a column that already has its place in the table
ROW_GROUP_BYTES = 16 * 2**20
BOUNDED_COLUMNS = ("id", "batch", "request_id", "import_request_id", "run")
# Columns whose row groups carry statistics in the Parquet footer: what reads and users most often narrow by.
NARROWED_BY = (*BOUNDED_COLUMNS, "resource", "record_id", "last_updated", "import_date", "import_datetime")


@dataclass(frozen=True, slots=True)
class Target:
    """A table to be written: its folder, how files are opened there, its columns, the number of its partition spec.

    The schema is that of the new version where columns get other types.
    """

    location: str
    access: FileAccess
    schema: Schema
    spec_id: int


def target_of(table: Table, schema: Schema | None = None) -> Target:
    """A table as it is written, with other columns where a schema is given."""
    return Target(table.location(), access_of(table), schema or table.schema(), table.metadata.default_spec_id)


def write_file(table: Table, rows: pa.Table, *, partition: Sequence[object] = ()) -> DataFile:
    """Write rows as one Parquet file of the table, which must lie in one partition; nothing is committed."""
    return write_rows(target_of(table), rows, partition=partition)


def write_rows(
    target: Target, rows: pa.Table, *, partition: Sequence[object] = (), row_group_bytes: int = ROW_GROUP_BYTES
) -> DataFile:
    """Write rows as one Parquet file of a table, which must lie in one partition; nothing is committed.

    Only text columns with statistics have a dictionary: without one DuckDB 2.0 takes a text column with one
    value and some nulls for all NULL under `is null`.
    """
    schema = target.schema
    path = f"{target.location}/data/{uuid.uuid4()}.parquet"
    shaped = shaped_rows(rows, schema)
    row_group = max(1, int(len(shaped) * row_group_bytes / max(1, shaped.nbytes)))
    present = set(shaped.column_names)
    narrowing = [name for name in NARROWED_BY if name in present]
    with target.access.io.new_output(path).create(overwrite=True) as stream:  # the name is new
        pq.write_table(
            shaped,
            stream,
            compression="zstd",
            compression_level=1,
            row_group_size=row_group,
            use_dictionary=[name for name in narrowing if is_text(shaped.schema.field(name).type)],
            write_statistics=narrowing,
            store_schema=False,
        )
        length = stream.tell()
    lower, upper = _bounds(shaped, schema, [name for name in BOUNDED_COLUMNS if name in present])
    return DataFile.from_args(
        content=DataFileContent.DATA,
        file_path=path,
        file_format=FileFormat.PARQUET,
        partition=Record(*partition),
        record_count=len(shaped),
        file_size_in_bytes=length,
        lower_bounds=lower,
        upper_bounds=upper,
        column_sizes={},
        value_counts={},
        null_value_counts={},
        nan_value_counts={},
        key_metadata=None,
        split_offsets=None,
        equality_ids=None,
        sort_order_id=None,
        spec_id=target.spec_id,
    )


def is_text(kind: pa.DataType) -> bool:
    """Whether a column of this type holds texts; DuckDB's are string, a table's large_string."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def shaped_rows(rows: pa.Table, schema: Schema) -> pa.Table:
    """The rows with exactly the columns of a table, in its order and types; free where they are so already."""
    first = rows.schema.field(0)
    if FIELD_ID in (first.metadata or {}) and rows.column_names == schema.column_names:
        return rows
    return rows.select(schema.column_names).cast(schema_to_pyarrow(schema))


def _bounds(rows: pa.Table, schema: Schema, names: Sequence[str]) -> tuple[dict[int, bytes], dict[int, bytes]]:
    lower: dict[int, bytes] = {}
    upper: dict[int, bytes] = {}
    for name in names:
        if is_text(rows.schema.field(name).type):
            continue
        ends: dict[str, Any] = pc.min_max(rows[name]).as_py()
        if ends["min"] is not None:
            field = schema.find_field(name)
            field_type = cast("PrimitiveType", field.field_type)
            lower[field.field_id] = to_bytes(field_type, ends["min"])
            upper[field.field_id] = to_bytes(field_type, ends["max"])
    return lower, upper


def uncompressed_bytes(table: Table, file: DataFile) -> int:
    """The size of a data file's columns before compression, from its footer."""
    with table.io.new_input(file.file_path).open() as stream:
        footer = pq.read_metadata(stream)
    return sum(footer.row_group(number).total_byte_size for number in range(footer.num_row_groups))
