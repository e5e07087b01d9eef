"""Finds the version of a table that a day or run had, and makes the table show it again.

One commit sets the current snapshot and that snapshot's columns, so data and bookmark go back together. Tags of later
versions are renamed and the version that is left gets one: nothing is lost, and the same way leads forward again.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import date

from pyiceberg.manifest import DataFile
from pyiceberg.table import Table, Transaction
from pyiceberg.table.refs import SnapshotRefType
from pyiceberg.table.snapshots import Snapshot
from pyiceberg.table.update import SetCurrentSchemaUpdate
from pyiceberg.table.update.snapshot import ExpireSnapshots, ManageSnapshots

from planlake.engines.duckdb.connection import Connection
from planlake.engines.duckdb.reading import rows_sql
from planlake.lake.tables.commits import commit, transaction_on
from planlake.lake.tables.data_files import data_files, highest
from planlake.lake.tables.parquet import write_file
from planlake.lake.tables.version_summary import (
    DAY_TAG,
    RUN,
    RUN_DATE,
    batch_of,
    bookmark_properties,
    day_tag,
    entry,
    figure,
)

UNDONE = re.compile(rf"undone-(?P<action>[0-9]+)-(?P<tag>{DAY_TAG}[0-9]{{8}})")
BEFORE = re.compile(r"before-(?P<action>[0-9]+)-(?P<target>[0-9]+)-[0-9]{8}")


def tag_of(table: Table, day: date) -> str | None:
    """The tag of that day or the last one before it."""
    tags = [name for name, ref in table.refs().items() if ref.snapshot_ref_type == SnapshotRefType.TAG]
    return max((name for name in tags if name.startswith(DAY_TAG) and name <= day_tag(day)), default=None)


def version_of_day(table: Table, day: date) -> Snapshot | None:
    """The version that was published at the end of a day, if it is still kept."""
    tags = [name for name in table.refs() if name.startswith(DAY_TAG) and name <= day_tag(day)]
    return table.snapshot_by_name(max(tags)) if tags else None


def next_kept(table: Table, version: Snapshot | None) -> Snapshot | None:
    """The version kept after one (None: the first kept), where others between them are not kept any more."""
    number = (version.sequence_number or 0) if version is not None else 0
    found = min((one for one in versions(table) if (one.sequence_number or 0) > number), key=_order, default=None)
    return found if found is not None and (found.sequence_number or 0) > number + 1 else None


def version_of_run(table: Table, run: int) -> Snapshot | None:
    """The version a run left behind, if it is still kept."""
    return max((one for one in versions(table) if made_by(one) <= run), key=_order, default=None)


def undone_versions(table: Table) -> set[int]:
    """Versions that an action left behind: later than its target, up to the one that was current before it.

    Both stand in the tag of the version that was left; an action that is taken back has none any more.
    """
    found: set[int] = set()
    for name, ref in table.refs().items():
        left, action = table.snapshot_by_id(ref.snapshot_id), BEFORE.fullmatch(name)
        if action and left is not None:
            span = range(int(action["target"]) + 1, (left.sequence_number or 0) + 1)
            found.update(one.snapshot_id for one in table.metadata.snapshots if (one.sequence_number or 0) in span)
    return found


def still_published(table: Table | None, rows: Sequence[tuple[int, int, int]]) -> list[bool]:
    """Of each published version, by run, batch and id, whether no action has undone it since.

    Of versions that are not kept any more the runs tell: those after an action's target and before the action.
    """
    if table is None:
        return [True for _ in rows]
    undone, spans = undone_versions(table), list(_undone_spans(table))
    kept = {one.snapshot_id for one in table.metadata.snapshots}
    return [
        version not in undone and (version in kept or not any(run in runs and batch > until for runs, until in spans))
        for run, batch, version in rows
    ]


def _undone_spans(table: Table) -> Iterator[tuple[range, int]]:
    """The runs an action left behind, and the batch up to which it did not.

    An action that went to a kept version left everything after it. One whose version was gone made another instead,
    which has the batch; its tag then names the last kept version before that, if there is one.
    """
    by_place = {one.sequence_number or 0: one for one in table.metadata.snapshots}
    by_run = {made_by(one): one for one in table.metadata.snapshots}
    for name, ref in table.refs().items():
        left, found = table.snapshot_by_id(ref.snapshot_id), BEFORE.fullmatch(name)
        if found is None or left is None or int(found["target"]) >= (left.sequence_number or 0):
            continue
        action, target = int(found["action"]), by_place.get(int(found["target"]))
        after = made_by(target) + 1 if target is not None else 1
        if action in by_run:
            yield range(after, action), batch_of(by_run[action])
        elif target is not None:
            yield range(after, action), -1


def is_kept(table: Table, snapshot_id: int | None) -> bool:
    """Whether a version can still be gone to; None names none and is always there."""
    return snapshot_id is None or table.snapshot_by_id(snapshot_id) is not None


def versions(table: Table) -> list[Snapshot]:
    """The versions of a table that are kept and were not undone, oldest first."""
    undone = undone_versions(table)
    return sorted((one for one in table.metadata.snapshots if one.snapshot_id not in undone), key=_order)


def left_behind(table: Table, target: Snapshot | None, batch: int) -> list[Snapshot]:
    """The versions that going to this one undoes; where it is not kept, those after the last without a later batch."""
    place = _order(target) if target is not None else _order_until(table, batch)
    return [one for one in versions(table) if _order(one) > place]


def _order_until(table: Table, batch: int) -> tuple[int, int]:
    """The place of the last version that holds no later batch; before all others where there is none."""
    return max((_order(one) for one in versions(table) if batch_of(one) <= batch), default=(0, 0))


def made_by(snapshot: Snapshot) -> int:
    """The run that made a version; 0 where none says so."""
    return figure(snapshot, RUN)


def run_date_of(snapshot: Snapshot | None) -> str:
    """The London day of the run that made a version, `YYYYMMDD`; empty where none says so."""
    return entry(snapshot, RUN_DATE)


def _order(snapshot: Snapshot) -> tuple[int, int]:
    return snapshot.sequence_number or 0, snapshot.timestamp_ms


def restore_version(table: Table, snapshot_id: int, *, action: int, today: date, restored: int | None = None) -> None:
    """Make a version the current one in one commit, with its columns; nothing happens where it is so already.

    Tags of later versions become `undone-<action>-...`; those that the action `restored` had put aside come back.
    """
    left, target = table.current_snapshot(), table.snapshot_by_id(snapshot_id)
    if target is None or left is None or left.snapshot_id == snapshot_id:
        return
    with transaction_on(table) as transaction:
        _show(transaction, table, target)
        name = _before(action, target.sequence_number or 0, today)
        ManageSnapshots(transaction).create_tag(left.snapshot_id, name).commit()
        _put_aside(transaction, table, target, action)
        for taken_back in [one for one in table.refs() if restored is not None and _is_of(one, restored)]:
            ManageSnapshots(transaction).remove_tag(taken_back).commit()
        for name, tag, tagged in _put_aside_by(table, restored) if restored is not None else ():
            ManageSnapshots(transaction).create_tag(tagged, tag).commit()
            ManageSnapshots(transaction).remove_tag(name).commit()


def _show(transaction: Transaction, table: Table, target: Snapshot) -> None:
    """Make a version the current one, with the columns it had."""
    ManageSnapshots(transaction).set_current_snapshot(snapshot_id=target.snapshot_id).commit()
    if target.schema_id is not None and target.schema_id != table.metadata.current_schema_id:
        change = {"action": "set-current-schema", "schema-id": target.schema_id}
        transaction._apply((SetCurrentSchemaUpdate.model_validate(change),))


def discard_action_versions(table: Table, snapshot_id: int, *, action: int) -> None:
    """Show a version again and take those out that an action made since, as if it had never begun.

    Nothing happens where it made none. Their files are left to housekeeping.
    """
    made = [one.snapshot_id for one in table.metadata.snapshots if made_by(one) == action]
    target = table.snapshot_by_id(snapshot_id)
    if target is None or not made:
        return
    with transaction_on(table) as transaction:
        _show(transaction, table, target)
        for name in [
            name for name, ref in table.refs().items() if name.startswith(DAY_TAG) and ref.snapshot_id in made
        ]:
            ManageSnapshots(transaction).remove_tag(name).commit()
            if name == f"{DAY_TAG}{run_date_of(target)}":
                ManageSnapshots(transaction).create_tag(snapshot_id, name).commit()
        ExpireSnapshots(transaction).by_ids(made).commit()


def _put_aside(transaction: Transaction, table: Table, target: Snapshot, action: int) -> None:
    """Rename the tags of versions later than this one; its own day's tag then names it."""
    order = {one.snapshot_id: _order(one) for one in table.metadata.snapshots}
    for name, ref in table.refs().items():
        if name.startswith(DAY_TAG) and order[ref.snapshot_id] > _order(target):
            ManageSnapshots(transaction).create_tag(ref.snapshot_id, f"undone-{action}-{name}").commit()
            ManageSnapshots(transaction).remove_tag(name).commit()
            if name == f"{DAY_TAG}{run_date_of(target)}":
                ManageSnapshots(transaction).create_tag(target.snapshot_id, name).commit()


