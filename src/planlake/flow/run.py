"""A run: in goes the configuration and what was asked for, out comes what happened to each table.

The plan is carried out by one loop. Tables are independent: one is refined while the next is read, and one that fails
holds up no other.
"""

import asyncio
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from time import monotonic
from typing import Any, Literal

from planlake.checks.gates import CheckResult, as_row, held
from planlake.clock import naive_utc, read_clock
from planlake.config import Config
from planlake.engines.duckdb import connected
from planlake.errors import PlanlakeError, SourceError
from planlake.flow.affected import Asked
from planlake.flow.context import Context, Notify, ignore
from planlake.flow.documentation import compared_weekly
from planlake.flow.drift import drift_rows
from planlake.flow.expectations import expectations, freshness
from planlake.flow.ingest import IngestResult, ingest
from planlake.flow.maintain import kept_house
from planlake.flow.opening import opened_for_writing
from planlake.flow.plan import Selection, Step, plan
from planlake.flow.prepare import continued, reading_of
from planlake.flow.reading import Reading
from planlake.flow.reconcile import Difference, count, sweep
from planlake.flow.record import run_row
from planlake.flow.refine import RefineResult, refine
from planlake.flow.rollback import resume
from planlake.flow.rows import raw_rows
from planlake.flow.snapshot import SnapshotResult, snapshot
from planlake.lake.lake import clear_errors
from planlake.lake.ledger import GAP, RECOUNT, History, read_histories
from planlake.lake.previews import enter, open_lake
from planlake.lake.runs import append_operations, last_published
from planlake.sources.catalogue import Cadence, Resource, catalogue_of
from planlake.sources.client import Source, open_source
from planlake.sources.tascomi.signing import signer

SMALL_BYTES = 16 * 2**20  # of JSON: what a day brings
SMALL_TABLES_AT_ONCE = 2

Outcome = Literal["loaded", "unchanged", "up to date", "open", "held", "failed"]


