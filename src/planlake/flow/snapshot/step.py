"""Step three: keeps the latest version of each id of `increment_<resource>` in `current_<resource>`.

Copy-on-write of the id ranges that changed (`ranges`). One commit replaces the files of those ranges, moves the
bookmark and sets the day's tag.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pyiceberg.manifest import DataFile
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.transforms import TruncateTransform
from pyiceberg.types import IcebergType

from planlake.checks.quality import CheckResult, blocking, rows_dropped, unique
from planlake.engines.engine import Engine
from planlake.engines.local import LocalEngine
from planlake.flow.context import Context
from planlake.flow.operations_records import note_troubles
from planlake.flow.snapshot.gate import own_checks
from planlake.flow.snapshot.ranges import Range, files_by_range, groups_of_ranges, spec_of, touched_ranges
from planlake.flow.snapshot.result import SnapshotResult
from planlake.flow.snapshot.unit import SnapshotPart, SnapshotUnit, Versions, files_between, snapshot_unit
from planlake.lake.aws.file_access import access_of
from planlake.lake.metadata.filters import is_above
from planlake.lake.row_counts import live_row_count, live_row_count_if_readable
from planlake.lake.tables.commits import commit, with_types
from planlake.lake.tables.data_files import bounds_in, bytes_of, data_files, files_to_replace, row_count
from planlake.lake.tables.parquet import target_of
from planlake.lake.tables.version_summary import bookmark, bookmark_properties, day_tag, rebuilt_by
from planlake.sources.catalogue import Resource
from planlake.telemetry.progress import Progress


@dataclass(frozen=True, slots=True)
class _Work:
    """What is to be written: the table and its columns then, the units, the files that go, which are not known of a
    damaged table (`replaces_all`), and whether rows of the version before are kept.
    """

    table: Table
    batch: int
    before: int | None
    schema: Schema
    engine: Engine = field(default_factory=LocalEngine)
    read_bytes: int = 0
    types: Mapping[str, IcebergType] = field(default_factory=dict)
    units: tuple[SnapshotUnit, ...] = ()
    removed: tuple[DataFile, ...] = ()
    replaces_all: bool = False
    has_kept_rows: bool = True
    rebuilt: str = ""


def snapshot(
    context: Context, resource: Resource, *, is_gated: bool = True, rewrites_all: bool = False
) -> SnapshotResult:
    """Bring `current_<resource>` up to `increment_<resource>` in one commit that moves the bookmark.

    Without the gate the new version is committed whatever the checks find: what is undone was checked once. With
    `rewrites_all` the whole table is made of all versions.
    """
    work = _plan_work(context, resource, rewrites_all=rewrites_all)
    if isinstance(work, SnapshotResult):
        return work
    parts = _done(context, resource, work)
    checks = _audit(context, resource, work, parts)
    if is_gated:
        note_troubles(context, resource, work.batch, checks)
        if blocking(checks):
            applied, rows, before = bookmark(work.table), row_count(work.table), work.before
            return SnapshotResult(
                resource.name, applied, rows=rows, snapshot_id=before, checks=checks, snapshot_before=before
            )
    added = [file for part in parts for file in part.files]
    _commit(context, work, added)
    return SnapshotResult(
        resource.name,
        work.batch,
        changed=sum(part.changed for part in parts),
        rows=row_count(work.table),
        ranges_written=len(added),
        snapshot_id=_snapshot_id(work.table),
        checks=checks,
        snapshot_before=work.before,
        bytes=sum(file.file_size_in_bytes for file in added),
        read_bytes=work.read_bytes,
    )


def _plan_work(context: Context, resource: Resource, *, rewrites_all: bool) -> _Work | SnapshotResult:
    """What is to be done, each part of it found out once; the result where there is nothing."""
    lake = context.lake
    increment = lake.find("refined", f"increment_{resource.name}")
    current = lake.find("refined", f"current_{resource.name}")
    applied, batch = bookmark(current), bookmark(increment)
    if increment is None:
        return SnapshotResult(resource.name, 0)
    is_rebuilt = current is not None and (rewrites_all or rebuilt_by(current) != rebuilt_by(increment))
    if batch > applied:
        current = lake.find_or_drop_empty("refined", f"current_{resource.name}")
    current = _prepare_table(context, resource, increment, current)
    before = _snapshot_id(current)
    if batch <= applied and not is_rebuilt:
        return SnapshotResult(resource.name, applied, rows=row_count(current), snapshot_id=before)
    above = 0 if is_rebuilt else applied
    files = tuple(data_files(increment, where=is_above("batch", above)))
    versions = Versions(files, increment.schema(), above, resource.key, resource.changed, access_of(increment))
    types = _other_types(increment, current) if is_rebuilt else {}
    schema = with_types(current, types)
    touched = touched_ranges(
        context.connection, versions.sql((resource.key, "batch")), resource.key, schema, current.spec()
    )
    replaced = files_to_replace(current) if is_rebuilt else data_files(current)
    old = files_by_range(replaced or ())
    kept = {} if is_rebuilt else {one: files for one, files in old.items() if one in touched}
    removed = tuple(file for of in (old if is_rebuilt else kept).values() for file in of)
    size = bytes_of((*files, *removed))
    engine = context.engines.engine_for(size)
    groups = groups_of_ranges(touched, kept, len(schema.fields), among=engine.workers, share=engine.share)
    return _Work(
        current,
        batch,
        before,
        schema,
        engine,
        size,
        types,
        tuple(_units(context.unit_memory(engine), versions, current=current, schema=schema, groups=groups, kept=kept)),
        removed,
        replaces_all=replaced is None,
        has_kept_rows=not is_rebuilt,
        rebuilt=rebuilt_by(increment),
    )


def _units(
    memory: int,
    versions: Versions,
    *,
    current: Table,
    schema: Schema,
    groups: Iterable[Sequence[Range]],
    kept: Mapping[Range, Sequence[DataFile]],
) -> Iterator[SnapshotUnit]:
    """A unit for each group of the ranges that new versions fall into, with the files that may hold versions of it."""
    target, spec, transform = target_of(current, schema), current.spec(), current.spec().fields[0].transform
    ends = [(file, *bounds_in(versions.schema, [file], versions.key)) for file in versions.files]
    for ranges in groups:
        between, of_ranges = None, versions
        if isinstance(transform, TruncateTransform):
            between = ranges[0], ranges[-1] + transform.width - 1
            of_ranges = replace(versions, files=files_between(ends, between))
        old = tuple(file for one in ranges for file in kept.get(one, ()))
        yield SnapshotUnit(tuple(ranges), between, of_ranges, old, current.schema(), target, spec, memory)


def _done(context: Context, resource: Resource, work: _Work) -> list[SnapshotPart]:
    """The units, carried out."""
    parts, done, total = [], 0, sum(len(unit.ranges) for unit in work.units)
    for part in work.engine.map(snapshot_unit, work.units):
        done += len(part.files)
        context.notify(Progress(resource.name, "snapshot", done, total))
        parts.append(part)
    return parts


def _audit(context: Context, resource: Resource, work: _Work, parts: Sequence[SnapshotPart]) -> tuple[CheckResult, ...]:
    """What is checked of the new version; its ranges are written and not committed yet."""
    live = sum(part.live for part in parts)
    before, lost = _lost(context, work, live)
    return (
        unique(
            resource.key,
            rows=sum(file.record_count for part in parts for file in part.files),
            distinct=sum(part.ids for part in parts),
        ),
        rows_dropped(before=before, after=before - max(0, lost), percent=context.config.settings.dropped_rows_percent),
        *own_checks(context, resource, lambda: _files_after(work, parts), work.schema),
    )


def _lost(context: Context, work: _Work, live: int) -> tuple[int, int]:
    """How many rows the version before shows, and how many of them the new one does not; 0 where none are lost.

    A version that cannot be read and is replaced as a whole cannot be compared with.
    """
    if sum(file.record_count for file in work.removed) <= live:  # no row of these was lost, whatever was deleted
        return 0, 0
    read = live_row_count if work.has_kept_rows else live_row_count_if_readable
    schema = work.table.schema()
    removed = read(context.connection, schema, work.removed)
    lost = 0 if removed is None else removed - live
    before = read(context.connection, schema, data_files(work.table)) if lost > 0 else 0
    return (before, lost) if before is not None else (0, 0)


def _files_after(work: _Work, parts: Sequence[SnapshotPart]) -> list[DataFile]:
    """The files of the version as it would be."""
    gone = {file.file_path for file in work.removed}
    files = data_files(work.table) if work.has_kept_rows else ()
    return [*(file for file in files if file.file_path not in gone), *(file for part in parts for file in part.files)]


def _commit(context: Context, work: _Work, added: Sequence[DataFile]) -> None:
    """The ranges that were written take the place of those that held their ids."""
    today = context.clock.today()
    with context.lake.commits:
        commit(
            work.table,
            add=list(added),
            remove=None if work.replaces_all else list(work.removed),
            properties=bookmark_properties(work.batch, context.run, today, rebuilt=work.rebuilt),
            tag=day_tag(today),
            types=work.types,
        )


def _other_types(increment: Table, current: Table) -> dict[str, IcebergType]:
    """Columns of `current_` that have another type in `increment_`."""
    known = {field.name: field.field_type for field in current.schema().fields}
    return {f.name: f.field_type for f in increment.schema().fields if known[f.name] != f.field_type}


def _snapshot_id(table: Table) -> int | None:
    found = table.current_snapshot()
    return found.snapshot_id if found else None


def _prepare_table(context: Context, resource: Resource, increment: Table, current: Table | None) -> Table:
    """`current_` with every column of `increment_`."""
    name, schema = f"current_{resource.name}", increment.schema()
    if current is None:
        fields = [field.model_copy(update={"field_id": number}) for number, field in enumerate(schema.fields, start=1)]
        own = Schema(*fields)
        return context.lake.create("refined", name, own, spec=spec_of(resource, own), bookmarked=True)
    missing = [field for field in schema.fields if field.name not in current.schema().column_names]
    if missing:
        with context.lake.commits, current.update_schema() as update:
            for field in missing:
                update.add_column((field.name,), field.field_type, doc=field.doc)
    return current
