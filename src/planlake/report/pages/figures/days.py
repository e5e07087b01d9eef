"""What became of each day of each table, from the ledger of requests: read whole, failed, given up, undone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import partial
from math import ceil
from typing import Literal

from planlake.clock import london_day
from planlake.lake.state.ledger import FULL, History, read_histories
from planlake.report.pages import words
from planlake.report.pages.figures.lake_facts import LakeFacts
from planlake.report.status import cadences
from planlake.sources.catalogue import Cadence

DayState = Literal["complete", "full", "failed", "gap", "held", "undone", "open", "not asked", "not due"]
MOST_DAYS = 400
WHOLE: tuple[DayState, ...] = ("complete", "full")
WORDS_OF_DAYS: Mapping[DayState, str] = {"full": "read in full", "not asked": "not asked yet"}  # others are themselves


@dataclass(frozen=True, slots=True)
class TableDay:
    """One day of one table; `detail` is the end of a sentence, `command` what to give next, both may be empty."""

    table: str
    day: date
    state: DayState
    detail: str = ""
    command: str = ""

    @property
    def said(self) -> str:
        """The state and what is known beside it."""
        word = WORDS_OF_DAYS.get(self.state, self.state)
        return f"{word}, {self.detail}" if self.detail else word


@dataclass(frozen=True, slots=True)
class _Told:
    """What the ledger and the operations tables say of one table; days are London's.

    `tries` says of windows with failed pages how often the worst of these was asked for, and in how many runs.
    """

    history: History
    closed: Mapping[date, int]
    full: Mapping[date, int]
    gaps: Mapping[str, str]
    undone: frozenset[str] = frozenset()
    held: frozenset[str] = frozenset()
    failed_full: date | None = None
    failed: frozenset[str] = field(default=frozenset())
    tries: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def first(self) -> date | None:
        """The first day of which anything is known."""
        return min((*self.closed, *self.full), default=None)


def days_of_tables(facts: LakeFacts, count: int) -> dict[str, list[TableDay]]:
    """The last days of each configured table, at most `MOST_DAYS`, the oldest first; the last of them is today."""
    return {table: days[-count:] for table, days in facts.once("days", partial(_days, facts)).items()}


def _days(facts: LakeFacts) -> dict[str, list[TableDay]]:
    histories = read_histories(facts.lake, facts.connection)
    undone, held, full, tries = _undone(facts), _held(facts), _failed_readings(facts), _tries(facts)
    shown = [facts.today - timedelta(days=number) for number in reversed(range(MOST_DAYS))]
    found = {}
    for table, cadence in cadences(facts.config).items():
        history = histories.get(table, History())
        of_full = full.get(table) if any(window == FULL for window, _ in history.failures) else None
        told = _told(history, undone.get(table, ()), held.get(table, ()), of_full)
        told = replace(told, tries=tries.get(table, {}))
        found[table] = [_day(table, day, told, cadence=cadence, today=facts.today) for day in shown]
    return found


def _told(history: History, undone: Sequence[str], held: Sequence[str], failed_full: date | None) -> _Told:
    closed: dict[date, int] = {}
    full: dict[date, int] = {}
    for window in history.closed:
        if window.window == FULL:
            full[london_day(window.started_at)] = window.records
        else:
            closed[date.fromisoformat(window.window)] = window.records
    gaps: dict[str, list[int]] = {}
    for gap in history.gaps:
        gaps.setdefault(gap.window, []).extend([] if gap.page is None else [gap.page])
    reasons = {window: _given_up(pages) for window, pages in gaps.items()}
    failed = frozenset(window for window, _ in history.failures)
    return _Told(history, closed, full, reasons, frozenset(undone), frozenset(held), failed_full, failed)


def _given_up(pages: Sequence[int]) -> str:
    return f"{words.counted(len(pages), 'page was', 'pages were')} given up" if pages else "never read"


def _day(table: str, day: date, told: _Told, *, cadence: Cadence, today: date) -> TableDay:
    window = str(day)
    if window in told.gaps:
        command = f"planlake backfill {table} --from {window} --to {window}"
        return TableDay(table, day, "gap", told.gaps[window], command)
    if window in told.failed or day == told.failed_full:
        read = FULL if day == told.failed_full else window
        return TableDay(table, day, "failed", _failure(told, read), f"planlake run {table}")
    is_held_in_full = FULL in told.held and day == max(told.full, default=None)
    if window in told.held or is_held_in_full:
        came = told.closed.get(day, told.full.get(day))
        return TableDay(table, day, "held", _records(came), f"planlake check {table}")
    return _read(table, day, told) or _not_read(table, day, told, cadence=cadence, today=today)


def _read(table: str, day: date, told: _Told) -> TableDay | None:
    """A day that was read whole, by itself or with the whole table, or that was and is taken back; None where not."""
    if day in told.closed:
        return TableDay(table, day, "complete", _records(told.closed[day]))
    if str(day) in told.undone:
        return TableDay(table, day, "undone", "what came was taken back", f"planlake run {table}")
    return TableDay(table, day, "full", _records(told.full[day])) if day in told.full else None


def _not_read(table: str, day: date, told: _Told, *, cadence: Cadence, today: date) -> TableDay:
    """A day that was not read by itself: it is not over, was not due, lies in a full reading, or nobody asked yet."""
    if told.first is not None and day < told.first:
        return TableDay(table, day, "not due", "before the first load")
    later = min((one for one in told.full if one > day), default=None)
    if later is not None and cadence == "daily":
        return TableDay(table, day, "not due", f"it is in the full reading of {words.day(later)}")
    if cadence == "weekly" or told.first is None:
        return TableDay(table, day, "not due")
    if day == today:
        return TableDay(table, day, "open", "the day is not over")
    if told.history.pages_of(str(day)):
        return TableDay(table, day, "open", "begun and not read to its end", f"planlake run {table}")
    return TableDay(table, day, "not asked", "", f"planlake run {table}")


def _failure(told: _Told, window: str) -> str:
    """How far a window was read that is not whole: `3 of 5 pages, 240 records, tried 15 times in 3 runs`."""
    history = told.history
    good = history.pages_of(window)
    total = max((page.total for page in good.values()), default=None)
    bad = sum(1 for one, _ in history.failures if one == window)
    due = max(ceil(total / history.per_page), len(good) + bad) if total and history.per_page else len(good) + bad
    records, (tries, runs) = sum(page.records for page in good.values()), told.tries.get(window, (0, 0))
    tried = f", tried {words.counted(tries, 'time', 'times')}" if tries else ""
    tried += f" in {words.counted(runs, 'run', 'runs')}" if runs > 1 else ""
    return f"{len(good)} of {words.counted(due, 'page', 'pages')}, {_records(records)}{tried}"


def _records(count: int | None) -> str:
    return words.counted(count, "record", "records") if count is not None else ""


def _undone(facts: LakeFacts) -> dict[str, list[str]]:
    """The windows that were closed by batches which nothing uses any more."""
    return _windows(
        facts,
        """
        with voided as (select resource, batch from api_requests where event in ('voided', 'restored')
                        group by all having arg_max(event, request_id) = 'voided')
        select distinct resource, "window" from api_requests semi join voided using (resource, batch)
        where event = 'closed'""",
    )


def _held(facts: LakeFacts) -> dict[str, list[str]]:
    """The windows whose records came and are not shown, because a check holds them."""
    held = [name for name, one in facts.verdicts.items() if one.state == "held"]
    return _windows(
        facts,
        """
        with shown as (select resource, max(batch) as batch from published group by resource)
        select distinct resource, "window" from api_requests left join shown using (resource)
        where event = 'closed' and api_requests.batch > coalesce(shown.batch, 0) and resource in (select unnest(?))""",
        [held],
    )


def _windows(facts: LakeFacts, query: str, values: Sequence[object] = ()) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for resource, window in facts.ask(query, values):
        found.setdefault(resource, []).append(window)
    return found


def _failed_readings(facts: LakeFacts) -> dict[str, date]:
    """The day on which a full reading last failed at some page."""
    query = """select resource, max(requested_at) from api_requests
               where event = 'page' and "window" = ? and error is not null group by resource"""
    return {resource: london_day(instant) for resource, instant in facts.ask(query, [FULL])}


def _tries(facts: LakeFacts) -> dict[str, dict[str, tuple[int, int]]]:
    """How often pages were asked for in vain since their windows were last read whole."""
    found: dict[str, dict[str, tuple[int, int]]] = {}
    query = """
        with closings as (select resource, "window", max(request_id) as closed_id from api_requests
                          where event = 'closed' group by all),
        tried as (select resource, "window", page, sum(coalesce(attempts, 1))::bigint as tries,
                      count(distinct run) as runs
                  from api_requests left join closings using (resource, "window")
                  where event = 'page' and (error is not null or (status = 200 and total_results is null))
                      and request_id > coalesce(closed_id, 0) group by all)
        select resource, "window", max(tries), arg_max(runs, tries) from tried group by all"""
    for resource, window, tries, runs in facts.ask(query):
        found.setdefault(resource, {})[window] = tries, runs
    return found
