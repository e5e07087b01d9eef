"""Finds out how an API is asked for pages, by asking: only what its answers show is said of it.

A parameter is known once an answer changed with it as it should: `limit=1` gives the first record alone, `offset=1` or
`page=2` the next one. A figure is the total where it is called so and stays the same in every answer.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

from planlake.setup.draft.answers import Seen
from planlake.sources.dialect import Query

Ask = Callable[[Query], Seen | None]  # None where the API does not take the query
SIZES = ("limit", "per_page", "page_size", "pageSize", "size", "count")
OFFSETS = ("offset", "skip", "start")
PAGES = ("page", "page_number", "pageNumber", "p")
TOTAL = re.compile(r"(?!.*pages?$).*(total|count|results|matched|hits|found)", re.IGNORECASE)
SIZE = re.compile(r".*(per.?page|page.?size|limit|(^|[.:-])size$)", re.IGNORECASE)
PLACE = re.compile(r".*(page|offset|start|skip|number|from)", re.IGNORECASE)
LARGE = 1000  # records that are asked for at once
USUAL = 50


@dataclass(frozen=True, slots=True)
class Shown:
    """An answer, and what it was asked for: the page or offset, None before either is known, and the size likewise."""

    seen: Seen = field(repr=False)
    place: int | None = None
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Paging:
    """How pages are asked for and what answers say of them, as keys of a dialect; what is sure, and what is not."""

    dialect: Mapping[str, str] = field(default_factory=dict)
    page_size: int = USUAL
    sure: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    answers: tuple[Seen, ...] = field(default=(), repr=False)


def find_paging(ask: Ask, first: Seen, path: str) -> Paging:
    """Ask for single records, second pages and the last one; `path` is where the records are."""
    asker = _Asker(ask, first.records(path), path)
    size = next(filter(asker.is_size, _first_named(SIZES, first)), "")
    sized: Query = {size: 1} if size else {}
    offset = next((one for one in _first_named(OFFSETS, first) if asker.is_offset(one, sized)), "")
    page = "" if offset else next((one for one in _first_named(PAGES, first) if asker.is_page(one, sized)), "")
    start = 0 if offset else 1
    shown = [Shown(first, start, None), *asker.shown]
    if size and (large := ask({size: LARGE})):
        shown.append(Shown(large, start, LARGE))
    total = _figure(shown, TOTAL, partial(_is_total, path=path, is_paged=bool(page or offset), is_sized=bool(size)))
    length = len(asker.records)
    if total and (parameter := offset or page) and (results := first.figures[total]) > length:
        last = (results - 1) // length
        place = last * length if offset else last + 1
        if answer := ask({parameter: place}):
            shown.append(Shown(answer, place, None))
    per_page = _figure(shown, SIZE, partial(_is_size, length=length))
    where = _figure(shown, PLACE, _is_place) if page or offset else ""
    is_from_zero = not page and not offset and asker.is_from_zero("page", sized)
    found = _Found(size, offset, page, total, per_page, where, is_from_zero, length < first.figures.get(total, 0))
    return _paging(found, shown, path)


@dataclass(frozen=True, slots=True)
class _Found:
    size: str
    offset: str
    page: str
    total: str
    per_page: str
    place: str
    is_from_zero: bool
    has_more: bool

    @property
    def is_paged(self) -> bool:
        """Whether it was seen that the first answer is a page of several, or can be made one."""
        return bool(self.size or self.offset or self.page or self.has_more)


@dataclass(slots=True)
class _Asker:
    """Tries parameters, and keeps the answers to those that were understood."""

    ask: Ask
    records: list[bytes]
    path: str
    shown: list[Shown] = field(default_factory=list)

    def is_size(self, name: str) -> bool:
        """Whether a parameter asks for so many records."""
        return len(self.records) > 1 and self._takes({name: 1}, self.records[:1], size=1)

    def is_offset(self, name: str, sized: Query) -> bool:
        """Whether a parameter says from which record on, counted from 0."""
        return len(self.records) > 1 and self._takes({name: 1, **sized}, self.records[1:2], place=1, **_size(sized))

    def is_page(self, name: str, sized: Query) -> bool:
        """Whether a parameter says which page, counted from 1."""
        if not self.records or not self._takes({name: 1, **sized}, self.records[:1], place=1, **_size(sized)):
            return False
        return self._takes({name: 2, **sized}, self.records[1:2] if sized else None, place=2, **_size(sized))

    def is_from_zero(self, name: str, sized: Query) -> bool:
        """Whether a parameter says which page, counted from 0: nothing is kept of that, as Planlake cannot ask so."""
        pages = [self.ask({name: number, **sized}) for number in (0, 1)]
        first, second = (page.records(self.path)[:1] if page else [] for page in pages)
        return first == self.records[:1] and bool(second) and second != first

    def _takes(self, query: Query, wanted: list[bytes] | None, **asked: int) -> bool:
        """Whether an answer begins as wanted (None: with a record not seen before) and is no longer than asked for."""
        answer = self.ask(query)
        found = answer.records(self.path) if answer else []
        is_right = found[:1] == wanted if wanted is not None else bool(found) and found[0] not in self.records
        if answer is None or not found or not is_right or ("size" in asked and len(found) > 1):
            return False
        self.shown.append(Shown(answer, **{"place": None, **asked}))
        return True


def _size(sized: Query) -> dict[str, int]:
    return {"size": 1} if sized else {}


def _first_named(names: Iterable[str], first: Seen) -> Iterator[str]:
    """Names to try, first those in links to other pages, then those of the answer's own figures."""
    said = {place.rpartition(":")[2].rpartition(".")[2] for place in first.figures}
    return iter(dict.fromkeys((*first.linked, *sorted(names, key=lambda name: name not in said))))


