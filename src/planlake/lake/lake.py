"""`Lake`: the Iceberg catalogue of one environment, and its tables.

Databases are named `<source>-<zone>` with the environment's prefix; a table is made when it is first written.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyiceberg.exceptions import NoSuchNamespaceError, NoSuchTableError

from planlake.config import Config, Environment
from planlake.errors import ConfigurationError, InternalError, LakeError
from planlake.lake.about_tables import comment_properties
from planlake.lake.aws.buckets import missing_bucket
from planlake.lake.aws.clients import of_s3
from planlake.lake.aws.errors import Trouble, aws_trouble, no_bucket
from planlake.lake.aws.file_access import access_by
from planlake.lake.aws.lease_place import LeasePlace, lease_below
from planlake.lake.catalogues import catalogue_to_read, open_catalogue
from planlake.lake.metadata.local_files import OTHER_WAY
from planlake.lake.rest_errors import rest_trouble
from planlake.lake.tables.columns import TABLES, by_resource, schema_of
from planlake.lake.tables.format import (
    FORMAT,
    FORMAT_PROPERTY,
    check_columns,
    check_format,
    is_current,
    missing_columns,
    upgrade,
)
from planlake.lake.tables.local_folders import MODES, make_folder, with_slashes
from planlake.lake.tables.unreadable import BOOKMARKED, UNREADABLE, damaged

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog
    from pyiceberg.partitioning import PartitionSpec
    from pyiceberg.schema import Schema
    from pyiceberg.table import Table

ZONES: Mapping[str, str] = {
    "raw": "raw-zone",
    "refined": "refined-zone",
    "trusted": "trusted-zone",
    "operations": "operations",
}
OF_NEW_TABLES = {"format-version": "2"}  # pyiceberg takes it out of what it is given
TABLE_PROPERTIES = {
    "write.parquet.compression-codec": "zstd",
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "20",
    "commit.manifest-merge.enabled": "true",
    "commit.manifest.min-count-to-merge": "8",
    FORMAT_PROPERTY: str(FORMAT),
}
LONGEST_PREFIX = 180  # bytes: with a preview's name and the zone's it stays below 255, for Glue and for folders
# What SQLite says of a file that is damaged, rather than held, full or forbidden.
DAMAGED_CATALOGUE = ("not a database", "malformed", "no such table", "no such column", "unsupported file format")
LEDGER = ("raw", "api_requests")  # upgraded last: until then the next upgrade looks at the refined tables again
PARTITIONED_BY_RESOURCE = ("api_responses", "api_requests", "uncastable", "rejected")
# A commit that carries a bookmark must not be repeated by the library: it would add the same rows again.
BOOKMARKED_PROPERTIES = {**TABLE_PROPERTIES, "commit.retry.num-retries": "0"}


@dataclass(frozen=True, slots=True)
class Lake:
    """An open lake. `commits` is held around every commit: one process writes, its threads take turns.

    A preview is a lake that stands on its `base` and shows its tables, but those of the resources in `own`.
    """

    catalog: "Catalog"
    source: str
    prefix: str
    warehouses: Mapping[str, str]
    commits: threading.RLock = field(default_factory=threading.RLock, repr=False)
    lock: Path | LeasePlace | None = None
    mode: int = MODES["owner"]  # of folders that are made
    loaded: dict[tuple[str, str], "Table"] = field(default_factory=dict, repr=False)
    absent: set[tuple[str, str]] = field(default_factory=set, repr=False)
    base: "Lake | None" = None
    preview: str = ""
    own: set[str] = field(default_factory=set, repr=False)
    viewed: set[str] = field(default_factory=set, repr=False)  # resources whose views were looked at while this is open
    takes_any_format: bool = False  # where only numbers are looked for, which every version writes

    def database(self, zone: str) -> str:
        """The name of a zone's database, for example `tascomi-raw-zone`."""
        return f"{self.prefix}{self.source}-{ZONES[zone]}"

    def place(self, zone: str, name: str) -> str:
        """Where a table of this lake lies: the folder of its data and metadata."""
        return f"{self.warehouses[zone]}/{self.database(zone)}/{name}"

    def find(self, zone: str, name: str) -> "Table | None":
        """A table, or None where nothing was ever written to it.

        A table is looked for once: nobody else writes while this lake is open, and own commits bring it up to date.
        """
        if (zone, name) not in self.loaded:
            found = self._stored(zone, name) if (zone, name) not in self.absent else None
            if found is None:
                self.absent.add((zone, name))  # of no effect where another thread has made it meanwhile
                return None
            if not self.takes_any_format:
                check_format(found)
                check_columns(found, zone, name)
            self.loaded.setdefault((zone, name), found)  # threads that look at once share one
        return self.loaded[zone, name]

    def shown(self, zone: str, name: str) -> "Table | None":
        """A table to be read: a preview shows its own tables, and its base's for all others.

        A table of a resource that the preview has not entered, or has left, is not its own: a crash may have left it.
        """
        kind, _, resource = name.partition("_")
        is_of_base = zone == "refined" and f"{kind}_" in BOOKMARKED and resource not in self.own
        found = None if self.base is not None and is_of_base else self.find(zone, name)
        return found if found is not None or self.base is None else self.base.find(zone, name)

    def holder(self, resource: str) -> "Lake":
        """The lake whose raw rows and ledger are a resource's: of a preview its base, until it has its own."""
        return self if self.base is None or resource in self.own else self.base

    @property
    def stands_on(self) -> "Lake":
        """The lake that a preview stands on; an InternalError if this lake is no preview."""
        if self.base is None:
            raise InternalError("this lake is no preview")
        return self.base

    def upgrade(self) -> int:
        """Give the tables of an older lake what they lack; how many lacked something. For who may write.

        Every table of Planlake's own is looked at, so that a newer one is refused before anything is done.
        """
        listed = {(zone, name) for zone in {zone for zone, _ in TABLES} for name in self.names(zone)}
        found = {place: table for place in TABLES if place in listed and (table := self._stored(*place)) is not None}
        self.absent.update(TABLES.keys() - found.keys())
        older = [place for place, table in found.items() if not is_current(table)]
        if not older:
            whole = {place: table for place, table in found.items() if not missing_columns(table, *place)}
            self.loaded.update({**whole, **self.loaded})  # so that none of them is loaded twice
            return 0
        own = [place for place in TABLES if place != LEDGER]
        bookmarked = [("refined", name) for name in self.names("refined") if name.startswith(BOOKMARKED)]
        return sum(self._upgraded(*place) for place in (*own, *bookmarked, LEDGER))

    def _upgraded(self, zone: str, name: str) -> bool:
        table = self._stored(zone, name)
        if table is None:
            return False
        self.loaded.pop((zone, name), None)
        with self.commits, clear_errors():
            return upgrade(
                table, zone, name, properties=TABLE_PROPERTIES if (zone, name) in TABLES else BOOKMARKED_PROPERTIES
            )

    def _stored(self, zone: str, name: str) -> "Table | None":
        """A table as the catalogue has it, whatever made it."""
        with clear_errors():
            try:
                return self.catalog.load_table((self.database(zone), name))
            except (NoSuchTableError, NoSuchNamespaceError):
                return None
            except UNREADABLE as error:
                place, is_gone = f"{self.database(zone)}.{name}", isinstance(error, FileNotFoundError)
                if is_gone and (bucket := missing_bucket(access_by(self.catalog), self.warehouses[zone])):
                    found = no_bucket(bucket)
                    raise LakeError(found.said, hint=found.advice) from error
                what = f"the metadata of {place}"
                if self.base:
                    raise damaged(self.preview, what) from error
                raise stale_catalogue_error(place, is_gone=is_gone) from error

    def reload(self, zone: str, name: str) -> "Table":
        """Load a table again, for a commit: readers of other threads keep the one they have.

        pyiceberg copies a table's metadata while it commits, which nobody may read at that moment.
        """
        if (zone, name) in TABLES:
            self.find_or_create_built_in_table(zone, name)
        with clear_errors():
            table = self.catalog.load_table((self.database(zone), name))
        check_format(table)
        return table

    def names(self, zone: str) -> list[str]:
        """Names of all tables of a zone that are Planlake's."""
        return [name for name in self._listed(zone) if is_own(zone, name)]

    def others(self, zone: str) -> list[str]:
        """Names of Iceberg tables that somebody else made in a zone's database, which are left alone."""
        return [name for name in self._listed(zone) if not is_own(zone, name)]

    def _listed(self, zone: str) -> list[str]:
        with clear_errors():
            try:
                return sorted(name for _, name in self.catalog.list_tables(self.database(zone)))
            except NoSuchNamespaceError:
                return []

    def create(
        self,
        zone: str,
        name: str,
        schema: "Schema",
        *,
        spec: "PartitionSpec | None" = None,
        bookmarked: bool = False,
        about: str = "",
    ) -> "Table":
        """Make a table and, the first time, its database."""
        database = self.database(zone)
        properties = BOOKMARKED_PROPERTIES if bookmarked else TABLE_PROPERTIES
        more: dict[str, Any] = {"partition_spec": spec} if spec is not None else {}
        with self.commits, clear_errors():
            self.absent.discard((zone, name))
            if "://" not in self.warehouses[zone]:
                make_folder(self.warehouses[zone], self.mode)
                make_folder(f"{self.warehouses[zone]}/{database}", self.mode)  # the one above may be open to more
            self.catalog.create_namespace_if_not_exists(database)
            made = self.catalog.create_table(
                (database, name),
                schema,
                location=self.place(zone, name),
                **more,
                properties={**OF_NEW_TABLES, **properties, **comment_properties(name, about)},
            )
            self._check_location(made, self.place(zone, name))
            self.loaded[zone, name] = made
            return made

    def _check_location(self, made: "Table", wanted: str) -> None:
        """Refuse a catalogue that puts tables where it likes: housekeeping, forgetting and recovery list folders."""
        if made.location().rstrip("/") != wanted:
            if made.current_snapshot() is None:
                self.catalog.drop_table(made.name())
            facts = {"asked for": wanted, "made at": made.location()}
            hint = "a catalogue that puts tables where it is told, with this warehouse among its allowed places"
            raise LakeError("the catalogue puts tables elsewhere than it is told", facts=facts, hint=hint)

    def find_or_drop_empty(self, zone: str, name: str) -> "Table | None":
        """Find a table; drop it and give None where it was made and nothing was ever committed to it.

        So a first load that was held back makes the table again, with the types the catalogue has now.
        """
        table = self.find(zone, name)
        if table is None or table.current_snapshot() is not None:
            return table
        with self.commits, clear_errors():
            self.catalog.drop_table((self.database(zone), name))
            del self.loaded[zone, name]
        return None

    def built_in_schema(self, zone: str, name: str) -> "Schema":
        """The schema a built-in table is made with."""
        return schema_of(TABLES[zone, name])

    def find_or_create_built_in_table(self, zone: str, name: str) -> "Table":
        """Find a built-in table (one of raw or operations, which every lake has); make it where there is none yet."""
        found = self.find(zone, name)
        if found is not None:
            return found
        schema = self.built_in_schema(zone, name)
        spec = by_resource(schema) if name in PARTITIONED_BY_RESOURCE else None
        return self.create(zone, name, schema, spec=spec)


