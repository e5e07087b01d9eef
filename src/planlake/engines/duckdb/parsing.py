"""Taking JSON records apart into one column of texts for each key."""

import json
from collections.abc import Callable, Iterable, Mapping

import duckdb
import pyarrow as pa

from planlake.engines.duckdb.connection import Connection
from planlake.engines.sql import literal

TextsOf = Callable[[str], Mapping[str, str | None] | None]  # the text of each key of a record

# Of rows with `is_regular` and `api_response`; other rows DuckDB may not be able to read at all.
SAYS_A_KEY_TWICE = """case when is_regular
    then len(json_keys(api_response)) > len(list_distinct(json_keys(api_response))) else false end"""


def parse_records(connection: Connection, rows: str, keys: Mapping[str, str]) -> pa.Table | None:
    """Take regular records apart: columns named by `keys` (key of the API to column name) as text, then all others.

    `rows` is a table expression with `is_regular` and `api_response`; these two are consumed. None where a record says
    a key twice: such rows must be left out, DuckDB would take the first value and everybody else takes the last.
    """
    structure = structure_of(keys)
    try:  # the strict way is as quick, and refuses a key said twice; but it also refuses a record without some key
        read = _parse(connection, rows, f"from_json_strict(api_response, {literal(structure)})")
    except (duckdb.InvalidInputException, UnicodeDecodeError):  # its message may end within a character
        if connection.execute(f"select true from {rows} where {SAYS_A_KEY_TWICE} limit 1").fetchall():
            return None
        read = _parse(connection, rows, f"from_json(api_response, {literal(structure)})")
    parsed = read["parsed"].combine_chunks() if read.num_rows else pa.array([], read.schema.field("parsed").type)
    columns = dict(zip(keys.values(), parsed.flatten(), strict=True))
    own = {name: read[name] for name in read.column_names if name != "parsed"}
    return pa.table({**columns, **own})


def structure_of(keys: Iterable[str]) -> str:
    """What DuckDB is told to take out of a record: these keys, each as text."""
    return "{" + ",".join(f'{json.dumps(key)}:"VARCHAR"' for key in keys) + "}"


def parse_by_python(rows: pa.Table, keys: Mapping[str, str], texts_of: TextsOf) -> pa.Table:
    """Take apart records that DuckDB cannot read as they are: columns named by `keys` as text, then all others.

    `api_response` is consumed. A record that `texts_of` cannot read either has NULL everywhere.
    """
    values = [texts_of(text) or {} for text in rows["api_response"].to_pylist()]
    columns = {column: pa.array([row.get(key) for row in values], pa.string()) for key, column in keys.items()}
    own = {name: rows[name] for name in rows.column_names if name != "api_response"}
    return pa.table({**columns, **own})


def _parse(connection: Connection, rows: str, parsed: str) -> pa.Table:
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
