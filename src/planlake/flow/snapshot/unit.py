"""The work of a snapshot that is handed out: it writes some id ranges of `current_`, as files nobody refers to yet.

A unit is all that its work needs to know; whoever does it opens what it reads and writes by itself.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.manifest import DataFile
from pyiceberg.partitioning import PartitionSpec
from pyiceberg.schema import Schema

from planlake.engines.duckdb.connection import Connection, unit_cursor
from planlake.engines.duckdb.reading import rows_sql
from planlake.engines.sql import identifier
from planlake.flow.snapshot.ranges import IDS_AT_A_TIME, Range, cut_by_range, ranges_of
from planlake.lake.aws.file_access import FileAccess
from planlake.lake.metadata.local_files import is_here
from planlake.lake.tables.columns import latest_first
from planlake.lake.tables.parquet import Target, write_rows

MOST_TEXT = 2**30  # bytes; arrays of 32-bit offsets hold twice as much


@dataclass(frozen=True, slots=True)
class Versions:
    """Versions of records in these files of `increment_`, of batches above one; `changed` orders those of one batch."""

    files: tuple[DataFile, ...] = field(repr=False)
    schema: Schema = field(repr=False)
    above: int
    key: str
    changed: str
    access: FileAccess = field(default_factory=FileAccess)

    def sql(self, columns: Collection[str] | None = None) -> str:
        """A table expression of these versions; `columns` must name `batch`."""
        self.access.let_duckdb_read(file.file_path for file in self.files[:1])
        return f"(select * from {rows_sql(self.files, self.schema, columns=columns)} where batch > {self.above})"

    @property
    def place(self) -> tuple[str, ...]:
        """The columns that say which version of an id is the latest, and where it stands in the API's answers."""
        names = (self.key, "batch", "page_number", "import_position", "import_request_id")
        return (*names, self.changed) if self.changed in self.schema.column_names else names


@dataclass(frozen=True, slots=True)
class SnapshotUnit:
    """Ranges to be written: the new versions in them, the files of `current_` that hold their other rows.

    Of numeric ids `between` says from which to which the ranges reach; no other range with new versions lies there.
    """

    ranges: tuple[Range, ...]
    between: tuple[int, int] | None
    versions: Versions
    kept: tuple[DataFile, ...] = field(repr=False)
    kept_schema: Schema = field(repr=False)
    target: Target
    spec: PartitionSpec = field(repr=False)
    memory_megabytes: int


@dataclass(frozen=True, slots=True)
class SnapshotPart:
    """What one unit came to: a file for each range, how many ids changed, how many there are, and the live rows."""

    files: tuple[DataFile, ...]
    changed: int
    ids: int
    live: int


def snapshot_unit(unit: SnapshotUnit) -> SnapshotPart:
    """Of each id the latest version: the new ones, and what the replaced files hold of all others."""
    key, schema = unit.versions.key, unit.target.schema
    as_in_files = _as_in_files(schema)
    alike, others = _opened(unit, as_in_files)
    with unit_cursor(unit.memory_megabytes) as cursor:
        won = _winners(cursor, unit)
        cursor.register("won", won)
        parts = [*([_kept_rows(cursor, unit, others)] if others else []), _new_rows(cursor, unit, won)]
    is_long = sum(part.nbytes for part in parts) >= MOST_TEXT
    columns = schema_to_pyarrow(schema) if is_long else as_in_files
    ranges = cut_by_range([part.select(columns.names).cast(columns) for part in parts], key, schema, unit.spec)
    del parts
    files, ids, live = [], 0, 0
    for one in sorted({*ranges, *alike}):
        kept = [_without(file.read(use_threads=False), key, won["id"]) for file in alike.pop(one, ())]
        new = [ranges.pop(one)] if one in ranges else []
        rows = pa.concat_tables([*(kept if not is_long else (part.cast(columns) for part in kept)), *new])
        files.append(write_rows(unit.target, rows, partition=(one,)))
        ids += pc.count_distinct(rows[key]).as_py()
        live += len(rows) - (pc.sum(rows["is_deleted"]).as_py() or 0)
    return SnapshotPart(tuple(files), len(won), ids, live)


def _as_in_files(schema: Schema) -> pa.Schema:
    """The columns of a table as Parquet and DuckDB give them: their texts are shorter than Iceberg's may be."""
    columns = schema_to_pyarrow(schema)
    return pa.schema([one.with_type(pa.string()) if pa.types.is_large_string(one.type) else one for one in columns])


