"""The gates: in go a run's new rows as refined, or a version of `current_`, out come the checks they are held against.

Of versions of one id only the latest counts: what the vendor mended before we looked, or while a table was held, holds
nothing back. All versions stay in the table.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from planlake.checks.examples import as_example
from planlake.checks.quality import Cells, CheckResult, casts, complete, repeats
from planlake.config import Settings
from planlake.engines.casts import type_to_declare
from planlake.engines.duckdb.connection import Connection
from planlake.engines.names import IS_FILLED
from planlake.engines.sql import identifier
from planlake.lake.tables.columns import latest_first
from planlake.lake.tables.parquet import is_text
from planlake.sources.catalogue import Resource


def narrowed(rows: pa.Table, resource: Resource, complete_column: str | None) -> pa.Table:
    """What the gate needs of refined rows: which is the latest of an id, and whether it is complete.

    A column that must be complete and that no record ever had (None) is filled nowhere.
    """
    names = [resource.key, "batch", "page_number", "import_position", "import_request_id", "is_deleted"]
    if resource.changed in rows.column_names:
        names.append(resource.changed)
    column = rows[complete_column] if complete_column else pa.chunked_array([pa.nulls(len(rows), pa.string())])
    filled = column.is_valid()
    if is_text(column.type):
        filled = pc.and_(filled, pc.fill_null(pc.not_equal(column, ""), fill_value=False))
    return rows.select(dict.fromkeys(names)).append_column(IS_FILLED, filled)


def checked(
    connection: Connection,
    resource: Resource,
    versions: Sequence[pa.Table],
    uncastable: Sequence[Mapping[str, Any]],
    filled: Mapping[str, float],
    keys: Mapping[str, str],
    settings: Settings,
) -> list[CheckResult]:
    """The checks of new rows: `versions` are theirs, narrowed; `filled` is the share of rows that have a value,
    `keys` what the API calls each column.

    Both counts are of the latest versions: a table that is held for long gathers versions, not reasons to pass.
    """
    rows = pa.concat_tables(versions, promote_options="permissive") if versions else None
    if rows is None:
        return []
    bad = [(row["column"], row["request_id"], row["position"]) for row in uncastable]
    values: dict[str, list[str]] = {}
    for row in uncastable:
        values.setdefault(row["column"], []).append(row["raw_value"])
    latest, live = rows, rows.filter(pc.invert(rows["is_deleted"]))
    if bad or pc.sum(live[IS_FILLED]).as_py() != len(live):
        latest = _latest(connection, resource, rows)
        places = set(zip(latest["import_request_id"].to_pylist(), latest["import_position"].to_pylist(), strict=True))
        bad = [one for one in bad if one[1:] in places]
        live = latest.filter(pc.invert(latest["is_deleted"]))
    by_column = Counter(column for column, _, _ in bad)
    cells = [
        Cells(
            column,
            keys[column],
            max(count, round(filled[column] * len(latest))),
            count,
            as_example(values[column][-1]),
            type_to_declare(values[column]),
        )
        for column, count in by_column.items()
    ]
    return [
        *casts(cells, percent=settings.uncastable_percent, at_least=settings.uncastable_cells),
        complete(
            resource.complete,
            filled=pc.sum(live[IS_FILLED]).as_py() or 0,
            rows=len(live),
            minimum=resource.complete_minimum,
        ),
        repeats(_repeated(resource, rows)),
    ]


def _repeated(resource: Resource, rows: pa.Table) -> int:
    """How many ids one batch brought more than one version of."""
    counted = rows.group_by([resource.key, "batch"]).aggregate([([], "count_all")])
    several = counted.filter(pc.greater(counted["count_all"], 1))
    return int(pc.count_distinct(several[resource.key]).as_py())


def _latest(connection: Connection, resource: Resource, rows: pa.Table) -> pa.Table:
    query = f"""select * from versions qualify row_number() over (
        partition by {identifier(resource.key)} order by {latest_first(resource, rows.column_names)}) = 1"""
    with connection.cursor() as cursor:
        cursor.register("versions", rows)
        return cursor.sql(query).to_arrow_table()
