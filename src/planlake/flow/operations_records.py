"""Writes what a command did to a lake into the tables `runs`, `checks`, `drift` and `published`."""

import hashlib
from asyncio import CancelledError
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from planlake.checks.quality import CheckResult, as_row, troubles
from planlake.clock import london_day, naive_utc
from planlake.config import Config
from planlake.errors import ConfigurationError, ConflictError, QualityError
from planlake.flow.context import Context
from planlake.flow.refine.result import Drift
from planlake.flow.results import TableResult
from planlake.flow.trust.result import TRUSTED, ModelResult
from planlake.lake.state.operations import append_operations, is_recorded, last_published, last_run, not_well
from planlake.lake.tables.data_files import row_count
from planlake.sources.catalogue import Resource
from planlake.telemetry.log import say
from planlake.telemetry.reporter import reason_of
from planlake.version import __version__

KILLED = "killed"
STEPS = {"rolled back": "rollback", "undone": "undo", "promoted": "promote", "forgotten": "forget", "tried": "try"}


def run_row(context: Context) -> dict[str, Any]:
    """The columns that every row of one run has."""
    return {
        "run": context.run,
        "started_at": naive_utc(context.clock.start),
        "ended_at": naive_utc(context.clock.now()),
        "run_date": f"{context.clock.today():%Y%m%d}",
        "configuration_hash": configuration_hash(context.config),
        "version": __version__,
    }


def record_command(
    context: Context,
    outcome: str,
    message: str,
    resources: Sequence[str],
    *,
    before: Mapping[str, int | None] | None = None,
    results: Sequence[TableResult] = (),
) -> None:
    """Write a command that is no run into `runs`, and tell it: a row for the whole, and one for each table it changed.

    `before` is the version of `current_` that each table had; `results` are there where the steps of a run were taken.
    """
    seconds = (context.clock.now() - context.clock.start).total_seconds()
    common = {**run_row(context), "outcome": outcome, "message": message}
    tables = [{**common, **_version(context, name, (before or {}).get(name))} for name in resources]
    of_steps = [{**common, **_table_row(one)} for one in results]
    _append_findings(context, results)
    append_operations(context.lake, "runs", [*_of_killed(context), {**common, "seconds": seconds}, *tables, *of_steps])
    for row in tables:
        told = {"table": row["resource"], "step": STEPS[outcome], "outcome": "done", "rows": row["current_rows"]}
        say(context.reporter.log, "info", "step ended", **told)
    named = [*resources, *(one.table for one in results)]
    facts = {**context.reporter.about, "seconds": round(seconds, 3), "message": message}
    say(context.reporter.log, "info", outcome, tables=named, **facts)


def _version(context: Context, resource: str, before: int | None) -> dict[str, Any]:
    """What a table's row says of its versions: the one before and the one now."""
    current = context.lake.find("refined", f"current_{resource}")
    now = current.current_snapshot() if current is not None else None
    rows = row_count(current) if current is not None else None
    after = now.snapshot_id if now is not None else None
    return {"resource": resource, "snapshot_before": before, "snapshot_after": after, "current_rows": rows}


def configuration_hash(config: Config) -> str:
    """Sixteen characters that change with the configuration; it holds references to the keys, never the keys.

    What is told of a run, and where, makes no difference.
    """
    said = config.model_dump_json(exclude={"folder": True, "lineage": True, "settings": {"log"}})
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def record_published(context: Context, results: Sequence[TableResult]) -> dict[str, str]:
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


def record_run(
    context: Context,
    results: Sequence[TableResult],
    *,
    outcome: str,
    message: str,
    seconds: float,
    models: Sequence[ModelResult] = (),
) -> None:
    """Write the run into `runs`: a row for the run as a whole, and one for every table that something was done to.

    A trusted table is called `trusted.` and its name there.
    """
    common = run_row(context)
    rows = [*_of_killed(context), {**common, "outcome": outcome, "message": message, "seconds": seconds}]
    troubled = (
        not_well(context.lake, context.connection) if results or models else set()
    )  # is over once it is up to date
    told = [one for one in results if one.outcome != "up to date" or one.table in troubled]
    rows += [{**common, **_table_row(result)} for result in told]
    rows += [
        {**common, **_model_row(one)}
        for one in models
        if one.outcome != "up to date" or f"{TRUSTED}{one.model}" in troubled
    ]
    _append_findings(context, results)
    append_operations(context.lake, "runs", rows)


