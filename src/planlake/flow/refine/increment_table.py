"""The table `increment_<resource>`: made, or given the columns that its new records need, before they are written."""

from collections.abc import Sequence

from pyiceberg.table import Table

from planlake.engines.names import column_names
from planlake.errors import QualityError
from planlake.flow.context import Context
from planlake.flow.refine.parsing import RecordKeys
from planlake.lake.tables.columns import REFINED_OWN, iceberg_type, keys_of, schema_of
from planlake.sources.catalogue import Resource

MOST_COLUMNS = 3000  # DuckDB takes a quarter of a megabyte for each


def prepare_table(context: Context, resource: Resource, found: RecordKeys) -> tuple[Table, tuple[str, ...]]:
    """The increment table with a column for every key, and the columns that are new and that nobody declared."""
    name = f"increment_{resource.name}"
    table = context.lake.find("refined", name)
    if found.regular or found.others:
        table = context.lake.find_or_drop_empty("refined", name)
    held = keys_of(table.schema()) if table else keys_of(None, resource)
    unknown = [key for key in (*found.regular, *found.others) if key not in held]
    unknown.sort(key=lambda key: key != resource.changed)  # which keeps its name whether it is declared or not
    new = column_names(unknown, held.values())
    _check_width(resource, len(held), list(new))
    undeclared = [column for key, column in new.items() if key not in resource.columns]
    if table is None:
        vendor = {column: resource.type_of(key) for key, column in {**held, **new}.items()}
        keys = {column: key for key, column in {**held, **new}.items() if key != column}
        schema = schema_of({**vendor, **REFINED_OWN}, keys)
        return context.lake.create("refined", name, schema, bookmarked=True), tuple(undeclared)
    if new:
        with context.lake.commits, table.update_schema() as update:
            for key, column in new.items():
                update.add_column((column,), iceberg_type(resource.type_of(key)), doc=key if key != column else None)
    return table, tuple(undeclared)


def _check_width(resource: Resource, held: int, new: Sequence[str]) -> None:
    """Refuse records that would make a table wider than can be worked with: keys that are values make one each."""
    if new and held + len(new) > MOST_COLUMNS:
        facts = {"table": resource.name, "columns": held, "new": len(new)}  # a key may be somebody's name
        state = "Nothing was published; the last version stays, and raw has what came"
        hint = f'keys that are no columns go under dropped_keys of the catalogue; planlake sql "from {resource.name}"'
        raise QualityError(
            f"new keys would make more than {MOST_COLUMNS:,} columns", facts=facts, state=state, hint=hint
        )
