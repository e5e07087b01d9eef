"""The journal of actions that change several tables: what is still to be done, and what can be undone.

An action is written as planned before its first commit and as done after its last. If one is killed in between, whoever
opens the lake for writing next carries it out: every step of it can be repeated.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from planlake.engines.duckdb.connection import Connection
from planlake.lake.built_in_tables import built_in_rows_sql
from planlake.lake.lake import Lake
from planlake.lake.state.operations import append_operations

PLANNED, DONE = "planned", "done"
LEFT_ALONE = "left alone"  # planned, and in the end nothing was done to it: no part of the action
Kind = Literal["rollback", "rebuild", "undo", "promote"]
PROMOTED = "promoted"  # the zone of what a promotion brought: taking it back voids its batches


@dataclass(frozen=True, slots=True)
class Entry:
    """One table of an action: the versions it leaves and those it goes to, bookmarks, and batches it voids.

    Versions to go to are None where they are not kept and must be worked out; an action that takes another back names
    it in `undoes`, and restores what that one voided. The target of a promotion is its preview, `voided` its batches.
    """

    action: int
    kind: Kind
    resource: str
    target: str = ""
    zone: str = "refined"
    increment_from: int | None = None
    increment_to: int | None = None
    current_from: int | None = None
    current_to: int | None = None
    batch_from: int = 0
    batch_to: int = 0
    voided: tuple[int, ...] = ()
    undoes: int | None = None


def described(entry: Entry) -> str:
    """What an action did to a table, or what the action did that this one takes back, in words."""
    if entry.zone == PROMOTED:
        return f"promotion of {entry.target}"
    return f"rollback to {entry.target}" if entry.target else "rebuild"


def is_voiding(entry: Entry) -> bool:
    """Whether an action voids its batches: going back does, and undoing a promotion; any other undo restores them."""
    return (entry.kind == "undo") == (entry.zone == PROMOTED)


def write_entries(lake: Lake, entries: Sequence[Entry], state: str, noted_at: object) -> None:
    """Write entries of one action into the journal in one commit."""
    rows = [{**_as_row(entry), "state": state, "noted_at": noted_at} for entry in entries]
    append_operations(lake, "journal", rows)


def _as_row(entry: Entry) -> dict[str, Any]:
    return {**asdict(entry), "voided": " ".join(map(str, entry.voided))}


def unfinished(lake: Lake, connection: Connection) -> list[Entry]:
    """The tables of the action that was planned and not done; there is at most one such action."""
    actions = _actions(lake, connection)
    return [entry for entries in actions.values() for entry, state in entries.items() if state == PLANNED]


def last_action(lake: Lake, connection: Connection) -> list[Entry]:
    """The tables of the last action that was done and not taken back since."""
    actions = _actions(lake, connection)
    undone = {entry.undoes for entries in actions.values() for entry in entries}
    forward = [number for number, entries in actions.items() if _kind(entries) != "undo"]
    return list(actions[forward[-1]]) if forward and forward[-1] not in undone else []


def standing_rollbacks(lake: Lake, connection: Connection) -> dict[str, Entry]:
    """Of each table that an action changed last by a rollback which was not taken back: what that one did to it."""
    actions = _actions(lake, connection)
    undone = {entry.undoes for entries in actions.values() for entry in entries}
    forward = [entry for entries in actions.values() for entry, state in entries.items() if state == DONE]
    last = {entry.resource: entry for entry in forward if entry.kind != "undo" and entry.action not in undone}
    return {resource: entry for resource, entry in last.items() if entry.kind == "rollback"}


def _kind(entries: Iterable[Entry]) -> str:
    return next(iter(entries)).kind


def _actions(lake: Lake, connection: Connection) -> dict[int, Mapping[Entry, str]]:
    """Every action with its tables and how far each is."""
    rows = built_in_rows_sql(lake, "operations", "journal")
    names = ", ".join(Entry.__dataclass_fields__)
    query = f"""select {names}, bool_or(state = '{DONE}') as is_done from {rows}
                group by all having not bool_or(state = '{LEFT_ALONE}') order by action"""
    found: dict[int, dict[Entry, str]] = {}
    for *values, is_done in connection.execute(query).fetchall():
        fields = dict(zip(Entry.__dataclass_fields__, values, strict=True))
        fields["voided"] = tuple(int(batch) for batch in fields["voided"].split())
        entry = Entry(**fields)
        found.setdefault(entry.action, {})[entry] = DONE if is_done else PLANNED
    return dict(found)
