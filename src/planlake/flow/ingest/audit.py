"""The rolling audit: compares a slice of a table that is read by days with the API, record by record.

It finds what reading by days cannot: records that appeared with an old date (missing), that changed without their date
moving (changed in silence), and that went (gone). What differs lands in raw like everything else that arrives; a record
that the lake holds and no page shows is asked for alone before it is believed to be gone.
"""

import asyncio
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime

import pyarrow as pa

from planlake.checks.quality import blocking, deletions
from planlake.clock import naive_utc
from planlake.engines.casts import whole_number
from planlake.flow.context import Context
from planlake.flow.ingest.audit_differences import differing
from planlake.flow.ingest.audit_pages import NotInOrder, PageEnds, SliceReading, Unproven
from planlake.flow.ingest.audit_slices import Interval, Slice
from planlake.flow.ingest.deletions import ask_whether_gone
from planlake.flow.ingest.fetch import Fetching, Page
from planlake.flow.ingest.raw_rows import Row, raw_rows, request_row, stored_by_request
from planlake.flow.ingest.result import AuditDifferences, AuditResult
from planlake.lake.row_counts import held_ids
from planlake.lake.state.audits import AUDIT, AUDITED
from planlake.lake.state.drop_unchanged import held_between
from planlake.sources.catalogue import Resource
from planlake.sources.dialect import page_query
from planlake.sources.http.client import Source
from planlake.sources.records import Shape
from planlake.telemetry.progress import Progress

MEGABYTE = 2**20
LAST_TURN = 2**31  # behind the pages of all windows
SHARE_THAT_WAITS = 16  # of a checkpoint: all tables may be audited at once, while few are read at once


@dataclass(slots=True)
class _Audit:
    """The audit of one slice under way: pages that wait to be compared, and what is to be kept of those that were."""

    fetching: Fetching = field(repr=False)
    due: Slice
    batch: int
    started_at: datetime
    result: AuditResult
    shown: set[int] = field(default_factory=set, repr=False)
    waiting: list[Page] = field(default_factory=list, repr=False)
    waiting_bytes: int = 0
    differing: list[pa.Table] = field(default_factory=list, repr=False)
    requests: list[Row] = field(default_factory=list, repr=False)

    @property
    def context(self) -> Context:
        return self.fetching.context

    @property
    def resource(self) -> Resource:
        return self.fetching.resource


async def audit(context: Context, source: Source, resource: Resource, *, due: Slice, batch: int) -> AuditResult:
    """Compare a slice of a resource with the API and land what differs under a batch of this run.

    Of a slice that cannot be read, or that shows too little to be believed, nothing lands. That is not an error of the
    table: nothing says that the slice was compared, so the next run asks for it again.
    """
    fetching = Fetching(context, source, resource, Shape(resource.key, context.catalogue.dropped_keys))
    work = _Audit(fetching, due, batch, naive_utc(context.clock.now()), AuditResult())
    closing: Row = {}
    try:
        interval, top = await SliceReading(lambda number: _page(work, number), due).read()
        await _ask_for_those_not_shown(work, interval)
        if work.result.is_proven:
            closing = _closing(interval, top)
    except NotInOrder as reason:
        closing = {"error": str(reason)}
        work.result = replace(work.result, not_in_order=str(reason))
    except Unproven as reason:
        work.result = replace(work.result, error=str(reason))
    await asyncio.to_thread(_land, work, closing)
    return work.result


def _closing(interval: Interval, top: PageEnds) -> Row:
    """What the ledger keeps of a slice: the ids it covers, its last page, and what the API said with it."""
    ends = {"first_id": interval.first, "last_id": interval.last}
    texts = {name: None if end is None else str(end) for name, end in ends.items()}
    return {**texts, "page": top.number, "total_results": top.total, "results_per_page": top.per_page}


async def _page(work: _Audit, number: int) -> Page:
    """A page of the whole table."""
    if work.fetching.source.is_silent:
        raise Unproven("the API does not answer")
    query = page_query(work.context.catalogue.dialect, number)
    page = await work.fetching.ask_for(query, window=AUDIT, event=AUDIT, number=number, turn=LAST_TURN)
    await _keep(work, page)
    work.shown |= {one for one in map(whole_number, page.records.ids) if one is not None}
    done = work.result.pages + 1
    work.result = replace(work.result, pages=done)
    work.context.notify(Progress(work.resource.name, "audit", done, max(done, work.due.pages)))
    return page


