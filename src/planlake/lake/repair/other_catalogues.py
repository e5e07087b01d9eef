"""Finds other catalogue files nearby that name the same tables.

A catalogue whose name is mistyped begins empty. Recovered over the same warehouse it would be a second one: each then
writes its own history, and deletes what it does not know. A copy put aside knows only older versions: it may stay.
"""

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from pyiceberg.exceptions import NoSuchNamespaceError, NoSuchTableError

from planlake.errors import LakeError
from planlake.lake.catalogues import CATALOG_NAME
from planlake.lake.lake import ZONES, Lake
from planlake.lake.metadata.local_files import opening
from planlake.lake.repair.moved_table import is_same_place
from planlake.lake.tables.unreadable import UNREADABLE
from planlake.printable import listed

SQLITE = b"SQLite format 3\0"
PUT_ASIDE = ".damaged-"  # in the name of a catalogue that `recover` replaced
KNOWN = "select table_namespace, table_name, metadata_location from iceberg_tables where catalog_name = ?"


@dataclass(frozen=True, slots=True)
class OtherCatalogue:
    """A catalogue's file, and the metadata file it names for each table that lies in this lake's warehouse."""

    file: Path
    locations: Mapping[tuple[str, str], str]


def check_alone(base: Lake) -> None:
    """Refuse a lake if another catalogue nearby knows versions that its own does not know.

    The LakeError names both, and how to choose one of them.
    """
    for other in _other_catalogues(base):
        unknown = _unknown_to(base, other)
        if unknown:
            raise _error(base, other, unknown)


def own_file(base: Lake) -> Path | None:
    """The file of a lake's catalogue; None if the catalogue is no file."""
    return base.lock.with_name(base.lock.name.removesuffix(".lock")) if isinstance(base.lock, Path) else None


def _error(base: Lake, other: OtherCatalogue, unknown: list[str]) -> LakeError:
    own = own_file(base)
    name, knows_any = own or "the lake's catalogue", any(base.names(zone) for zone in ZONES)
    message = f"{name} does not know the tables in the warehouse, and {other.file} does"
    if knows_any:
        lacks = f"{other.file} has versions that {name} does not know"
        message = f"two catalogues name the tables of this lake, and {lacks}"
    facts = {"tables": listed(unknown, 3)}
    hint = (
        f"set catalog.uri to sqlite:///{other.file} if that one is the lake's; "
        "else move that file to another folder, then planlake recover"
    )
    return LakeError(message, facts=facts, state="Nothing was changed", hint=hint)


def _other_catalogues(base: Lake) -> Iterator[OtherCatalogue]:
    places = {base.database(zone): base.warehouses[zone] for zone in ZONES}
    for file in _files_nearby(base):
        named = {
            (database, name): location
            for (database, name), location in _named_in(file).items()
            if database in places and _lies_in(location, f"{places[database]}/{database}/{name}")
        }
        if named:
            yield OtherCatalogue(file, named)


def _lies_in(location: str, place: str) -> bool:
    return is_same_place(location.rpartition("/metadata/")[0], place)


def _files_nearby(base: Lake) -> list[Path]:
    """SQLite files beside the catalogue, in the folders of the warehouse and in those they lie in."""
    own = own_file(base)
    warehouses = [Path(place) for place in base.warehouses.values() if "://" not in place]
    folders = {*([own.parent] if own else ()), *warehouses, *(place.parent for place in warehouses)}
    found: set[Path] = set()
    for folder in folders:
        try:
            with os.scandir(folder) as entries:
                files = [Path(entry.path) for entry in entries if entry.is_file() and PUT_ASIDE not in entry.name]
        except OSError:
            continue
        found.update(file.resolve() for file in files if _is_database(file))
    return sorted(found - {own})


def _is_database(file: Path) -> bool:
    try:
        with file.open("rb") as stream:
            return stream.read(len(SQLITE)) == SQLITE
    except OSError:
        return False


def _named_in(file: Path) -> dict[tuple[str, str], str]:
    """What a file names, if it is a catalogue that can be read."""
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", timeout=1, uri=True)) as connection:
            rows = connection.execute(KNOWN, (CATALOG_NAME,)).fetchall()
    except sqlite3.Error:
        return {}
    return {(database, name): location for database, name, location in rows if location}


def _unknown_to(base: Lake, other: OtherCatalogue) -> list[str]:
    """The tables of which the other one names a metadata file that is there and that this lake's history has not."""
    found = []
    for (database, name), location in other.locations.items():
        io = opening(base.catalog.properties, location)
        if io.new_input(location).exists() and location not in _history(base, database, name):
            found.append(name)
    return sorted(found)


def _history(base: Lake, database: str, name: str) -> set[str]:
    """The metadata files of a table that the catalogue leads to; none where what it names cannot be read."""
    try:
        table = base.catalog.load_table((database, name))
    except (NoSuchTableError, NoSuchNamespaceError, *UNREADABLE):
        return set()
    return {table.metadata_location, *(entry.metadata_file for entry in table.metadata.metadata_log)}
