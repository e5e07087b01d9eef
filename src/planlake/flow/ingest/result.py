"""The record of what reading one table brought."""

from dataclasses import dataclass, field

from planlake.checks.quality import CheckResult, Verdict


@dataclass(frozen=True, slots=True)
class AuditDifferences:
    """Ids that only the API shows, whose records differ although their date says nothing of it, and that went."""

    missing: int = 0
    changed: int = 0
    gone: int = 0

    def __add__(self, other: "AuditDifferences") -> "AuditDifferences":
        """Both together."""
        return AuditDifferences(self.missing + other.missing, self.changed + other.changed, self.gone + other.gone)

    @property
    def total(self) -> int:
        """How many in all."""
        return self.missing + self.changed + self.gone

    def __str__(self) -> str:
        """In words; empty where nothing was found."""
        kinds = ((self.missing, "missing"), (self.changed, "changed in silence"), (self.gone, "gone"))
        return ", ".join(f"{count:,} {kind}" for count, kind in kinds if count)


@dataclass(frozen=True, slots=True)
class AuditResult:
    """What the audit of one slice came to: what was asked, what came, what was found; `compared` counts ids.

    `held_back` are ids that are held, that the slice did not show, and that are too many to be believed gone. `error`
    says why the slice was not compared: it is asked for again; `not_in_order` why slices of the table cannot be.
    """

    pages: int = 0
    requests: int = 0
    records: int = 0
    stored: int = 0
    bytes: int = 0
    compared: int = 0
    found: AuditDifferences = field(default_factory=AuditDifferences)
    held_back: int = 0
    error: str = ""
    not_in_order: str = ""

    @property
    def is_proven(self) -> bool:
        """Whether the slice was compared."""
        return not (self.error or self.held_back)

    def __str__(self) -> str:
        """What was found, held back or in the way, in words; empty where there is nothing to say."""
        held = f"{self.held_back:,} deletions held back" if self.held_back else ""
        trouble = f"not proven: {self.error}" if self.error else ""
        return "; ".join(part for part in (str(self.found), self.not_in_order, held, trouble) if part)

    @property
    def check(self) -> CheckResult:
        """The figures as a check of the table: what days did not show, where anything."""
        verdict: Verdict = "warning" if str(self) else "ok"
        return CheckResult(
            "audit", verdict, float(self.found.total), 0.0, message=f"audit: {self}" if str(self) else ""
        )


@dataclass(frozen=True, slots=True)
class IngestResult:
    """What one resource brought: figures, and the windows that could not be closed, each with its reason.

    `held_back` is how many records seem to be deleted where that is too many to be believed: then nothing of the
    reading counts. The figures include those of `audit`, where a slice was compared.
    """

    resource: str
    batch: int
    requests: int = 0
    records: int = 0
    stored: int = 0
    bytes: int = 0
    closed: tuple[str, ...] = ()
    open: tuple[tuple[str, str], ...] = ()
    unproven: tuple[tuple[str, str, str], ...] = ()
    repeated: int = 0
    gap_pages: tuple[tuple[str, int], ...] = ()
    deleted: int = 0
    held_back: int = 0
    checks: tuple[CheckResult, ...] = ()
    audit: AuditResult | None = None
