"""Writing manifests and manifest lists of a table."""

import uuid
from collections.abc import Sequence
from typing import Any, cast

from pyiceberg.manifest import (
    DataFile,
    ManifestEntry,
    ManifestEntryStatus,
    ManifestFile,
    write_manifest,
    write_manifest_list,
)
from pyiceberg.table import Table, TableProperties
from pyiceberg.table.snapshots import Snapshot


def entry_of(entry: ManifestEntry, file: DataFile) -> ManifestEntry:
    """The same entry for another file."""
    return ManifestEntry.from_args(
        status=entry.status,
        snapshot_id=entry.snapshot_id,
        sequence_number=entry.sequence_number,
        file_sequence_number=entry.file_sequence_number,
        data_file=file,
    )


def rewrite_manifest(table: Table, old: ManifestFile, entries: Sequence[ManifestEntry]) -> ManifestFile:
    """A manifest of these entries that stands where the old one stood."""
    spec = table.specs()[old.partition_spec_id]
    output = table.io.new_output(_new_place(table, "m0"))
    snapshot_id = cast("int", old.added_snapshot_id)
    with write_manifest(table.format_version, spec, table.schema(), output, snapshot_id, _compression(table)) as writer:
        for entry in entries:
            writer.add_entry(entry)
    made = writer.to_manifest_file()
    made.sequence_number = old.sequence_number
    if not any(entry.status != ManifestEntryStatus.DELETED for entry in entries):
        made.min_sequence_number = old.min_sequence_number
    return made


def rewrite_manifest_list(table: Table, snapshot: Snapshot, manifests: list[ManifestFile]) -> str:
    """Write a version's list of manifests; its place."""
    output = table.io.new_output(_new_place(table, f"snap-{snapshot.snapshot_id}"))
    place = snapshot.snapshot_id, snapshot.parent_snapshot_id, snapshot.sequence_number
    with write_manifest_list(table.format_version, output, *place, _compression(table)) as writer:
        writer.add_manifests(manifests)
    return output.location


def _new_place(table: Table, name: str) -> str:
    return table.location_provider().new_metadata_location(f"{name}-{uuid.uuid4()}.avro")


def _compression(table: Table) -> Any:  # noqa: ANN401 - one of the library's names of codecs
    return table.properties.get(TableProperties.WRITE_AVRO_COMPRESSION, TableProperties.WRITE_AVRO_COMPRESSION_DEFAULT)
