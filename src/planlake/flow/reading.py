"""Reading one window and proving it complete: in goes what came page by page, out come pages to ask again or a verdict.

The API shows a set that changes while it is read, ordered by id, in pages of fifty. A record that goes shifts all later
ones forward, so the first of the next page is missed: seen as a total that drops between two pages, and mended by
asking the earlier of them again. A record that comes makes the total grow: the last page is asked again and those
behind it are read. Ids that come twice are asked for a second time; if they still do, they are the source's.
"""

from array import array
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from planlake.lake.ledger import FULL, PAGE, PROVISIONAL, RECOUNT, LedgerPage
from planlake.sources.dialect import Totals
from planlake.sources.records import Records, plain_id

MAX_ROUNDS = 4
WHOLE_WINDOW = 0  # as the page of a gap: nothing of the window is known


@dataclass(frozen=True, slots=True)
class PageFacts:
    """What one page held when it was last read, and the totals under which it was read, the highest and the lowest.

    `ids` are hashes; empty for pages that an earlier run read.
    """

    total: int
    records: int
    highest: int
    lowest: int
    ids: "array[int]" = field(default_factory=lambda: array("q"), repr=False)


@dataclass(slots=True)
class Reading:
    """The state of reading one window."""

    window: str
    started_at: datetime
    per_page: int = 50
    event: str = PAGE
    known_records: int = 0
    closes: tuple[str, ...] = ()  # the days it closes, where it is not its own day alone
    settles: tuple[str, ...] = ()
    pages: dict[int, PageFacts] = field(default_factory=dict)
    errors: dict[int, str] = field(default_factory=dict)
    gaps: dict[int, str] = field(default_factory=dict)
    rounds: int = 0
    asked_twice: set[int] = field(default_factory=set)
    odd: set[int] = field(default_factory=set)  # pages that held something that is no record
    unsure: set[int] = field(default_factory=set)  # pages to ask again after one behind them vanished
    before_vanished: int = 0
    is_empty: bool = False
    newest_total: int = 0
    turn: int = 0  # its pages when it began: a turn that changed would mix up the order of its own pages
    first_page: int = 1
    earlier: Mapping[int, LedgerPage] = field(default_factory=dict)
    step: int = 1
    must_have_records: bool = False
    has_text_ids: bool = False  # which are told apart as they are written
    seen: set[int] = field(default_factory=set, repr=False)

    def note(self, page: int, totals: Totals | None, records: Records, error: str) -> None:
        """Take down what a page brought; a page that failed keeps what it held before."""
        if error:
            self.errors[page] = error
            return
        self.errors.pop(page, None)
        if totals is None:  # the API says there is nothing: at the first page, or behind the last one
            self.pages.pop(page, None)
            self.is_empty = page == 1
            self.unsure.discard(page)
            if page <= self.last_page:  # not yet known to lie behind the end
                self.before_vanished = min(self.before_vanished or page, max(1, page - 1))
                self.unsure = {self.before_vanished}
            return
        self.is_empty, self.per_page = False, totals.per_page
        hashes = array("q", map(self._hashed, records.ids))
        total, before = totals.results, self.pages.get(page)
        self.unsure.discard(page)
        if page == self.before_vanished and before:  # the drop says how far back records have moved
            drop = before.lowest - total
            self.unsure |= set(range(max(1, page - (drop - 1) // self.per_page), page)) if drop > 0 else set()
            self.before_vanished = 0
        self.odd.discard(page)
        if records.has_no_object:
            self.odd.add(page)
        highest, lowest = (max(before.highest, total), min(before.lowest, total)) if before else (total, total)
        self.pages[page] = PageFacts(total, len(hashes), highest, lowest, hashes)
        self.newest_total = total
        self.turn = self.turn or self.last_page

    def is_settled(self) -> bool:
        """Whether a closed day that is counted again still has no more records than it had."""
        return self.event == RECOUNT and not self.errors and self.total <= self.known_records

    @property
    def days(self) -> tuple[str, ...]:
        """What is closed once this window is read: it alone, or the days it was read for where it has no end."""
        return self.closes or (self.window,)

    def is_to_be_closed(self) -> bool:
        """Whether this reading closes its window if it is complete: today's never does."""
        return self.event != PROVISIONAL

    def step_back(self, records: Records) -> int | None:
        """For a reading that goes on where an earlier run stopped: the earlier page to compare next.

        None once the page asked for begins and ends with the ids it had then, or is the first. Pages behind the one
        answered are forgotten: they are read again.
        """
        before = self.earlier.get(self.first_page)
        ends = (records.ids[0] or "", records.ids[-1] or "") if records else ("", "")
        if before is None or ends == (before.first_id, before.last_id) or self.first_page == 1:
            self.earlier = {}
            return None
        self.first_page = max(1, self.first_page - self.step)
        self.step *= 2
        self.pages = {page: facts for page, facts in self.pages.items() if page < self.first_page}
        return self.first_page

    @property
    def is_resumed(self) -> bool:
        """Whether some pages were read by an earlier run, so that not every id is known here."""
        return any(facts.records and not facts.ids for facts in self.pages.values())

    def has_seen(self, identity: str) -> bool:
        """Whether an id came on any page of this reading."""
        if not self.seen:
            self.seen = {one for facts in self.pages.values() for one in facts.ids}
        return self._hashed(identity) in self.seen

    @property
    def total(self) -> int:
        """The API's total in its newest answer."""
        return 0 if self.is_empty else self.newest_total

    @property
    def last_page(self) -> int:
        """The number of the last page the newest total makes."""
        return -(-self.total // self.per_page)

    @property
    def received(self) -> int:
        """Records on all pages that the newest total has."""
        return sum(facts.records for page, facts in self.pages.items() if page <= self.last_page)

    @property
    def repeated(self) -> int:
        """How many records brought an id that another record of the window brought too."""
        return sum(count - 1 for count in self._id_counts().values())

    def to_ask_again(self) -> list[int]:
        """Pages that must be read (again) before the window can be complete; none when it is, or will not be."""
        self.rounds += 1
        if self.is_empty or not self.pages or self.rounds > MAX_ROUNDS:
            return []
        suspects = {page for page in range(1, self.last_page + 1) if self._is_suspect(page)}
        suspects |= self._shifted() | self.unsure
        if not suspects:
            suspects = (self._repeating() | self.odd) - self.asked_twice
            self.asked_twice |= suspects
        return sorted(suspects - self.errors.keys())

    def troubles(self) -> dict[int, str]:
        """What is wrong with which page: it did not come, or holds something that is no record."""
        return {**dict.fromkeys(self.odd, "holds something that is no record"), **self.errors}

    def verdict(self) -> str:
        """Why the window is not proven complete; empty where it is."""
        if self.is_settled():
            return ""
        failed = {page: error for page, error in self.troubles().items() if page not in self.gaps}
        if failed and WHOLE_WINDOW not in self.gaps:
            return f"page {min(failed)}: {failed[min(failed)]}"
        if self.must_have_records and self.total == 0:
            return "the API answers with nothing, though records are held"
        if self.is_empty or self.gaps:
            return ""
        if self.received != self.total or not self.pages:
            return f"the API says {self.total} records, {self.received} came"
        return "pages kept shifting while they were read" if self._shifted() else ""

    @property
    def is_unknown(self) -> bool:
        """Whether the API never said how many records the window has."""
        return not self.pages and not self.is_empty

    def _is_suspect(self, page: int) -> bool:
        """Whether a page is missing, or holds another number of records than the newest total gives it."""
        facts = self.pages.get(page)
        if facts is None:
            return page not in self.errors
        expected = self.per_page if page < self.last_page else self.total - (self.last_page - 1) * self.per_page
        return facts.records != expected

    def _shifted(self) -> set[int]:
        """Pages that must be read under a newer total, because a record behind them may have been missed.

        In a full reading new ids come at the end, so only a drop from one page to the next counts, and it is mended
        once the earlier page was read under the later total too. A day's records may come in anywhere, so every page
        read under another total counts.
        """
        within = {page: facts for page, facts in self.pages.items() if page <= self.last_page}
        if self.window != FULL:
            return {page for page, facts in within.items() if facts.total != self.total}
        shifted: set[int] = set()
        for page, facts in within.items():
            drop = facts.lowest - self.pages.get(page + 1, facts).highest
            if drop > 0:
                shifted.update(range(max(1, page - (drop - 1) // self.per_page), page + 1))
        return shifted

    def _hashed(self, identity: str | None) -> int:
        return hash(identity if self.has_text_ids else plain_id(identity))

    def _id_counts(self) -> Counter[int]:
        counts: Counter[int] = Counter()
        for page, facts in self.pages.items():
            if page <= self.last_page:
                counts.update(facts.ids)
        counts.pop(hash(None), None)  # records without an id repeat none
        return counts

    def _repeating(self) -> set[int]:
        if self.repeated == 0:
            return set()
        twice = {identity for identity, count in self._id_counts().items() if count > 1}
        return {page for page, facts in self.pages.items() if not twice.isdisjoint(facts.ids)}


def resumed(reading: Reading, earlier: Mapping[int, LedgerPage]) -> Reading:
    """The reading, going on behind the last of the unbroken pages that an earlier run read."""
    unbroken = [page for place, page in enumerate(sorted(earlier), start=1) if page == place]
    if not unbroken:
        return reading
    kept = {page: earlier[page] for page in unbroken}
    reading.pages = {
        page: PageFacts(facts.total, facts.records, facts.highest, facts.lowest) for page, facts in kept.items()
    }
    reading.newest_total = kept[unbroken[-1]].total
    reading.started_at = min(facts.requested_at for facts in kept.values())
    reading.earlier, reading.first_page = kept, unbroken[-1]
    return reading
