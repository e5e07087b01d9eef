"""The last runs, and what one run did to each table, from the tables `runs` and `checks`."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from planlake.checks.quality import CheckResult
from planlake.config import Config
from planlake.engines.duckdb.connection import Connection, connected_to_read
from planlake.errors import ConfigurationError
from planlake.lake.built_in_tables import built_in_rows_sql
from planlake.lake.lake import Lake
from planlake.lake.open_lake import open_to_read
from planlake.lake.state.ledger import PAGE, PROVISIONAL, RECOUNT
from planlake.lake.state.lock import read_lock_notes
from planlake.lake.state.operations import last_run
from planlake.lake.state.unfinished_runs import UnfinishedRun, find_unfinished_runs
from planlake.report.troubles import Ran, Series

HISTORY = 100  # runs that are looked at for how long something has not been well
BROKEN = ("failed", "killed", "stopped", "not ended")  # runs that did not come to their end
UNTOLD = (*BROKEN, "under way")  # which may have asked the API without a row of `runs` that says so


@dataclass(frozen=True, slots=True)
class PastRun:
    """One run or other command that changed the lake; times are in UTC, `tables` those it did something to.

    One that never said how it ended is `killed`, or `under way`; when it began and how long it took are None where
    nothing tells. `bytes` were received, by so many `requests`.
    """

    run: int
    started_at: datetime | None
    seconds: float | None
    outcome: str
    message: str
    tables: int = 0
    troubled: int = 0
    records: int = 0
    bytes: int = 0
    requests: int = 0
    configuration_hash: str = ""
    version: str = ""

    @property
    def is_broken(self) -> bool:
        """Whether it did not come to its end."""
        return self.outcome in BROKEN

    @property
    def ended(self) -> str:
        """How it ended, with the tables that were in trouble: `finished, 1 table in trouble`."""
        trouble = f", {self.troubled} table{'s' if self.troubled > 1 else ''} in trouble" if self.troubled else ""
        return self.outcome + trouble


@dataclass(frozen=True, slots=True)
class PastTable:
    """What a run did to one table: rows, bytes received, seconds, versions of `current_` before and after, checks."""

    table: str
    outcome: str
    message: str
    records: int | None
    stored: int | None
    refined: int | None
    current_rows: int | None
    bytes: int | None
    seconds: float | None
    snapshot_before: int | None
    snapshot_after: int | None
    checks: tuple[CheckResult, ...] = ()


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a run asked of the API and received, and when it asked first (UTC)."""

    tables: int
    requests: int
    records: int
    bytes: int
    asked_at: datetime | None


def fetched_by(connection: Connection, ledger: str, runs: Collection[int]) -> dict[int, Fetched]:
    """What these runs fetched, by the rows of the ledger, which are written as a run goes; `ledger` is a SQL table.

    So it is known of a run that was killed too, which has no row of `runs` for any table.
    """
    if not runs:
        return {}
    query = f"""
        select run, count(distinct resource), count(*), coalesce(sum(records), 0)::bigint,
            coalesce(sum(bytes), 0)::bigint, min(requested_at)
        from {ledger} where attempts is not null and run in ({", ".join(map(str, runs))}) group by run"""
    return {run: Fetched(*values) for run, *values in connection.execute(query).fetchall()}


def past_runs(
    config: Config, *, environment: str | None = None, run: int | None = None, limit: int = 20
) -> list[PastRun]:
    """The last runs, newest first; or only this one, a ConfigurationError where there was none of its number."""
    lake = open_to_read(config, environment)
    columns = ("run", "resource", "attempts", "records", "bytes", "requested_at")
    places = (
        built_in_rows_sql(lake, "operations", "runs"),
        built_in_rows_sql(lake, "raw", "api_requests", columns=columns),
    )
    with connected_to_read(config.settings.memory_limit_megabytes) as connection:
        found = every_run(lake, connection, places, only=run, limit=limit)
    if run is not None and not found:
        raise ConfigurationError(f"there was no run {run}", hint="planlake runs lists them")
    return found


def every_run(
    lake: Lake, connection: Connection, places: tuple[str, str], *, only: int | None = None, limit: int = 2**31
) -> list[PastRun]:
    """The runs that are recorded or left something, newest first; `places` are `runs` and the ledger as SQL tables."""
    runs, ledger = places
    query = f"""
        select run, min(started_at), max(seconds) filter (where resource is null),
            coalesce(max(outcome) filter (where resource is null), 'not ended'),
            coalesce(max(message) filter (where resource is null), ''), count(resource),
            count(*) filter (where resource is not null and outcome in ('open', 'held', 'failed')),
            coalesce(sum(records), 0)::bigint, coalesce(sum(bytes), 0)::bigint, coalesce(sum(requests), 0)::bigint,
            coalesce(max(configuration_hash), ''), coalesce(max(version), '')
        from {runs} {f"where run = {only}" if only is not None else ""} group by run order by run desc limit {limit}"""
    recorded = [PastRun(*row) for row in connection.execute(query).fetchall()]
    silent = [one for one in unfinished_runs(lake, connection) if only in (None, one.run)]
    found = [*reversed(silent), *recorded][:limit]
    fetched = fetched_by(connection, ledger, [one.run for one in found if not one.tables and one.outcome in UNTOLD])
    return [_as_fetched(one, fetched[one.run]) if one.run in fetched else one for one in found]


