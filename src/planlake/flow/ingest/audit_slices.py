"""Chooses which slice of a large table to audit next, so that all of it is compared once in `audit_days`.

A slice is a run of pages of the whole table, which come in the order of the ids; what it covers is an interval of ids.
The ledger says which slices were compared. They follow one another from the first id to the last, and such a round
begins again when it is done. A full reading compares everything, so a round begins with it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from planlake.clock import london_day
from planlake.engines.casts import whole_number
from planlake.lake.state.audits import Audited
from planlake.lake.state.ledger import History
from planlake.sources.catalogue import Cadence, Resource

LOWEST, HIGHEST = -(2**63), 2**63 - 1
MOST_NIGHTS = 4  # so many nights' work are done in one at most, where runs were missed


@dataclass(frozen=True, slots=True)
class Interval:
    """The ids above `first` up to `last`; None where nothing bounds them."""

    first: int | None = None
    last: int | None = None

    @property
    def low(self) -> int:
        """The lowest id in it."""
        return LOWEST if self.first is None else self.first + 1

    @property
    def high(self) -> int:
        """The highest id in it."""
        return HIGHEST if self.last is None else self.last

    def has(self, identity: int) -> bool:
        """Whether an id lies in it."""
        return self.low <= identity <= self.high


@dataclass(frozen=True, slots=True)
class Slice:
    """What is to be compared next: so many pages behind an id, which was on a `page` when it was last seen.

    `behind` is None, and the page 0, at the beginning of a round; `is_to_end` says that the slice ends the round.
    `gone` is how many deletions the round has found so far, `why` how far it is.
    """

    pages: int
    page: int = 0
    behind: int | None = None
    is_to_end: bool = False
    gone: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True)
class _Round:
    """How far a round has come: the day by which everything before it was compared, and the end of its last slice."""

    begun: date
    behind: int | None = None
    page: int = 0
    gone: int = 0


def is_read_by_days(resource: Resource, cadence: Cadence) -> bool:
    """Whether a table is read by days, so that only an audit sees what days cannot."""
    return cadence != "weekly" and bool(resource.changed)


def has_number_ids(resource: Resource) -> bool:
    """Whether the ids of a resource are whole numbers, which slices need."""
    return resource.type_of(resource.key) in ("integer", "long")


def due_slice(history: History, today: date, *, page_size: int, audit_days: int) -> Slice | None:
    """The slice that is due on a London day, as large as the days passed since the round began make it.

    None where there is none: nothing was loaded yet, or what is due is less than a page or was compared today.
    """
    last, audits = history.last_full(), audits_of(history)
    if audit_days == 0 or last is None:
        return None
    refused = [one for one in audits if one.error]
    if refused and (today - london_day(refused[-1].audited_at)).days < audit_days:
        return None
    newest = max((london_day(one.audited_at) for one in audits), default=london_day(last.started_at))
    if newest >= today:
        return None
    so_far = _round(london_day(last.started_at), audits)
    pages, days = -(-known_total(history) // page_size), (today - so_far.begun).days
    is_to_end = days >= audit_days
    wanted = (pages if is_to_end else pages * days // audit_days) - so_far.page
    most = max(1, -(-MOST_NIGHTS * pages // audit_days))
    if wanted < 1 and not is_to_end:
        return None
    why = f"day {days} of {audit_days}"
    due = Slice(max(1, wanted), so_far.page, so_far.behind, is_to_end, so_far.gone, why)
    return replace(due, pages=most, is_to_end=False) if wanted > most else due


def audits_of(history: History) -> list[Audited]:
    """The slices that were compared since the last full reading."""
    last = history.last_full()
    return [one for one in history.audits if last is not None and one.audited_at >= last.started_at]


def known_total(history: History) -> int:
    """How many records the API has, as far as it was last heard."""
    last, count = history.last_full(), history.last_count
    heard = [(last.started_at, last.records)] if last else []
    heard += [(count.counted_at, count.total)] if count else []
    heard += [(one.audited_at, one.total) for one in history.audits if not one.error]
    return max(heard, default=(None, 0), key=lambda one: one[0])[1]


def _round(begun: date, audits: Iterable[Audited]) -> _Round:
    """The round that is under way. A slice that does not follow the one before it is none of it.

    So where a slice was voided, or its ends were forgotten, the round goes on in front of it.
    """
    so_far, newest = _Round(begun), begun
    for one in (one for one in audits if not one.error):
        interval, day = interval_of(one), london_day(one.audited_at)
        if interval is not None and interval.first is None:
            so_far = _Round(newest)
        if interval is not None and interval.first == so_far.behind:
            gone = so_far.gone + one.gone
            is_done = interval.last is None
            so_far = _Round(day) if is_done else _Round(so_far.begun, interval.last, one.page, gone)
        newest = day
    return so_far


def interval_of(one: Audited) -> Interval | None:
    """The ids of a slice; None where one of its ends is not known any more."""
    first, last = whole_number(one.first_id), whole_number(one.last_id)
    is_known = (first is None) == (one.first_id is None) and (last is None) == (one.last_id is None)
    return Interval(first, last) if is_known else None
