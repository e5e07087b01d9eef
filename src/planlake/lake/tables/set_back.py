"""Makes a table show a version that it had before.

One commit sets the current snapshot and that snapshot's columns, so data and bookmark go back together. Tags of later
versions are renamed and the version that is left gets one: nothing is lost, and the same way leads forward again.
"""

from collections.abc import Iterator
from datetime import date

from pyiceberg.manifest import DataFile
from pyiceberg.table import Table, Transaction
from pyiceberg.table.snapshots import Snapshot
from pyiceberg.table.update import SetCurrentSchemaUpdate
from pyiceberg.table.update.snapshot import ExpireSnapshots, ManageSnapshots

from planlake.engines.duckdb.connection import Connection
from planlake.engines.duckdb.reading import rows_sql
from planlake.lake.tables.commits import commit, transaction_on
from planlake.lake.tables.data_files import data_files, highest
from planlake.lake.tables.parquet import write_file
from planlake.lake.tables.version_summary import DAY_TAG, batch_of, bookmark_properties, day_tag
from planlake.lake.tables.versions import BEFORE, UNDONE, last_place_until, made_by, place_of, run_date_of


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
    order = {one.snapshot_id: place_of(one) for one in table.metadata.snapshots}
    for name, ref in table.refs().items():
        if name.startswith(DAY_TAG) and order[ref.snapshot_id] > place_of(target):
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
    kept, _ = last_place_until(table, batch)
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
