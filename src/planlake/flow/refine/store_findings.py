"""Keeps what refining finds, cells that did not cast and records that were refused, in `uncastable` and `rejected`."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from planlake.checks.examples import masked
from planlake.engines.duckdb.connection import Connection
from planlake.engines.duckdb.reading import type_name
from planlake.engines.sql import literal
from planlake.lake.built_in_tables import built_in_rows_sql, may_have_rows
from planlake.lake.lake import Lake
from planlake.lake.metadata.filters import is_equal
from planlake.lake.state.findings import replace_findings
from planlake.lake.state.ledger import raw_rows_sql
from planlake.lake.tables.columns import TYPES
from planlake.sources.records import why_no_row

if TYPE_CHECKING:
    from pyiceberg.manifest import DataFile


@dataclass(frozen=True, slots=True)
class StoredResource:
    """What a lake holds of one resource; its rows are read on this connection."""

    lake: Lake
    connection: Connection
    name: str


@dataclass(frozen=True, slots=True)
class NewFindings:
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


def write_findings(stored: StoredResource, found: NewFindings, *, is_held: bool) -> None:
    """Write what was found before the rows it belongs to are committed, or held.

    Where rows are added, findings of later batches replace those there were. Where all rows were built again from raw,
    they stand beside those of the version that is shown, until the new one is committed. If the rows are held, cells
    that fail only the new types are kept apart.
    """
    for name, rows in found:
        if found.is_rebuilt and not is_held:
            _write_beside(stored, name, rows, until=found.applied)
        else:
            _replace(stored, name, rows, above=found.applied)
    if is_held:
        write_withheld(stored, [row for row in found.uncastable if row["column"] in found.types], until=found.applied)


def drop_findings_of_old_build(stored: StoredResource, found: NewFindings) -> None:
    """After the commit: a version that was built again from raw has its own findings alone."""
    for name, rows in found if found.is_rebuilt else ():
        _replace(stored, name, rows, above=0)


def _replace(stored: StoredResource, name: str, rows: Sequence[Mapping[str, Any]], *, above: int) -> None:
    """Make these the findings in batches above this one; those of earlier ones stay."""
    new = [row for row in rows if row["batch"] > above]
    replace_findings(stored.lake, name, stored.name, new, above_batch=above)


def write_withheld(stored: StoredResource, rows: Sequence[Mapping[str, Any]], *, until: int) -> None:
    """Keep cells that fail a type the table was to get, of a version that its gate holds back.

    They replace all such cells of earlier attempts, up to the batch `until`; findings about the types that the table
    has now stay. Without rows such cells are deleted: nobody wants those types any more.
    """
    new = [row for row in rows if row["batch"] <= until]
    gone = withheld_types(stored, until=until)
    if new or gone:
        is_gone = f"batch <= {until} and {is_any_of(gone)}"
        stay = _kept(stored, "uncastable", where=f"not ({is_gone})")
        replace_findings(stored.lake, "uncastable", stored.name, [*stay, *new], above_batch=0)


def withheld_types(stored: StoredResource, *, until: int) -> list[tuple[str, str]]:
    """Columns and types that cells up to a batch failed, where the column has another type in the table.

    These cells belong to a version that is held back, or that nobody refined since; they are no cells of the table.
    """
    table = stored.lake.shown("refined", f"increment_{stored.name}")
    if table is None or stored.lake.shown("operations", "uncastable") is None:
        return []
    held = {field.name: type_name(field) for field in table.schema().fields}
    pairs = findings(stored, "uncastable", 'distinct "column", wanted_type', where=f"batch <= {until}")
    return [
        (column, wanted)
        for column, wanted in zip(*pairs.to_pydict().values(), strict=True)
        if held.get(column) != TYPES[wanted]
    ]


def is_any_of(pairs: Collection[tuple[str, str]]) -> str:
    """A condition on rows of `uncastable`: that they are of one of these columns and types."""
    listed = ", ".join(f"({literal(column)}, {literal(wanted)})" for column, wanted in pairs)
    return f'("column", wanted_type) in ({listed})' if listed else "false"


def _write_beside(stored: StoredResource, name: str, rows: Sequence[Mapping[str, Any]], *, until: int) -> None:
    """Write findings of a version that was built again from raw beside those kept of batches up to this one, each once.

    So after a kill either version has all of its own findings, whichever is shown then.
    """

    def place(row: Mapping[str, Any]) -> tuple[object, ...]:
        return row["request_id"], row["position"], row.get("column"), row.get("wanted_type")

    new = {place(row) for row in rows}
    stay = [row for row in _kept(stored, name, where=f"batch <= {until}") if place(row) not in new]
    replace_findings(stored.lake, name, stored.name, [*stay, *rows], above_batch=0)


def _kept(stored: StoredResource, name: str, *, where: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = findings(stored, name, "*", where=where).to_pylist()
    return rows


def findings(stored: StoredResource, name: str, selected: str, *, where: str = "true") -> pa.Table:
    """What is `selected` of the findings of a resource that are kept in `uncastable` or `rejected`.

    Where there are none, as of most tables, DuckDB is not asked for them, and there are no columns.
    """
    of_resource = is_equal("resource", stored.name)
    if not may_have_rows(stored.lake, "operations", name, where=of_resource):
        return pa.table({})
    rows = built_in_rows_sql(stored.lake, "operations", name, where=of_resource)
    query = f"select {selected} from {rows} where resource = {literal(stored.name)} and ({where})"
    with stored.connection.cursor() as cursor:
        return cursor.sql(query).to_arrow_table()


def received_texts(
    stored: StoredResource, files: Sequence["DataFile"], *, above_batch: int, wanted: pa.Table
) -> dict[tuple[int, int], str]:
    """The texts of records as received, by `request_id` and `position`, of those that are `wanted` by these columns.

    They are looked for in files of raw, above the batch.
    """
    columns = ("resource", "batch", "request_id", "position", "api_response")
    rows = raw_rows_sql(stored.lake, files, stored.name, above_batch, columns=columns)
    with stored.connection.cursor() as cursor:
        cursor.register("wanted", wanted.select(["request_id", "position"]))
        query = f"select request_id, position, api_response from {rows} semi join wanted using (request_id, position)"
        return {(request, position): text for request, position, text in cursor.execute(query).fetchall()}


def with_records(
    stored: StoredResource,
    files: Sequence["DataFile"],
    rejected: list[dict[str, Any]],
    *,
    above_batch: int,
    is_personal: bool,
) -> list[dict[str, Any]]:
    """The rejected rows with their record as received, for personal resources only how long it is."""
    if not rejected:
        return []
    texts = received_texts(stored, files, above_batch=above_batch, wanted=pa.Table.from_pylist(rejected))
    filled = []
    for row in rejected:
        text = texts[row["request_id"], row["position"]]
        reason = why_no_row(text) or row["reason"]
        filled.append({**row, "reason": reason, "api_response": masked(text, is_personal=is_personal)})
    return filled
