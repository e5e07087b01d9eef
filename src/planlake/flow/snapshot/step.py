"""Step three: from `increment_<resource>` to `current_<resource>`. In go versions above the bookmark, out comes the
latest version of each id.

Copy-on-write of the id ranges that changed: a range is the partition `truncate(id, N)` (`bucket` for text keys), N by
the width of a row. One commit replaces the files of those ranges, moves the bookmark and sets the day's tag.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.manifest import DataFile
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.transforms import BucketTransform, TruncateTransform
from pyiceberg.types import IcebergType, StringType

from planlake.checks.quality import CheckResult, dropped, held, unique
from planlake.engines.duckdb.reading import rows_sql
from planlake.engines.memory import give_back
from planlake.engines.names import ID_BUCKET, ID_RANGE, column_names
from planlake.engines.sql import identifier
from planlake.flow.context import Context
from planlake.flow.record import note_troubles
from planlake.flow.snapshot.gate import own_checks
from planlake.flow.snapshot.result import SnapshotResult
from planlake.lake.live_rows import live_rows
from planlake.lake.tables.bookmarks import bookmark, bookmark_properties, day_tag, rebuilt_by
from planlake.lake.tables.columns import latest_first
from planlake.lake.tables.commits import commit, with_types
from planlake.lake.tables.data_files import data_files, files_to_replace, row_count
from planlake.lake.tables.filters import is_above
from planlake.lake.tables.parquet import is_text, shaped_rows, write_file
from planlake.sources.catalogue import Resource
from planlake.telemetry.progress import Progress

RANGE_CELLS = 800_000  # cells of one id range; small enough that a scattered day rewrites little
TEXT_BUCKETS = 16
WORKERS = 2
ROUND_CELLS = 16 * RANGE_CELLS  # cells held in memory at once while ranges are rewritten


_Written = tuple[DataFile, int, int]  # the file of a range, its ids, its rows that are not deleted


def snapshot(context: Context, resource: Resource, *, is_gated: bool = True, is_anew: bool = False) -> SnapshotResult:
    """Bring `current_<resource>` up to `increment_<resource>` in one commit that moves the bookmark.

    Without the gate the new version is committed whatever the checks find: what is undone was checked once. `is_anew`
    makes the whole table of all versions.
    """
    lake = context.lake
    increment = lake.find("refined", f"increment_{resource.name}")
    current = lake.find("refined", f"current_{resource.name}")
    applied, batch = bookmark(current), bookmark(increment)
    if increment is None:
        return SnapshotResult(resource.name, 0)
    is_rebuilt = current is not None and (is_anew or rebuilt_by(current) != rebuilt_by(increment))
    if batch > applied:
        current = lake.without_rows_dropped("refined", f"current_{resource.name}")
    current = _prepared_table(context, resource, increment, current)
    if batch <= applied and not is_rebuilt:
        return SnapshotResult(resource.name, applied, rows=row_count(current), snapshot_id=_snapshot_id(current))
    since, before = 0 if is_rebuilt else applied, _snapshot_id(current)
    versions = _Versions(increment, data_files(increment, where=is_above("batch", since)), since)
    types = _retyped(increment, current) if is_rebuilt else {}
    target = _Target(current, with_types(current, types), has_kept_rows=not is_rebuilt)
    winners = _winners(context, resource, versions, current)
    replaced = files_to_replace(current) if is_rebuilt else data_files(current)
    touched = None if is_rebuilt else set(winners["id_range"].unique().to_pylist())
    old = _files_by_range(replaced or (), touched)
    written = list(_rewritten(context, resource, versions, target, winners, old))
    added = [file for file, *_ in written]
    removed = [file for files_of_range in old.values() for file in files_of_range]
    checks = _checked(context, resource, target, written, removed)
    if is_gated:
        note_troubles(context, resource, batch, checks)
    if is_gated and held(checks):
        return SnapshotResult(
            resource.name, applied, rows=row_count(current), snapshot_id=before, checks=checks, snapshot_before=before
        )
    with lake.commits:
        today = context.clock.today()
        properties = bookmark_properties(batch, context.run, today, rebuilt=rebuilt_by(increment))
        given_up = None if replaced is None else removed
        commit(current, add=added, remove=given_up, properties=properties, tag=day_tag(today), types=types)
    changed, rows, size = len(winners), row_count(current), sum(file.file_size_in_bytes for file in added)
    return SnapshotResult(resource.name, batch, changed, rows, len(added), _snapshot_id(current), checks, before, size)


def _retyped(increment: Table, current: Table) -> dict[str, IcebergType]:
    """Columns of `current_` that have another type in `increment_`."""
    held = {field.name: field.field_type for field in current.schema().fields}
    return {f.name: f.field_type for f in increment.schema().fields if held[f.name] != f.field_type}


@dataclass(frozen=True, slots=True)
class _Target:
    """The table being written: the columns of the new version, and whether rows of the old one are kept."""

    table: Table
    schema: Schema
    has_kept_rows: bool


def _checked(
    context: Context, resource: Resource, target: _Target, written: Sequence[_Written], removed: Sequence[DataFile]
) -> tuple[CheckResult, ...]:
    """What is checked of the new version; its ranges are written and not committed yet."""
    current = target.table
    rows = sum(file.record_count for file, *_ in written)
    percent = context.config.settings.dropped_rows_percent
    distinct = sum(count for _, count, _ in written)
    live = sum(count for *_, count in written)
    is_shrinking = sum(file.record_count for file in removed) > live  # or rows were deleted before
    try:
        lost = live_rows(context.connection, current.schema(), removed) - live if is_shrinking else 0
        before = live_rows(context.connection, current.schema(), data_files(current)) if lost > 0 else 0
    except duckdb.Error:  # what cannot be read and is replaced as a whole cannot be compared with
        if target.has_kept_rows:
            raise
        lost, before = 0, 0
    after = before - max(0, lost)
    return (
        unique(resource.key, rows=rows, distinct=distinct),
        dropped(before=before, after=after, percent=percent),
        *own_checks(context, resource, lambda: _files_after(target, written, removed), target.schema),
    )


def _files_after(target: _Target, written: Sequence[_Written], removed: Sequence[DataFile]) -> list[DataFile]:
    """The files of the version as it would be."""
    gone = {file.file_path for file in removed}
    files = data_files(target.table) if target.has_kept_rows else ()
    kept = [file for file in files if file.file_path not in gone]
    return [*kept, *(file for file, *_ in written)]


def _snapshot_id(table: Table) -> int | None:
    found = table.current_snapshot()
    return found.snapshot_id if found else None


def _prepared_table(context: Context, resource: Resource, increment: Table, current: Table | None) -> Table:
    """`current_` with every column of `increment_`."""
    name, schema = f"current_{resource.name}", increment.schema()
    if current is None:
        fields = [field.model_copy(update={"field_id": number}) for number, field in enumerate(schema.fields, start=1)]
        own = Schema(*fields)
        return context.lake.create("refined", name, own, spec=_spec(resource, own), bookmarked=True)
    missing = [field for field in schema.fields if field.name not in current.schema().column_names]
    if missing:
        with context.lake.commits, current.update_schema() as update:
            for field in missing:
                update.add_column((field.name,), field.field_type, doc=field.doc)
    return current


def _spec(resource: Resource, schema: Schema) -> PartitionSpec:
    key = schema.find_field(resource.key)
    if isinstance(key.field_type, StringType):
        return PartitionSpec(
            PartitionField(key.field_id, 1000, BucketTransform(TEXT_BUCKETS), _free(ID_BUCKET, schema))
        )
    width = max(128, RANGE_CELLS // len(schema.fields))
    power_of_two = 1 << (width.bit_length() - 1)  # ranges of any other width would overflow at the ends of `long`
    return PartitionSpec(PartitionField(key.field_id, 1000, TruncateTransform(power_of_two), _free(ID_RANGE, schema)))


def _free(name: str, schema: Schema) -> str:
    """The name of a partition; of another where an older Planlake let a column have it."""
    return next(iter(column_names([name], schema.column_names).values())) if name in schema.column_names else name


@dataclass(frozen=True, slots=True)
class _Versions:
    """The new versions: files of the increment table that hold batches above the applied one."""

    table: Table
    files: Sequence[DataFile]
    applied: int

    def rows(self, columns: Sequence[str] | None = None) -> str:
        """A table expression of the new versions."""
        reading = rows_sql(self.files, self.table.schema(), columns=columns)
        return f"(select * from {reading} where batch > {self.applied})"


def _winners(context: Context, resource: Resource, versions: _Versions, current: Table) -> pa.Table:
    """Of the new versions the latest of each id: its place in the API's answers, and the range it lies in."""
    narrow = [resource.key, "batch", "page_number", "import_position", "import_request_id"]
    if resource.changed in versions.table.schema().column_names:
        narrow.append(resource.changed)
    key = identifier(resource.key)
    query = f"""
        select {key} as id, import_request_id, import_position from {versions.rows(narrow)}
        qualify row_number() over (partition by {key} order by {latest_first(resource, narrow)}) = 1 order by id"""
    with context.connection.cursor() as cursor:
        winners = cursor.sql(query).to_arrow_table().combine_chunks()
    return winners.append_column("id_range", _ranges(current, resource, winners["id"]))


