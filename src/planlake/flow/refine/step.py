"""Step two: from raw to `increment_<resource>`. In go raw rows above the bookmark, out come typed rows.

Parsing and casting are one step over columns. A cell that does not cast becomes NULL and a row of `uncastable`; a
record without a usable id, or that is no object, becomes a row of `rejected`. Findings are committed before the rows
they belong to, and the rows together with the bookmark.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.manifest import DataFile
from pyiceberg.schema import Schema
from pyiceberg.table import Table

from planlake.checks.quality import CheckResult, encoding, held
from planlake.checks.quality import rejected as rejected_records
from planlake.engines.duckdb.casting import bad_cells, cast_columns
from planlake.engines.memory import give_back
from planlake.engines.names import column_names
from planlake.errors import QualityError
from planlake.flow.context import Context
from planlake.flow.record import note_troubles
from planlake.flow.refine.column_drift import noticed
from planlake.flow.refine.findings import Findings, tell_beside, tell_withheld, with_records
from planlake.flow.refine.gate import checked, narrowed
from planlake.flow.refine.parsing import IS_MENDED, Keys, grouped, keys_to_come, read_texts
from planlake.flow.refine.rebuild_reasons import Affected, Asked, affected
from planlake.flow.refine.result import Drift, RefineResult
from planlake.lake.state.findings import replace_findings
from planlake.lake.state.ledger import raw_files, raw_rows_sql
from planlake.lake.tables.bookmarks import bookmark, bookmark_properties, day_tag, rebuilt_by
from planlake.lake.tables.columns import REFINED_OWN, TYPES, key_by_column, keys_of, schema_of
from planlake.lake.tables.commits import commit, with_types
from planlake.lake.tables.data_files import files_to_replace
from planlake.lake.tables.parquet import write_file
from planlake.sources.catalogue import Resource
from planlake.telemetry.progress import Progress

MEGABYTE = 2**20
MOST_COLUMNS = 3000  # DuckDB takes a quarter of a megabyte for each
WORKERS = 2


@dataclass(frozen=True, slots=True)
class _Part:
    """One part of the work: a data file written, and what was found on the way.

    `versions` are its rows as the gate needs them, `filled` counts the values of columns that have bad cells, among all
    that were `received`; `mended` of these held bytes that are no UTF-8.
    """

    file: DataFile | None
    rows: int
    batch: int
    received: int = 0
    mended: int = 0
    versions: pa.Table | None = None
    filled: Mapping[str, int] = field(default_factory=dict)
    uncastable: list[dict[str, Any]] = field(default_factory=list)
    rejected: list[dict[str, Any]] = field(default_factory=list)


def refine(context: Context, resource: Resource, *, anew_when: Asked = "if changed") -> RefineResult:
    """Apply every raw row above the bookmark to `increment_<resource>` in one commit that moves the bookmark.

    Where the catalogue's types changed, or refused records are usable now, all rows are built anew from raw instead;
    "if affected" also looks whether cells that did not cast do so now, "always" needs no reason.
    """
    applied = bookmark(context.lake.find("refined", f"increment_{resource.name}"))
    anew = affected(context, resource, asked=anew_when)
    since = 0 if anew.reasons else applied
    if not anew.reasons:
        tell_withheld(context, resource, [], until=applied)
    files = raw_files(context.lake, resource.name, since)
    if not files:
        _prepared_table(context, resource, Keys())
        return RefineResult(resource.name, applied)
    found = keys_to_come(context, resource, files, since)
    table, new_columns = _prepared_table(context, resource, found)
    target = _Target(table, with_types(table, anew.types))
    parts = list(_parts(context, resource, target, files, since, found))
    if len(parts) > WORKERS:
        give_back()
    checks = _checked(context, resource, target, parts)
    findings = _findings(context, resource, parts, files, since)
    for name, told in findings.items():
        if anew.reasons and not held(checks):
            tell_beside(context, resource, name, told, until=applied)
        else:
            _keep(context, resource, name, told, above=applied)
    rows = sum(part.rows for part in parts)
    counts = len(findings["uncastable"]), len(findings["rejected"])
    result = RefineResult(resource.name, applied, rows, *counts, tuple(new_columns), tuple(checks))
    drift = _drift(context, resource, table, found, is_first=not applied)
    size = sum(part.file.file_size_in_bytes for part in parts if part.file is not None)
    result = replace(result, above=since, bytes=size, rebuilt=anew.reasons, drift=drift)
    batch = max((part.batch for part in parts), default=applied)
    note_troubles(context, resource, batch, checks)
    if held(checks):
        withheld = [row for part in parts for row in part.uncastable if row["column"] in anew.types]
        tell_withheld(context, resource, withheld, until=applied)
        return result
    if batch > since:
        _commit(context, table, parts, max(batch, applied), anew)
    for name, told in findings.items() if anew.reasons else ():
        _keep(context, resource, name, told, above=0)
    return replace(result, batch=max(batch, applied), is_first=not applied)


def _drift(context: Context, resource: Resource, table: Table, found: Keys, *, is_first: bool) -> tuple[Drift, ...]:
    """What is new about the columns, by the keys this run's records had."""
    columns = keys_of(table.schema(), resource)
    sent = {columns[key] for key in (*found.regular, *found.others)}
    held = () if is_first else table.schema().column_names
    is_declared = {column: key in resource.columns for key, column in columns.items()}
    return noticed(context, resource, is_declared, sent, held)


