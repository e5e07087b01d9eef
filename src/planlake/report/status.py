"""How a lake stands: what is not well, and each table with its figures."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

import duckdb

from planlake.clock import london_day, naive_utc, read_clock
from planlake.config import Config
from planlake.engines.duckdb.connection import Connection, connected_to_read
from planlake.engines.sql import literal
from planlake.errors import ConfigurationError, LakeError, PlanlakeError
from planlake.flow.future_dated_runs import future_runs
from planlake.inspection.own_checks import mistaken_checks
from planlake.lake.built_in_tables import built_in_rows_sql
from planlake.lake.lake import Lake
from planlake.lake.open_lake import open_to_read
from planlake.lake.repair.damage import explain_error
from planlake.lake.row_counts import Counted, Held, count_held, held_in
from planlake.lake.state.journal import Entry, standing_rollbacks
from planlake.lake.state.ledger import CLOSED, FULL, GAP, Gap, History, ledger_in, raw_rows_sql, read_histories
from planlake.lake.state.operations import published_dates
from planlake.lake.state.raw import RawFiles
from planlake.lake.tables.unreadable import UNREADABLE
from planlake.lake.tables.version_summary import bookmark
from planlake.report.audit_share import Share, audited_ranges, share_of
from planlake.report.models import notes_of_models, troubles_of_models
from planlake.report.run_history import failed_again, last_runs, series_of_tables, unfinished_runs
from planlake.report.standing import troubles_of_files, troubles_of_place
from planlake.report.troubles import (
    Facts,
    Ran,
    Series,
    SetBack,
    Trouble,
    joined,
    named,
    troubles_of,
    troubles_of_runs,
    unanswered,
)
from planlake.sources.catalogue import Cadence, Catalogue, Resource, catalogue_of


@dataclass(frozen=True, slots=True)
class TableStatus:
    """One table: rows held against the API's total when it was last known, what is missing, the last error.

    `total` and `counted_at` (UTC) are of the last count or full reading; None before the first. `since` is how many
    rows more are held than that total, which came since then if all is well. `trouble` is a word for the worst that
    is not well, empty where all is; `held` is None where files of it are damaged; `audit` says how much of a table
    that is read by days was compared with the API.
    """

    table: str
    published: str | None
    held: int | None
    total: int | None
    counted_at: datetime | None
    gaps: tuple[str, ...]
    open: tuple[str, ...]
    last_error: str | None
    trouble: str = ""
    audit: Share = field(default_factory=Share)
    since: int = 0

    @property
    def is_complete(self) -> bool:
        """Whether nothing speaks against the table being the same as the API's, and nothing came since they were."""
        return self.total is not None and not self.trouble and not self.since


@dataclass(frozen=True, slots=True)
class Status:
    """How a lake stands: what is not well, the worst first, what is only told, and each table.

    `notes` are well in themselves: a run is under way, tables that are loaded and no longer configured. `unanswered`
    are tables that are as complete as they were, of which the API did not answer when it was last asked about today.
    """

    troubles: tuple[Trouble, ...]
    notes: tuple[str, ...]
    tables: tuple[TableStatus, ...]
    unanswered: tuple[Trouble, ...] = ()

    @property
    def is_well(self) -> bool:
        """Whether nothing is known that is not well."""
        return not self.troubles

    @property
    def told(self) -> tuple[str, ...]:
        """A sentence for all that is told and no trouble."""
        return (*(one.sentence for one in self.unanswered), *self.notes)


def status(config: Config, environment: str | None = None) -> Status:
    """The status of the lake and of every configured table."""
    lake = open_to_read(config, environment, stacklevel=None)  # a trouble says where it lies
    with connected_to_read(config.settings.memory_limit_megabytes) as connection:
        return status_of(config, lake, connection, environment)


def status_of(config: Config, lake: Lake, connection: Connection, environment: str | None = None) -> Status:
    """The status of a lake that is open to be read, and of every configured table."""
    with ledger_in(lake, connection) as ledger, _runs_in(lake, connection) as runs:
        return _status_of(config, _known(config, lake, connection, ledger=ledger, runs=runs), environment)


