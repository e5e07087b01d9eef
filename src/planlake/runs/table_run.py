"""Carries out what is planned for one table: one stage after the other, each by one function.

A stage is given the result of those before it, and gives back the result with what it did itself.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, nullcontext
from dataclasses import dataclass, replace
from itertools import groupby
from time import monotonic

from planlake.checks.quality import blocking, reasons, surplus
from planlake.clock import naive_utc
from planlake.errors import SourceError
from planlake.flow.context import Context
from planlake.flow.ingest.audit import audit
from planlake.flow.ingest.audit_slices import Slice
from planlake.flow.ingest.prepare_readings import continue_reading, reading_of
from planlake.flow.ingest.result import IngestResult
from planlake.flow.ingest.step import ingest
from planlake.flow.ingest.window_reading import Reading
from planlake.flow.ingest.windows import Window
from planlake.flow.refine.step import refine
from planlake.flow.results import Outcome, TableResult, failed_result, step_end
from planlake.flow.snapshot.step import snapshot
from planlake.inspection.reconcile import count
from planlake.lake.lake import Lake
from planlake.lake.repair.damage import explain_error, quick_damage_of
from planlake.lake.state.ledger import FULL, History
from planlake.runs.plan import CountStage, IngestStage, RefineStage, SnapshotStage, Stage, TablePlan
from planlake.sources.catalogue import Resource
from planlake.sources.http.client import Source
from planlake.telemetry.reporter import report_step

SMALL_BYTES = 16 * 2**20  # of JSON: what a day brings
SMALL_TABLES_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Places:
    """How many tables of a run may be read at once, and how many refined; large ones take turns to bound memory."""

    reading: asyncio.Semaphore
    refining_small: asyncio.Semaphore
    refining_large: asyncio.Semaphore

    def refining(self, read: IngestResult | None) -> asyncio.Semaphore:
        """Where a table waits for its turn to be refined, by how much was read of it."""
        is_small = read is not None and read.bytes <= SMALL_BYTES
        return self.refining_small if is_small else self.refining_large


def places(tables_read_at_once: int) -> Places:
    """The places that the tables of one run share."""
    reading = asyncio.Semaphore(tables_read_at_once)
    return Places(reading, asyncio.Semaphore(SMALL_TABLES_AT_ONCE), asyncio.Semaphore(1))


@dataclass(frozen=True, slots=True)
class TableRun:
    """One table of a run: what is planned for it, what the ledger knows of it, and what it shares with the others.

    There is no `source` in a run of which no stage asks the API.
    """

    context: Context
    places: Places
    source: Source | None
    plan: TablePlan
    history: History

    @property
    def resource(self) -> Resource:
        """What the catalogue says of the table."""
        return self.context.catalogue.resource(self.plan.table)


async def run_table(table: TableRun) -> TableResult:
    """What became of one table; its trouble becomes its result, an API that refuses or is gone ends the run."""
    lake, name, started = table.context.lake, table.plan.table, monotonic()
    try:
        result = await _carry_out_stages(table)
    except SourceError:
        raise
    except Exception as error:
        found = await asyncio.to_thread(explain_error, lake, error, name)
        result = failed_result(table.resource, found)
    result = await asyncio.to_thread(_with_damage, lake, result)
    if result.outcome in ("open", "held", "failed"):
        result = replace(result, is_published=await asyncio.to_thread(_is_published, lake, name))
    if stage := table.plan.ingest:
        result = replace(result, gaps=stage.gaps, new_gaps=stage.new_gaps)
    return replace(result, seconds=monotonic() - started)


def _with_damage(lake: Lake, result: TableResult) -> TableResult:
    """The result with what is gone or cut off of the table's files; only their sizes are looked at."""
    found = quick_damage_of(lake, result.table)
    return replace(result, damage=found.said, repair=found.repair) if found is not None else result


def _is_published(lake: Lake, table: str) -> bool:
    """Whether a table shows a version; if that cannot be found out, it is assumed."""
    try:
        found = lake.shown("refined", f"current_{table}")
    except Exception:  # what made the table fail may be what is asked here
        return True
    return found is not None and found.current_snapshot() is not None


async def _carry_out_stages(table: TableRun) -> TableResult:
    """The stages of the plan in their order, until one ends the table's run."""
    plan, history = table.plan, table.history
    if not plan.windows and history.has_open_window:
        return TableResult(plan.table, "open", "a window is open: it must be read to its end before it is refined")
    done = TableResult(plan.table, "up to date", plan.why)
    if not plan.windows and history.last_full() is None:  # there is nothing to apply yet
        return done
    for is_applying, stages in groupby(plan.stages, _is_applying):  # refine and snapshot keep one place together
        async with table.places.refining(done.ingest) if is_applying else nullcontext():
            for stage in stages:
                done = await _carry_out(table, stage, done)
                if done.outcome != "up to date":
                    return done
    return _verdict(done)


def _is_applying(stage: Stage) -> bool:
    """Whether a stage takes memory for rows: it applies what was received, and asks the API for nothing."""
    return isinstance(stage, RefineStage | SnapshotStage)


