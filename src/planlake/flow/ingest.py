"""Step one: from the API to raw. In go a resource and its windows, out come raw rows, ledger rows, a StepResult.

Pages are kept in checkpoints bounded in bytes: raw rows are committed first, the ledger rows of their requests after
them, so whatever is in the ledger is in raw. A record equal to what is held is counted and not stored again.
"""

import asyncio
import itertools
from collections import deque
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from planlake.clock import LONDON, naive_utc
from planlake.flow.context import Context, Progress
from planlake.flow.reading import Reading
from planlake.lake.held import keep_new
from planlake.lake.ledger import CLOSED, FULL, PAGE
from planlake.sources.catalogue import Resource
from planlake.sources.client import Answer, Source
from planlake.sources.records import Record, Shape, read_record

MEGABYTE = 2**20


@dataclass(frozen=True, slots=True)
class IngestResult:
    """What one resource brought: figures, and the windows that could not be closed, each with its reason."""

    resource: str
    batch: int
    requests: int = 0
    records: int = 0
    stored: int = 0
    bytes: int = 0
    closed: tuple[str, ...] = ()
    open: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """One page as it came: its answer, the window it belongs to and its records."""

    window: str
    number: int
    request_id: int
    requested_at: datetime
    answer: Answer
    records: list[Record]


@dataclass(slots=True)
class _Batch:
    """Everything one resource fetched in this run, on its way into raw."""

    context: Context
    resource: Resource
    number: int
    shape: Shape
    result: IngestResult
    pages: list[Page] = field(default_factory=list)
    waiting_bytes: int = 0
    closed: list[Reading] = field(default_factory=list)
    checkpoint: asyncio.Task[None] | None = None


async def ingest(
    context: Context, source: Source, resource: Resource, readings: Sequence[Reading], *, batch: int
) -> IngestResult:
    """Read windows of a resource into raw under a new batch number; windows that fail stay open, by name."""
    shape = Shape(resource.key, context.catalogue.dropped_keys)
    state = _Batch(context, resource, batch, shape, IngestResult(resource.name, batch))
    async for reading, first in _first_pages(state, source, readings):
        async for page in _pages(state, source, reading, first):
            await _keep(state, page)
        if not reading.verdict():
            state.closed.append(reading)
    await _checkpoint(state)
    await _committed(state)
    still_open = tuple((one.window, one.verdict()) for one in readings if one.verdict())
    return replace(state.result, open=still_open)


async def _first_pages(
    state: _Batch, source: Source, readings: Sequence[Reading]
) -> AsyncIterator[tuple[Reading, Page]]:
    """The first page of every window in order; those of the next few windows are on the way already."""
    ahead = state.context.config.settings.concurrency
    tasks: list[asyncio.Task[Page]] = []
    try:
        for index, reading in enumerate(readings):
            for following in readings[len(tasks) : index + ahead]:
                tasks.append(asyncio.create_task(_ask(state, source, following, following.first_page)))  # noqa: PERF401
            yield reading, await tasks[index]
            if len(readings) > 1:
                state.context.notify(Progress(state.resource.name, "ingest", index + 1, len(readings)))
    finally:
        await _cancelled(tasks)


async def _pages(state: _Batch, source: Source, reading: Reading, first: Page) -> AsyncIterator[Page]:
    """Every page of a window in order, then those that must be asked again, until it is complete or will not be."""
    yield _noted(reading, first)
    if first.answer.error:
        return
    async for page in _fetched(state, source, reading, _numbers(reading)):
        yield page
    while again := reading.to_ask_again():
        async for page in _fetched(state, source, reading, iter(again)):
            yield page


def _numbers(reading: Reading) -> Iterator[int]:
    """Page numbers from the second on, as far as the newest total reaches at the moment."""
    number = reading.first_page + 1
    while number <= reading.last_page:
        yield number
        number += 1


async def _fetched(state: _Batch, source: Source, reading: Reading, numbers: Iterator[int]) -> AsyncIterator[Page]:
    """Pages in the order asked for, as many on the way at once as the source allows."""
    ahead = state.context.config.settings.concurrency * 2
    waiting: deque[asyncio.Task[Page]] = deque()

    def ask_more() -> None:
        for number in itertools.islice(numbers, ahead - len(waiting)):
            waiting.append(asyncio.create_task(_ask(state, source, reading, number)))

    try:
        ask_more()
        while waiting:
            page = _noted(reading, await waiting[0])
            waiting.popleft()
            ask_more()
            if reading.window == FULL:
                state.context.notify(Progress(state.resource.name, "ingest", page.number, reading.last_page))
            yield page
    finally:
        await _cancelled(waiting)


def _noted(reading: Reading, page: Page) -> Page:
    reading.note(page.number, page.answer.totals, (record.id for record in page.records), page.answer.error)
    return page


