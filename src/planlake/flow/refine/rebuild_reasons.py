"""Finds out whether a table has to be built again from raw, because the catalogue or Planlake changed since.

Two reasons are looked for on every run: columns that have another type in the catalogue than in the table, and refused
records that are usable now. `recast` also looks at every cell that did not cast.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import pyarrow as pa

from planlake.engines.duckdb.casting import cast_columns
from planlake.engines.duckdb.reading import type_name
from planlake.errors import ConfigurationError
from planlake.flow.refine.store_findings import StoredResource, findings, received_texts, withheld_types
from planlake.lake.state.ledger import raw_files
from planlake.lake.tables.columns import TYPES, Column, columns_of, iceberg_type
from planlake.lake.tables.version_summary import bookmark
from planlake.sources.catalogue import Resource
from planlake.sources.records import texts_of

if TYPE_CHECKING:
    from pyiceberg.table import Table
    from pyiceberg.types import IcebergType

RebuildWhen = Literal["if changed", "if affected", "always"]


@dataclass(frozen=True, slots=True)
class RebuildReasons:
    """Why a table is to be built again from raw (no reason: it is not), and the columns that get another type then."""

    reasons: tuple[str, ...] = ()
    types: Mapping[str, "IcebergType"] = field(default_factory=dict)


def rebuild_reasons(
    stored: StoredResource, resource: Resource, table: "Table | None", *, when: RebuildWhen = "if changed"
) -> RebuildReasons:
    """What has changed for the rows a table holds already; "if affected" tries the cells that did not cast again.

    "always" is a reason in itself. Raises ConfigurationError where the key has another type: the ranges of the table
    are made of it.
    """
    if table is None or table.current_snapshot() is None:
        return RebuildReasons()
    columns, applied = columns_of(table.schema(), resource), bookmark(table)
    types = _other_types(table, columns)
    if resource.key in types:
        raise _key_with_another_type(table, resource)
    reasons = [f"{column} is {name} now" for column, name in types.items()]
    usable = _usable_now(stored, applied, key=resource.key, type_name=resource.type_of(resource.key))
    reasons += [f"{usable} refused records are usable now"] if usable else []
    if when == "if affected" and not reasons:
        personal = {column.name for column in columns if resource.is_personal(column.key)}
        castable = _castable_now(stored, columns, applied, personal=personal)
        reasons += [f"{count} values of {column} cast now" for column, count in castable.items()]
    reasons += ["asked for"] if when == "always" else []
    return RebuildReasons(tuple(reasons), {column: iceberg_type(name) for column, name in types.items()})


def _other_types(table: "Table", columns: Sequence[Column]) -> dict[str, str]:
    """Columns of the table that have another type in the catalogue, with that type."""
    held = {field.name: type_name(field) for field in table.schema().fields}
    return {one.name: one.type for one in columns if one.name in held and held[one.name] != TYPES[one.type]}


def _key_with_another_type(table: "Table", resource: Resource) -> ConfigurationError:
    held = type_name(table.schema().find_field(resource.key))
    known = next(name for name, kind in TYPES.items() if kind == held)
    message = f"the type of a key cannot change once a table is loaded: declare {resource.key} as {known} again"
    facts = {"resource": resource.name, "type": resource.type_of(resource.key)}
    return ConfigurationError(
        message, facts=facts, state="The table is as it was", hint=f"planlake run {resource.name}"
    )


def _usable_now(stored: StoredResource, applied: int, *, key: str, type_name: str) -> int:
    """How many records that were refused once have a usable id now."""
    refused = findings(stored, "rejected", "request_id, position", where=f"batch <= {applied}")
    if not len(refused):
        return 0
    files = raw_files(stored.lake, stored.name, 0, request_ids=refused["request_id"].unique().to_pylist())
    texts = received_texts(stored, files, above_batch=0, wanted=refused)
    records = [texts_of(text) for text in texts.values()]
    return _castable(stored, [record.get(key) for record in records if record is not None], type_name)


def _castable_now(
    stored: StoredResource, columns: Sequence[Column], applied: int, *, personal: Collection[str]
) -> dict[str, int]:
    """Cells of the table that did not cast and do now, by column; those of personal columns are masked: not tried."""
    withheld = set(withheld_types(stored, until=applied))
    types = {column.name: column.type for column in columns}
    values: dict[str, list[str]] = {}
    for cell in findings(stored, "uncastable", '"column", raw_value, wanted_type').to_pylist():
        column = cell["column"]
        if column in types and column not in personal and (column, cell["wanted_type"]) not in withheld:
            values.setdefault(column, []).append(cell["raw_value"])
    found = {column: _castable(stored, of, types[column]) for column, of in values.items()}
    return dict(+Counter(found))


def _castable(stored: StoredResource, values: Iterable[str | None], type_name: str) -> int:
    texts = pa.table({"value": pa.array(list(values), pa.string())})
    with stored.connection.cursor() as cursor:
        typed = cast_columns(cursor, texts, {"value": type_name})["value"]
    return len(typed) - int(typed.null_count)
