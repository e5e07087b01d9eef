"""What is checked of refined rows before they are committed: they are read back from the files they were written to.

Of versions of one id only the latest counts: what the vendor mended before we looked, or while a table was held, holds
nothing back. All versions stay in the table.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from pyiceberg.schema import Schema
from pyiceberg.types import StringType

from planlake.checks.examples import as_example
from planlake.checks.quality import Cells, CheckResult, casts, complete, encoding, rejected, repeats
from planlake.config import Settings
from planlake.engines.casts import type_to_declare
from planlake.engines.duckdb.connection import Connection
from planlake.engines.duckdb.reading import rows_sql
from planlake.engines.names import IS_FILLED
from planlake.engines.sql import identifier
from planlake.flow.refine.unit import RefinedPart
from planlake.lake.tables.columns import Column, latest_first
from planlake.sources.catalogue import Resource

BAD = pa.schema({"column": pa.string(), "import_request_id": pa.int64(), "import_position": pa.int32()})


@dataclass(frozen=True, slots=True)
class _Figures:
    """Rows, those of them that are not deleted, and those of these whose column that must be complete is filled."""

    rows: int
    live: int
    filled: int


def checks_of_rows(
    connection: Connection,
    resource: Resource,
    parts: Sequence[RefinedPart],
    *,
    schema: Schema,
    columns: Sequence[Column],
    settings: Settings,
) -> list[CheckResult]:
    """The checks of new rows, which are written and not committed yet; none where there are no rows.

    Counts are of the latest versions: a table that is held for long gathers versions, not reasons to pass.
    """
    versions = _versions_sql(resource, parts, schema, columns)
    if not versions:
        return []
    bad = [row for part in parts for row in part.uncastable]
    by_column: dict[str, int] = {}
    with connection.cursor() as cursor:
        figures, repeated = _figures(cursor, versions, resource.key)
        if bad or figures.filled != figures.live:
            latest = _latest_sql(resource, schema, versions)
            figures, _ = _figures(cursor, latest, resource.key)
            by_column = _bad_by_column(cursor, latest, bad)
    return [
        *casts(
            _cells(parts, bad, by_column, figures.rows, {column.name: column.key for column in columns}),
            percent=settings.uncastable_percent,
            at_least=settings.uncastable_cells,
        ),
        complete(resource.complete, filled=figures.filled, rows=figures.live, minimum=resource.complete_minimum),
        repeats(repeated),
    ]


def checks_of_records(resource: Resource, parts: Sequence[RefinedPart], settings: Settings) -> list[CheckResult]:
    """The checks of records as they were received: how many were refused, how many held bytes that are no UTF-8."""
    refused, received = sum(len(part.rejected) for part in parts), sum(part.received for part in parts)
    mended = sum(part.mended for part in parts)
    return [
        rejected(refused, rows=received, percent=settings.rejected_percent, at_least=settings.rejected_records),
        *([encoding(resource.name, mended)] if mended else []),
    ]


def _versions_sql(resource: Resource, parts: Sequence[RefinedPart], schema: Schema, columns: Sequence[Column]) -> str:
    """What the gate needs of the rows written: which is the latest of an id, and whether it is complete.

    A column that must be complete and that no record ever had is filled nowhere. Empty where nothing was written.
    """
    files = [part.file for part in parts if part.file is not None]
    if not files:
        return ""
    whole = next((column.name for column in columns if column.key == resource.complete), None)
    narrow = {*_narrow(resource, schema), *([whole] if whole else [])}
    is_filled = "false"
    if whole:
        is_empty = f"or {identifier(whole)} = ''" if schema.find_type(whole) == StringType() else ""
        is_filled = f"not ({identifier(whole)} is null {is_empty})"
    names = ", ".join(map(identifier, _narrow(resource, schema)))
    return f"(select {names}, {is_filled} as {identifier(IS_FILLED)} from {rows_sql(files, schema, columns=narrow)})"


def _narrow(resource: Resource, schema: Schema) -> list[str]:
    names = [resource.key, "batch", "page_number", "import_position", "import_request_id", "is_deleted"]
    return list(dict.fromkeys([*names, *([resource.changed] if resource.changed in schema.column_names else [])]))


def _latest_sql(resource: Resource, schema: Schema, versions: str) -> str:
    order = latest_first(resource.changed, schema.column_names)
    by_id = f"row_number() over (partition by {identifier(resource.key)} order by {order}) = 1"
    return f"(select * from {versions} qualify {by_id})"


def _figures(cursor: Connection, rows: str, key: str) -> tuple[_Figures, int]:
    """What the rows are, and how many ids one batch brought more than one of; the files are read once."""
    live, one = "count(*) filter (where not is_deleted", identifier(key)
    query = f"""
        with versions as materialized (from {rows}),
        several as (select {one} as id from versions group by {one}, batch having count(*) > 1)
        select count(*), {live}), {live} and {identifier(IS_FILLED)}), (select count(distinct id) from several)
        from versions"""
    *figures, repeated = cursor.execute(query).fetchall()[0]
    return _Figures(*figures), repeated


def _bad_by_column(cursor: Connection, latest: str, bad: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """How many cells of the latest versions did not cast, by column."""
    if not bad:
        return {}
    places = [[row[name] for row in bad] for name in ("column", "request_id", "position")]
    cursor.register("bad", pa.table(places, schema=BAD))
    query = f"""select "column", count(*) from bad
                semi join {latest} as latest using (import_request_id, import_position) group by "column" """
    return dict(cursor.execute(query).fetchall())


def _cells(
    parts: Sequence[RefinedPart],
    bad: Sequence[Mapping[str, Any]],
    by_column: Mapping[str, int],
    rows: int,
    keys: Mapping[str, str],
) -> list[Cells]:
    """The columns with cells that did not cast: how many hold something, how many are bad, the last of them."""
    filled, received = Counter[str](), Counter[str]()
    for part in parts:
        filled.update(part.filled)
        received.update(dict.fromkeys(part.filled, part.received))
    values: dict[str, list[str]] = {}
    for row in bad:
        values.setdefault(row["column"], []).append(row["raw_value"])
    return [
        Cells(
            column,
            keys[column],
            max(by_column[column], round(filled[column] / received[column] * rows)),
            by_column[column],
            as_example(of[-1]),
            type_to_declare(of),
        )
        for column, of in values.items()
        if column in by_column
    ]
