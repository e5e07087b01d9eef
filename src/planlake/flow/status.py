"""How each table stands: in go the ledger and the runs, out come records of freshness, completeness, gaps, errors."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from planlake.clock import london_day, read_clock
from planlake.config import Config
from planlake.engines.duckdb import Connection, connected
from planlake.engines.sql import literal
from planlake.flow.deletions import held_ids
from planlake.lake.lake import Lake
from planlake.lake.ledger import FULL, GAP, History, read_histories
from planlake.lake.previews import open_to_read
from planlake.lake.reading import own_rows_sql
from planlake.lake.runs import published_dates
from planlake.sources.catalogue import catalogue_of

DayState = Literal["loaded", "empty", "failed", "gap", "none"]


@dataclass(frozen=True, slots=True)
class TableStatus:
    """One table: rows held against the API's total when it was last known, what is missing, the last error.

    `total` and `counted_at` (UTC) are of the last count or full reading; None before the first.
    """

    table: str
    published: str | None
    held: int
    total: int | None
    counted_at: datetime | None
    gaps: tuple[str, ...]
    open: tuple[str, ...]
    last_error: str | None

    @property
    def is_complete(self) -> bool:
        """Whether nothing is known to be missing."""
        return self.total is not None and self.held >= self.total and not self.gaps and not self.open


def status(config: Config, environment: str | None = None) -> list[TableStatus]:
    """The status of every configured table."""
    catalogue = catalogue_of(config)
    lake = open_to_read(config, environment)
    with connected(config.settings.memory_limit_megabytes) as connection:
        histories = read_histories(lake, connection)
        published, errors = published_dates(lake, connection), _last_errors(lake, connection)
        found = []
        for name in (*config.tables.daily, *config.tables.weekly):
            history = histories.get(name, History())
            held = len(held_ids(lake, connection, catalogue.resource(name)))
            total, counted_at = _last_total(history)
            gaps = tuple(dict.fromkeys(gap.window for gap in history.gaps))
            open_windows = tuple(dict.fromkeys(window for window, _ in history.failures))
            found.append(
                TableStatus(name, published.get(name), held, total, counted_at, gaps, open_windows, errors.get(name))
            )
    return found


def calendar(config: Config, days: int, environment: str | None = None) -> dict[str, dict[date, DayState]]:
    """For each configured table the state of each of the last days, oldest first."""
    clock = read_clock()
    lake = open_to_read(config, environment)
    with connected(config.settings.memory_limit_megabytes) as connection:
        histories = read_histories(lake, connection)
    shown = [clock.today() - timedelta(days=number) for number in reversed(range(1, days + 1))]
    names = (*config.tables.daily, *config.tables.weekly)
    return {name: _states(histories.get(name, History()), shown) for name in names}


def _states(history: History, days: list[date]) -> dict[date, DayState]:
    closed: dict[date, int] = {}
    for window in history.closed:
        day = london_day(window.started_at) if window.window == FULL else date.fromisoformat(window.window)
        closed[day] = closed.get(day, 0) + window.records
    gaps = {gap.window for gap in history.gaps}
    failed = {window for window, _ in history.failures}
    return {day: _state(day, closed, gaps, failed) for day in days}


def _state(day: date, closed: Mapping[date, int], gaps: set[str], failed: set[str]) -> DayState:
    if str(day) in gaps:
        return "gap"
    if str(day) in failed:
        return "failed"
    if day in closed:
        return "loaded" if closed[day] else "empty"
    return "none"


def _last_total(history: History) -> tuple[int | None, datetime | None]:
    last, counted = history.last_full(), history.last_count
    if counted and (last is None or counted.counted_at >= last.started_at):
        return counted.total, counted.counted_at
    return (last.records, last.started_at) if last else (None, None)


def _last_errors(lake: Lake, connection: Connection) -> dict[str, str]:
    columns = ("resource", "error", "request_id", "event", "window", "page")
    rows = own_rows_sql(lake, "raw", "api_requests", columns=columns)
    query = f"""
        select resource, arg_max("window" || coalesce(' page ' || page, '') || ': ' || error, request_id)
        from {rows} where error is not null and event <> {literal(GAP)} group by resource"""
    return dict(connection.execute(query).fetchall())
