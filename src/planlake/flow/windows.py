"""Which parts of a resource are asked for now: in go its history and the clock, out come windows and gaps.

A window is the whole resource or one London day of `last_updated`. The first window after a full reading is the day
that reading began, so that nothing changed while it ran is missed.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from planlake.clock import Clock, london_day
from planlake.config import Settings
from planlake.lake.ledger import FULL, History
from planlake.sources.catalogue import Cadence, Resource


@dataclass(frozen=True, slots=True)
class Due:
    """What a resource needs now: windows to read in order, days that will not be read, and why."""

    windows: tuple[str, ...]
    why: str
    gaps: tuple[date, ...] = ()
    new_gaps: tuple[date, ...] = ()


def due_windows(
    resource: Resource,
    history: History,
    clock: Clock,
    settings: Settings,
    *,
    cadence: Cadence = "daily",
    asked: Literal["due", "named", "full"] = "due",
) -> Due:
    """Windows of a resource that are due; `named` reads a weekly table again, `full` reads everything again."""
    last = history.last_full()
    if last is None:
        return Due((FULL,), "never loaded")
    if asked == "full":
        return Due((FULL,), "asked for in full")
    last_day = london_day(last.started_at)
    if cadence == "weekly" or not resource.changed:
        return _due_whole(last_day, clock.today(), cadence, asked_by_name=asked == "named")
    return _due_days(last_day, history.closed_days(), clock, settings)


def _due_whole(last_day: date, today: date, cadence: Cadence, *, asked_by_name: bool) -> Due:
    if asked_by_name and last_day < today:
        return Due((FULL,), f"read whole, last on {last_day}")
    if cadence == "weekly":
        sunday = today - timedelta(days=(today.weekday() + 1) % 7)
        is_due, why = last_day < sunday, f"read whole each week, last on {last_day}"
    else:
        is_due, why = last_day < today, f"read whole each time, last on {last_day}"
    return Due((FULL,), why) if is_due else Due((), f"was read on {last_day}")


def _due_days(first: date, closed: set[date], clock: Clock, settings: Settings) -> Due:
    last = clock.last_askable_day(settings.day_grace_hours)
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    missing = [day for day in days if day not in closed]
    oldest = clock.today() - timedelta(days=settings.look_back_days)
    gaps = tuple(day for day in missing if day < oldest)
    newest_closed = max(closed, default=date.min)
    due = [day for day in missing if day >= oldest]
    if not due:
        return Due((), f"every day up to {last} was loaded", gaps)
    why = f"changes of {due[0]}" if len(due) == 1 else f"changes of {len(due)} days from {due[0]} to {due[-1]}"
    return Due(tuple(map(str, due)), why, gaps, tuple(day for day in gaps if day > newest_closed))
