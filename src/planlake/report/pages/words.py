"""Numbers, days, sizes and names as people write them; every page takes them from here."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from planlake.clock import LONDON
from planlake.printable import printable

BLANK = "\u00a0"  # a blank at which no line ends
NOT_KNOWN = "not known"
NAMES_SHOWN = 3
_ISO_DAY = re.compile(r"\b(\d{4})-(\d\d)-(\d\d)\b")
_OPEN = re.compile(r"^(\d+) of (\d+) windows? open, first (\S+): ")


def number(value: float | None) -> str:
    """A whole number, `1,002`; with its minus sign; one that nobody knows in words."""
    if value is None:
        return NOT_KNOWN
    return f"{value:,.0f}".replace("-", "\u2212")


def figure(value: float | None) -> str:
    """A number in a table where most have one; a dash where there is none."""
    return "\u2013" if value is None else number(value)


def counted(value: int | None, one: str, several: str) -> str:
    """A number with its word in the singular or the plural: `1 row has`, `2 rows have`."""
    return f"{number(value)}{BLANK}{one if value == 1 else several}"


def percent(share: float | None) -> str:
    """A share of 1 in per cent: `6.0 %` below ten, `94 %` above; nothing is called whole that is not."""
    if share is None:
        return NOT_KNOWN
    value = 100 * share
    digits = 1 if abs(value) < 10 and value else 0
    shown = f"{value:.{digits}f}"
    if shown == "100" and value < 100:
        shown = "99.9"
    if shown == "0.0" and value > 0:
        shown = "under 0.1"
    return f"{shown}{BLANK}%".replace("-", "\u2212")


def size(count: float | None) -> str:
    """A number of bytes: `4.2 MB`."""
    if count is None:
        return NOT_KNOWN
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            break
        count /= 1000
    shown = f"{count:.1f}" if count < 10 and unit != "bytes" else f"{count:,.0f}"
    return f"{shown}{BLANK}{unit}"


def duration(seconds: float | None) -> str:
    """How long something took: `0.4 seconds`, `11 minutes`, `2 hours`."""
    if seconds is None:
        return NOT_KNOWN
    if seconds < 9.95:
        return f"{seconds:.1f}{BLANK}seconds"
    if seconds < 90:
        return counted(round(seconds), "second", "seconds")
    if seconds < 90 * 60:
        return counted(round(seconds / 60), "minute", "minutes")
    return counted(round(seconds / 3600), "hour", "hours")


@lru_cache(maxsize=1000)
def day(value: date | None) -> str:
    """A day in a sentence: `27 November 2026`."""
    return f"{value.day}{BLANK}{value:%B %Y}" if value else NOT_KNOWN


@lru_cache(maxsize=1000)  # a table's page writes hundreds of days, the same as all others
def short_day(value: date | None) -> str:
    """A day in a table: `27 Nov 2026`."""
    return f"{value.day}{BLANK}{value:%b}{BLANK}{value:%Y}" if value else NOT_KNOWN


def near_day(value: date | None, today: date) -> str:
    """A day as people say it: today, yesterday, `Thursday` within a week, else with its month."""
    if value is None:
        return NOT_KNOWN
    days = (today - value).days
    if days in (0, 1):
        return ("today", "yesterday")[days]
    if 1 < days < 7:
        return f"{value:%A}"
    return f"{value.day}{BLANK}{value:%B}" if value.year == today.year else day(value)


def in_london(instant: datetime) -> datetime:
    """An instant as tables keep it (UTC, without zone), by London's clocks."""
    return instant.replace(tzinfo=UTC).astimezone(LONDON)


def moment(instant: datetime | None, today: date) -> str:
    """An instant (UTC, without zone) by London's clocks: `today at 03:11`."""
    if instant is None:
        return NOT_KNOWN
    local = in_london(instant)
    return f"{near_day(local.date(), today)} at {local:%H:%M}"


def utc(instant: datetime) -> str:
    """An instant (UTC, without zone) for machines, as `<time datetime>` has it."""
    return f"{instant:%Y-%m-%dT%H:%M:%SZ}"


def age(instant: datetime | date, now: datetime) -> str:
    """How long ago something was: `6 hours ago`; of a day how many days. Both are UTC, without zone."""
    if not isinstance(instant, datetime):
        days = (in_london(now).date() - instant).days
        return {0: "today", 1: "yesterday"}.get(days) or f"{counted(days, 'day', 'days')} ago"
    passed = now - instant
    if passed < timedelta(minutes=1):
        return "just now"
    if passed < timedelta(minutes=90):
        return f"{counted(round(passed.total_seconds() / 60), 'minute', 'minutes')} ago"
    if passed < timedelta(days=2):
        return f"{counted(round(passed.total_seconds() / 3600), 'hour', 'hours')} ago"
    return f"{counted(passed.days, 'day', 'days')} ago"


def named(names: Sequence[str], most: int = NAMES_SHOWN) -> str:
    """Names in a sentence: `a, b and c`, of many the first and `and 4 more`."""
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1] if names else "")))


def sentence(text: str) -> str:
    """A part of a sentence as a whole one: a capital first, unless it begins with a name as it is typed, and a stop."""
    return f"{text[:1].upper()}{text[1:]}".rstrip(".") + "."


def plainly(message: str) -> str:
    """A message of a run as people read it: days with their months, and readings rather than windows."""
    said = _OPEN.sub(_not_read, printable(message)).replace("today so far", "that day so far")
    return _ISO_DAY.sub(_day_of_match, said)


def _not_read(found: re.Match[str]) -> str:
    if found[3] == "full":
        return "it could not be read to its end: "
    return f"{found[1]} of {counted(int(found[2]), 'day', 'days')} could not be read, first {found[3]}: "


def _day_of_match(found: re.Match[str]) -> str:
    try:
        return day(date(int(found[1]), int(found[2]), int(found[3])))
    except ValueError:
        return found[0]
