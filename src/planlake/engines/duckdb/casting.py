"""Casting columns of texts to their types, and finding the cells that do not cast."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from planlake.engines.casts import CASTS, FALSE_TEXTS, TRUE_TEXTS
from planlake.engines.duckdb.connection import Connection
from planlake.engines.sql import identifier, literal


@dataclass(frozen=True, slots=True)
class BadCells:
    """The cells of one column that did not cast: where they stand in the batch and what they hold."""

    column: str
    wanted_type: str
    positions: pa.Array
    values: pa.Array


def cast_columns(connection: Connection, texts: pa.Table, types: Mapping[str, str]) -> pa.Table:
    """Cast the columns named in `types`; all other columns stay as they are and keep their place.

    All columns of one type are cast as one long column: a statement of 475 terms takes longer to plan than to run.
    """
    columns = dict(zip(texts.column_names, texts.columns, strict=True))
    for type_name in set(types.values()) - {"text"}:
        names = [name for name in texts.column_names if types.get(name) == type_name]
        columns.update(zip(names, _cast(connection, [texts[name] for name in names], type_name), strict=True))
    return pa.table(columns)


def _cast(connection: Connection, columns: Sequence[pa.ChunkedArray], type_name: str) -> Iterator[pa.ChunkedArray]:
    chunks = [chunk for column in columns for chunk in column.chunks]
    values = pa.chunked_array(chunks, columns[0].type if columns else pa.string())
    with connection.cursor() as cursor:
        cursor.register("texts", pa.table({"value": values}))
        typed = cursor.sql(f"select {_cast_sql('value', type_name)} from texts").to_arrow_table()["value"]
    size = len(values) // max(1, len(columns))
    return (typed.slice(number * size, size).combine_chunks() for number in range(len(columns)))


@dataclass(frozen=True, slots=True)
class TriedCells:
    """The cells of one text column tried as another type: how many hold something, how many do not cast, and one."""

    filled: int
    bad: int
    example: str


def try_casts(connection: Connection, rows: str, types: Mapping[str, str]) -> dict[str, TriedCells]:
    """What would not cast if the text columns named in `types` had these types; nothing is kept in memory."""
    if not types:
        return {}
    figures = []
    for column, type_name in types.items():
        name = identifier(column)
        is_bad = f"{name} <> '' and {cast_expression(column, type_name)} is null"
        figures += [f"count(nullif({name}, ''))", f"count(*) filter ({is_bad})", f"min({name}) filter ({is_bad})"]
    found = connection.execute(f"select {', '.join(figures)} from {rows}").fetchall()[0]
    cells = (TriedCells(found[at], found[at + 1], found[at + 2] or "") for at in range(0, len(found), 3))
    return dict(zip(types, cells, strict=True))


def bad_cells(texts: pa.Table, typed: pa.Table, types: Mapping[str, str]) -> list[BadCells]:
    """Cells that hold text, are not empty and came out as NULL; free where a column has none."""
    found = []
    for column, wanted in types.items():
        before, after = texts[column], typed[column]
        if wanted == "text" or before.null_count == after.null_count:
            continue
        import pyarrow.compute as pc  # noqa: PLC0415 - makes some hundred functions, needed where a cell is bad

        is_bad = pc.and_(pc.and_(before.is_valid(), after.is_null()), pc.not_equal(before, ""))
        positions = pc.indices_nonzero(pc.fill_null(is_bad, fill_value=False))
        if len(positions):
            found.append(BadCells(column, wanted, positions, before.take(positions)))
    return found


def _cast_sql(column: str, type_name: str) -> str:
    return f"{cast_expression(column, type_name)} as {identifier(column)}"


def cast_expression(column: str, type_name: str) -> str:
    """An expression that is the value of a text column as this type, NULL where it does not cast."""
    name = identifier(column)
    if type_name == "boolean":
        return (
            f"case when regexp_full_match({name}, {literal(TRUE_TEXTS)}) then true "
            f"when regexp_full_match({name}, {literal(FALSE_TEXTS)}) then false end"
        )
    cast = CASTS[type_name]
    matches = f"regexp_full_match({name}, {literal(cast.accepts)})"
    return f"case when {matches} then try_cast({name} as {cast.sql_type}) end"
