"""Compacts the ledger: one row for each window closed, or slice audited, long ago.

The row that closed a window stays and says in `requests` which requests brought its records, so raw rows still count.
Nothing is lost but the details of single requests: their pages, seconds and attempts, and failures mended since.
"""

from datetime import datetime, timedelta

from pyiceberg.manifest import DataFile

from planlake.engines.duckdb.connection import Connection
from planlake.engines.duckdb.reading import rows_sql
from planlake.engines.sql import literal
from planlake.lake.lake import Lake
from planlake.lake.state.audits import AUDITED
from planlake.lake.state.ledger import CLOSED, FULL, REQUEST_EVENTS, SETTLED
from planlake.lake.tables.commits import commit
from planlake.lake.tables.data_files import data_files
from planlake.lake.tables.parquet import write_file

CLOSINGS = (CLOSED, AUDITED)  # rows that stand for the requests before them
PAUSE_DAYS = 7  # so that old files are rewritten once a week, not every day


def compact_ledger(lake: Lake, connection: Connection, now: datetime, *, after_days: int) -> int:
    """Compact windows closed more than `after_days` before `now` (UTC) in one commit; how many rows that saved.

    Nothing happens until a week's worth has gathered.
    """
    table = lake.find("raw", "api_requests")
    if table is None:
        return 0
    schema, cutoff = table.schema(), now - timedelta(days=after_days)
    every = data_files(table)
    added: list[DataFile] = []
    removed: list[DataFile] = []
    saved = 0
    with connection.cursor() as cursor:
        due = cursor.execute(_due(rows_sql(every, schema), cutoff - timedelta(days=PAUSE_DAYS))).fetchall()
        for (resource,) in due:
            files = [file for file in every if file.partition[0] == resource]
            held = [(file, cursor.execute(_newest(rows_sql([file], schema))).fetchall()[0][0]) for file in files]
            old = [file for file, newest in held if newest < cutoff]
            before = sum(file.record_count for file in old)
            rows = cursor.sql(_compacted(rows_sql(old, schema), rows_sql(files, schema))).to_arrow_table()
            if old and len(rows) < before:
                added.append(write_file(table, rows, partition=(resource,)))
                removed += old
                saved += before - len(rows)
    if removed:
        with lake.commits:
            lake.loaded["raw", "api_requests"] = commit(lake.reload("raw", "api_requests"), add=added, remove=removed)
    return saved


def _due(rows: str, oldest: datetime) -> str:
    """Resources that still have rows of requests for a window closed so long ago."""
    return f"""
        select distinct resource from {rows} as asked semi join (
            select resource, "window", request_id as closed_id from {rows}
            where event in {CLOSINGS} and requested_at < {literal(str(oldest))}) as closings
        on asked.resource = closings.resource and asked."window" = closings."window"
            and asked.request_id < closings.closed_id
        where event in {REQUEST_EVENTS} order by resource"""


def _newest(rows: str) -> str:
    return f"select max(requested_at) from {rows}"


def _compacted(old: str, every: str) -> str:
    """Rows of old files, those of each closing put into the row that closed it.

    What came after a day's last closing (it was counted again) belongs to that closing too, unless it is still open.
    """
    return f"""
        with old as (select * from {old}),
        closings as (
            select resource, "window", request_id as closed_id,
                coalesce(lag(request_id) over earlier, 0) as after_id, lead(request_id) over earlier is null as is_last
            from {every} where event in {CLOSINGS}
            window earlier as (partition by resource, "window" order by request_id)),
        settled as (select resource, "window", max(request_id) as settled_id from {every}
                    where event = '{SETTLED}' group by all),
        placed as (
            select old.*, closed_id from old left join settled using (resource, "window") left join closings
            on old.resource = closings.resource and old."window" = closings."window" and request_id > after_id
                and (request_id <= closed_id
                     or (is_last and old."window" <> '{FULL}' and request_id <= coalesce(settled_id, 0)))
            qualify row_number() over (partition by request_id order by closed_id) = 1),
        brought as (
            select closed_id, request_id,
                request_id - row_number() over (partition by closed_id order by request_id) as island
            from placed where event in {REQUEST_EVENTS} and error is null
                and closed_id in (select request_id from old where event in {CLOSINGS})),
        islands as (
            select closed_id, min(request_id) as low, max(request_id) as high from brought group by closed_id, island),
        ranges as (
            select closed_id, string_agg(low || '-' || high, ' ' order by low) as brought
            from islands group by closed_id)
        select placed.* exclude (closed_id, requests),
            nullif(concat_ws(' ', requests, brought), '') as requests
        from placed left join ranges on request_id = ranges.closed_id
        where event in {CLOSINGS} or placed.closed_id is null
            or placed.closed_id not in (select request_id from old where event in {CLOSINGS})
            or event not in {(*REQUEST_EVENTS, SETTLED)}
        order by request_id"""
