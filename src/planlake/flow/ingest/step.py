"""Step one, ingest: reads the windows of a resource from the API into raw and the ledger.

Pages are kept in checkpoints bounded in bytes: raw rows are committed first, the ledger rows of their requests after
them, so whatever is in the ledger is in raw. A record equal to what is held is counted and not stored again.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from time import monotonic

import pyarrow as pa

from planlake.checks.quality import CheckResult, blocking, deletions
from planlake.clock import naive_utc
from planlake.engines.memory import give_back
from planlake.flow.context import Context
from planlake.flow.ingest.deletions import UnseenIds, ask_whether_gone, held_in_all, no_longer_seen
from planlake.flow.ingest.fetch import Fetching, Page, fetch_windows
from planlake.flow.ingest.prepare_readings import give_up
from planlake.flow.ingest.raw_rows import closing_rows, raw_rows, request_row, stored_by_request
from planlake.flow.ingest.result import IngestResult
from planlake.flow.ingest.window_reading import Reading
from planlake.flow.operations_records import note_troubles
from planlake.lake.row_counts import held_ids
from planlake.lake.state.drop_unchanged import new_rows_of
from planlake.lake.state.ledger import COUNT, FULL, PAGE, VOIDED, History, batches_of_open_reading, next_batch
from planlake.sources.catalogue import Resource
from planlake.sources.http.client import Source
from planlake.sources.records import Shape

MEGABYTE = 2**20


@dataclass(slots=True)
class _Batch:
    """Everything one resource fetched in this run, on its way into raw."""

    context: Context
    resource: Resource
    number: int
    result: IngestResult
    pages: list[Page] = field(default_factory=list)
    waiting_bytes: int = 0
    kept_at: float = field(default_factory=monotonic)
    closed: list[Reading] = field(default_factory=list)
    checkpoint: asyncio.Task[None] | None = None
    check: CheckResult | None = None
    held_back: int = 0


async def ingest(
    context: Context, source: Source, resource: Resource, *, readings: Sequence[Reading], history: History
) -> IngestResult:
    """Read windows of a resource into raw under a new batch number; windows that fail stay open, by name."""
    batch, settings = next_batch(context.lake, resource.name, history), context.config.settings
    fetching = Fetching(context, source, resource, Shape(resource.key, context.catalogue.dropped_keys))
    state = _Batch(context, resource, batch, IngestResult(resource.name, batch))
    async for reading, page in fetch_windows(fetching, readings):
        if page is not None:
            await _keep(state, page)
            continue
        give_up(reading, history, settings, accepts_gaps=context.accepts_gaps)
        is_whole = reading.is_to_be_closed() and not reading.verdict()
        if is_whole and await _keep_deletions(state, fetching, reading, history):
            state.closed.append(reading)
    await _checkpoint(state)
    await _wait_for_checkpoint(state)
    if state.held_back:
        await asyncio.to_thread(_take_back, state, history, readings[-1])
    troubled = [(one, one.verdict()) for one in readings if one.verdict()]
    return replace(
        state.result,
        open=tuple((one.window, verdict) for one, verdict in troubled if one.event == PAGE),
        unproven=tuple((one.window, one.event, verdict) for one, verdict in troubled if one.event != PAGE),
        repeated=sum(one.repeated for one in readings),
        gap_pages=tuple((one.window, page) for one in readings for page in one.gaps),
        held_back=state.held_back,
        checks=(state.check,) if state.check is not None else (),
    )


async def _keep_deletions(state: _Batch, fetching: Fetching, reading: Reading, history: History) -> bool:
    """Land what a full reading no longer shows as deleted, each record only after the API was asked for it alone.

    False where that is more than may be believed: it may be another API that answers.
    """
    if reading.window != FULL or reading.gaps:
        return True
    context, resource, gone = state.context, fetching.resource, UnseenIds((), 0)
    if reading.is_resumed:  # not every id is known here
        await _checkpoint(state)
        await _wait_for_checkpoint(state)
        held_now = await asyncio.to_thread(held_in_all, context.lake, context.connection, resource)
        missing = max(0, held_now - reading.total)
    else:
        asked, is_begun_before = (context.lake, context.connection, resource), history.is_open(FULL)
        gone = await asyncio.to_thread(no_longer_seen, *asked, reading=reading, is_begun_before=is_begun_before)
        missing, held_now = len(gone.ids), gone.held
    percent = context.config.settings.deletion_limit_percent
    check = deletions(missing, held=held_now, percent=percent, is_resumed=reading.is_resumed)
    is_first = history.last_full() is None and not reading.is_resumed  # nothing is shown that could be lost
    if blocking([check]) and (context.accepts_deletions or is_first):
        check = replace(check, verdict="warning")
    await asyncio.to_thread(note_troubles, context, resource, state.number, [check])
    state.check = check
    if blocking([check]):
        state.held_back = missing
        return False
    for identity in gone.ids:
        page = await ask_whether_gone(fetching, identity)
        await _keep(state, page)
        state.result = replace(state.result, deleted=state.result.deleted + sum(page.records.deleted))
    return True


def _take_back(state: _Batch, history: History, reading: Reading) -> None:
    """Void all that a full reading brought, as it is not believed; keep the API's total beside the number of rows held.

    The window is open again, so the next run reads it from the start.
    """
    context, name = state.context, state.resource.name
    batches = batches_of_open_reading(context.lake, context.connection, name)
    common = {"run": context.run, "resource": name, "requested_at": naive_utc(context.clock.now())}
    rows = [{**common, "batch": batch, "event": VOIDED, "window": ""} for batch in batches]
    if rows_held := len(held_ids(context.lake, context.connection, state.resource)):
        counted = {"event": COUNT, "window": FULL, "records": rows_held, "total_results": reading.total}
        rows.append({**common, "batch": history.last_batch, **counted})
    numbered = [{**row, "request_id": next(context.request_ids)} for row in rows]
    context.arrivals.land(name, raw_rows("", 0, []), numbered)


async def _keep(state: _Batch, page: Page) -> None:
    """Keep a page until its checkpoint: half of what may be in memory waits while the other half is written."""
    settings = state.context.config.settings
    state.pages.append(page)
    state.waiting_bytes += page.answer.size
    is_much = state.waiting_bytes >= settings.checkpoint_megabytes * MEGABYTE / 2
    if is_much or monotonic() - state.kept_at >= settings.checkpoint_seconds:
        await _checkpoint(state)


async def _checkpoint(state: _Batch) -> None:
    """Commit what waits while reading goes on; one checkpoint of a resource at a time."""
    await _wait_for_checkpoint(state)
    pages, closed = state.pages, state.closed
    state.pages, state.closed, state.waiting_bytes, state.kept_at = [], [], 0, monotonic()
    if pages or closed:
        state.checkpoint = asyncio.create_task(asyncio.to_thread(_commit, state, pages, closed))


async def _wait_for_checkpoint(state: _Batch) -> None:
    """Wait for the checkpoint under way; its trouble is raised here."""
    if state.checkpoint is not None:
        await state.checkpoint
        state.checkpoint = None


def _commit(state: _Batch, pages: list[Page], closed: list[Reading]) -> None:
    """Raw rows first, then the ledger rows of their requests and of the windows they close."""
    context, name = state.context, state.resource.name
    rows = raw_rows(name, state.number, [page for page in pages if page.records])
    new = _new_rows(state, rows)
    stored, common = stored_by_request(new), {"run": context.run, "resource": name, "batch": state.number}
    ledger_rows = [request_row(page, common, stored.get(page.request_id, 0)) for page in pages]
    for reading in closed:
        ledger_rows += closing_rows(reading, common, context.request_ids, now=context.clock.now())
    context.arrivals.land(name, new, ledger_rows)
    received, stored_rows = len(rows), len(new)
    del rows, new
    give_back()
    figures = state.result
    state.result = replace(
        figures,
        requests=figures.requests + len(pages),
        records=figures.records + received,
        stored=figures.stored + stored_rows,
        bytes=figures.bytes + sum(page.answer.size for page in pages),
        closed=(*figures.closed, *(day for reading in closed if not reading.is_settled() for day in reading.days)),
    )


def _new_rows(state: _Batch, rows: pa.Table) -> pa.Table:
    if not len(rows):
        return rows
    context, resource = state.context, state.resource
    return new_rows_of(context.lake, context.connection, resource.name, key=resource.key, rows=rows)