def _ranges(current: Table, resource: Resource, ids: pa.ChunkedArray) -> pa.Array:
    """The range (or bucket) of each id, as the table's partition has it."""
    field = current.schema().find_field(resource.key)
    to_range = current.spec().fields[0].transform.pyarrow_transform(field.field_type)
    return to_range(pc.cast(ids.combine_chunks(), schema_to_pyarrow(field.field_type)))


def _files_by_range(files: Sequence[DataFile], touched: set[object] | None) -> dict[object, list[DataFile]]:
    """Those of the files that are of touched ranges; of all where None are named."""
    found: dict[object, list[DataFile]] = {}
    for file in files:
        if touched is None or file.partition[0] in touched:
            found.setdefault(file.partition[0], []).append(file)
    return found


def _rewritten(
    context: Context,
    resource: Resource,
    versions: _Versions,
    target: _Target,
    winners: pa.Table,
    old: Mapping[object, list[DataFile]],
) -> Iterator[_Written]:
    """Write every range that holds a winner anew: read as many as memory has room for, then write them side by side."""
    current, schema = target.table, target.schema
    held_files = old if target.has_kept_rows else {}
    rounds = list(_rounds(winners, held_files, len(schema.fields)))
    total, done = sum(map(len, rounds)), 0

    def write(id_range: object, rows: pa.Table) -> _Written:
        return (
            write_file(current, rows, schema=schema, partition=(id_range,)),
            pc.count_distinct(rows[resource.key]).as_py(),
            len(rows) - (pc.sum(rows["is_deleted"]).as_py() or 0),
        )

    with ThreadPoolExecutor(WORKERS, thread_name_prefix="snapshot") as workers:
        for group in rounds:
            won = winners.filter(pc.is_in(winners["id_range"], pa.array(group, winners["id_range"].type)))
            replaced = [file for id_range in group for file in held_files.get(id_range, [])]
            new = workers.submit(_new_rows, context, resource, versions, won)
            parts = [*_kept_rows(context, resource, current, won, replaced), new.result()]
            ranges = _by_range(current, resource, [shaped_rows(part, schema) for part in parts])
            del parts, new
            for written in workers.map(write, ranges.keys(), ranges.values()):
                done += 1
                context.notify(Progress(resource.name, "snapshot", done, total))
                yield written
            del ranges
            if len(rounds) > 1:
                give_back()