@contextmanager
def _runs_in(lake: Lake, connection: Connection) -> Iterator[str]:
    """What `runs` says of runs and tables, in a table of the connection."""
    columns = ("run", "resource", "outcome", "message", "started_at")
    rows = built_in_rows_sql(lake, "operations", "runs", columns=columns)
    connection.execute(f"create or replace temp table every_run as from {rows}")
    yield "every_run"
    connection.execute("drop table every_run")


def _status_of(config: Config, known: "_Known", environment: str | None) -> Status:
    lake, connection = known.lake, known.connection
    of_place = tuple(troubles_of_place(lake))
    pairs = [_table_or_damage(config, known, *one) for one in cadences(config).items()]
    ran = last_runs(connection, known.runs)
    of_models = tuple(troubles_of_models(config, connection, known.runs))
    unfinished = unfinished_runs(lake, connection)
    ahead = future_runs(config, lake, connection=connection, clock=read_clock(), asked=environment)
    under_way = [f"run {one.run} is under way" for one in unfinished if one.outcome == "under way"]
    lost = [Ran(one.run, one.started_at, one.outcome, one.message) for one in reversed(unfinished)]
    today = read_clock().today()
    of_clock = (Trouble("clock", ahead.warning, ahead.hint),) if ahead is not None else ()
    of_runs = tuple(troubles_of_runs([*(one for one in lost if one.outcome != "under way"), *ran], today))
    of_checks = joined(_mistaken_checks(config, lake))
    damaged = tuple(troubles_of_files(lake, cadences(config), known.raw))
    bad = {name for one in damaged for name in one.tables}
    pairs = [(one, [] if one.table in bad and one.held is None else found) for one, found in pairs]  # said already
    of_tables = _one_where_nothing_is([one for _, found in pairs for one in found], len(pairs))
    troubles = (*of_place, *of_clock, *joined(damaged), *of_runs, *of_checks, *of_tables, *of_models)
    pairs = [(replace(table, trouble="damaged") if table.table in bad else table, found) for table, found in pairs]
    if (
        of_place or of_clock or of_runs or any(not one.tables for one in damaged)
    ):  # what nobody could look at is not known to be complete
        pairs = [(replace(table, trouble=table.trouble or "not known"), found) for table, found in pairs]
    return Status(
        troubles,
        (*under_way, *_not_configured(config, lake), *notes_of_models(config, lake)),
        tuple(table for table, _ in pairs),
        tuple(_unanswered(connection, known.ledger, [table.table for table, _ in pairs if not table.trouble])),
    )


def of_tables(found: Status, tables: Sequence[str]) -> Status:
    """What concerns some tables of a status; trouble of the whole lake concerns all.

    Raises ConfigurationError for a table that is not configured.
    """
    configured = {one.table for one in found.tables}
    for name in tables:
        if name not in configured:
            raise ConfigurationError(f'"{name}" is not configured', hint=f"planlake add {name}")
    troubles = tuple(one for one in found.troubles if not one.tables or {*one.tables} & {*tables})
    unanswered_ones = tuple(one for one in found.unanswered if {*one.tables} & {*tables})
    shown = tuple(one for one in found.tables if one.table in tables)
    return replace(found, troubles=troubles, tables=shown, unanswered=unanswered_ones)


def _mistaken_checks(config: Config, lake: Lake) -> Iterator[Trouble]:
    """Checks of one's own that no run can carry out."""
    for check, error in mistaken_checks(config, lake):
        hint = "correct the condition in the configuration's checks, then planlake run TABLE"
        yield Trouble("check", str(error), hint, (check.table,))


def _unanswered(connection: Connection, ledger: str, tables: Sequence[str]) -> Iterator[Trouble]:
    """The days that were asked for once more, without an answer, when tables that are well were last asked for."""
    found: dict[tuple[tuple[date, ...], str], list[str]] = {}
    failed = failed_again(connection, ledger)
    for name in tables:
        if name in failed:
            found.setdefault(failed[name], []).append(name)
    for (days, why), alike in found.items():
        yield unanswered(alike, days, why, read_clock().today())


def _one_where_nothing_is(troubles: Sequence[Trouble], tables: int) -> list[Trouble]:
    """The troubles, those of all tables alike in one; of a lake that holds nothing only that."""
    if tables and len(troubles) == tables and all(one.kind == "not loaded" for one in troubles):
        return [Trouble("not loaded", "nothing was loaded yet", "planlake run")]
    return joined(troubles)


