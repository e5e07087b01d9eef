"""Lists the metadata files in a warehouse, and the previews they mention, without asking the catalogue.

A file that was written and never committed looks like any other.
"""

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyarrow.fs import LocalFileSystem

from planlake.lake.lake import Lake
from planlake.lake.pointing import METADATA, number_of
from planlake.lake.previews.names import named_by, unread
from planlake.lake.repair.moved_table import Move, move_of, moved
from planlake.lake.tables.stored_files import path_in_storage, storage_of
from planlake.lake.tables.unreadable import UNREADABLE
from planlake.lake.tables.version_summary import figure
from planlake.lake.warehouse import database_storage, preview_databases

if TYPE_CHECKING:
    from pyiceberg.io import FileIO
    from pyiceberg.manifest import ManifestFile
    from pyiceberg.table.metadata import TableMetadata
    from pyiceberg.table.snapshots import Snapshot


@dataclass(frozen=True, slots=True)
class MetadataFile:
    """A metadata file: where it lies, its number, and what it says of the table.

    Where the table was made elsewhere (`move`), the metadata is as if it had been made here.
    """

    location: str
    number: int
    metadata: "TableMetadata"
    move: Move | None = None

    @property
    def written_at(self) -> int:
        """When it was written, in milliseconds since 1970."""
        return self.metadata.last_updated_ms

    @property
    def sequence(self) -> int:
        """The number of the table's last change, which no later file lowers; 0 in the oldest table format."""
        return getattr(self.metadata, "last_sequence_number", 0)

    @property
    def log(self) -> list[str]:
        """The locations of the files it followed, oldest first."""
        return [one.metadata_file for one in self.metadata.metadata_log]


def metadata_files(lake: Lake, zone: str) -> dict[str, list[str]]:
    """The locations of all metadata files in a zone's database, by the table's name."""
    storage = database_storage(lake, zone)
    is_here = isinstance(storage.files, LocalFileSystem)
    found: dict[str, list[str]] = {}
    for path in _metadata_paths(storage.folder) if is_here else [one.path for one in storage.list_files()]:
        parts = METADATA.fullmatch(path)
        if parts and parts["folder"].rstrip("/") == storage.folder.rstrip("/"):
            found.setdefault(parts["table"], []).append(storage.prefix + path)
    return found


def _metadata_paths(folder: str) -> Iterator[str]:
    """The files in the metadata folders of all tables; folders of data, which hold far more, are not looked into."""
    for table in sorted(_entries(folder), key=lambda entry: entry.name):
        for entry in _entries(f"{folder}/{table.name}/metadata") if table.is_dir() else ():
            if entry.is_file():
                yield f"{folder}/{table.name}/metadata/{entry.name}"


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return list(found)
    except (FileNotFoundError, NotADirectoryError):
        return []


def metadata_files_of(io: "FileIO", place: str) -> list[str]:
    """The locations of all metadata files of the table at a place."""
    storage = storage_of(io, f"{place}/metadata")
    return [storage.prefix + one.path for one in storage.list_files() if METADATA.fullmatch(one.path)]


def stored_previews(base: Lake) -> list[str]:
    """The names of a lake's previews of whose operations database a metadata file is there.

    Of a dropped one there is none: data files may have stayed, which the lake took over.
    """
    names = named_by(base, preview_databases(base, "operations"))
    return [name for name in names if metadata_files(unread(base, name), "operations")]


def read(io: "FileIO", location: str, place: str) -> MetadataFile | None:
    """A metadata file of the table at a place; None where it is gone or cannot be read, as one not written to its end.

    Of a table that was made elsewhere all places are read as those here.
    """
    from pyiceberg.serializers import FromInputFile  # noqa: PLC0415 - where a lake is whole nobody looks for them

    try:
        metadata = FromInputFile.table_metadata(io.new_input(location))
    except UNREADABLE:
        return None
    return as_here(metadata, location, place)


