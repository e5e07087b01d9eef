"""An SQLite catalogue as readers need it: which tables there are, and where the metadata of each is.

Python's own module asks it. What changes something, or is asked seldom, pyiceberg's catalogue does.
"""

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyiceberg.exceptions import NoSuchNamespaceError, NoSuchTableError

from planlake.lake.metadata.local_files import LocalFiles, is_here
from planlake.lake.metadata.read_table import ReadTable
from planlake.lake.metadata.table_metadata import UnusualError, Whole

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog
    from pyiceberg.table import Table

SECONDS = 5  # that a catalogue being written is waited for, as SQLAlchemy has it
IS_TABLE = "coalesce(iceberg_type, 'TABLE') = 'TABLE'"
IS_THERE = f"select {IS_TABLE} from iceberg_tables, iceberg_namespace_properties limit 0"
TABLES = f"""select table_namespace, table_name, metadata_location from iceberg_tables
    where catalog_name = ? and {IS_TABLE}"""
DATABASES = """select namespace from iceberg_namespace_properties where catalog_name = ?
    union select table_namespace from iceberg_tables where catalog_name = ?"""

NOTED = """select property_key, property_value from iceberg_namespace_properties
    where catalog_name = ? and namespace = ?"""


def settle(file: Path) -> None:
    """Let SQLite undo what a writer that was killed left half done, which nobody can who may not write."""
    if file.with_name(f"{file.name}-journal").exists():
        with suppress(sqlite3.Error):
            _asked(file, IS_THERE)


def _asked(file: Path, query: str, *values: str) -> list[Any]:
    place = f"{file.as_uri()}?mode=rw"  # rw makes no file, and lets SQLite undo what a writer left half done
    with closing(sqlite3.connect(place, timeout=SECONDS, uri=True)) as connection:
        return connection.execute(query, values).fetchall()


class ReadCatalogue(Whole):
    """A catalogue's file, read: each question is answered as it stands at that moment."""

    def __init__(
        self, name: str, file: Path, properties: Mapping[str, str], *, opened: "Callable[[], Catalog]"
    ) -> None:
        self.name, self.file, self.properties = name, file, {**properties}
        self.whole = cache(opened)

    def is_usual(self) -> bool:
        """Whether it is there, with the tables that this version of pyiceberg makes."""
        try:
            self._rows(IS_THERE)
        except sqlite3.Error:
            return False
        return True

    def load_table(self, identifier: tuple[str, str]) -> "ReadTable | Table":
        """The table of this name; a NoSuchTableError where there is none, and pyiceberg's error where it is damaged."""
        database, name = identifier
        found = self._rows(f"{TABLES} and table_namespace = ? and table_name = ?", self.name, database, name)
        if not found:
            raise NoSuchTableError(f"Table does not exist: {database}.{name}")
        location = found[0][2]
        try:
            if not location or not is_here(self.properties, location):
                raise UnusualError
            names, io = (*database.split("."), name), LocalFiles(self.properties)
            return ReadTable(names, location, io, whole=cache(lambda: self._as_pyiceberg_has_it(names, location)))
        except (OSError, UnusualError):
            whole: Table = self.whole().load_table(identifier)
            return whole

    def list_tables(self, database: str) -> list[tuple[str, str]]:
        """The names of all tables of a database; none where there is no such database."""
        return [(database, name) for _, name, _ in self._rows(f"{TABLES} and table_namespace = ?", self.name, database)]

    def list_namespaces(self) -> list[tuple[str]]:
        """The names of all databases."""
        return [(one,) for one in {name.split(".")[0] for (name,) in self._rows(DATABASES, self.name, self.name)}]

    def load_namespace_properties(self, database: str) -> dict[str, str]:
        """What is noted of a database; a NoSuchNamespaceError where there is none."""
        if not self._rows(f"select 1 from ({DATABASES}) where namespace = ?", self.name, self.name, database):
            raise NoSuchNamespaceError(f"Namespace does not exist: {database}")
        return dict(self._rows(NOTED, self.name, database))

    def locations(self) -> dict[tuple[str, str], str]:
        """The metadata file of every table, by database and name."""
        return {(database, name): location or "" for database, name, location in self._rows(TABLES, self.name)}

    def close(self) -> None:
        """Close what was opened."""
        if self.whole.cache_info().currsize:
            self.whole().close()

    def _rows(self, query: str, *values: str) -> list[Any]:
        return _asked(self.file, query, *values)

    def _as_pyiceberg_has_it(self, names: tuple[str, ...], location: str) -> "Table":
        from pyiceberg.io import load_file_io  # noqa: PLC0415
        from pyiceberg.serializers import FromInputFile  # noqa: PLC0415
        from pyiceberg.table import Table  # noqa: PLC0415

        catalog, io = self.whole(), load_file_io(self.properties, location)
        metadata = FromInputFile.table_metadata(io.new_input(location))
        return Table(names, metadata, location, io, catalog)