@dataclass(frozen=True, slots=True)
class _Target:
    """The table being written, and its columns once that is committed."""

    table: Table
    schema: Schema


def _commit(context: Context, table: Table, parts: Sequence[_Part], batch: int, anew: Affected) -> None:
    """The new rows with their bookmark; rows built anew take the place of all there were."""
    today = context.clock.today()
    rebuilt = str(context.run) if anew.reasons else rebuilt_by(table)
    with context.lake.commits:
        commit(
            table,
            add=[part.file for part in parts if part.file is not None],
            remove=files_to_replace(table) if anew.reasons else [],
            properties=bookmark_properties(batch, context.run, today, rebuilt=rebuilt),
            tag=day_tag(today),
            types=anew.types,
        )


Rows = Sequence[dict[str, Any]]


def _findings(
    context: Context, resource: Resource, parts: Sequence[_Part], files: Sequence[DataFile], since: int
) -> dict[str, Rows]:
    """What was found, by the table it is kept in."""
    rejected = with_records(context, resource, files, since, [row for part in parts for row in part.rejected])
    return {"uncastable": [row for part in parts for row in part.uncastable], "rejected": rejected}


def _keep(context: Context, resource: Resource, name: str, rows: Rows, *, above: int) -> None:
    """Make these the findings in batches above this one; those of earlier ones stay."""
    new = [row for row in rows if row["batch"] > above]
    replace_findings(context.lake, name, resource.name, new, above_batch=above)


def _checked(context: Context, resource: Resource, target: _Target, parts: Sequence[_Part]) -> list[CheckResult]:
    """What is checked of the new rows; they are written and not committed yet."""
    filled, rows = Counter[str](), Counter[str]()
    for part in parts:
        filled.update(part.filled)
        rows.update(dict.fromkeys(part.filled, part.received))
    shares = {column: count / rows[column] for column, count in filled.items()}
    versions = [part.versions for part in parts if part.versions is not None]
    uncastable = [row for part in parts for row in part.uncastable]
    keys, settings = key_by_column(target.schema, resource), context.config.settings
    found = checked(context.connection, resource, versions, uncastable, shares, keys, settings)
    refused, received = sum(len(part.rejected) for part in parts), sum(part.received for part in parts)
    percent, at_least = settings.rejected_percent, settings.rejected_records
    mended = sum(part.mended for part in parts)
    return [
        *found,
        rejected_records(refused, rows=received, percent=percent, at_least=at_least),
        *([encoding(resource.name, mended)] if mended else []),
    ]


