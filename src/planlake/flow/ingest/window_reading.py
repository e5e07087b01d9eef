"""Reads one window and proves it complete: says from the pages so far which to ask for next, or the verdict.

The API shows a set that changes while it is read, in pages. A window is complete when every page holds as many records
as the total gives it, no record can lie between two pages unseen (`completeness`), the last page was read last and
nothing came behind it, and as many different records came as the API counts. An id that comes more than once counts
once, unless the API answers a question for it alone with as many records.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain

from planlake.flow.ingest.completeness import (
    AskedAlone,
    Hole,
    Identity,
    PageReading,
    are_adjacent,
    different_ids,
    different_records,
    holes,
    identity_of,
    is_proven,
    is_read_last,
    is_short_end,
    page_reading,
    pages_to_close,
    wrong_sizes,
)
from planlake.lake.state.ledger import FULL, PAGE, PROVISIONAL, RECOUNT
from planlake.sources.dialect import OTHER_PAGE, Totals
from planlake.sources.records import Records

MOST_ROUNDS = 24
ROUNDS_FOR_HOLES = 12  # before a window is begun again
MOST_TRIES = 3  # for a page that holds another number of records than it should, or something that is no record
MOST_PAGES_AGAIN = 200  # of a full reading that is begun again in the same run
MOST_ALIKE = 3  # pages in a row that bring what the page before them brought, or another page than the one asked for
REPEATS_AT_ONCE, MOST_REPEATS = 10, 200
WHOLE_WINDOW = 0  # as the page of a gap: nothing of the window is known, or it could not be proven


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
    must_have_records: bool = False
    has_text_ids: bool = False  # which are told apart as they are written
    readings: dict[int, list[PageReading]] = field(default_factory=dict)  # by page, the newest last
    errors: dict[int, str] = field(default_factory=dict)
    gaps: dict[int, str] = field(default_factory=dict)
    odd: set[int] = field(default_factory=set)  # pages that held something that is no record
    tries: Counter[int] = field(default_factory=Counter)
    rounds: int = 0
    rounds_for_holes: int = 0
    begun_again: int = 0
    is_empty: bool = False
    newest_total: int = 0
    vanished: int = 0  # the first page that came empty although the total reaches beyond it
    times_vanished: int = 0
    looked_behind: int = 0  # the last page behind which nothing new came
    is_shown_behind: bool = False  # whether known records came there
    alike: int = 0  # how many pages in a row brought what the page before brought
    misplaced: int = 0  # how many pages in a row were another one than the one asked for
    contradiction: str = ""  # what the API says of this window that cannot be
    said_per_page: int = 0
    first_page: int = 1
    is_resumed: bool = False
    turn: int = 0  # its pages when it began: a turn that changed would mix up the order of its own pages
    confirmed: dict[Identity, int] = field(default_factory=dict)  # how many records the API has of a repeated id
    alone: AskedAlone = field(default_factory=AskedAlone, repr=False)
    seen: set[Identity] = field(default_factory=set, repr=False)

    def note(
        self, page: int, totals: Totals | None, records: Records, error: str, times: tuple[float, float] = (1, 1)
    ) -> None:
        """Take down what a page brought, with the times when it was asked for and answered.

        A page that failed keeps what it held before.
        """
        self.misplaced = self.misplaced + 1 if OTHER_PAGE in error else 0
        if self.misplaced >= MOST_ALIKE:  # it would go on like this to the end that the total says
            self.contradiction = error
        if self.said_per_page and page > max(self.last_page, 1):
            self._note_behind(page, totals, records=records, error=error, times=times)
        elif error:
            self.errors[page] = error
        elif totals is None or (not len(records) and totals.results):
            self.errors.pop(page, None)
            self._note_empty(page, totals)
        else:
            self.errors.pop(page, None)
            self._note_page(page, totals, records=records, times=times)

    def _note_page(self, page: int, totals: Totals, *, records: Records, times: tuple[float, float]) -> None:
        per_page = self.said_per_page or totals.per_page
        if totals.per_page != per_page and not is_short_end(page, self.per_page, totals, len(records)):
            was, now = f"{per_page} records a page", f"page {page} says {totals.per_page}"
            self.contradiction = f"the API says {was}, and on {now}"
            return
        self.per_page = self.said_per_page = per_page
        self.is_empty, self.newest_total = False, totals.results
        if page == self.vanished or self.last_page < self.vanished:
            self.vanished = self.times_vanished = 0
        self.odd.discard(page)
        if records.has_no_object:
            self.odd.add(page)
        one = page_reading(page, totals.results, records, times=times, has_text_ids=self.has_text_ids)
        self._note_whether_alike(one)
        self.readings.setdefault(page, []).append(one)
        self.turn = self.turn or self.last_page
        is_first = self.is_resumed and page == self.first_page
        if is_first and not are_adjacent(self.readings[page][0], one):  # records moved by more than this page since
            self._begin_again()

    def _note_whether_alike(self, one: PageReading) -> None:
        before = self.readings.get(one.page - 1)
        self.alike = self.alike + 1 if before and one.ids and before[-1].ids == one.ids else 0
        if self.alike >= MOST_ALIKE:
            self.contradiction = f"pages {one.page - self.alike} to {one.page} hold the same records"

    def _note_empty(self, page: int, totals: Totals | None) -> None:
        """No record came: the window has none, or ends before this page."""
        if page == 1 and not self.readings:
            self.is_empty = totals is None
            self.newest_total = totals.results if totals else 0
        if page == self.vanished:
            self.times_vanished += 1
        elif not self.vanished or page < self.vanished:
            self.vanished, self.times_vanished = page, 1
        if self.is_resumed and page == self.first_page:
            self._begin_again()

    def _note_behind(
        self, page: int, totals: Totals | None, *, records: Records, error: str, times: tuple[float, float]
    ) -> None:
        """What came behind the last page: nothing, as it should be, or records that the total did not count."""
        known = different_ids(self.readings) if records else set()
        if error or totals is None or all(self._identity(one) in known for one in records.ids):
            self.looked_behind = page - 1
            is_denied = totals is not None and totals.results <= (page - 1) * self.per_page
            self.is_shown_behind = is_denied and len(records) > 0
        elif totals.results > (page - 1) * self.per_page:
            self._note_page(page, totals, records=records, times=times)
        else:
            self.contradiction = f"the API says {totals.results:,} records, and more came behind them"

    def _identity(self, text: str | None) -> Identity:
        return identity_of(text, has_text_ids=self.has_text_ids)

    def _begin_again(self) -> None:
        self.readings.clear()
        self.is_resumed, self.first_page, self.vanished, self.looked_behind = False, 0, 0, 0

    @property
    def pages(self) -> dict[int, PageReading]:
        """The newest reading of every page."""
        return {page: readings[-1] for page, readings in self.readings.items()}

    def is_settled(self) -> bool:
        """Whether a closed day that is counted again still has no more records than it had, all on the page that came.

        On the pages behind it there may be a record that came late, in place of another that left the day.
        """
        is_small = max(self.total, self.received) <= self.known_records
        return (
            self.event == RECOUNT and is_small and self.last_page <= 1 and not self.errors and not self._of_wrong_size()
        )

    @property
    def days(self) -> tuple[str, ...]:
        """What is closed once this window is read: it alone, or the days it was read for where it has no end."""
        return self.closes or (self.window,)

    def is_to_be_closed(self) -> bool:
        """Whether this reading closes its window if it is complete: today's never does."""
        return self.event != PROVISIONAL

    def has_seen(self, identity: str | None) -> bool:
        """Whether an id came on any page of this reading and was not seen to go while it was read."""
        if not self.seen:
            self.seen = different_ids(self.readings)
        return self._identity(identity) in self.seen

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
        return sum(one.records for page, one in self.pages.items() if page <= max(1, self.last_page))

    @property
    def repeated(self) -> int:
        """How many records brought an id that another record brought too, as the API confirmed."""
        return sum(count - 1 for count in self.confirmed.values() if count > 1)

    @property
    def proof(self) -> str:
        """How it is known that no record lies between two pages unseen, for the ledger."""
        if self.is_settled():
            return "counted again"
        if WHOLE_WINDOW in self.gaps:
            return "not proven"
        boundaries = max(0, self.last_page - 1)
        if not boundaries:
            return "one answer"
        found = self._holes()[:boundaries]
        between = sum(map(self.alone.has_filled, found))
        dense, again = boundaries - len(found), len(found) - between
        return f"{dense} page ends by consecutive ids, {between} by the ids between, {again} by reading pages again"

    def to_ask_again(self) -> list[int]:
        """Pages that must be read (again) before the window can be complete; none when it is, or will not be."""
        self.rounds += 1
        is_unknown = not self.readings and not self.vanished
        if self.is_empty or is_unknown or self.contradiction or self.rounds > MOST_ROUNDS:
            return []
        for found in (self._before_the_end, self._missing, self._unproven, self._end, self._repeating, self._again):
            if found == self._unproven and self.ids_to_look_for():
                return []  # these first
            pages = {page for page in found() if page not in self.errors}
            if pages or self.contradiction:
                return sorted(pages)
        return []

    def _before_the_end(self) -> list[int]:
        """Where a page came empty that the total says there is: the page before it, for a new total, then it again."""
        if not 0 < self.vanished <= self.last_page:
            return []
        if self.times_vanished > 1:
            self.contradiction = f"the API says {self.total:,} records, and nothing came on page {self.vanished}"
            return []
        self.times_vanished += 1
        return [max((page for page in self.readings if page < self.vanished), default=1), self.vanished]

    def _missing(self) -> list[int]:
        """Pages that were not read, hold another number of records than the newest total gives them, or no records."""
        missing = [page for page in range(1, self.last_page + 1) if page not in self.readings]
        if missing:
            return missing
        wrong = [page for page in self._of_wrong_size() + sorted(self.odd) if self.tries[page] < MOST_TRIES]
        self.tries.update(wrong)
        return wrong

    def _of_wrong_size(self) -> list[int]:
        return wrong_sizes(self.pages, self.total, self.per_page)

    def _unproven(self) -> list[int]:
        """Pages between which a record may lie that was not shown."""
        if self.rounds_for_holes >= ROUNDS_FOR_HOLES:
            return []
        pages = [page for hole in self._open_holes() for page in pages_to_close(hole, self.readings, self.per_page)]
        self.rounds_for_holes += bool(pages)
        return pages

    def ids_to_look_for(self) -> list[str]:
        """Ids to ask for alone: the few that have room between two pages, where these are numbers."""
        if self.contradiction or not self.readings:
            return []
        return self.alone.to_ask(self._open_holes())

    def _holes(self) -> list[Hole]:
        return [hole for hole in holes(self.readings, self.last_page) if hole.right.page - 1 not in self.errors]

    def _open_holes(self) -> list[Hole]:
        return [
            hole for hole in self._holes() if not self.alone.has_filled(hole) and not is_proven(hole, self.readings)
        ]

    def _end(self) -> list[int]:
        """The last page, unless it was read last; and the one behind it, where it is full."""
        if self._of_wrong_size() or self.last_page not in self.readings:
            return []
        asked = [] if is_read_last(self.readings, self.last_page) else [self.last_page]
        is_full = self.total == self.last_page * self.per_page
        return asked + ([self.last_page + 1] if is_full and self.looked_behind != self.last_page else [])

    def _repeating(self) -> list[int]:
        """Pages with ids that came elsewhere too, once, where fewer different records came than the API counts."""
        if self._shortfall() <= 0:
            return []
        counts, newest = self._id_counts(), self._newest()
        found = [one.page for one in newest if not self.tries[one.page] and any(counts[known] > 1 for known in one.ids)]
        self.tries.update(found)
        return found

    def _again(self) -> list[int]:
        """Every page, where what came does not come to rest; a large table is left to the next run."""
        is_small = self.window != FULL or self.last_page <= MOST_PAGES_AGAIN
        if not is_small or self.begun_again or self.troubles() or self.repeats_to_confirm():
            return []
        if not self._what_is_not_proven():
            return []
        last = max(1, self.last_page)
        self._begin_again()
        self.begun_again, self.rounds_for_holes, self.tries, self.is_empty = 1, 0, Counter(), False
        self.confirmed.clear()
        return list(range(1, last + 1))

    def repeats_to_confirm(self) -> list[str]:
        """Ids to ask for alone, a few at a time, where fewer different records came than the API counts.

        None once the API answered one of them with a single record: then pages were not what was asked for.
        """
        is_refuted = any(count < 2 for count in self.confirmed.values())
        if self._shortfall() <= 0 or is_refuted or len(self.confirmed) >= MOST_REPEATS:
            return []
        sent = {one: text for page in self.pages.values() for one, text in page.odd.items()}
        repeated = (one for one, count in self._id_counts().items() if count > 1 and one not in self.confirmed)
        named = (sent.get(one, str(one)) for one in repeated)  # None: records without an id have none to ask for
        return [text for text in named if text is not None][:REPEATS_AT_ONCE]

    def confirm(self, identity: str, ids: Sequence[str | None], total: int) -> None:
        """Take down with which ids the API answered the question for one id alone, of how many in all."""
        known = self._identity(identity)
        answered = sum(self._identity(one) == known for one in ids)
        if answered == len(ids):
            answered = max(answered, total) if ids else 0
        self.confirmed[known] = min(answered, self._id_counts()[known])

    def troubles(self) -> dict[int, str]:
        """What is wrong with which page: it did not come, or holds something that is no record."""
        within = {page: error for page, error in self.errors.items() if page <= max(1, self.last_page)}
        return {**dict.fromkeys(self.odd, "holds something that is no record"), **within}

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
        if self.contradiction:
            return self.contradiction
        return self._what_is_not_proven()

    def _what_is_not_proven(self) -> str:
        is_missing = any(page not in self.readings for page in range(1, self.last_page + 1))
        wrong = self._of_wrong_size()
        if not self.readings or is_missing or (wrong and self.received != self.total):
            return f"the API says {self.total} records, {self.received} came"
        if wrong:
            return f"page {wrong[0]} holds {self.pages[wrong[0]].records} records, which is not what the API says"
        if self._open_holes() or self._end():
            return "pages kept shifting while they were read"
        if self.is_shown_behind and (surplus := self.alone.surplus(self._newest(), self.total)):
            return f"the API says {self.total} records, {self.total + surplus} different ones came"
        if shortfall := max(0, self._shortfall()):
            return f"the API says {self.total} records, {self.total - shortfall} different ones came"
        return ""

    @property
    def is_unknown(self) -> bool:
        """Whether the API never said how many records the window has."""
        return not self.readings and not self.is_empty

    def _shortfall(self) -> int:
        """How many records fewer came than the API counts, each id counted once or as often as was confirmed."""
        return self.total - different_records(self._newest(), self.readings) - self.repeated

    def _newest(self) -> list[PageReading]:
        """The newest readings of the pages that the newest total has."""
        return [one for page, one in sorted(self.pages.items()) if page <= self.last_page]

    def _id_counts(self) -> Counter[Identity]:
        return Counter(chain.from_iterable(one.ids for one in self._newest()))
