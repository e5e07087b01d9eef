"""How much of a table the audit has compared with the API, from what the ledger says of its slices."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from planlake.clock import london_day
from planlake.config import Config
from planlake.flow.ingest.audit_slices import Interval, audits_of, has_number_ids, interval_of, is_read_by_days
from planlake.lake.state.ledger import History
from planlake.sources.catalogue import Resource


@dataclass(frozen=True, slots=True)
class Share:
    """How much of a table was compared with the API within `audit_days`, in percent, and since when.

    `why_not` says why slices of a table that is read by days are not compared.
    """

    percent: int | None = None
    since: date | None = None
    why_not: str = ""


def share_of(config: Config, resource: Resource, history: History, *, held: Iterable[str], today: date) -> Share:
    """The share of a configured table, of which these ids are held; nothing where it is read whole each time."""
    days = config.settings.audit_days
    if days == 0 or resource.name not in config.tables.daily or not is_read_by_days(resource, "daily"):
        return Share()
    if not has_number_ids(resource):
        return Share(why_not="its ids are not whole numbers")
    return audited_share(history, sorted(map(int, held)), today, audit_days=days)


def audited_share(history: History, held: Sequence[int], today: date, *, audit_days: int) -> Share:
    """How many of the ids held, given in order, were compared in the last `audit_days`."""
    last, oldest = history.last_full(), today - timedelta(days=audit_days)
    if last is None:
        return Share()
    audits = audits_of(history)
    if audits and audits[-1].error:
        return Share(why_not=audits[-1].error)
    recent = [one for one in audits if london_day(one.audited_at) >= oldest]
    if (read_on := london_day(last.started_at)) >= oldest:
        return Share(100, read_on)
    found = [interval for one in recent if (interval := interval_of(one)) is not None]
    since = london_day(recent[0].audited_at) if recent else None
    return Share(100 * covered(found, held) // max(1, len(held)), since)


def covered(intervals: Iterable[Interval], held: Sequence[int]) -> int:
    """How many of the ids, which are in order, lie in one of the intervals."""
    count, done = 0, 0
    for one in sorted(intervals, key=lambda interval: interval.low):
        begin = max(done, bisect_right(held, one.low - 1))
        end = bisect_right(held, one.high)
        count, done = count + max(0, end - begin), max(done, end)
    return count
