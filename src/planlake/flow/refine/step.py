"""Step two: types the raw rows above the bookmark and adds them to `increment_<resource>`.

Parsing and casting are one step over columns. A cell that does not cast becomes NULL and a row of `uncastable`; a
record without a usable id, or that is no object, becomes a row of `rejected`. Findings are committed before the rows
they belong to, and the rows together with the bookmark.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from pyiceberg.table import Table

from planlake.checks.quality import CheckResult, blocking
from planlake.engines.engine import Engine
from planlake.engines.local import LocalEngine
from planlake.flow.context import Context
from planlake.flow.operations_records import note_troubles
from planlake.flow.refine.column_drift import column_changes
from planlake.flow.refine.gate import checks_of_records, checks_of_rows
from planlake.flow.refine.increment_table import prepare_table
from planlake.flow.refine.parsing import RecordKeys, groups_of_files
from planlake.flow.refine.rebuild_reasons import RebuildReasons, RebuildWhen, rebuild_reasons
from planlake.flow.refine.result import Drift, RefineResult
from planlake.flow.refine.store_findings import (
    NewFindings,
    StoredResource,
    drop_findings_of_old_build,
    with_records,
    write_findings,
    write_withheld,
)
from planlake.flow.refine.unit import KeysUnit, RefinedPart, RefineUnit, keys_unit, refine_unit
from planlake.lake.state.raw import RawRows, raw_rows_above
from planlake.lake.tables.columns import Column, columns_of
from planlake.lake.tables.commits import commit, with_types
from planlake.lake.tables.data_files import bytes_of, files_to_replace
from planlake.lake.tables.parquet import target_of
from planlake.lake.tables.version_summary import bookmark, bookmark_properties, day_tag, rebuilt_by
from planlake.sources.catalogue import Resource
from planlake.telemetry.progress import Progress

MEGABYTE = 2**20


@dataclass(frozen=True, slots=True)
class _Work:
    """What is to be refined: the rows of raw, why all of them where that is so, the table, its columns, the units.

    `applied` is the bookmark before, `sent` are the keys that the records have.
    """

    resource: Resource
    stored: StoredResource
    applied: int
    rebuild: RebuildReasons
    raw: RawRows
    sent: RecordKeys
    table: Table
    engine: Engine = field(default_factory=LocalEngine)
    new_columns: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()
    units: tuple[RefineUnit, ...] = ()


def refine(context: Context, resource: Resource, *, rebuild: RebuildWhen = "if changed") -> RefineResult:
    """Apply every raw row above the bookmark to `increment_<resource>` in one commit that moves the bookmark.

    Where the catalogue's types changed, or refused records are usable now, all rows are built again from raw instead;
    "if affected" also looks whether cells that did not cast do so now, "always" needs no reason.
    """
    work = _plan_work(context, resource, when=rebuild)
    if not work.units:
        return RefineResult(resource.name, work.applied)
    parts = _refine_parts(context, work)
    checks, found = _checks(context, work, parts), _new_findings(work, parts)
    batch = max(part.batch for part in parts)
    note_troubles(context, work.resource, batch, checks)
    write_findings(work.stored, found, is_held=bool(blocking(checks)))
    result = _result(context, work, parts, checks=checks, found=found)
    if blocking(checks):
        return result
    if batch > work.raw.above:
        _commit(context, work, parts, max(batch, work.applied))
    drop_findings_of_old_build(work.stored, found)
    return replace(result, batch=max(batch, work.applied), is_first=not work.applied)


def _plan_work(context: Context, resource: Resource, *, when: RebuildWhen) -> _Work:
    """What is to be done, each part of it found out once; no units where there is nothing."""
    stored = StoredResource(context.lake, context.connection, resource.name)
    table = context.lake.find("refined", f"increment_{stored.name}")
    applied, rebuild = bookmark(table), rebuild_reasons(stored, resource, table, when=when)
    if not rebuild.reasons:
        write_withheld(stored, [], until=applied)
    raw = raw_rows_above(context.lake, context.connection, stored.name, above=0 if rebuild.reasons else applied)
    engine = context.engines.engine_for(bytes_of(raw.files))
    parts = _parts_of(context, engine, raw) if raw.files else []
    sent = _keys_of_records(context, engine, parts)
    table, new_columns = prepare_table(context, resource, sent)
    work = _Work(resource, stored, applied, rebuild, raw, sent, table, engine, new_columns)
    return _with_units(context, work, parts) if parts else work


def _parts_of(context: Context, engine: Engine, raw: RawRows) -> list[RawRows]:
    """The rows cut into parts, each bounded in bytes of JSON."""
    limit = int(context.config.settings.batch_megabytes * engine.share * MEGABYTE)
    table = context.lake.find_or_create_built_in_table("raw", "api_responses")
    return [raw.part(files) for files in groups_of_files(table, raw.files, limit, among=engine.workers)]


def _keys_of_records(context: Context, engine: Engine, parts: Sequence[RawRows]) -> RecordKeys:
    if not parts:
        return RecordKeys()
    dropped, memory = context.catalogue.dropped_keys, context.unit_memory(engine)
    units = [KeysUnit(part, dropped, memory) for part in parts]
    return sum(engine.map(keys_unit, units), RecordKeys())


def _with_units(context: Context, work: _Work, parts: Sequence[RawRows]) -> _Work:
    """The work with a unit for each part; all write to a table whose columns have the types they are to get."""
    target = target_of(work.table, with_types(work.table, work.rebuild.types))
    columns = columns_of(target.schema, work.resource)
    memory = context.unit_memory(work.engine)
    units = [RefineUnit(context.run, work.resource, part, columns, work.sent, target, memory) for part in parts]
    return replace(work, columns=columns, units=tuple(units))


def _refine_parts(context: Context, work: _Work) -> list[RefinedPart]:
    """What each unit came to, once all are carried out."""
    parts = []
    for number, part in enumerate(work.engine.map(refine_unit, work.units), start=1):
        context.notify(Progress(work.resource.name, "refine", number, len(work.units)))
        parts.append(part)
    return parts


def _checks(context: Context, work: _Work, parts: Sequence[RefinedPart]) -> tuple[CheckResult, ...]:
    """What is checked of the rows that were written."""
    schema, settings = work.units[0].target.schema, context.config.settings
    return (
        *checks_of_rows(
            context.connection, work.resource, parts, schema=schema, columns=work.columns, settings=settings
        ),
        *checks_of_records(work.resource, parts, settings),
    )


def _new_findings(work: _Work, parts: Sequence[RefinedPart]) -> NewFindings:
    """What was found on the way, refused records with their text as received."""
    rejected, is_personal = [row for part in parts for row in part.rejected], bool(work.resource.personal)
    return NewFindings(
        uncastable=[row for part in parts for row in part.uncastable],
        rejected=with_records(
            work.stored, work.raw.files, rejected, above_batch=work.raw.above, is_personal=is_personal
        ),
        applied=work.applied,
        is_rebuilt=bool(work.rebuild.reasons),
        types=tuple(work.rebuild.types),
    )


def _result(
    context: Context, work: _Work, parts: Sequence[RefinedPart], *, checks: tuple[CheckResult, ...], found: NewFindings
) -> RefineResult:
    """What the step came to as long as nothing is committed."""
    return RefineResult(
        work.resource.name,
        work.applied,
        rows=sum(part.rows for part in parts),
        uncastable=len(found.uncastable),
        rejected=len(found.rejected),
        new_columns=work.new_columns,
        checks=checks,
        rebuilt=work.rebuild.reasons,
        drift=_drift(context, work),
        above=work.raw.above,
        bytes=sum(part.file.file_size_in_bytes for part in parts if part.file is not None),
        read_bytes=bytes_of(work.raw.files),
    )


def _drift(context: Context, work: _Work) -> tuple[Drift, ...]:
    """What is new about the columns, by the keys this run's records had."""
    names = {column.key: column.name for column in columns_of(work.table.schema(), work.resource)}
    sent = {names[key] for key in (*work.sent.regular, *work.sent.others)}
    held_before = work.table.schema().column_names if work.applied else ()
    is_declared = {column: key in work.resource.columns for key, column in names.items()}
    return column_changes(context, work.resource, is_declared, sent, held_before)


def _commit(context: Context, work: _Work, parts: Sequence[RefinedPart], batch: int) -> None:
    """The new rows with their bookmark; rows built again from raw replace all there were."""
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