def cadences(config: Config) -> dict[str, Cadence]:
    """How often each configured table is read."""
    daily: dict[str, Cadence] = dict.fromkeys(config.tables.daily, "daily")
    weekly: dict[str, Cadence] = dict.fromkeys(config.tables.weekly, "weekly")
    return {**daily, **weekly}


def _not_configured(config: Config, lake: Lake) -> list[str]:
    """Tables that are loaded and that no run keeps up to date any more."""
    loaded = (name.removeprefix("current_") for name in lake.names("refined") if name.startswith("current_"))
    left = [name for name in loaded if name not in cadences(config)]
    if not left or lake.base is not None:
        return []
    return [f"{named(left)}: loaded but not configured: runs update {'them' if left[1:] else 'it'} only when named"]


@dataclass(frozen=True, slots=True)
class _Known:
    """What is read once for all tables; `ledger` and `runs` are tables of the connection."""

    lake: Lake
    resources: Catalogue
    connection: Connection
    ledger: str
    runs: str
    histories: Mapping[str, History]
    published: Mapping[str, str]
    errors: Mapping[str, str]
    series: Mapping[str, Series]
    excused: Mapping[str, int]
    rollbacks: Mapping[str, Entry]
    raw: RawFiles
    held: Mapping[str, Held]


def _known(config: Config, lake: Lake, connection: Connection, *, ledger: str, runs: str) -> _Known:
    resources, histories = catalogue_of(config), read_histories(lake, connection, ledger)
    wanted = [_counted(config, resources.resource(name), histories) for name in cadences(config)]
    return _Known(
        lake,
        resources,
        connection,
        ledger,
        runs,
        histories,
        published_dates(lake, connection),
        _last_errors(connection, ledger),
        series_of_tables(connection, runs),
        _excused(lake, connection, ledger),
        _rollbacks(config, lake, connection, histories),
        RawFiles(lake),
        count_held(lake, connection, wanted),
    )


def _counted(config: Config, resource: Resource, histories: Mapping[str, History]) -> Counted:
    """A table, and the ids of it that were audited."""
    history = histories.get(resource.name, History())
    return Counted(resource, audited_ranges(config, resource, history, today=read_clock().today()))


def _rollbacks(
    config: Config, lake: Lake, connection: Connection, histories: Mapping[str, History]
) -> dict[str, Entry]:
    """The rollbacks that stand; of what was voided only where there is anything to ask for again."""
    found = standing_rollbacks(lake, connection)
    if not any(entry.zone == "all" for entry in found.values()):
        return found
    from planlake.runs.plan import Selection, plan  # noqa: PLC0415 - brings the steps, for what is seldom there

    plans = plan(config, catalogue_of(config), histories, clock=read_clock(), selection=Selection())
    due = {one.table for one in plans if one.windows}
    return {name: entry for name, entry in found.items() if entry.zone != "all" or name in due}


def _table_or_damage(config: Config, known: _Known, name: str, cadence: Cadence) -> tuple[TableStatus, list[Trouble]]:
    """A table and what is not well with it; one that cannot be read hides none of the others."""
    try:
        return _table(config, known, name, cadence)
    except (PlanlakeError, duckdb.Error, OSError, *UNREADABLE) as error:
        said = explain_error(known.lake, error, name)
        if not isinstance(said, LakeError) or not said.hint:
            raise
    history = known.histories.get(name, History())
    total, counted_at = _last_total(history, read_clock().today())
    trouble = Trouble("damaged", f"damaged: {said.message}", said.hint, (name,))
    table = TableStatus(
        name, known.published.get(name), None, total, counted_at, (), (), known.errors.get(name), trouble.kind
    )
    return table, [trouble]