@dataclass(frozen=True, slots=True)
class TableResult:
    """What a run did to one table; steps that were not taken are None."""

    table: str
    outcome: Outcome
    message: str = ""
    ingest: IngestResult | None = None
    refine: RefineResult | None = None
    snapshot: SnapshotResult | None = None
    checks: tuple[CheckResult, ...] = ()
    gaps: tuple[date, ...] = ()
    new_gaps: tuple[date, ...] = ()
    seconds: float = 0.0

    @property
    def is_troubled(self) -> bool:
        """Whether something of this table needs a look: it failed, stayed open, or lost days or pages."""
        given_up = self.ingest is not None and (self.ingest.gap_pages or self.ingest.held_back)
        uncounted = self.ingest is not None and any(event == RECOUNT for _, event, _ in self.ingest.unproven)
        return self.outcome in ("failed", "open", "held") or bool(self.new_gaps or given_up or uncounted)


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run did: its number, its London day, a result per table; trouble with housekeeping, news of the page."""

    run: int
    run_date: date
    tables: tuple[TableResult, ...]
    seconds: float
    housekeeping: str = ""
    documentation: str = ""

    @property
    def exit_code(self) -> int:
        """0 where all is well, 1 where a table failed, stayed open or lost days to the look-back cap."""
        troubled = [table for table in self.tables if table.is_troubled]
        return 1 if troubled else 0


def planned(config: Config, selection: Selection, *, environment: str | None = None) -> list[Step]:
    """The steps a run would carry out now."""
    catalogue = catalogue_of(config)
    with connected(config.settings.memory_limit_megabytes) as connection:
        lake = open_lake(config, environment)
        return plan(config, catalogue, read_histories(lake, connection), read_clock(), selection)


def run(config: Config, selection: Selection, *, environment: str | None = None, notify: Notify = ignore) -> RunResult:
    """Carry out everything that is due, or what was asked for, and record it.

    Raises SourceUnreachable and SourceRefused where no table could be read at all, ConflictError where another run is
    writing; a table's own trouble is part of the result.
    """
    opened = opened_for_writing(config, environment, notify, accepts_gaps=selection.accepts_gaps)
    with clear_errors(), opened as context:
        return _run(context, selection)


def reconcile(
    config: Config,
    tables: Sequence[str],
    *,
    is_deep: bool = False,
    environment: str | None = None,
    notify: Notify = ignore,
) -> list[Difference]:
    """Compare the loaded tables with the API: counts by one request each, or every id and hash by a sweep."""
    with opened_for_writing(config, environment, notify) as context:
        resume(context)
        histories = read_histories(context.lake, context.connection)
        loaded = [name for name in tables if histories.get(name, History()).last_full()]
        enter(context.lake, loaded, run=context.run)

        async def compared() -> list[Difference]:
            async with open_source(config, signer(config)) as source:
                found = []
                for name in loaded:
                    resource = context.catalogue.resource(name)
                    if is_deep:
                        found.append(await sweep(context, source, resource))
                    else:
                        found.append(await count(context, source, resource, histories[name]))
                return found

        return asyncio.run(compared())


def _run(context: Context, selection: Selection) -> RunResult:
    started = monotonic()
    resume(context)  # before anything is read: it may void batches
    histories = read_histories(context.lake, context.connection)
    steps = plan(context.config, context.catalogue, histories, context.clock, selection)
    enter(context.lake, [step.table for step in steps], run=context.run)
    reading = asyncio.Semaphore(context.config.settings.table_concurrency)
    try:
        _record_gaps(context, steps, histories)
        small, large = asyncio.Semaphore(SMALL_TABLES_AT_ONCE), asyncio.Semaphore(1)
        work = _Work(context, histories, reading, small, large, "if affected" if selection.recasts else "if changed")
        results = asyncio.run(_carry_out(work, steps))
    except PlanlakeError as error:
        _record(context, [], outcome="failed", message=error.message, seconds=monotonic() - started)
        raise
    published = _publish(context, results)
    cadences = {step.table: step.cadence for step in steps}
    results = [_with_expectations(context, result, cadences[result.table], published) for result in results]
    outcome = "finished" if any(result.outcome != "up to date" for result in results) else "nothing to do"
    _record(context, results, outcome=outcome, message="", seconds=monotonic() - started)
    remarks = (kept_house(context), compared_weekly(context))
    return RunResult(context.run, context.clock.today(), tuple(results), monotonic() - started, *remarks)


@dataclass(frozen=True, slots=True)
class _Work:
    """What the tasks of one run share."""

    context: Context
    histories: dict[str, History]
    reading: asyncio.Semaphore
    refining_small: asyncio.Semaphore
    refining_large: asyncio.Semaphore
    anew_when: Asked

    def refining(self, read: IngestResult | None) -> asyncio.Semaphore:
        """A place for refining what was read: large tables take turns, so that memory stays bounded."""
        is_small = read is not None and read.bytes <= SMALL_BYTES
        return self.refining_small if is_small else self.refining_large


async def _carry_out(work: _Work, steps: Sequence[Step]) -> list[TableResult]:
    by_table: dict[str, list[Step]] = {}
    for step in steps:
        by_table.setdefault(step.table, []).append(step)
    if not any(step.windows for step in steps):
        return [await _table(work, None, table_steps) for table_steps in by_table.values()]
    config = work.context.config
    async with open_source(config, signer(config)) as source:
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
    except PlanlakeError as error:
        result = TableResult(table, "failed", str(error))
    except OSError as error:  # a full disk, a read-only folder
        result = TableResult(table, "failed", f"the lake cannot be written: {error}")
    except Exception as error:
        if "PLANLAKE_DEBUG" in os.environ:
            raise
        is_personal = bool(work.context.catalogue.resource(table).personal)  # a library's message may hold a value
        reason = "no message" if is_personal or not str(error) else str(error).splitlines()[0]
        result = TableResult(table, "failed", f"internal error: {type(error).__name__}: {reason}")
    return replace(result, gaps=steps[0].gaps, new_gaps=steps[0].new_gaps, seconds=monotonic() - started)


async def _steps_of(work: _Work, source: Source | None, steps: Sequence[Step]) -> TableResult:
    context, table = work.context, steps[0].table
    resource = context.catalogue.resource(table)
    history = work.histories.get(table, History())
    read: IngestResult | None = None
    first = steps[0]
    if source is not None and first.step == "ingest" and first.windows:
        async with work.reading:
            read = await ingest(context, source, resource, _readings(context, first, resource, history), history)
        if read.open:
            window, reason = read.open[0]
            message = f"{len(read.open)} of {len(first.windows)} windows open, first {window}: {reason}"
            return TableResult(table, "open", message, read)
    is_loaded = history.last_full() is not None if read is None else True
    if read is None and history.has_open_window:
        return TableResult(table, "open", "a window is open: it must be read to its end before it is refined")
    names = {step.step for step in steps}
    refined: RefineResult | None = None
    taken: SnapshotResult | None = None
    async with work.refining(read):
        if "refine" in names and is_loaded:
            refined = await asyncio.to_thread(refine, context, resource, anew_when=work.anew_when)
        if "snapshot" in names and is_loaded and not held(refined.checks if refined else ()):
            taken = await asyncio.to_thread(snapshot, context, resource)
    if source is not None and _is_to_be_counted(context, first, resource, history):
        await count(context, source, resource, history)
    checks = (*(refined.checks if refined else ()), *(taken.checks if taken else ()))
    if held(checks):
        message = "; ".join(result.message for result in held(checks))
        return TableResult(table, "held", message, read, refined, taken, checks=checks)
    changed = (refined is not None and refined.rows > 0) or (taken is not None and taken.changed > 0)
    brought = read is not None and (read.closed or read.unproven or read.gap_pages)
    outcome: Outcome = "loaded" if changed else "unchanged" if brought else "up to date"
    return TableResult(table, outcome, _message(first, read, refined), read, refined, taken, checks=checks)


def _is_to_be_counted(context: Context, step: Step, resource: Resource, history: History) -> bool:
    """Whether a table read by days was neither counted nor read in full for a week (setting)."""
    last = history.last_full()
    if last is None or step.cadence == "weekly" or not resource.changed or not step.windows:
        return False
    newest = max(last.started_at, history.last_count.counted_at if history.last_count else last.started_at)
    return naive_utc(context.clock.now()) - newest >= timedelta(days=context.config.settings.count_every_days)


def _readings(context: Context, step: Step, resource: Resource, history: History) -> list[Reading]:
    """What to read, continuing where an earlier run stopped."""
    started_at, per_page = naive_utc(context.clock.now()), context.catalogue.page_size
    fresh = [reading_of(window, resource, history, started_at, per_page=per_page) for window in step.windows]
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
    if read and read.held_back:
        parts.append(f"{read.held_back} deletions held back")
    if read and read.gap_pages:
        parts.append(f"{len(read.gap_pages)} pages given up")
    if read and read.unproven:
        window, _, reason = read.unproven[0]
        parts.append(f"{window} not proven: {reason}")
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
                "batch": histories.get(step.table, History()).last_batch,
                "event": GAP,
                "error": reason,
                "requested_at": naive_utc(context.clock.now()),
            }
            rows = [{**common, "request_id": next(context.request_ids), "window": str(day)} for day in step.new_gaps]
            context.arrivals.land(step.table, nothing, rows)


def _with_expectations(
    context: Context, result: TableResult, cadence: Cadence, published: Mapping[str, str]
) -> TableResult:
    """The result with what is only told of a table: checked when all tables are done, kept like the other checks."""
    if result.outcome == "up to date":
        return result
    found = list(freshness(cadence, published.get(result.table, ""), context.clock.today()))
    if result.outcome == "loaded" and result.refine is not None and result.refine.rows:
        found += expectations(context, context.catalogue.resource(result.table), result.refine)
    return replace(result, checks=(*result.checks, *found))


def _publish(context: Context, results: Sequence[TableResult]) -> dict[str, str]:
    """Record the snapshot date of every table that was read and brought up to date in this run; the dates now.

    And of those that a run brought up to date that was killed before it could say so.
    """
    today = f"{context.clock.today():%Y%m%d}"
    before = last_published(context.lake, context.connection)
    rows: list[dict[str, Any]] = []
    for result in results:
        taken = result.snapshot
        if taken is None or result.outcome not in ("loaded", "unchanged", "up to date"):
            continue
        date, batch = before.get(result.table, ("", 0))
        is_told = result.outcome == "up to date" or (result.outcome == "unchanged" and date == today)
        if is_told and taken.batch <= batch:
            continue
        rows.append(
            {
                "resource": result.table,
                "snapshot_date": today,
                "run": context.run,
                "batch": taken.batch,
                "snapshot_id": taken.snapshot_id,
                "rows": taken.rows,
                "published_at": naive_utc(context.clock.now()),
            }
        )
    append_operations(context.lake, "published", rows)
    return {name: day for name, (day, _) in before.items()} | {row["resource"]: row["snapshot_date"] for row in rows}


def _record(context: Context, results: Sequence[TableResult], *, outcome: str, message: str, seconds: float) -> None:
    """Write the run into `runs`: a row for the run as a whole, and one for every table that something was done to."""
    common = run_row(context)
    rows = [{**common, "outcome": outcome, "message": message, "seconds": seconds}]
    rows += [{**common, **_table_row(result)} for result in results if result.outcome != "up to date"]
    append_operations(context.lake, "checks", _check_rows(context, results))
    drift = [row for one in results if one.refine for row in drift_rows(context, one.table, one.refine.drift)]
    append_operations(context.lake, "drift", drift)
    append_operations(context.lake, "runs", rows)


def _check_rows(context: Context, results: Sequence[TableResult]) -> Iterator[dict[str, object]]:
    for result in results:
        batch = result.ingest.batch if result.ingest else result.refine.batch if result.refine else None
        common = {"run": context.run, "resource": result.table, "batch": batch}
        for check in result.checks:
            yield as_row(check, {**common, "checked_at": naive_utc(context.clock.now())})


def _table_row(result: TableResult) -> dict[str, Any]:
    read, refined, taken = result.ingest, result.refine, result.snapshot
    return {
        "resource": result.table,
        "outcome": result.outcome,
        "message": result.message,
        "seconds": result.seconds,
        "gap_days": len(result.gaps),
        "requests": read.requests if read else None,
        "records": read.records if read else None,
        "stored": read.stored if read else None,
        "batch": read.batch if read else None,
        "refined": refined.rows if refined else None,
        "uncastable": refined.uncastable if refined else None,
        "rejected": refined.rejected if refined else None,
        "current_rows": taken.rows if taken else None,
        "bytes": read.bytes if read else None,
        "snapshot_before": taken.snapshot_before if taken else None,
        "snapshot_after": taken.snapshot_id if taken else None,
    }
