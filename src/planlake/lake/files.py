"""Data files and commits: in go Arrow tables, out come Parquet files and Iceberg snapshots that carry a bookmark.

Files are written before anything is committed, so a crash leaves only files nobody refers to. Statistics are kept for
the few columns that reads are narrowed by; on a table of 752 columns the rest would cost more than it saves.
"""

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyiceberg.conversions import from_bytes, to_bytes
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.expressions import AlwaysTrue, BooleanExpression
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.schema import Schema
from pyiceberg.table import Table, Transaction
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.snapshots import Snapshot
from pyiceberg.table.update import AddSchemaUpdate, SetCurrentSchemaUpdate, TableUpdate
from pyiceberg.table.update.snapshot import ExpireSnapshots, ManageSnapshots, UpdateSnapshot
from pyiceberg.table.update.snapshot import _MergeAppendFiles as Append
from pyiceberg.table.update.snapshot import _OverwriteFiles as Overwrite
from pyiceberg.typedef import Record
from pyiceberg.types import IcebergType, PrimitiveType

from planlake.errors import ConflictError, LakeError
from planlake.lake.lake import UNREADABLE, broken
from planlake.lake.producers import mended, without_old
from planlake.lake.summary import BOOKMARK, REBUILT, RUN, RUN_DATE, batch_of, figure, rebuilt_in, rows_of

DAY_TAG = "day-"
LISTS = "lists of files"
FIELD_ID = b"PARQUET:field_id"  # in the metadata of a column that already has its place in the table
ROW_GROUP_BYTES = 16 * 2**20
BOUNDED_COLUMNS = ("id", "batch", "request_id", "import_request_id", "run")
# Columns whose row groups carry statistics in the Parquet footer: what reads and users most often narrow by.
NARROWED_BY = (*BOUNDED_COLUMNS, "resource", "record_id", "last_updated", "import_date", "import_datetime")


