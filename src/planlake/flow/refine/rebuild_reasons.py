"""What a change of the catalogue or of Planlake affects: in goes a table, out come reasons to build it anew from raw.

Two are looked for on every run: columns that have another type in the catalogue than in the table, and refused records
that are usable now. `recast` also looks at every cell that did not cast.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.table import Table
from pyiceberg.types import IcebergType

from planlake.engines.duckdb.casting import cast_columns
from planlake.engines.sql import identifier, literal
from planlake.errors import ConfigurationError
from planlake.flow.context import Context
from planlake.flow.refine.findings import received, withheld
from planlake.lake.own_rows import own_rows_sql
from planlake.lake.state.ledger import raw_files
from planlake.lake.tables.bookmarks import bookmark
from planlake.lake.tables.columns import TYPES, key_by_column, keys_of
from planlake.lake.tables.filters import is_equal
from planlake.sources.catalogue import Resource
from planlake.sources.records import texts_of

RebuildWhen = Literal["if changed", "if affected", "always"]


@dataclass(frozen=True, slots=True)
class Affected:
    """Why a table is to be built anew (no reason: it is not), and the columns that get another type with it."""

    reasons: tuple[str, ...] = ()
    types: Mapping[str, IcebergType] = field(default_factory=dict)


def affected(context: Context, resource: Resource, *, asked: RebuildWhen = "if changed") -> Affected:
    """What has changed for the rows a table holds already; "if affected" tries the cells that did not cast again.

    "always" is a reason in itself. Raises ConfigurationError where the key has another type: the ranges of the table
    are made of it.
    """
    table = context.lake.find("refined", f"increment_{resource.name}")
    if table is None or table.current_snapshot() is None:
        return Affected()
    types = _retyped(table, resource)
    if resource.key in types:
        held = table.schema().find_type(resource.key)
        known = next(name for name, kind in TYPES.items() if kind == held)
        message = f"the type of a key cannot change once a table is loaded: declare {resource.key} as {known} again"
        facts = {"resource": resource.name, "type": resource.type_of(resource.key)}
        state, hint = "The table is as it was", f"planlake run {resource.name}"
        raise ConfigurationError(message, facts=facts, state=state, hint=hint)
    reasons = [f"{column} is {name} now" for column, name in types.items()]
    usable = _usable_now(context, resource, bookmark(table))
    reasons += [f"{usable} refused records are usable now"] if usable else []
    castable = _castable_now(context, resource, bookmark(table)) if asked == "if affected" and not reasons else {}
    reasons += [f"{count} values of {column} cast now" for column, count in castable.items()]
    reasons += ["asked for"] if asked == "always" else []
    return Affected(tuple(reasons), {column: TYPES[name] for column, name in types.items()})


def _retyped(table: Table, resource: Resource) -> dict[str, str]:
    """Columns of the table that have another type in the catalogue, with that type."""
    schema = table.schema()
    wanted = {column: resource.type_of(key) for key, column in keys_of(schema, resource).items()}
    held = {field.name: field.field_type for field in schema.fields}
    return {column: name for column, name in wanted.items() if column in held and held[column] != TYPES[name]}


def _usable_now(context: Context, resource: Resource, applied: int) -> int:
    """How many records that were refused once have a usable id now."""
    refused = _findings(context, "rejected", resource, ("request_id", "position", "batch"))
    refused = refused.filter(pc.less_equal(refused["batch"], applied)) if len(refused) else refused
    if not len(refused):
        return 0
    files = raw_files(context.lake, resource.name, 0, request_ids=refused["request_id"].unique().to_pylist())
    texts = received(context, resource, files=files, above_batch=0, wanted=refused)
    records = [texts_of(text) for text in texts.values()]
    ids = [record.get(resource.key) for record in records if record is not None]
    return _castable(context, ids, resource.type_of(resource.key))


def _castable_now(context: Context, resource: Resource, applied: int) -> dict[str, int]:
    """Cells of the table that did not cast and do now, by column; those of personal columns are masked: not tried."""
    cells = _findings(context, "uncastable", resource, ("column", "raw_value", "wanted_type"))
    others = set(withheld(context.connection, context.lake, resource.name, until=applied))
    table = context.lake.find("refined", f"increment_{resource.name}")
    keys = key_by_column(table.schema() if table is not None else None, resource)
    by_column: dict[str, list[str]] = {}
    for cell in cells.to_pylist():
        column = cell["column"]
        if (column, cell["wanted_type"]) not in others and not resource.is_personal(keys.get(column, column)):
            by_column.setdefault(column, []).append(cell["raw_value"])
    types = {column: resource.type_of(keys.get(column, column)) for column in by_column}
    found = {column: _castable(context, values, types[column]) for column, values in by_column.items()}
    return dict(+Counter(found))


def _castable(context: Context, values: Iterable[str | None], type_name: str) -> int:
    texts = pa.table({"value": pa.array(list(values), pa.string())})
    with context.connection.cursor() as cursor:
        typed = cast_columns(cursor, texts, {"value": type_name})["value"]
    return len(typed) - int(typed.null_count)


def _findings(context: Context, name: str, resource: Resource, columns: tuple[str, ...]) -> pa.Table:
    where = is_equal("resource", resource.name)
    rows = own_rows_sql(context.lake, "operations", name, columns=(*columns, "resource"), where=where)
    with context.connection.cursor() as cursor:
        names = ", ".join(map(identifier, columns))
        return cursor.sql(f"select {names} from {rows} where resource = {literal(resource.name)}").to_arrow_table()
