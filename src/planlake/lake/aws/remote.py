"""Lets DuckDB read what lies elsewhere, through the file systems that the tables themselves are opened with."""

from collections.abc import Iterable, Mapping

from pyiceberg.io import load_file_io
from pyiceberg.io.pyarrow import PyArrowFileIO


def know_remote(properties: Mapping[str, str], places: Iterable[str]) -> None:
    """DuckDB in this process reads the files below these places; of those on this machine there is nothing to do."""
    for place in places:
        if "://" not in place or place.startswith("file://"):
            continue
        from planlake.engines.duckdb.remote_files import know  # noqa: PLC0415 - brings fsspec

        io = load_file_io(dict(properties), place)
        if isinstance(io, PyArrowFileIO):
            scheme, host, _ = PyArrowFileIO.parse_location(place)
            know(scheme, host, io.fs_by_scheme(scheme, host))
