"""Makes the tables of a preview those of the lake it stands on.

No data is copied or fetched: the files of the preview become files of the lake's tables, raw rows and ledger first, as
in a run. What was promoted leaves the preview, which then shows its base's again.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyiceberg.manifest import DataFile
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot

from planlake.checks.quality import CheckResult, reasons
from planlake.clock import naive_utc
from planlake.flow.context import Context
from planlake.flow.refine.store_findings import StoredResource, withheld_types
from planlake.flow.snapshot.gate import version_checks
from planlake.lake.lake import Lake
from planlake.lake.previews.entered import preview_of
from planlake.lake.previews.own_tables import (
    SHARED,
    drop_own_tables,
    files_of,
    own_files,
    pinned_version,
    register_copy,
    rows_of,
)
from planlake.lake.row_counts import live_row_count_of
from planlake.lake.state.journal import DONE, PLANNED, PROMOTED, Entry, write_entries
from planlake.lake.state.ledger import History, raw_files, raw_rows_sql, read_histories, voided_batches
from planlake.lake.state.operations import append_operations
from planlake.lake.tables.commits import commit
from planlake.lake.tables.data_files import data_files, highest, row_count
from planlake.lake.tables.set_back import tag_left_version
from planlake.lake.tables.version_summary import (
    BOOKMARK,
    bookmark,
    bookmark_properties,
    day_tag,
    entry,
    rebuilt_by,
    rebuilt_in,
)
from planlake.sources.catalogue import Resource

RAW = tuple(place for place in SHARED if place[0] == "raw")
FINDINGS = tuple(place for place in SHARED if place[0] == "operations")


@dataclass(frozen=True, slots=True)
class Promotion:
    """What promoting does to one table: rows of the view before and after, batches, files and bytes that come.

    `trouble` says why it is refused, `is_sample` that the preview holds no more than a sample.
    """

    table: str
    is_new: bool
    rows_from: int
    rows_to: int
    batches: int
    files: int
    bytes: int
    trouble: str
    is_sample: bool
    entry: Entry


def promotions(context: Context, preview: Lake, resources: Collection[str]) -> list[Promotion]:
    """What promoting these resources of a preview to the context's lake would do; nothing is changed."""
    bases, theirs = (read_histories(lake, context.connection) for lake in (context.lake, preview))
    return [
        _promotion(
            context, preview, context.catalogue.resource(name), base=bases.get(name, History()), own=theirs[name]
        )
        for name in resources
        if name in theirs
    ]


def _promotion(context: Context, preview: Lake, resource: Resource, *, base: History, own: History) -> Promotion:
    name = resource.name
    increment, current = (context.lake.find("refined", f"{kind}_{name}") for kind in ("increment", "current"))
    shown = preview.find("refined", f"current_{name}")
    files = changed_files(preview, name)
    batches = tuple(range(base.last_batch + 1, own.last_batch + 1))
    entry = Entry(
        context.run,
        "promote",
        name,
        target=preview.preview,
        zone=PROMOTED,
        increment_from=_version(increment),
        current_from=_version(current),
        batch_from=bookmark(increment),
        batch_to=bookmark(preview.find("refined", f"increment_{name}")),
        voided=batches,
    )
    return Promotion(
        name,
        increment is None,
        live_row_count_of(context.connection, current),
        live_row_count_of(context.connection, shown),
        len(batches),
        len(files),
        sum(file.file_size_in_bytes for file in files),
        _trouble(context, preview, resource, own=own, batches=batches),
        own.is_sampled,
        entry,
    )


def changed_files(preview: Lake, resource: str) -> list[DataFile]:
    """Files of a resource that a preview has and the versions it stands on have not."""
    places = (*SHARED, ("refined", f"increment_{resource}"), ("refined", f"current_{resource}"))
    return [file for zone, name in places for file in own_files(preview, zone, name, resource=resource)]


def _version(table: Table | None) -> int | None:
    return table.metadata.current_snapshot_id if table is not None else None


