"""Carries out a run: everything that is due, and a record of what happened to each table.

Tables are independent: one is refined while the next is read, and one that fails holds up no other.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from time import monotonic

from planlake.changes.maintain import tidy_after_run
from planlake.changes.rollback import finish_interrupted
from planlake.clock import naive_utc, read_clock
from planlake.config import Config
from planlake.engines.duckdb.connection import connected
from planlake.errors import PlanlakeError
from planlake.event_loop import run_to_end
from planlake.flow.context import Context
from planlake.flow.ingest.load_sample import drop_samples
from planlake.flow.ingest.raw_rows import raw_rows
from planlake.flow.keep_views import keep_views_after_run
from planlake.flow.open_run import engines_of, open_for_writing
from planlake.flow.operations_records import record_published, record_run
from planlake.flow.results import RunResult, TableResult
from planlake.flow.trust.step import MODELS, trust
from planlake.inspection.documentation import compare_weekly
from planlake.lake.lake import clear_errors
from planlake.lake.open_lake import open_to_read
from planlake.lake.previews.own_tables import add_own_tables
from planlake.lake.state.ledger import GAP, History, next_batch, read_histories
from planlake.runs.engine_choice import engines_used
from planlake.runs.expectations import expectations, findings_kept, freshness_check, remaining
from planlake.runs.plan import Selection, TablePlan, plan
from planlake.runs.table_run import TableRun, places, run_table
from planlake.sources.catalogue import Cadence, catalogue_of
from planlake.sources.http.client import Source
from planlake.sources.signing import opened_source
from planlake.telemetry.log import Level, Log, say
from planlake.telemetry.progress import Notify, Progress, ignore
from planlake.telemetry.reporter import Reporter, reason_of


def table_plans(config: Config, selection: Selection, *, environment: str | None = None) -> list[TablePlan]:
    """The stages of each table that a run would carry out now."""
    catalogue = catalogue_of(config)
    with connected(config.settings.memory_limit_megabytes) as connection:
        lake = open_to_read(config, environment)
        return plan(config, catalogue, read_histories(lake, connection), clock=read_clock(), selection=selection)


def run(config: Config, selection: Selection, *, environment: str | None = None, notify: Notify = ignore) -> RunResult:
    """Carry out everything that is due, or what was asked for, and record it.

    Raises SourceUnreachable and SourceRefused where no table could be read at all, ConflictError where another run is
    writing; a table's own trouble is part of the result.
    """
    engines_of(config).check()
    with clear_errors(), open_for_writing(config, environment, notify) as context:
        deletions = selection.accepts_deletions
        chosen = replace(context, accepts_gaps=selection.accepts_gaps, accepts_deletions=deletions)
        return report_run(chosen.reporter, lambda: _run(chosen, selection))


def _run(context: Context, selection: Selection) -> RunResult:
    started = monotonic()
    finish_interrupted(context)  # before anything is read: it may void batches
    histories, plans = _plan(context, selection)
    add_own_tables(context.lake, [plan.table for plan in plans], run=context.run)
    try:
        results = run_to_end(_carry_out(context, plans, histories))
        _record_gaps(context, plans, histories)  # once the API has answered: a refused clock may be years ahead
    except PlanlakeError as error:
        record_run(context, [], outcome="failed", message=error.message, seconds=monotonic() - started)
        raise
    published = record_published(context, results)
    cadences = {plan.table: plan.cadence for plan in plans}
    known = _Known(published, findings_kept(context))
    results = [_with_expectations(context, result, cadences[result.table], known) for result in results]
    context.followed.add(MODELS)
    models = trust(context) if selection.builds_models else ()
    done = RunResult(context.run, context.clock.today(), tuple(results), monotonic() - started, models=models)
    record_run(context, results, outcome=done.outcome, message="", seconds=done.seconds, models=models)
    done = replace(done, views=keep_views_after_run(context), housekeeping=tidy_after_run(context))
    news, engines = compare_weekly(context), engines_used(context.engines, results)
    return replace(done, seconds=monotonic() - started, documentation=news, engines=engines)


def _plan(context: Context, selection: Selection) -> tuple[dict[str, History], list[TablePlan]]:
    """What to do; samples of the tables to be read make way, and what is known of those is read once more."""
    histories = read_histories(context.lake, context.connection)
    plans = plan(context.config, context.catalogue, histories, clock=context.clock, selection=selection)
    if drop_samples(context, histories, [one.table for one in plans if one.ingest is not None]):
        return _plan(context, selection)
    return histories, plans


async def _carry_out(
    context: Context, plans: Sequence[TablePlan], histories: Mapping[str, History]
) -> list[TableResult]:
    """All tables at once, as far as there is a place for each; without the API where none of them asks it."""
    shared = places(context.config.settings.table_concurrency)

    numbers = count(1)

    async def done(plan: TablePlan, source: Source | None) -> TableResult:
        result = await run_table(TableRun(context, shared, source, plan, histories.get(plan.table, History())))
        context.notify(Progress("run", "tables", next(numbers), len(plans)))
        return result

    context.notify(Progress("run", "tables", 0, len(plans)))
    if not any(plan.asks_the_api for plan in plans):
        return [await done(plan, None) for plan in plans]
    async with opened_source(context.config, context.catalogue.dialect) as source:
        tasks = [asyncio.create_task(done(plan, source)) for plan in plans]
        try:
            return list(await asyncio.gather(*tasks))
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def _record_gaps(context: Context, plans: Sequence[TablePlan], histories: Mapping[str, History]) -> None:
    """Write days that now lie beyond the look-back cap into the ledger as gaps."""
    nothing = raw_rows("", 0, [])
    for one in plans:
        if one.ingest is not None and one.ingest.new_gaps:
            reason = f"beyond the look-back cap of {context.config.settings.look_back_days} days"
            common = {
                "run": context.run,
                "resource": one.table,
                "batch": next_batch(context.lake, one.table, histories.get(one.table, History())),
                "event": GAP,
                "error": reason,
                "requested_at": naive_utc(context.clock.now()),
            }
            rows = [
                {**common, "request_id": next(context.request_ids), "window": str(day)} for day in one.ingest.new_gaps
            ]
            context.arrivals.land(one.table, nothing, rows)


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
    found = list(freshness_check(cadence, known.published.get(result.table, ""), context.clock.today()))
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
        found = reporter.explain_error(error)
        _say_run(reporter.log, "error", "failed", started, message=reason_of(found, is_personal=True))
        if found is not error:
            raise found from error
        raise
    except BaseException:
        _say_run(reporter.log, "warning", "stopped", started)
        raise
    level: Level = "warning" if result.exit_code or result.housekeeping else "info"
    said = " ".join(filter(None, (result.views, result.housekeeping)))
    facts = {"tables": len(result.tables), "troubled": result.troubled, "message": said}
    _say_run(reporter.log, level, result.outcome, started, **facts)
    return result


def _say_run(log: Log, level: Level, outcome: str, started: float, **facts: object) -> None:
    say(log, level, "run ended", outcome=outcome, seconds=round(monotonic() - started, 3), **facts)
