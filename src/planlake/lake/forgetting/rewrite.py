"""Puts other data files in the place of some, in every version of a table, in one commit.

The manifests that list such a file are rewritten, then the lists of the versions these belong to, and last the table's
metadata: versions keep their ids, places, tags, columns and bookmarks. Only forgetting may do this. The files it
replaces are deleted at once.
"""

import time
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, cast

from pyiceberg.exceptions import CommitFailedException
from pyiceberg.io.pyarrow import PyArrowFileIO
from pyiceberg.manifest import (
    DataFile,
    ManifestEntry,
    ManifestEntryStatus,
    ManifestFile,
)
from pyiceberg.serializers import ToOutputFile
from pyiceberg.table import Table
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.snapshots import Snapshot, Summary
from pyiceberg.table.update import _apply_table_update, _TableMetadataUpdateContext
from pyiceberg.typedef import IcebergBaseModel

from planlake.errors import LakeError
from planlake.lake.catalogues import is_rest
from planlake.lake.forgetting.search import Search, ends_of, manifests_of
from planlake.lake.pointing import number_of, point_to
from planlake.lake.tables.commits import transaction_on, written_first
from planlake.lake.tables.housekeeping import live_paths
from planlake.lake.tables.manifests import entry_of, rewrite_manifest, rewrite_manifest_list
from planlake.lake.tables.stored_files import Storage

NOTHING_RECENT = datetime.max.replace(tzinfo=UTC)  # no version that was current once is spared

Replaced = Mapping[str, DataFile | None]  # by the path of the old file the new one, None where nothing is left of it


def replace_in_versions(search: Search, replaced: Replaced) -> None:
    """Put new files in the place of old ones in every version of a table, in one commit.

    Raises ConflictError where another process committed first: nothing was changed then.
    """
    table = search.table
    if not search.hits and search.rule.number is None:
        return
    changes = {
        manifest.manifest_path: change
        for manifest in manifests_of(table, table.metadata.snapshots)
        if (change := _changed_manifest(search, manifest, replaced)) is not None
    }
    if changes:
        before = table.metadata.snapshots
        _commit(table, before, [_changed_version(table, snapshot, changes) for snapshot in before])


@dataclass(frozen=True, slots=True)
class _Change:
    """A manifest rewritten (None: nothing is left of it), and its entries before and after."""

    manifest: ManifestFile | None
    before: Sequence[ManifestEntry]
    after: Sequence[ManifestEntry]


def _changed_manifest(search: Search, manifest: ManifestFile, replaced: Replaced) -> _Change | None:
    """A manifest without what is to go; None where it may stay as it is."""
    before = manifest.fetch_manifest_entry(search.table.io, discard_deleted=False)
    after = [_changed_entry(search, entry, replaced) for entry in before]
    if all(one is two for one, two in zip(before, after, strict=True)):
        return None
    kept = [entry for entry in after if entry is not None]
    return _Change(rewrite_manifest(search.table, manifest, kept) if kept else None, before, kept)


def _changed_entry(search: Search, entry: ManifestEntry, replaced: Replaced) -> ManifestEntry | None:
    """An entry names the new file; one of a file that was taken out before goes where its bounds name the id."""
    path = entry.data_file.file_path
    if path in replaced:
        file = replaced[path]
        return entry_of(entry, file) if file is not None else None
    number = search.rule.number
    is_named = number is not None and number[1] in ends_of(search.table, search.rule, entry.data_file)
    return None if entry.status == ManifestEntryStatus.DELETED and is_named else entry


def _changed_version(table: Table, snapshot: Snapshot, changes: Mapping[str, _Change]) -> Snapshot:
    """The same version with another list of manifests, where one of them changed."""
    manifests = snapshot.manifests(table.io)
    own = [changes[one.manifest_path] for one in manifests if one.manifest_path in changes]
    if not own:
        return snapshot
    after = [changes[one.manifest_path].manifest if one.manifest_path in changes else one for one in manifests]
    place = rewrite_manifest_list(table, snapshot, [one for one in after if one is not None])
    changed: dict[str, Any] = {"manifest_list": place, "summary": _corrected(snapshot, own)}
    return snapshot.model_copy(update=changed)


TOTAL = ("total-data-files", "total-records", "total-files-size")
ADDED = ("added-data-files", "added-records", "added-files-size")
DELETED = ("deleted-data-files", "deleted-records", "removed-files-size")


