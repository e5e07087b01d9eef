"""Finds the version of a table that a day or run had, and those that were undone since."""

import re
from collections.abc import Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING

from planlake.lake.tables.version_summary import (
    DAY_TAG,
    RUN,
    RUN_DATE,
    batch_of,
    day_tag,
    entry,
    figure,
)

if TYPE_CHECKING:
    from pyiceberg.table import Table
    from pyiceberg.table.snapshots import Snapshot

UNDONE = re.compile(rf"undone-(?P<action>[0-9]+)-(?P<tag>{DAY_TAG}[0-9]{{8}})")
TAG = "tag"  # what Iceberg calls a name that stays with its version
BEFORE = re.compile(r"before-(?P<action>[0-9]+)-(?P<target>[0-9]+)-[0-9]{8}")


def tag_of(table: "Table", day: date) -> str | None:
    """The tag of that day or the last one before it."""
    tags = [name for name, ref in table.refs().items() if ref.snapshot_ref_type == TAG]
    return max((name for name in tags if name.startswith(DAY_TAG) and name <= day_tag(day)), default=None)


def version_of_day(table: "Table", day: date) -> "Snapshot | None":
    """The version that was published at the end of a day, if it is still kept."""
    tags = [name for name in table.refs() if name.startswith(DAY_TAG) and name <= day_tag(day)]
    return table.snapshot_by_name(max(tags)) if tags else None


def next_kept(table: "Table", version: "Snapshot | None") -> "Snapshot | None":
    """The version kept after one (None: the first kept), where others between them are not kept any more."""
    number = (version.sequence_number or 0) if version is not None else 0
    found = min((one for one in versions(table) if (one.sequence_number or 0) > number), key=place_of, default=None)
    return found if found is not None and (found.sequence_number or 0) > number + 1 else None


def version_of_run(table: "Table", run: int) -> "Snapshot | None":
    """The version a run left behind, if it is still kept."""
    return max((one for one in versions(table) if made_by(one) <= run), key=place_of, default=None)


def undone_versions(table: "Table") -> set[int]:
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


def still_published(table: "Table | None", rows: Sequence[tuple[int, int, int]]) -> list[bool]:
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


def _undone_spans(table: "Table") -> Iterator[tuple[range, int]]:
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


def is_kept(table: "Table", snapshot_id: int | None) -> bool:
    """Whether a version can still be gone to; None names none and is always there."""
    return snapshot_id is None or table.snapshot_by_id(snapshot_id) is not None


def versions(table: "Table") -> list["Snapshot"]:
    """The versions of a table that are kept and were not undone, oldest first."""
    undone = undone_versions(table)
    return sorted((one for one in table.metadata.snapshots if one.snapshot_id not in undone), key=place_of)


def left_behind(table: "Table", target: "Snapshot | None", batch: int) -> list["Snapshot"]:
    """The versions that going to this one undoes; where it is not kept, those after the last without a later batch."""
    place = place_of(target) if target is not None else last_place_until(table, batch)
    return [one for one in versions(table) if place_of(one) > place]


def last_place_until(table: "Table", batch: int) -> tuple[int, int]:
    """The place of the last version that holds no later batch; before all others where there is none."""
    return max((place_of(one) for one in versions(table) if batch_of(one) <= batch), default=(0, 0))


def made_by(snapshot: "Snapshot") -> int:
    """The run that made a version; 0 where none says so."""
    return figure(snapshot, RUN)


def run_date_of(snapshot: "Snapshot | None") -> str:
    """The London day of the run that made a version, `YYYYMMDD`; empty where none says so."""
    return entry(snapshot, RUN_DATE)


def place_of(snapshot: "Snapshot") -> tuple[int, int]:
    """Where a version stands among all of its table, undone ones included."""
    return snapshot.sequence_number or 0, snapshot.timestamp_ms
