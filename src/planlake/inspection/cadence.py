"""Advises daily or weekly for each table, from what either way would have cost.

Weekly reads a table whole: as many calls as it has pages. Daily asks each day for the day before (once more the day
after) and for today so far: three calls, more where a page does not hold the changes.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from planlake.clock import london_day, read_clock
from planlake.config import Config
from planlake.engines.duckdb.connection import Connection, connected_to_read
from planlake.engines.duckdb.reading import rows_sql
from planlake.engines.sql import identifier, literal
from planlake.errors import ConfigurationError
from planlake.lake.built_in_tables import built_in_rows_sql
from planlake.lake.lake import Lake
from planlake.lake.open_lake import open_to_read
from planlake.lake.state.ledger import FULL, PAGE, PROVISIONAL, RECOUNT, History, read_histories
from planlake.lake.tables.data_files import data_files
from planlake.sources.catalogue import Cadence, Resource, catalogue_of

MINIMUM_DAYS = 14
SELDOM = 1 / 7  # of the days: changes as seldom as a weekly reading comes
OFTEN = 1 / 2
AGES = (7, 30, 365)  # days


@dataclass(frozen=True, slots=True)
class Advice:
    """What is known of one table, and what follows.

    `days` of the period are known, on `changed_days` of them something changed (`changes` versions). `recent` is the
    share of records last updated within 7, 30 and 365 days. `calls` and `other_calls` are API calls a week, as the
    table is read now and the other way; None where that is not known.
    """

    table: str
    cadence: Cadence
    days: int
    changed_days: int
    changes: int
    records: int
    recent: Mapping[int, float]
    calls: float | None
    other_calls: float | None
    proposal: Cadence | None
    why: str

    @property
    def is_known(self) -> bool:
        """Whether enough days are known to say anything."""
        return self.days >= MINIMUM_DAYS

    @property
    def saved(self) -> float | None:
        """API calls a week that the proposal saves; below zero where it costs more."""
        if self.proposal is None or self.calls is None or self.other_calls is None:
            return None
        return self.calls - self.other_calls


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the lake holds of a table: days known, changes by day, calls a week measured, pages and ages of records."""

    days: int
    changes: Mapping[date, int]
    measured: float | None
    records: int
    pages: int
    page_size: int
    recent: Mapping[int, float]


def advice(config: Config, tables: Sequence[str], *, days: int, environment: str | None = None) -> list[Advice]:
    """Advice on the named tables, or all configured ones, from the last so many days; nothing is asked of the API.

    Raises ConfigurationError for a table that is not configured.
    """
    catalogue = catalogue_of(config)
    configured: dict[str, Cadence] = dict.fromkeys(config.tables.daily, "daily")
    configured |= dict.fromkeys(config.tables.weekly, "weekly")
    for name in tables:
        if catalogue.resource(name).name not in configured:
            raise ConfigurationError(f'"{name}" is not configured', hint=f"planlake add {name}")
    today = read_clock().today()
    period = [today - timedelta(days=number) for number in range(1, days + 1)]
    lake = open_to_read(config, environment)
    with connected_to_read(config.settings.memory_limit_megabytes) as connection:
        histories = read_histories(lake, connection)
        found = []
        for name in tables or configured:
            resource, history = catalogue.resource(name), histories.get(name, History())
            seen = _seen(lake, connection, resource, history=history, period=period, page_size=catalogue.page_size)
            found.append(_advice(resource, configured[name], seen))
    return found


def _advice(resource: Resource, cadence: Cadence, seen: _Seen) -> Advice:
    """The advice on one table; docs/settings.md states the rule."""
    whole = float(seen.pages)
    by_day = (seen.measured if cadence == "daily" else None) or _calls_by_day(resource, seen)
    calls, other = (whole, by_day) if cadence == "weekly" else (by_day, whole)
    proposal, why = _proposal(resource, cadence, seen, calls=calls, other=other)
    return Advice(
        table=resource.name,
        cadence=cadence,
        days=seen.days,
        changed_days=len(seen.changes),
        changes=sum(seen.changes.values()),
        records=seen.records,
        recent=seen.recent,
        calls=calls if seen.records else None,
        other_calls=other if seen.records else None,
        proposal=proposal,
        why=why,
    )