def _before(action: int, target: int, today: date) -> str:
    """The tag of the version an action leaves: with the place of the version it goes to, and its day."""
    return f"before-{action}-{target}-{today:%Y%m%d}"


def _is_of(tag: str, action: int) -> bool:
    found = BEFORE.fullmatch(tag)
    return found is not None and int(found["action"]) == action


def _put_aside_by(table: Table, action: int) -> Iterator[tuple[str, str, int]]:
    for name, ref in table.refs().items():
        found = UNDONE.fullmatch(name)
        if found and int(found["action"]) == action:
            yield name, found["tag"], ref.snapshot_id


def cut_back_to_batch(connection: Connection, table: Table, batch: int, *, action: int, today: date) -> None:
    """Make a new version of `increment_` that holds the batches up to this one and no others, with that bookmark.

    For days whose version is gone. Files that hold no later batch stay as they are.
    """
    left = table.current_snapshot()
    if left is None:
        return
    if batch > batch_of(left):
        raise ValueError("a bookmark above what the table holds would lose records")
    later = [file for file in data_files(table) if highest(table, [file], "batch") > batch]
    added = list(_until(connection, table, later, batch=batch))
    put_aside_after(table, batch, action=action, today=today)
    properties = bookmark_properties(batch, action, today, rebuilt=str(action))
    commit(table, add=added, remove=later, properties=properties, tag=day_tag(today))


