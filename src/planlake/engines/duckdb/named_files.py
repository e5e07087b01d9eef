"""Gives files names that say nothing of where they lie; DuckDB can read them by these names and do nothing else.

The only file system a locked connection has. It opens what it gave a name to, for reading; all else it refuses: other
names, folders, patterns, every way to write. A name is forgotten when the query needs it no longer.
"""

import re
import secrets
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from itertools import count
from threading import local
from typing import Any

import pyarrow as pa
from fsspec import AbstractFileSystem

PROTOCOL = "planlake"
Opened = Callable[[str], pa.NativeFile]
_WRITTEN = datetime(2000, 1, 1, tzinfo=UTC)  # data files never change


class NamedFiles(AbstractFileSystem):  # type: ignore[misc]
    """Reads the files that were given a name; DuckDB asks for nothing but this class."""

    protocol = PROTOCOL
    cachable = False

    def __init__(self, opened: Opened) -> None:
        super().__init__()
        self.folder = f"{PROTOCOL}://{secrets.token_hex(16)}/"
        self._pattern = re.compile(rf"{re.escape(self.folder)}\d+\.parquet")
        self.troubles: list[tuple[str, OSError]] = []  # what could not be opened, and why
        self._opened = opened
        self._numbers = count()
        self._names: dict[str, str] = {}
        self._locations: dict[str, str] = {}
        self._sizes: dict[str, int] = {}

    def name_of(self, location: str) -> str:
        """The name under which a file can be read from now on."""
        if location not in self._names:
            name = f"{self.folder}{next(self._numbers)}.parquet"
            self._names[location], self._locations[name] = name, location
        return self._names[location]

    def keep(self, texts: Iterable[str]) -> None:
        """Forget every name that occurs in none of these texts."""
        kept = {name for text in texts for name in self._pattern.findall(text)}
        self._locations = {name: location for name, location in self._locations.items() if name in kept}
        self._names = {location: name for name, location in self._locations.items()}

    def with_locations(self, text: str) -> str:
        """A text, for people, with the locations of files instead of their names."""
        return self._pattern.sub(lambda found: self._locations.get(found[0], found[0]), text)

    def open(self, path: str, mode: str = "rb", **_: Any) -> "Reader":  # noqa: ANN401 - the library's signature
        """A file for reading; a PermissionError for any other mode, a FileNotFoundError for any other name."""
        if mode != "rb":
            raise PermissionError("nothing can be written by a query")
        location = self._location(path)
        try:
            stream = self._opened(location)
        except OSError as error:
            self.troubles.append((location, error))
            raise
        self._sizes[path] = stream.size()
        return Reader(stream)

    def info(self, path: str, **_: Any) -> dict[str, Any]:  # noqa: ANN401
        """What the library asks before anything else: is it there, is it a file, how long is it."""
        self._location(path)
        if path not in self._sizes:
            self.open(path).close()
        return {"name": path, "size": self._sizes[path], "type": "file"}

    def glob(self, path: str, **_: Any) -> list[str]:  # noqa: ANN401
        """The name itself, where it is one; there is nothing to list."""
        return [path] if path in self._locations else []

    def modified(self, path: str) -> datetime:
        """The same moment for all: a file of a table never changes."""
        self._location(path)
        return _WRITTEN

    def ls(self, path: str, detail: bool = True, **_: Any) -> list[Any]:  # noqa: ANN401, ARG002, FBT001, FBT002
        """Nothing: there are no folders."""
        return []

    def _location(self, path: str) -> str:
        if path not in self._locations:
            raise FileNotFoundError("only the tables a query names can be read")
        return self._locations[path]


class Reader:
    """An open file. Several threads read it at once, so each has its own place in it, and none waits for another."""

    def __init__(self, stream: pa.NativeFile) -> None:
        self._stream = stream
        self._of_thread = local()

    def seek(self, place: int, whence: int = 0) -> int:
        """Set where this thread reads next, from the beginning, from here or from the end."""
        start = (0, self.tell(), self._stream.size())[whence]
        self._of_thread.place = start + place
        return self.tell()

    def tell(self) -> int:
        """Where this thread reads next."""
        return int(getattr(self._of_thread, "place", 0))

    def read(self, size: int = -1) -> bytes:
        """So many bytes from there, or all."""
        place = self.tell()
        found: bytes = self._stream.read_at(self._stream.size() - place if size < 0 else size, place)
        self._of_thread.place = place + len(found)
        return found

    def close(self) -> None:
        """Close the file."""
        self._stream.close()
