"""Files that are not on this machine: DuckDB reads them through the file system that pyarrow has for them.

DuckDB's own way to S3 is an extension that it would fetch from the network. A process knows the file systems of the
warehouses it opened, by scheme and host (of S3: by bucket).
"""

from datetime import UTC, datetime
from typing import Any

import pyarrow.fs
from fsspec import AbstractFileSystem

from planlake.engines.duckdb.connection import Connection, before_use
from planlake.engines.duckdb.named_files import Reader
from planlake.engines.remote_contents import open_remote

Place = tuple[str, str]  # scheme and host
_WRITTEN = datetime(2000, 1, 1, tzinfo=UTC)
_sizes: dict[str, int] = {}
_systems: dict[Place, pyarrow.fs.FileSystem] = {}


def know(scheme: str, host: str, files: pyarrow.fs.FileSystem) -> None:
    """Open the files of this place so from now on, in every connection of this process."""
    if not any(known == scheme for known, _ in _systems):
        before_use(scheme, _register)
    _systems[scheme, host] = files


def is_known(scheme: str, host: str) -> bool:
    """Whether the files of this place can be opened."""
    return (scheme, host) in _systems


def _register(connection: Connection, scheme: str) -> None:
    if not connection.filesystem_is_registered(scheme):
        connection.register_filesystem(RemoteFiles(scheme))


class RemoteFiles(AbstractFileSystem):  # type: ignore[misc]
    """Reads the files of one scheme; DuckDB writes none."""

    cachable = False

    def __init__(self, scheme: str) -> None:
        super().__init__()
        self.protocol = scheme

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:  # noqa: ANN401 - the library's signature
        return path

    def open(self, path: str, mode: str = "rb", **_: Any) -> Reader:  # noqa: ANN401
        """A file for reading."""
        if mode != "rb":
            raise PermissionError("DuckDB writes nothing there")
        return Reader(_opened(path))

    def info(self, path: str, **_: Any) -> dict[str, Any]:  # noqa: ANN401
        """How long a file is, from the first time it was opened."""
        if path not in _sizes:
            with _opened(path) as stream:
                _sizes[path] = stream.size()
        return {"name": path, "size": _sizes[path], "type": "file"}

    def glob(self, path: str, **_: Any) -> list[str]:  # noqa: ANN401
        """The path itself: files are always named one by one."""
        return [path]

    def modified(self, path: str) -> datetime:  # noqa: ARG002
        """The same moment for all: a file of a table never changes."""
        return _WRITTEN

    def ls(self, path: str, detail: bool = True, **_: Any) -> list[Any]:  # noqa: ANN401, ARG002, FBT001, FBT002
        """Nothing: nobody lists."""
        return []


def _opened(path: str) -> pyarrow.NativeFile:
    scheme, _, rest = path.partition("://")
    host = rest.partition("/")[0]
    system = _systems.get((scheme, host)) or _systems.get((scheme, ""))
    if system is None:
        raise FileNotFoundError(f"no warehouse of this process is there: {path}")
    return open_remote(system, rest, path)