async def _ask_for_those_not_shown(work: _Audit, interval: Interval) -> None:
    """Ask alone for each record that the lake holds and the slice did not show; for none if there are too many."""
    context = work.context
    found = await asyncio.to_thread(
        held_between, context.lake, context.connection, work.resource, low=interval.low, high=interval.high
    )
    ids = sorted(one for one, version in found.items() if not version.is_deleted and version.batch != work.batch)
    gone = [identity for identity in ids if identity not in work.shown]
    compared = sum(1 for identity in work.shown if interval.has(identity)) + len(gone)
    work.result = replace(work.result, compared=compared)
    if await _are_too_many(work, len(gone)):
        work.result = replace(work.result, held_back=len(gone))
        return
    for identity in gone:
        page = await ask_whether_gone(work.fetching, str(identity), window=AUDIT, turn=LAST_TURN)
        await _keep(work, page)
        if page.answer.error:
            raise Unproven(f"a record asked for alone: {page.answer.error}")


async def _are_too_many(work: _Audit, gone: int) -> bool:
    """Whether so many records are not to be believed gone: it may be another API that answers.

    In one round of slices no more are believed than in one full reading; a single one is never too many.
    """
    context = work.context
    if gone < 2 or context.accepts_deletions:
        return False
    ids = await asyncio.to_thread(held_ids, context.lake, context.connection, work.resource)
    percent = context.config.settings.deletion_limit_percent
    return bool(blocking([deletions(work.due.gone + gone, held=len(ids), percent=percent)]))


async def _keep(work: _Audit, page: Page) -> None:
    """Keep a page until as many wait as may be in memory; then what differs of them is kept alone."""
    work.waiting.append(page)
    work.waiting_bytes += page.answer.size
    if work.waiting_bytes >= work.context.config.settings.checkpoint_megabytes * MEGABYTE / SHARE_THAT_WAITS:
        await asyncio.to_thread(_compare, work)


def _compare(work: _Audit) -> None:
    """Keep of the pages that wait what differs, and the rows of their requests."""
    pages, work.waiting, work.waiting_bytes = work.waiting, [], 0
    context, name = work.context, work.resource.name
    rows = raw_rows(name, work.batch, [page for page in pages if page.records])
    new, found = differing(context, work.resource, batch=work.batch, rows=rows, before=work.differing)
    work.differing.append(new)
    figures, stored = work.result, stored_by_request(new)
    common = {"run": context.run, "resource": name, "batch": work.batch}
    work.requests += [request_row(page, common, stored.get(page.request_id, 0)) for page in pages]
    work.result = replace(
        figures,
        requests=figures.requests + len(pages),
        records=figures.records + len(rows),
        stored=figures.stored + len(new),
        bytes=figures.bytes + sum(page.answer.size for page in pages),
        found=figures.found + found,
    )


def _land(work: _Audit, closing: Row) -> None:
    """Commit what differs, the requests and what was compared; without the latter, the requests alone."""
    _compare(work)
    is_compared = bool(closing) and "error" not in closing
    if not is_compared:
        work.result = replace(work.result, stored=0, found=AuditDifferences())
        work.requests = [{**row, "stored": 0} for row in work.requests]
    if closing:
        common = {"run": work.context.run, "resource": work.resource.name, "batch": work.batch}
        work.requests.append(_closing_row(work, {**common, **closing}))
    rows = pa.concat_tables(work.differing) if is_compared else raw_rows("", 0, [])
    work.context.arrivals.land(work.resource.name, rows, work.requests)


def _closing_row(work: _Audit, common: Row) -> Row:
    """What says in the ledger that a slice was compared, or that slices of this table cannot be."""
    found = asdict(work.result.found)
    seconds = (naive_utc(work.context.clock.now()) - work.started_at).total_seconds()
    request_id = next(work.context.request_ids)
    return {
        **common,
        **found,
        "request_id": request_id,
        "event": AUDITED,
        "window": AUDIT,
        "records": work.result.compared,
        "stored": work.result.stored,
        "requested_at": work.started_at,
        "seconds": seconds,
    }
