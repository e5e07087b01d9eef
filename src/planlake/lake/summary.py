"""What a version of a table says of itself: in goes a snapshot, out come the entries of its summary."""

from pyiceberg.table.snapshots import Snapshot

BOOKMARK = "planlake.batch"
RUN = "planlake.run"
RUN_DATE = "planlake.run-date"
REBUILT = "planlake.rebuilt"  # the run that last built the table anew from what lies before it


def rebuilt_in(snapshot: Snapshot | None) -> str:
    """The run that had last built a table anew when a version was made; empty where it only ever grew."""
    return entry(snapshot, REBUILT)


def entry(snapshot: Snapshot | None, name: str) -> str:
    """An entry of a version's summary; empty where it has none, or there is no version."""
    if snapshot is None or snapshot.summary is None:
        return ""
    return str(snapshot.summary.additional_properties.get(name, ""))


def figure(snapshot: Snapshot | None, name: str) -> int:
    """An entry that is a number; 0 where there is none."""
    return int(entry(snapshot, name) or 0)


def batch_of(snapshot: Snapshot | None) -> int:
    """The last batch applied in a version; 0 where there is none."""
    return figure(snapshot, BOOKMARK)


def rows_of(snapshot: Snapshot | None) -> int:
    """How many rows a version has."""
    return figure(snapshot, "total-records")
