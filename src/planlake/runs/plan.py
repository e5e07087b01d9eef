"""Plans a run: the list of steps it will carry out, from the ledger's history and the clock.

Nothing is asked of the API and nothing is written; `planlake plan` prints what `planlake run` does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from planlake.clock import Clock
from planlake.config import Config
from planlake.errors import ConfigurationError
from planlake.flow.ingest.audit_slices import Slice, due_slice, has_number_ids, is_read_by_days
from planlake.flow.ingest.windows import Asked, Due, Request, Window, due_windows, from_first_day_on
from planlake.lake.state.ledger import FULL, History
from planlake.sources.catalogue import Cadence, Catalogue, Resource
from planlake.telemetry.steps import STEPS, StepName


@dataclass(frozen=True, slots=True)
class Step:
    """One thing a run does: to which table, why, and for an ingest which windows and what will not be asked for.

    `audit` is the slice that is compared once the windows are read.
    """

    table: str
    step: StepName
    why: str
    cadence: Cadence
    windows: tuple[Window, ...] = ()
    gaps: tuple[date, ...] = ()
    new_gaps: tuple[date, ...] = ()
    audit: Slice | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    """What was asked for: tables by name (none: all configured ones of the cadence), steps, and how much.

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


def plan(
    config: Config, catalogue: Catalogue, histories: Mapping[str, History], *, clock: Clock, selection: Selection
) -> list[Step]:
    """Every step of a run in order: a table's ingest, then its refine and snapshot if there are new rows."""
    steps: list[Step] = []
    asked: Asked = "full" if selection.is_full else "named" if selection.tables else "due"
    for name, cadence in _selected(config, catalogue, selection):
        if selection.recasts:
            steps += [Step(name, step, "recast where affected", cadence) for step in STEPS[1:]]
            continue
        history = histories.get(name, History())
        request = Request(asked, cadence, selection.backfill)
        due = due_windows(catalogue.resource(name), history, clock=clock, settings=config.settings, request=request)
        if catalogue.dialect.day_filter == "since":
            due = from_first_day_on(due)
        if selection.step in (None, "ingest"):
            audit = None
            if _is_to_be_audited(catalogue.resource(name), due, request):
                days, size = config.settings.audit_days, history.per_page or catalogue.page_size
                audit = due_slice(history, clock.today(), page_size=size, audit_days=days)
            steps.append(Step(name, "ingest", due.why, cadence, due.windows, due.gaps, due.new_gaps, audit))
        steps += [Step(name, step, "if new rows", cadence) for step in STEPS[1:] if selection.step in (None, step)]
    return steps


def _is_to_be_audited(resource: Resource, due: Due, request: Request) -> bool:
    """Whether a slice is compared beside these windows: of a table that is read by days, on an ordinary day."""
    by_days = bool(due.windows) and all(window.name != FULL for window in due.windows) and not request.backfill
    return by_days and is_read_by_days(resource, request.cadence) and has_number_ids(resource)


def _selected(config: Config, catalogue: Catalogue, selection: Selection) -> Sequence[tuple[str, Cadence]]:
    configured: dict[str, Cadence] = dict.fromkeys(config.tables.daily, "daily")
    configured.update(dict.fromkeys(config.tables.weekly, "weekly"))
    if selection.tables:
        return [(name, configured.get(name) or catalogue.resource(name).cadence) for name in selection.tables]
    if not configured:
        hint = "name some under tables: in planlake.yaml, or on the command line"
        raise ConfigurationError("no table is configured", hint=hint)
    return [item for item in configured.items() if selection.cadence in (None, item[1])]
