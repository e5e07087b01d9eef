"""Reads the pages of a slice from the last to the first, so that no record is lost that moves meanwhile.

A record that is deleted moves all later ones forward, onto pages in front. So whoever reads backwards has seen them
already: at most it sees them twice. A slice ends where a page begins with an id that was compared before; that page is
known by its number only until records are deleted or inserted in front of it, so reading goes on until it is met.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from planlake.engines.casts import whole_number
from planlake.flow.ingest.audit_slices import LOWEST, Interval, Slice
from planlake.flow.ingest.fetch import Page

NOT_IN_ORDER = "the API's pages are not in the order of the ids"
MOST_STEPS = 16
SLACK = 2  # pages by which a place may have moved before it is looked for


class Unproven(Exception):  # noqa: N818 - ends a slice, not a run
    """Why a slice cannot be compared now."""


class NotInOrder(Unproven):
    """Why slices of a table cannot be compared at all."""


@dataclass(frozen=True, slots=True)
class PageEnds:
    """A page as a slice needs it: its number, first and last id, and what the API says of the table with it."""

    number: int
    first: int
    last: int
    total: int
    per_page: int

    @property
    def pages(self) -> int:
        """How many pages the table has."""
        return -(-self.total // self.per_page)


Ask = Callable[[int], Awaitable[Page]]


@dataclass(slots=True)
class SliceReading:
    """Reading one slice; `ask` gives a page by its number, good or with its error."""

    ask: Ask = field(repr=False)
    due: Slice
    is_located: bool = False

    async def read(self) -> tuple[Interval, PageEnds]:
        """Read the slice: the ids it covers, and the last of its pages. Raises Unproven."""
        top = await self._top()
        at_end = top.number >= top.pages
        if await self._read_down_from(top):
            return Interval(self.due.behind, None if at_end else top.last), top
        place = await self._locate(top.number)
        self.due, self.is_located = replace(self.due, page=place - 1), True
        return await self.read()

    async def _top(self) -> PageEnds:
        """The last page of the slice: the one that was reckoned, or what the API's end makes of it."""
        number = wanted = self.due.page + self.due.pages
        step, behind = 1, self._behind
        for _ in range(MOST_STEPS):
            ends = await self._ends(number)
            if ends is None and number == 1:
                raise Unproven("the API answers with nothing, though records are held")
            if ends is None:
                number, step = max(1, number - step), 2 * step
                continue
            if ends.last <= behind:
                wanted = number + self.due.pages
            target = ends.pages if self.due.is_to_end else min(wanted, ends.pages)
            if number == target:
                return ends
            number = target
        raise Unproven("the end of the table kept moving")

    async def _read_down_from(self, top: PageEnds) -> bool:
        """Read the pages in front of the last one until the place is met; False where it must have moved far."""
        upper, most = top, top.number - self.due.page + SLACK
        while upper.number > 1 and upper.first > self._behind + 1:
            if top.number - upper.number + 1 >= most and not self.is_located:
                return False
            lower = await self._there(upper.number - 1)
            if lower.first >= upper.first:
                raise Unproven(f"page {lower.number} did not come before what page {upper.number} had")
            has_grown = lower.total > upper.total  # something may have come in front, and moved a record backwards
            if has_grown and upper.first > lower.last + 1:
                await self._there(upper.number)
            upper = lower
        return True

    async def _locate(self, below: int) -> int:
        """The page on which the ids behind the place begin, found by halves among those up to one that lies behind."""
        low, high = 0, below
        while high - low > 1:
            middle = await self._there((low + high) // 2)
            if middle.last <= self._behind:
                low = middle.number
            elif middle.first > self._behind:
                high = middle.number
            else:
                return middle.number
        return high

    @property
    def _behind(self) -> int:
        return LOWEST if self.due.behind is None else self.due.behind

    async def _there(self, number: int) -> PageEnds:
        ends = await self._ends(number)
        if ends is None:
            raise Unproven(f"page {number} vanished while the slice was read")
        return ends

    async def _ends(self, number: int) -> PageEnds | None:
        """A page by its ends; None where the table has no such page."""
        page = await self.ask(number)
        if page.answer.error:
            raise Unproven(f"page {number}: {page.answer.error}")
        if page.records.has_no_object:
            raise Unproven(f"page {number} holds something that is no record")
        if page.answer.totals is None:
            return None
        ids = [whole_number(identity) for identity in page.records.ids]
        numbers = [one for one in ids if one is not None]
        if not numbers:
            raise Unproven(f"page {number} holds no id that is a whole number")
        if numbers != sorted(numbers):
            raise NotInOrder(NOT_IN_ORDER)
        return PageEnds(number, numbers[0], numbers[-1], page.answer.totals.results, page.answer.totals.per_page)
