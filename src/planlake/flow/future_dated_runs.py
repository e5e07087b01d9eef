"""Finds runs that began after now, so by a wrong clock, and whose work counts; and says what to do about them.

Either this clock is behind or that of those runs was ahead. In the second case days count as read that were not: only
voiding what they brought opens them again. What counts decides, whatever ran since: requests that are not voided,
versions that are shown. A run that brought nothing, as when the API refused its signature, does no harm.
"""

import os
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from planlake.clock import Clock, naive_utc, read_clock
from planlake.config import Config
from planlake.engines.duckdb.connection import Connection, connected
from planlake.engines.duckdb.reading import rows_sql
from planlake.engines.sql import literal
from planlake.errors import ConfigurationError, LakeError
from planlake.lake.built_in_tables import built_in_rows_sql
from planlake.lake.lake import Lake
from planlake.lake.open_lake import environment_of, open_to_read
from planlake.lake.state.ledger import COUNT, LOST, RESTORED, VOIDED, without_voided_sql
from planlake.lake.state.unfinished_runs import UnfinishedRun
from planlake.lake.tables.data_files import bounds_of, data_files
from planlake.lake.tables.versions import made_by
from planlake.sources.catalogue import catalogue_of

# Of a run that this lake knows only by its requests, as one of a preview that was promoted, the first of these tells
# when it began; a clock that a variable sets goes on while a run asks, and begins again with the next command.
ON_ITS_WAY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class FutureRuns:
    """The last run that counts and lies ahead of `now`, when it began (UTC), the first such, and the last before that.

    `before` is 0 where there is none, None where every run of the lake lies ahead. `environment` is the environment or
    the preview they are runs of, empty where that is the one that is used when none is named.
    """

    run: int
    started_at: datetime
    now: datetime
    first: int
    before: int | None
    environment: str = ""

    @property
    def said(self) -> str:
        """What it is, in a sentence."""
        where = f" of {self.environment}" if self.environment else ""
        return f"run {self.run}{where} began {_spoken(self.started_at - self.now)} after what the clock says now"

    @property
    def way_back(self) -> str:
        """The command that takes back what those runs brought."""
        env = f" --env {self.environment}" if self.environment else ""
        return f"planlake rollback{env} --to {self.before or 0} --zone all"

    @property
    def cure(self) -> str:
        """What else may be wrong, and what to do about that."""
        return "mend PLANLAKE_NOW" if "PLANLAKE_NOW" in os.environ else "set this machine's clock"

    @property
    def hint(self) -> str:
        """What to do; where every run lies ahead, going back would empty each table: it is the clock that is wrong."""
        return self.cure if self.before is None else self.way_back

    @property
    def error(self) -> ConfigurationError:
        """Why nothing may be written now."""
        facts = {"now": f"{self.now:%Y-%m-%d %H:%M} UTC", "that run": f"{self.started_at:%Y-%m-%d %H:%M} UTC"}
        state = (
            f"Nothing was changed; where the clock is behind now, {self.cure}; where it was ahead then, take that back"
        )
        if self.before is None:
            state = (
                f"Nothing was changed; so did every other run: it is the clock that is behind. Only where it was ahead "
                f"in all of them, `{self.way_back}` empties every table, to be read again"
            )
        message = f"the clock stands before a run that counts: {self.said}"
        return ConfigurationError(message, facts=facts, state=state, hint=self.hint)

    @property
    def warning(self) -> str:
        """The same, for who only looks."""
        if self.before is None:
            return f"{self.said}, as did every other run, so that nothing may be written: {self.cure}"
        return f"{self.said}, so that nothing may be written: {self.cure}, or take back what that run brought"

    @property
    def advice(self) -> str:
        """What to do in one line, for who looks at more than this."""
        if self.before is None:
            return self.cure
        return f"{self.way_back} takes back what it brought, where its clock was ahead; else {self.cure}"


def _spoken(span: timedelta) -> str:
    """A length of time as people say it: minutes below an hour, hours below two days, else days."""
    seconds = span.total_seconds()
    if round(seconds / 60) < 60:
        number, word = round(seconds / 60), "minute"
    elif round(seconds / 3600) < 48:
        number, word = round(seconds / 3600), "hour"
    else:
        number, word = round(seconds / 86400), "day"
    return f"{number} {word}{'s' * (number > 1)}" if number else "less than a minute"


def is_way_back(ahead: FutureRuns, target: object) -> bool:
    """Whether going back to this run, or this day, leaves nothing that lies ahead."""
    if isinstance(target, date):
        return target < ahead.now.date()
    return isinstance(target, int) and target < ahead.first


