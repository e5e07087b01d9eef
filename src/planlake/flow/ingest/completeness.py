"""What single answers prove of a window: where records may lie that no page showed.

A page is a run of consecutive records, so at the moment it was read it held every record between its first id and its
last. A record that stood all the time and came on no page therefore lies in a *hole*: between the last id of one page
and the first id of the next. Where these are consecutive there is no room. Elsewhere both pages are read in turn until
one of them came back unchanged after the other: then nothing moved across while the other was read.
"""

from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from planlake.engines.casts import whole_number
from planlake.sources.dialect import Totals
from planlake.sources.records import Records

MOST_PAGES_BACK = 16
FEW_IDS = 2  # between two pages: to ask for them costs no more than to read pages again, and proves more
Identity = int | str | None
Identities = Sequence[Identity]


@dataclass(frozen=True, slots=True)
class PageReading:
    """One answer for one page: the total it said, when it was asked for and answered, and the ids of its records.

    `asked` and `answered` are in seconds of a clock that only runs on. Of a page that an earlier run read only the ends
    are known: both times are 0, and its `ids` are empty. `first` and `last` are None where ids are no whole numbers in
    ascending order.
    """

    page: int
    total: int
    records: int
    asked: float = 0
    answered: float = 0
    ids: Identities = field(default=(), repr=False)
    first: int | None = None
    last: int | None = None
    odd: Mapping[Identity, str | None] = field(
        default_factory=dict, repr=False
    )  # ids as sent, where some are no numbers

    @property
    def is_ordered(self) -> bool:
        """Whether its ids are whole numbers in ascending order."""
        return self.first is not None

    def shows_the_same(self, other: "PageReading") -> bool:
        """Whether another reading of the page brought the same ids, as far as they are known."""
        if self.ids and other.ids:
            return self.ids == other.ids
        return (self.first, self.last, self.records) == (other.first, other.last, other.records)


Readings = Mapping[int, Sequence[PageReading]]  # by page, oldest first


@dataclass(frozen=True, slots=True)
class Hole:
    """Where a record may lie that no page showed: behind the end of one reading and before the start of another."""

    left: PageReading
    right: PageReading


def page_reading(
    page: int, total: int, records: Records, *, times: tuple[float, float], has_text_ids: bool
) -> PageReading:
    """The reading of a page that was answered."""
    names = _names(records)
    known, numbers = (tuple(names), ()) if has_text_ids else _known(names)
    is_in_order = len(numbers) > 0 and all(earlier <= later for earlier, later in pairwise(numbers))
    first, last = (numbers[0], numbers[-1]) if is_in_order else (None, None)
    odd = {} if numbers is known else {one: records.ids[place] for place, one in enumerate(known)}
    return PageReading(page, total, len(records), *times, known, first, last, odd)


def _names(records: Records) -> Sequence[str]:
    """The ids of a page, and for each record without one its hash, numbered where several are the same."""
    if None not in records.ids:
        return records.ids  # type: ignore[return-value]  # none is None
    found: list[str] = []
    count: Counter[str] = Counter()
    for identity, record_hash in zip(records.ids, records.hashes, strict=True):
        count[record_hash] += identity is None
        found.append(f"\0{record_hash} {count[record_hash]}" if identity is None else identity)
    return found


def identity_of(text: str | None, *, has_text_ids: bool) -> Identity:
    """What tells an id apart: itself where ids are text, else its number, or a hash where it is no whole number."""
    if has_text_ids:
        return text
    whole = whole_number(text)
    return hash(text) if whole is None else whole


def _known(names: Sequence[str]) -> tuple[Identities, Sequence[int]]:
    """What tells the records of a page apart, and the whole numbers among their ids."""
    try:
        joined = "".join(names)
        if joined.isascii() and joined.isdigit():
            numbers = array("q", map(int, names))
            return numbers, numbers
    except (ValueError, OverflowError):
        pass
    wholes = [whole_number(text) for text in names]
    known = array("q", [hash(text) if one is None else one for text, one in zip(names, wholes, strict=True)])
    return known, [one for one in wholes if one is not None]


