"""The work of a snapshot that is handed out: it writes some id ranges of `current_`, as files nobody refers to yet.

A unit is all that its work needs to know; whoever does it opens what it reads and writes by itself.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.manifest import DataFile
from pyiceberg.partitioning import PartitionSpec
from pyiceberg.schema import Schema

from planlake.engines.duckdb.connection import Connection, unit_cursor
from planlake.engines.duckdb.reading import rows_sql
from planlake.engines.sql import identifier
from planlake.flow.snapshot.ranges import IDS_AT_A_TIME, Range, cut_by_range, ranges_of
from planlake.lake.aws.file_access import FileAccess
from planlake.lake.tables.columns import latest_first
from planlake.lake.tables.parquet import Target, shaped_rows, write_rows


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
    with unit_cursor(unit.memory_megabytes) as cursor:
        won = _winners(cursor, unit)
        cursor.register("won", won)
        parts = [*_kept_rows(cursor, unit), _new_rows(cursor, unit)]
    key, schema = unit.versions.key, unit.target.schema
    ranges = cut_by_range([shaped_rows(part, schema) for part in parts], key, schema, unit.spec)
    del parts
    files = tuple(write_rows(unit.target, rows, partition=(one,)) for one, rows in ranges.items())
    ids = sum(pc.count_distinct(rows[key]).as_py() for rows in ranges.values())
    deleted = sum(pc.sum(rows["is_deleted"]).as_py() or 0 for rows in ranges.values())
    return SnapshotPart(files, len(won), ids, sum(map(len, ranges.values())) - deleted)


def _winners(cursor: Connection, unit: SnapshotUnit) -> pa.Table:
    """Of the new versions the latest of each id: its place in the API's answers."""
    versions = unit.versions
    key, rows = identifier(versions.key), f"{versions.sql(versions.place)} {_between(unit)}"
    if unit.between is None:
        cursor.register("of_ranges", _of_ranges(cursor, unit))
        rows = "of_ranges"
    query = f"""
        select {key} as id, import_request_id, import_position from {rows}
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


def _new_rows(cursor: Connection, unit: SnapshotUnit) -> pa.Table:
    """The winners, with all their columns."""
    places = "won using (import_request_id, import_position)"
    return cursor.sql(f"select * from {unit.versions.sql()} semi join {places} {_between(unit)}").to_arrow_table()


def _kept_rows(cursor: Connection, unit: SnapshotUnit) -> Iterator[pa.Table]:
    """What the files to be replaced hold of other ids.

    A statement of its own: to plan its union with the new rows, over 766 columns, takes longer than to run it.
    """
    if unit.kept:
        rows = rows_sql(unit.kept, unit.kept_schema)
        query = f"select * from {rows} where {identifier(unit.versions.key)} not in (select id from won)"
        yield cursor.sql(query).to_arrow_table()


def files_between(files: Sequence[tuple[DataFile, float, float]], ends: tuple[int, int]) -> tuple[DataFile, ...]:
    """Those of the files that may hold ids from one to another; each comes with the lowest and highest it holds."""
    return tuple(file for file, low, high in files if low <= ends[1] and high >= ends[0])
