"""Plans a run: for each table the stages that the run will carry out, from the ledger's history and the clock.

Nothing is asked of the API and nothing is written. A run walks these very records, and `planlake plan` shows them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from planlake.clock import Clock, naive_utc
from planlake.config import Config, Settings
from planlake.errors import ConfigurationError
from planlake.flow.ingest.audit_slices import Slice, due_slice, has_number_ids, is_read_by_days
from planlake.flow.ingest.windows import Due, Request, RequestKind, Window, due_windows, from_first_day_on
from planlake.flow.refine.rebuild_reasons import RebuildWhen
from planlake.lake.state.ledger import FULL, History
from planlake.sources.catalogue import Cadence, Catalogue, Resource
from planlake.telemetry.steps import StepName


@dataclass(frozen=True, slots=True)
class IngestStage:
    """Ask the API for these windows, in order, then compare the slice `audit` of the table with it.

    `gaps` are days that will not be asked for, `new_gaps` those of them that the ledger does not name yet.
    """

    windows: tuple[Window, ...]
    why: str
    gaps: tuple[date, ...] = ()
    new_gaps: tuple[date, ...] = ()
    audit: Slice | None = None


@dataclass(frozen=True, slots=True)
class RefineStage:
    """Apply the raw rows that are new; `rebuild` says what makes it apply all of them again."""

    why: str
    rebuild: RebuildWhen = "if changed"


@dataclass(frozen=True, slots=True)
class SnapshotStage:
    """Bring the latest version of each id up to date, if refining was not held back."""

    why: str


@dataclass(frozen=True, slots=True)
class CountStage:
    """Compare the rows held with the total that the API gives, by one request."""

    why: str


Stage = IngestStage | RefineStage | SnapshotStage | CountStage


@dataclass(frozen=True, slots=True)
class TablePlan:
    """What a run does to one table: its stages, in this order. A table whose turn it is has one at least."""

    table: str
    cadence: Cadence
    stages: tuple[Stage, ...]

    @property
    def why(self) -> str:
        """Why its turn has come."""
        return self.stages[0].why

    @property
    def ingest(self) -> IngestStage | None:
        """The stage that asks the API for windows; none where only what was received before is applied."""
        return next((stage for stage in self.stages if isinstance(stage, IngestStage)), None)

    @property
    def windows(self) -> tuple[Window, ...]:
        """What the API is asked for."""
        return self.ingest.windows if self.ingest else ()

    @property
    def asks_the_api(self) -> bool:
        """Whether any stage needs the API."""
        return bool(self.windows) or any(isinstance(stage, CountStage) for stage in self.stages)


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a plan as it is shown: which step of which table, why, and for an ingest what it asks for.

    `gaps` are days that will not be asked for, `audit` is the slice that is compared once the windows are read.
    """

    table: str
    step: StepName
    why: str
    cadence: Cadence
    windows: tuple[Window, ...] = ()
    gaps: tuple[date, ...] = ()
    new_gaps: tuple[date, ...] = ()
    audit: Slice | None = None


def steps_of(plans: Sequence[TablePlan]) -> Iterator[Step]:
    """The stages of all tables as they are shown; a count is one request and changes nothing, so it is left out."""
    for table in plans:
        for stage in table.stages:
            match stage:
                case IngestStage(windows, why, gaps, new_gaps, audit):
                    yield Step(table.table, "ingest", why, table.cadence, windows, gaps, new_gaps, audit)
                case RefineStage(why):
                    yield Step(table.table, "refine", why, table.cadence)
                case SnapshotStage(why):
                    yield Step(table.table, "snapshot", why, table.cadence)


def steps_of_models(models: Iterable[str]) -> Iterator[Step]:
    """The trusted tables of a plan, in the order in which they would be built."""
    return (Step(f"trusted.{name}", "trust", "if changed", "daily") for name in models)


@dataclass(frozen=True, slots=True)
class Selection:
    """What was asked for: tables by name (none: all configured ones), steps, and how much.

    Tables that are named are read due or not; with a `cadence`, those of it that are due, named or not.

    `backfill` are days to read whatever the ledger says; `accepts_gaps` closes windows although pages failed;
    `accepts_deletions` believes more deletions than the limit; `recasts` asks the API for nothing and rebuilds what
    a change of the catalogue affects.
    """

    tables: tuple[str, ...] = ()
    cadence: Cadence | None = None
    step: StepName | None = None
    is_full: bool = False
    accepts_gaps: bool = False
    accepts_deletions: bool = False
    backfill: tuple[date, ...] = ()
    recasts: bool = False

    @property
    def builds_models(self) -> bool:
        """Whether trusted tables are brought up to date too."""
        return self.step in (None, "trust")


