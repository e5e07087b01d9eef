"""Finds `uncastable` and `rejected` again for a version that an action goes back to.

Findings are kept only for the version that is shown. So those of another version are found again when an action goes
back to it: whatever raw holds a value for and the version does not, whichever types and rules it was made with.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.manifest import DataFile
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot

from planlake.engines.duckdb.casting import bad_cells, cast_columns
from planlake.engines.duckdb.reading import rows_sql, type_name
from planlake.engines.names import PLACE
from planlake.engines.sql import identifier
from planlake.flow.context import Context
from planlake.flow.refine.collect_findings import Findings
from planlake.flow.refine.parsing import RecordKeys, groups_of_files, read_texts
from planlake.flow.refine.store_findings import StoredResource, with_records
from planlake.lake.metadata.filters import is_between
from planlake.lake.state.findings import replace_findings
from planlake.lake.state.journal import Entry, is_voiding
from planlake.lake.state.ledger import raw_files, raw_rows_sql
from planlake.lake.tables.columns import TYPES, key_by_column, keys_of
from planlake.lake.tables.data_files import data_files
from planlake.lake.tables.version_summary import batch_of, rebuilt_by, rebuilt_in
from planlake.sources.catalogue import Resource
from planlake.telemetry.log import say
from planlake.telemetry.reporter import reason_of

MEGABYTE = 2**20
SHARE = 4  # of `batch_megabytes`: texts, cells and how they are joined are held at once
PLACES = ("import_request_id", "import_position")


@dataclass(frozen=True, slots=True)
class _Version:
    """A version of `increment_`: its columns, and of those that can have findings (typed ones, the key) the type."""

    table: Table
    snapshot: Snapshot
    schema: Schema
    types: Mapping[str, str]


def restore_findings(context: Context, entry: Entry, increment: Table) -> None:
    """Make the findings of a table those of the version an action goes to, where another one's may have replaced them.

    Those are all where the two were built from raw at different times, else those of batches that come back. Of batches
    that the action voids nothing is told any more.
    """
    left = increment.snapshot_by_id(entry.increment_from) if entry.increment_from is not None else None
    is_of_one_build = rebuilt_in(left) == rebuilt_by(increment)
    if entry.increment_to is not None and (not is_of_one_build or entry.batch_to > entry.batch_from):
        _restore(context, entry, entry.increment_to, above=entry.batch_from if is_of_one_build else 0)
    if entry.voided and is_voiding(entry):
        for name in ("uncastable", "rejected"):
            replace_findings(context.lake, name, entry.resource, [], above_batch=entry.batch_to)


def keep_findings_of_rebuild(context: Context, entry: Entry) -> None:
    """Keep only a rebuilt table's own findings, where its rebuild was killed: others may still stand beside them."""
    increment = context.lake.find("refined", f"increment_{entry.resource}")
    shown = increment.current_snapshot() if increment is not None else None
    if shown is not None and rebuilt_in(shown) == str(entry.action):
        _restore(context, entry, shown.snapshot_id, above=0)


def _restore(context: Context, entry: Entry, snapshot_id: int, *, above: int) -> None:
    """Tell the findings; an error ends the action itself, but is only logged when a later run finishes that action."""
    try:
        find_again(replace(context, run=entry.action), resource_of(context, entry), snapshot_id, above=above)
    except Exception as error:
        if context.run == entry.action:
            raise
        log_not_restored(context, entry.resource, error)


def log_not_restored(context: Context, resource: str, error: Exception) -> None:
    """Log that the findings of a table are not those of the version it shows, and the command that finds them."""
    reason = f"{reason_of(error, is_personal=True)}; planlake rebuild {resource} restores them"
    say(context.reporter.log, "error", "findings not restored", table=resource, message=reason)


def resource_of(context: Context, entry: Entry) -> Resource:
    """The resource of an entry; of one that nobody declares any more its key, and that all else may be personal."""
    known = context.catalogue.resources.get(entry.resource)
    current = context.lake.find("refined", f"current_{entry.resource}")
    fields = current.spec().fields if current is not None else ()
    keys = [current.schema().find_column_name(field.source_id) for field in fields] if current is not None else []
    return known or Resource(entry.resource, {}, key=next(filter(None, keys), "id"), personal=frozenset("*"))