def is_own(zone: str, name: str) -> bool:
    """Whether Planlake makes tables of this name in a zone; of models every name is."""
    return (zone, name) in TABLES or zone == "trusted" or (zone == "refined" and name.startswith(BOOKMARKED))


def open_environment(config: Config, environment: str | None = None, *, to_read: bool = False) -> Lake:
    """Open the lake of a configured environment, making its folder where it is local; a LakeError says what is wrong.

    Who only wants `to_read` tables on this machine loads nothing that writes. Previews are opened by `lake.open_lake`.
    """
    chosen = config.environment(environment)
    _check_names(chosen, config.source_name)
    file, mode = _sqlite_file(chosen, config.folder), MODES[config.settings.lake_readers]
    with clear_errors():
        if file is not None:
            make_folder(file.parent, mode)
        places = warehouses_of(config, environment)
        is_here = not any("://" in place for place in places.values())
        light = catalogue_to_read(chosen.catalog, file) if to_read and is_here else None
        catalog = light or open_catalogue(chosen.catalog, file)
    if not is_here:
        from planlake.lake.aws.remote_io import REMOTE_IO  # noqa: PLC0415 - brings pyiceberg's way to files

        catalog.properties.setdefault(OTHER_WAY, REMOTE_IO)
        catalog.properties.update(of_s3(catalog.properties))
    access_by(catalog).let_duckdb_read(places.values(), is_new=True)
    lock = lock_of(config, environment)
    return Lake(catalog, config.source_name, chosen.database_prefix, places, lock=lock, mode=mode)