def holes(readings: Readings, last_page: int) -> list[Hole]:
    """Every place between two pages where a record may lie that stood all the time and was not shown."""
    if _go_up(readings):
        return _holes_between_numbers(one for page in readings.values() for one in page if one.records)
    return [
        Hole(readings[page][-1], readings[page + 1][-1])
        for page in range(1, last_page)
        if page in readings and page + 1 in readings
    ]


def _go_up(readings: Readings) -> bool:
    """Whether ids are whole numbers in ascending order on every page, and from page to page."""
    if not all(one.is_ordered for page in readings.values() for one in page if one.records):
        return False
    newest = [readings[page][-1] for page in sorted(readings) if readings[page][-1].records]
    return all(_goes_on(one, following) for one, following in pairwise(newest))


def _goes_on(one: PageReading, following: PageReading) -> bool:
    """Whether a page begins behind another one, or with records that moved there from its end."""
    if _first(following) > _last(one):
        return True
    return _first(one) <= _first(following) and {number for number in following.ids if _is_up_to(number, one)} <= set(
        one.ids
    )


def _is_up_to(identity: Identity, reading: PageReading) -> bool:
    return isinstance(identity, int) and identity <= _last(reading)


def are_adjacent(one: PageReading, other: PageReading) -> bool:
    """Whether no id has room between the whole numbers of two readings."""
    if not (one.is_ordered and other.is_ordered):
        return False
    return _first(other) <= _last(one) + 1 and _first(one) <= _last(other) + 1


def _holes_between_numbers(readings: Iterable[PageReading]) -> list[Hole]:
    """Gaps in the union of what the readings cover, where whole numbers have room."""
    found: list[Hole] = []
    reached: PageReading | None = None
    for one in sorted(readings, key=lambda one: (one.page > 1, one.first, one.asked)):
        if reached is None:
            reached = one  # of page 1: it covers everything below its last id
            continue
        if one.page > 1 and _first(one) > _last(reached) + 1:
            found.append(Hole(reached, one))
        if _last(one) >= _last(reached):
            reached = one
    return found


def _first(reading: PageReading) -> int:
    return reading.first or 0


def _last(reading: PageReading) -> int:
    return reading.last or 0


def is_proven(hole: Hole, readings: Readings) -> bool:
    """Whether nothing lies in a hole: one of its pages came back the same after the other was read, total and all."""
    lefts, rights = readings.get(hole.right.page - 1, ()), readings.get(hole.right.page, ())

    def is_left(one: PageReading) -> bool:
        return one.last == hole.left.last

    def is_right(one: PageReading) -> bool:
        return one.first == hole.right.first

    return _came_back(lefts, is_left, rights, is_right) or _came_back(rights, is_right, lefts, is_left)


def _came_back(
    outer: Sequence[PageReading],
    is_outer: Callable[[PageReading], bool],
    inner: Sequence[PageReading],
    is_inner: Callable[[PageReading], bool],
) -> bool:
    """Whether a page showed the same before another one was asked for and after that was answered."""
    between = [one for one in inner if is_inner(one)]
    return any(
        is_outer(after)
        and before.shows_the_same(after)
        and before.total == one.total == after.total
        and before.answered < one.asked
        and one.answered < after.asked
        for before, after in pairwise(outer)
        for one in between
    )


