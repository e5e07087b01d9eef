"""A catalogue in an SQLite file, as pyiceberg has it, asked by Python's own module.

pyiceberg's own brings SQLAlchemy, which takes as long to import as a tenth of a day's run, and puts each question
together from its objects again; a run asks some thirty times. What is stored, answered and raised is what pyiceberg's
own would. What is asked seldom, and makes or drops something, that one does.
"""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyiceberg.catalog import Catalog, MetastoreCatalog
from pyiceberg.exceptions import CommitFailedException, NoSuchNamespaceError, NoSuchTableError
from pyiceberg.io import load_file_io
from pyiceberg.serializers import FromInputFile
from pyiceberg.table import CommitTableResponse, Table
from pyiceberg.table.update import TableRequirement, TableUpdate
from pyiceberg.typedef import Identifier

if TYPE_CHECKING:
    from pyiceberg.catalog.sql import SqlCatalog

# Catalogues of older versions of pyiceberg do not say of an entry whether it is a table or a view: all are tables.
IS_TABLE = {"v0": "true", "v1": "coalesce(iceberg_type, 'TABLE') = 'TABLE'"}
IS_THERE = "select iceberg_type from iceberg_tables, iceberg_namespace_properties limit 0"


def _as_pyiceberg_does(name: str) -> Callable[..., Any]:
    def ask(catalogue: "SqliteCatalogue", *values: Any, **named: Any) -> Any:  # noqa: ANN401 - whatever it is asked
        return getattr(catalogue.whole, name)(*values, **named)

    return ask


