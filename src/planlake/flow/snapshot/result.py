"""What taking the snapshot of one table brought."""

from dataclasses import dataclass

from planlake.checks.quality import CheckResult


@dataclass(frozen=True, slots=True)
class SnapshotResult:
    """What taking the snapshot of one resource brought; `batch` is the bookmark now, `bytes` the size of its files.

    `read_bytes` is the size of the files it was made from.
    """

    resource: str
    batch: int
    changed: int = 0
    rows: int = 0
    ranges_written: int = 0
    snapshot_id: int | None = None
    checks: tuple[CheckResult, ...] = ()
    snapshot_before: int | None = None
    bytes: int = 0
    read_bytes: int = 0