def plan(
    config: Config, catalogue: Catalogue, histories: Mapping[str, History], *, clock: Clock, selection: Selection
) -> list[TablePlan]:
    """What a run does to each table that is due or named, in order; nothing where only models are to be built."""
    plans: list[TablePlan] = []
    if selection.step == "trust":
        return plans
    for name, cadence in _selected_tables(config, catalogue, selection):
        if selection.recasts:
            why = "recast where affected"
            stages: list[Stage] = [RefineStage(why, "if affected"), SnapshotStage(why)]
        else:
            kind: RequestKind = (
                "full" if selection.is_full else "named" if selection.tables and not selection.cadence else "due"
            )
            asking = _Asking(config.settings, catalogue, clock, Request(kind, cadence, selection.backfill))
            stages = _stages(asking, catalogue.resource(name), histories.get(name, History()), only=selection.step)
        plans.append(TablePlan(name, cadence, tuple(stages)))
    return plans


@dataclass(frozen=True, slots=True)
class _Asking:
    """What decides beside its history what a table needs: settings, the API's ways, the day, how it was asked for."""

    settings: Settings
    catalogue: Catalogue
    clock: Clock
    request: Request


def _stages(asking: _Asking, resource: Resource, history: History, *, only: StepName | None) -> list[Stage]:
    """A table's ingest, then refine and snapshot for what it brings, then the count; one step `only` if it is named."""
    ingest = _ingest_stage(asking, resource, history) if only in (None, "ingest") else None
    stages: list[Stage] = [ingest] if ingest else []
    if only in (None, "refine"):
        stages.append(RefineStage("if new rows"))
    if only in (None, "snapshot"):
        stages.append(SnapshotStage("if new rows"))
    if ingest and (why := _why_counted(asking, resource, history, ingest)):
        stages.append(CountStage(why))
    return stages


def _ingest_stage(asking: _Asking, resource: Resource, history: History) -> IngestStage:
    settings, request = asking.settings, asking.request
    due = due_windows(resource, history, clock=asking.clock, settings=settings, request=request)
    if asking.catalogue.dialect.day_filter == "since":
        due = from_first_day_on(due)
    audit = None
    if _is_to_be_audited(resource, due, request):
        size = history.per_page or asking.catalogue.page_size
        audit = due_slice(history, asking.clock.today(), page_size=size, audit_days=settings.audit_days)
    return IngestStage(due.windows, due.why, due.gaps, due.new_gaps, audit)


def _is_to_be_audited(resource: Resource, due: Due, request: Request) -> bool:
    """Whether a slice is compared beside these windows: of a table that is read by days, on an ordinary day."""
    by_days = bool(due.windows) and all(window.name != FULL for window in due.windows) and not request.backfill
    return by_days and is_read_by_days(resource, request.cadence) and has_number_ids(resource)


def _why_counted(asking: _Asking, resource: Resource, history: History, ingest: IngestStage) -> str:
    """Why a table is counted: it differed last time, or was neither counted nor read in full for a week (setting)."""
    last, count = history.last_full(), history.last_count
    if last is None:
        return ""
    if count is not None and count.counted_at >= last.started_at and count.held != count.total:
        return f"the API had {count.total} when {count.held} were held"
    if asking.request.cadence == "weekly" or not resource.changed or not ingest.windows:
        return ""
    now, days = naive_utc(asking.clock.now()), asking.settings.count_every_days
    newest = max(last.started_at, count.counted_at if count else last.started_at)
    if count is not None and newest > now:
        return "counted at a time that has not come yet"
    is_due = (now.date() - newest.date()).days >= days  # of the calendar: a run is never just as quick
    return f"every {days} days" if is_due else ""


def _selected_tables(config: Config, catalogue: Catalogue, selection: Selection) -> Sequence[tuple[str, Cadence]]:
    configured: dict[str, Cadence] = dict.fromkeys(config.tables.daily, "daily")
    configured.update(dict.fromkeys(config.tables.weekly, "weekly"))
    if selection.tables:
        chosen = {name: configured.get(name) or catalogue.resource(name).cadence for name in selection.tables}
        return [item for item in chosen.items() if selection.cadence in (None, item[1])]
    if not configured:
        hint = "name some under tables: in planlake.yaml, or on the command line"
        raise ConfigurationError("no table is configured", hint=hint)
    return [item for item in configured.items() if selection.cadence in (None, item[1])]
