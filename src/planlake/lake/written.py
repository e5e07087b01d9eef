"""What lies written in a warehouse: in goes a lake, out come its tables' metadata files and the previews they tell of.

The catalogue is not asked. A file that was written and never committed looks like any other.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow.fs
from pyiceberg.exceptions import ValidationError
from pyiceberg.io import FileIO
from pyiceberg.serializers import FromInputFile
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.snapshots import Snapshot

from planlake.lake.lake import Lake
from planlake.lake.previews import named_by, unread
from planlake.lake.storage import database_storage, path_in_storage, preview_databases, storage_of

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
    """A metadata file; None where it is gone or was never written to its end."""
    try:
        metadata = FromInputFile.table_metadata(io.new_input(location))
    except (FileNotFoundError, ValueError, ValidationError):
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
    """A list or manifest of these versions, or a data file of the current one, that is gone; empty where none is."""
    lists = [one.manifest_list for one in snapshots if one.manifest_list]
    if gone := _missing(io, lists):
        return gone
    manifests = {one.manifest_path: one for snapshot in snapshots for one in snapshot.manifests(io)}
    if gone := _missing(io, list(manifests)):
        return gone
    own = current.manifests(io) if current is not None else []
    return _missing(io, [entry.data_file.file_path for one in own for entry in one.fetch_manifest_entry(io)])


def _missing(io: FileIO, locations: Sequence[str]) -> str:
    if not locations:
        return ""
    files = storage_of(io, locations[0]).files
    infos = files.get_file_info([path_in_storage(location) for location in locations])
    return next((one.path for one in infos if one.type == pyarrow.fs.FileType.NotFound), "")
