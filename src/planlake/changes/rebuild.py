"""Builds refined tables again, from raw or from all versions received, without asking the API.

A table that its gate holds stays as it was; `planlake undo` takes a rebuild back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from time import monotonic
from typing import Literal

import duckdb
from pyiceberg.table import Table

from planlake.changes.compare_versions import Version, compare_versions
from planlake.changes.restore_findings import find_again, log_not_restored
from planlake.changes.rollback import finish_interrupted, loaded_tables
from planlake.checks.quality import blocking, reasons
from planlake.clock import naive_utc
from planlake.config import Config
from planlake.engines.duckdb.connection import Connection
from planlake.errors import LakeError
from planlake.flow.context import Context
from planlake.flow.open_run import open_for_writing
from planlake.flow.operations_records import record_command
from planlake.flow.refine.step import refine
from planlake.flow.results import TableResult, failed_result, step_end
from planlake.flow.snapshot.step import snapshot
from planlake.lake.lake import clear_errors
from planlake.lake.previews.own_tables import add_own_tables
from planlake.lake.repair.damage import EARLIER, damage_in
from planlake.lake.row_counts import live_row_count_of
from planlake.lake.state.journal import DONE, LEFT_ALONE, PLANNED, Entry, write_entries
from planlake.lake.state.ledger import History, read_histories
from planlake.lake.tables.data_files import data_files, row_count
from planlake.lake.tables.set_back import discard_action_versions, tag_left_version
from planlake.lake.tables.version_summary import bookmark, rebuilt_by
from planlake.sources.catalogue import Resource
from planlake.telemetry.progress import Notify, ignore
from planlake.telemetry.reporter import report_step

Origin = Literal["raw", "increments"]
ORIGINS: tuple[Origin, ...] = ("raw", "increments")


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild did to one table: rows before and after, and how many ids came, went or have other contents.

    What compares with before is None where that could not be read: the table was damaged. `trouble` says why the table
    is as it was.
    """

    table: str
    rows_before: int | None
    rows_after: int
    added: int | None = 0
    removed: int | None = 0
    changed: int | None = 0
    trouble: str = ""


def rebuild(
    config: Config,
    tables: Sequence[str],
    *,
    origin: Origin = "raw",
    environment: str | None = None,
    notify: Notify = ignore,
) -> list[Rebuilt]:
    """Rebuild tables (all loaded ones where none is named); what fails its gate stays as it was and is named.

    Raises ConflictError where a run is writing.
    """
    with clear_errors(), open_for_writing(config, environment, notify) as context:
        finish_interrupted(context)
        names = [context.catalogue.resource(name).name for name in tables] or loaded_tables(context)
        add_own_tables(context.lake, names, run=context.run)
        histories = read_histories(context.lake, context.connection)
        troubles = {name: trouble for name in names if (trouble := _trouble(context, name, histories))}
        entries = [_entry(context, name) for name in names if name not in troubles]
        write_entries(context.lake, entries, PLANNED, naive_utc(context.clock.now()))
        done = [_rebuild_table(context, entry, origin) for entry in entries]
        results, found = [result for result, _ in done], [one for _, one in done]
        _close(context, entries, results)
        outcome = "rebuilt" if any(result.outcome == "rebuilt" for result in results) else "nothing rebuilt"
        record_command(context, outcome, f"from {origin}", [], results=results)
        return [*found, *(Rebuilt(name, 0, 0, trouble=trouble) for name, trouble in troubles.items())]


@dataclass(frozen=True, slots=True)
class TableToReset:
    """A table that a reset would rebuild, and how many rows its view shows."""

    table: str
    rows: int


def plan_reset(config: Config, tables: Sequence[str], *, environment: str | None = None) -> list[TableToReset]:
    """What a reset of these tables (all loaded ones where none is named) would rebuild; no table is changed.

    Raises ConflictError where a run is writing.
    """
    with clear_errors(), open_for_writing(config, environment, ignore) as context:
        names = [context.catalogue.resource(name).name for name in tables] or loaded_tables(context)
        held = {name: context.lake.shown("refined", f"current_{name}") for name in names}
        return [TableToReset(name, _live_count(context.connection, table)) for name, table in held.items()]


def _live_count(connection: Connection, table: Table | None) -> int:
    """How many rows a table shows; of one that cannot be read, how many it should have."""
    try:
        return live_row_count_of(connection, table)
    except (duckdb.Error, LakeError):
        return row_count(table) if table is not None else 0


