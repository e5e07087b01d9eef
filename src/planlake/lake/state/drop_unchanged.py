"""Leaves out, of the rows on their way into raw, those that say nothing new.

A row is compared with the latest version of its id: in `current_`, or in raw above what `current_` has applied. The
work is proportional to the rows that arrive: only the ranges of their ids are read.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table
from pyiceberg.types import IcebergType, IntegerType, LongType, StringType

from planlake.engines.casts import WHOLE, whole_number
from planlake.engines.duckdb.connection import Connection
from planlake.engines.duckdb.reading import rows_sql, sql_type
from planlake.engines.sql import identifier, literal
from planlake.lake.lake import Lake
from planlake.lake.metadata.filters import EVERYTHING, Filter, is_between
from planlake.lake.state.ledger import raw_files, raw_rows_sql
from planlake.lake.state.lost_requests import has_lost, lost_requests_sql
from planlake.lake.tables.columns import ResourceSpec
from planlake.lake.tables.data_files import data_files
from planlake.lake.tables.version_summary import bookmark

LIMITS: dict[type[IcebergType], int] = {IntegerType: 2**31, LongType: 2**63}
PLACE = ("batch", "page_number", "position")
NOTHING_HELD = """select null::varchar as identity, null::varchar as record_hash, 0 as batch, 0 as page_number,
    0 as position"""


def new_rows_of(lake: Lake, connection: Connection, resource: str, *, key: str, rows: pa.Table) -> pa.Table:
    """The rows whose id has another version than the one held; all versions of an id that brings several.

    Exact repeats are kept once, also where the first came in an earlier part of the same batch, in the same place.
    """
    current = lake.find("refined", f"current_{resource}")
    identity = _identity(current, key)
    with connection.cursor() as cursor:
        cursor.register("arriving", rows.select(["record_id", "record_hash", *PLACE]))
        held = [NOTHING_HELD]
        applied = bookmark(current)
        if files := raw_files(lake, resource, applied):
            held.append(_in_raw(lake, files, resource, applied=applied, identity=identity))
        if current is not None:
            held.append(_in_current(lake, current, resource=resource, key=key, rows=rows))
            odd = _is_refused(current, key)
            has_odd = cursor.execute(f"select count(*) from arriving where {odd}").fetchall()[0][0]
            if has_odd and (files := raw_files(lake, resource, 0)):
                held.append(f"{_in_raw(lake, files, resource, applied=0, identity=identity)} where {odd}")
        new = cursor.sql(_new_rows_sql(held, identity)).to_arrow_table()["row"]
    return rows.take(new) if len(new) < len(rows) else rows


def _new_rows_sql(held: Sequence[str], identity: str) -> str:
    return f"""
        with numbered as (
            select {identity} as identity, record_hash, {", ".join(PLACE)}, row_number() over () - 1 as row
            from arriving),
        versions as (
            select *, batch = max(batch) over (partition by identity) as is_newest
            from ({" union all ".join(held)}) semi join numbered using (identity)),
        stored as (  -- a page that was asked for again within a run
            select row from numbered
            semi join versions using (identity, record_hash, {", ".join(PLACE)})),
        held as (  -- of several versions in one batch the winner depends on more than is known here: none is held
            select identity, case when min(record_hash) = max(record_hash) then min(record_hash) end as record_hash
            from versions where is_newest group by identity),
        distinct_rows as (  -- of exact repeats the last, as the last of a batch wins
            select identity, record_hash, max(row) as row from numbered group by identity, record_hash),
        unchanged as (
            select identity from distinct_rows join held using (identity)
            group by identity having coalesce(bool_and(distinct_rows.record_hash = held.record_hash), false))
        select row from distinct_rows anti join unchanged using (identity) anti join stored using (row)
        order by row"""


def _identity(current: Table | None, key: str) -> str:
    """What tells records apart: the id as its type writes it, the hash of the record where it has no id."""
    has_text_ids = current is None or isinstance(current.schema().find_type(key), StringType)
    return f"coalesce({plain_id_sql('record_id', has_text_ids=has_text_ids)}, '#' || record_hash)"


@dataclass(frozen=True, slots=True)
class HeldVersion:
    """The latest version of an id: its batch, whether it is a deletion, its hash.

    The hash is None where its batch brought several versions: which of them wins depends on more than is known here.
    """

    batch: int
    is_deleted: bool
    record_hash: str | None


def held_between(
    lake: Lake, connection: Connection, resource: ResourceSpec, *, low: int, high: int
) -> dict[int, HeldVersion]:
    """What the lake holds of the ids from `low` to `high`, by id; of a resource whose ids are whole numbers."""
    parts = []
    current = lake.find("refined", f"current_{resource.name}")
    if current is not None:
        parts.append(_held_in_current(current, resource.key, low=low, high=high))
    applied = bookmark(current)
    if files := raw_files(lake, resource.name, applied):
        columns = ("resource", "batch", "request_id", "record_id", "record_hash", "is_deleted")
        rows = raw_rows_sql(lake, files, resource.name, applied, columns=columns)
        number = f"case when regexp_full_match(record_id, {literal(WHOLE)}) then try_cast(record_id as hugeint) end"
        parts.append(f"select {number} as id, batch, is_deleted, record_hash from {rows} where {number} is not null")
    if not parts:
        return {}
    query = f"""
        select id::bigint, any_value(batch), bool_and(is_deleted),
            case when min(record_hash) = max(record_hash) then min(record_hash) end
        from (select * from ({" union all ".join(parts)}) where id between {low} and {high}
              qualify batch = max(batch) over (partition by id))
        group by id"""
    with connection.cursor() as cursor:
        return {identity: HeldVersion(*values) for identity, *values in cursor.execute(query).fetchall()}


def _held_in_current(current: Table, key: str, *, low: int, high: int) -> str:
    limit = LIMITS.get(type(current.schema().find_type(key)), 0)
    where = is_between(key, max(low, -limit), min(high, limit - 1)) if limit else EVERYTHING
    rows = rows_sql(
        data_files(current, where=where), current.schema(), columns=(key, "batch", "is_deleted", "record_hash")
    )
    return f"select try_cast({identifier(key)} as hugeint) as id, batch, is_deleted, record_hash from {rows}"


def plain_id_sql(text: str, *, has_text_ids: bool) -> str:
    """An id as its type writes it, from the SQL expression of its text; NULL where that is."""
    if has_text_ids:
        return text
    number = f"case when regexp_full_match({text}, {literal(WHOLE)}) then try_cast({text} as hugeint)::varchar end"
    return f"coalesce({number}, {text})"


def _is_refused(current: Table, key: str) -> str:
    """A condition for ids that are never in `current_`: none, or one that does not cast to the type of the key."""
    if isinstance(current.schema().find_type(key), StringType):
        return "record_id is null"
    kind = sql_type(current.schema().find_field(key))
    is_number = f"regexp_full_match(record_id, {literal(WHOLE)}) and try_cast(record_id as {kind}) is not null"
    return f"not coalesce({is_number}, false)"


def _in_raw(lake: Lake, files: list[DataFile], resource: str, *, applied: int, identity: str) -> str:
    columns = ("resource", "request_id", "record_id", "record_hash", *PLACE)
    counted = raw_rows_sql(lake, files, resource, applied, columns=columns)
    return f"select {identity} as identity, record_hash, {', '.join(PLACE)} from {counted}"


def _in_current(lake: Lake, current: Table, *, resource: str, key: str, rows: pa.Table) -> str:
    """The rows of `current_`, without those whose record raw lost: that is to be stored again."""
    schema, columns = current.schema(), (key, "record_hash", "batch", "import_request_id")
    reading = rows_sql(data_files(current, where=_around(current, key, rows)), schema, columns=columns)
    still = f"""where not exists (select * from ({lost_requests_sql(lake, resource)})
                where import_request_id between first and last)"""
    found = f"select {identifier(key)}::varchar as identity, record_hash, batch, null, null from {reading}"
    return f"{found} {still}" if has_lost(lake) else found


def _around(current: Table, key: str, rows: pa.Table) -> Filter:
    """A filter for the span of arriving ids, so that files that cannot hold them are not opened."""
    limit = LIMITS.get(type(current.schema().find_field(key).field_type), 0)
    numbers = [one for one in map(whole_number, rows["record_id"].to_pylist()) if one is not None]
    numbers = [number for number in numbers if -limit <= number < limit]
    if not numbers:
        return EVERYTHING
    return is_between(key, min(numbers), max(numbers))