def find_again(context: Context, resource: Resource, snapshot_id: int, *, above: int) -> None:
    """Make the findings of a resource in batches above this one those of a version of `increment_`."""
    increment = context.lake.find("refined", f"increment_{resource.name}")
    snapshot = increment.snapshot_by_id(snapshot_id) if increment is not None else None
    if increment is None or snapshot is None:
        return
    schema = next(one for one in increment.metadata.schemas if one.schema_id == snapshot.schema_id)
    version = _Version(increment, snapshot, schema, _types(schema, resource))
    files, keys = raw_files(context.lake, resource.name, above), key_by_column(schema)
    uncastable: list[dict[str, Any]] = []
    rejected: list[dict[str, Any]] = []
    for texts in _texts(context, resource, version, files=files, above=above):
        held = _rows_of_version(context, version, texts)
        is_held = held["batch"].is_valid()
        refused = Findings(context.run, resource, texts, keys).rejected(pc.invert(is_held))
        with context.connection.cursor() as cursor:
            typed = cast_columns(cursor, texts, version.types) if refused else held
        for shown, of in ((held, is_held), (typed, pc.invert(is_held))):
            part = Findings(context.run, resource, texts.filter(of), keys)
            bad = bad_cells(part.texts, shown.filter(of), version.types)
            uncastable += [row for cells in bad for row in part.uncastable(cells)]
        rejected += refused
    rejected = with_records(
        StoredResource(context.lake, context.connection, resource.name),
        files,
        rejected,
        above_batch=above,
        is_personal=bool(resource.personal),
    )
    for name, rows in (("uncastable", uncastable), ("rejected", rejected)):
        replace_findings(context.lake, name, resource.name, rows, above_batch=above)


def _texts(
    context: Context, resource: Resource, version: _Version, *, files: Sequence[DataFile], above: int
) -> Iterator[pa.Table]:
    """The raw rows of the version above a batch, a group of files at a time, with the texts of columns with a type."""
    keys = {key: column for key, column in keys_of(version.schema).items() if column in version.types}
    found = RecordKeys(tuple(keys), has_others=True)
    limit = context.config.settings.batch_megabytes * MEGABYTE // SHARE
    for group in groups_of_files(version.table, files, limit, among=1):
        until = f"batch <= {batch_of(version.snapshot)}"
        rows = f"(select * from {raw_rows_sql(context.lake, group, resource.name, above)} where {until})"
        with context.connection.cursor() as cursor:
            texts = read_texts(
                cursor, f"(select * from {rows} where batch <= {batch_of(version.snapshot)})", keys, found
            )
        if len(texts):
            yield texts


def _rows_of_version(context: Context, version: _Version, texts: pa.Table) -> pa.Table:
    """The rows of the version that these were made to, in the same order; NULL in every column where there is none."""
    ends = pc.min_max(texts["import_request_id"]).as_py()
    where = is_between("import_request_id", ends["min"], ends["max"])
    files = data_files(version.table, where=where, snapshot_id=version.snapshot.snapshot_id)
    columns = {**dict.fromkeys(version.types), "batch": None}
    rows = rows_sql(files, version.schema, columns={*columns, *PLACES})
    places = texts.select(PLACES).append_column(PLACE, pa.array(range(len(texts)), pa.int64()))
    with context.connection.cursor() as cursor:
        cursor.register("places", places)
        listed = ", ".join(map(identifier, (PLACE, *columns)))
        found = cursor.sql(f"select {listed} from {rows} join places using ({', '.join(PLACES)})").to_arrow_table()
    return found.take(pc.index_in(places[PLACE], value_set=found[PLACE].combine_chunks()))


def _types(schema: Schema, resource: Resource) -> Mapping[str, str]:
    """The type of the key and of each column that is no text: the catalogue's where it is the table's too."""
    types = {}
    for key, column in keys_of(schema).items():
        held, declared = type_name(schema.find_field(column)), resource.type_of(key)
        is_same = TYPES[declared] == held
        name = declared if is_same else next(name for name, kind in TYPES.items() if kind == held)
        if name != "text" or column == resource.key:
            types[column] = name
    return types
