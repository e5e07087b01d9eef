"""Finds which keys the records of a resource have, and which of its types are doubtful.

Which keys came stands in the tables' schemas and in `drift`, which typed cells did not cast in `uncastable`. Only
columns of which another type is documented than the one they have are read, once: from `current_` where they are kept
as text, from raw where they are not, as a cast can only be tried on what was sent.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pyiceberg.table import Table

from planlake.checks.examples import as_example, for_example
from planlake.engines.duckdb.casting import TriedCells, try_casts
from planlake.engines.duckdb.reading import rows_sql, type_name
from planlake.engines.sql import identifier, literal
from planlake.flow.context import Context
from planlake.flow.refine.column_drift import not_sent
from planlake.flow.refine.store_findings import StoredResource, is_any_of, withheld_types
from planlake.lake.built_in_tables import built_in_rows_sql
from planlake.lake.metadata.filters import is_equal
from planlake.lake.tables.columns import TYPES, keys_of
from planlake.lake.tables.data_files import data_files
from planlake.lake.tables.version_summary import bookmark
from planlake.sources.catalogue import Resource

STRAY_CELLS = 2  # so few say nothing about a type


@dataclass(frozen=True, slots=True)
class Observed:
    """The keys that records have, None where none was loaded, and why values speak against a documented type."""

    sent: frozenset[str] | None
    contradicted: Mapping[str, str]


def observe_columns(context: Context, resource: Resource, types: Mapping[str, str]) -> Observed:
    """What the records received of a resource say about the documented `types`."""
    increment = context.lake.shown("refined", f"increment_{resource.name}")
    if increment is None:
        return Observed(None, {})
    columns = keys_of(increment.schema())
    kinds = {field.name: type_name(field) for field in increment.schema().fields}
    typed = {key: columns[key] for key, kind in types.items() if key in columns and kind != "text"}
    others = {key: column for key, column in typed.items() if kinds[column] != TYPES[types[key]]}
    as_text = {column: types[key] for key, column in others.items() if kinds[column] == TYPES["text"]}
    sent_as = {key: column for key, column in others.items() if column not in as_text}
    current = context.lake.shown("refined", f"current_{resource.name}")
    uncastable = _uncastable(context, resource, increment=increment, current=current)
    cells = {column: found for column, found in uncastable.items() if column not in others.values()}
    cells |= _tried(context, current, as_text)
    cells |= _tried_as_sent(
        context, resource, current=current, columns=sent_as, types={sent_as[key]: types[key] for key in sent_as}
    )
    limit = context.config.settings.uncastable_percent
    contradicted = {
        key: _said(resource, key, cells=cells[column], type_name=types[key])
        for key, column in typed.items()
        if column in cells and _is_contradicted(cells[column], limit)
    }
    if increment.current_snapshot() is None:
        return Observed(None, contradicted)
    missing = not_sent(context, resource.name)
    return Observed(frozenset(key for key, column in columns.items() if column not in missing), contradicted)


def _is_contradicted(cells: TriedCells, percent: float) -> bool:
    return cells.bad > STRAY_CELLS and 100 * cells.bad > percent * cells.filled


def _said(resource: Resource, key: str, *, cells: TriedCells, type_name: str) -> str:
    example = as_example(cells.example, is_personal=resource.is_personal(key))
    return f"{cells.bad} of {cells.filled} values are not {type_name}{for_example(example)}"


def _tried(context: Context, current: Table | None, types: Mapping[str, str]) -> dict[str, TriedCells]:
    """Text columns of the latest versions, tried as these types."""
    if current is None or not types:
        return {}
    rows = rows_sql(data_files(current), current.schema(), columns=(*types, "is_deleted"))
    with context.connection.cursor() as cursor:
        return try_casts(cursor, f"(select * from {rows} where not is_deleted)", types)


def _tried_as_sent(
    context: Context, resource: Resource, *, current: Table | None, columns: Mapping[str, str], types: Mapping[str, str]
) -> dict[str, TriedCells]:
    """What was sent of the latest versions under these keys, tried as other types than the `columns` have.

    Records that are not regular are left out: the engine may not be able to read them.
    """
    if current is None or not columns:
        return {}
    names = ("resource", "request_id", "position", "is_regular", "api_response")
    raw = built_in_rows_sql(
        context.lake, "raw", "api_responses", columns=names, where=is_equal("resource", resource.name)
    )
    places = ("import_request_id", "import_position", "is_deleted")
    latest = rows_sql(data_files(current), current.schema(), columns=places)
    values = ", ".join(
        f"json_extract_string(api_response, {literal(_pointer(key))}) as {identifier(column)}"
        for key, column in columns.items()
    )
    rows = f"""(select {values} from {raw} where resource = {literal(resource.name)} and is_regular
        and (request_id, position) in
            (select (import_request_id, import_position) from {latest} where not is_deleted))"""
    with context.connection.cursor() as cursor:
        return try_casts(cursor, rows, types)


def _pointer(key: str) -> str:
    """A key as a JSON pointer, which takes every sign for itself but two."""
    return "/" + key.replace("~", "~0").replace("/", "~1")


def _uncastable(
    context: Context, resource: Resource, *, increment: Table, current: Table | None
) -> dict[str, TriedCells]:
    """Cells of typed columns that did not cast, of the latest versions and of those that are held back."""
    names = ("resource", "batch", "column", "raw_value", "wanted_type", "request_id", "position")
    where = is_equal("resource", resource.name)
    cells = built_in_rows_sql(context.lake, "operations", "uncastable", columns=names, where=where)
    latest = "(select null::bigint as import_request_id, null::integer as import_position where false)"
    if current is not None:
        latest = rows_sql(data_files(current), current.schema(), columns=("import_request_id", "import_position"))
    stored = StoredResource(context.lake, context.connection, resource.name)
    others = withheld_types(stored, until=bookmark(increment))
    query = f"""
        select "column", count(*), min(raw_value) from {cells}
        where resource = {literal(resource.name)} and not {is_any_of(others)} and (batch > {bookmark(increment)}
            or (request_id, position) in (select (import_request_id, import_position) from {latest}))
        group by 1"""
    with context.connection.cursor() as cursor:
        found = cursor.execute(query).fetchall()
        filled = _filled(context, current, [column for column, _, _ in found])
    return {column: TriedCells(bad + filled.get(column, 0), bad, example) for column, bad, example in found}


def _filled(context: Context, current: Table | None, columns: list[str]) -> dict[str, int]:
    """How many of the latest versions have a value, by column."""
    known = [column for column in columns if current is not None and column in current.schema().column_names]
    if current is None or not known:
        return {}
    figures = ", ".join(f"count({identifier(column)})" for column in known)
    rows = rows_sql(data_files(current), current.schema(), columns=known)
    with context.connection.cursor() as cursor:
        counts = cursor.execute(f"select {figures} from {rows}").fetchall()[0]
    return dict(zip(known, counts, strict=True))
