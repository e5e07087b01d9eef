"""Decides which parts of a resource to ask for now, and which days are gaps, from its history and the clock.

A window is the whole resource or one London day of `last_updated`. The first window after a full reading is the day
that reading began, so that nothing changed while it ran is missed. A closed day is counted once more, and
today is asked for last, provisionally: a record that a job touches every night is found under no day but today's.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Literal

from planlake.clock import Clock, london_day
from planlake.config import Settings
from planlake.lake.state.ledger import FULL, PAGE, PROVISIONAL, RECOUNT, ClosedWindow, History
from planlake.sources.catalogue import Cadence, Resource

RequestKind = Literal["due", "named", "full"]
NEVER_AS_FEW = -1  # as known records: no total is as small, so the window is always read


@dataclass(frozen=True, slots=True)
class Window:
    """One window to ask for: its name, and as what: to be closed, to be counted again, or provisionally.

    `known_records` is how many records a window to be counted again had. Where the API's filter is a lower bound, the
    window is read from its day on: it `closes` several days and `settles` those of them that were closed before.
    """

    name: str
    event: str = PAGE
    known_records: int = 0
    closes: tuple[str, ...] = ()
    settles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Due:
    """What a resource needs now: windows to read in order, days that will not be read, and why."""

    windows: tuple[Window, ...]
    why: str
    gaps: tuple[date, ...] = ()
    new_gaps: tuple[date, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """How a resource was asked for: because it is due, by name, in full, or for the days of a backfill."""

    kind: RequestKind = "due"
    cadence: Cadence = "daily"
    backfill: tuple[date, ...] = field(default=())


def due_windows(resource: Resource, history: History, *, clock: Clock, settings: Settings, request: Request) -> Due:
    """Windows of a resource that are due; `named` reads a weekly table again, `full` reads everything again."""
    last = history.last_full()
    if last is None:
        return Due((Window(FULL),), "continues the first load" if history.is_open(FULL) else "never loaded")
    if request.backfill and resource.changed:
        return Due(tuple(Window(str(day)) for day in request.backfill), f"{len(request.backfill)} days asked for")
    if request.kind == "full":
        return Due((Window(FULL),), "asked for in full")
    if history.is_open(FULL):
        return Due((Window(FULL),), "continues the full reading")
    last_day = london_day(last.started_at)
    if request.cadence == "weekly" or not resource.changed:
        return _due_whole(last_day, clock.today(), request)
    return _due_days(last_day, history, clock=clock, settings=settings)


def from_first_day_on(due: Due) -> Due:
    """The same for an API whose filter is a lower bound: the first day alone is asked for, and gives all later ones.

    Today comes with them. A day that is counted again is read again: how many records it had says nothing of the total
    of a window without an end.
    """
    days = sorted(window.name for window in due.windows if window.name != FULL and window.event != PROVISIONAL)
    if not days:
        return due
    settles = tuple(window.name for window in due.windows if window.event == RECOUNT)
    event = RECOUNT if len(settles) == len(days) else PAGE
    return replace(due, windows=(Window(days[0], event, NEVER_AS_FEW, tuple(days), settles),))


def _due_whole(last_day: date, today: date, request: Request) -> Due:
    if request.kind == "named" and last_day < today:
        return Due((Window(FULL),), f"whole, last {last_day}")
    if request.cadence == "weekly":
        sunday = today - timedelta(days=(today.weekday() + 1) % 7)
        is_due, why = last_day < sunday, f"weekly, last {last_day}"
    else:
        is_due, why = last_day < today, f"whole each time, last {last_day}"
    return Due((Window(FULL),), why) if is_due else Due((), f"was read on {last_day}")


def _due_days(first: date, history: History, *, clock: Clock, settings: Settings) -> Due:
    closed = history.closed_days()
    last = clock.last_askable_day(settings.day_grace_hours)
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    missing = [day for day in days if day not in closed]
    oldest = clock.today() - timedelta(days=settings.look_back_days)
    gaps = tuple(day for day in missing if day < oldest)
    known = {gap.window for gap in history.gaps}
    due = [day for day in missing if day >= oldest]
    again = [day for day in sorted(closed) if day >= oldest and _is_to_be_recounted(day, closed[day], history)]
    windows = [Window(str(day), RECOUNT, closed[day].records) for day in again]
    windows += [Window(str(day)) for day in due]
    windows.append(Window(str(clock.today()), PROVISIONAL))
    return Due(tuple(windows), _why(due, last), gaps, tuple(day for day in gaps if str(day) not in known))


def _is_to_be_recounted(day: date, closed: ClosedWindow, history: History) -> bool:
    """Whether a day was read so soon after its end that records may have come in late, and not counted again since."""
    was_read_at_once = london_day(closed.started_at) <= day + timedelta(days=1)
    return was_read_at_once and closed.window not in history.recounted


def _why(due: Sequence[date], last: date) -> str:
    if not due:
        return f"loaded up to {last}; today so far"
    if len(due) == 1:
        return f"{due[0]}, today so far"
    return f"{due[0]} to {due[-1]}, today so far"
