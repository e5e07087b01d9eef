"""Carries out a run: everything that is due, and a record of what happened to each table.

The plan is carried out by one loop. Tables are independent: one is refined while the next is read, and one that fails
holds up no other.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from time import monotonic

from planlake.changes.maintain import tidy_after_run
from planlake.changes.rollback import resume
from planlake.checks.quality import held, surplus
from planlake.clock import naive_utc, read_clock
from planlake.config import Config
from planlake.engines.duckdb.connection import connected
from planlake.errors import PlanlakeError, SourceError
from planlake.event_loop import run_to_end
from planlake.flow.context import Context
from planlake.flow.ingest.audit import audit
from planlake.flow.ingest.plan_readings import continued, reading_of
from planlake.flow.ingest.raw_rows import raw_rows
from planlake.flow.ingest.result import IngestResult
from planlake.flow.ingest.sampling import forget_samples
from planlake.flow.ingest.step import ingest
from planlake.flow.ingest.window_reading import Reading
from planlake.flow.opening import open_for_writing
from planlake.flow.record import publish, record_run
from planlake.flow.refine.rebuild_reasons import Asked
from planlake.flow.refine.result import RefineResult
from planlake.flow.refine.step import refine
from planlake.flow.results import Outcome, RunResult, TableResult, failed, step_end
from planlake.flow.snapshot.result import SnapshotResult
from planlake.flow.snapshot.step import snapshot
from planlake.inspection.documentation import compare_weekly
from planlake.inspection.reconcile import Difference, count
from planlake.lake.lake import Lake, clear_errors
from planlake.lake.opening import open_to_read
from planlake.lake.previews.entering import enter
from planlake.lake.repair.damage import explained, quick_damage_of
from planlake.lake.state.ledger import GAP, History, next_batch, read_histories
from planlake.runs.expectations import expectations, findings_kept, freshness, remaining
from planlake.runs.plan import Selection, Step, plan
from planlake.sources.catalogue import Cadence, Resource, catalogue_of
from planlake.sources.http.client import Source
from planlake.sources.signing import opened_source
from planlake.telemetry.log import Level, Log, say
from planlake.telemetry.progress import Notify, ignore
from planlake.telemetry.reporter import Reporter, reason_of, report_step

SMALL_BYTES = 16 * 2**20  # of JSON: what a day brings
SMALL_TABLES_AT_ONCE = 2


def planned(config: Config, selection: Selection, *, environment: str | None = None) -> list[Step]:
    """The steps a run would carry out now."""
    catalogue = catalogue_of(config)
    with connected(config.settings.memory_limit_megabytes) as connection:
        lake = open_to_read(config, environment)
        return plan(config, catalogue, read_histories(lake, connection), clock=read_clock(), selection=selection)


def run(config: Config, selection: Selection, *, environment: str | None = None, notify: Notify = ignore) -> RunResult:
    """Carry out everything that is due, or what was asked for, and record it.

    Raises SourceUnreachable and SourceRefused where no table could be read at all, ConflictError where another run is
    writing; a table's own trouble is part of the result.
    """
    with clear_errors(), open_for_writing(config, environment, notify) as context:
        deletions = selection.accepts_deletions
        chosen = replace(context, accepts_gaps=selection.accepts_gaps, accepts_deletions=deletions)
        return report_run(chosen.reporter, lambda: _run(chosen, selection))


def _run(context: Context, selection: Selection) -> RunResult:
    started = monotonic()
    resume(context)  # before anything is read: it may void batches
    histories, steps = _planned(context, selection)
    enter(context.lake, [step.table for step in steps], run=context.run)
    reading = asyncio.Semaphore(context.config.settings.table_concurrency)
    try:
        small, large = asyncio.Semaphore(SMALL_TABLES_AT_ONCE), asyncio.Semaphore(1)
        work = _Work(context, histories, reading, small, large, "if affected" if selection.recasts else "if changed")
        results = run_to_end(_carry_out(work, steps))
        _record_gaps(context, steps, histories)  # once the API has answered: a refused clock may be years ahead
    except PlanlakeError as error:
        record_run(context, [], outcome="failed", message=error.message, seconds=monotonic() - started)
        raise
    published = publish(context, results)
    cadences = {step.table: step.cadence for step in steps}
    known = _Known(published, findings_kept(context))
    results = [_with_expectations(context, result, cadences[result.table], known) for result in results]
    done = RunResult(context.run, context.clock.today(), tuple(results), monotonic() - started)
    record_run(context, results, outcome=done.outcome, message="", seconds=done.seconds)
    trouble, news = tidy_after_run(context), compare_weekly(context)
    return replace(done, seconds=monotonic() - started, housekeeping=trouble, documentation=news)


def _planned(context: Context, selection: Selection) -> tuple[dict[str, History], list[Step]]:
    """What to do; samples of the tables to be read make way, and what is known of those is read once more."""
    histories = read_histories(context.lake, context.connection)
    steps = plan(context.config, context.catalogue, histories, clock=context.clock, selection=selection)
    if forget_samples(context, histories, [step.table for step in steps if step.step == "ingest"]):
        return _planned(context, selection)
    return histories, steps


@dataclass(frozen=True, slots=True)
class _Work:
    """What the tasks of one run share."""

    context: Context
    histories: dict[str, History]
    reading: asyncio.Semaphore
    refining_small: asyncio.Semaphore
    refining_large: asyncio.Semaphore
    rebuild: Asked

    def refining(self, read: IngestResult | None) -> asyncio.Semaphore:
        """A place for refining what was read: large tables take turns, so that memory stays bounded."""
        is_small = read is not None and read.bytes <= SMALL_BYTES
        return self.refining_small if is_small else self.refining_large


async def _carry_out(work: _Work, steps: Sequence[Step]) -> list[TableResult]:
    by_table: dict[str, list[Step]] = {}
    for step in steps:
        by_table.setdefault(step.table, []).append(step)
    asking = (step for step in steps if step.step == "ingest")
    if not any(step.windows or _differed(work.histories.get(step.table)) for step in asking):
        return [await _table(work, None, table_steps) for table_steps in by_table.values()]
    context = work.context
    async with opened_source(context.config, context.catalogue.dialect) as source:
        tasks = [asyncio.create_task(_table(work, source, table_steps)) for table_steps in by_table.values()]
        try:
            return list(await asyncio.gather(*tasks))
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _table(work: _Work, source: Source | None, steps: Sequence[Step]) -> TableResult:
    """Every step of one table; its trouble becomes its result, an API that refuses or is gone ends the run."""
    table, started = steps[0].table, monotonic()
    try:
        result = await _steps_of(work, source, steps)
    except SourceError:
        raise
    except Exception as error:
        found = await asyncio.to_thread(explained, work.context.lake, error, table)
        result = failed(work.context.catalogue.resource(table), found)
    result = await asyncio.to_thread(_with_damage, work.context.lake, result)
    if result.outcome in ("open", "held", "failed"):
        result = replace(result, is_published=await asyncio.to_thread(_is_published, work.context.lake, table))
    return replace(result, gaps=steps[0].gaps, new_gaps=steps[0].new_gaps, seconds=monotonic() - started)


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


async def _steps_of(work: _Work, source: Source | None, steps: Sequence[Step]) -> TableResult:
    context, table = work.context, steps[0].table
    resource = context.catalogue.resource(table)
    history = work.histories.get(table, History())
    read: IngestResult | None = None
    first = steps[0]
    if source is not None and first.step == "ingest" and first.windows:
        read = await _read(work, source, first, resource=resource, history=history)
        if read.open:
            window, reason = read.open[0]
            message = f"{len(read.open)} of {len(first.windows)} windows open, first {window}: {reason}"
            return TableResult(table, "open", message, read)
        if found := held(read.checks):
            return TableResult(table, "held", found[0].message, read)
    is_loaded = history.last_full() is not None if read is None else True
    if read is None and history.has_open_window:
        return TableResult(table, "open", "a window is open: it must be read to its end before it is refined")
    names = {step.step for step in steps}
    refined: RefineResult | None = None
    taken: SnapshotResult | None = None
    async with work.refining(read):
        if "refine" in names and is_loaded:
            with report_step(context.reporter, resource, "refine") as step:
                refined = await asyncio.to_thread(refine, context, resource, rebuild=work.rebuild)
                step.end = step_end(refined)
        if "snapshot" in names and is_loaded and not held(refined.checks if refined else ()):
            with report_step(context.reporter, resource, "snapshot") as step:
                taken = await asyncio.to_thread(snapshot, context, resource)
                step.end = step_end(taken)
    counted: Difference | None = None
    if source is not None and _is_to_be_counted(context, first, resource, history):
        counted = await count(context, source, resource, history=history)
    more = () if counted is None or counted.error else (surplus(counted.held, total=counted.total),)
    done = TableResult(table, "held", "", read, refined, taken, expectations=more)
    if found := held(done.checks):
        return replace(done, message="; ".join(check.message for check in found))
    changed = (refined is not None and refined.rows > 0) or (taken is not None and taken.changed > 0)
    changed = changed or ("refine" not in names and read is not None and read.stored > 0)
    brought = read is not None and (read.closed or read.unproven or read.gap_pages or read.audit)
    outcome: Outcome = "loaded" if changed else "unchanged" if brought else "up to date"
    return replace(done, outcome=outcome, message=_message(first, read, refined))


async def _read(work: _Work, source: Source, step: Step, *, resource: Resource, history: History) -> IngestResult:
    """Read the windows of a table, and once others may read theirs, the slice that is to be compared."""
    context = work.context
    async with AsyncExitStack() as place:
        await place.enter_async_context(work.reading)
        readings = _readings(context, step, resource, history)
        with report_step(context.reporter, resource, "ingest") as carried:
            read = await ingest(context, source, resource, readings=readings, history=history)
            carried.end = step_end(read)
            await place.aclose()
            read = await _with_audit(context, source, step, read)
            carried.end = step_end(read)
    return read


async def _with_audit(context: Context, source: Source, step: Step, read: IngestResult) -> IngestResult:
    """What was read, and with it the slice that is compared; none where the windows of the day are not proven."""
    if step.audit is None or read.open or read.unproven:
        return read
    done = await audit(context, source, context.catalogue.resource(step.table), due=step.audit, batch=read.batch)
    return replace(
        read,
        requests=read.requests + done.requests,
        records=read.records + done.records,
        stored=read.stored + done.stored,
        bytes=read.bytes + done.bytes,
        audit=done,
    )


def _is_to_be_counted(context: Context, step: Step, resource: Resource, history: History) -> bool:
    """Whether a table read by days was neither counted nor read in full for a week (setting), or any differed then."""
    last, count = history.last_full(), history.last_count
    if _differed(history) and step.step == "ingest":
        return True
    if last is None or step.cadence == "weekly" or not resource.changed or not step.windows:
        return False
    newest = max(last.started_at, count.counted_at if count else last.started_at)
    if count is not None and newest > naive_utc(context.clock.now()):
        return True
    days = (naive_utc(context.clock.now()).date() - newest.date()).days  # of the calendar: a run is never just as quick
    return days >= context.config.settings.count_every_days


def _differed(history: History | None) -> bool:
    """Whether the API's total was not the rows held when they were counted, and the table was not read whole since."""
    last, count = (history.last_full(), history.last_count) if history else (None, None)
    return last is not None and count is not None and count.counted_at >= last.started_at and count.held != count.total


