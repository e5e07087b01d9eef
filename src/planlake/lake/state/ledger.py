"""The ledger of requests: what was asked for, what came, and which windows are closed.

A window is a day (`2026-11-22`) or `full`. It is closed by a ledger row of its own, written after every page arrived
and the records received equal the API's total. Raw rows count only when the row of their request is in the ledger.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING

from planlake.clock import london_day
from planlake.engines.duckdb.connection import Connection
from planlake.engines.duckdb.reading import Called, path_of, rows_sql
from planlake.engines.sql import literal
from planlake.lake.built_in_tables import built_in_rows_sql
from planlake.lake.lake import Lake
from planlake.lake.metadata.filters import is_among, is_equal, of_resource
from planlake.lake.state.audits import AUDIT, Audited, read_audits
from planlake.lake.tables.columns import TABLES
from planlake.lake.tables.data_files import data_files, highest_by_resource
from planlake.lake.tables.version_summary import bookmark

if TYPE_CHECKING:
    from pyiceberg.manifest import DataFile

FULL = "full"
# What a row of the ledger says. Pages: of a window, of today (which is never closed), of a closed day counted again.
PAGE, PROVISIONAL, RECOUNT = "page", "provisional", "recount"
# A window proven complete; a page or a day given up; the API's total against the rows held.
CLOSED, GAP, COUNT = "closed", "gap", "count"
SETTLED = "settled"  # a closed day that was counted again: it had no more records, or was read and closed again
CHECK = "check"  # one record asked for alone
SAMPLE = "sample"  # a page asked for to try a resource out: its rows count, no window is ever closed by it
VOIDED, RESTORED = "voided", "restored"  # a batch that nothing uses any more, and one that is used again
LOST = "lost"  # requests of which raw or the ledger lost rows: their window is open again, their records not held
# A request that failed, or a page that holds something that is no record.
_NOT_GOOD = "(error is not null or (status = 200 and total_results is null))"
REQUEST_EVENTS = (PAGE, PROVISIONAL, RECOUNT, CHECK, SAMPLE, AUDIT)


@dataclass(frozen=True, slots=True)
class ClosedWindow:
    """A window that was proven complete: when reading it began (UTC) and how many records the API had."""

    window: str
    started_at: datetime
    records: int


@dataclass(frozen=True, slots=True)
class LedgerPage:
    """A page of a window that is not closed, as last read, and the total it was read under."""

    window: str
    page: int
    requested_at: datetime
    records: int
    total: int
    first_id: str | None
    last_id: str | None


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that was given up: a day beyond the look-back cap, or a page (None: the whole day), why, and when."""

    window: str
    page: int | None
    reason: str
    given_up_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """The API's total and the rows held at one moment (UTC)."""

    counted_at: datetime
    total: int
    held: int


@dataclass(frozen=True, slots=True)
class History:
    """What the ledger says of one resource.

    `closed` is oldest first; `pages` are good pages of windows not closed since; `failures` says in how many runs a
    page (window, number) failed since, `attempts` in how many a window was read since; `recounted` are closed days that
    were counted again. `is_sampled` says that some rows came from a sample, so that the tables are not whole; `audits`
    are slices that were audited, oldest first; `per_page` is how many records the API puts on a page, None where it
    never said.
    """

    last_batch: int = 0
    closed: tuple[ClosedWindow, ...] = ()
    pages: tuple[LedgerPage, ...] = ()
    failures: Mapping[tuple[str, int], int] = field(default_factory=dict)
    attempts: Mapping[str, int] = field(default_factory=dict)
    recounted: frozenset[str] = frozenset()
    gaps: tuple[Gap, ...] = ()
    last_count: Count | None = None
    is_sampled: bool = False
    audits: tuple[Audited, ...] = ()
    per_page: int | None = None

    def last_full(self) -> ClosedWindow | None:
        """The last closed reading of the whole resource."""
        full = [window for window in self.closed if window.window == FULL]
        return full[-1] if full else None

    def closed_days(self) -> dict[date, ClosedWindow]:
        """Days closed since the last full reading."""
        last = self.last_full()
        since = last.started_at if last else datetime.min  # noqa: DTZ901 - own instants are UTC without zone
        days = (window for window in self.closed if window.window != FULL and window.started_at >= since)
        return {date.fromisoformat(window.window): window for window in days}

    def is_open(self, window: str) -> bool:
        """Whether reading this window was begun and not finished."""
        return bool(self.pages_of(window)) or any(failed == window for failed, _ in self.failures)

    @property
    def has_open_window(self) -> bool:
        """Whether some window was begun and not finished, nor read since by a full reading."""
        last = self.last_full()
        first = str(london_day(last.started_at)) if last else ""
        begun = {page.window for page in self.pages} | {window for window, _ in self.failures}
        return any(window == FULL or window >= first for window in begun)

    def pages_of(self, window: str) -> dict[int, LedgerPage]:
        """Good pages of a window that is not closed, by number."""
        return {page.page: page for page in self.pages if page.window == window}


