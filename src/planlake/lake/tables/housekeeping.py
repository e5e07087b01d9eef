"""Expires old versions of one table, merges its small files, and deletes files that nothing refers to.

A version expires when no tag keeps it. Its files are deleted when nothing refers to them any more, and only where it
was replaced more than an hour ago: somebody may still be reading. Every commit carries the bookmark on.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

from pyiceberg.io import FileIO
from pyiceberg.manifest import DataFile, ManifestFile
from pyiceberg.serializers import FromInputFile
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot

from planlake.engines.duckdb.connection import Connection
from planlake.engines.duckdb.reading import rows_sql
from planlake.lake.tables.commits import commit, expire
from planlake.lake.tables.data_files import data_files, first_batch
from planlake.lake.tables.parquet import write_file
from planlake.lake.tables.stored_files import Storage, path_in_storage, storage_of_table
from planlake.lake.tables.unreadable import UNREADABLE
from planlake.lake.tables.version_summary import DAY_TAG, figure

OWN_TAG = re.compile(r"(?:day-|undone-[0-9]+-day-|before-[0-9]+-[0-9]+-)([0-9]{4})([0-9]{2})([0-9]{2})")
GRACE = timedelta(hours=1)
SMALL_BYTES = 2**20
MERGED_AT_ONCE = 16  # small files that become one


@dataclass(frozen=True, slots=True)
class Retention:
    """Days whose tags are kept: the last `days`, before that the last of each of the last `month_ends` months."""

    days: int
    month_ends: int


@dataclass(frozen=True, slots=True)
class Freed:
    """What housekeeping did to a table: versions expired, small files merged, files deleted and their bytes."""

    snapshots: int = 0
    merged: int = 0
    files: int = 0
    bytes: int = 0

    def __add__(self, other: "Freed") -> "Freed":
        return Freed(
            self.snapshots + other.snapshots,
            self.merged + other.merged,
            self.files + other.files,
            self.bytes + other.bytes,
        )


@dataclass(frozen=True, slots=True)
class Expirable:
    """Versions of a table that are not kept, and the tags that go with them."""

    snapshots: tuple[int, ...]
    tags: tuple[str, ...]


def expirable_tags(tags: Iterable[str], today: date, retention: Retention) -> list[str]:
    """Tags of days that need not be kept; other tags are nobody's business here.

    The last tag before the days that are kept stays too: it is what was published when they began. What an action
    undid is kept as long as the version it left, so that it can be taken back whole.
    """
    named = {tag: day for tag in tags if (day := _day_of(tag)) is not None}
    left = {tag.split("-")[1]: day for tag, day in named.items() if tag.startswith("before-")}
    named |= {tag: left.get(tag.split("-")[1], day) for tag, day in named.items() if tag.startswith("undone-")}
    days = sorted(day for tag, day in named.items() if tag.startswith(DAY_TAG))
    first_month = today.year * 12 + today.month - retention.month_ends
    month_ends = {(day.year, day.month): day for day in days if day.year * 12 + day.month >= first_month}
    oldest = today - timedelta(days=retention.days)
    before = [day for day in days if day <= oldest]
    kept = {f"{DAY_TAG}{day:%Y%m%d}" for day in (*month_ends.values(), *before[-1:])}
    return [tag for tag, day in named.items() if day <= oldest and tag not in kept]


def _day_of(tag: str) -> date | None:
    """The day of a tag that housekeeping may remove: of a day, of an undone one, of a version that was left."""
    found = OWN_TAG.fullmatch(tag)
    return date(*(int(digits) for digits in found.groups())) if found else None


def expirable(table: Table, today: date, retention: Retention) -> Expirable:
    """What can expire now; only the metadata is looked at."""
    refs = table.refs()
    tags = expirable_tags(refs, today, retention)
    kept = {ref.snapshot_id for name, ref in refs.items() if name not in tags}
    gone = tuple(one.snapshot_id for one in table.metadata.snapshots if one.snapshot_id not in kept)
    return Expirable(gone, tuple(tags))


def expire_versions(table: Table, old: Expirable, now: datetime) -> Freed:
    """Expire these versions in one commit, then delete the files that only they needed; `now` is an instant."""
    safe, young = _by_age(table.metadata.snapshots, set(old.snapshots), now)
    took_out = any(_took_out(one) for one in table.metadata.snapshots)
    gone = _manifests(table.io, safe)
    expire(table, snapshots=old.snapshots, tags=old.tags)
    needed = [*table.metadata.snapshots, *young]
    kept = _manifests(table.io, needed)
    unneeded = {path: manifest for path, manifest in gone.items() if path not in kept}
    sizes = {path: manifest.manifest_length for path, manifest in unneeded.items()}
    if took_out and unneeded:  # otherwise every data file there ever was is still part of the table
        still = _data_bytes(table.io, kept.values())
        sizes |= {path: size for path, size in _data_bytes(table.io, unneeded.values()).items() if path not in still}
    lists = {one.manifest_list for one in safe} - {one.manifest_list for one in needed}
    sizes |= {path: len(table.io.new_input(path)) for path in lists if path}
    return Freed(snapshots=len(old.snapshots)) + _deleted(table, sizes)


def _by_age(snapshots: Sequence[Snapshot], gone: set[int], now: datetime) -> tuple[list[Snapshot], list[Snapshot]]:
    """Versions to expire that were replaced more than an hour ago, and those that were not."""
    ordered = sorted(snapshots, key=lambda one: (one.timestamp_ms, one.sequence_number or 0))
    limit = (now - GRACE).timestamp() * 1000
    old = {older.snapshot_id for older, newer in pairwise(ordered) if newer.timestamp_ms < limit}
    chosen = [one for one in ordered if one.snapshot_id in gone]
    return [one for one in chosen if one.snapshot_id in old], [one for one in chosen if one.snapshot_id not in old]


def _took_out(snapshot: Snapshot) -> bool:
    return figure(snapshot, "deleted-data-files") > 0


def _manifests(io: FileIO, snapshots: Iterable[Snapshot]) -> dict[str, ManifestFile]:
    return {one.manifest_path: one for snapshot in snapshots for one in snapshot.manifests(io)}


def _data_bytes(io: FileIO, manifests: Iterable[ManifestFile]) -> dict[str, int]:
    entries = (entry for manifest in manifests for entry in manifest.fetch_manifest_entry(io))
    return {entry.data_file.file_path: entry.data_file.file_size_in_bytes for entry in entries}


def _deleted(table: Table, sizes: Mapping[str, int]) -> Freed:
    """Delete files by their locations, where they lie in a folder of the table; it may be one of a preview."""
    storage, by_path = storage_of_table(table), {path_in_storage(place): size for place, size in sizes.items()}
    gone = storage.delete(path for path in by_path if _is_of(storage, path))
    return Freed(files=len(gone), bytes=sum(by_path[path] for path in gone))


def _is_of(storage: Storage, path: str) -> bool:
    """Whether a path is in the table's own folder, or in that of the same table in a preview."""
    database, name = storage.folder.rsplit("/", 2)[-2:]
    found = path.removeprefix(f"{storage.warehouse}/").split("/")
    is_its = found[0] == database or (found[0].startswith("preview-") and found[0].endswith(f"--{database}"))
    return is_its and found[1:2] == [name]