def _readings(context: Context, step: Step, resource: Resource, history: History) -> list[Reading]:
    """What to read, continuing where an earlier run stopped."""
    started_at, per_page = naive_utc(context.clock.now()), context.catalogue.page_size
    fresh = [
        reading_of(window, resource, history=history, started_at=started_at, per_page=per_page)
        for window in step.windows
    ]
    return [continued(reading, resource, step.cadence, history) for reading in fresh]


def _message(step: Step, read: IngestResult | None, refined: RefineResult | None) -> str:
    """Why the table was read, and what was remarkable about it."""
    parts = [step.why]
    if refined and refined.rebuilt:
        parts.append(f"built anew from raw: {', '.join(refined.rebuilt)}")
    if read and read.deleted:
        parts.append(f"{read.deleted} deleted")
    if read and read.repeated:
        parts.append(f"{read.repeated} repeated ids, the API's own")
    if read and read.gap_pages:
        parts.append(f"{len(read.gap_pages)} pages given up")
    if read and read.unproven:
        window, _, reason = read.unproven[0]
        parts.append(f"{window} not proven: {reason}")
    if read and read.audit and (said := str(read.audit)):
        parts.append(f"audit: {said}")
    return "; ".join(parts)


def _record_gaps(context: Context, steps: Sequence[Step], histories: Mapping[str, History]) -> None:
    """Write days that now lie beyond the look-back cap into the ledger as gaps."""
    nothing = raw_rows("", 0, [])
    for step in steps:
        if step.new_gaps:
            reason = f"beyond the look-back cap of {context.config.settings.look_back_days} days"
            common = {
                "run": context.run,
                "resource": step.table,
                "batch": next_batch(context.lake, step.table, histories.get(step.table, History())),
                "event": GAP,
                "error": reason,
                "requested_at": naive_utc(context.clock.now()),
            }
            rows = [{**common, "request_id": next(context.request_ids), "window": str(day)} for day in step.new_gaps]
            context.arrivals.land(step.table, nothing, rows)


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of all tables once they are done: when each was published, how many findings of each are kept."""

    published: Mapping[str, str]
    kept: Mapping[str, Counter[str]]


def _with_expectations(context: Context, result: TableResult, cadence: Cadence, known: _Known) -> TableResult:
    """The result with what is only reported of a table, checked once all tables are done and kept like other checks."""
    if result.outcome == "up to date":
        return result
    resource = context.catalogue.resource(result.table)
    found = list(freshness(cadence, known.published.get(result.table, ""), context.clock.today()))
    if result.ingest is not None and result.ingest.audit is not None:
        found.append(result.ingest.audit.check)
    if result.outcome == "loaded" and result.refine is not None and result.refine.rows:
        found += expectations(context, resource, result.refine)
    if result.outcome in ("loaded", "unchanged"):
        found += remaining(context, resource, result.gated, known.kept)
    return replace(result, expectations=(*result.expectations, *found))


def report_run(reporter: Reporter, work: Callable[[], RunResult]) -> RunResult:
    """Carry out a run, and report that it began and how it ended."""
    started = monotonic()
    say(reporter.log, "info", "run started", **reporter.about)
    try:
        result = work()
    except Exception as error:
        found = reporter.explained(error)
        _say_run(reporter.log, "error", "failed", started, message=reason_of(found, is_personal=True))
        if found is not error:
            raise found from error
        raise
    except BaseException:
        _say_run(reporter.log, "warning", "stopped", started)
        raise
    level: Level = "warning" if result.troubled or result.housekeeping else "info"
    facts = {"tables": len(result.tables), "troubled": result.troubled, "message": result.housekeeping}
    _say_run(reporter.log, level, result.outcome, started, **facts)
    return result


def _say_run(log: Log, level: Level, outcome: str, started: float, **facts: object) -> None:
    say(log, level, "run ended", outcome=outcome, seconds=round(monotonic() - started, 3), **facts)