def _trouble(context: Context, preview: Lake, resource: Resource, *, own: History, batches: Collection[int]) -> str:
    """Why a table cannot be promoted; empty where it can."""
    if own.is_sampled:
        return "only a sample was loaded; a run in the preview loads all of it"
    if moved := changes_in_base(context.lake, preview, resource.name):
        return moved
    ours, theirs = (voided_batches(lake, context.connection, resource.name) for lake in (context.lake, preview))
    if (ours ^ theirs).difference(batches):
        return "the preview voided or restored batches of its base; planlake rollback does that in the base itself"
    if own.has_open_window:
        return "the preview has an open window, which must be completed first"
    if _is_behind(context, preview, resource):
        return "the preview's last version was held back or never made"
    return reasons(_checks(context, preview, resource))


def changes_in_base(base: Lake, preview: Lake, resource: str) -> str:
    """What changed in the base since a resource was entered; empty where nothing did."""
    ledger = base.find("raw", "api_requests")
    if ledger is not None:
        then = pinned_version(preview, ledger, resource)
        before = data_files(ledger, snapshot_id=then.snapshot_id) if then is not None else []
        known = highest(ledger, [file for file in before if file.partition[0] == resource], "request_id")
        if highest(ledger, files_of(ledger, ("raw", "api_requests"), resource), "request_id") > known:
            return "its base was read, rolled back or undone since"
    for kind in ("increment", "current"):
        table = base.find("refined", f"{kind}_{resource}")
        version = pinned_version(preview, table, resource)
        if table is None or table.current_snapshot() is None:
            continue
        if version is None or _state(version) != _state(table.current_snapshot()):
            return "its base was refined, rebuilt or set back since"
    return ""


def _state(version: Snapshot | None) -> tuple[str, str]:
    """What a version is made of: the last batch applied, and the run that rebuilt it."""
    return entry(version, BOOKMARK), rebuilt_in(version)


def _is_behind(context: Context, preview: Lake, resource: Resource) -> bool:
    increment, current = (preview.find("refined", f"{kind}_{resource.name}") for kind in ("increment", "current"))
    if increment is None or current is None:
        return True
    if withheld_types(StoredResource(preview, context.connection, resource.name), until=bookmark(increment)):
        return True
    if _state(increment.current_snapshot()) != _state(current.current_snapshot()):
        return True
    applied = bookmark(increment)
    files = raw_files(preview, resource.name, applied)
    if not files:
        return False
    rows = raw_rows_sql(preview, files, resource.name, applied, columns=("resource", "batch", "request_id"))
    with context.connection.cursor() as cursor:
        return bool(cursor.execute(f"select 1 from {rows} limit 1").fetchall())


def _checks(context: Context, preview: Lake, resource: Resource) -> Sequence[CheckResult]:
    current, shown = (lake.find("refined", f"current_{resource.name}") for lake in (context.lake, preview))
    if shown is None:
        return ()
    before = data_files(current) if current is not None else []
    return version_checks(context, resource, before=before, after=data_files(shown), schema=shown.schema())


def carry_out_promotion(context: Context, entries: Sequence[Entry]) -> None:
    """Promote what was planned; it can be repeated from any point."""
    write_entries(context.lake, entries, PLANNED, naive_utc(context.clock.now()))
    apply_promotion(context, entries)


def apply_promotion(context: Context, entries: Sequence[Entry]) -> None:
    """Promote raw rows, ledger and findings of all tables, then table after table, then what was reported of them."""
    preview = preview_of(context.lake, entries[0].target)
    left = [entry for entry in entries if entry.resource in preview.own]
    resources = [entry.resource for entry in left]
    if left:
        for place in RAW:
            _add_rows(context.lake, preview, place=place, resources=resources)
        for place in FINDINGS:
            _replace_rows(context.lake, preview, place=place, resources=resources)
        for entry in left:
            _set_tables(context, preview, entry)
        _copy_reports(context, preview, left)
    drop_own_tables(preview, [entry.resource for entry in entries], run=context.run)
    write_entries(context.lake, entries, DONE, naive_utc(context.clock.now()))


