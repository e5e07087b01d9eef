"""Proves that a load did its work: compares the rows a system ended with, and says how many cells that were.

Counted are rows, distinct ids and rows last updated on the day; and some records are compared with what was served,
cell by cell in their types: changed or new ones, one that holds a cell that does not cast, the first and the last. A
wrong result ends the measurement.
"""

import json
import sys
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import duckdb

from planlake.sources.catalogue import load_catalogue
from records import (
    BAD_COLUMN,
    BAD_EVERY,
    CHANGED_APPLICATIONS,
    DAY,
    NEW_DOCUMENTS,
    SIZES,
    UNDECLARED,
    changed_ids,
    full_ids,
    record,
)

DROPPED = "gis_map_image_base64"


def verify(system: str, state: str, resource: str, rows: str) -> int:
    """Compare a result with what was served; gives the number of cells compared."""
    counts = f"select count(*), count(distinct id), count(*) filter (last_updated::date = date '{DAY}') from {rows}"
    found = duckdb.sql(counts).fetchall()[0]
    if found != expected_counts(resource, state):
        sys.exit(f"{system}, {state}, {resource}: {found} is not {expected_counts(resource, state)}")
    ids = samples(resource, state)
    held = duckdb.sql(f"select * from {rows} where id in ({', '.join(map(str, ids))})").to_arrow_table().to_pylist()
    by_id = {row["id"]: row for row in held}
    cells = 0
    for identity, is_changed in ids.items():
        served = json.loads(record(resource, identity, changed=is_changed))
        for column, value in typed(resource, served).items():
            if plain(by_id[identity].get(column)) != value:
                sys.exit(
                    f"{system}, {state}: {resource} {identity} {column}: {by_id[identity].get(column)!r} {value!r}"
                )
            cells += 1
    return cells


def expected_counts(resource: str, state: str) -> tuple[int, int, int]:
    """Rows, distinct ids, rows last updated on the day."""
    rows = SIZES[resource]
    if state == "full":
        return rows, rows, 0
    if resource == "applications":
        return rows, rows, CHANGED_APPLICATIONS
    return rows + NEW_DOCUMENTS, rows + NEW_DOCUMENTS, NEW_DOCUMENTS


def samples(resource: str, state: str) -> dict[int, bool]:
    """Ids to compare, and whether the day brought them."""
    ids = full_ids(resource)
    bad = next((identity for identity in ids if identity % BAD_EVERY == 7), ids[0])
    changed = set(changed_ids(resource, state)) if state != "full" else set()
    chosen = {ids[0], ids[-1], bad, *sorted(changed)[:2]}
    return {identity: identity in changed for identity in sorted(chosen)}


def typed(resource: str, served: Mapping[str, str | None]) -> dict[str, Any]:
    """The values of a record in the types of the catalogue, made by Python."""
    declared = load_catalogue("tascomi").resources[resource].columns
    columns = {**declared, **dict.fromkeys(UNDECLARED.get(resource, ()), "text")}
    return {name: cast(served[name], kind, name) for name, kind in columns.items() if name != DROPPED}


def cast(value: str | None, kind: str, column: str) -> Any:  # noqa: ANN401
    """One value; the cell that does not cast is NULL."""
    if value is None or kind == "text":
        return value
    if column == BAD_COLUMN and value == "n/a":
        return None
    if kind in ("integer", "long"):
        return int(value)
    if kind in ("float", "double"):
        return float(value)
    return value == "t" if kind == "boolean" else datetime.fromisoformat(value)


def plain(value: Any) -> Any:  # noqa: ANN401
    """A value as compared: dlt's timestamps have a zone, always UTC; PyAirbyte's numbers are decimals."""
    if isinstance(value, Decimal):
        return float(value)
    return value.replace(tzinfo=None) if isinstance(value, datetime) else value
