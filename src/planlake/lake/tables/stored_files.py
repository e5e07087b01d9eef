"""Lists and deletes the files below a place in the warehouse, whatever any table says of them."""

import shutil
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import pyarrow.fs

from planlake.errors import LakeError
from planlake.lake.aws.still_held import check_held
from planlake.lake.metadata.local_files import HERE, LocalFiles, split_location
from planlake.lake.tables.local_folders import lying_below, with_slashes

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog
    from pyiceberg.io import FileIO
    from pyiceberg.table import Table


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file: its path without scheme and host, its bytes, when it was written (UTC)."""

    path: str
    size: int
    written_at: datetime


@dataclass(frozen=True, slots=True)
class Storage:
    """A folder of a warehouse; `prefix` is what comes before a path there to make a location of it.

    `warehouse` is the folder in which this one must lie without a link: only what does is ever deleted,
    and only while the lake of `catalog` is still held.
    """

    files: pyarrow.fs.FileSystem
    folder: str
    prefix: str
    warehouse: str
    catalog: "Catalog | None" = field(default=None, repr=False)

    def list_files(self) -> list[StoredFile]:
        """All files below the folder; none where it is not there."""
        selector = pyarrow.fs.FileSelector(self.folder, allow_not_found=True, recursive=True)
        return [StoredFile(one.path, one.size, one.mtime) for one in self.files.get_file_info(selector) if one.is_file]

    def deletable(self, paths: Iterable[str]) -> list[str]:
        """Those of these paths that may be deleted: they lie in the warehouse, and behind no link in it."""
        is_here = isinstance(self.files, pyarrow.fs.LocalFileSystem)
        return lying_below(self.warehouse, paths) if is_here else list(paths)

    def delete(self, paths: Iterable[str]) -> list[str]:
        """Delete files by their paths, but those behind a link; which were deleted.

        Raises ConflictError once the lake is not held any more: what was not yet deleted stays.
        """
        own = self.deletable(paths)
        for path in own:
            check_held(self.catalog)
            self.files.delete_file(path)
        return own

    def remove(self) -> None:
        """Delete the folder with everything in it, links but not what lies behind them; a folder behind one stays."""
        is_folder = self.files.get_file_info(self.folder).type == pyarrow.fs.FileType.Directory
        if not is_folder or not self.deletable([self.folder]):
            return
        check_held(self.catalog)
        if isinstance(self.files, pyarrow.fs.LocalFileSystem):
            shutil.rmtree(self.folder)
        else:
            with suppress(FileNotFoundError):  # S3 has no folders: what is there without a file may not be there
                self.files.delete_dir(self.folder)


def storage_of(io: "FileIO", place: str, *, depth: int = 0, catalog: "Catalog | None" = None) -> Storage:
    """The storage of a place, a folder with or without scheme, `depth` folders below its warehouse.

    `catalog` is that of the lake, where files may be deleted. A LakeError where its files cannot be listed.
    """
    folder = path_in_storage(place)
    warehouse = "/".join(folder.rstrip("/").split("/")[:-depth]) if depth else folder
    return Storage(file_system(io, place), folder, place.removesuffix(folder), warehouse, catalog)


def file_system(io: "FileIO", place: str) -> pyarrow.fs.FileSystem:
    """The file system that a place is in; a LakeError where its files cannot be listed."""
    scheme, host, _ = split_location(place)
    if isinstance(io, LocalFiles) and scheme == HERE:
        return pyarrow.fs.LocalFileSystem()
    from pyiceberg.io.pyarrow import PyArrowFileIO  # noqa: PLC0415 - brings pyarrow.dataset, and pandas with it

    if isinstance(io, LocalFiles):
        return PyArrowFileIO(io.properties).fs_by_scheme(scheme, host)
    if not isinstance(io, PyArrowFileIO):
        raise LakeError("files cannot be listed here", facts={"place": place})
    return io.fs_by_scheme(scheme, host)


def are_there(io: "FileIO", locations: Collection[str]) -> list[bool]:
    """Whether there is a file at each of these places."""
    return [size is not None for size in sizes_of(io, locations)]


def sizes_of(io: "FileIO", locations: Collection[str]) -> list[int | None]:
    """How many bytes the file at each of these places has; None where there is none."""
    if not locations:
        return []
    files = storage_of(io, next(iter(locations))).files
    infos = files.get_file_info([path_in_storage(location) for location in locations])
    return [one.size if one.is_file else None for one in infos]


def storage_of_table(table: "Table") -> Storage:
    """The folder of a table."""
    return storage_of(table.io, table.location(), depth=2, catalog=table.catalog)


def path_in_storage(location: str) -> str:
    """The path of a location without its scheme and host."""
    return parse_location(location)[2]


def parse_location(location: str) -> tuple[str, str, str]:
    """The scheme, the host and the path of a location; of a path of this machine `file`, nothing and the path."""
    scheme, host, path = split_location(location)
    return scheme, host, with_slashes(path) if scheme == HERE else path
