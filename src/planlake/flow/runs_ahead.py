"""Finds runs that began after now, so by a wrong clock, and says what to do about them.

Either this clock is behind or that run's was ahead. In the second case days count as read that were not: only voiding
what it brought opens them again. A run that brought nothing, as when the API refused its signature, does no harm.
"""

import os
from dataclasses import dataclass
from datetime import date, datetime

from planlake.clock import Clock, naive_utc
from planlake.engines.duckdb.connection import Connection
from planlake.engines.sql import literal
from planlake.errors import ConfigurationError
from planlake.lake.lake import Lake
from planlake.lake.own_rows import own_rows_sql
from planlake.lake.state.ledger import COUNT, without_voided_sql
from planlake.lake.state.operations import LastRun
from planlake.lake.state.unended import Unended


@dataclass(frozen=True, slots=True)
class Ahead:
    """The last run and when it began (UTC), the first that lies ahead of `now`, and the run before that (0: none)."""

    run: int
    started_at: datetime
    now: datetime
    first: int
    before: int
    environment: str = ""

    @property
    def said(self) -> str:
        """What it is, in a sentence."""
        days = (self.started_at - self.now).days
        how = f"{days} days" if days > 1 else f"{round((self.started_at - self.now).total_seconds() / 3600, 1):g} hours"
        return f"run {self.run} began {how} after what the clock says now"

    @property
    def way_back(self) -> str:
        """The command that takes back what those runs brought."""
        env = f" --env {self.environment}" if self.environment else ""
        return f"planlake rollback{env} --to {self.before} --zone all"

    @property
    def cure(self) -> str:
        """What else may be wrong, and what to do about that."""
        return "mend PLANLAKE_NOW" if "PLANLAKE_NOW" in os.environ else "set this machine's clock"

    @property
    def error(self) -> ConfigurationError:
        """Why nothing may be written now."""
        facts = {"now": f"{self.now:%Y-%m-%d %H:%M} UTC", "last run": f"{self.started_at:%Y-%m-%d %H:%M} UTC"}
        state = (
            f"Nothing was changed; where the clock is behind now, {self.cure}; where it was ahead then, take that back"
        )
        message = f"the clock stands before the last run: {self.said}"
        return ConfigurationError(message, facts=facts, state=state, hint=self.way_back)

    @property
    def warning(self) -> str:
        """The same, for who only looks."""
        return f"{self.said}, so that nothing may be written: {self.cure}, or take back what that run brought"


def is_way_back(ahead: Ahead, target: object) -> bool:
    """Whether going back to this run, or this day, leaves nothing that lies ahead."""
    if isinstance(target, date):
        return target < ahead.now.date()
    return isinstance(target, int) and target < ahead.first


def runs_ahead(
    lake: Lake, connection: Connection, *, clock: Clock, last: LastRun, left: tuple[Unended, ...] = ()
) -> Ahead | None:
    """What lies ahead of the clock; None where nothing does, or nothing that any table or window knows of.

    Of recorded runs only the last counts: what follows a run that was ahead took it back.
    """
    now = naive_utc(clock.start)
    began = [(last.recorded, last.started_at), *((one.run, one.started_at) for one in left)]
    later = {run: at for run, at in began if at is not None and at > now}
    if not later or not _brought_something(lake, connection, now):
        return None
    runs = own_rows_sql(lake, "operations", "runs", columns=("run", "resource", "started_at"))
    moment = literal(str(now))
    query = f"""
        with told as (select run, started_at from {runs} where resource is null and started_at is not null),
        good as (select max(run) as run from told where started_at <= {moment}::timestamp)
        select coalesce((select run from good), 0), min(run) from told
        where run > coalesce((select run from good), 0)"""
    before, first = connection.execute(query).fetchall()[0]
    newest = max(later)
    return Ahead(newest, later[newest], now, min([first or newest, *later]), before)


def _brought_something(lake: Lake, connection: Connection, now: datetime) -> bool:
    """Whether a window, a record or a version is dated after now and counts."""
    moment = f"{literal(str(now))}::timestamp"
    columns = ("request_id", "resource", "batch", "event", "requested_at")
    ledger = own_rows_sql(lake, "raw", "api_requests", columns=columns)
    runs = own_rows_sql(lake, "operations", "runs", columns=("resource", "started_at", "outcome"))
    query = f"""
        select true from ({without_voided_sql(ledger)})
        where requested_at > {moment} and event not in ('{COUNT}', 'voided', 'restored')
        union all
        select true from {runs} where started_at > {moment} and resource is not null
            and outcome not in ('open', 'held', 'failed', 'up to date')
        limit 1"""
    return bool(connection.execute(query).fetchall())