def _trouble(context: Context, name: str, histories: Mapping[str, History]) -> str:
    """Why a table cannot be rebuilt; empty where it can."""
    increment = context.lake.find("refined", f"increment_{name}")
    if (increment is None or increment.current_snapshot() is None) and name not in histories:
        return "it is not loaded yet"
    is_open = name in histories and histories[name].has_open_window
    return "a window is open; planlake run completes it" if is_open else ""


def _entry(context: Context, name: str) -> Entry:
    """The table as it is before, for the journal; its versions are kept so that the rebuild can be taken back."""
    versions: list[int | None] = []
    batch = 0
    for kind in ("increment", "current"):
        table = context.lake.find("refined", f"{kind}_{name}")
        if table is not None:
            batch = max(batch, bookmark(table))
            with context.lake.commits:
                tag_left_version(table, action=context.run, today=context.clock.today())
        versions.append(table.metadata.current_snapshot_id if table is not None else None)
    increment, current = versions
    return Entry(
        context.run, "rebuild", name, increment_from=increment, current_from=current, batch_from=batch, batch_to=batch
    )


def _rebuild_table(context: Context, entry: Entry, origin: Origin) -> tuple[TableResult, Rebuilt]:
    """Rebuild one table; it is as it was where a step fails or a gate holds it."""
    resource, started = context.catalogue.resource(entry.resource), monotonic()
    before = _version(context, resource)
    try:
        steps = _steps(context, resource, origin)
        after = _version(context, resource) or Version()
        found = compare_versions(context.connection, resource, before=before or Version(), after=after)
    except Exception as error:
        steps = failed_result(resource, error)
    steps = replace(steps, seconds=monotonic() - started)
    if steps.outcome != "rebuilt":
        _set_back(context, entry)
        return steps, Rebuilt(resource.name, 0, 0, trouble=steps.message)
    if before is None:
        return steps, Rebuilt(resource.name, None, found.after, None, None, None)
    return steps, Rebuilt(resource.name, found.before, found.after, found.added, found.removed, found.changed)


def _steps(context: Context, resource: Resource, origin: Origin) -> TableResult:
    """Both steps, for all rows; the second is not taken where the gate holds the first."""
    refined, taken = None, None
    if origin == "raw":
        with report_step(context.reporter, resource.name, "refine") as step:
            refined = refine(context, resource, rebuild="always")
            step.end = step_end(refined)
    if refined is None or not blocking(refined.checks):
        with report_step(context.reporter, resource.name, "snapshot") as step:
            taken = snapshot(context, resource, rewrites_all=True)
            step.end = step_end(taken)
    done = TableResult(resource.name, "rebuilt", refine=refined, snapshot=taken)
    held = reasons(done.checks)
    return replace(done, outcome="held", message=held) if held else done


def _set_back(context: Context, entry: Entry) -> None:
    """Show the versions again that were there before, their findings first: the first step may have been committed.

    A kill in between leaves the new version shown, as any kill of a rebuild may, and `finish_interrupted`
    finds that one's again.
    """
    increment = context.lake.find("refined", f"increment_{entry.resource}")
    if increment is not None and entry.increment_from is not None and rebuilt_by(increment) == str(entry.action):
        try:
            find_again(context, context.catalogue.resource(entry.resource), entry.increment_from, above=0)
        except Exception as error:
            log_not_restored(context, entry.resource, error)
    for kind, version in (("increment", entry.increment_from), ("current", entry.current_from)):
        table = context.lake.find("refined", f"{kind}_{entry.resource}")
        if table is not None and version is not None:
            with context.lake.commits:
                discard_action_versions(table, version, action=entry.action)


def _close(context: Context, entries: Sequence[Entry], results: Sequence[TableResult]) -> None:
    """Write into the journal what was done; tables that are as they were are no part of what can be taken back."""
    done = {result.table for result in results if result.outcome == "rebuilt"}
    for state, is_done in ((LEFT_ALONE, False), (DONE, True)):
        chosen = [entry for entry in entries if (entry.resource in done) == is_done]
        write_entries(context.lake, chosen, state, naive_utc(context.clock.now()))


def _version(context: Context, resource: Resource) -> Version | None:
    """The version that is shown now; None where it cannot be read."""
    table = context.lake.find("refined", f"current_{resource.name}")
    if table is None:
        return Version()
    damage = damage_in(context.lake, "refined", table.name()[-1])
    if damage is not None and damage.what != EARLIER:  # a rebuild leaves versions before it as damaged as they were
        return None
    return Version(data_files(table), table.schema())
