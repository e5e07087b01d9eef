"""DuckDB: in go files of JSON records, out come typed Arrow tables and the cells that did not cast.

One statement takes records apart, one casts them; both work on whole columns. Which values a type accepts stands in
`casts`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from planlake.engines.casts import CASTS, FALSE_TEXTS, TRUE_TEXTS
from planlake.engines.spill import spill_folder
from planlake.engines.sql import identifier, literal

Connection = duckdb.DuckDBPyConnection
# Joins keep the sides they are written with: of files without statistics the optimizer takes either side for one row,
# and would put the wide one into memory.
KEPT_SIDES = "build_side_probe_side"
# Of rows with `is_regular` and `api_response`; other rows DuckDB may not be able to read at all.
SAYS_A_KEY_TWICE = """case when is_regular
    then len(json_keys(api_response)) > len(list_distinct(json_keys(api_response))) else false end"""


@dataclass(frozen=True, slots=True)
class BadCells:
    """The cells of one column that did not cast: where they stand in the batch and what they hold."""

    column: str
    wanted_type: str
    positions: pa.Array
    values: pa.Array


@contextmanager
def connected(memory_limit_megabytes: int) -> Iterator[Connection]:
    """An in-memory DuckDB that spills to this process's folder beyond its memory limit; for SQL of our own only.

    What users write is carried out on a connection of `locked`.
    """
    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": f"{memory_limit_megabytes}MB",
        "temp_directory": str(spill_folder()),
        "python_enable_replacements": False,  # a name in a query is a table, never a variable of ours
    }
    with duckdb.connect(config=settings) as connection:
        connection.execute(f"set disabled_optimizers = '{KEPT_SIDES}'")
        yield connection


def parse_records(connection: Connection, rows: str, keys: Mapping[str, str]) -> pa.Table | None:
    """Take regular records apart: columns named by `keys` (key of the API to column name) as text, then all others.

    `rows` is a table expression with `is_regular` and `api_response`; these two are consumed. None where a record says
    a key twice: such rows must be left out, DuckDB would take the first value and everybody else takes the last.
    """
    structure = "{" + ",".join(f'{json.dumps(key)}:"VARCHAR"' for key in keys) + "}"
    try:  # the strict way is as quick, and refuses a key said twice; but it also refuses a record without some key
        read = _parsed(connection, rows, f"from_json_strict(api_response, {literal(structure)})")
    except (duckdb.InvalidInputException, UnicodeDecodeError):  # its message may end within a character
        if connection.execute(f"select true from {rows} where {SAYS_A_KEY_TWICE} limit 1").fetchall():
            return None
        read = _parsed(connection, rows, f"from_json(api_response, {literal(structure)})")
    parsed = read["parsed"].combine_chunks() if read.num_rows else pa.array([], read.schema.field("parsed").type)
    columns = dict(zip(keys.values(), parsed.flatten(), strict=True))
    own = {name: read[name] for name in read.column_names if name != "parsed"}
    return pa.table({**columns, **own})


def _parsed(connection: Connection, rows: str, parsed: str) -> pa.Table:
    query = f"select * exclude (is_regular, api_response), {parsed} as parsed from {rows}"
    return connection.sql(query).to_arrow_table().combine_chunks()


def found_keys(connection: Connection, rows: str) -> list[str]:
    """Every key that occurs in records, sorted."""
    query = f"select distinct unnest(json_keys(api_response)) as key from {rows} order by key"
    return [str(row[0]) for row in connection.execute(query).fetchall()]


def keys_and_others(connection: Connection, rows: str) -> tuple[set[str], list[str]]:
    """Every key that occurs in regular records, and the texts of all other records, each once."""
    found = "case when is_regular then json_keys(api_response) else [api_response] end"
    query = f"select distinct is_regular, unnest({found}) from {rows}"
    either = connection.execute(query).fetchall()
    return {text for is_regular, text in either if is_regular}, [text for is_regular, text in either if not is_regular]


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


def tried(connection: Connection, rows: str, types: Mapping[str, str]) -> dict[str, TriedCells]:
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
