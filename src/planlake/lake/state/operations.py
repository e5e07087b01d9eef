"""The history of runs and what each table last published: rows of `runs` and `published` in the operations database."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from planlake.clock import read_clock
from planlake.engines.duckdb.connection import Connection
from planlake.errors import LakeError
from planlake.lake.built_in_tables import built_in_rows_sql
from planlake.lake.lake import Lake
from planlake.lake.tables.data_files import data_files, highest
from planlake.lake.tables.version_summary import RUN_DATE, entry

if TYPE_CHECKING:
    from pyiceberg.table.snapshots import Snapshot

# What is kept before anything says that there was a run.
NUMBERED = (("raw", "api_requests"), *(("operations", name) for name in ("checks", "uncastable", "rejected")))


@dataclass(frozen=True, slots=True)
class LastRun:
    """The highest run number ever used, and when the newest recorded run began (UTC, None before the first).

    `recorded` is the highest number that has a row in `runs`: a run above it never said how it ended. The newest run is
    the one of the highest number.
    """

    run: int = 0
    started_at: datetime | None = None
    recorded: int = 0


def last_run(lake: Lake, connection: Connection) -> LastRun:
    """The last run; numbers of runs that were killed count, from their rows of the ledger, findings and the journal.

    Runs in a preview go on from those of its base.
    """
    of_base = last_run(lake.base, connection) if lake.base is not None else LastRun()
    tables = [lake.find(*place) for place in NUMBERED]
    left = [highest(table, data_files(table), "run") for table in tables if table is not None]
    rows = built_in_rows_sql(lake, "operations", "runs", columns=("run", "started_at"))
    query = f"select max(run), arg_max(started_at, run) filter (where started_at is not null) from {rows}"
    recorded, newest = connection.execute(query).fetchall()[0]
    actions = built_in_rows_sql(lake, "operations", "journal", columns=("action",))
    action = connection.execute(f"select max(action) from {actions}").fetchall()[0][0]
    is_own = recorded is not None and recorded >= of_base.recorded
    started_at = newest if is_own else of_base.started_at
    return LastRun(max(of_base.run, *left, recorded or 0, action or 0), started_at, recorded or 0)


def is_recorded(lake: Lake, connection: Connection, run: int) -> bool:
    """Whether a run has said how it ended."""
    rows = built_in_rows_sql(lake, "operations", "runs", columns=("run",))
    return bool(connection.execute(f"select true from {rows} where run = {run} limit 1").fetchall())


def not_well(lake: Lake, connection: Connection) -> set[str]:
    """The resources whose last row in `runs` says that they failed, stayed open, were held or left alone."""
    rows = built_in_rows_sql(lake, "operations", "runs", columns=("run", "resource", "outcome"))
    query = f"""select resource from {rows} where resource is not null group by resource
                having arg_max(outcome, run) in ('open', 'held', 'failed', 'left alone')"""
    return {resource for (resource,) in connection.execute(query).fetchall()}


def append_operations(lake: Lake, name: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Add rows to a table of the operations database in one commit; columns that a row lacks are NULL."""
    from pyiceberg.io.pyarrow import schema_to_pyarrow  # noqa: PLC0415 - who only reads needs nothing that writes

    from planlake.lake.tables.commits import append  # noqa: PLC0415

    listed = list(rows)
    if listed:
        with lake.commits:
            table = lake.find_or_create_built_in_table("operations", name)
            append(table, pa.Table.from_pylist(listed, schema_to_pyarrow(table.schema())))


def published_dates(lake: Lake, connection: Connection) -> dict[str, str]:
    """The day on which what each resource shows now was published last, `YYYYMMDD`; none where its metadata is gone."""
    rows = built_in_rows_sql(lake, "operations", "published", columns=("resource", "snapshot_date", "snapshot_id"))
    told: dict[str, dict[int, str]] = {}
    query = f"select resource, snapshot_id, max(snapshot_date) from {rows} where {until_today_sql()} group by all"
    for resource, version, day in connection.execute(query).fetchall():
        told.setdefault(resource, {})[version] = day
    shown: dict[str, Snapshot | None] = {}
    for resource in told:
        with suppress(LakeError):  # one table of which nothing can be read hides no other
            table = lake.shown("refined", f"current_{resource}")
            shown[resource] = table.current_snapshot() if table is not None else None
    return {
        resource: told[resource].get(version.snapshot_id) or entry(version, RUN_DATE)
        for resource, version in shown.items()
        if version is not None
    }


def until_today_sql() -> str:
    """A condition for what was published up to today; a later day is that of a run whose clock was ahead."""
    return f"snapshot_date <= '{read_clock().today():%Y%m%d}'"


def last_published(lake: Lake, connection: Connection) -> dict[str, tuple[str, int]]:
    """The last published snapshot date of each resource, `YYYYMMDD`, and the highest batch that was published."""
    rows = built_in_rows_sql(lake, "operations", "published", columns=("resource", "snapshot_date", "batch"))
    last = f"coalesce(max(snapshot_date) filter (where {until_today_sql()}), '')"
    found = connection.execute(f"select resource, {last}, max(batch) from {rows} group by 1").fetchall()
    return {resource: (date, batch) for resource, date, batch in found}
