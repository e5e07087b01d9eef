"""Contents of small files that are not on this machine: read once, and kept by this process.

No file of a lake changes under its name. Readers open one again and again: DuckDB about nine times, pyiceberg for each
question about a table.
"""

from threading import Lock

import pyarrow as pa
import pyarrow.fs

SMALL_BYTES = 2 * 2**20  # what DuckDB reads whole, too
KEPT_BYTES = 32 * 2**20
_kept: dict[str, bytes] = {}
_keeping = Lock()


def open_remote(files: pyarrow.fs.FileSystem, path: str, location: str) -> pa.NativeFile:
    """A file for reading: a small one from what is kept, or read whole and kept."""
    content = _kept.get(location)
    if content is None:
        stream = files.open_input_file(path)
        if stream.size() > SMALL_BYTES:
            return stream
        with stream:
            content = stream.read()
        keep(location, content)
    return pa.BufferReader(content)


def kept(location: str) -> bytes | None:
    """What is kept of a file: all of it, or nothing."""
    return _kept.get(location)


def keep(location: str, content: bytes) -> None:
    """Keep the contents of a small file; what is kept makes way once it is too much."""
    if len(content) > SMALL_BYTES:
        return
    with _keeping:
        if len(content) + sum(map(len, _kept.values())) > KEPT_BYTES:
            _kept.clear()
        _kept[location] = content
