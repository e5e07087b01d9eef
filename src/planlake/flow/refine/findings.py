"""Findings of one part of the work: in go cells that did not cast and rows refused, out come rows of findings."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from pyiceberg.manifest import DataFile

from planlake.checks.examples import masked
from planlake.engines.duckdb.connection import Connection
from planlake.engines.sql import literal
from planlake.flow.context import Context
from planlake.lake.lake import Lake
from planlake.lake.own_rows import own_rows_sql
from planlake.lake.state.findings import replace_findings
from planlake.lake.state.ledger import raw_rows_sql
from planlake.lake.tables.columns import TYPES
from planlake.lake.tables.filters import is_equal
from planlake.sources.catalogue import Resource
from planlake.sources.records import why_no_row


@dataclass(frozen=True, slots=True)
class Found:
    """Findings of new rows, by the table they are kept in, and which batches they are about.

    `applied` is the bookmark of the version that is shown, `types` are those that only the new version has.
    """

    uncastable: Sequence[Mapping[str, Any]]
    rejected: Sequence[Mapping[str, Any]]
    applied: int
    is_rebuilt: bool
    types: Collection[str] = ()

    def __iter__(self) -> Iterator[tuple[str, Sequence[Mapping[str, Any]]]]:
        """Name and rows of each of the two tables."""
        yield "uncastable", self.uncastable
        yield "rejected", self.rejected


def write_findings(context: Context, resource: Resource, found: Found, *, is_held: bool) -> None:
    """Write what was found before the rows it belongs to are committed, or held.

    Of rows that are added, findings of later batches take the place of any others; of a version built anew they stand
    beside those of the version that is shown. What is held keeps its own apart.
    """
    for name, rows in found:
        if found.is_rebuilt and not is_held:
            tell_beside(context, resource, name, rows, until=found.applied)
        else:
            _replace(context, resource, name, rows, above=found.applied)
    if is_held:
        withheld = [row for row in found.uncastable if row["column"] in found.types]
        tell_withheld(context, resource, withheld, until=found.applied)


def settle_findings(context: Context, resource: Resource, found: Found) -> None:
    """After the commit: a version that was built anew has its own findings alone."""
    for name, rows in found if found.is_rebuilt else ():
        _replace(context, resource, name, rows, above=0)


def _replace(context: Context, resource: Resource, name: str, rows: Sequence[Mapping[str, Any]], *, above: int) -> None:
    """Make these the findings in batches above this one; those of earlier ones stay."""
    new = [row for row in rows if row["batch"] > above]
    replace_findings(context.lake, name, resource.name, new, above_batch=above)


def tell_withheld(context: Context, resource: Resource, rows: Sequence[Mapping[str, Any]], *, until: int) -> None:
    """Make those of `rows` up to a batch all that `uncastable` tells of types the table does not have.

    They are cells of a version that its gate holds, built anew because columns were to get another type. What is told
    of the types the table has stays beside them; without rows they are gone: nobody wants those types any more.
    """
    new = [row for row in rows if row["batch"] <= until]
    gone = withheld(context.connection, context.lake, resource.name, until=until)
    if new or gone:
        is_gone = f"batch <= {until} and {is_any_of(gone)}"
        stays = _told(context, "uncastable", resource, where=f"not ({is_gone})")
        replace_findings(context.lake, "uncastable", resource.name, [*stays, *new], above_batch=0)


def withheld(connection: Connection, lake: Lake, resource: str, *, until: int) -> list[tuple[str, str]]:
    """Columns and types that cells up to a batch are told to fail, while the table has another type there.

    Their version is held, or was when nobody has refined since: they are no cells of the table.
    """
    table = lake.shown("refined", f"increment_{resource}")
    if table is None or lake.shown("operations", "uncastable") is None:
        return []
    held = {field.name: field.field_type for field in table.schema().fields}
    columns = ("resource", "batch", "column", "wanted_type")
    rows = own_rows_sql(lake, "operations", "uncastable", columns=columns, where=is_equal("resource", resource))
    with connection.cursor() as cursor:
        query = f"""select distinct "column", wanted_type from {rows}
                    where resource = {literal(resource)} and batch <= {until}"""
        pairs = cursor.sql(query).fetchall()
    return [(column, wanted) for column, wanted in pairs if held.get(column) != TYPES[wanted]]


def is_any_of(pairs: Collection[tuple[str, str]]) -> str:
    """A condition on rows of `uncastable`: that they are of one of these columns and types."""
    listed = ", ".join(f"({literal(column)}, {literal(wanted)})" for column, wanted in pairs)
    return f'("column", wanted_type) in ({listed})' if listed else "false"


def tell_beside(
    context: Context, resource: Resource, name: str, rows: Sequence[Mapping[str, Any]], *, until: int
) -> None:
    """Tell findings of a version built anew beside those of batches up to this one that are told already, each once.

    So whichever of the two is shown after a kill has all of its own; once the new one is committed it has them alone.
    """

    def place(row: Mapping[str, Any]) -> tuple[object, ...]:
        return row["request_id"], row["position"], row.get("column"), row.get("wanted_type")

    new = {place(row) for row in rows}
    stays = [row for row in _told(context, name, resource, where=f"batch <= {until}") if place(row) not in new]
    replace_findings(context.lake, name, resource.name, [*stays, *rows], above_batch=0)


def _told(context: Context, name: str, resource: Resource, *, where: str) -> list[dict[str, Any]]:
    rows = own_rows_sql(context.lake, "operations", name, where=is_equal("resource", resource.name))
    query = f"select * from {rows} where resource = {literal(resource.name)} and ({where})"
    with context.connection.cursor() as cursor:
        found: list[dict[str, Any]] = cursor.sql(query).to_arrow_table().to_pylist()
    return found


def received(
    context: Context, resource: Resource, *, files: Sequence[DataFile], above_batch: int, wanted: pa.Table
) -> dict[tuple[int, int], str]:
    """The texts of records as received, by `request_id` and `position`, of those that are `wanted` by these columns.

    They are looked for in files of raw, above the batch.
    """
    columns = ("resource", "batch", "request_id", "position", "api_response")
    rows = raw_rows_sql(context.lake, files, resource.name, above_batch, columns=columns)
    with context.connection.cursor() as cursor:
        cursor.register("wanted", wanted.select(["request_id", "position"]))
        query = f"select request_id, position, api_response from {rows} semi join wanted using (request_id, position)"
        return {(request, position): text for request, position, text in cursor.execute(query).fetchall()}


def with_records(
    context: Context, resource: Resource, files: Sequence[DataFile], applied: int, rejected: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The rejected rows with their record as received, for personal resources only how long it is."""
    if not rejected:
        return []
    texts = received(context, resource, files=files, above_batch=applied, wanted=pa.Table.from_pylist(rejected))
    filled = []
    for row in rejected:
        text = texts[row["request_id"], row["position"]]
        reason = why_no_row(text) or row["reason"]
        shown = masked(text, is_personal=bool(resource.personal))
        filled.append({**row, "reason": reason, "api_response": shown})
    return filled