@contextmanager
def ledger_in(lake: Lake, connection: Connection) -> Iterator[str]:
    """What the ledger says of all requests, in a table of the connection: its files, which are many, are read once."""
    columns = TABLES["raw", "api_requests"].keys() - {"url", "attempts", "seconds", "requests"}
    rows = built_in_rows_sql(lake, "raw", "api_requests", columns=columns)
    connection.execute(f"create or replace temp table whole_ledger as from {rows}")
    yield "whole_ledger"
    connection.execute("drop table if exists whole_ledger")


def read_histories(lake: Lake, connection: Connection, ledger: str = "") -> dict[str, History]:
    """The history of every resource the ledger knows, in a few narrow queries whatever the number of tables.

    `ledger` is the table of `ledger_in`, for who has it.
    """
    if not ledger:
        with ledger_in(lake, connection) as whole:
            return read_histories(lake, connection, whole)
    batches = _highest(lake, "batch")
    connection.execute(f"create or replace temp table ledger as {without_voided_sql(ledger)}")
    connection.execute(f"""
        create or replace temp view since_closed as
        with closings as (
            select resource, "window", max(request_id) as closed_id from ledger where event = '{CLOSED}' group by all)
        select ledger.* from ledger left join closings using (resource, "window")
        where request_id > coalesce(closed_id, 0)""")
    closed, gaps = _closed(connection), _gaps(connection)
    pages, failures, attempts = _pages(connection), _failures(connection), _attempts(connection)
    recounted, counts, sampled = _recounted(connection), _counts(connection), _sampled(connection)
    audits, sizes = read_audits(connection, "ledger"), _page_sizes(connection)
    connection.execute("drop view since_closed; drop table ledger")
    return {
        name: History(
            batch,
            tuple(closed.get(name, ())),
            tuple(pages.get(name, ())),
            failures.get(name, {}),
            attempts.get(name, {}),
            frozenset(recounted.get(name, ())),
            _not_read_since(gaps.get(name, ()), closed.get(name, ())),
            counts.get(name),
            name in sampled,
            tuple(audits.get(name, ())),
            sizes.get(name),
        )
        for name, batch in batches.items()
    }


def _closed(connection: Connection) -> dict[str, list[ClosedWindow]]:
    found: dict[str, list[ClosedWindow]] = {}
    query = f"""
        with losses as (select resource, "window", max(request_id) as lost_id from ledger
                        where event = '{LOST}' group by all)
        select resource, "window", requested_at, records from ledger left join losses using (resource, "window")
        where event = '{CLOSED}' and request_id > coalesce(lost_id, 0) order by requested_at, request_id"""
    for resource, *values in connection.execute(query).fetchall():
        found.setdefault(resource, []).append(ClosedWindow(*values))
    return found


def _pages(connection: Connection) -> dict[str, list[LedgerPage]]:
    found: dict[str, list[LedgerPage]] = {}
    latest = ", ".join(f"arg_max({name}, request_id)" for name in ("records", "total_results"))
    ids = ", ".join(f"arg_max(coalesce({name}, ''), request_id)" for name in ("first_id", "last_id"))
    query = f"""
        select resource, "window", page, min(requested_at), {latest}, {ids}
        from since_closed where event = '{PAGE}' and error is null and total_results is not null
        group by resource, "window", page order by page"""
    for resource, *values in connection.execute(query).fetchall():
        found.setdefault(resource, []).append(LedgerPage(*values))
    return found


def _failures(connection: Connection) -> dict[str, dict[tuple[str, int], int]]:
    found: dict[str, dict[tuple[str, int], int]] = {}
    query = f"""
        select resource, "window", page, count(distinct run) filter (where {_NOT_GOOD}) from since_closed
        where event = '{PAGE}' group by all having arg_max({_NOT_GOOD}, request_id)"""
    for resource, window, page, runs in connection.execute(query).fetchall():
        found.setdefault(resource, {})[window, page] = runs
    return found


