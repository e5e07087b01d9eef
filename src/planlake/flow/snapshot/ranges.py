"""The id ranges of `current_<resource>`: which of them new versions fall into, and how they are shared out as work.

A range is a partition of the table: `truncate(id, N)`, or `bucket` for text keys.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.manifest import DataFile
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import BucketTransform, TruncateTransform
from pyiceberg.types import StringType

from planlake.engines.duckdb.connection import Connection
from planlake.engines.names import ID_BUCKET, ID_RANGE, column_names
from planlake.engines.sql import identifier
from planlake.sources.catalogue import Resource

RANGE_CELLS = 800_000  # cells of one id range; small enough that a scattered day rewrites little
TEXT_BUCKETS = 16
UNIT_CELLS = 8 * RANGE_CELLS  # cells of one unit of work, which are in memory at once
SMALL_CELLS = RANGE_CELLS  # so little work is not shared out
IDS_AT_A_TIME = 100_000

Range = int
"""The first id of a range, or the number of a bucket."""


def spec_of(resource: Resource, schema: Schema) -> PartitionSpec:
    """How a new table is cut into ranges: by the width of a row."""
    key = schema.find_field(resource.key)
    if isinstance(key.field_type, StringType):
        name = _free(ID_BUCKET, schema)
        return PartitionSpec(PartitionField(key.field_id, 1000, BucketTransform(TEXT_BUCKETS), name))
    width = max(128, RANGE_CELLS // len(schema.fields))
    power_of_two = 1 << (width.bit_length() - 1)  # ranges of any other width would overflow at the ends of `long`
    return PartitionSpec(PartitionField(key.field_id, 1000, TruncateTransform(power_of_two), _free(ID_RANGE, schema)))


def _free(name: str, schema: Schema) -> str:
    """The name of a partition; of another where an older Planlake let a column have it."""
    return next(iter(column_names([name], schema.column_names).values())) if name in schema.column_names else name


def ranges_of(ids: pa.ChunkedArray, key: str, schema: Schema, spec: PartitionSpec) -> pa.Array:
    """The range (or bucket) of each id."""
    field = schema.find_field(key)
    to_range = spec.fields[0].transform.pyarrow_transform(field.field_type)
    return to_range(pc.cast(ids.combine_chunks(), schema_to_pyarrow(field.field_type)))


def touched_ranges(
    connection: Connection, versions: str, key: str, schema: Schema, spec: PartitionSpec
) -> Counter[Range]:
    """How many of the new versions, a table expression, fall into each range; ids pass through memory in pieces."""
    found = Counter[Range]()
    with connection.cursor() as cursor:
        reader = cursor.sql(f"select {identifier(key)} as id from {versions}").to_arrow_reader(IDS_AT_A_TIME)
        for piece in reader:
            counted = ranges_of(pa.chunked_array([piece["id"]]), key, schema, spec).value_counts()
            found.update(
                dict(zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True))
            )
    return found


def files_by_range(files: Sequence[DataFile]) -> dict[Range, list[DataFile]]:
    """The files of each range."""
    found: dict[Range, list[DataFile]] = {}
    for file in files:
        found.setdefault(file.partition[0], []).append(file)
    return found


def groups_of_ranges(
    touched: Mapping[Range, int],
    old: Mapping[Range, Sequence[DataFile]],
    columns: int,
    *,
    among: int,
    share: float = 1.0,
) -> Iterator[list[Range]]:
    """Ranges in order, in groups that memory has room for: as many for each of the workers they are shared `among`.

    One range at least is in a group; little work is not divided. A `share` is how much of the usual room there is.
    """
    room = int(UNIT_CELLS * share)
    cells = {
        one: (rows + sum(file.record_count for file in old.get(one, ()))) * columns for one, rows in touched.items()
    }
    rounds = -(-sum(cells.values()) // (room * among))
    enough = max(SMALL_CELLS, sum(cells.values()) // max(1, rounds * among))
    group: list[Range] = []
    size = 0
    for one in sorted(cells):
        if group and (size + cells[one] > room or size >= enough):
            yield group
            group, size = [], 0
        group.append(one)
        size += cells[one]
    if group:
        yield group


def cut_by_range(parts: Sequence[pa.Table], key: str, schema: Schema, spec: PartitionSpec) -> dict[Range, pa.Table]:
    """The rows of each range, of all parts together; a part in which every range lies in one piece is only cut."""
    cut: dict[Any, list[pa.Table]] = {}
    for part in parts:
        rows, ranges = part, ranges_of(part[key], key, schema, spec)
        runs = pc.run_end_encode(ranges)
        if len(runs.values) > pc.count_distinct(ranges).as_py():
            order = pc.sort_indices(ranges)
            rows, runs = part.take(order), pc.run_end_encode(ranges.take(order))
        start = 0
        for one, end in zip(runs.values.to_pylist(), runs.run_ends.to_pylist(), strict=True):
            cut.setdefault(one, []).append(rows.slice(start, end - start))
            start = end
    return {one: pa.concat_tables(cut[one]) for one in sorted(cut)}
