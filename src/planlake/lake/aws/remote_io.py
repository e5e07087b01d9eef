"""Opens the files of a lake that lie on S3 or elsewhere, with as few requests as that takes.

pyiceberg reads the same lists of files again for every question, asks for the length of each file before it reads it
and after it wrote it, looks whether a new name is taken, and puts the smallest file in three requests.
"""

import re
from io import BytesIO
from typing import Any

import pyarrow as pa
import pyarrow.fs
from pyiceberg.io.pyarrow import PyArrowFile, PyArrowFileIO

from planlake.engines.remote_contents import keep, kept

# Some catalogues call the metadata of a table v1, v2, and so on: such a name may come again.
NEVER_DRAWN_AGAIN = re.compile(
    r".*/metadata/[^/]*[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}[^/]*\.(avro|metadata\.json)"
)
REMOTE_IO = f"{__name__}.RemoteIO"


class RemoteIO(PyArrowFileIO):
    """pyiceberg's own, but that metadata read or written once is kept by this process, under a name nobody draws again.

    What is gone or cut off is found by asking for lengths, as before.
    """

    def new_input(self, location: str) -> PyArrowFile:
        """A file to be read."""
        return self._file(location)

    def new_output(self, location: str) -> PyArrowFile:
        """A file to be written."""
        return self._file(location)

    def _file(self, location: str) -> PyArrowFile:
        file = super().new_input(location)
        if NEVER_DRAWN_AGAIN.fullmatch(location):
            return Metadata(location, file._path, file._filesystem)
        return file

    def _initialize_s3_fs(self, netloc: str | None) -> pyarrow.fs.FileSystem:
        rebuild, (options,) = super()._initialize_s3_fs(netloc).__reduce__()
        return rebuild({**options, "allow_delayed_open": True})  # a small file is one request in place of three


class Metadata(PyArrowFile):
    """A list of files, or a table's metadata."""

    def open(self, seekable: bool = True) -> Any:  # noqa: ANN401, ARG002, FBT001, FBT002 - the library's signature
        """All of it."""
        content = kept(self.location)
        if content is None:
            with super().open() as stream:
                content = stream.read()
            keep(self.location, content)
        return pa.BufferReader(content)

    def create(self, overwrite: bool = False) -> Any:  # noqa: ANN401, ARG002, FBT001, FBT002
        """Write it; nobody looks whether the name is taken."""
        return _Written(self)

    def put(self, content: bytes) -> None:
        """Store the whole file."""
        with super().create(overwrite=True) as stream:
            stream.write(content)
        keep(self.location, content)

    def __len__(self) -> int:
        """Its length."""
        content = kept(self.location)
        return super().__len__() if content is None else len(content)


class _Written(BytesIO):
    """What is written, stored when it is closed."""

    def __init__(self, file: Metadata) -> None:
        super().__init__()
        self._file = file

    def close(self) -> None:
        if not self.closed:
            content = self.getvalue()
            super().close()
            self._file.put(content)