def _corrected(snapshot: Snapshot, changes: Iterable[_Change]) -> Summary | None:
    """What a version says of itself, with its figures as they are now; everything else stays."""
    if snapshot.summary is None:
        return None
    entries = dict(snapshot.summary.additional_properties)
    for change in changes:
        after, before = _figures(change.after, snapshot), _figures(change.before, snapshot)
        for name in (*TOTAL, *ADDED, *DELETED):
            if name in entries:
                entries[name] = str(int(entries[name]) + after[name] - before[name])
    return Summary(snapshot.summary.operation, **entries)


def _figures(entries: Iterable[ManifestEntry], snapshot: Snapshot) -> Counter[str]:
    """Files, rows and bytes: in all, and those that this very version added or took out."""
    found: Counter[str] = Counter()
    for entry in entries:
        is_deleted, is_own = entry.status == ManifestEntryStatus.DELETED, entry.snapshot_id == snapshot.snapshot_id
        kinds = [] if is_deleted else [TOTAL]
        if is_own and entry.status != ManifestEntryStatus.EXISTING:
            kinds.append(DELETED if is_deleted else ADDED)
        for files, rows, size in kinds:
            found.update({files: 1, rows: entry.data_file.record_count, size: entry.data_file.file_size_in_bytes})
    return found


class _RewriteVersions(IcebergBaseModel):
    """A change of a table's metadata that the library does not know: the same versions, with other lists of files.

    Versions taken out and added again by the library's own changes would lose when each of them was the current one,
    and the metadata would be older than their predecessors, which other readers refuse.
    """

    action: Literal["rewrite-versions"] = "rewrite-versions"
    before: list[Snapshot]
    after: list[Snapshot]


@_apply_table_update.register(_RewriteVersions)
def _(  # type: ignore[misc] # the library's own list of changes is closed
    update: _RewriteVersions, base: TableMetadata, context: _TableMetadataUpdateContext
) -> TableMetadata:
    if base.snapshots != update.before:
        raise CommitFailedException("the versions of the table changed meanwhile")
    context.add_update(cast("Any", update))
    return base.model_copy(update={"snapshots": update.after, "metadata_log": []})


def _commit(table: Table, before: list[Snapshot], after: list[Snapshot]) -> None:
    if is_rest(table.catalog):
        _register_rewritten(table, after)
        return
    with transaction_on(table) as transaction:
        transaction._apply((cast("Any", _RewriteVersions(before=before, after=after)),))


def _register_rewritten(table: Table, after: list[Snapshot]) -> None:
    """A REST catalogue takes none but the library's own changes, so it gets the metadata as a file to register."""
    identifier = (table.name()[0], table.name()[1])
    if table.catalog.load_table(identifier).metadata_location != table.metadata_location:
        raise written_first(table)
    number = number_of(table.metadata_location) + 1
    place = f"{table.location()}/metadata/{number:05}-{uuid.uuid4()}.metadata.json"
    changes = {"snapshots": after, "metadata_log": [], "last_updated_ms": int(time.time() * 1000)}
    ToOutputFile.table_metadata(table.metadata.model_copy(update=changes), table.io.new_output(place))
    point_to(table.catalog, identifier, place)
    table.refresh()


def check_can_rewrite(table: Table) -> None:
    """Refuse a REST catalogue that cannot register a table it knows: the file that it has is registered again."""
    if is_rest(table.catalog):
        point_to(table.catalog, (table.name()[0], table.name()[1]), table.metadata_location)


def trim_metadata_log(table: Table) -> None:
    """Let go what the metadata was before, but for the last, which refers to the very files that this one does."""
    _commit(table, table.metadata.snapshots, table.metadata.snapshots)


def check_can_list(table: Table) -> None:
    """Refuse a table whose files cannot be listed, so that none of them could be missed; a LakeError says so."""
    if not isinstance(table.io, PyArrowFileIO):
        facts = {"table": table.name()[-1]}
        raise LakeError("files cannot be listed here", facts=facts, state="Nothing was changed")


def delete_unreferenced(tables: Sequence[Table], folders: Iterable[Storage]) -> int:
    """Delete every file in these folders that none of the tables refers to now; how many that were.

    Unlike housekeeping it spares nothing: not what a reader opened a moment ago, not what is young. So the tables are
    loaded again after the files were listed; a ConflictError where the lake is not held any more.
    """
    stored = [(folder, folder.list_files()) for folder in folders]
    live = {path for table in tables for path in live_paths(table.refresh(), since=NOTHING_RECENT)}
    return sum(len(folder.delete(file.path for file in files if file.path not in live)) for folder, files in stored)