def _of_killed(context: Context) -> Iterator[dict[str, Any]]:
    """Rows of earlier runs that could not say any more how they ended."""
    for one in context.unfinished:
        if one.preview == context.lake.preview:
            day = f"{london_day(one.started_at):%Y%m%d}" if one.started_at else None
            common = {"run": one.run, "started_at": one.started_at, "run_date": day}
            outcome, message = ("failed", one.broken) if one.broken else (KILLED, f"run {context.run} went on")
            yield {**common, "outcome": outcome, "message": message}


def record_broken_off(context: Context, error: BaseException) -> bool:
    """Write down that a command was broken off by an error or by Ctrl-C; whether nothing is left to be said of it.

    One that was refused before it did anything is no run. Of a lake that cannot be written nothing can be said.
    """
    lake, connection = context.lake, context.connection
    try:
        is_refused = isinstance(error, ConfigurationError | ConflictError | QualityError)
        if not is_recorded(lake, connection, context.run) and not (
            is_refused and last_run(lake, connection).run < context.run
        ):
            append_operations(lake, "runs", [*_of_killed(context), _broken_off(context, error)])
    except Exception:  # a full disk, most often: what is raised already says so
        return False
    return True


def _broken_off(context: Context, error: BaseException) -> dict[str, Any]:
    is_stopped = not isinstance(error, Exception) or isinstance(error, CancelledError)
    reason = "by Ctrl-C" if is_stopped else broken_by(error)
    seconds = (context.clock.now() - context.clock.start).total_seconds()
    outcome = "stopped" if is_stopped else "failed"
    return {**run_row(context), "outcome": outcome, "message": reason, "seconds": seconds}


def broken_by(error: BaseException) -> str:
    """What broke a command off, as it may be kept."""
    return reason_of(error, is_personal=True) if isinstance(error, Exception) else ""


def _append_findings(context: Context, results: Sequence[TableResult]) -> None:
    append_operations(context.lake, "checks", _check_rows(context, results))
    drift = [row for one in results if one.refine for row in drift_rows(context, one.table, one.refine.drift)]
    append_operations(context.lake, "drift", drift)


def _check_rows(context: Context, results: Sequence[TableResult]) -> Iterator[dict[str, object]]:
    """What was checked; what a gate found to be not well stands in `checks` already."""
    for result in results:
        batch = result.ingest.batch if result.ingest else result.refine.batch if result.refine else None
        common = {"run": context.run, "resource": result.table, "batch": batch}
        noted = troubles(result.gated)
        for check in (one for one in result.checks if one not in noted):
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


def _model_row(result: ModelResult) -> dict[str, Any]:
    return {
        "resource": f"{TRUSTED}{result.model}",
        "outcome": result.outcome,
        "message": result.message,
        "seconds": result.seconds,
        "current_rows": result.rows,
    }


def note_troubles(context: Context, resource: Resource, batch: int, checks: Iterable[CheckResult]) -> None:
    """Keep what a gate found to be not well, up to a batch, in `checks`: before the commit of what was checked."""
    common = {"run": context.run, "resource": resource.name, "batch": batch}
    rows = [as_row(check, {**common, "checked_at": naive_utc(context.clock.now())}) for check in troubles(checks)]
    append_operations(context.lake, "checks", rows)


def drift_rows(context: Context, resource: str, found: Collection[Drift]) -> Iterator[dict[str, object]]:
    """What was noticed as rows of `drift`."""
    for one in found:
        yield {
            "run": context.run,
            "resource": resource,
            "column": one.column,
            "what": one.what,
            "noticed_at": naive_utc(context.clock.now()),
        }
