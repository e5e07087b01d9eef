"""Notes in the ledger which requests raw or the ledger lost, so that their windows are asked for again.

A row `lost` of the ledger names the requests and one of their windows. It opens the window again, and records that came
with these requests count as not held, so that they are stored once more.
"""

from planlake.engines.duckdb.connection import Connection
from planlake.engines.sql import literal
from planlake.lake.built_in_tables import built_in_rows_sql
from planlake.lake.lake import LEDGER, Lake
from planlake.lake.metadata.filters import is_equal
from planlake.lake.state.ledger import CLOSED, FULL, LOST, PAGE, PROVISIONAL, RECOUNT

HAS_LOST = "planlake.has-lost"  # a property of the ledger: otherwise nobody looks for rows of lost requests


def has_lost(lake: Lake) -> bool:
    """Whether anything was ever lost, by a property of the ledger alone."""
    ledger = lake.find(*LEDGER)
    return ledger is not None and HAS_LOST in ledger.properties


def lost_said(first: int, last: int) -> str:
    """What a row of lost requests says: their numbers."""
    return f"requests {first} to {last}"


def windows_of_requests(connection: Connection, ledger: str, resource: str, *, first: int, last: int) -> list[str]:
    """The windows that these requests brought records for, and `full` where one of them is older than that reading.

    `ledger` is a table expression. Windows of no reading, such as of one record asked for alone, need none again.
    """
    query = f"""
        with rows as (select * from {ledger} where resource = {literal(resource)}),
        brought as (select "window", request_id as low, request_id as high from rows
                    where event in ('{PAGE}', '{PROVISIONAL}', '{RECOUNT}')
                    union all
                    select "window", split_part(ends, '-', 1)::bigint, split_part(ends, '-', 2)::bigint
                    from (select "window", unnest(string_split(requests, ' ')) as ends
                          from rows where requests is not null)),
        hit as (select distinct "window" from brought where low <= {last} and high >= {first}),
        full_at as (select strftime(max(requested_at), '%Y-%m-%d') as day from rows
                    where event = '{CLOSED}' and "window" = '{FULL}')
        select "window" from hit union
        select '{FULL}' from hit, full_at where "window" <= day
        union select '{FULL}' where not exists (select * from hit)"""
    return [window for (window,) in connection.execute(query).fetchall()]


def lost_requests_sql(lake: Lake, resource: str) -> str:
    """A query for the requests of a resource that lost something: the first and last number of each range."""
    columns = ("resource", "event", "error")
    rows = built_in_rows_sql(lake, "raw", "api_requests", columns=columns, where=is_equal("resource", resource))
    numbers = "regexp_extract_all(error, '[0-9]+')"
    return f"""select {numbers}[1]::bigint as first, {numbers}[2]::bigint as last from {rows}
               where resource = {literal(resource)} and event = '{LOST}'"""