def _table(config: Config, known: _Known, name: str, cadence: Cadence) -> tuple[TableStatus, list[Trouble]]:
    resource, lake = known.resources.resource(name), known.lake
    history = known.histories.get(name, History())
    current = lake.shown("refined", f"current_{name}")
    total, counted_at = _last_total(history, read_clock().today())
    open_windows = tuple(dict.fromkeys(window for window, _ in history.failures))
    if history.has_open_window and not open_windows:
        open_windows = tuple(dict.fromkeys(page.window for page in history.pages))
    published, count = known.published.get(name), history.last_count
    is_counted = count is not None and count.counted_at == counted_at
    held = known.held.get(name) or held_in(lake, known.connection, _counted(config, resource, known.histories))
    facts = Facts(
        name,
        cadence,
        read_clock().today(),
        is_loaded=history.last_full() is not None,
        is_sampled=history.is_sampled,
        has_version=current is not None and current.current_snapshot() is not None,
        published=datetime.strptime(published, "%Y%m%d").date() if published else None,  # noqa: DTZ007 - a day
        series=known.series.get(name),
        open=open_windows,
        gaps=_until(history.gaps, naive_utc(read_clock().now())),
        held=held.rows,
        total=total,
        held_then=count.held if is_counted and count else None,
        counted_on=london_day(counted_at) if counted_at else None,
        excused=known.excused.get(name, 0),
        waiting=_is_waiting(known, name, applied=bookmark(current)),
        believed_percent=config.settings.deletion_limit_percent,
        set_back=_set_back(known.rollbacks.get(name), history, bookmark(current)),
    )
    troubles = troubles_of(facts)
    gaps = tuple(dict.fromkeys(gap.window for gap in facts.gaps))
    verdict = troubles[0].kind if troubles else ""
    error = known.errors.get(name)
    share = share_of(config, resource, history, held=held, today=read_clock().today())
    since = max(0, facts.held - total) if total is not None else 0
    table = TableStatus(
        name, published, facts.held, total, counted_at, gaps, open_windows, error, verdict, share, since=since
    )
    return table, troubles


def _set_back(entry: Entry | None, history: History, applied: int) -> SetBack | None:
    """The rollback of a table, where nothing was applied since; of one that voided batches, nothing received."""
    if entry is None or applied > entry.batch_to:
        return None
    is_voided = entry.zone == "all"
    if is_voided and history.last_batch > max(entry.voided, default=0):
        return None
    return SetBack(entry.action, entry.target, is_voided)


def _is_waiting(known: _Known, name: str, *, applied: int) -> bool:
    """Whether raw holds records that no table shows yet."""
    files = known.raw.above(name, applied)
    if not files:
        return False
    columns = ("resource", "batch", "request_id")
    rows = raw_rows_sql(known.lake.holder(name), files, name, applied, columns=columns)
    return bool(known.connection.execute(f"select true from {rows} limit 1").fetchall())


def _until(gaps: Sequence[Gap], now: datetime) -> tuple[Gap, ...]:
    """Gaps without those of a run whose clock was ahead: what takes that run back takes them back too."""
    soon = now + timedelta(hours=1)  # a moment that is set for a run goes on while it runs
    return tuple(gap for gap in gaps if gap.given_up_at is None or gap.given_up_at <= soon)


def _excused(lake: Lake, connection: Connection, ledger: str) -> dict[str, int]:
    """How many records the API counts that are no rows: refused, forgotten, or sent twice in the last full reading."""
    query = f"""
        select resource, sum(number)::bigint from (
            select resource, count(*) as number
            from {built_in_rows_sql(lake, "operations", "rejected", columns=("resource",))} group by all
            union all
            select resource, count(distinct id_hash)
            from {built_in_rows_sql(lake, "operations", "forgotten", columns=("resource", "id_hash"))} group by all
            union all
            select resource, coalesce(arg_max(repeated, request_id), 0) from {ledger}
            where event = {literal(CLOSED)} and "window" = {literal(FULL)} group by all) group by resource"""
    return dict(connection.execute(query).fetchall())


def _last_total(history: History, today: date) -> tuple[int | None, datetime | None]:
    last, counted = history.last_full(), history.last_count
    if counted and london_day(counted.counted_at) <= today and (last is None or counted.counted_at >= last.started_at):
        return counted.total, counted.counted_at
    return (last.records, last.started_at) if last else (None, None)


def _last_errors(connection: Connection, ledger: str) -> dict[str, str]:
    query = f"""
        select resource, arg_max("window" || coalesce(' page ' || page, '') || ': ' || error, request_id)
        from {ledger} where error is not null and event <> {literal(GAP)} group by resource"""
    return dict(connection.execute(query).fetchall())