def _attempts(connection: Connection) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    query = f"""select resource, "window", count(distinct run) from since_closed where event = '{PAGE}' group by all"""
    for resource, window, runs in connection.execute(query).fetchall():
        found.setdefault(resource, {})[window] = runs
    return found


def _recounted(connection: Connection) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    query = f"""select distinct resource, "window" from ledger where event = '{SETTLED}'"""
    for resource, window in connection.execute(query).fetchall():
        found.setdefault(resource, []).append(window)
    return found


def _gaps(connection: Connection) -> dict[str, list[Gap]]:
    found: dict[str, list[Gap]] = {}
    query = f"""select resource, "window", page, error, min(requested_at) from since_closed
                where event = '{GAP}' group by all order by "window", page"""
    for resource, *values in connection.execute(query).fetchall():
        found.setdefault(resource, []).append(Gap(*values))
    return found


def _voided_sql(ledger: str) -> str:
    """A query for the batches (of their resource) that are voided, from a table expression of the ledger."""
    return f"""select resource, batch from {ledger} where event in ('{VOIDED}', '{RESTORED}')
               group by resource, batch having arg_max(event, request_id) = '{VOIDED}'"""


def without_voided_sql(ledger: str) -> str:
    """A query for the rows of the ledger that count: those of voided batches do not, but for a count of the API's."""
    return f"select * from {ledger} where event = '{COUNT}' or (resource, batch) not in ({_voided_sql(ledger)})"


def voided_batches(lake: Lake, connection: Connection, resource: str) -> set[int]:
    """The batches of a resource that nothing behind raw uses."""
    rows = built_in_rows_sql(lake, "raw", "api_requests", where=is_equal("resource", resource))
    query = f"select batch from ({_voided_sql(rows)}) where resource = {literal(resource)}"
    return {batch for (batch,) in connection.execute(query).fetchall()}


def batches_of_open_reading(lake: Lake, connection: Connection, resource: str) -> list[int]:
    """The batches that brought pages of a full reading which is not closed."""
    columns = ("resource", "batch", "event", "window", "request_id")
    rows = built_in_rows_sql(lake, "raw", "api_requests", columns=columns, where=is_equal("resource", resource))
    query = f"""
        with ledger as (select * from ({without_voided_sql(rows)})
                        where resource = {literal(resource)} and "window" = '{FULL}')
        select distinct batch from ledger where event = '{PAGE}' and request_id > (
            select coalesce(max(request_id), 0) from ledger where event = '{CLOSED}') order by batch"""
    with connection.cursor() as cursor:
        return [batch for (batch,) in cursor.execute(query).fetchall()]


def _not_read_since(gaps: Iterable[Gap], closed: Iterable[ClosedWindow]) -> tuple[Gap, ...]:
    """Gaps that no full reading has filled since."""
    full = [london_day(window.started_at) for window in closed if window.window == FULL]
    first = str(max(full)) if full else ""
    return tuple(gap for gap in gaps if gap.window == FULL or gap.window >= first)


def _counts(connection: Connection) -> dict[str, Count]:
    newest = ", ".join(f"arg_max({name}, request_id)" for name in ("requested_at", "total_results", "records"))
    query = f"""select resource, {newest} from ledger where event = '{COUNT}' and error is null group by resource"""
    return {resource: Count(*values) for resource, *values in connection.execute(query).fetchall()}


def _sampled(connection: Connection) -> set[str]:
    query = f"select distinct resource from ledger where event = '{SAMPLE}'"
    return {resource for (resource,) in connection.execute(query).fetchall()}


def _page_sizes(connection: Connection) -> dict[str, int]:
    query = """select resource, arg_max(results_per_page, request_id) from ledger
               where results_per_page is not null group by resource"""
    return dict(connection.execute(query).fetchall())


def was_read_whole(lake: Lake, connection: Connection, resource: str, above_batch: int) -> bool:
    """Whether a full reading of a resource was closed in a batch above the given one."""
    columns = ("resource", "batch", "event", "window", "request_id")
    rows = built_in_rows_sql(lake, "raw", "api_requests", columns=columns, where=of_resource(resource, above_batch))
    query = f"""select true from ({without_voided_sql(rows)}) where resource = {literal(resource)}
                and batch > {above_batch} and event = '{CLOSED}' and "window" = '{FULL}' limit 1"""
    with connection.cursor() as cursor:
        return bool(cursor.execute(query).fetchall())


