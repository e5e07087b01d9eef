"""Finds how a slice of a table differs from what the API shows: which rows to store, and how many of each kind."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Literal

import pyarrow as pa

from planlake.engines.casts import whole_number
from planlake.flow.context import Context
from planlake.flow.ingest.result import AuditDifferences
from planlake.lake.state.drop_unchanged import HeldVersion, held_between, new_rows_of
from planlake.sources.catalogue import Resource
from planlake.sources.records import texts_of

Kind = Literal["missing", "changed", "gone"]


def differing(
    context: Context, resource: Resource, *, batch: int, rows: pa.Table, before: Sequence[pa.Table]
) -> tuple[pa.Table, AuditDifferences]:
    """Those rows of raw that are to be kept and were not `before`, and what they are.

    Left alone is what this batch has brought already: it was read moments ago; and what changed on a day that the next
    runs ask for.
    """
    new = _unkept(context, resource, rows, before) if len(rows) else rows
    if not len(new):
        return new, AuditDifferences()
    ids = [whole_number(identity) for identity in new["record_id"].to_pylist()]
    numbers = [identity for identity in ids if identity is not None]
    low, high = (min(numbers), max(numbers)) if numbers else (0, -1)
    held = held_between(context.lake, context.connection, resource, low=low, high=high)
    shown: dict[int | None, set[str]] = {identity: set() for identity in ids}
    for text, record_hash in _versions(rows):
        shown.get(whole_number(text), set()).add(record_hash)
    coming = _coming_days(context)
    kinds: list[Kind | None] = []
    columns = ["is_deleted", "api_response"]
    for identity, row in zip(ids, new.select(columns).to_pylist(), strict=True):
        version = held.get(identity) if identity is not None else None
        is_repeat = version is not None and version.record_hash in shown[identity]
        is_just_read = version is not None and version.batch == batch
        left = is_repeat or is_just_read or _changed_on(row, resource.changed) in coming
        kinds.append(None if left else _kind(row, version))
    return new.filter(pa.array([kind is not None for kind in kinds], pa.bool_())), _found(new, kinds)


def _unkept(context: Context, resource: Resource, rows: pa.Table, before: Sequence[pa.Table]) -> pa.Table:
    """The rows that differ from what is held, without those that came on an earlier page already."""
    new = new_rows_of(context.lake, context.connection, resource.name, key=resource.key, rows=rows)
    known = {version for kept in before for version in _versions(kept)}
    return new.filter(pa.array([version not in known for version in _versions(new)], pa.bool_()))


def _versions(rows: pa.Table) -> list[tuple[str | None, str]]:
    return list(zip(rows["record_id"].to_pylist(), rows["record_hash"].to_pylist(), strict=True))


def _kind(row: Mapping[str, Any], held: HeldVersion | None) -> Kind:
    if row["is_deleted"]:
        return "gone"
    return "missing" if held is None or held.is_deleted else "changed"


def _found(new: pa.Table, kinds: list[Kind | None]) -> AuditDifferences:
    """How many ids there are of each kind; records without an id are each one of its own."""
    named = [text or f"#{record_hash}" for text, record_hash in _versions(new)]
    ids = {kind: {one for one, of in zip(named, kinds, strict=True) if of == kind} for kind in set(kinds)}
    return AuditDifferences(*(len(ids.get(kind, ())) for kind in ("missing", "changed", "gone")))


def _coming_days(context: Context) -> Collection[date]:
    """The days that are not over or were not asked for yet: from the one after the last that is, to tomorrow."""
    first = context.clock.last_askable_day(context.config.settings.day_grace_hours) + timedelta(days=1)
    last = context.clock.today() + timedelta(days=1)
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _changed_on(row: Mapping[str, Any], changed: str) -> date | None:
    """The day on which a record says it changed; None where it does not say."""
    try:
        return date.fromisoformat(((texts_of(row["api_response"]) or {}).get(changed) or "")[:10])
    except ValueError:
        return None
