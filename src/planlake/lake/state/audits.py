"""Slices that were audited, as the ledger says: which ids were compared with the API, when, and what was found."""

from dataclasses import dataclass
from datetime import datetime

from planlake.engines.duckdb.connection import Connection

AUDIT = "audit"  # a page of a slice; also the window that all rows of audits have
AUDITED = "audited"  # a slice that was compared


@dataclass(frozen=True, slots=True)
class Audited:
    """One slice: the ids above `first_id` up to `last_id`, each None where the slice begins or ends with the table.

    `page` is the last page that was read, `audited_at` (UTC) when the slice was begun, `records` how many were
    compared, `total` how many the API said there are. `error` says why slices of this table cannot be compared at all.
    """

    first_id: str | None
    last_id: str | None
    page: int
    audited_at: datetime
    records: int
    total: int
    missing: int = 0
    changed: int = 0
    gone: int = 0
    error: str = ""


def read_audits(connection: Connection, ledger: str) -> dict[str, list[Audited]]:
    """The slices of each resource, oldest first, from a table expression of the ledger without voided batches."""
    figures = ", ".join(f"coalesce({name}, 0)" for name in ("records", "total_results", "missing", "changed", "gone"))
    query = f"""
        select resource, first_id, last_id, coalesce(page, 0), requested_at, {figures}, coalesce(error, '')
        from {ledger} where event = '{AUDITED}' order by request_id"""
    found: dict[str, list[Audited]] = {}
    for resource, *values in connection.execute(query).fetchall():
        found.setdefault(resource, []).append(Audited(*values))
    return found