def next_batch(lake: Lake, resource: str, history: History) -> int:
    """The number of a new batch: above all in raw and in the ledger, and above what refined tables say they hold.

    Else a ledger that was recovered as it stood earlier would bring records that nobody refines.
    """
    tables = (lake.find("refined", f"{kind}_{resource}") for kind in ("increment", "current"))
    return max(history.last_batch, *map(bookmark, tables)) + 1


def last_request_id(lake: Lake) -> int:
    """The highest request id ever used, raw rows without a ledger row included."""
    return max(_highest(lake, "request_id").values(), default=0)


def raw_files(
    lake: Lake, resource: str, above_batch: int, *, request_ids: Collection[int] | None = None
) -> list["DataFile"]:
    """Files of raw that may hold rows of this resource in batches above the given one, of these requests if given."""
    table = lake.find("raw", "api_responses")
    if table is None:
        return []
    where = of_resource(resource, above_batch)
    return data_files(table, where=where if request_ids is None else (*where, *is_among("request_id", request_ids)))


def _ledger_sql(lake: Lake, resource: str, above_batch: int, called: Called) -> str:
    """A table expression of what the ledger says of the requests and batches of a resource."""
    columns = ("request_id", "resource", "batch", "event", "error", "requests")
    where = of_resource(resource, above_batch)
    rows = built_in_rows_sql(lake, "raw", "api_requests", columns=columns, where=where, called=called)
    return f"(select * from {rows} where resource = {literal(resource)})"


def _good_requests_sql(rows: str) -> str:
    """A query for the ids of the requests that went well, from a table expression of the ledger."""
    return f"select unnest(generate_series(low, high)) from ({_good_ranges_sql(rows)})"


def _good_ranges_sql(rows: str) -> str:
    """A query for the same as ranges, `low` and `high` included: a request each, and those of compacted windows."""
    return f"""select request_id as low, request_id as high from {rows}
               where event in {REQUEST_EVENTS} and error is null
               union all
               select split_part(ends, '-', 1)::bigint, split_part(ends, '-', 2)::bigint
               from (select unnest(string_split(requests, ' ')) as ends from {rows} where requests is not null)"""


def voided_batches_and_good_requests(
    lake: Lake, connection: Connection, resource: str, above_batch: int
) -> tuple[list[int], list[tuple[int, int]]]:
    """The voided batches of a resource above one, and the requests that went well, as ranges with both ends."""
    query = f"""with ledger as materialized (from {_ledger_sql(lake, resource, above_batch, path_of)})
                select true, batch, batch from ({_voided_sql("ledger")})
                union all select false, low, high from ({_good_ranges_sql("ledger")})"""
    with connection.cursor() as cursor:
        found = cursor.execute(query).fetchall()
    voided = [batch for is_voided, batch, _ in found if is_voided]
    return voided, [(low, high) for is_voided, low, high in found if not is_voided]


def raw_rows_sql(
    lake: Lake,
    files: Sequence["DataFile"],
    resource: str,
    above_batch: int,
    *,
    columns: Collection[str] | None = None,
    called: Called = path_of,
) -> str:
    """A table expression of the raw rows that count: of these files, above the batch, their request in the ledger."""
    rows = rows_sql(
        files, lake.find_or_create_built_in_table("raw", "api_responses").schema(), columns=columns, called=called
    )
    ledger = _ledger_sql(lake, resource, above_batch, called)
    return f"""(select * from {rows} where resource = {literal(resource)} and batch > {above_batch}
                and (resource, batch) not in ({_voided_sql(ledger)})
                and request_id in ({_good_requests_sql(ledger)}))"""


def _highest(lake: Lake, column: str) -> dict[str, int]:
    """The highest number of a column in raw and in the ledger, by resource; of a preview as it shows them."""
    others = _highest(lake.base, column) if lake.base is not None else {}
    highest = {resource: number for resource, number in others.items() if resource not in lake.own}
    for name in ("api_requests", "api_responses"):
        for resource, number in highest_by_resource(lake.find("raw", name), column).items():
            highest[resource] = max(number, highest.get(resource, 0))
    return highest
