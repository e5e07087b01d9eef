"""Step two: from raw to `increment_<resource>`. In go raw rows above the bookmark, out come typed rows.

Parsing and casting are one step over columns. A cell that does not cast becomes NULL and a row of `uncastable`; a
record without a usable id, or that is no object, becomes a row of `rejected`. Findings are committed before the rows
they belong to, and the rows together with the bookmark.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pyiceberg.table import Table

from planlake.checks.quality import CheckResult, held
from planlake.flow.context import Context
from planlake.flow.record import note_troubles
from planlake.flow.refine.column_drift import noticed
from planlake.flow.refine.findings import Found, settle_findings, tell_withheld, with_records, write_findings
from planlake.flow.refine.gate import record_checks, row_checks
from planlake.flow.refine.increment_table import prepare_table
from planlake.flow.refine.parsing import Keys, grouped
from planlake.flow.refine.rebuild_reasons import Affected, RebuildWhen, affected
from planlake.flow.refine.result import Drift, RefineResult
from planlake.flow.refine.unit import KeysUnit, RefinedPart, RefineUnit, keys_unit, refine_unit
from planlake.lake.state.raw import RawRows, raw_rows_above
from planlake.lake.tables.bookmarks import bookmark, bookmark_properties, day_tag, rebuilt_by
from planlake.lake.tables.columns import Column, columns_of
from planlake.lake.tables.commits import commit, with_types
from planlake.lake.tables.data_files import files_to_replace
from planlake.lake.tables.parquet import target_of
from planlake.sources.catalogue import Resource
from planlake.telemetry.progress import Progress

MEGABYTE = 2**20


@dataclass(frozen=True, slots=True)
class _Work:
    """What is to be refined: the rows of raw, why all of them where that is so, the table, its columns, the units."""

    applied: int
    rebuild: Affected
    raw: RawRows
    found: Keys
    table: Table
    new_columns: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()
    units: tuple[RefineUnit, ...] = ()


def refine(context: Context, resource: Resource, *, rebuild: RebuildWhen = "if changed") -> RefineResult:
    """Apply every raw row above the bookmark to `increment_<resource>` in one commit that moves the bookmark.

    Where the catalogue's types changed, or refused records are usable now, all rows are built anew from raw instead;
    "if affected" also looks whether cells that did not cast do so now, "always" needs no reason.
    """
    work = _planned_work(context, resource, rebuild)
    if not work.units:
        return RefineResult(resource.name, work.applied)
    parts = _done(context, resource, work)
    checks = _audited(context, resource, work, parts)
    found = _found(context, resource, work, parts)
    batch = max(part.batch for part in parts)
    note_troubles(context, resource, batch, checks)
    write_findings(context, resource, found, is_held=bool(held(checks)))
    result = _result(context, resource, work, parts, checks=checks, found=found)
    if held(checks):
        return result
    if batch > work.raw.above:
        _commit(context, work, parts, max(batch, work.applied))
    settle_findings(context, resource, found)
    return replace(result, batch=max(batch, work.applied), is_first=not work.applied)


def _planned_work(context: Context, resource: Resource, asked: RebuildWhen) -> _Work:
    """What is to be done, each part of it found out once; no units where there is nothing."""
    applied = bookmark(context.lake.find("refined", f"increment_{resource.name}"))
    rebuild = affected(context, resource, asked=asked)
    if not rebuild.reasons:
        tell_withheld(context, resource, [], until=applied)
    raw = raw_rows_above(context.lake, context.connection, resource.name, above=0 if rebuild.reasons else applied)
    if not raw.files:
        table, _ = prepare_table(context, resource, Keys())
        return _Work(applied, rebuild, raw, Keys(), table)
    parts = _parts_of(context, raw)
    found = _keys_to_come(context, parts)
    table, new_columns = prepare_table(context, resource, found)
    target = target_of(table, with_types(table, rebuild.types))
    columns = columns_of(target.schema, resource)
    memory = context.config.settings.memory_limit_megabytes
    units = tuple(RefineUnit(context.run, resource, part, columns, found, target, memory) for part in parts)
    return _Work(applied, rebuild, raw, found, table, new_columns, columns, units)


def _parts_of(context: Context, raw: RawRows) -> list[RawRows]:
    """The rows cut into parts, each bounded in bytes of JSON."""
    limit = context.config.settings.batch_megabytes * MEGABYTE
    table = context.lake.own_table("raw", "api_responses")
    return [raw.part(files) for files in grouped(table, raw.files, limit, among=context.engine.workers)]


def _keys_to_come(context: Context, parts: Sequence[RawRows]) -> Keys:
    dropped, memory = context.catalogue.dropped_keys, context.config.settings.memory_limit_megabytes
    units = [KeysUnit(part, dropped, memory) for part in parts]
    return sum(context.engine.map(keys_unit, units), Keys())


def _done(context: Context, resource: Resource, work: _Work) -> list[RefinedPart]:
    """The units, carried out."""
    parts = []
    for number, part in enumerate(context.engine.map(refine_unit, work.units), start=1):
        context.notify(Progress(resource.name, "refine", number, len(work.units)))
        parts.append(part)
    return parts


def _audited(
    context: Context, resource: Resource, work: _Work, parts: Sequence[RefinedPart]
) -> tuple[CheckResult, ...]:
    """What is checked of the rows that were written."""
    schema, settings = work.units[0].target.schema, context.config.settings
    return (
        *row_checks(context.connection, resource, parts, schema=schema, columns=work.columns, settings=settings),
        *record_checks(resource, parts, settings),
    )


def _found(context: Context, resource: Resource, work: _Work, parts: Sequence[RefinedPart]) -> Found:
    """What was found on the way, refused records with their text as received."""
    rejected = [row for part in parts for row in part.rejected]
    return Found(
        uncastable=[row for part in parts for row in part.uncastable],
        rejected=with_records(context, resource, work.raw.files, work.raw.above, rejected),
        applied=work.applied,
        is_rebuilt=bool(work.rebuild.reasons),
        types=tuple(work.rebuild.types),
    )


def _result(
    context: Context,
    resource: Resource,
    work: _Work,
    parts: Sequence[RefinedPart],
    *,
    checks: tuple[CheckResult, ...],
    found: Found,
) -> RefineResult:
    """What the step came to as long as nothing is committed."""
    return RefineResult(
        resource.name,
        work.applied,
        rows=sum(part.rows for part in parts),
        uncastable=len(found.uncastable),
        rejected=len(found.rejected),
        new_columns=work.new_columns,
        checks=checks,
        rebuilt=work.rebuild.reasons,
        drift=_drift(context, resource, work),
        above=work.raw.above,
        bytes=sum(part.file.file_size_in_bytes for part in parts if part.file is not None),
    )


def _drift(context: Context, resource: Resource, work: _Work) -> tuple[Drift, ...]:
    """What is new about the columns, by the keys this run's records had."""
    names = {column.key: column.name for column in columns_of(work.table.schema(), resource)}
    sent = {names[key] for key in (*work.found.regular, *work.found.others)}
    held_before = work.table.schema().column_names if work.applied else ()
    is_declared = {column: key in resource.columns for key, column in names.items()}
    return noticed(context, resource, is_declared, sent, held_before)


def _commit(context: Context, work: _Work, parts: Sequence[RefinedPart], batch: int) -> None:
    """The new rows with their bookmark; rows built anew take the place of all there were."""
    today, is_rebuilt = context.clock.today(), bool(work.rebuild.reasons)
    rebuilt = str(context.run) if is_rebuilt else rebuilt_by(work.table)
    with context.lake.commits:
        commit(
            work.table,
            add=[part.file for part in parts if part.file is not None],
            remove=files_to_replace(work.table) if is_rebuilt else [],
            properties=bookmark_properties(batch, context.run, today, rebuilt=rebuilt),
            tag=day_tag(today),
            types=work.rebuild.types,
        )