def merge_small_files(connection: Connection, table: Table, *, at_least: int) -> Freed:
    """Make one file of small ones wherever a partition has so many, in one commit that keeps every row."""
    added: list[DataFile] = []
    removed: list[DataFile] = []
    for partition, files in _small_by_partition(table).items():
        groups = [files[start : start + MERGED_AT_ONCE] for start in range(0, len(files), MERGED_AT_ONCE)]
        for group in groups if len(files) >= at_least else []:
            if len(group) > 1:
                with connection.cursor() as cursor:
                    rows = cursor.sql(f"select * from {rows_sql(group, table.schema())}").to_arrow_table()
                added.append(write_file(table, rows, partition=partition))
                removed += group
    if removed:
        commit(table, add=added, remove=removed)
    return Freed(merged=len(removed))


def _small_by_partition(table: Table) -> dict[tuple[object, ...], list[DataFile]]:
    found: dict[tuple[object, ...], list[DataFile]] = {}
    for file in data_files(table):
        if file.file_size_in_bytes < SMALL_BYTES:
            partition = tuple(file.partition[number] for number in range(len(table.spec().fields)))
            found.setdefault(partition, []).append(file)
    return {name: sorted(files, key=lambda file: first_batch(table, file)) for name, files in found.items()}


def delete_orphans(table: Table, now: datetime, *, others: Sequence[Table] = ()) -> Freed:
    """Delete files in the table's folder that nothing refers to, such as a crash leaves.

    A file stays while it is younger than an hour, or part of a version that was the current one in the last hour, of
    this table or of the same one in `others`, the environments that stand on this one or that this one stands on.
    """
    limit = now - GRACE
    storage = storage_of_table(table)
    old = {one.path: one.size for one in storage.list_files() if one.written_at < limit}
    live = {path for one in (table, *others) for path in live_paths(one, since=limit)} if old else set()
    gone = {path: size for path, size in old.items() if path not in live}
    deleted = storage.delete(gone)
    return Freed(files=len(deleted), bytes=sum(gone[path] for path in deleted))


def live_paths(table: Table, *, since: datetime) -> set[str]:
    """The paths of all files that a table refers to, and of those that versions did which were current `since` then."""
    return {path_in_storage(location) for location in _live_locations(table, since)}


def _live_locations(table: Table, limit: datetime) -> set[str]:
    log = table.metadata.metadata_log
    paths = {table.metadata_location, *(entry.metadata_file for entry in log)}
    ends = [*(entry.timestamp_ms for entry in log[1:]), table.metadata.last_updated_ms]
    recent = [entry for entry, end in zip(log, ends[: len(log)], strict=True) if end >= limit.timestamp() * 1000]
    snapshots = list(table.metadata.snapshots)
    manifests = _manifests(table.io, snapshots)
    paths |= {one.manifest_list for one in snapshots if one.manifest_list}
    paths |= manifests.keys() | _data_bytes(table.io, manifests.values()).keys()
    kept = {one.snapshot_id for one in snapshots}
    return paths | {path for entry in recent for path in _recent_locations(table, entry.metadata_file, kept)}


def _recent_locations(table: Table, metadata_file: str, kept: Collection[int]) -> Iterator[str]:
    """What versions refer to that expired since a metadata file was written.

    What cannot be read refers to nothing: nobody is reading it either.
    """
    try:
        versions = FromInputFile.table_metadata(table.io.new_input(metadata_file)).snapshots
    except UNREADABLE:
        return
    for one in versions:
        if one.snapshot_id in kept:
            continue
        try:
            manifests = _manifests(table.io, [one])
            yield from (one.manifest_list, *manifests, *_data_bytes(table.io, manifests.values()))
        except UNREADABLE:
            continue
