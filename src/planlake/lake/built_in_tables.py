"""The SQL that reads a built-in table (one of raw or operations); of a preview, its own rows and its base's.

And what stands for a refined table that was never loaded.

Columns are matched by field id, so a renamed or re-added column is never confused with another.
"""

from collections.abc import Collection

from planlake.engines.duckdb.reading import Called, path_of, rows_sql
from planlake.engines.sql import literal
from planlake.lake.lake import Lake
from planlake.lake.metadata.filters import EVERYTHING, Filter
from planlake.lake.tables.columns import TABLES, ResourceSpec, declared_columns, keys_of
from planlake.lake.tables.data_files import data_files

OF_ONE_LAKE = ("runs", "journal", "previewed")


def built_in_rows_sql(
    lake: Lake,
    zone: str,
    name: str,
    *,
    columns: Collection[str] | None = None,
    where: Filter = EVERYTHING,
    called: Called = path_of,
) -> str:
    """A table expression over a built-in table; no rows where nothing was ever written to it.

    `where` only spares files that hold no such row. A preview shows its own rows of resources it has entered, and its
    base's of all others; what ran, of itself alone.
    """
    table = lake.find(zone, name)
    schema = table.schema() if table is not None else declared_columns(TABLES[zone, name])
    wanted = columns if columns is None or lake.base is None else {*columns, "resource"}
    files = data_files(table, where=where) if table is not None else []
    own = rows_sql(files, schema, columns=wanted, called=called)
    if lake.base is None or name in OF_ONE_LAKE:
        return own
    others = built_in_rows_sql(lake.base, zone, name, columns=wanted, where=where, called=called)
    entered = ", ".join(map(literal, ["", *sorted(lake.own)]))
    return f"""(select * from {own} where resource in ({entered})
                union all by name select * from {others} where resource not in ({entered}))"""


def may_have_rows(lake: Lake, zone: str, name: str, *, where: Filter) -> bool:
    """Whether a built-in table has files that may hold such rows; of a preview, or its base's has."""
    table = lake.find(zone, name)
    is_there = table is not None and bool(data_files(table, where=where))
    return is_there or (lake.base is not None and may_have_rows(lake.base, zone, name, where=where))


def no_rows_sql(resource: ResourceSpec) -> str:
    """A query with the declared columns of a resource and no rows."""
    names = keys_of(None, resource)
    return (
        f"select * from {rows_sql([], declared_columns({names[key]: kind for key, kind in resource.columns.items()}))}"
    )
