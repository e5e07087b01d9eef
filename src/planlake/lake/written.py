"""What lies written in a warehouse: in goes a lake, out come its tables' metadata files and the previews they tell of.

The catalogue is not asked. A file that was written and never committed looks like any other.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from pyiceberg.io import FileIO
from pyiceberg.serializers import FromInputFile
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.snapshots import Snapshot

from planlake.lake.lake import UNREADABLE, Lake
from planlake.lake.previews import named_by, unread
from planlake.lake.storage import database_storage, path_in_storage, preview_databases, storage_of
from planlake.lake.summary import figure

METADATA = re.compile(r"(?P<folder>.+)/(?P<table>[^/]+)/metadata/(?P<number>[0-9]+)-[^/]+\.metadata\.json")


@dataclass(frozen=True, slots=True)
class Written:
    """A metadata file: where it lies, its number, and what it says of the table."""

    location: str
    number: int
    metadata: TableMetadata

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
    found: dict[str, list[str]] = {}
    for one in storage.listed():
        parts = METADATA.fullmatch(one.path)
        if parts and parts["folder"].rstrip("/") == storage.folder.rstrip("/"):
            found.setdefault(parts["table"], []).append(storage.prefix + one.path)
    return found


def stored_previews(base: Lake) -> list[str]:
    """The names of a lake's previews of whose operations database a metadata file is there.

    Of a dropped one there is none: data files may have stayed, which the lake took over.
    """
    names = named_by(base, preview_databases(base, "operations"))
    return [name for name in names if metadata_files(unread(base, name), "operations")]


def read(io: FileIO, location: str) -> Written | None:
    """A metadata file; None where it is gone or cannot be read, as one that was never written to its end."""
    try:
        metadata = FromInputFile.table_metadata(io.new_input(location))
    except UNREADABLE:
        return None
    return Written(location, number_of(location), metadata)


def number_of(location: str) -> int:
    """The number in a metadata file's name; 0 where it has none, as files that others wrote."""
    found = METADATA.fullmatch(path_in_storage(location))
    return int(found["number"]) if found else 0


def newest_first(io: FileIO, locations: Iterable[str]) -> Iterator[Written]:
    """Metadata files of one table: the last of the longest history, then what that followed, then others likewise.

    Of a table that was dropped and made anew, what was made anew comes first. Each file names those it followed, so
    that few are opened until more are asked for.
    """
    last: list[Written] = []
    followed: set[str] = set()
    for location in sorted(locations, key=number_of, reverse=True):
        one = read(io, location) if location not in followed else None
        if one is not None:
            last.append(one)
            followed.update(one.log)
    last.sort(key=lambda found: found.written_at)
    latest = {one.metadata.table_uuid: one.written_at for one in last}
    last.sort(key=lambda found: (latest[found.metadata.table_uuid], found.number, found.written_at))
    for one in reversed(last):
        yield one
        yield from filter(None, (read(io, location) for location in reversed(one.log)))


def missing_file(io: FileIO, snapshots: Collection[Snapshot], *, current: Snapshot | None) -> str:
    """A list or manifest of these versions, or a data file of the current one, that is gone or was cut off.

    Empty where there is none.
    """
    if gone := _missing(io, {one.manifest_list: None for one in snapshots if one.manifest_list}):
        return gone
    place = ""
    try:
        manifests: dict[str, int | None] = {}
        for snapshot in snapshots:
            place = snapshot.manifest_list
            manifests |= {one.manifest_path: one.manifest_length for one in snapshot.manifests(io)}
        if gone := _missing(io, manifests):
            return gone
        data: dict[str, int | None] = {}
        for one in current.manifests(io) if current is not None else []:
            place = one.manifest_path
            files = [entry.data_file for entry in one.fetch_manifest_entry(io)]
            data |= {file.file_path: file.file_size_in_bytes for file in files}
    except UNREADABLE:
        return path_in_storage(place)
    if current is not None and not data and figure(current, "total-data-files"):  # what was cut off reads as empty
        return path_in_storage(current.manifest_list)
    return _missing(io, data)


def _missing(io: FileIO, sizes: Mapping[str, int | None]) -> str:
    """The path of a file that is not there, or not of the size it should have, in bytes, where that is known."""
    if not sizes:
        return ""
    files = storage_of(io, next(iter(sizes))).files
    infos = zip(files.get_file_info([path_in_storage(location) for location in sizes]), sizes.values(), strict=True)
    return next((info.path for info, size in infos if not info.is_file or size not in {None, info.size}), "")
