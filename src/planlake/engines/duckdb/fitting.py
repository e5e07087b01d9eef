"""Finds out which types columns of texts fit: how many cells of each hold something, and what type they could have.

All columns are tried in one statement, as one long column: a statement with terms for each takes longer to plan than
to run.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from planlake.engines.duckdb.casting import cast_expression
from planlake.engines.duckdb.connection import Connection
from planlake.engines.sql import literal

NARROWEST_FIRST = ("integer", "long", "double", "timestamp", "timestamp_utc", "boolean")


@dataclass(frozen=True, slots=True)
class Fit:
    """One text column: cells that hold something, how many of those do not cast to the wanted type, and one of them.

    `fits` is the narrowest type that all of them cast to; empty where nothing is filled.
    """

    filled: int = 0
    bad: int = 0
    example: str = ""
    fits: str = ""


def fit_types(connection: Connection, texts: pa.Table, wanted: Mapping[str, str]) -> dict[str, Fit]:
    """What the text columns named in `wanted` hold, and which types that fits; `wanted` are the types to cast to."""
    columns = [name for name in texts.column_names if name in wanted]
    if not columns or not len(texts):
        return dict.fromkeys(columns, Fit())
    kinds = ["double" if wanted[name] == "float" else wanted[name] for name in columns]
    with connection.cursor() as cursor:
        cursor.register("cells", _cells(texts, columns))
        cursor.register("wanted", pa.table({"number": pa.array(range(len(kinds)), pa.int32()), "kind": kinds}))
        rows = cursor.execute(_query()).fetchall()
    found = {}
    for number, filled, bad, example, *fits in rows:
        narrowest = (kind for kind, is_one in zip(NARROWEST_FIRST, fits, strict=True) if is_one)
        found[columns[number]] = Fit(filled, bad, example or "", next(narrowest, "text"))
    return {name: found.get(name, Fit()) for name in columns}


def _cells(texts: pa.Table, columns: list[str]) -> pa.Table:
    """All cells below each other, each with the number of its column."""
    size = len(texts)
    numbers = [pa.repeat(pa.scalar(number, pa.int32()), size) for number in range(len(columns))]
    values = [chunk.cast(pa.string()) for name in columns for chunk in texts[name].chunks]
    return pa.table({"number": pa.chunked_array(numbers), "value": pa.chunked_array(values, pa.string())})


def _query() -> str:
    casts = ", ".join(f"{cast_expression('value', kind)} is not null as is_{kind}" for kind in NARROWEST_FIRST)
    cases = " ".join(f"when {literal(kind)} then is_{kind}" for kind in NARROWEST_FIRST)
    fits = ", ".join(f"bool_and(is_{kind})" for kind in NARROWEST_FIRST)
    return f"""
        with tried as (select number, kind, value, {casts} from cells join wanted using (number) where value <> ''),
        marked as (select *, case kind {cases} else true end as is_good from tried)
        select number, count(*), count(*) filter (not is_good), min(value) filter (not is_good), {fits}
        from marked group by number"""
