"""What refining one table brought."""

from dataclasses import dataclass

from planlake.checks.quality import CheckResult

# What is noticed of a column: nobody declared it; it is declared and never came; it came no more; it came again.
UNDECLARED, NEVER_SENT, VANISHED, SENT_AGAIN = "undeclared", "never sent", "vanished", "sent again"
NOTICED = (UNDECLARED, NEVER_SENT, VANISHED, SENT_AGAIN)


@dataclass(frozen=True, slots=True)
class Drift:
    """Something new about a column of a resource."""

    column: str
    what: str


@dataclass(frozen=True, slots=True)
class RefineResult:
    """What refining one resource brought; `batch` is the bookmark now, `is_first` that there was none before.

    The rows are those of batches above `above`, `bytes` the size of their files, `read_bytes` of those they were read
    from. `rebuilt` says why all rows were built again from raw, where they were.
    """

    resource: str
    batch: int
    rows: int = 0
    uncastable: int = 0
    rejected: int = 0
    new_columns: tuple[str, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    is_first: bool = False
    rebuilt: tuple[str, ...] = ()
    drift: tuple[Drift, ...] = ()
    above: int = 0
    bytes: int = 0
    read_bytes: int = 0