def _rounds(winners: pa.Table, old: Mapping[object, list[DataFile]], columns: int) -> Iterator[list[object]]:
    """The ranges that hold a winner, as many at a time as memory has room for; one at least."""
    group: list[object] = []
    cells = 0
    for counted in sorted(winners["id_range"].value_counts().to_pylist(), key=lambda one: one["values"]):
        id_range, rows = counted["values"], counted["counts"]
        size = (rows + sum(file.record_count for file in old.get(id_range, []))) * columns
        if group and cells + size > ROUND_CELLS:
            yield group
            group, cells = [], 0
        group.append(id_range)
        cells += size
    if group:
        yield group


def _new_rows(context: Context, resource: Resource, versions: _Versions, won: pa.Table) -> pa.Table:
    """The winners, with all their columns."""
    between = ""
    if not is_text(won["id"].type):
        ends = pc.min_max(won["id"]).as_py()
        between = f"where {identifier(resource.key)} between {ends['min']} and {ends['max']}"
    query = f"select * from {versions.rows()} semi join won using (import_request_id, import_position) {between}"
    with context.connection.cursor() as cursor:
        cursor.register("won", won)
        return cursor.sql(query).to_arrow_table()


def _kept_rows(
    context: Context, resource: Resource, current: Table, won: pa.Table, replaced: Sequence[DataFile]
) -> Iterator[pa.Table]:
    """What the files to be replaced hold of other ids.

    A statement of its own: to plan its union with the new rows, over 766 columns, takes longer than to run it.
    """
    if not replaced:
        return
    key = identifier(resource.key)
    query = f"""
        select * from {rows_sql(replaced, current.schema())} where {key} not in (select id from won)"""
    with context.connection.cursor() as cursor:
        cursor.register("won", won)
        yield cursor.sql(query).to_arrow_table()


def _by_range(current: Table, resource: Resource, parts: Sequence[pa.Table]) -> dict[object, pa.Table]:
    """The rows of each range, of all parts together; a part in which every range lies in one piece is only cut."""
    cut: dict[object, list[pa.Table]] = {}
    for rows in parts:
        ranges = _ranges(current, resource, rows[resource.key])
        runs = pc.run_end_encode(ranges)
        if len(runs.values) > pc.count_distinct(ranges).as_py():
            order = pc.sort_indices(ranges)
            rows, runs = rows.take(order), pc.run_end_encode(ranges.take(order))  # noqa: PLW2901
        start = 0
        for id_range, end in zip(runs.values.to_pylist(), runs.run_ends.to_pylist(), strict=True):
            cut.setdefault(id_range, []).append(rows.slice(start, end - start))
            start = end
    return {id_range: pa.concat_tables(found) for id_range, found in cut.items()}