def future_runs_now(config: Config, environment: str | None = None) -> FutureRuns | None:
    """What lies ahead of the clock in an environment or a preview, for who only looks."""
    with connected(config.settings.memory_limit_megabytes) as connection:
        lake = open_to_read(config, environment)
        return future_runs(config, lake, connection=connection, clock=read_clock(), asked=environment)


def future_runs(
    config: Config,
    lake: Lake,
    *,
    connection: Connection,
    clock: Clock,
    asked: str | None = None,
    left: tuple[UnfinishedRun, ...] = (),
) -> FutureRuns | None:
    """What lies ahead of the clock; None where nothing does, or nothing that any table or window knows of.

    Of a preview the lake it stands on comes first: it has its own way back. `asked` is the environment or preview that
    was named; `left` are runs that never said how they ended. Tables that the catalogue does not know are left alone,
    as no way back reaches them.
    """
    if lake.base is not None:
        of_base = future_runs(config, lake.base, connection=connection, clock=clock, asked=asked)
        if of_base is not None:
            return of_base
    now = naive_utc(clock.start)
    began = _began(lake, connection) | {one.run: one.started_at for one in left if one.started_at is not None}
    counting = _asking(config, lake, connection, now=now, began=began)
    if any(at > now for at in began.values()):
        counting |= {run: began[run] for run in _showing(config, lake) if began.get(run, now) > now}
    if not counting:
        return None
    newest, first = max(counting), min(counting)
    good = [run for run, at in began.items() if at <= now]
    before = max((run for run in good if run < first), default=0) if good else None
    environment = _name_to_show(config, lake, asked)
    return FutureRuns(newest, counting[newest], now, first=first, before=before, environment=environment)


def _name_to_show(config: Config, lake: Lake, asked: str | None) -> str:
    """The environment or preview to name: a base that was not asked for itself is named, too."""
    name = lake.preview or environment_of(config, asked)
    return "" if name == next(iter(config.environments)) and asked in (None, name) else name


def _began(lake: Lake, connection: Connection) -> dict[int, datetime]:
    """When each recorded run began, of a preview those of its base as well."""
    rows = built_in_rows_sql(lake, "operations", "runs", columns=("run", "started_at"))
    query = f"select run, min(started_at) from {rows} where started_at is not null group by run"
    others = _began(lake.base, connection) if lake.base is not None else {}
    return others | dict(connection.execute(query).fetchall())


def _asking(
    config: Config, lake: Lake, connection: Connection, *, now: datetime, began: Mapping[int, datetime]
) -> dict[int, datetime]:
    """The runs ahead of which requests, or what is concluded from them, stand in the ledger and are not voided."""
    table = lake.find("raw", "api_requests")
    files = data_files(table) if table is not None else []
    good = {run for run, at in began.items() if at <= now}
    others = [file for file in files if table is not None and not _is_of(good, bounds_of(table, file, "run"))]
    if table is None or not others:
        return {}
    columns = ("run", "request_id", "resource", "batch", "event", "requested_at")
    some, every = (rows_sql(chosen, table.schema(), columns=columns) for chosen in (others, files))
    later = f"select true from {some} where requested_at > {literal(str(now))}::timestamp limit 1"
    if not connection.execute(later).fetchall():
        return {}
    known = ", ".join(map(literal, catalogue_of(config).resources))
    query = f"""
        select run, min(requested_at) from ({without_voided_sql(every)})
        where event not in {(COUNT, VOIDED, RESTORED, LOST)} and resource in ({known}) group by run"""
    found = {run: began.get(run, at) for run, at in connection.execute(query).fetchall()}
    return {run: at for run, at in found.items() if at > (now if run in began else now + ON_ITS_WAY)}


def _is_of(runs: Collection[int], bounds: tuple[int, int]) -> bool:
    """Whether every run between two numbers is one of these."""
    return all(run in runs for run in range(bounds[0], bounds[1] + 1))


def _showing(config: Config, lake: Lake) -> set[int]:
    """The runs that made the versions that are shown."""
    found = set()
    for name in lake.names("refined"):
        kind, _, resource = name.partition("_")
        is_own = lake.base is None or resource in lake.own
        if kind in ("increment", "current") and is_own and resource in catalogue_of(config).resources:
            with suppress(LakeError):  # of a damaged table other findings tell
                table = lake.find("refined", name)
                version = table.current_snapshot() if table is not None else None
                found.update([made_by(version)] if version is not None else [])
    return found
