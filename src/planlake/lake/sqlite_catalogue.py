"""pyiceberg's catalogue in an SQLite file, asked in SQLite's own words.

pyiceberg puts each question together from SQLAlchemy's objects again, which takes longer than all else that it takes to
find a table, and a run asks some thirty times. What is stored, answered and raised is what pyiceberg's own would.
"""

from typing import Any, cast

from pyiceberg.catalog import Catalog
from pyiceberg.catalog.sql import IcebergTables, SqlCatalog
from pyiceberg.exceptions import CommitFailedException, NoSuchNamespaceError, NoSuchTableError
from pyiceberg.table import CommitTableResponse, Table
from pyiceberg.table.update import TableRequirement, TableUpdate
from pyiceberg.typedef import Identifier
from sqlalchemy import Row
from sqlalchemy.exc import DBAPIError

# Catalogues of older versions of pyiceberg do not say of an entry whether it is a table or a view: all are tables.
IS_TABLE = {"v0": "true", "v1": "coalesce(iceberg_type, 'TABLE') = 'TABLE'"}


class SqliteCatalogue(SqlCatalog):
    """A catalogue whose every question and commit is one statement that is ready."""

    def _init_catalog(self) -> None:
        """Make the tables of the catalogue where they are missing; one question says that they are all there."""
        try:
            self._rows("select iceberg_type from iceberg_tables, iceberg_namespace_properties limit 0")
            self._schema_version = "v1"
        except DBAPIError:
            super()._init_catalog()

    def load_table(self, identifier: str | Identifier) -> Table:
        """The table of this name; a NoSuchTableError where there is none."""
        entry = self._entry(identifier)
        if entry is None:
            raise NoSuchTableError(f"Table does not exist: {'.'.join(_split(identifier))}")
        return self._convert_orm_to_iceberg(entry)

    def commit_table(
        self, table: Table, requirements: tuple[TableRequirement, ...], updates: tuple[TableUpdate, ...]
    ) -> CommitTableResponse:
        """Point a table to new metadata; a CommitFailedException where someone else has committed meanwhile.

        The metadata that the table was loaded with are not read again where they are still the current ones.
        """
        entry = self._entry(table.name())
        if entry is None:
            return super().commit_table(table, requirements, updates)
        is_current = entry.metadata_location == table.metadata_location
        current = table if is_current else self._convert_orm_to_iceberg(entry)
        staged = self._update_and_stage_table(current, table.name(), requirements, updates)
        before, after = current.metadata_location, staged.metadata_location
        if staged.metadata == current.metadata:
            return _answer(current)
        self._write_metadata(staged.metadata, staged.io, after)
        query = """update iceberg_tables set metadata_location = ?, previous_metadata_location = ?
            where catalog_name = ? and table_namespace = ? and table_name = ? and metadata_location = ?"""
        with self.engine.begin() as connection:
            done = connection.exec_driver_sql(query, (after, before, self.name, *_split(table.name()), before))
            if done.rowcount < 1:
                raise CommitFailedException(f"Table has been updated by another process: {'.'.join(table.name())}")
        return _answer(staged)

    def list_tables(self, namespace: str | Identifier) -> list[Identifier]:
        """The names of all tables of a database; a NoSuchNamespaceError where there is no such database."""
        if not self.namespace_exists(namespace):
            raise NoSuchNamespaceError(f"Namespace does not exist: {namespace}")
        query = f"""select table_name from iceberg_tables
            where catalog_name = ? and table_namespace = ? and {IS_TABLE[self._schema_version]}"""
        found = self._rows(query, self.name, Catalog.namespace_to_string(namespace))
        return [(*Catalog.identifier_to_tuple(namespace), row.table_name) for row in found]

    def namespace_exists(self, namespace: str | Identifier) -> bool:
        """Whether there is a database of this name, or one within it."""
        database = Catalog.namespace_to_string(namespace, NoSuchNamespaceError)
        within = database.replace("!", "!!").replace("_", "!_").replace("%", "!%") + ".%"
        query = """select 1 from iceberg_tables
            where catalog_name = ? and (table_namespace = ? or table_namespace like ? escape '!')
            union all select 1 from iceberg_namespace_properties
            where catalog_name = ? and (namespace = ? or namespace like ? escape '!') limit 1"""
        return bool(self._rows(query, *(self.name, database, within) * 2))

    def _entry(self, identifier: str | Identifier) -> IcebergTables | None:
        query = f"""select table_namespace, table_name, metadata_location from iceberg_tables
            where catalog_name = ? and table_namespace = ? and table_name = ? and {IS_TABLE[self._schema_version]}"""
        found = self._rows(query, self.name, *_split(identifier))
        return cast("IcebergTables", found[0]) if found else None  # a row has the same names

    def _rows(self, query: str, *values: str) -> list[Row[Any]]:
        with self.engine.connect() as connection:
            return list(connection.exec_driver_sql(query, values))


def _split(identifier: str | Identifier) -> tuple[str, str]:
    return Catalog.namespace_to_string(Catalog.namespace_from(identifier)), Catalog.table_name_from(identifier)


def _answer(table: Table) -> CommitTableResponse:
    names = {"metadata": table.metadata, "metadata-location": table.metadata_location}
    return CommitTableResponse.model_validate(names)
