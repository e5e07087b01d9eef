"""Lists the tables stored in a warehouse, in the catalogue or not, with all their metadata files.

A table that was made elsewhere is read as if it had been made here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pyiceberg.exceptions import NoSuchNamespaceError, NoSuchTableError

from planlake.lake.lake import Lake
from planlake.lake.metadata.local_files import opening
from planlake.lake.pointing import number_of
from planlake.lake.repair.check_location import stored_locations
from planlake.lake.repair.metadata_files import MetadataFile, as_here, metadata_files, read
from planlake.lake.repair.moved_table import is_same_place
from planlake.lake.tables.unreadable import UNREADABLE

if TYPE_CHECKING:
    from pyiceberg.io import FileIO
    from pyiceberg.table import Table


@dataclass(frozen=True, slots=True)
class Place:
    """A table: whether the catalogue knows it, the file it points to if that is there, and all that were written.

    Of a table that was made elsewhere, what it points to is looked for here, then where it was. `known_number` is that
    of the file it points to, be it there or not.
    """

    lake: Lake
    zone: str
    name: str
    is_known: bool
    known: MetadataFile | None
    files: Sequence[str]
    io: "FileIO" = field(repr=False, compare=False)
    known_number: int = 0

    @property
    def identifier(self) -> tuple[str, str]:
        """The names of its database and its own."""
        return self.lake.database(self.zone), self.name

    def read(self, location: str) -> MetadataFile | None:
        """One of its metadata files; None where it cannot be read."""
        return read(self.io, location, self.lake.place(self.zone, self.name))

    def at(self, one: MetadataFile) -> "Table":
        """The table as one of its files describes it."""
        from pyiceberg.table import Table  # noqa: PLC0415 - only what mends a lake needs it

        return Table(self.identifier, one.metadata, one.location, self.io, self.lake.catalog)


def places_in(lake: Lake, zone: str) -> Iterator[Place]:
    """Every table of a zone that the catalogue knows or that has a metadata file in the warehouse."""
    written, io = metadata_files(lake, zone), opening(lake.catalog.properties, lake.warehouses[zone])
    stored = stored_locations(lake.catalog)
    for name in sorted({*written, *lake.names(zone)}):
        location = _known_location(lake, zone, name) if stored is None else stored.get((lake.database(zone), name))
        place = Place(lake, zone, name, location is not None, None, written.get(name, ()), io)
        known_number = number_of(location or "")
        yield replace(place, known=_known(place, location), known_number=known_number) if location else place


def _known_location(lake: Lake, zone: str, name: str) -> str | None:
    """Where a catalogue that is no SQL database says a table's metadata is: empty where that cannot be read."""
    try:
        return lake.catalog.load_table((lake.database(zone), name)).metadata_location
    except (NoSuchTableError, NoSuchNamespaceError):
        return None
    except UNREADABLE:
        return ""


def _known(place: Place, location: str) -> MetadataFile | None:
    """What the catalogue points to: where that is here, as the catalogue reads it, which need not read all of it."""
    here = f"{place.lake.place(place.zone, place.name)}/metadata/{location.rpartition('/')[2]}"
    if not is_same_place(here, location):
        return place.read(here) or place.read(location)
    try:
        metadata = place.lake.catalog.load_table(place.identifier).metadata
    except (NoSuchTableError, NoSuchNamespaceError, *UNREADABLE):
        return None
    return as_here(metadata, here, place.lake.place(place.zone, place.name))