async def _cancelled(tasks: Collection[asyncio.Task[Page]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _ask(state: _Batch, source: Source, reading: Reading, number: int) -> Page:
    query: dict[str, str | int] = {"page": number}
    if reading.window != FULL:
        query[state.resource.changed] = reading.window
    requested_at = state.context.clock.now()
    answer = await source.get(state.resource.name, query)
    records = [read_record(raw, state.shape) for raw in answer.records]
    request_id = next(state.context.request_ids)
    return Page(reading.window, number, request_id, requested_at, replace(answer, records=()), records)


async def _keep(state: _Batch, page: Page) -> None:
    state.pages.append(page)
    state.waiting_bytes += page.answer.size
    if state.waiting_bytes >= state.context.config.settings.checkpoint_megabytes * MEGABYTE:
        await _checkpoint(state)


async def _checkpoint(state: _Batch) -> None:
    """Commit what waits while reading goes on; one checkpoint of a resource at a time."""
    await _committed(state)
    pages, closed = state.pages, state.closed
    state.pages, state.closed, state.waiting_bytes = [], [], 0
    if pages or closed:
        state.checkpoint = asyncio.create_task(asyncio.to_thread(_commit, state, pages, closed))


async def _committed(state: _Batch) -> None:
    """Wait for the checkpoint under way; its trouble is raised here."""
    if state.checkpoint is not None:
        await state.checkpoint
        state.checkpoint = None


def _commit(state: _Batch, pages: list[Page], closed: list[Reading]) -> None:
    """Raw rows first, then the ledger rows of their requests and of the windows they close."""
    rows = _raw_rows(state, [page for page in pages if page.records])
    new = _new_rows(state, rows)
    stored = _stored_by_request(new)
    request_rows = [_request_row(state, page, stored.get(page.request_id, 0)) for page in pages]
    closing_rows = [_closing_row(state, reading) for reading in closed]
    state.context.arrivals.land(state.resource.name, new, [*request_rows, *closing_rows])
    figures = state.result
    state.result = replace(
        figures,
        requests=figures.requests + len(pages),
        records=figures.records + len(rows),
        stored=figures.stored + len(new),
        bytes=figures.bytes + sum(page.answer.size for page in pages),
        closed=(*figures.closed, *(reading.window for reading in closed)),
    )


def _new_rows(state: _Batch, rows: pa.Table) -> pa.Table:
    if not len(rows):
        return rows
    context, resource = state.context, state.resource
    return keep_new(context.lake, context.connection, resource.name, resource.key, rows)


def _raw_rows(state: _Batch, pages: list[Page]) -> pa.Table:
    records = [record for page in pages for record in page.records]
    counts = [len(page.records) for page in pages]

    def repeated(values: list[Any], type_: pa.DataType) -> pa.Array:
        numbers = [number for number, count in enumerate(counts) for _ in range(count)]
        return pa.array(values, type_).take(pa.array(numbers, pa.int32()))

    days = [page.requested_at.astimezone(LONDON).strftime("%Y%m%d") for page in pages]
    count = len(records)
    return pa.table(
        {
            "resource": pa.repeat(state.resource.name, count),
            "batch": pa.repeat(pa.scalar(state.number, pa.int64()), count),
            "request_id": repeated([page.request_id for page in pages], pa.int64()),
            "position": pa.array([number for size in counts for number in range(size)], pa.int32()),
            "record_id": pa.array([record.id for record in records], pa.string()),
            "record_hash": pa.array([record.hash for record in records], pa.string()),
            "is_regular": pa.array([record.is_regular for record in records], pa.bool_()),
            "api_response": pa.array([record.text for record in records], pa.large_string()),
            "page_number": repeated([page.number for page in pages], pa.int32()),
            "import_api_url_requested": repeated([page.answer.url for page in pages], pa.string()),
            "import_api_status_code": repeated([str(page.answer.status) for page in pages], pa.string()),
            "import_exception_thrown": pa.nulls(count, pa.string()),
            "import_datetime": repeated([naive_utc(page.requested_at) for page in pages], pa.timestamp("us")),
            "import_timestamp": repeated([f"{page.requested_at.timestamp():.6f}" for page in pages], pa.string()),
            "import_year": repeated([day[:4] for day in days], pa.string()),
            "import_month": repeated([day[4:6] for day in days], pa.string()),
            "import_day": repeated([day[6:] for day in days], pa.string()),
            "import_date": repeated(days, pa.string()),
        }
    )


def _stored_by_request(rows: pa.Table) -> dict[int, int]:
    if not len(rows):
        return {}
    counted = rows.group_by("request_id").aggregate([("position", "count")])
    return dict(zip(counted["request_id"].to_pylist(), counted["position_count"].to_pylist(), strict=True))


def _request_row(state: _Batch, page: Page, stored: int) -> dict[str, Any]:
    totals = page.answer.totals
    return {
        "request_id": page.request_id,
        "run": state.context.run,
        "resource": state.resource.name,
        "batch": state.number,
        "event": PAGE,
        "window": page.window,
        "page": page.number,
        "url": page.answer.url,
        "status": page.answer.status,
        "attempts": page.answer.attempts,
        "records": len(page.records),
        "stored": stored,
        "bytes": page.answer.size,
        "total_results": totals.results if totals else None,
        "results_per_page": totals.per_page if totals else None,
        "total_page": totals.page if totals else None,
        "error": page.answer.error or None,
        "requested_at": naive_utc(page.requested_at),
        "seconds": page.answer.seconds,
    }


def _closing_row(state: _Batch, reading: Reading) -> dict[str, Any]:
    return {
        "request_id": next(state.context.request_ids),
        "run": state.context.run,
        "resource": state.resource.name,
        "batch": state.number,
        "event": CLOSED,
        "window": reading.window,
        "records": reading.received,
        "total_results": reading.total,
        "requested_at": reading.started_at,
        "seconds": (naive_utc(datetime.now(UTC)) - reading.started_at).total_seconds(),
    }