def write_file(
    table: Table, rows: pa.Table, *, schema: Schema | None = None, partition: Sequence[object] = ()
) -> DataFile:
    """Write rows as one Parquet file of the table, which must lie in one partition; nothing is committed.

    Only text columns with statistics have a dictionary: without one DuckDB 2.0 takes a text column with one
    value and some nulls for all NULL under `is null`.
    """
    schema = schema or table.schema()
    path = f"{table.location()}/data/{uuid.uuid4()}.parquet"
    shaped = shaped_rows(rows, schema)
    row_group = max(1, int(len(shaped) * ROW_GROUP_BYTES / max(1, shaped.nbytes)))
    present = set(shaped.column_names)
    narrowing = [name for name in NARROWED_BY if name in present]
    output = table.io.new_output(path)
    with output.create() as stream:
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
    lower, upper = _bounds(shaped, schema, [name for name in BOUNDED_COLUMNS if name in present])
    return DataFile.from_args(
        content=DataFileContent.DATA,
        file_path=path,
        file_format=FileFormat.PARQUET,
        partition=Record(*partition),
        record_count=len(shaped),
        file_size_in_bytes=len(output),
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
        spec_id=table.metadata.default_spec_id,
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


def commit(
    table: Table,
    *,
    add: Iterable[DataFile] = (),
    remove: Iterable[DataFile] | None = (),
    properties: Mapping[str, str] | None = None,
    tag: str | None = None,
    types: Mapping[str, IcebergType] | None = None,
    schema: Schema | None = None,
) -> Table:
    """Commit files to the table in one snapshot, tagged in the same commit; the bookmark is carried on.

    What is to `remove` is None where all files are replaced and the lists that name them cannot be read.
    `types` are columns that have another type from this snapshot on, `schema` all columns where they come from another
    table with the same ids; earlier snapshots keep theirs. Raises
    ConflictError where another process committed first: nothing was changed then, and reading again is safe.
    """
    carried = {**bookmarks_of(table), **(properties or {})}
    removed = list(remove or ())
    with changing(table) as transaction:
        _retype(transaction, types or {})
        _adopt(transaction, schema)
        update = transaction.update_snapshot(snapshot_properties=carried)
        with _producer(update, removed, keeps_old=remove is not None) as snapshot:
            for file in removed:
                snapshot.delete_data_file(file)
            for file in add:
                snapshot.append_data_file(file)
        if tag is not None:
            ManageSnapshots(transaction).create_tag(snapshot.snapshot_id, tag).commit()
    return table


def _producer(update: UpdateSnapshot, removed: Sequence[DataFile], *, keeps_old: bool) -> Overwrite | Append:
    if not keeps_old:
        return without_old(update.overwrite())
    return mended(update.overwrite()) if removed else update.merge_append()


@contextmanager
def changing(table: Table) -> Iterator[Transaction]:
    """Changes of a table that are committed together; a ConflictError where another process committed first."""
    try:
        with _Transaction(table) as transaction:
            yield transaction
    except CommitFailedException as error:
        facts = {"table": ".".join(table.name())}
        raise ConflictError("another process wrote this table first", facts=facts, hint="planlake run") from error


def with_types(table: Table, types: Mapping[str, IcebergType]) -> Schema:
    """The schema a table will have once a commit gives these columns other types; nothing is changed yet."""
    if not types:
        return table.schema()
    transaction = _Transaction(table)
    _retype(transaction, types)
    return transaction.table_metadata.schema()


def _retype(transaction: Transaction, types: Mapping[str, IcebergType]) -> None:
    """Take columns out and add them again in the same place: Iceberg keeps a column's type, but not its name."""
    if not types:
        return
    schema = transaction.table_metadata.schema()
    names, docs = schema.column_names, {field.name: field.doc for field in schema.fields}
    with transaction.update_schema(allow_incompatible_changes=True) as update:
        for name, kind in types.items():
            update.delete_column((name,))
            update.add_column((name,), kind, doc=docs[name])
    with transaction.update_schema() as update:  # pyiceberg moves no column that is new in the same update
        for name in types:
            place = names.index(name)
            if place:
                update.move_after((name,), names[place - 1])
            else:
                update.move_first((name,))


def _adopt(transaction: Transaction, schema: Schema | None) -> None:
    """Make these columns the table's, ids included."""
    metadata = transaction.table_metadata
    if schema is None or schema.as_struct() == metadata.schema().as_struct():
        return
    numbered = Schema(*schema.fields, schema_id=max(one.schema_id for one in metadata.schemas) + 1)
    chosen = SetCurrentSchemaUpdate.model_validate({"action": "set-current-schema", "schema-id": numbered.schema_id})
    transaction._apply((AddSchemaUpdate(schema=numbered), chosen))


class _Transaction(Transaction):
    """pyiceberg's own, without its deep copy of all metadata at every look: 14 copies of 766 columns in one commit."""

    _seen: tuple[TableMetadata, tuple[TableUpdate, ...], TableMetadata] | None = None

    @property
    def table_metadata(self) -> TableMetadata:
        """The metadata with what was staged so far; made anew only when something was added."""
        base, updates = self._table.metadata, self._updates
        if not updates:
            return base
        if self._seen is None or self._seen[0] is not base or self._seen[1] is not updates:
            self._seen = (base, updates, super().table_metadata)
        return self._seen[2]


def append(table: Table, rows: pa.Table) -> None:
    """Add rows to a table that has no partitions and carries no bookmark, in one snapshot."""
    commit(table, add=[write_file(table, rows)])


def bookmarks_of(table: Table) -> dict[str, str]:
    """Planlake's own entries of the current snapshot's summary."""
    snapshot = table.current_snapshot()
    if snapshot is None or snapshot.summary is None:
        return {}
    entries: dict[str, str] = snapshot.summary.additional_properties
    return {name: value for name, value in entries.items() if name.startswith("planlake.")}


def bookmark(table: Table | None) -> int:
    """The last batch applied to this table; 0 where there is none."""
    return batch_of(table.current_snapshot()) if table is not None else 0


def rebuilt_by(table: Table) -> str:
    """The run that last built this table anew; empty where it only ever grew."""
    return rebuilt_in(table.current_snapshot())


def bookmark_properties(batch: int, run: int, run_date: date, *, rebuilt: str = "") -> dict[str, str]:
    """What a snapshot's summary says of how it came to be: the last batch applied, the run and its London day.

    `rebuilt` is the run that built the table anew, where one did.
    """
    properties = {BOOKMARK: str(batch), RUN: str(run), RUN_DATE: f"{run_date:%Y%m%d}"}
    return {**properties, REBUILT: rebuilt} if rebuilt else properties


def row_count(table: Table) -> int:
    """How many rows a table holds, from its own summary."""
    return rows_of(table.current_snapshot())


def expire(table: Table, *, snapshots: Iterable[int], tags: Iterable[str]) -> None:
    """Take tags and versions out of the table's metadata in one commit; no file is deleted."""
    with changing(table) as transaction:
        for tag in tags:
            ManageSnapshots(transaction).remove_tag(tag).commit()
        ExpireSnapshots(transaction).by_ids(list(snapshots)).commit()


def first_batch(table: Table, file: DataFile) -> int:
    """The lowest batch, request or run in a file, whichever the table has: what brings its files into order."""
    names = [name for name in ("batch", "request_id", "run") if name in table.schema().column_names]
    return _bound(table, names[0], file.lower_bounds) if names else 0


def bounds_of(table: Table, file: DataFile, column: str) -> tuple[int, int]:
    """The lowest and highest number of a column in a file; 0 where the file does not say."""
    return _bound(table, column, file.lower_bounds), _bound(table, column, file.upper_bounds)


def _bound(table: Table, column: str, bounds: Mapping[int, bytes] | None) -> int:
    field = table.schema().find_field(column)
    found = (bounds or {}).get(field.field_id)
    return int(from_bytes(cast("PrimitiveType", field.field_type), found)) if found is not None else 0


def day_tag(day: date) -> str:
    """The name of the tag that marks what was published on a day; names sort like days."""
    return f"{DAY_TAG}{day:%Y%m%d}"


def uncompressed_bytes(table: Table, file: DataFile) -> int:
    """The size of a data file's columns before compression, from its footer."""
    with table.io.new_input(file.file_path).open() as stream:
        footer = pq.read_metadata(stream)
    return sum(footer.row_group(number).total_byte_size for number in range(footer.num_row_groups))


def data_files(
    table: Table, *, where: BooleanExpression | None = None, snapshot_id: int | None = None
) -> list[DataFile]:
    """Data files of a snapshot (the current one by default) that may hold rows the filter asks for.

    A LakeError where the lists that name them are gone or damaged.
    """
    version = table.current_snapshot() if snapshot_id is None else table.snapshot_by_id(snapshot_id)
    if version is None:
        return []
    try:
        tasks = list(table.scan(row_filter=where or AlwaysTrue(), snapshot_id=snapshot_id).plan_files())
        is_cut_off = _lacks_files(table, version, None if where else len(tasks))
    except UNREADABLE as error:
        raise broken(*_names(table), LISTS) from error
    if is_cut_off:
        raise broken(*_names(table), LISTS)
    if any(task.delete_files for task in tasks):
        raise ConflictError(
            "the table holds delete files, which Planlake never writes", facts={"table": table.name()[-1]}
        )
    return [task.file for task in tasks]


def _lacks_files(table: Table, version: Snapshot, found: int | None) -> bool:
    """Whether fewer files were found than a version says it has; of a list that was cut off the rest reads as whole."""
    expected = figure(version, "total-data-files")
    if found is not None:
        return found < expected
    return expected > 0 and not version.manifests(table.io)


def _names(table: Table) -> tuple[str, str]:
    database, name = table.name()[-2:]
    return database, name


def files_to_replace(table: Table) -> list[DataFile] | None:
    """All files of a table's current version; None where the lists that name them are gone or damaged."""
    try:
        return data_files(table)
    except LakeError:
        return None


def highest_by_resource(table: Table | None, column: str) -> dict[str, int]:
    """The highest number of a column for each resource a table is partitioned by; no file is opened for it.

    Every file's bounds of the BOUNDED_COLUMNS stand in the table's metadata.
    """
    if table is None:
        return {}
    field = table.schema().find_field(column)
    found: dict[str, int] = {}
    for file in data_files(table):
        resource, bounds = str(file.partition[0]), file.upper_bounds or {}
        if field.field_id in bounds:
            upper = int(from_bytes(cast("PrimitiveType", field.field_type), bounds[field.field_id]))
            found[resource] = max(upper, found.get(resource, 0))
    return found


def highest(table: Table, files: Iterable[DataFile], column: str) -> int:
    """The highest number of a column in these files, from their bounds; 0 where there are none."""
    return max((_bound(table, column, file.upper_bounds) for file in files), default=0)


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
