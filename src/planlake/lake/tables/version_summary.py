"""Reads what the summary of a version says: its bookmark, its rows, the run that made it."""

from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyiceberg.table import Table
    from pyiceberg.table.snapshots import Snapshot

BOOKMARK = "planlake.batch"
RUN = "planlake.run"
RUN_DATE = "planlake.run-date"
READ = "planlake.read"  # of a trusted table: what it was made of, as JSON
TEXT_OF = "text of"  # how the names begin there of what says which text a model had
SOURCES = "planlake.sources"  # of a trusted table: the tables of other zones that its rows come from, as JSON
REBUILT = "planlake.rebuilt"  # the run that last built the table from the step before it
# The version, of any table, that the same process committed before; not among those that begin with `planlake.`, which
# older Planlakes carry on from one version to the next.
FOLLOWS = "planlake-follows"
NOTHING_BEFORE = "none"


def rebuilt_in(snapshot: "Snapshot | None") -> str:
    """The run that had last rebuilt a table when a version was made; empty where it only ever grew."""
    return entry(snapshot, REBUILT)


def entry(snapshot: "Snapshot | None", name: str) -> str:
    """An entry of a version's summary; empty where it has none, or there is no version."""
    if snapshot is None or snapshot.summary is None:
        return ""
    return str(snapshot.summary.additional_properties.get(name, ""))


def figure(snapshot: "Snapshot | None", name: str) -> int:
    """An entry that is a number; 0 where there is none."""
    return int(entry(snapshot, name) or 0)


def batch_of(snapshot: "Snapshot | None") -> int:
    """The last batch applied in a version; 0 where there is none."""
    return figure(snapshot, BOOKMARK)


def rows_of(snapshot: "Snapshot | None") -> int:
    """How many rows a version has."""
    return figure(snapshot, "total-records")


DAY_TAG = "day-"


def bookmarks_of(table: "Table") -> dict[str, str]:
    """Planlake's own entries of the current snapshot's summary."""
    snapshot = table.current_snapshot()
    if snapshot is None or snapshot.summary is None:
        return {}
    entries: dict[str, str] = snapshot.summary.additional_properties
    return {name: value for name, value in entries.items() if name.startswith("planlake.")}


def bookmark(table: "Table | None") -> int:
    """The last batch applied to this table; 0 where there is none."""
    return batch_of(table.current_snapshot()) if table is not None else 0


def rebuilt_by(table: "Table") -> str:
    """The run that last rebuilt this table; empty where it only ever grew."""
    return rebuilt_in(table.current_snapshot())


def bookmark_properties(batch: int, run: int, run_date: date, *, rebuilt: str = "") -> dict[str, str]:
    """What a snapshot's summary says of how it came to be: the last batch applied, the run and its London day.

    `rebuilt` is the run that rebuilt the table, where one did.
    """
    properties = {BOOKMARK: str(batch), RUN: str(run), RUN_DATE: f"{run_date:%Y%m%d}"}
    return {**properties, REBUILT: rebuilt} if rebuilt else properties


def day_tag(day: date) -> str:
    """The name of the tag that marks what was published on a day; names sort like days."""
    return f"{DAY_TAG}{day:%Y%m%d}"