def _proposal(
    resource: Resource, cadence: Cadence, seen: _Seen, *, calls: float, other: float
) -> tuple[Cadence | None, str]:
    changed, days = len(seen.changes), seen.days
    if days < MINIMUM_DAYS:
        return None, f"{days} {'day is' if days == 1 else 'days are'} known, {MINIMUM_DAYS} are needed"
    on_days = f"changes on {changed} of {days} days"
    if cadence == "daily":
        if changed > days * SELDOM:
            return None, on_days
        return ("weekly", on_days) if other < calls else (None, f"{on_days}, but whole it takes {other:.0f} calls")
    if not resource.changed:
        return None, "no column says when a record changed: it is read whole either way"
    if other < calls:
        return "daily", f"whole it takes {calls:.0f} calls"
    return ("daily", on_days) if changed >= days * OFTEN else (None, on_days)


def _calls_by_day(resource: Resource, seen: _Seen) -> float:
    """Calls a week if the table were read by day: each day itself, counted again, and today so far."""
    if not resource.changed:
        return 7.0 * seen.pages
    more = sum(2 * (math.ceil(number / seen.page_size) - 1) for number in seen.changes.values())
    return 7 * (3 + more / max(1, seen.days))


def _seen(
    lake: Lake, connection: Connection, resource: Resource, *, history: History, period: Sequence[date], page_size: int
) -> _Seen:
    last = history.last_full()
    pages = max(1, math.ceil(last.records / page_size)) if last else 0
    known = _known_days(resource, history) & set(period)
    changes = {day: number for day, number in _changes(lake, connection, resource).items() if day in known}
    records, recent = _ages(lake, connection, resource, period[0] + timedelta(days=1))
    calls = _calls(lake, connection, resource, period)
    measured = 7 * calls / len(known) if calls and known else None
    return _Seen(len(known), changes, measured, records, pages, page_size, recent)


def _known_days(resource: Resource, history: History) -> set[date]:
    """Days whose changes were seen: those closed, and those between the first and the last full reading.

    Where nothing says when a record changed, a change is of the day of the reading that brought it.
    """
    full = [london_day(window.started_at) for window in history.closed if window.window == FULL]
    closed = {date.fromisoformat(window.window) for window in history.closed if window.window != FULL}
    first, number = min(full, default=date.min), (max(full) - min(full)).days if full else 0
    return closed | {first + timedelta(days=day + (not resource.changed)) for day in range(number)}


def _changes(lake: Lake, connection: Connection, resource: Resource) -> dict[date | None, int]:
    """How many versions each day brought, by the time of the change, or by the reading where that is not told."""
    table = lake.shown("refined", f"increment_{resource.name}")
    if table is None:
        return {}
    has_changed = resource.changed in table.schema().column_names
    columns = ("batch", "is_deleted", "import_date", resource.changed)
    rows = rows_sql(data_files(table), table.schema(), columns=columns)
    changed, received = f"try_cast({identifier(resource.changed)} as date)", "strptime(import_date, '%Y%m%d')::date"
    is_first = "false" if has_changed else f"batch = (select min(batch) from {rows})"
    query = f"""select {changed if has_changed else received} as day, count(*) from {rows}
                where not coalesce(is_deleted, false) and not {is_first} group by day"""
    return dict(connection.execute(query).fetchall())


def _ages(lake: Lake, connection: Connection, resource: Resource, today: date) -> tuple[int, dict[int, float]]:
    """Records held, and which share of them was last updated within so many days."""
    table = lake.shown("refined", f"current_{resource.name}")
    if table is None:
        return 0, {}
    has_changed = resource.changed in table.schema().column_names
    rows = rows_sql(data_files(table), table.schema(), columns=("is_deleted", resource.changed))
    changed = f"try_cast({identifier(resource.changed)} as date)" if has_changed else "null::date"
    counts = ", ".join(f"count(*) filter ({changed} >= '{today - timedelta(days=age)}')" for age in AGES)
    query = f"select count(*), {counts} from {rows} where not coalesce(is_deleted, false)"
    records, *recent = connection.execute(query).fetchall()[0]
    return records, dict(zip(AGES, (number / max(1, records) for number in recent), strict=True)) if has_changed else {}


def _calls(lake: Lake, connection: Connection, resource: Resource, period: Sequence[date]) -> int:
    """Calls that the ledger holds of day windows of the period."""
    rows = built_in_rows_sql(lake, "raw", "api_requests", columns=("resource", "event", "window", "attempts"))
    query = f"""select coalesce(sum(greatest(attempts, 1)), 0) from {rows}
                where resource = {literal(resource.name)} and event in {(PAGE, PROVISIONAL, RECOUNT)}
                    and "window" <> '{FULL}' and "window" between '{min(period)}' and '{max(period)}'"""
    return int(connection.execute(query).fetchall()[0][0])
