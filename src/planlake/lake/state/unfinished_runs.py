"""Finds runs that never said how they ended: those that were killed, or are under way.

A run writes its row of `runs` at its very end. One that was killed is known by what it left: rows of the ledger, of
findings or of the journal with its number, and the lock file where it said that it began. The next command that writes
puts a row into `runs` for it, so that it costs no commit of its own.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from planlake.engines.duckdb.connection import Connection
from planlake.engines.duckdb.reading import rows_sql
from planlake.engines.sql import literal
from planlake.lake.lake import Lake
from planlake.lake.metadata.filters import EVERYTHING, is_above
from planlake.lake.state.lock import LockNote
from planlake.lake.tables.data_files import data_files

TRACES = {
    ("raw", "api_requests"): ("run", "requested_at"),
    ("operations", "checks"): ("run", "checked_at"),
    ("operations", "uncastable"): ("run", "null::timestamp"),
    ("operations", "rejected"): ("run", "null::timestamp"),
    ("operations", "journal"): ("action", "noted_at"),
    ("operations", "forgotten"): ("run", "noted_at"),
}


@dataclass(frozen=True, slots=True)
class UnfinishedRun:
    """A run without a row of its own in `runs`; when it began is UTC, None where nothing tells, `broken` as noted."""

    run: int
    started_at: datetime | None
    preview: str = ""
    broken: str = ""


def find_unfinished_runs(
    lake: Lake, connection: Connection, notes: Iterable[LockNote], *, above: int, until: int
) -> list[UnfinishedRun]:
    """The runs without a row, of those that left something above the last one that has one, and of those noted."""
    own = [one for one in notes if one.preview == lake.preview]
    found, broken = {one.run: one.since for one in own}, {one.run: one.broken for one in own}
    recorded = _recorded(lake, connection, found) if found else set()
    began: dict[int, datetime | None] = {run: at for run, at in found.items() if run not in recorded}
    if until > above:
        began = {**_left(lake, connection, above), **began}
    return [UnfinishedRun(run, at, lake.preview, broken.get(run, "")) for run, at in sorted(began.items())]


def _recorded(lake: Lake, connection: Connection, runs: Iterable[int]) -> set[int]:
    rows = _rows(lake, ("operations", "runs"), ("run",), 0)
    query = (
        f"select distinct run from {rows} where run in ({', '.join(map(str, runs))})" if rows else "select 1 limit 0"
    )
    return {run for (run,) in connection.execute(query).fetchall()}


def _left(lake: Lake, connection: Connection, above: int) -> dict[int, datetime | None]:
    """The runs that left rows above a number, and the earliest instant these name.

    Rows that a promotion brings have the numbers of the preview's runs, which have their rows there.
    """
    parts = []
    for place, (run, at) in TRACES.items():
        rows = _rows(lake, place, (run, *([] if at.startswith("null") else [at])), above)
        if rows:
            is_journal = str(place[1] in ("journal", "forgotten")).lower()
            parts.append(
                f"select {run} as run, {at} as began, {is_journal} as is_journal from {rows} where {run} > {above}"
            )
    if not parts:
        return {}
    is_promoting = _is_promoting(lake, connection, above)
    only = "where is_journal" if is_promoting else ""
    query = f"select run, min(began) from ({' union all '.join(parts)}) {only} group by run"
    return dict(connection.execute(query).fetchall())


def _is_promoting(lake: Lake, connection: Connection, above: int) -> bool:
    rows = _rows(lake, ("operations", "journal"), ("action", "kind"), above)
    query = f"select true from {rows} where action > {above} and kind = {literal('promote')} limit 1"
    return bool(rows and connection.execute(query).fetchall())


def _rows(lake: Lake, place: tuple[str, str], columns: tuple[str, ...], above: int) -> str:
    """A table expression of a lake's own rows, a preview's without those of its base; empty where there are none."""
    table = lake.find(*place)
    if table is None:
        return ""
    where = is_above("run", above) if above and "run" in columns else EVERYTHING
    return rows_sql(data_files(table, where=where), table.schema(), columns=columns)