def _add_rows(lake: Lake, preview: Lake, *, place: tuple[str, str], resources: Sequence[str]) -> None:
    """Add the preview's files of raw rows or of the ledger that the lake has not got yet."""
    own = preview.find(*place)
    new = [file for name in resources for file in own_files(preview, *place, resource=name)] if own is not None else []
    if own is None or not new:
        return
    with lake.commits:
        table = _table(lake, place, own)
        there = {file.file_path for file in data_files(table)}
        added = [file for file in new if file.file_path not in there]
        if added:
            commit(table, add=added)


def _replace_rows(lake: Lake, preview: Lake, *, place: tuple[str, str], resources: Sequence[str]) -> None:
    """Make the preview's findings of these resources the lake's."""
    own = preview.find(*place)
    if own is None:
        return
    with lake.commits:
        table = _table(lake, place, own)
        ours, theirs = (
            {file.file_path: file for name in resources for file in files_of(one, place, name)} for one in (own, table)
        )
        added, removed = _difference(ours, theirs), _difference(theirs, ours)
        if added or removed:
            commit(table, add=added, remove=removed)


def _difference(one: Mapping[str, DataFile], other: Mapping[str, DataFile]) -> list[DataFile]:
    return [file for path, file in one.items() if path not in other]


def _table(lake: Lake, place: tuple[str, str], like: Table) -> Table:
    """The lake's table, made with the preview's columns where there is none."""
    found = lake.find(*place)
    return found if found is not None else register_copy(lake, *place, like=like)


def _set_tables(context: Context, preview: Lake, entry: Entry) -> None:
    """`increment_`, then `current_`, each in one commit that brings the files, the columns and the bookmark."""
    today = context.clock.today()
    for kind in ("increment", "current"):
        place = ("refined", f"{kind}_{entry.resource}")
        own = preview.find(*place)
        if own is None:
            continue
        with context.lake.commits:
            table = _table(context.lake, place, own)
            tag_left_version(table, action=entry.action, today=today)
            ours, theirs = ({file.file_path: file for file in data_files(one)} for one in (own, table))
            added, removed = _difference(ours, theirs), _difference(theirs, ours)
            if not (added or removed) and _state(own.current_snapshot()) == _state(table.current_snapshot()):
                continue
            properties = bookmark_properties(bookmark(own), entry.action, today, rebuilt=rebuilt_by(own))
            commit(table, add=added, remove=removed, properties=properties, tag=day_tag(today), schema=own.schema())


def _copy_reports(context: Context, preview: Lake, entries: Sequence[Entry]) -> None:
    """What is published now, what drifted, and what was checked in the preview."""
    common = {
        "snapshot_date": f"{context.clock.today():%Y%m%d}",
        "run": entries[0].action,
        "published_at": naive_utc(context.clock.now()),
    }
    tables = {one.resource: (one, context.lake.find("refined", f"current_{one.resource}")) for one in entries}
    there_already = {(row["resource"], row["run"]) for row in rows_of(context.lake, "published", tables)}
    published = [
        {
            **common,
            "resource": name,
            "batch": one.batch_to,
            "snapshot_id": _version(table),
            "rows": row_count(table),
        }
        for name, (one, table) in tables.items()
        if table is not None and (name, one.action) not in there_already
    ]
    append_operations(context.lake, "published", published)
    checks = [{**row, "run": entries[0].action} for row in _newest(rows_of(preview, "checks", tables))]
    for name, rows in (("drift", rows_of(preview, "drift", tables)), ("checks", checks)):
        there = {tuple(row.values()) for row in rows_of(context.lake, name, tables)}
        append_operations(context.lake, name, [row for row in rows if tuple(row.values()) not in there])


def _newest(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the last run said of each resource."""
    last: dict[str, int] = {}
    for row in rows:
        last[row["resource"]] = max(row["run"], last.get(row["resource"], 0))
    return [row for row in rows if row["run"] == last[row["resource"]]]