def _check_names(chosen: Environment, source: str) -> None:
    """Refuse names of databases that no catalogue or folder takes, or that Glue would store otherwise."""
    facts = {"source": source, "database_prefix": chosen.database_prefix}
    if chosen.catalog.type == "glue" and source != source.lower():
        message = "databases are named after the source, and Glue keeps names in lower case"
        raise ConfigurationError(message, facts=facts, hint=f"call its file or folder {source.lower()}")
    if len(f"{chosen.database_prefix}{source}".encode()) > LONGEST_PREFIX:
        message = f"database_prefix and source have more than {LONGEST_PREFIX} bytes together"
        raise ConfigurationError(message, facts=facts, hint="names of databases are made of both: shorten one")


def catalogue_file(config: Config, environment: str | None = None) -> Path | None:
    """The file of an environment's SQLite catalogue; None for any other."""
    return _sqlite_file(config.environment(environment), config.folder)


def lock_beside(catalogue: Path | None) -> Path | None:
    """The file whose lock says who may write the lake of this catalogue; None where the catalogue is no file."""
    return catalogue.with_name(f"{catalogue.name}.lock") if catalogue else None


def lock_of(config: Config, environment: str | None = None) -> Path | LeasePlace | None:
    """What a lake is held by: a file beside its SQLite catalogue, or a lease on S3; None where it is neither."""
    chosen = config.environment(environment)
    name, place = (
        f"{chosen.database_prefix}{config.source_name}",
        chosen.lease or warehouses_of(config, environment)["raw"],
    )
    return lock_beside(catalogue_file(config, environment)) or lease_below(place, name, chosen.catalog.properties)


