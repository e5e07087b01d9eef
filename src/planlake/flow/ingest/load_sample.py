"""Loads a sample of a resource into raw: some of its pages, and how long they took.

Pages are taken evenly from the first to the last: records come by id, so the last one holds the newest. Of the last
days the first page is asked for as well, for how much changes; where the API's filter is a lower bound, of everything
since each of these days and since the day after them, so that the days can be told apart. All are noted in the ledger
as a `sample`, which never closes a window; a run puts a sample aside before it reads the table.
"""

import asyncio
import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial

import pyarrow as pa

from planlake.event_loop import run_to_end
from planlake.flow.context import Context
from planlake.flow.ingest.fetch import Fetching, Page
from planlake.flow.ingest.raw_rows import raw_rows, request_row, stored_by_request
from planlake.lake.previews.own_tables import drop_own_tables
from planlake.lake.state.drop_unchanged import new_rows_of
from planlake.lake.state.ledger import FULL, SAMPLE, History, next_batch
from planlake.sources.catalogue import Resource
from planlake.sources.dialect import Totals, day_query, page_query
from planlake.sources.records import Shape
from planlake.sources.signing import opened_source
from planlake.telemetry.progress import Progress

DAYS = 7


@dataclass(frozen=True, slots=True)
class Sample:
    """What was asked for: pages of the resource and the first page of each of the last days, as they came.

    `is_cumulative` says that the page of a day is one of everything since it, `totals_by_day` how many each has.
    `rows` are all their records as rows of raw, `stored` how many of them were not held yet.
    """

    pages: tuple[Page, ...]
    days: Mapping[date, Page]
    rows: pa.Table = field(repr=False)
    stored: int = 0
    is_cumulative: bool = False

    @property
    def totals_by_day(self) -> dict[date, int]:
        """How many records the API says changed on each day asked for, or since it; without days that did not come."""
        came = {day: page.answer for day, page in self.days.items() if not page.answer.error}
        return {day: answer.totals.results if answer.totals else 0 for day, answer in sorted(came.items())}

    @property
    def totals(self) -> Totals | None:
        """What the API says of the whole resource; None where it has nothing, or its first page did not come."""
        return self.pages[0].answer.totals

    @property
    def good(self) -> list[Page]:
        """Pages of the resource that came."""
        return [page for page in self.pages if not page.answer.error]

    @property
    def failed(self) -> list[Page]:
        """Everything that was asked for and did not come."""
        return [page for page in (*self.pages, *self.days.values()) if page.answer.error]


def take_sample(context: Context, resource: Resource, history: History, pages: int) -> Sample:
    """Ask for some pages and land them in raw under a new batch; the windows of the resource stay as they are.

    Raises SourceUnreachable and SourceRefused.
    """
    asked, days = run_to_end(_fetch(context, resource, pages))
    every = [*asked, *days.values()]
    batch = next_batch(context.lake, resource.name, history)
    rows = raw_rows(resource.name, batch, [page for page in every if page.records])
    new = (
        new_rows_of(context.lake, context.connection, resource.name, key=resource.key, rows=rows) if len(rows) else rows
    )
    stored, common = stored_by_request(new), {"run": context.run, "resource": resource.name, "batch": batch}
    ledger_rows = [request_row(page, common, stored.get(page.request_id, 0)) for page in every]
    context.arrivals.land(resource.name, new, ledger_rows)
    return Sample(tuple(asked), days, rows, len(new), context.catalogue.dialect.day_filter == "since")


async def _fetch(context: Context, resource: Resource, pages: int) -> tuple[list[Page], dict[date, Page]]:
    dialect = context.catalogue.dialect
    async with opened_source(context.config, dialect) as source:
        fetching = Fetching(context, source, resource, Shape(resource.key, context.catalogue.dropped_keys))
        ask = partial(_ask, fetching, itertools.count(1))
        first = await ask(1)
        if first.answer.error or first.answer.totals is None:
            return [first], {}
        others = [number for number in spread(first.answer.totals.pages, pages) if number != 1]
        newest = context.clock.last_askable_day(context.config.settings.day_grace_hours)
        after = 1 if dialect.day_filter == "since" else 0
        days = [newest - timedelta(days=number) for number in range(-after, DAYS)] if resource.changed else []
        found = await asyncio.gather(*map(ask, others), *(ask(1, day) for day in days))
    return [first, *found[: len(others)]], dict(zip(days, found[len(others) :], strict=True))


async def _ask(fetching: Fetching, counted: Iterator[int], number: int, day: date | None = None) -> Page:
    """A page of the resource, or of what changed last on a day or since it."""
    dialect = fetching.context.catalogue.dialect
    query = page_query(dialect, number)
    if day is not None:
        query |= day_query(dialect, fetching.resource.changed, str(day))
    window = FULL if day is None else str(day)
    page = await fetching.ask_for(query, window=window, event=SAMPLE, number=number)
    fetching.context.notify(Progress(fetching.resource.name, "sample", next(counted)))
    return page


def spread(last: int, number: int) -> Sequence[int]:
    """So many page numbers (or all there are) evenly from 1 to the last."""
    if number >= last or number < 2:
        return range(1, min(last, number) + 1)
    return [1 + place * (last - 1) // (number - 1) for place in range(number)]


def drop_samples(context: Context, histories: Mapping[str, History], tables: Collection[str]) -> list[str]:
    """Take the samples of these tables from a preview, which then shows its base's tables; which had one."""
    own = context.lake.own
    found = [name for name in tables if name in own and histories.get(name, History()).is_sampled]
    if found:
        drop_own_tables(context.lake, found, run=context.run)
    return found