def _as_fetched(run: PastRun, one: Fetched) -> PastRun:
    """A run that has no row for any table, with what the ledger says of it."""
    return replace(
        run,
        started_at=run.started_at or one.asked_at,
        tables=one.tables,
        requests=one.requests,
        records=one.records,
        bytes=one.bytes,
    )


def last_runs(connection: Connection, runs: str) -> list[Ran]:
    """The last runs and other commands as a whole, newest first; `runs` are the rows of `runs` as a SQL table."""
    query = f"""select run, started_at, outcome, coalesce(message, '') from {runs} where resource is null
                order by run desc limit {HISTORY}"""
    return [Ran(*row) for row in connection.execute(query).fetchall()]


def series_of_tables(connection: Connection, runs: str) -> dict[str, Series]:
    """Of each table whose last run was not well: how its runs went since they last were; `runs` is a SQL table."""
    query = f"""
        with told as (select resource, run, started_at, outcome, coalesce(message, '') as message
                      from {runs} where resource is not null),
        well as (select resource, max(run) as run from told
                 where outcome not in ('open', 'held', 'failed') group by resource)
        select told.resource, arg_max(told.outcome, told.run), arg_max(told.message, told.run), min(told.started_at),
            count(distinct told.run), min(told.run)
        from told left join well using (resource) where told.run > coalesce(well.run, 0) group by told.resource"""
    return {resource: Series(*values) for resource, *values in connection.execute(query).fetchall()}


def failed_again(connection: Connection, ledger: str) -> dict[str, tuple[tuple[date, ...], str]]:
    """The days of each table that its last run asked for once more, today among them, without an answer, and why.

    `ledger` is the ledger as a SQL table.
    """
    query = f"""
        with asked as (select * from {ledger} where event in {(PAGE, PROVISIONAL, RECOUNT)}),
        newest as (select resource, max(run) as run from asked group by resource),
        failed as (select resource, "window", page, arg_max(error, request_id) as error
                   from asked join newest using (resource, run) where event <> '{PAGE}'
                   group by resource, "window", page having arg_max(error is not null, request_id))
        select resource, list(distinct "window"::date order by "window"::date),
            arg_min('page ' || page || ': ' || error, ("window", page))
        from failed group by resource"""
    return {name: (tuple(days), why) for name, days, why in connection.execute(query).fetchall()}


def unfinished_runs(lake: Lake, connection: Connection) -> list[PastRun]:
    """The runs that have not said how they ended, oldest first: the last of them may be under way."""
    is_held, notes = read_lock_notes(lake.lock)
    last = last_run(lake, connection)
    found = find_unfinished_runs(lake, connection, notes, above=last.recorded, until=last.run)
    newest = max((one.run for one in found), default=0)
    silent = ("killed", "what it committed is kept")
    if lake.lock is None:
        silent = ("not ended", "it is under way, or was killed")

    def told(one: UnfinishedRun) -> tuple[str, str]:
        if is_held and one.run == newest:
            return "under way", ""
        return ("failed", one.broken) if one.broken else silent

    return [PastRun(one.run, one.started_at, None, *told(one)) for one in found]


def tables_of_run(config: Config, run: int, *, environment: str | None = None) -> list[PastTable]:
    """What one run did to each table."""
    checks: dict[str, list[CheckResult]] = {}
    for resource, *values in _answer(config, environment, _checks_of(run)):
        checks.setdefault(resource, []).append(CheckResult(*values))
    query = f"""
        select resource, outcome, coalesce(message, ''), records, stored, refined, current_rows, bytes, seconds,
            snapshot_before, snapshot_after
        from {{runs}} where run = {run} and resource is not null order by resource"""
    rows = _answer(config, environment, query)
    return [replace(PastTable(*row), checks=tuple(checks.get(row[0], ()))) for row in rows]


def _checks_of(run: int) -> str:
    return f"""select resource, "check", verdict, figure, "limit", coalesce("column", ''), coalesce(message, '')
               from {{checks}} where run = {run} order by verdict = 'ok', "check", "column" """


def _answer(config: Config, environment: str | None, query: str) -> Sequence[tuple[Any, ...]]:
    lake = open_to_read(config, environment)
    with connected_to_read(config.settings.memory_limit_megabytes) as connection:
        return _rows(lake, connection, query)


def _rows(lake: Lake, connection: Connection, query: str) -> Sequence[tuple[Any, ...]]:
    places = {name: built_in_rows_sql(lake, "operations", name) for name in ("runs", "checks")}
    found: Sequence[tuple[Any, ...]] = connection.execute(query.format(**places)).fetchall()
    return found