def put_aside_after(table: Table, batch: int, *, action: int, today: date) -> None:
    """Rename the tags of versions that hold later batches, and tag the version that is left; nothing else changes."""
    left = table.current_snapshot()
    if left is None or any(_is_of(tag, action) for tag in table.refs()):
        return
    kept, _ = _order_until(table, batch)
    with transaction_on(table) as transaction:
        ManageSnapshots(transaction).create_tag(left.snapshot_id, _before(action, kept, today)).commit()
        for name, ref in table.refs().items():
            if name.startswith(DAY_TAG) and batch_of(table.snapshot_by_id(ref.snapshot_id)) > batch:
                ManageSnapshots(transaction).create_tag(ref.snapshot_id, f"undone-{action}-{name}").commit()
                ManageSnapshots(transaction).remove_tag(name).commit()


def tag_left_version(table: Table, *, action: int, today: date) -> None:
    """Tag the version an action leaves, so that housekeeping keeps it until the action can no longer be taken back."""
    left = table.current_snapshot()
    if left is not None and not any(_is_of(tag, action) for tag in table.refs()):
        with transaction_on(table) as transaction:
            name = _before(action, left.sequence_number or 0, today)
            ManageSnapshots(transaction).create_tag(left.snapshot_id, name).commit()


def _until(connection: Connection, table: Table, files: list[DataFile], *, batch: int) -> Iterator[DataFile]:
    """What later files hold of earlier batches, as new files."""
    for file in files:
        with connection.cursor() as cursor:
            query = f"select * from {rows_sql([file], table.schema())} where batch <= {batch}"
            rows = cursor.sql(query).to_arrow_table()
        if len(rows):
            yield write_file(table, rows)
