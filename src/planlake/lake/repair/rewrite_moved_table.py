"""Rewrites the metadata of a table that was made elsewhere, so that it names its files where they lie now.

Every version is kept, with its id, its tags and its bookmark. Manifests, lists and metadata are written beside the old
ones; a data file is never touched, and one that is not here yet is copied from where it was.
"""

import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow.fs
from pyiceberg.manifest import DataFile, ManifestEntry, ManifestEntryStatus, ManifestFile
from pyiceberg.serializers import ToOutputFile
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot

from planlake.lake.repair.metadata_files import MetadataFile, manifests_in
from planlake.lake.repair.moved_table import Move
from planlake.lake.tables.manifests import entry_of, rewrite_manifest, rewrite_manifest_list
from planlake.lake.tables.stored_files import are_there, storage_of
from planlake.lake.tables.unreadable import UNREADABLE


def rewrite_here(table: Table, one: MetadataFile) -> MetadataFile:
    """The newest metadata of a table that was made elsewhere, rewritten for here; the same where it was made here.

    Nothing knows it yet: the catalogue is pointed to it afterwards. A version whose lists are gone keeps its place in
    the metadata.
    """
    if one.move is None:
        return one
    made: dict[str, ManifestFile] = {}
    _bring(table, one.move, [one.manifest_list for one in one.metadata.snapshots if one.manifest_list])
    snapshots = [_settled_version(table, one.move, snapshot, made) for snapshot in one.metadata.snapshots]
    changes: dict[str, Any] = {
        "snapshots": snapshots,
        "metadata_log": [],  # what came before names the old places
        "last_updated_ms": max(int(time.time() * 1000), one.written_at + 1),
    }
    metadata, number = one.metadata.model_copy(update=changes), one.number + 1
    place = f"{metadata.location}/metadata/{number:05}-{uuid.uuid4()}.metadata.json"
    ToOutputFile.table_metadata(metadata, table.io.new_output(place))
    return MetadataFile(place, number, metadata)


def _settled_version(table: Table, move: Move, snapshot: Snapshot, made: dict[str, ManifestFile]) -> Snapshot:
    try:
        _bring(table, move, [one.manifest_path for one in manifests_in(table.io, snapshot, move)])
        manifests = [_settled_manifest(table, move, one, made) for one in manifests_in(table.io, snapshot, move)]
    except UNREADABLE:
        return snapshot
    return snapshot.model_copy(update={"manifest_list": rewrite_manifest_list(table, snapshot, manifests)})


def _settled_manifest(table: Table, move: Move, old: ManifestFile, made: dict[str, ManifestFile]) -> ManifestFile:
    """A manifest that names the files here; versions that shared the old one share the new one."""
    if old.manifest_path not in made:
        entries = old.fetch_manifest_entry(table.io, discard_deleted=False)
        named = [_settled_entry(move, entry, old.partition_spec_id) for entry in entries]
        live = [entry.data_file for entry in named if entry.status != ManifestEntryStatus.DELETED]
        _bring(table, move, [file.file_path for file in live])
        made[old.manifest_path] = rewrite_manifest(table, old, named)
    return made[old.manifest_path]


def _settled_entry(move: Move, entry: ManifestEntry, spec_id: int) -> ManifestEntry:
    old = entry.data_file
    values = [old[number] for number in range(len(old))]
    values[1] = move.here(old.file_path)
    file = DataFile(*values)
    file.spec_id = spec_id
    return entry_of(entry, file)


def _bring(table: Table, move: Move, places: Sequence[str]) -> None:
    """Copy files that are missing here and are still where they were; those that are nowhere stay missing."""
    missing = [place for place, there in zip(places, are_there(table.io, places), strict=True) if not there]
    if missing:
        _copy(table, {move.there(place): place for place in missing})


def _copy(table: Table, places: Mapping[str, str]) -> None:
    """Copy files under another name first: what a kill leaves is never taken for the whole file."""
    for (old, new), is_there in zip(places.items(), are_there(table.io, list(places)), strict=True):
        if is_there:
            source, target = storage_of(table.io, old), storage_of(table.io, new)
            target.files.create_dir(target.folder.rpartition("/")[0], recursive=True)
            part = f"{target.folder}.part"
            pyarrow.fs.copy_files(
                source.folder, part, source_filesystem=source.files, destination_filesystem=target.files
            )
            target.files.move(part, target.folder)