def _sqlite_file(environment: Environment, folder: Path) -> Path | None:
    """The file of an SQLite catalogue, relative to the configuration; None for any other."""
    scheme, _, path = environment.catalog.uri.partition(":///")
    return (folder / path).resolve() if environment.catalog.type == "sql" and scheme == "sqlite" and path else None


def warehouses_of(config: Config, environment: str | None = None) -> dict[str, str]:
    """Where the files of each zone of an environment are to lie; a ConfigurationError where that is no such place."""
    given, folder = config.environment(environment).warehouse, config.folder
    places = {zone: given if isinstance(given, str) else getattr(given, zone) or given.refined for zone in ZONES}
    places = {zone: with_slashes(place) for zone, place in places.items()}
    for place in places.values():
        scheme, separator, _ = place.partition("://")
        if not separator:
            continue
        from pyiceberg.io import SCHEMA_TO_FILE_IO  # noqa: PLC0415 - of a folder nobody asks

        if scheme not in SCHEMA_TO_FILE_IO:
            known = ", ".join(f"{known}://" for known in SCHEMA_TO_FILE_IO if known)
            raise ConfigurationError(f"a warehouse cannot be at {scheme}://", hint=f"a folder, or one of {known}")
    return {
        zone: place.rstrip("/") if "://" in place else (folder / place).resolve().as_posix()
        for zone, place in places.items()
    }


def stale_catalogue_error(table: str, *, is_gone: bool) -> LakeError:
    """The error for a catalogue that names a file that is gone, as a restored one does, or that cannot be read."""
    message = f"the catalogue names a metadata file that {'is not there' if is_gone else 'cannot be read'}"
    return LakeError(message, facts={"table": table}, hint="planlake recover")


@contextmanager
def clear_errors() -> Iterator[None]:
    """Turn what the catalogue's database, AWS or the disk says into one clear line."""
    try:
        yield
    except Exception as error:
        if found := outside_trouble(error):
            raise LakeError(found.said, hint=found.advice) from error
        if isinstance(error, OSError):
            raise LakeError(f"the lake cannot be used: {error}", hint="planlake doctor") from error
        if reason := catalogue_trouble(error):
            raise LakeError(reason, hint=catalogue_advice(reason)) from error
        raise


def outside_trouble(error: BaseException) -> Trouble | None:
    """What AWS or a REST catalogue says; None for any other error."""
    return aws_trouble(error) or rest_trouble(error)


def catalogue_advice(trouble: str) -> str:
    """What to do about what the catalogue's database says: a damaged file is restored from the files of the lake."""
    if any(said in trouble for said in DAMAGED_CATALOGUE):
        return "planlake recover"
    return "wait for the process that holds it" if "locked" in trouble else "planlake doctor"


def catalogue_trouble(error: Exception) -> str:
    """What an error of the catalogue's database says, as a sentence; empty for any other error."""
    if not type(error).__module__.startswith(("sqlalchemy", "sqlite3")):
        return ""
    return f"the lake's catalogue cannot be used: {str(getattr(error, 'orig', error)).splitlines()[0]}"
