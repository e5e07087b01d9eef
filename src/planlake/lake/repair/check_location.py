"""Says whether the tables of a lake lie in its warehouse, where its catalogue says they are.

The catalogue names the newest metadata file of each table by its whole place. Where that is not in the warehouse, the
lake was moved or copied, or `warehouse` is written otherwise than before. The files then belong to another lake or to
none, and nothing is written, swept or forgotten.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pyiceberg.exceptions import NoSuchNamespaceError, NoSuchTableError

from planlake.config import Config
from planlake.errors import LakeError
from planlake.lake.aws.glue_tables import locations_in_glue
from planlake.lake.lake import LEDGER, ZONES, Lake, catalogue_file, clear_errors, warehouses_of
from planlake.lake.metadata.local_files import opening
from planlake.lake.metadata.read_catalogue import ReadCatalogue
from planlake.lake.previews.names import preview_names, unread
from planlake.lake.repair.metadata_files import MetadataFile, metadata_files_of, newest_first, read
from planlake.lake.repair.moved_table import Move, is_same_place
from planlake.lake.repair.other_catalogues import check_alone, own_file
from planlake.lake.tables.columns import TABLES
from planlake.lake.tables.stored_files import are_there
from planlake.lake.tables.unreadable import BOOKMARKED, UNREADABLE
from planlake.lake.warehouse import table_folders
from planlake.printable import listed

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog

GIVEN_UP = "planlake.given-up"  # a property of the ledger: tables, by their ids, of a history that was left for another
SHOWN_NAMES = 3
HERE = "planlake recover --here"


@dataclass(frozen=True, slots=True)
class Displaced:
    """Tables that the catalogue says lie elsewhere: how many, where that is, and whether their files are there or here.

    Of a lake whose zones lie apart this is of the first zone that moved.
    """

    move: Move
    tables: int
    is_here: bool
    is_there: bool

    @property
    def error(self) -> LakeError:
        """What is said of it."""
        made_at, is_at = self.move.made_at, self.move.is_at
        if self.is_here:
            return moved_error(self.move, self.tables)
        where = made_at if self.is_there else f"{made_at}, where their files are not"
        message = f"the catalogue says that the tables of this lake lie at {where}; the warehouse is {is_at}"
        state = f"Nothing was changed; no table lies at {is_at}"
        hint = f"set warehouse to {made_at} again; or give {HERE}, which copies the tables to {is_at}"
        return LakeError(message, facts={"tables": self.tables}, state=state, hint=hint)


def moved_error(move: Move, tables: int) -> LakeError:
    """What is said of a lake that lies elsewhere than it was made."""
    message = f"this lake was made at {move.made_at} and is at {move.is_at}"
    return LakeError(message, facts={"tables": tables}, state="Nothing was changed", hint=HERE)


def displaced(base: Lake) -> Displaced | None:
    """The tables of a lake and its previews that lie outside its warehouse; None where none does."""
    elsewhere = {
        place: location
        for place, location in known_locations(base).items()
        if not is_same_place(location.rpartition("/metadata/")[0], place)
    }
    if not elsewhere:
        return None
    place, location = next(iter(elsewhere.items()))
    move = _move(location.rpartition("/metadata/")[0], place)
    here = [_at(location, place) for place, location in elsewhere.items()]
    io = opening(base.catalog.properties, place)
    is_there = any(are_there(io, elsewhere.values()))
    return Displaced(move, len(elsewhere), any(are_there(io, here)) or _has_folder(base, place), is_there)


def _move(made_at: str, place: str) -> Move:
    ending = "/" + "/".join(place.split("/")[-2:])
    return Move(made_at.removesuffix(ending), place.removesuffix(ending))


def _at(location: str, place: str) -> str:
    return f"{place}/metadata/{location.rpartition('/')[2]}"


def _has_folder(base: Lake, place: str) -> bool:
    io = opening(base.catalog.properties, place)
    return any(metadata_files_of(io, place))


def check_place(lake: Lake) -> None:
    """Refuse a lake whose tables lie outside its warehouse; a LakeError says where, and what makes it whole."""
    found = displaced(lake.base or lake)
    if found is not None:
        raise found.error


def known_locations(base: Lake) -> dict[str, str]:
    """Where each table of a lake and its previews should lie, and where the catalogue says its metadata file is.

    An SQL catalogue tells at once. Any other is asked for Planlake's own tables, of the lake alone; Glue by database.
    """
    stored = stored_locations(base.catalog)
    if stored is None:
        return dict(_asked(base))
    lakes = [base, *(unread(base, name) for name in preview_names(base))]
    zones = {lake.database(zone): lake.warehouses[zone] for lake in lakes for zone in ZONES}
    return {
        f"{zones[database]}/{database}/{name}": location
        for (database, name), location in stored.items()
        if database in zones and location
    }


def stored_locations(catalog: "Catalog") -> Mapping[tuple[str, str], str] | None:
    """The metadata file of every table in an SQL catalogue, by database and name; None for any other."""
    if isinstance(catalog, ReadCatalogue):
        with clear_errors():
            return catalog.locations()
    from planlake.lake.sqlite_catalogue import SqliteCatalogue  # noqa: PLC0415 - brings all that writes tables

    if isinstance(catalog, SqliteCatalogue):
        with clear_errors():
            return catalog.locations()
    if type(catalog).__name__ != "SqlCatalog":
        return None
    from pyiceberg.catalog.sql import IcebergTables, SqlCatalog  # noqa: PLC0415 - brings SQLAlchemy
    from sqlalchemy import select  # noqa: PLC0415
    from sqlalchemy.orm import Session  # noqa: PLC0415

    assert isinstance(catalog, SqlCatalog)  # noqa: S101 - for the type checker
    columns = IcebergTables.table_namespace, IcebergTables.table_name, IcebergTables.metadata_location
    with clear_errors(), Session(catalog.engine) as session:
        rows = session.execute(select(*columns).where(IcebergTables.catalog_name == catalog.name))
        return {(database, name): location or "" for database, name, location in rows}


def _asked(base: Lake) -> Iterator[tuple[str, str]]:
    with clear_errors():
        said = {zone: locations_in_glue(base.catalog, base.database(zone)) for zone in {zone for zone, _ in TABLES}}
        for zone, name in TABLES:
            listed = said[zone]
            location = _location_of(base, zone, name) if listed is None else listed.get(name)
            if location:
                yield base.place(zone, name), location


def _location_of(base: Lake, zone: str, name: str) -> str:
    try:
        return base.catalog.load_table((base.database(zone), name)).metadata_location
    except (NoSuchTableError, NoSuchNamespaceError, *UNREADABLE):
        return ""


def unknown_tables(lake: Lake) -> dict[tuple[str, str], MetadataFile]:
    """Tables with rows that lie in the warehouse and that the catalogue does not know: their newest metadata files."""
    found = {}
    for zone in ZONES:
        folders = {name for name in table_folders(lake, zone) if (zone, name) in TABLES or name.startswith(BOOKMARKED)}
        for name in sorted(folders - set(lake.names(zone))) if folders else ():
            newest = _newest(lake, zone, name)
            if newest and newest.metadata.current_snapshot():
                found[zone, name] = newest
    given_up = given_up_tables(lake) if found else ()
    return {where: one for where, one in found.items() if str(one.metadata.table_uuid) not in given_up}


def _newest(lake: Lake, zone: str, name: str) -> MetadataFile | None:
    place = lake.place(zone, name)
    io = opening(lake.catalog.properties, place)
    return next(newest_first(lambda location: read(io, location, place), metadata_files_of(io, place)), None)


def given_up_tables(lake: Lake) -> set[str]:
    """The ids of tables whose history was left for another; nothing where nobody can tell."""
    try:
        ledger = lake.catalog.load_table((lake.database(LEDGER[0]), LEDGER[1]))
    except (NoSuchTableError, NoSuchNamespaceError, *UNREADABLE):
        return set()
    return set(ledger.properties.get(GIVEN_UP, "").split())


def check_known(lake: Lake) -> None:
    """Refuse a lake of which the catalogue knows less than lies in the warehouse: it was lost, or is another's.

    So is one of which another catalogue nearby knows more. A LakeError names the tables and the command that makes the
    catalogue know them again.
    """
    check_alone(lake)
    unknown = unknown_tables(lake)
    if not unknown:
        return
    move = next(filter(None, (one.move for one in unknown.values())), None)
    if move is not None:
        raise moved_error(move, len(unknown))
    names = [name for _, name in unknown]
    message = "the catalogue does not know tables whose files lie in the warehouse"
    facts = {"tables": listed(names, SHOWN_NAMES), "warehouse": lake.warehouses[next(iter(unknown))[0]]}
    if file := own_file(lake):
        facts["catalogue"] = str(file)
    raise LakeError(message, facts=facts, state="Nothing was changed", hint="planlake recover")


def check_own(lake: Lake) -> None:
    """Refuse to write a lake that is not where its catalogue says, or that its catalogue does not know."""
    base = lake.base or lake
    check_place(base)
    check_known(base)


def check_readable(base: Lake) -> Displaced | None:
    """Refuse to read a lake whose files are nowhere the catalogue says, or an empty catalogue over files of tables.

    What is answered is to be said of a lake that can be read and lies elsewhere than its warehouse.
    """
    found = displaced(base)
    if found is not None and not found.is_there:
        raise found.error
    if not any(base.names(zone) for zone in ZONES):
        check_known(base)
    return found


def is_made(config: Config, environment: str | None = None) -> bool:
    """Whether the catalogue of an environment is there; one that is no file of ours is taken to be."""
    file = catalogue_file(config, environment)
    return file is None or file.exists()


def warehouse_of(config: Config, environment: str | None = None) -> str:
    """The first place of an environment's warehouse, which need not be there."""
    return warehouses_of(config, environment)["raw"]


def has_files(config: Config, environment: str | None = None) -> bool:
    """Whether anything lies in the warehouse of an environment; of a remote one nobody asks."""
    places = {Path(place) for place in warehouses_of(config, environment).values() if "://" not in place}
    return any(place.is_dir() and any(place.iterdir()) for place in places)
