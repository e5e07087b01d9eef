"""Findings of a version that is shown again: in go its table and raw, out come rows of `uncastable` and `rejected`.

They are kept for the version that is shown alone, so those of another are found anew when an action goes back to it:
what raw holds a value for and the version does not, whichever types and rules it was made with.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.schema import Schema
from pyiceberg.table import Table

from planlake.engines.duckdb import bad_cells, cast_columns
from planlake.flow.context import Context
from planlake.flow.findings import Findings, with_records
from planlake.flow.parsing import grouped, keys_to_come, read_texts
from planlake.lake.files import bookmark, data_files
from planlake.lake.filters import is_between
from planlake.lake.findings import replace_findings
from planlake.lake.ledger import raw_files, raw_rows_sql
from planlake.lake.reading import rows_sql
from planlake.lake.schemas import TYPES, keys_of
from planlake.sources.catalogue import Resource

MEGABYTE = 2**20
PLACES = ["import_request_id", "import_position"]


def find_again(context: Context, resource: Resource, *, above: int) -> None:
    """Make the findings of `increment_<resource>` in batches above this one those of the version it shows."""
    increment = context.lake.find("refined", f"increment_{resource.name}")
    files = raw_files(context.lake, resource.name, above)
    if increment is None or not files:
        return
    uncastable: list[dict[str, Any]] = []
    rejected: list[dict[str, Any]] = []
    for texts in _texts(context, resource, increment, above):
        found = Findings(context.run, resource, texts)
        types = _types(increment.schema(), resource)
        held = _held(context, increment, texts)
        is_held = held["batch"].is_valid()
        refused = found.rejected(pc.invert(is_held))
        with context.connection.cursor() as cursor:
            typed = cast_columns(cursor, texts, types) if refused else held
        for shown, of in ((held, is_held), (typed, pc.invert(is_held))):
            part = Findings(context.run, resource, texts.filter(of))
            bad = bad_cells(part.texts, shown.filter(of), types)
            uncastable += [row for cells in bad for row in part.uncastable(cells)]
        rejected += refused
    rejected = with_records(context, resource, files, above, rejected)
    for name, rows in (("uncastable", uncastable), ("rejected", rejected)):
        replace_findings(context.lake, name, resource.name, rows, above_batch=above)


def _texts(context: Context, resource: Resource, increment: Table, above: int) -> Iterator[pa.Table]:
    """The raw rows of the version above a batch, a group of files at a time, with a column of texts for each key."""
    until = bookmark(increment)
    files = raw_files(context.lake, resource.name, above)
    found = keys_to_come(context, resource, files, above)
    columns = set(increment.schema().column_names)
    keys = {key: column for key, column in keys_of(increment.schema(), ()).items() if column in columns}
    for group in grouped(increment, files, context.config.settings.batch_megabytes * MEGABYTE, among=1):
        rows = f"(select * from {raw_rows_sql(context.lake, group, resource.name, above)} where batch <= {until})"
        with context.connection.cursor() as cursor:
            texts = read_texts(cursor, rows, keys, found)
        if len(texts):
            yield texts


def _held(context: Context, increment: Table, texts: pa.Table) -> pa.Table:
    """The rows of the version that these were made to, in the same order; NULL in every column where there is none."""
    ends = pc.min_max(texts["batch"]).as_py()
    files = data_files(increment, where=is_between("batch", ends["min"], ends["max"]))
    places = texts.select(PLACES).append_column("place", pa.array(range(len(texts)), pa.int64()))
    with context.connection.cursor() as cursor:
        cursor.register("places", places)
        rows = rows_sql(files, increment.schema())
        query = f"select * exclude (place) from places left join {rows} using ({', '.join(PLACES)}) order by place"
        return cursor.sql(query).to_arrow_table()


def _types(schema: Schema, resource: Resource) -> Mapping[str, str]:
    """The type of each column: the catalogue's where the table has it, its name of the table's own otherwise."""
    types = {}
    for key, column in keys_of(schema, ()).items():
        held, declared = schema.find_type(column), resource.type_of(key)
        is_same = TYPES[declared] == held
        types[column] = declared if is_same else next(name for name, kind in TYPES.items() if kind == held)
    return types
