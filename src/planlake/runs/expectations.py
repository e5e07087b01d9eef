"""Warnings about what is expected of a table; they are reported and never hold it back.

Values that are not among the accepted ones, ids that no other table has, and tables that were not brought up to date
for longer than twice their cadence. They are looked for once every table is done: one may bring what another names.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime

import pyarrow as pa
from pyiceberg.table import Table

from planlake.checks.examples import as_example
from planlake.checks.quality import CheckResult, accepted_values, freshness, relations
from planlake.engines.duckdb.reading import rows_sql
from planlake.engines.sql import identifier, literal
from planlake.flow.context import Context
from planlake.flow.refine.result import RefineResult
from planlake.lake.built_in_tables import built_in_rows_sql
from planlake.lake.metadata.filters import is_above, is_equal
from planlake.lake.tables.columns import keys_of
from planlake.lake.tables.data_files import data_files
from planlake.sources.catalogue import Cadence, Resource

DAYS_OF: Mapping[Cadence, int] = {"daily": 1, "weekly": 7}


def expectations(context: Context, resource: Resource, refined: RefineResult) -> Iterator[CheckResult]:
    """What the rows a run added to a table are expected to hold: accepted values, and ids that other tables have."""
    table = context.lake.find("refined", f"increment_{resource.name}")
    names = keys_of(table.schema()) if table is not None else {}
    expected = [names[key] for key in (*resource.accepted, *resource.relations) if key in names]
    if table is None or not expected:
        return
    rows = _new_rows(context, table, expected, refined)
    for key, values in resource.accepted.items():
        if key in names:
            yield _accepted(context, rows, names[key], values, is_personal=resource.is_personal(key))
    for key, target in resource.relations.items():
        if key in names:
            yield from _related(context, rows, names[key], context.catalogue.resource(target))


def freshness_check(cadence: Cadence, published: str, today: date) -> Iterator[CheckResult]:
    """How many days ago a table was last published (`YYYYMMDD`), against twice its cadence."""
    if published and cadence in DAYS_OF:
        days = (today - datetime.strptime(published, "%Y%m%d").date()).days  # noqa: DTZ007 - a day, not an instant
        yield freshness(days=days, limit=2 * DAYS_OF[cadence])


def findings_kept(context: Context) -> dict[str, Counter[str]]:
    """How many findings of each resource are kept, by the table they are in; no file is read for it."""
    kept: dict[str, Counter[str]] = {"uncastable": Counter(), "rejected": Counter()}
    for name, counts in kept.items():
        table = context.lake.shown("operations", name)
        for file in data_files(table) if table is not None else ():
            counts[str(file.partition[0])] += file.record_count
    return kept


def remaining(
    context: Context, resource: Resource, told: Iterable[CheckResult], kept: Mapping[str, Counter[str]]
) -> Iterator[CheckResult]:
    """What earlier runs found and still is so: cells that are NULL in what is shown, records that are refused.

    `told` is what this run found, which is said already.
    """
    said = {(one.check, one.column) for one in told if one.verdict != "ok"}
    settings = context.config.settings
    for column, cells, rows in _still_null(context, resource) if kept["uncastable"][resource.name] else ():
        if ("casts", column) not in said:
            share = 100 * cells / max(1, rows)
            values = f"1 value of {column} did" if cells == 1 else f"{cells:,} values of {column} did"
            message = f"{values} not cast in earlier runs and {'is' if cells == 1 else 'are'} still NULL"
            yield CheckResult("casts", "warning", share, settings.uncastable_percent, column, message)
    refused = kept["rejected"][resource.name]
    if refused and ("rejected", "") not in said:
        message = f"{refused} records of earlier runs are still refused"
        yield CheckResult("rejected", "warning", float(refused), float(settings.rejected_records), message=message)


def _still_null(context: Context, resource: Resource) -> list[tuple[str, int, int]]:
    """Columns with cells of the rows shown that did not cast, how many, and how many rows are shown."""
    current = context.lake.shown("refined", f"current_{resource.name}")
    if current is None:
        return []
    of_resource = is_equal("resource", resource.name)
    columns = ("resource", "column", "request_id", "position")
    cells = built_in_rows_sql(context.lake, "operations", "uncastable", columns=columns, where=of_resource)
    names = ("import_request_id", "import_position", "is_deleted")
    rows = rows_sql(data_files(current), current.schema(), columns=names)
    query = f"""
        with shown as (select import_request_id as request_id, import_position as position from {rows}
                       where not is_deleted)
        select "column", count(*), (select count(*) from shown)
        from {cells} semi join shown using (request_id, position)
        where resource = {literal(resource.name)} group by "column" order by "column" """
    with context.connection.cursor() as cursor:
        return cursor.execute(query).fetchall()


def _new_rows(context: Context, table: Table, columns: Sequence[str], refined: RefineResult) -> pa.Table:
    """These columns of the rows that are new since the bookmark the run found."""
    files = data_files(table, where=is_above("batch", refined.above))
    rows = rows_sql(files, table.schema(), columns=(*columns, "batch", "is_deleted"))
    names = ", ".join(identifier(name) for name in dict.fromkeys(columns))
    with context.connection.cursor() as cursor:
        query = f"select {names} from {rows} where batch > {refined.above} and not is_deleted"
        return cursor.sql(query).to_arrow_table()


def _accepted(
    context: Context, rows: pa.Table, column: str, values: tuple[str, ...], *, is_personal: bool
) -> CheckResult:
    listed = ", ".join(literal(value) for value in values)
    with context.connection.cursor() as cursor:
        cursor.register("added", rows.select([column]))
        name = identifier(column)
        query = f"select count(*), min({name}::varchar) from added where {name}::varchar not in ('', {listed})"
        count, example = cursor.execute(query).fetchall()[0]
    shown = as_example(example) if example and not is_personal else ""
    return accepted_values(column, rows=count, example=shown)


def _related(context: Context, rows: pa.Table, column: str, target: Resource) -> Iterator[CheckResult]:
    """Rows whose id the other table does not have; nothing where that table was never loaded."""
    table = context.lake.shown("refined", f"current_{target.name}")
    if table is None or table.current_snapshot() is None:
        return
    held = rows_sql(data_files(table), table.schema(), columns=(target.key, "is_deleted"))
    with context.connection.cursor() as cursor:
        cursor.register("added", rows.select([column]))
        query = f"""
            with held as (select {identifier(target.key)}::varchar as id from {held} where not is_deleted)
            select count(*) from added
            where {identifier(column)} is not null and {identifier(column)}::varchar not in (select id from held)"""
        count = cursor.execute(query).fetchall()[0][0]
    yield relations(column, target.name, rows=count)
