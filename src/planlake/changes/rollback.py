"""Sets tables back to how they were on a day or after a run, and takes the last action back.

Data and bookmark go together. What is to be done is planned first, so that it can be shown; then written into the
journal, carried out, and noted as done. `refined` leaves raw alone: the next run applies the same records again. `all`
also voids the batches since, so that their windows are open again and the next run asks the API.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal

from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot

from planlake.changes import promote
from planlake.changes.restore_findings import keep_findings_of_rebuild, resource_of, restore_findings
from planlake.clock import naive_utc
from planlake.config import Config
from planlake.engines.duckdb.reading import rows_sql
from planlake.engines.sql import identifier, literal
from planlake.errors import ConfigurationError, ConflictError
from planlake.flow.context import Context
from planlake.flow.open_run import open_for_writing
from planlake.flow.operations_records import record_command
from planlake.flow.snapshot.step import snapshot
from planlake.lake.built_in_tables import built_in_rows_sql
from planlake.lake.lake import Lake, clear_errors
from planlake.lake.previews.entered import check_entered, reload_preview
from planlake.lake.state.journal import (
    DONE,
    PLANNED,
    PROMOTED,
    Entry,
    described,
    is_voiding,
    last_action,
    unfinished,
    write_entries,
)
from planlake.lake.state.landing import Arrivals
from planlake.lake.state.ledger import (
    REQUEST_EVENTS,
    RESTORED,
    VOIDED,
    read_histories,
    voided_batches,
    without_voided_sql,
)
from planlake.lake.tables.data_files import data_files
from planlake.lake.tables.set_back import cut_back_to_batch, put_aside_after, restore_version
from planlake.lake.tables.version_summary import batch_of, bookmark, rebuilt_by, rows_of
from planlake.lake.tables.versions import (
    is_kept,
    left_behind,
    made_by,
    run_date_of,
    still_published,
    version_of_day,
    version_of_run,
    versions,
)
from planlake.sources.catalogue import Resource
from planlake.telemetry.progress import ignore

Zone = Literal["refined", "all"]
ZONES: tuple[Zone, ...] = ("refined", "all")
RollbackTarget = date | int | Literal["last-good"]  # a day, a run, or the version before the one that is shown


@dataclass(frozen=True, slots=True)
class RollbackPlan:
    """What an action does to one table: rows and days before and after, batches and versions that are undone.

    `is_kept` says whether the version to go to is still there; otherwise it is worked out from the versions received.
    """

    resource: str
    rows_from: int
    rows_to: int
    day_from: str
    day_to: str
    batches: tuple[int, ...]
    versions: int
    is_kept: bool
    entry: Entry


Confirm = Callable[[Sequence["RollbackPlan"]], bool]


def rollback(
    config: Config,
    tables: Sequence[str],
    target: RollbackTarget,
    *,
    zone: Zone = "refined",
    confirm: Confirm | None,
    environment: str | None = None,
) -> list[RollbackPlan]:
    """Set tables (all loaded ones where none is named) back to a day, a run or the version before the last.

    Nothing is done where `confirm` refuses what it is shown; None is a dry run. Raises ConflictError where a run is
    writing, and in a dry run where an action was killed half way.
    """
    is_dry_run = confirm is None
    way_back = target if zone == "all" and not tables else None
    opened = open_for_writing(config, environment, ignore, is_dry_run=is_dry_run, way_back_to=way_back)
    with clear_errors(), opened as context:
        finish_or_refuse_interrupted(context, is_dry_run=is_dry_run)
        named = [context.catalogue.resource(name).name for name in tables]
        check_entered(context.lake, named)
        names = named or loaded_tables(context, is_begun=zone == "all")
        found = plan_rollback(context, names, target, zone=zone)
        if found and confirm is not None and confirm(found):
            _carry_out(context, [one.entry for one in found])
            before = {one.resource: one.entry.current_from for one in found}
            record_command(context, "rolled back", f"to {target}, zone {zone}", list(before), before=before)
        return found


def undo(
    config: Config, *, confirm: Callable[[Sequence[Entry]], bool] | None, environment: str | None = None
) -> list[Entry]:
    """Take back the last rollback, rebuild or promotion; a ConfigurationError where there is none.

    Without `confirm` it is a dry run, which raises ConflictError where an action was killed half way.
    """
    is_dry_run = confirm is None
    with clear_errors(), open_for_writing(config, environment, ignore, is_dry_run=is_dry_run) as context:
        finish_or_refuse_interrupted(context, is_dry_run=is_dry_run)
        found = plan_undo(context)
        if confirm is not None and confirm(found):
            _carry_out(context, found)
            message = f"{described(found[0])} taken back (run {found[0].undoes})"
            before = {one.resource: one.current_from for one in found}
            record_command(context, "undone", message, list(before), before=before)
        return found


def loaded_tables(context: Context, *, is_begun: bool = False) -> list[str]:
    """Every resource that has a refined table, in a preview one of its own; or whose first load `is_begun`.

    Those the catalogue no longer knows are left alone.
    """
    names = [name.removeprefix("increment_") for name in context.lake.names("refined") if name.startswith("increment_")]
    if is_begun:
        names = sorted({*names, *read_histories(context.lake, context.connection)})
    is_preview, own = context.lake.base is not None, context.lake.own
    return [name for name in names if name in context.catalogue.resources and (name in own or not is_preview)]


def plan_rollback(context: Context, tables: Sequence[str], target: RollbackTarget, *, zone: Zone) -> list[RollbackPlan]:
    """What a rollback of these tables would do; tables that are as they were then are left out."""
    histories = read_histories(context.lake, context.connection)
    found = []
    for name in tables:
        last = histories[name].last_batch if name in histories else 0
        one = _plan(context, context.catalogue.resource(name), target, zone=zone, last_batch=last)
        if one is not None:
            found.append(one)
    return found


def plan_undo(context: Context) -> list[Entry]:
    """What taking back the last action would do; a ConfigurationError where there is none."""
    last = last_action(context.lake, context.connection)
    if not last:
        raise ConfigurationError("there is nothing to take back", state="No table was changed")
    found = [_reversed(context, entry) for entry in last]
    gone = [entry.resource for entry in found if not _is_reachable(context, entry)]
    if gone:
        facts = {"tables": ", ".join(gone[:5]), "kept": f"{context.config.settings.keep_days} days"}
        state, hint = "No table was changed", "planlake rollback can go to any day"
        raise ConfigurationError("the earlier versions are no longer kept", facts=facts, state=state, hint=hint)
    return found


def _is_reachable(context: Context, entry: Entry) -> bool:
    if context.lake.base is not None and entry.resource not in context.lake.own:
        return False
    places = (("increment", entry.increment_to), ("current", entry.current_to))
    tables = [(context.lake.find("refined", f"{kind}_{entry.resource}"), version) for kind, version in places]
    return all(table is None or is_kept(table, version) for table, version in tables)


def finish_or_refuse_interrupted(context: Context, *, is_dry_run: bool) -> None:
    """Finish what a killed action left half done before another one is begun.

    A dry run changes nothing: it raises ConflictError there, as what it would show is of tables that are half done. A
    rebuild that was killed stands in no way: every table of it is as it was or as it will be.
    """
    if not is_dry_run:
        finish_interrupted(context)
        return
    entries = unfinished(context.lake, context.connection)
    if context.lake.base is not None and _is_promoted(context, context.lake.base):
        entries = unfinished(context.lake.base, context.connection)
    if entries and entries[0].kind != "rebuild":
        what = "undo of a " if entries[0].kind == "undo" else ""
        facts = {"tables": ", ".join(sorted(one.resource for one in entries)[:5])}
        state = "Nothing was changed; the next command that writes finishes it first"
        message = f"{what}{described(entries[0])} was killed half way"
        raise ConflictError(message, facts=facts, state=state, hint="planlake maintain")


def finish_interrupted(context: Context) -> list[str]:
    """Finish what a killed action left half done; the tables it had planned.

    In a preview that is first its own promotion: what is tried there from now on is no part of it.
    """
    if context.lake.base is not None and _is_promoted(context, context.lake.base):
        finish_interrupted(replace(context, lake=context.lake.base, arrivals=Arrivals(context.lake.base)))
        reload_preview(context.lake)
    entries = unfinished(context.lake, context.connection)
    if entries and entries[0].kind == "rebuild":  # a run finishes it by itself: the tables say who built them
        for entry in entries:
            keep_findings_of_rebuild(context, entry)
        write_entries(context.lake, entries, DONE, naive_utc(context.clock.now()))
    elif entries and entries[0].kind == "promote":
        promote.apply_promotion(context, entries)
    elif entries:
        _apply(context, entries)
    return [entry.resource for entry in entries]


def _is_promoted(context: Context, base: Lake) -> bool:
    planned = unfinished(base, context.connection)
    return any(one.zone == PROMOTED and one.target == context.lake.preview for one in planned)


def _plan(
    context: Context, resource: Resource, target: RollbackTarget, *, zone: Zone, last_batch: int
) -> RollbackPlan | None:
    increment = context.lake.find("refined", f"increment_{resource.name}")
    current = context.lake.find("refined", f"current_{resource.name}")
    if increment is None or increment.current_snapshot() is None:
        return _plan_of_begun(context, resource, target) if zone == "all" else None
    to_increment, to_current, batch = _versions_at(
        context, resource, increment=increment, current=current, target=target
    )
    now, shown = increment.current_snapshot(), current.current_snapshot() if current is not None else None
    voided = voided_batches(context.lake, context.connection, resource.name) if zone == "all" else set()
    undone = tuple(one for one in range(batch + 1, last_batch + 1) if one not in voided) if zone == "all" else ()
    is_there = to_increment is not None and to_increment == now and to_current == shown
    if is_there and not undone:
        return None
    entry = Entry(
        context.run,
        "rollback",
        resource.name,
        target=str(target),
        zone=zone,
        increment_from=_id(now),
        increment_to=_id(to_increment),
        current_from=_id(shown),
        current_to=_id(to_current),
        batch_from=bookmark(increment),
        batch_to=batch,
        voided=undone,
    )
    return RollbackPlan(
        resource.name,
        rows_of(shown),
        rows_of(to_current) if to_current is not None else _rows_until(context, resource, increment, batch),
        run_date_of(shown),
        run_date_of(to_current) if to_current is not None else str(target) if batch else "",
        undone or tuple(range(batch + 1, bookmark(increment) + 1)),
        len(left_behind(current, to_current, batch)) if current is not None else 0,
        to_increment is not None,
        entry,
    )


def _plan_of_begun(context: Context, resource: Resource, target: RollbackTarget) -> RollbackPlan | None:
    """Of a table whose first load never ended: its batches since the target."""
    since = {int: f"run > {target}", date: f"requested_at::date > {literal(str(target))}::date"}.get(type(target))
    if since is None:
        return None
    columns = ("resource", "batch", "run", "event", "requested_at", "request_id")
    ledger = built_in_rows_sql(context.lake, "raw", "api_requests", columns=columns)
    query = f"""select distinct batch from ({without_voided_sql(ledger)})
                where resource = {literal(resource.name)} and event in {REQUEST_EVENTS} and {since} order by batch"""
    batches = tuple(int(batch) for (batch,) in context.connection.execute(query).fetchall())
    if not batches:
        return None
    entry = Entry(context.run, "rollback", resource.name, target=str(target), zone="all", voided=batches)
    return RollbackPlan(resource.name, 0, 0, "", "", batches, 0, is_kept=True, entry=entry)


def _id(version: Snapshot | None) -> int | None:
    return version.snapshot_id if version is not None else None


def _versions_at(
    context: Context, resource: Resource, *, increment: Table, current: Table | None, target: RollbackTarget
) -> tuple[Snapshot | None, Snapshot | None, int]:
    """The versions of both tables at the target, and the bookmark they have; no versions where they are not kept."""
    place = _run_before(current) if isinstance(target, str) else target
    chosen = _chosen(increment, place), _chosen(current, place) if current is not None else None
    published = _published_batch(context, resource, current, place)
    published = None if published is None else min(published, bookmark(increment))
    if chosen[0] is None or chosen[1] is None or (published is not None and batch_of(chosen[1]) < published):
        return None, None, published or 0
    return chosen[0], chosen[1], batch_of(chosen[0])


def _chosen(table: Table, target: date | int) -> Snapshot | None:
    return version_of_day(table, target) if isinstance(target, date) else version_of_run(table, target)


def _run_before(current: Table | None) -> int:
    """The run that made the version before the one that is shown; 0 where there is none."""
    now = current.current_snapshot() if current is not None else None
    if current is None or now is None:
        return 0
    return max((made_by(one) for one in versions(current) if made_by(one) < made_by(now)), default=0)


def _published_batch(context: Context, resource: Resource, current: Table | None, target: date | int) -> int | None:
    """The bookmark of what was published at the target and not undone since, by the record of what was published."""
    until = f"snapshot_date <= '{target:%Y%m%d}'" if isinstance(target, date) else f"run <= {target}"
    query = f"""select batch, run, snapshot_id from {built_in_rows_sql(context.lake, "operations", "published")}
                where resource = {literal(resource.name)} and {until} order by run desc"""
    rows = context.connection.execute(query).fetchall()
    counts = still_published(current, [(run, batch, version) for batch, run, version in rows])
    return next((int(batch) for (batch, *_), one in zip(rows, counts, strict=True) if one), None)


def _rows_until(context: Context, resource: Resource, increment: Table, batch: int) -> int:
    rows = rows_sql(data_files(increment), increment.schema(), columns=(resource.key, "batch"))
    query = f"select count(distinct {identifier(resource.key)}) from {rows} where batch <= {batch}"
    return int(context.connection.execute(query).fetchall()[0][0])


def _reversed(context: Context, entry: Entry) -> Entry:
    """The way back: to the versions the action left, using the batches it voided again."""
    increment = context.lake.find("refined", f"increment_{entry.resource}")
    current = context.lake.find("refined", f"current_{entry.resource}")
    return replace(
        entry,
        action=context.run,
        kind="undo",
        increment_from=_id(increment.current_snapshot() if increment is not None else None),
        current_from=_id(current.current_snapshot() if current is not None else None),
        increment_to=entry.increment_from,
        current_to=entry.current_from,
        batch_from=entry.batch_to,
        batch_to=entry.batch_from,
        undoes=entry.action,
    )


def _carry_out(context: Context, entries: Sequence[Entry]) -> None:
    write_entries(context.lake, entries, PLANNED, naive_utc(context.clock.now()))
    _apply(context, entries)


def _apply(context: Context, entries: Sequence[Entry]) -> None:
    """Batches first, so that nothing behind raw is made of them again, then table after table."""
    _mark_batches(context, entries)
    for entry in entries:
        with context.lake.commits:
            _set_tables(context, entry)
    write_entries(context.lake, entries, DONE, naive_utc(context.clock.now()))


def _mark_batches(context: Context, entries: Sequence[Entry]) -> None:
    """Void the batches of a rollback, or restore those an undo takes back; once, however often this is repeated."""
    found: dict[str, list[dict[str, Any]]] = {}
    now = naive_utc(context.clock.now())
    for entry in entries:
        event = VOIDED if is_voiding(entry) else RESTORED
        voided = voided_batches(context.lake, context.connection, entry.resource) if entry.voided else set()
        marked = [batch for batch in entry.voided if (batch in voided) == (event == RESTORED)]
        common = {"run": entry.action, "resource": entry.resource, "event": event, "window": "", "requested_at": now}
        found[entry.resource] = [{**common, "request_id": next(context.request_ids), "batch": one} for one in marked]
    context.arrivals.land_requests(found)


def _set_tables(context: Context, entry: Entry) -> None:
    today = context.clock.today()
    increment = context.lake.find("refined", f"increment_{entry.resource}")
    current = context.lake.find("refined", f"current_{entry.resource}")
    if increment is None or (entry.undoes and entry.increment_to is None and entry.zone != PROMOTED):
        return  # it was not there before, and the action did nothing to it
    if entry.increment_to is not None:
        for table, version in ((increment, entry.increment_to), (current, entry.current_to)):
            if table is not None and version is not None:
                restore_version(table, version, action=entry.action, today=today, restored=entry.undoes)
        restore_findings(context, entry, increment)
        return
    restore_findings(context, entry, increment)
    if rebuilt_by(increment) != str(entry.action):
        cut_back_to_batch(context.connection, increment, entry.batch_to, action=entry.action, today=today)
    if current is not None and current.current_snapshot() is not None:
        put_aside_after(current, entry.batch_to, action=entry.action, today=today)
        snapshot(replace(context, run=entry.action), resource_of(context, entry), is_gated=False)