class SqliteCatalogue(MetastoreCatalog):
    """A catalogue whose every question and commit is one statement that is ready."""

    create_namespace = _as_pyiceberg_does("create_namespace")
    update_namespace_properties = _as_pyiceberg_does("update_namespace_properties")
    load_namespace_properties = _as_pyiceberg_does("load_namespace_properties")
    drop_namespace = _as_pyiceberg_does("drop_namespace")
    drop_table = _as_pyiceberg_does("drop_table")
    rename_table = _as_pyiceberg_does("rename_table")
    list_views = _as_pyiceberg_does("list_views")
    view_exists = _as_pyiceberg_does("view_exists")
    load_view = _as_pyiceberg_does("load_view")
    register_view = _as_pyiceberg_does("register_view")
    drop_view = _as_pyiceberg_does("drop_view")

    def __init__(self, name: str, file: Path, **properties: str) -> None:
        """Open it, and make its tables where they are missing; one question says that they are all there."""
        super().__init__(name, **properties)
        self.file = file
        try:
            self._rows(IS_THERE)
            self.version = "v1"
        except sqlite3.Error:
            self.version = self.whole._schema_version

    @cached_property
    def whole(self) -> "SqlCatalog":
        """The same catalogue as pyiceberg opens it."""
        from pyiceberg.catalog.sql import SqlCatalog  # noqa: PLC0415 - brings SQLAlchemy
        from sqlalchemy import URL  # noqa: PLC0415

        # Every sign of its path stands for itself: of a bare one %2F and what follows a ? do not.
        uri = URL.create("sqlite", database=str(self.file)).render_as_string()
        return SqlCatalog(self.name, **{**self.properties, "uri": uri})

    def load_table(self, identifier: str | Identifier) -> Table:
        """The table of this name; a NoSuchTableError where there is none."""
        location = self._location(identifier)
        if location is None:
            raise NoSuchTableError(f"Table does not exist: {'.'.join(_split(identifier))}")
        return self._table(identifier, location)

    def commit_table(
        self, table: Table, requirements: tuple[TableRequirement, ...], updates: tuple[TableUpdate, ...]
    ) -> CommitTableResponse:
        """Point a table to new metadata; a CommitFailedException where someone else has committed meanwhile.

        The metadata that the table was loaded with are not read again where they are still the current ones.
        """
        location = self._location(table.name())
        if location is None:
            return self.whole.commit_table(table, requirements, updates)
        current = table if location == table.metadata_location else self._table(table.name(), location)
        staged = self._update_and_stage_table(current, table.name(), requirements, updates)
        before, after = current.metadata_location, staged.metadata_location
        if staged.metadata == current.metadata:
            return _answer(current)
        self._write_metadata(staged.metadata, staged.io, after)
        query = """update iceberg_tables set metadata_location = ?, previous_metadata_location = ?
            where catalog_name = ? and table_namespace = ? and table_name = ? and metadata_location = ?"""
        if not self._changed(query, after, before, self.name, *_split(table.name()), before):
            raise CommitFailedException(f"Table has been updated by another process: {'.'.join(table.name())}")
        return _answer(staged)

    def point_to(self, identifier: Identifier, location: str) -> None:
        """Let a table's entry name another metadata file, whatever it named before."""
        query = """update iceberg_tables set metadata_location = ?
            where catalog_name = ? and table_namespace = ? and table_name = ?"""
        self._changed(query, location, self.name, *_split(identifier))

    def locations(self) -> dict[tuple[str, str], str]:
        """The metadata file of every entry, by database and name."""
        query = "select table_namespace, table_name, metadata_location from iceberg_tables where catalog_name = ?"
        return {(database, name): location or "" for database, name, location in self._rows(query, self.name)}

    def list_tables(self, namespace: str | Identifier) -> list[Identifier]:
        """The names of all tables of a database; a NoSuchNamespaceError where there is no such database."""
        if not self.namespace_exists(namespace):
            raise NoSuchNamespaceError(f"Namespace does not exist: {namespace}")
        query = f"""select table_name from iceberg_tables
            where catalog_name = ? and table_namespace = ? and {IS_TABLE[self.version]}"""
        found = self._rows(query, self.name, Catalog.namespace_to_string(namespace))
        return [(*Catalog.identifier_to_tuple(namespace), name) for (name,) in found]

    def namespace_exists(self, namespace: str | Identifier) -> bool:
        """Whether there is a database of this name, or one within it."""
        database = Catalog.namespace_to_string(namespace, NoSuchNamespaceError)
        within = database.replace("!", "!!").replace("_", "!_").replace("%", "!%") + ".%"
        query = """select 1 from iceberg_tables
            where catalog_name = ? and (table_namespace = ? or table_namespace like ? escape '!')
            union all select 1 from iceberg_namespace_properties
            where catalog_name = ? and (namespace = ? or namespace like ? escape '!') limit 1"""
        return bool(self._rows(query, *(self.name, database, within) * 2))

    def list_namespaces(self, namespace: str | Identifier = ()) -> list[Identifier]:
        """The databases within one, or the topmost of all; a NoSuchNamespaceError where there is no such one."""
        if namespace and not self.namespace_exists(namespace):
            raise NoSuchNamespaceError(f"Namespace does not exist: {namespace}")
        query = """select table_namespace from iceberg_tables where catalog_name = ?
            union select namespace from iceberg_namespace_properties where catalog_name = ?"""
        above = Catalog.identifier_to_tuple(namespace)
        depth = len(above) + 1
        found = [Catalog.identifier_to_tuple(name) for (name,) in self._rows(query, self.name, self.name)]
        return list({one[:depth] for one in found if len(one) >= depth and one[: depth - 1] == above})

    def create_table(self, identifier: str | Identifier, *values: Any, **named: Any) -> Table:  # noqa: ANN401
        """Make a table, as pyiceberg does."""
        self.whole.create_table(identifier, *values, **named)
        return self.load_table(identifier)

    def register_table(self, identifier: str | Identifier, *values: Any, **named: Any) -> Table:  # noqa: ANN401
        """Let a table be known by a metadata file that is there, as pyiceberg does."""
        self.whole.register_table(identifier, *values, **named)
        return self.load_table(identifier)

    def close(self) -> None:
        """Close what was opened."""
        if "whole" in self.__dict__:
            self.whole.close()

    def _location(self, identifier: str | Identifier) -> str | None:
        query = f"""select metadata_location from iceberg_tables
            where catalog_name = ? and table_namespace = ? and table_name = ? and {IS_TABLE[self.version]}"""
        found = self._rows(query, self.name, *_split(identifier))
        return str(found[0][0]) if found and found[0][0] else None

    def _table(self, identifier: str | Identifier, location: str) -> Table:
        metadata = FromInputFile.table_metadata(load_file_io(self.properties, location).new_input(location))
        names = (*Catalog.identifier_to_tuple(Catalog.namespace_from(identifier)), Catalog.table_name_from(identifier))
        return Table(names, metadata, location, self._load_file_io(metadata.properties, location), self)

    def _rows(self, query: str, *values: str) -> list[Any]:
        with closing(sqlite3.connect(self.file)) as connection:
            return connection.execute(query, values).fetchall()

    def _changed(self, query: str, *values: str) -> int:
        """How many entries a statement changed, once that is stored."""
        with closing(sqlite3.connect(self.file)) as connection, connection:
            return connection.execute(query, values).rowcount


def _split(identifier: str | Identifier) -> tuple[str, str]:
    return Catalog.namespace_to_string(Catalog.namespace_from(identifier)), Catalog.table_name_from(identifier)


def _answer(table: Table) -> CommitTableResponse:
    names = {"metadata": table.metadata, "metadata-location": table.metadata_location}
    return CommitTableResponse.model_validate(names)
