"""The ledger of requests: what was asked for, what came, and which windows are closed.

A window is a day (`2026-11-22`) or `full`. It is closed by a ledger row of its own, written after every page arrived
and the records received equal the API's total. Raw rows count only when the row of their request is in the ledger.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from pyiceberg.manifest import DataFile

from planlake.engines.duckdb import Connection
from planlake.engines.sql import literal
from planlake.lake.files import data_files, of_resource
from planlake.lake.lake import Lake
from planlake.lake.reading import rows_sql

FULL = "full"
PAGE, CLOSED = "page", "closed"


@dataclass(frozen=True, slots=True)
class ClosedWindow:
    """A window that was proven complete: when reading it began (UTC) and how many records the API had."""

    window: str
    started_at: datetime
    records: int


@dataclass(frozen=True, slots=True)
class History:
    """What the ledger says of one resource: the highest batch ever used and its closed windows, oldest first."""

    last_batch: int = 0
    closed: tuple[ClosedWindow, ...] = field(default=())

    def last_full(self) -> ClosedWindow | None:
        """The last closed reading of the whole resource."""
        full = [window for window in self.closed if window.window == FULL]
        return full[-1] if full else None

    def closed_days(self) -> set[date]:
        """Days closed since the last full reading."""
        last = self.last_full()
        since = last.started_at if last else datetime.min  # noqa: DTZ901 - own instants are UTC without zone
        days = (window for window in self.closed if window.window != FULL and window.started_at >= since)
        return {date.fromisoformat(window.window) for window in days}


def read_histories(lake: Lake, connection: Connection) -> dict[str, History]:
    """The history of every resource the ledger knows, in two narrow queries whatever the number of tables."""
    batches = _last_batches(lake, connection)
    closed: dict[str, list[ClosedWindow]] = {name: [] for name in batches}
    requests = lake.find("raw", "api_requests")
    if requests is not None:
        columns = ("resource", "window", "requested_at", "records", "event")
        rows = rows_sql(data_files(requests), requests.schema(), columns=columns)
        query = f"""select resource, "window", requested_at, records from {rows}
                    where event = '{CLOSED}' order by requested_at, "window" """
        for resource, window, started_at, records in connection.execute(query).fetchall():
            closed[resource].append(ClosedWindow(window, started_at, records))
    return {name: History(batch, tuple(closed[name])) for name, batch in batches.items()}


def last_request_id(lake: Lake, connection: Connection) -> int:
    """The highest request id ever used, raw rows without a ledger row included."""
    highest = 0
    for name in ("api_requests", "api_responses"):
        table = lake.find("raw", name)
        if table is not None:
            rows = rows_sql(data_files(table), table.schema(), columns=("request_id",))
            highest = max(
                highest, connection.execute(f"select coalesce(max(request_id), 0) from {rows}").fetchall()[0][0]
            )
    return highest


def raw_files(lake: Lake, resource: str, above_batch: int) -> list[DataFile]:
    """Files of raw that may hold rows of this resource in batches above the given one."""
    table = lake.find("raw", "api_responses")
    if table is None:
        return []
    return data_files(table, where=of_resource(resource, above_batch))


def good_requests_sql(lake: Lake, resource: str, above_batch: int) -> str:
    """A query for the ids of the requests of a resource that are in the ledger and went well."""
    requests = lake.own_table("raw", "api_requests")
    files = data_files(requests, where=of_resource(resource, above_batch))
    rows = rows_sql(files, requests.schema(), columns=("request_id", "resource", "event", "error"))
    return f"""select request_id from {rows}
               where resource = {literal(resource)} and event = '{PAGE}' and error is null"""


def raw_rows_sql(
    lake: Lake, files: Sequence[DataFile], resource: str, above_batch: int, *, columns: Collection[str] | None = None
) -> str:
    """A table expression of the raw rows that count: of these files, above the batch, their request in the ledger."""
    rows = rows_sql(files, lake.own_table("raw", "api_responses").schema(), columns=columns)
    return f"""(select * from {rows} where resource = {literal(resource)} and batch > {above_batch}
                and request_id in ({good_requests_sql(lake, resource, above_batch)}))"""


def _last_batches(lake: Lake, connection: Connection) -> dict[str, int]:
    highest: dict[str, int] = {}
    for name in ("api_requests", "api_responses"):
        table = lake.find("raw", name)
        if table is None:
            continue
        rows = rows_sql(data_files(table), table.schema(), columns=("resource", "batch"))
        for resource, batch in connection.execute(f"select resource, max(batch) from {rows} group by 1").fetchall():
            highest[resource] = max(batch, highest.get(resource, 0))
    return highest
