"""The two clocks: the one users can move with PLANLAKE_NOW, and London's calendar on top of it.

Own instants are UTC; "today", windows, import and snapshot dates are London's. The request signature never uses this
clock: it must be the machine's.
"""

import os
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from time import monotonic
from zoneinfo import ZoneInfo

from planlake.errors import ConfigurationError

LONDON = ZoneInfo("Europe/London")


@dataclass(frozen=True, slots=True)
class Clock:
    """A clock that started at `start` (aware) when the monotonic clock stood at `since`."""

    start: datetime
    since: float

    def now(self) -> datetime:
        """The present instant, in UTC."""
        return (self.start + timedelta(seconds=monotonic() - self.since)).astimezone(UTC)

    def today(self) -> date:
        """The present day in London."""
        return self.now().astimezone(LONDON).date()

    def last_askable_day(self, grace_hours: int) -> date:
        """The last London day that is over for at least `grace_hours`."""
        return (self.now() - timedelta(hours=grace_hours)).astimezone(LONDON).date() - timedelta(days=1)


def read_clock() -> Clock:
    """The machine's clock, or the instant in `PLANLAKE_NOW` (London time where it names no zone)."""
    moved = os.environ.get("PLANLAKE_NOW")
    if not moved:
        return Clock(start=datetime.now(UTC), since=monotonic())
    try:
        start = datetime.fromisoformat(moved)
    except ValueError:
        hint = "PLANLAKE_NOW=2026-11-23T03:00:00"
        raise ConfigurationError(f'PLANLAKE_NOW is not an instant: "{moved}"', hint=hint) from None
    return Clock(start=start if start.tzinfo else start.replace(tzinfo=LONDON), since=monotonic())


def dashed(day: str) -> str:
    """A day that tables keep as `20261129`, as people write it: `2026-11-29`."""
    return f"{day[:4]}-{day[4:6]}-{day[6:]}"


def naive_utc(instant: datetime) -> datetime:
    """An aware instant as tables keep it: UTC, without zone."""
    return instant.astimezone(UTC).replace(tzinfo=None)


def london_day(instant: datetime) -> date:
    """The London day of an instant as tables keep it (UTC, without zone)."""
    return instant.replace(tzinfo=UTC).astimezone(LONDON).date()
