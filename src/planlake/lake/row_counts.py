"""Counts the rows of a table that users see, those that are not deleted, and lists their ids."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb

from planlake.engines.duckdb.connection import Connection
from planlake.engines.duckdb.reading import rows_sql
from planlake.engines.sql import identifier, literal
from planlake.errors import LakeError
from planlake.lake.lake import Lake
from planlake.lake.tables.columns import ResourceSpec
from planlake.lake.tables.data_files import data_files

if TYPE_CHECKING:
    from pyiceberg.manifest import DataFile
    from pyiceberg.schema import Schema
    from pyiceberg.table import Table


def live_row_count_of(connection: Connection, table: "Table | None") -> int:
    """How many rows the view of a table shows: those of `current_` that are not deleted; 0 without a table."""
    return live_row_count(connection, table.schema(), data_files(table)) if table is not None else 0


def live_row_count(connection: Connection, schema: "Schema", files: Sequence["DataFile"]) -> int:
    """How many rows of these files are not deleted."""
    if not files:
        return 0
    rows = rows_sql(files, schema, columns=("is_deleted",))
    with connection.cursor() as cursor:
        return int(cursor.execute(f"select count(*) from {rows} where not is_deleted").fetchall()[0][0])


def live_row_count_if_readable(connection: Connection, schema: "Schema", files: Sequence["DataFile"]) -> int | None:
    """How many rows of these files are not deleted; None where one of them cannot be read."""
    try:
        return live_row_count(connection, schema, files)
    except duckdb.Error:
        return None


@dataclass(frozen=True, slots=True)
class Held:
    """How many rows of a table are not deleted, and how many of these have ids in the ranges that were asked about."""

    rows: int = 0
    within: int = 0


@dataclass(frozen=True, slots=True)
class Counted:
    """A table whose rows are to be counted, and ranges of ids, both ends included, that do not overlap."""

    resource: ResourceSpec
    ranges: Sequence[tuple[int, int]] = ()


def count_held(lake: Lake, connection: Connection, tables: Sequence[Counted]) -> dict[str, Held]:
    """What these tables hold, by resource, in one query; without those that cannot be read."""
    queries = list(_counting_queries(lake, tables))
    if not queries:
        return {}
    try:
        return {name: Held(*counts) for name, *counts, _ in connection.execute(" union all ".join(queries)).fetchall()}
    except (duckdb.Error, OSError):  # which of them it is shows when each is asked for alone
        return {}


def _counting_queries(lake: Lake, tables: Sequence[Counted]) -> Iterator[str]:
    for one in tables:
        try:
            yield _counting_sql(lake, one)
        except (LakeError, OSError):
            continue


def held_in(lake: Lake, connection: Connection, table: Counted) -> Held:
    """What one table holds; an error where it cannot be read."""
    _, rows, within, _ = connection.execute(_counting_sql(lake, table)).fetchall()[0]
    return Held(rows, within)


def _counting_sql(lake: Lake, table: Counted) -> str:
    """A query of one row. Ids are read whatever is asked of them: so damage in them is found."""
    name, current = table.resource.name, lake.shown("refined", f"current_{table.resource.name}")
    if current is None:
        return f"select {literal(name)}, 0, 0, 0::ubigint"
    key = identifier(table.resource.key)
    rows = rows_sql(data_files(current), current.schema(), columns=(table.resource.key, "is_deleted"))
    inside = " or ".join(f"try_cast({key} as bigint) between {low} and {high}" for low, high in table.ranges)
    return f"""select {literal(name)}, count(*), count(*) filter (where {inside or "false"}), bit_xor(hash({key}))
               from {rows} where not is_deleted"""


def held_ids(lake: Lake, connection: Connection, resource: ResourceSpec) -> list[str]:
    """The ids of all records held that are not deleted, as text."""
    current = lake.shown("refined", f"current_{resource.name}")
    if current is None:
        return []
    rows = rows_sql(data_files(current), current.schema(), columns=(resource.key, "is_deleted"))
    key = identifier(resource.key)
    query = f"select {key}::varchar as id from {rows} where not is_deleted order by {key}"
    with connection.cursor() as cursor:
        found: list[str] = cursor.sql(query).to_arrow_table()["id"].to_pylist()
    return found
