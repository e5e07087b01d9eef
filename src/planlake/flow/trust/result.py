"""What a run did to one model."""

from dataclasses import dataclass
from typing import Final, Literal

from planlake.checks.quality import CheckResult

TRUSTED: Final = "trusted."  # how the names of models begin where tables are told of: in `runs`, `checks` and the log
ModelOutcome = Literal["built", "up to date", "held", "failed", "left alone", "waiting"]


@dataclass(frozen=True, slots=True)
class ModelResult:
    """One model: what became of it and why, the rows of the version it shows, its checks.

    It is held where a check failed and failed where its SQL did; what stands on it is left alone. The version before
    stays then. It waits where a table that it reads was never loaded, which is no trouble. A view is checked, at each
    run; nothing of it can be held back, so it shows what is wrong. A table whose model is gone is up to
    date, with a message.
    """

    model: str
    outcome: ModelOutcome
    message: str = ""
    rows: int | None = None
    seconds: float = 0.0
    checks: tuple[CheckResult, ...] = ()
    is_view: bool = False

    @property
    def is_troubled(self) -> bool:
        """Whether it needs a look."""
        return self.outcome in ("held", "failed", "left alone")


def is_trusted(name: str) -> bool:
    """Whether a table is named as a trusted one."""
    return name.startswith(TRUSTED)


def left_behind(name: str) -> str:
    """What is said of a trusted table whose model is gone, with what can be done."""
    said = f"{TRUSTED}{name} has no model any more and stays as it was built last: put its file back"
    return f"{said}, or take the table away with `planlake model drop {name}`"