def pages_to_close(hole: Hole, readings: Readings, per_page: int) -> range:
    """The pages to read again for a hole: the one of its two that was read longer ago.

    Where records moved by a page or more, as between two runs, all that may hold them.
    """
    page = hole.right.page
    if hole.left.is_ordered and hole.left.page >= page:
        pages = -(-(_first(hole.right) - _last(hole.left) - 1) // per_page)
        return range(max(1, page - min(pages, MOST_PAGES_BACK)), page)
    lefts, rights = readings.get(page - 1, ()), readings[page]
    is_left_newer = bool(lefts) and lefts[-1].asked > rights[-1].answered
    return range(page, page + 1) if is_left_newer else range(page - 1, page)


def in_order(pages: Sequence[PageReading]) -> int:
    """How many of these pages, from the first, have whole numbers that go up from page to page."""
    if not pages or not pages[0].is_ordered:
        return 0
    for number, (one, following) in enumerate(pairwise(pages), start=1):
        if not following.is_ordered or _first(following) <= _last(one):
            return number
    return len(pages)


def different_ids(readings: Readings) -> set[Identity]:
    """The ids that came, without those that a later reading of the same place no longer showed."""
    found: set[Identity] = set()
    for page in readings.values():
        for one in page:
            found.update(one.ids)
        for before, after in pairwise(page):
            gone = set(before.ids).difference(after.ids)
            found.difference_update(one for one in gone if is_within(one, [after]))
    return found


def different_records(newest: Sequence[PageReading], readings: Readings) -> int:
    """How many different records came, of which these are the newest pages in their order.

    Of pages that an earlier run read, in order, all records are different.
    """
    if in_order(newest) == len(newest) and not any(len(set(one.ids)) < len(one.ids) for one in newest):
        return sum(one.records for one in newest)
    known = [one for one in newest if not one.ids]
    return sum(one.records for one in known) + sum(not is_within(one, known) for one in different_ids(readings))


def wrong_sizes(pages: Mapping[int, PageReading], total: int, per_page: int) -> list[int]:
    """Pages that hold another number of records than a total gives them; the first of none holds none."""
    last = max(1, -(-total // per_page))
    return [
        page
        for page, one in pages.items()
        if page <= last and one.records != min(per_page, total - (page - 1) * per_page)
    ]


def is_read_last(readings: Readings, page: int) -> bool:
    """Whether a page was asked for after all others were answered."""
    others = (one[-1].answered for other, one in readings.items() if other != page)
    return readings[page][-1].asked > max(others, default=0)


def ids_between(hole: Hole) -> range:
    """The whole numbers that have room in a hole; none where ids are no numbers."""
    if hole.left.last is None or hole.right.first is None:
        return range(0)
    return range(hole.left.last + 1, hole.right.first)


def is_within(identity: Identity, readings: Sequence[PageReading]) -> bool:
    """Whether an id lies between the ends of one of these readings, which are in order."""
    if not isinstance(identity, int):
        return False
    place = bisect_right(readings, identity, key=_first) - 1
    last = readings[place].last if place >= 0 else None
    return last is not None and identity <= last


@dataclass(slots=True)
class AskedAlone:
    """Ids between two pages that were asked for alone: whether there was an answer, and a record."""

    answered: dict[int, bool] = field(default_factory=dict)
    found: set[Identity] = field(default_factory=set)

    def note(self, identity: int, *, is_answered: bool, is_found: bool) -> None:
        """Take down what came for an id."""
        self.answered[identity] = is_answered
        if is_found:
            self.found.add(identity)

    def to_ask(self, holes: Iterable[Hole]) -> list[str]:
        """The few ids that have room in these holes and were not asked for."""
        few = [between for hole in holes if len(between := ids_between(hole)) <= FEW_IDS]
        return [str(one) for between in few for one in between if one not in self.answered]

    def has_filled(self, hole: Hole) -> bool:
        """Whether every id that has room in a hole was answered for."""
        between = ids_between(hole)
        return 0 < len(between) <= FEW_IDS and all(self.answered.get(one) for one in between)

    def surplus(self, newest: Sequence[PageReading], total: int) -> int:
        """How many records more there are than the total: those of the pages, and those found that are on none."""
        if not self.found:
            return 0
        elsewhere = self.found.difference(*(one.ids for one in newest))
        return max(0, sum(one.records for one in newest) + len(elsewhere) - total)


def is_short_end(page: int, per_page: int, totals: Totals, count: int) -> bool:
    """Whether a last page of so many records says its own length as the length of a page."""
    return totals.per_page == count and page * per_page >= totals.results
