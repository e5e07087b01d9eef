"""A lost catalogue: in go the folders of a warehouse, out comes a catalogue that knows every table in them again.

The newest metadata file of each table says everything the catalogue knew. One that was written and never committed is
as good: what it describes is whole, as if the commit had come through just before the loss.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.io import load_file_io
from pyiceberg.serializers import FromInputFile

from planlake.lake.files import row_count
from planlake.lake.lake import ZONES, Lake
from planlake.lake.storage import storage_of

METADATA = re.compile(r"(?P<folder>.+)/(?P<table>[^/]+)/metadata/(?P<number>[0-9]+)-[^/]+\.metadata\.json")


@dataclass(frozen=True, slots=True)
class Recovered:
    """A table the catalogue knows again; `rows` by its own summary."""

    database: str
    table: str
    rows: int


def recover(lake: Lake) -> list[Recovered]:
    """Register every table of the warehouse that the catalogue does not know."""
    found = []
    for zone in ZONES:
        database = lake.database(zone)
        for table, location in sorted(_newest(lake, f"{lake.warehouses[zone]}/{database}").items()):
            if _is_known(lake, database, table):
                continue
            with lake.commits:
                lake.catalog.create_namespace_if_not_exists(database)
                made = lake.catalog.register_table((database, table), location)
            found.append(Recovered(database, table, row_count(made)))
    return found


def _is_known(lake: Lake, database: str, table: str) -> bool:
    try:
        lake.catalog.load_table((database, table))
    except NoSuchTableError:
        return False
    return True


def _newest(lake: Lake, place: str) -> dict[str, str]:
    """The newest metadata file of each table below a place, by the table's name."""
    io = load_file_io(lake.catalog.properties, place)
    storage = storage_of(io, place)
    newest: dict[str, tuple[int, int, str]] = {}
    for table, number, path in _metadata_files(storage.folder, (one.path for one in storage.listed())):
        if number < newest.get(table, (0, 0, ""))[0]:
            continue
        location = storage.prefix + path
        metadata = FromInputFile.table_metadata(io.new_input(location))
        newest[table] = max(newest.get(table, (-1, 0, "")), (number, metadata.last_updated_ms, location))
    return {table: path for table, (_, _, path) in newest.items()}


def _metadata_files(folder: str, paths: Iterator[str]) -> Iterator[tuple[str, int, str]]:
    for path in sorted(paths, reverse=True):  # the newest first, so that few are opened
        found = METADATA.fullmatch(path)
        if found and found["folder"].rstrip("/") == folder.rstrip("/"):
            yield found["table"], int(found["number"]), path