def _prepared_table(context: Context, resource: Resource, found: Keys) -> tuple[Table, list[str]]:
    """The increment table with a column for every key, and the columns that are new and that nobody declared."""
    name = f"increment_{resource.name}"
    table = context.lake.find("refined", name)
    if found.regular or found.others:
        table = context.lake.without_rows_dropped("refined", name)
    held = keys_of(table.schema()) if table else keys_of(None, resource)
    unknown = [key for key in (*found.regular, *found.others) if key not in held]
    unknown.sort(key=lambda key: key != resource.changed)  # which keeps its name whether it is declared or not
    new = column_names(unknown, held.values())
    _check_width(resource, len(held), list(new))
    undeclared = [column for key, column in new.items() if key not in resource.columns]
    if table is None:
        vendor = {column: resource.type_of(key) for key, column in {**held, **new}.items()}
        keys = {column: key for key, column in {**held, **new}.items() if key != column}
        schema = schema_of({**vendor, **REFINED_OWN}, keys)
        return context.lake.create("refined", name, schema, bookmarked=True), undeclared
    if new:
        with context.lake.commits, table.update_schema() as update:
            for key, column in new.items():
                update.add_column((column,), TYPES[resource.type_of(key)], doc=key if key != column else None)
    return table, undeclared


def _check_width(resource: Resource, held: int, new: Sequence[str]) -> None:
    """Refuse records that would make a table wider than can be worked with: keys that are values make one each."""
    if new and held + len(new) > MOST_COLUMNS:
        facts = {"table": resource.name, "columns": held, "new": len(new)}  # a key may be somebody's name
        state = "Nothing was published; the last version stays, and raw has what came"
        hint = f'keys that are no columns go under dropped_keys of the catalogue; planlake sql "from {resource.name}"'
        raise QualityError(
            f"new keys would make more than {MOST_COLUMNS:,} columns", facts=facts, state=state, hint=hint
        )


def _parts(
    context: Context,
    resource: Resource,
    target: _Target,
    files: Sequence[DataFile],
    applied: int,
    found: Keys,
) -> Iterator[_Part]:
    """Refine groups of files, two at a time, each group bounded in bytes of JSON."""
    groups = list(grouped(target.table, files, context.config.settings.batch_megabytes * MEGABYTE, among=WORKERS))
    keys = keys_of(target.schema, resource)

    def work(group: Sequence[DataFile]) -> _Part:
        with context.connection.cursor() as cursor:
            rows = raw_rows_sql(context.lake, group, resource.name, applied)
            texts = read_texts(cursor, rows, keys, found)
        return _refine_rows(context, resource, target, texts, keys)

    with ThreadPoolExecutor(WORKERS, thread_name_prefix="refine") as workers:
        for number, part in enumerate(workers.map(work, groups), start=1):
            context.notify(Progress(resource.name, "refine", number, len(groups)))
            yield part


def _refine_rows(
    context: Context, resource: Resource, target: _Target, texts: pa.Table, keys: Mapping[str, str]
) -> _Part:
    if not texts.num_rows:
        return _Part(None, 0, 0)
    batch, mended = int(pc.max(texts["batch"]).as_py()), int(pc.sum(texts[IS_MENDED]).as_py())
    texts = texts.drop_columns([IS_MENDED])
    types = {column: resource.type_of(key) for key, column in keys.items()}
    with context.connection.cursor() as cursor:
        typed = cast_columns(cursor, texts, types)
    findings = Findings(context.run, resource, texts, {column: key for key, column in keys.items()})
    bad = bad_cells(texts, typed, types)
    uncastable = [row for cells in bad for row in findings.uncastable(cells)]
    filled = {one.column: _filled(texts[one.column]) for one in bad}
    has_id = typed[resource.key].is_valid()
    rejected = findings.rejected(pc.invert(has_id))
    kept = typed.filter(has_id) if rejected else typed
    file = write_file(target.table, kept, schema=target.schema) if len(kept) else None
    versions = narrowed(kept, resource, keys.get(resource.complete))
    return _Part(file, len(kept), batch, len(texts), mended, versions, filled, uncastable, rejected)


def _filled(column: pa.ChunkedArray) -> int:
    """How many cells of a column of texts hold something; an empty text is nothing."""
    return len(column) - int(column.null_count) - int(pc.sum(pc.equal(column, "")).as_py() or 0)
