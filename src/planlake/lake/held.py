"""What is held already: in go rows on their way into raw, out come those that say something new.

Held is the latest version of an id: in `current_`, or in raw above what `current_` has applied. The work is
proportional to the rows that arrive: only the ranges of their ids are read.
"""

import pyarrow as pa
from pyiceberg.expressions import AlwaysTrue, BooleanExpression
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table
from pyiceberg.types import StringType

from planlake.engines.duckdb import Connection
from planlake.engines.sql import identifier
from planlake.lake.files import bookmark, data_files, is_between
from planlake.lake.lake import Lake
from planlake.lake.ledger import raw_files, raw_rows_sql
from planlake.lake.reading import rows_sql

NOTHING_HELD = """
    select null::varchar as record_id, null::varchar as record_hash, 0 as batch"""


def keep_new(lake: Lake, connection: Connection, resource: str, key: str, rows: pa.Table) -> pa.Table:
    """The rows whose id has another version than the one held; all versions of an id that brings several.

    `rows` has the columns `record_id` and `record_hash`; exact repeats among them are kept once.
    """
    current = lake.find("refined", f"current_{resource}")
    applied = bookmark(current)
    files = raw_files(lake, resource, applied)
    with connection.cursor() as cursor:
        cursor.register("arriving", rows.select(["record_id", "record_hash"]))
        held = [NOTHING_HELD]
        if files:
            held.append(_in_raw(lake, files, resource, applied))
        if current is not None:
            held.append(_in_current(current, key, rows))
        query = f"""
            with versions as (
                select *, batch = max(batch) over (partition by record_id) as is_newest
                from ({" union all ".join(held)})),
            held as (  -- of several versions in one batch the winner depends on more than is known here: none is held
                select record_id, case when min(record_hash) = max(record_hash) then min(record_hash) end as record_hash
                from versions where is_newest group by record_id),
            numbered as (select record_id, record_hash, row_number() over () - 1 as row from arriving),
            distinct_rows as (  -- of exact repeats the last, as the last of a batch wins
                select record_id, record_hash, max(row) as row from numbered group by record_id, record_hash),
            unchanged as (
                select record_id from distinct_rows join held using (record_id)
                group by record_id having coalesce(bool_and(distinct_rows.record_hash = held.record_hash), false))
            select row from distinct_rows anti join unchanged using (record_id) order by row"""
        new = cursor.sql(query).to_arrow_table()["row"]
    return rows.take(new) if len(new) < len(rows) else rows


def _in_raw(lake: Lake, files: list[DataFile], resource: str, applied: int) -> str:
    columns = ("resource", "batch", "request_id", "record_id", "record_hash")
    counted = raw_rows_sql(lake, files, resource, applied, columns=columns)
    return f"select record_id, record_hash, batch from {counted}"


def _in_current(current: Table, key: str, rows: pa.Table) -> str:
    schema = current.schema()
    columns = (key, "record_hash", "batch")
    reading = rows_sql(data_files(current, where=_around(current, key, rows)), schema, columns=columns)
    return f"""select {identifier(key)}::varchar, record_hash, batch
               from {reading} where {identifier(key)}::varchar in (select record_id from arriving)"""


def _around(current: Table, key: str, rows: pa.Table) -> BooleanExpression:
    """A filter for the span of arriving ids, so that files that cannot hold them are not opened."""
    if isinstance(current.schema().find_type(key), StringType):
        return AlwaysTrue()
    numbers = [int(text) for text in rows["record_id"].to_pylist() if text and text.isascii() and text.isdigit()]
    if not numbers:
        return AlwaysTrue()
    return is_between(key, min(numbers), max(numbers))