def _opened(unit: SnapshotUnit, columns: pa.Schema) -> tuple[dict[Range, list[pq.ParquetFile]], list[DataFile]]:
    """The files to be replaced: opened, by range, where they have the very columns to be written; all others.

    From another machine DuckDB reads them, in fewer requests.
    """
    alike: dict[Range, list[pq.ParquetFile]] = {}
    others = []
    properties = dict(unit.target.access.properties)
    for file in unit.kept:
        if not is_here(properties, file.file_path):
            others.append(file)
            continue
        try:
            opened = pq.ParquetFile(unit.target.access.io.new_input(file.file_path).open())
        except (OSError, pa.ArrowException):  # DuckDB says what is wrong with it
            others.append(file)
            continue
        if opened.schema_arrow.equals(columns, check_metadata=True):
            alike.setdefault(file.partition[0], []).append(opened)
        else:
            others.append(file)
    return alike, others


def _without(rows: pa.Table, key: str, ids: pa.ChunkedArray) -> pa.Table:
    """The rows of other ids; an ArrowInvalid where damage made a text that is none, which Arrow would hand on."""
    rows.validate(full=True)
    return rows.filter(pc.invert(pc.is_in(rows[key], value_set=pc.cast(ids, rows[key].type))))


def _winners(cursor: Connection, unit: SnapshotUnit) -> pa.Table:
    """Of the new versions the latest of each id: its place in the API's answers, and how many `versions` there are."""
    versions = unit.versions
    key, rows = identifier(versions.key), f"{versions.sql(versions.place)} {_between(unit)}"
    if unit.between is None:
        cursor.register("of_ranges", _of_ranges(cursor, unit))
        rows = "of_ranges"
    query = f"""
        select {key} as id, import_request_id, import_position, count(*) over () as versions from {rows}
        qualify row_number() over (partition by {key} order by {latest_first(versions.changed, versions.place)}) = 1"""
    return cursor.sql(query).to_arrow_table()


def _of_ranges(cursor: Connection, unit: SnapshotUnit) -> pa.Table:
    """The places of versions whose text ids fall into the unit's buckets, which SQL cannot work out."""
    versions, wanted = unit.versions, pa.array(unit.ranges, pa.int32())
    with cursor.cursor() as reading:
        reader = reading.sql(f"select * from {versions.sql(versions.place)}").to_arrow_reader(IDS_AT_A_TIME)
        kept = [
            piece.filter(pc.is_in(_buckets(pa.chunked_array([piece[versions.key]]), unit), wanted)) for piece in reader
        ]
        return pa.Table.from_batches(kept, reader.schema)


def _buckets(ids: pa.ChunkedArray, unit: SnapshotUnit) -> pa.Array:
    return pc.cast(ranges_of(ids, unit.versions.key, unit.target.schema, unit.spec), pa.int32())


def _between(unit: SnapshotUnit) -> str:
    if unit.between is None:
        return ""
    return f"where {identifier(unit.versions.key)} between {unit.between[0]} and {unit.between[1]}"


def _new_rows(cursor: Connection, unit: SnapshotUnit, won: pa.Table) -> pa.Table:
    """The winners, with all their columns.

    Where every version is one, as in a first load, they are not joined: a join brings rows in any order, which then
    have to be sorted into their ranges.
    """
    is_every_version = unit.between is not None and len(won) > 0 and won["versions"][0].as_py() == len(won)
    winners = "" if is_every_version else "semi join won using (import_request_id, import_position)"
    return cursor.sql(f"select * from {unit.versions.sql()} {winners} {_between(unit)}").to_arrow_table()


def _kept_rows(cursor: Connection, unit: SnapshotUnit, files: Sequence[DataFile]) -> pa.Table:
    """What files whose columns are not those to be written hold of other ids.

    A statement of its own: to plan its union with the new rows, over 766 columns, takes longer than to run it.
    """
    rows = rows_sql(files, unit.kept_schema)
    query = f"select * from {rows} where {identifier(unit.versions.key)} not in (select id from won)"
    return cursor.sql(query).to_arrow_table()


def files_between(files: Sequence[tuple[DataFile, float, float]], ends: tuple[int, int]) -> tuple[DataFile, ...]:
    """Those of the files that may hold ids from one to another; each comes with the lowest and highest it holds."""
    return tuple(file for file, low, high in files if low <= ends[1] and high >= ends[0])
