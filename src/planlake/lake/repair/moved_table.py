"""Reads the metadata of a table that was made elsewhere, with the places its files have here.

Iceberg names every file by its whole place. In a lake that was moved or copied these are places of the original.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from planlake.lake.tables.stored_files import path_in_storage

if TYPE_CHECKING:
    from pyiceberg.table.metadata import TableMetadata
    from pyiceberg.table.snapshots import MetadataLogEntry, Snapshot


@dataclass(frozen=True, slots=True)
class Move:
    """From where to where: two folders, whole warehouses where a table keeps its place in them."""

    made_at: str
    is_at: str

    def here(self, location: str) -> str:
        """The place here of a file; one that never lay below the old folder stays where it is."""
        path, old = path_in_storage(location), f"{path_in_storage(self.made_at)}/"
        return f"{self.is_at}/{path.removeprefix(old)}" if path.startswith(old) else location

    def there(self, location: str) -> str:
        """Where a file that belongs here was before."""
        path, new = path_in_storage(location), f"{path_in_storage(self.is_at)}/"
        return f"{self.made_at}/{path.removeprefix(new)}" if path.startswith(new) else location


def move_of(metadata: "TableMetadata", place: str) -> Move | None:
    """How the table came to be at a place; None where it was made there.

    `place` ends with the names of the database and the table. Where the old one does too, whole warehouses moved, and
    with them what a preview put beside the table.
    """
    made_at = metadata.location.rstrip("/")
    if is_same_place(made_at, place):
        return None
    ending = "/" + "/".join(place.split("/")[-2:])
    is_whole = made_at.endswith(ending)
    return Move(made_at.removesuffix(ending), place.removesuffix(ending)) if is_whole else Move(made_at, place)


def is_same_place(one: str, other: str) -> bool:
    """Whether two places differ at most in how their kind of storage is named.

    Links are not followed: files are told apart by how their places are written.
    """
    are_remote = [_is_remote(place) for place in (one, other)]
    return are_remote[0] == are_remote[1] and path_in_storage(one) == path_in_storage(other)


def _is_remote(place: str) -> bool:
    scheme, separator, _ = place.partition("://")
    return bool(separator) and scheme != "file"


def moved(metadata: "TableMetadata", move: Move) -> "TableMetadata":
    """The metadata with all places in it as they are here; lists and manifests themselves still name the old ones."""
    from pyiceberg.table.snapshots import MetadataLogEntry  # noqa: PLC0415 - only of a lake that was moved

    log = [MetadataLogEntry.model_validate(_log_entry(one, move)) for one in metadata.metadata_log]
    snapshots = [_moved_version(one, move) for one in metadata.snapshots]
    location = move.here(f"{metadata.location.rstrip('/')}/").rstrip("/")
    return metadata.model_copy(update={"location": location, "snapshots": snapshots, "metadata_log": log})


def _log_entry(one: "MetadataLogEntry", move: Move) -> dict[str, object]:
    return {"metadata-file": move.here(one.metadata_file), "timestamp-ms": one.timestamp_ms}


def _moved_version(one: "Snapshot", move: Move) -> "Snapshot":
    return one.model_copy(update={"manifest_list": move.here(one.manifest_list)}) if one.manifest_list else one