async def _carry_out(table: TableRun, stage: Stage, done: TableResult) -> TableResult:
    match stage:
        case IngestStage():
            return await _ingest(table, stage, done)
        case RefineStage():
            return await asyncio.to_thread(_refine, table, stage, done)
        case SnapshotStage():
            return await asyncio.to_thread(_snapshot, table, done)
        case CountStage():
            return await _count(table, done)


async def _ingest(table: TableRun, stage: IngestStage, done: TableResult) -> TableResult:
    """Read the windows and the slice; a window that stays open and what a gate holds back end the table's run."""
    if table.source is None or not stage.windows:
        return done
    read = await _read(table, table.source, stage)
    done = replace(done, ingest=read)
    if read.open:
        window, reason = read.open[0]
        what = f"{len(read.open)} of {len(stage.windows)} days could not be read, first {window}"
        if len(stage.windows) == 1:
            what = f"{'it' if window == FULL else window} could not be read to its end"
        message = f"{what}: {reason}"
        return replace(done, outcome="open", message=message)
    if found := blocking(read.checks):
        return replace(done, outcome="held", message=found[0].message)
    return done


def _refine(table: TableRun, stage: RefineStage, done: TableResult) -> TableResult:
    with report_step(table.context.reporter, table.resource.name, "refine") as step:
        refined = refine(table.context, table.resource, rebuild=stage.rebuild)
        step.end = step_end(refined)
    return replace(done, refine=refined)


def _snapshot(table: TableRun, done: TableResult) -> TableResult:
    """Take the snapshot, unless a gate held back the rows it would apply."""
    if blocking(done.checks):
        return done
    with report_step(table.context.reporter, table.resource.name, "snapshot") as step:
        taken = snapshot(table.context, table.resource)
        step.end = step_end(taken)
    return replace(done, snapshot=taken)


async def _count(table: TableRun, done: TableResult) -> TableResult:
    """Count what is held against the API's total, whatever became of the stages before."""
    if table.source is None:
        return done
    counted = await count(table.context, table.source, table.resource, history=table.history)
    return done if counted.error else replace(done, expectations=(surplus(counted.held, total=counted.total),))


async def _read(table: TableRun, source: Source, stage: IngestStage) -> IngestResult:
    """Read the windows of a table, and once others may read theirs, the slice that is to be compared."""
    context, resource = table.context, table.resource
    async with AsyncExitStack() as place:
        await place.enter_async_context(table.places.reading)
        readings = _readings(table, stage.windows)
        with report_step(context.reporter, resource.name, "ingest") as step:
            read = await ingest(context, source, resource, readings=readings, history=table.history)
            step.end = step_end(read)
            await place.aclose()
            read = await _with_audit(context, source, resource, due=stage.audit, read=read)
            step.end = step_end(read)
    return read


async def _with_audit(
    context: Context, source: Source, resource: Resource, *, due: Slice | None, read: IngestResult
) -> IngestResult:
    """What was read, and with it the slice that is compared; none where the windows of the day are not proven."""
    if due is None or read.open or read.unproven:
        return read
    done = await audit(context, source, resource, due=due, batch=read.batch)
    return replace(
        read,
        requests=read.requests + done.requests,
        records=read.records + done.records,
        stored=read.stored + done.stored,
        bytes=read.bytes + done.bytes,
        audit=done,
    )


def _readings(table: TableRun, windows: Sequence[Window]) -> list[Reading]:
    """What to read, continuing where an earlier run stopped."""
    context, resource, history = table.context, table.resource, table.history
    started_at, per_page = naive_utc(context.clock.now()), context.catalogue.page_size
    fresh = [
        reading_of(window, resource, history=history, started_at=started_at, per_page=per_page) for window in windows
    ]
    return [continue_reading(reading, resource, table.plan.cadence, history) for reading in fresh]


def _verdict(done: TableResult) -> TableResult:
    """The result of a table whose stages all went through: whether a gate holds something back, or what changed."""
    if held := reasons(done.checks):
        return replace(done, outcome="held", message=held)
    read, refined, taken = done.ingest, done.refine, done.snapshot
    changed = (refined is not None and refined.rows > 0) or (taken is not None and taken.changed > 0)
    changed = changed or (refined is None and read is not None and read.stored > 0)
    brought = read is not None and (read.closed or read.unproven or read.gap_pages or read.audit)
    outcome: Outcome = "loaded" if changed else "unchanged" if brought else "up to date"
    return replace(done, outcome=outcome, message="; ".join((done.message, *_remarkable(done))))


def _remarkable(done: TableResult) -> Iterator[str]:
    """What is worth a word beside the reason why the table was read."""
    read, refined = done.ingest, done.refine
    if refined and refined.rebuilt:
        yield f"built anew from raw: {', '.join(refined.rebuilt)}"
    if read and read.deleted:
        yield f"{read.deleted} deleted"
    if read and read.repeated:
        yield f"{read.repeated} repeated ids, the API's own"
    if read and read.gap_pages:
        yield f"{len(read.gap_pages)} pages given up"
    if read and read.unproven:
        window, _, reason = read.unproven[0]
        yield f"{window} not proven: {reason}"
    if read and read.audit and (said := str(read.audit)):
        yield f"audit: {said}"
