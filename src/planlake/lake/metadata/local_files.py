"""The files of this machine as a table's files are opened: by pyiceberg's way to them only where they are written."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlparse

from planlake.lake.metadata.table_metadata import Whole

if TYPE_CHECKING:
    from pyiceberg.io import FileIO

OTHER_WAY = "py-io-impl"  # the property that names what else opens files
HERE = "file"


class LocalFiles(Whole):
    """Where files are opened that lie on this machine."""

    def __init__(self, properties: Mapping[str, str]) -> None:
        self.properties = dict(properties)

    def whole(self) -> Any:  # noqa: ANN401 - as pyiceberg opens them
        """The same as pyiceberg has it."""
        from pyiceberg.io.pyarrow import PyArrowFileIO  # noqa: PLC0415 - brings pyarrow.dataset, and pandas with it

        return PyArrowFileIO(self.properties)


def opening(properties: Mapping[str, str], location: str) -> "FileIO":
    """What opens the files at a place."""
    if is_here(properties, location):
        return LocalFiles(properties)  # type: ignore[return-value] # it answers as one
    from pyiceberg.io import load_file_io  # noqa: PLC0415

    return load_file_io(dict(properties), location)


def is_here(properties: Mapping[str, str], location: str) -> bool:
    """Whether a place is on this machine, and nothing says that its files are opened otherwise."""
    return OTHER_WAY not in properties and split_location(location)[0] == HERE


def split_location(location: str) -> tuple[str, str, str]:
    """The scheme, the host and the path of a location, as pyiceberg has them: of a path of this machine `file`."""
    is_path = location.startswith("/") or os.path.splitdrive(location)[0]
    if is_path or not (found := urlparse(location)).scheme:
        return HERE, "", os.path.abspath(location)  # noqa: PTH100 - pathlib keeps the parts that lead back
    path = found.path if found.scheme in ("hdfs", "viewfs") else f"{found.netloc}{found.path}"
    return found.scheme, found.netloc, path
