"""The records of what a run did: one for each table, and one for the run as a whole."""

import os
from dataclasses import dataclass
from datetime import date
from typing import Literal

from planlake.checks.quality import CheckResult, reasons
from planlake.errors import LakeError, PlanlakeError
from planlake.flow.ingest.result import IngestResult
from planlake.flow.refine.result import RefineResult
from planlake.flow.snapshot.result import SnapshotResult
from planlake.flow.trust.result import ModelResult
from planlake.lake.state.ledger import RECOUNT
from planlake.sources.catalogue import Resource
from planlake.telemetry.reporter import reason_of
from planlake.telemetry.steps import StepEnd, StepOutcome

Outcome = Literal["loaded", "unchanged", "up to date", "open", "held", "failed", "rebuilt"]


@dataclass(frozen=True, slots=True)
class TableResult:
    """What a run did to one table; steps that were not taken are None.

    `expectations` are what is checked when all tables are done, and only told; `is_published` says whether the table
    shows a version, of this run or an earlier one. `damage` says which of its files are gone or damaged, `repair` what
    command helps.
    """

    table: str
    outcome: Outcome
    message: str = ""
    ingest: IngestResult | None = None
    refine: RefineResult | None = None
    snapshot: SnapshotResult | None = None
    expectations: tuple[CheckResult, ...] = ()
    gaps: tuple[date, ...] = ()
    new_gaps: tuple[date, ...] = ()
    seconds: float = 0.0
    is_published: bool = True
    damage: str = ""
    repair: str = ""

    @property
    def gated(self) -> tuple[CheckResult, ...]:
        """What the gates of all steps found."""
        steps = (self.ingest, self.refine, self.snapshot)
        return tuple(check for step in steps if step is not None for check in step.checks)

    @property
    def checks(self) -> tuple[CheckResult, ...]:
        """Every check of the table: what the gates found, then what is only told.

        What was well with the rows of a run is not well where that of earlier ones is not.
        """
        not_well = {one.check for one in self.expectations if one.verdict != "ok"}
        gated = (one for one in self.gated if one.verdict != "ok" or one.check not in not_well)
        return (*gated, *self.expectations)

    @property
    def is_troubled(self) -> bool:
        """Whether something of this table needs a look: it failed, stayed open, or lost days or pages."""
        given_up = self.ingest is not None and self.ingest.gap_pages
        uncounted = self.ingest is not None and any(event == RECOUNT for _, event, _ in self.ingest.unproven)
        unproven = self.ingest is not None and self.ingest.audit is not None and not self.ingest.audit.is_proven
        is_short = bool(self.new_gaps or given_up or uncounted or unproven)
        return self.outcome in ("failed", "open", "held") or bool(self.damage) or is_short


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run did: its number, its London day, a result per table; trouble with views in the
    catalogue and with housekeeping, news of the page, and which engine did what where that was chosen.
    """

    run: int
    run_date: date
    tables: tuple[TableResult, ...]
    seconds: float
    views: str = ""
    housekeeping: str = ""
    documentation: str = ""
    engines: str = ""
    models: tuple[ModelResult, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 where all is well, 1 where a table or model failed or stayed open, lost days to the cap or has no views."""
        return 1 if self.troubled or self.views or any(one.is_troubled for one in self.models) else 0

    @property
    def outcome(self) -> Literal["finished", "nothing to do"]:
        """Whether something was done to any table."""
        done = [*(table.outcome for table in self.tables), *(model.outcome for model in self.models)]
        return "finished" if any(one != "up to date" for one in done) else "nothing to do"

    @property
    def troubled(self) -> list[str]:
        """The tables that need a look."""
        return [table.table for table in self.tables if table.is_troubled]


StepResult = IngestResult | RefineResult | SnapshotResult


def step_end(result: StepResult) -> StepEnd:
    """How a step ended that did not raise an error."""
    if isinstance(result, IngestResult):
        return _ingest_end(result)
    if held := reasons(result.checks, has_examples=False):
        return StepEnd("held", held, checks=result.checks)
    rows = result.rows if isinstance(result, RefineResult) else result.changed
    outcome: StepOutcome = "done" if rows else "unchanged"
    return StepEnd(outcome, rows=rows, bytes=result.bytes, checks=result.checks)


def _ingest_end(result: IngestResult) -> StepEnd:
    if held := reasons(result.checks):
        return StepEnd("held", held, received=result.records, received_bytes=result.bytes, checks=result.checks)
    outcome: StepOutcome = "open" if result.open else "done" if result.stored else "unchanged"
    message = "; ".join(f"{window}: {reason}" for window, reason in result.open[:1])
    return StepEnd(outcome, message, rows=result.stored, received=result.records, received_bytes=result.bytes)


def failed_result(resource: Resource, error: Exception) -> TableResult:
    """The result of a table that an error ended; with PLANLAKE_DEBUG what nobody foresaw is raised again instead."""
    if "PLANLAKE_DEBUG" in os.environ and not isinstance(error, PlanlakeError | OSError):
        raise error
    is_damage = isinstance(error, LakeError) and error.hint.startswith("planlake ") and error.hint != "planlake doctor"
    repair = error.hint if isinstance(error, LakeError) and is_damage else ""
    return TableResult(resource.name, "failed", reason_of(error, is_personal=bool(resource.personal)), repair=repair)
