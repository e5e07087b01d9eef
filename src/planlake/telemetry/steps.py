"""How one step of a table ended, as log and lineage report it."""

from dataclasses import dataclass
from typing import Literal, get_args

from planlake.checks.quality import CheckResult

StepName = Literal["ingest", "refine", "snapshot", "trust"]
STEPS: tuple[StepName, ...] = get_args(StepName)  # in the order in which a table goes through them
StepOutcome = Literal["done", "unchanged", "open", "held", "failed", "stopped"]


@dataclass(frozen=True, slots=True)
class StepEnd:
    """How one step of a table ended.

    `rows` and `bytes` are those it wrote, `received` and `received_bytes` those an API sent. None where the step has no
    such figure.
    """

    outcome: StepOutcome
    message: str = ""
    rows: int | None = None
    bytes: int | None = None
    received: int | None = None
    received_bytes: int | None = None
    checks: tuple[CheckResult, ...] = ()
    seconds: float = 0.0