def _figure(shown: list[Shown], name: re.Pattern[str], fits: Callable[[str, list[Shown]], bool]) -> str:
    """The place of a figure that is called so and is right in every answer; empty where there is none."""
    places = sorted(filter(name.match, shown[0].seen.figures), key=lambda place: "total" not in place.lower())
    return next((one for one in places if all(one in each.seen.figures for each in shown) and fits(one, shown)), "")


def _is_total(place: str, shown: list[Shown], *, path: str, is_paged: bool, is_sized: bool) -> bool:
    figures = {one.seen.figures[place] for one in shown}
    longest = max(len(one.seen.records(path)) for one in shown)
    least = longest + 1 if is_paged and not is_sized else longest  # the second page had records too
    return len(figures) == 1 and min(figures) >= least


def _is_size(place: str, shown: list[Shown], *, length: int) -> bool:
    usual = shown[0].seen.figures[place]
    said = [(one.size or usual, one.seen.figures[place]) for one in shown]
    return usual >= length and all(asked == figure or (asked == LARGE and figure > 1) for asked, figure in said)


def _is_place(place: str, shown: list[Shown]) -> bool:
    return all(one.place is None or one.seen.figures[place] == one.place for one in shown)


def _paging(found: _Found, shown: list[Shown], path: str) -> Paging:
    dialect = {
        "paging": "offset" if found.offset else "page",
        "page_parameter": found.offset or found.page or "page",
        "size_parameter": found.size,
        "records": path,
        "size": found.per_page,
        "place": found.place,
    }
    if found.total:
        dialect["total"] = found.total
    size = _page_size(found, shown, path)
    return Paging(dialect, size, tuple(_sure(found, path)), tuple(_doubts(found)), tuple(one.seen for one in shown))


def _page_size(found: _Found, shown: list[Shown], path: str) -> int:
    """The most that the API gives, where an answer showed it; else as many as it gives by itself."""
    first, largest = shown[0].seen, next((one.seen for one in shown if one.size == LARGE), None)
    usual = first.figures[found.per_page] if found.per_page else len(first.records(path))
    results = first.figures[found.total] if found.total else len(first.records(path))
    if largest is not None and found.per_page and found.place and found.offset:
        return largest.figures[found.per_page]
    if largest is not None and len(largest.records(path)) < results:
        return len(largest.records(path))
    return usual if found.per_page or results > usual else max(usual, USUAL)


def _sure(found: _Found, path: str) -> Iterator[str]:
    yield f'the records are in "{path}"' if path else "the body is the list of records"
    if found.offset or found.page:
        yield (
            f"{found.offset}=1 asks for the second record and all that follow"
            if found.offset
            else f"{found.page}=2 asks for the second page"
        )
    if found.size:
        yield f"{found.size}=1 asks for one record"
    total = found.total if found.is_paged else ""
    for figure, what in ((total, "total"), (found.per_page, "size of a page"), (found.place, "place")):
        if figure:
            yield f"the {what} is in {figure}"


def _doubts(found: _Found) -> Iterator[str]:
    if not found.total:
        yield "no total was seen, without which Planlake cannot prove that it has everything: planlake run refuses it"
    if found.total and not found.is_paged:
        yield f"one page was seen, which does not show whether {found.total} counts all records or those of a page"
    if found.is_from_zero:
        yield "page counts from 0, and Planlake asks for pages from 1 on: planlake run refuses what has several"
    elif not found.offset and not found.page:
        so = "planlake run refuses it" if found.has_more else "one page is all that was seen"
        yield f"no parameter asks for a second page ({', '.join((*OFFSETS, *PAGES))} were tried): {so}"