def as_here(metadata: "TableMetadata", location: str, place: str) -> MetadataFile:
    """A metadata file of the table at a place, from what was read of it."""
    move = move_of(metadata, place)
    return MetadataFile(location, number_of(location), moved(metadata, move) if move else metadata, move)


Read = Callable[[str], MetadataFile | None]


def ends(read_one: Read, locations: Iterable[str]) -> list[MetadataFile]:
    """The metadata files of one table that no other names as what it followed: the newest of each history."""
    last: list[MetadataFile] = []
    followed: set[str] = set()
    for location in sorted(locations, key=number_of, reverse=True):
        one = read_one(location) if path_in_storage(location) not in followed else None
        if one is not None:
            last.append(one)
            followed.update(map(path_in_storage, one.log))
    return last


def newest_first(read_one: Read, locations: Iterable[str]) -> Iterator[MetadataFile]:
    """Metadata files of one table: the last of the longest history, then what that followed, then others likewise.

    Of a table that was dropped and made again, the newer table comes first. Each file names those it followed, so
    that few are opened until more are asked for.
    """
    last = ends(read_one, locations)
    last.sort(key=lambda found: found.written_at)
    latest = {one.metadata.table_uuid: one.written_at for one in last}
    last.sort(key=lambda found: (latest[found.metadata.table_uuid], found.number, found.written_at))
    for one in reversed(last):
        yield one
        yield from filter(None, map(read_one, reversed(one.log)))


def manifests_in(io: "FileIO", snapshot: "Snapshot", move: Move | None = None) -> list["ManifestFile"]:
    """The manifests of a version; of one that was made elsewhere, where they lie here."""
    found = snapshot.manifests(io)
    return found if move is None else [_manifest_at(one, move.here(one.manifest_path)) for one in found]


def _manifest_at(one: "ManifestFile", place: str) -> "ManifestFile":
    from pyiceberg.manifest import ManifestFile  # noqa: PLC0415 - only of a lake that was moved

    values = [one[number] for number in range(len(one))]
    return ManifestFile(place, *values[1:])


def missing_file(
    io: "FileIO", snapshots: Collection["Snapshot"], *, current: "Snapshot | None", move: Move | None = None
) -> str:
    """A list or manifest of these versions, or a data file of `current`, one of them, that is gone or was cut off.

    Empty where there is none.
    """
    if gone := _missing(io, {one.manifest_list: None for one in snapshots if one.manifest_list}):
        return gone
    place = ""
    try:
        manifests: dict[str, int | None] = {}
        of_current: list[ManifestFile] = []
        for snapshot in snapshots:
            place = snapshot.manifest_list
            listed = manifests_in(io, snapshot, move)
            manifests |= {one.manifest_path: one.manifest_length for one in listed}
            if current is not None and snapshot.snapshot_id == current.snapshot_id:
                of_current = listed
        if gone := _missing(io, manifests):
            return gone
        data: dict[str, int | None] = {}
        for one in of_current:
            place = one.manifest_path
            files = [entry.data_file for entry in one.fetch_manifest_entry(io)]
            data |= {move.here(file.file_path) if move else file.file_path: file.file_size_in_bytes for file in files}
    except UNREADABLE:
        return path_in_storage(place)
    if current is not None and not data and figure(current, "total-data-files"):  # what was cut off reads as empty
        return path_in_storage(current.manifest_list)
    return _missing(io, data)


def _missing(io: "FileIO", sizes: Mapping[str, int | None]) -> str:
    """The path of a file that is not there, or not of the size it should have, in bytes, where that is known."""
    if not sizes:
        return ""
    files = storage_of(io, next(iter(sizes))).files
    infos = zip(files.get_file_info([path_in_storage(location) for location in sizes]), sizes.values(), strict=True)
    return next((info.path for info, size in infos if not info.is_file or size not in {None, info.size}), "")
