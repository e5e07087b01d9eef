"""Housekeeping: expires old versions, merges small files, and deletes files that nothing refers to.

A run looks only after tables that have gathered enough; `planlake maintain` does everything at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from pyiceberg.table import Table

from planlake.changes.rollback import finish_interrupted
from planlake.clock import naive_utc
from planlake.config import Config, Settings
from planlake.errors import PlanlakeError
from planlake.flow.context import Context
from planlake.flow.open_run import open_for_writing
from planlake.flow.operations_records import record_command
from planlake.lake.lake import Lake, clear_errors
from planlake.lake.repair.damage import previews_of
from planlake.lake.repair.split_histories import check_histories
from planlake.lake.state.ledger_compaction import compact_ledger
from planlake.lake.tables.housekeeping import (
    SMALL_BYTES,
    Expirable,
    Freed,
    Retention,
    delete_orphans,
    expirable,
    expire_versions,
    merge_small_files,
)
from planlake.lake.tables.version_summary import figure
from planlake.telemetry.progress import Notify, Progress, ignore

ZONES = ("raw", "refined", "trusted", "operations")


@dataclass(frozen=True, slots=True)
class Maintained:
    """What housekeeping did to one table."""

    database: str
    table: str
    freed: Freed


def maintain(config: Config, *, environment: str | None = None, notify: Notify = ignore) -> list[Maintained]:
    """Look after every table: versions nobody keeps, small files, and files that nothing refers to.

    Raises ConflictError where a run is writing, LakeError where a preview is damaged or another history
    lies in the warehouse.
    """
    opened = open_for_writing(config, environment, notify, sweeps=True)
    with clear_errors(), opened as context:
        finish_interrupted(context)
        tables = [(zone, name) for zone in ZONES for name in context.lake.names(zone)]
        found, others = [], _others(context.lake)
        for number, (zone, name) in enumerate(tables, start=1):
            found.append(Maintained(context.lake.database(zone), name, _maintain_table(context, others, zone, name)))
            context.notify(Progress("the lake", "maintain", number, len(tables)))
        freed = sum((one.freed for one in found), Freed())
        done = f"{freed.snapshots} versions expired, {freed.merged} files merged, {freed.files} deleted"
        record_command(context, "maintained", f"{done}, {freed.bytes / 1e6:.1f} MB freed", [])
        return found


def _maintain_table(context: Context, lakes: Sequence[Lake], zone: str, name: str) -> Freed:
    table, now = context.lake.reload(zone, name), datetime.now(UTC)
    others = [found for lake in lakes if (found := lake.find(zone, name)) is not None]
    if context.lake.base is not None:
        return delete_orphans(table, now, others=others)
    old = expirable(table, context.clock.today(), _retention(context.config.settings))
    freed = _expire(context, table, old) + _merge(context, zone, table, at_least=2)
    context.lake.loaded[zone, name] = table
    return freed + delete_orphans(table, now, others=others)


def _others(lake: Lake) -> list[Lake]:
    """The environments whose tables may refer to files of this one's: previews, or what a preview stands on."""
    return previews_of(lake) if lake.base is None else [lake.base]


def tidy_after_run(context: Context) -> str:
    """Look after the tables at the end of a run; what goes wrong is returned, and changes nothing about the run."""
    try:
        tidy(context)
    except (OSError, PlanlakeError) as error:
        return f"maintenance after the run failed: {error}"
    return ""


def tidy(context: Context) -> None:
    """What pays inside a run: old windows of the ledger, tables with many versions or small files.

    A preview is left as it is: its files are partly its base's, and it goes as a whole.
    """
    settings = context.config.settings
    if context.lake.base is not None:
        return
    after_days = max(settings.compact_after_days, settings.look_back_days + 1)
    compact_ledger(context.lake, context.connection, naive_utc(context.clock.now()), after_days=after_days)
    tables = list(context.lake.loaded.items())
    olds = [expirable(table, context.clock.today(), _retention(settings)) for _, table in tables]
    due = [len(old.snapshots) >= settings.expire_after_versions for old in olds]
    if any(due):
        check_histories(context.lake)
    for ((zone, _), table), old, is_due in zip(tables, olds, due, strict=True):
        if is_due:
            _expire(context, table, old)
        if is_due or _has_small_files(table, settings):
            _merge(context, zone, table, at_least=settings.merge_after_files)


def _expire(context: Context, table: Table, old: Expirable) -> Freed:
    if not old.snapshots:
        return Freed()
    with context.lake.commits:
        return expire_versions(table, old, datetime.now(UTC))


def _merge(context: Context, zone: str, table: Table, *, at_least: int) -> Freed:
    is_by_range = zone == "refined" and table.spec().fields  # `current_`: a file a range, rewritten as it changes
    if is_by_range or zone == "trusted":  # which is replaced whole
        return Freed()
    with context.lake.commits:
        return merge_small_files(context.connection, table, at_least=at_least)


def _has_small_files(table: Table, settings: Settings) -> bool:
    """Whether a table without partitions has enough small files, by the totals of its own summary."""
    snapshot = table.current_snapshot()
    if table.spec().fields or snapshot is None:
        return False
    large = figure(snapshot, "total-files-size") // SMALL_BYTES
    return figure(snapshot, "total-data-files") - large >= settings.merge_after_files


def _retention(settings: Settings) -> Retention:
    return Retention(settings.keep_days, settings.keep_month_ends)
