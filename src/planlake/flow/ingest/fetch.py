"""Asks the API for the pages of windows, in order, until each is complete or will not be."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from planlake.flow.context import Context
from planlake.flow.ingest.window_reading import Reading
from planlake.lake.state.ledger import CHECK, FULL, PROVISIONAL
from planlake.sources.catalogue import Resource
from planlake.sources.dialect import Query, day_query, page_query
from planlake.sources.http.client import Answer, Source
from planlake.sources.records import Records, Shape, read_records
from planlake.telemetry.progress import Progress


@dataclass(frozen=True, slots=True)
class Page:
    """One page as it came: the window it belongs to and as what it was asked, its answer and its records."""

    window: str
    event: str
    number: int | None
    request_id: int
    requested_at: datetime
    answer: Answer
    records: Records


@dataclass(frozen=True, slots=True)
class Fetching:
    """What asking for pages of one resource takes."""

    context: Context
    source: Source = field(repr=False)
    resource: Resource
    shape: Shape

    async def ask(self, reading: Reading, number: int) -> Page:
        """One page of a window."""
        query = self._query(reading, number)
        return await self.ask_for(query, window=reading.window, event=reading.event, number=number, turn=reading.turn)

    async def ask_alone(self, reading: Reading, identity: str) -> Page:
        """The records of one id in a window: more than one where the source itself repeats the id."""
        query = {self.resource.key: identity, **self._query(reading, 1)}
        return await self.ask_for(query, window=reading.window, event=CHECK, number=None, turn=reading.turn)

    def _query(self, reading: Reading, number: int) -> Query:
        dialect = self.context.catalogue.dialect
        query = page_query(dialect, number)
        if reading.window != FULL:
            query |= day_query(dialect, self.resource.changed, reading.window)
        return query

    async def ask_for(self, query: Query, *, window: str, event: str, number: int | None, turn: int = 0) -> Page:
        """One request, whatever it asks for; those of windows of few pages go before those of many.

        So small tables are not kept waiting, and of large ones one is refined while the next is read.
        """
        answer = await self.source.get(
            self.resource.address, query, lambda body, encoding: read_records(body, self.shape, encoding), turn=turn
        )
        requested_at = self.context.clock.now() - timedelta(seconds=answer.seconds)  # when its turn had come
        return Page(window, event, number, next(self.context.request_ids), requested_at, answer, answer.records)


async def fetch_windows(fetching: Fetching, readings: Sequence[Reading]) -> AsyncIterator[tuple[Reading, Page | None]]:
    """Every page of every window with its reading, and None for the page once a window was read."""
    async for reading, first in _first_pages(fetching, readings):
        async for page in _pages(fetching, reading, first):
            yield reading, page
        yield reading, None


async def _first_pages(fetching: Fetching, readings: Sequence[Reading]) -> AsyncIterator[tuple[Reading, Page]]:
    """The first page of every window in order; those of the next few windows are on the way already."""
    ahead = fetching.context.config.settings.concurrency
    tasks: list[asyncio.Task[Page]] = []
    try:
        for index, reading in enumerate(readings):
            prefetched = [one for one in readings[len(tasks) : index + ahead] if one.event != PROVISIONAL]
            for following in prefetched or readings[len(tasks) : index + 1]:
                tasks.append(asyncio.create_task(fetching.ask(following, following.first_page)))  # noqa: PERF401
            yield reading, await tasks[index]
            if len(readings) > 1:
                fetching.context.notify(Progress(fetching.resource.name, "ingest", index + 1, len(readings)))
    finally:
        await _cancel(tasks)


async def _pages(fetching: Fetching, reading: Reading, first: Page) -> AsyncIterator[Page]:
    """Every page of a window in order, then those that must be asked again, until it is complete or will not be."""
    yield _note_page(reading, first)
    if first.answer.error or reading.is_settled():
        return
    is_in_turn = reading.window != FULL or reading.has_text_ids  # most of their pages are read again: once will do then
    async for page in _fetch_window(fetching, reading, _numbers(reading), most=1 if is_in_turn else 0):
        yield page
    while not fetching.source.is_silent:
        if again := reading.to_ask_again():
            async for page in _fetch_window(fetching, reading, iter(again)):
                yield page
        elif between := reading.ids_to_look_for():
            async for identity, page in _ask_alone(fetching, reading, between):
                found = identity in page.records.ids
                reading.alone.note(int(identity), is_answered=not page.answer.error, is_found=found)
                yield page
        elif repeats := reading.repeats_to_confirm():
            async for identity, page in _ask_alone(fetching, reading, repeats):
                answer = page.answer
                total = answer.totals.results if answer.totals else 0
                reading.confirm(identity, () if answer.error else page.records.ids, total)
                # they came on their pages, whose places say which of them counts
                yield replace(page, records=Records())
        else:
            return


async def _ask_alone(fetching: Fetching, reading: Reading, ids: Sequence[str]) -> AsyncIterator[tuple[str, Page]]:
    """The answer for each of these ids alone, as many on the way at once as the source allows."""
    at_once = fetching.context.config.settings.concurrency
    for start in range(0, len(ids), at_once):
        some = ids[start : start + at_once]
        for identity, page in zip(
            some, await asyncio.gather(*(fetching.ask_alone(reading, one) for one in some)), strict=True
        ):
            yield identity, page


def _numbers(reading: Reading) -> Iterator[int]:
    """Page numbers behind the first one asked, as far as the newest total reaches at the moment.

    They end where a page came empty, or pages bring the same again and again, whatever the total says.
    """
    number = reading.first_page + 1
    while number <= reading.last_page and not reading.vanished and not reading.contradiction:
        yield number
        number += 1


async def _fetch_window(
    fetching: Fetching, reading: Reading, numbers: Iterator[int], *, most: int = 0
) -> AsyncIterator[Page]:
    """Pages in the order asked for, as many on the way at once as the source allows."""
    ahead = most or fetching.context.config.settings.concurrency + 2
    waiting: deque[asyncio.Task[Page]] = deque()
    put_off: list[int] = []

    def ask_more() -> None:
        while len(waiting) < ahead:
            number = put_off.pop() if put_off else next(numbers, None)
            if number is None:
                return
            if waiting and number >= reading.last_page:  # the last page is read last, alone
                put_off.append(number)
                return
            waiting.append(asyncio.create_task(fetching.ask(reading, number)))

    try:
        ask_more()
        while waiting:
            page = _note_page(reading, await waiting[0])
            waiting.popleft()
            if not fetching.source.is_silent:
                ask_more()
            if reading.window == FULL:
                progress = Progress(fetching.resource.name, "ingest", page.number or 0, reading.last_page)
                fetching.context.notify(progress)
            yield page
    finally:
        await _cancel(waiting)


def _note_page(reading: Reading, page: Page) -> Page:
    answer = page.answer
    times = answer.started, answer.started + answer.seconds
    reading.note(page.number or 0, answer.totals, page.records, answer.error, times)
    return page


async def _cancel(tasks: Collection[asyncio.Task[Page]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
