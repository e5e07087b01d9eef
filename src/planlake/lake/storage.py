"""Files as they lie in a warehouse: in goes a place, out come the files below it, whatever any table says of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import pyarrow.fs
from pyiceberg.io import FileIO, load_file_io
from pyiceberg.io.pyarrow import PyArrowFileIO

from planlake.errors import LakeError
from planlake.lake.lake import Lake


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file: its path without scheme and host, its bytes, when it was written (UTC)."""

    path: str
    size: int
    written_at: datetime


@dataclass(frozen=True, slots=True)
class Storage:
    """A folder of a warehouse; `prefix` is what comes before a path there to make a location of it."""

    files: pyarrow.fs.FileSystem
    folder: str
    prefix: str

    def listed(self) -> list[StoredFile]:
        """All files below the folder; none where it is not there."""
        selector = pyarrow.fs.FileSelector(self.folder, allow_not_found=True, recursive=True)
        return [StoredFile(one.path, one.size, one.mtime) for one in self.files.get_file_info(selector) if one.is_file]

    def delete(self, paths: Iterable[str]) -> None:
        """Delete files by their paths."""
        for path in paths:
            self.files.delete_file(path)

    def remove(self) -> None:
        """Delete the folder with everything in it; nothing happens where it is not there."""
        if self.files.get_file_info(self.folder).type == pyarrow.fs.FileType.Directory:
            self.files.delete_dir(self.folder)


def storage_of(io: FileIO, place: str) -> Storage:
    """The storage of a place, a folder with or without scheme; a LakeError where its files cannot be listed."""
    if not isinstance(io, PyArrowFileIO):
        raise LakeError("files cannot be listed here", facts={"place": place})
    scheme, host, folder = PyArrowFileIO.parse_location(place)
    return Storage(io.fs_by_scheme(scheme, host), folder, place.removesuffix(folder))


def database_storage(lake: Lake, zone: str) -> Storage:
    """The folder of a zone's database."""
    place = f"{lake.warehouses[zone]}/{lake.database(zone)}"
    return storage_of(load_file_io(lake.catalog.properties, place), place)


def path_in_storage(location: str) -> str:
    """The path of a location without its scheme and host."""
    return PyArrowFileIO.parse_location(location)[2]
