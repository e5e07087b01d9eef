"""How full each column of a table is and which codes occur most, counted once for each version of the table.

Values are shown of few columns: those that are true or false, and those that the source lists as codes (`codes.csv`).
A value that fewer than five rows have is left out, and so is one that does not look like a code.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

from planlake.engines.duckdb.connection import Connection
from planlake.engines.duckdb.reading import rows_sql, type_name
from planlake.engines.sql import identifier
from planlake.lake.tables.columns import REFINED_OWN, key_by_column
from planlake.lake.tables.data_files import data_files
from planlake.report.pages.figures.kept import Counted, Profile, unless_damaged
from planlake.report.pages.figures.lake_facts import LakeFacts
from planlake.sources.catalogue import Resource

if TYPE_CHECKING:
    from pyiceberg.schema import Schema
    from pyiceberg.table import Table

COMMON, LEAST_ROWS = 3, 5
AT_ONCE = 20  # columns whose values DuckDB counts together: it takes some megabytes for each
LOOKS_LIKE_A_CODE = "[A-Za-z0-9_.-]{1,12}"


def columns_shown(schema: "Schema") -> list[str]:
    """The vendor's columns of a refined table, in its order."""
    return [name for name in schema.column_names if name not in REFINED_OWN]


def values_shown(resource: Resource, keys: Mapping[str, str], codes: Collection[str]) -> frozenset[str]:
    """The columns whose values may stand on a page; `keys` has the API's key of each column of the table."""
    return frozenset(
        column
        for column, key in keys.items()
        if key in resource.columns
        and key != resource.key
        and not resource.may_name_people(key, codes)
        and (resource.columns[key] == "boolean" or key in codes)
    )


def profile_of(facts: LakeFacts, resource: Resource, codes: Collection[str]) -> Profile | None:
    """What is counted of the version of a table that people see; None where it was never loaded, or is damaged."""
    table = facts.table("refined", f"current_{resource.name}")
    version = table.current_snapshot() if table is not None else None
    if table is None or version is None:
        return None
    shown = values_shown(resource, key_by_column(table.schema(), resource), codes)
    rules = hashlib.sha256("\n".join(sorted(shown)).encode()).hexdigest()[:12]
    place = f"{table.metadata.table_uuid}/{version.snapshot_id}/{rules}"
    return unless_damaged(
        lambda: facts.kept.of(facts.kept.profiles, place, lambda: _counted(facts.connection, table, shown)), None
    )


def _counted(connection: Connection, table: "Table", shown: Collection[str]) -> Profile:
    names, schema = columns_shown(table.schema()), table.schema()
    rows = f"(select * from {rows_sql(data_files(table), schema)} where not is_deleted)"
    kinds = {name: type_name(schema.find_field(name)) for name in names}
    terms = ["count(*)", *(_filled(name, kinds[name]) for name in names)]
    count, *filled = _one_row(connection, rows, terms)
    common = _common(connection, rows, {name: kinds[name] for name in names if name in shown})
    return Profile(
        count, {name: Counted(number, common.get(name, ())) for name, number in zip(names, filled, strict=True)}
    )


def _filled(name: str, kind: str) -> str:
    """An empty text holds nothing."""
    return f"count(nullif({identifier(name)}, ''))" if kind == "string" else f"count({identifier(name)})"


def _common(connection: Connection, rows: str, kinds: Mapping[str, str]) -> dict[str, tuple[tuple[str, int], ...]]:
    """The most common values of columns, by column; of equal ones those first that sort first as texts."""
    found: dict[str, dict[str, int]] = {}
    truths = [name for name, kind in kinds.items() if kind == "boolean"]
    other = {"true": "false", "false": "true"}  # nullif is three times as fast as a filter
    counts = [f"count(nullif({identifier(name)}, {other[value]}))" for name in truths for value in other]
    for (name, value), rows_with in zip(
        product(truths, ("true", "false")), _one_row(connection, rows, counts), strict=True
    ):
        found.setdefault(name, {})[value] = rows_with
    codes = [name for name in kinds if name not in truths]
    for start in range(0, len(codes), AT_ONCE):
        some = codes[start : start + AT_ONCE]
        terms = [f"histogram({_code(name, kinds[name])})" for name in some]
        found |= {name: counts or {} for name, counts in zip(some, _one_row(connection, rows, terms), strict=True)}
    return {name: _most(counts) for name, counts in found.items()}


def _most(counts: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    often = [(value, rows) for value, rows in counts.items() if rows >= LEAST_ROWS]
    return tuple(sorted(often, key=lambda one: (-one[1], one[0]))[:COMMON])


def _one_row(connection: Connection, rows: str, terms: Sequence[str]) -> tuple[Any, ...]:
    found: list[tuple[Any, ...]] = (
        connection.execute(f"select {', '.join(terms)} from {rows}").fetchall() if terms else [()]
    )
    return found[0]


def _code(name: str, kind: str) -> str:
    column = identifier(name)
    if kind == "string":
        return f"case when regexp_full_match({column}, '{LOOKS_LIKE_A_CODE}') then {column} end"
    return f"{column}::varchar"
