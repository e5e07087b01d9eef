"""How much of a table the audit has compared with the API, from what the ledger says of its slices."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from planlake.clock import london_day
from planlake.config import Config
from planlake.flow.ingest.audit_slices import Interval, audits_of, has_number_ids, interval_of, is_read_by_days
from planlake.lake.row_counts import Held
from planlake.lake.state.audits import Audited
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


def share_of(config: Config, resource: Resource, history: History, *, held: Held, today: date) -> Share:
    """The share of a configured table, `held.within` the audited ranges; nothing where it is read whole each time."""
    if not _is_audited(config, resource):
        return Share()
    if not has_number_ids(resource):
        return Share(why_not="its ids are not whole numbers")
    return audited_share(history, held, today, audit_days=config.settings.audit_days)


def audited_ranges(config: Config, resource: Resource, history: History, *, today: date) -> list[tuple[int, int]]:
    """The ids of a configured table that were compared lately; none where it is not audited."""
    if not _is_audited(config, resource) or not has_number_ids(resource):
        return []
    return compared_ranges(history, today, audit_days=config.settings.audit_days)


def compared_ranges(history: History, today: date, *, audit_days: int) -> list[tuple[int, int]]:
    """The ids that were compared in the last `audit_days`, as ranges in order, both ends included."""
    return joined(filter(None, map(interval_of, _recent(history, today, audit_days))))


def _is_audited(config: Config, resource: Resource) -> bool:
    is_daily = resource.name in config.tables.daily and is_read_by_days(resource, "daily")
    return config.settings.audit_days > 0 and is_daily


def _recent(history: History, today: date, audit_days: int) -> list[Audited]:
    """The slices that were compared in the last `audit_days`."""
    oldest = today - timedelta(days=audit_days)
    return [one for one in audits_of(history) if london_day(one.audited_at) >= oldest]


def audited_share(history: History, held: Held, today: date, *, audit_days: int) -> Share:
    """How many of the rows held were compared in the last `audit_days`."""
    last, oldest = history.last_full(), today - timedelta(days=audit_days)
    if last is None:
        return Share()
    audits = audits_of(history)
    if audits and audits[-1].error:
        return Share(why_not=audits[-1].error)
    if (read_on := london_day(last.started_at)) >= oldest:
        return Share(100, read_on)
    recent = _recent(history, today, audit_days)
    since = london_day(recent[0].audited_at) if recent else None
    return Share(100 * held.within // max(1, held.rows), since)


def joined(intervals: Iterable[Interval]) -> list[tuple[int, int]]:
    """The intervals as ranges in order with both ends, those that touch or overlap as one."""
    found: list[tuple[int, int]] = []
    for one in sorted(intervals, key=lambda interval: interval.low):
        if one.low > one.high:
            continue
        if found and one.low <= found[-1][1] + 1:
            found[-1] = found[-1][0], max(found[-1][1], one.high)
        else:
            found.append((one.low, one.high))
    return found
