"""The data files of a version of a table, and what their metadata says of the rows in them."""

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, cast

from planlake.errors import ConflictError, LakeError
from planlake.lake.metadata.avro import NOISE
from planlake.lake.metadata.filters import EVERYTHING, Filter, expression_of, number_in
from planlake.lake.metadata.read_table import ReadTable
from planlake.lake.tables.unreadable import UNREADABLE, broken
from planlake.lake.tables.version_summary import figure, rows_of

if TYPE_CHECKING:
    from pyiceberg.manifest import DataFile
    from pyiceberg.schema import Schema
    from pyiceberg.table import Table
    from pyiceberg.table.snapshots import Snapshot

LISTS = "lists of files"


def row_count(table: "Table") -> int:
    """How many rows a table holds, from its own summary."""
    return rows_of(table.current_snapshot())


def first_batch(table: "Table", file: "DataFile") -> int:
    """The lowest batch, request or run in a file, whichever the table has: what brings its files into order."""
    names = [name for name in ("batch", "request_id", "run") if name in table.schema().column_names]
    return _bound(table, names[0], file.lower_bounds) if names else 0


def bounds_of(table: "Table", file: "DataFile", column: str) -> tuple[int, int]:
    """The lowest and highest number of a column in a file; 0 where the file does not say."""
    return _bound(table, column, file.lower_bounds), _bound(table, column, file.upper_bounds)


def bounds_in(schema: "Schema", files: Iterable["DataFile"], column: str) -> tuple[float, float]:
    """Between which numbers all of a column lie in these files; without an end where a file does not say."""
    number = schema.find_field(column).field_id
    ends = [((one.lower_bounds or {}).get(number), (one.upper_bounds or {}).get(number)) for one in files]
    if any(low is None or high is None for low, high in ends):
        return -math.inf, math.inf
    lows, highs = ([number_in(end) for end in side if end is not None] for side in zip(*ends, strict=True))
    return min(lows), max(highs)


def _bound(table: "Table", column: str, bounds: Mapping[int, bytes] | None) -> int:
    field = table.schema().find_field(column)
    found = (bounds or {}).get(field.field_id)
    return number_in(found) if found is not None else 0


def data_files(table: "Table", *, where: Filter = EVERYTHING, snapshot_id: int | None = None) -> list["DataFile"]:
    """Data files of a snapshot (the current one by default) that may hold rows the filter asks for.

    A LakeError where the lists that name them are gone or damaged.
    """
    version = table.current_snapshot() if snapshot_id is None else table.snapshot_by_id(snapshot_id)
    if version is None:
        return []
    try:
        listed = table.listed_files(version, where) if isinstance(table, ReadTable) else None
    except NOISE as error:
        raise broken(*_names(table), LISTS) from error
    if listed is not None and not _lacks_files(table, version, None if where else len(listed)):
        return cast("list[DataFile]", listed)
    return _planned(table, version, where, snapshot_id)


def _planned(table: "Table", version: "Snapshot", where: Filter, snapshot_id: int | None) -> list["DataFile"]:
    """The same as pyiceberg finds them."""
    try:
        tasks = list(table.scan(row_filter=expression_of(where), snapshot_id=snapshot_id).plan_files())
        is_cut_off = _lacks_files(table, version, None if where else len(tasks))
    except UNREADABLE as error:
        raise broken(*_names(table), LISTS) from error
    if is_cut_off:
        raise broken(*_names(table), LISTS)
    if any(task.delete_files for task in tasks):
        raise ConflictError(
            "the table holds delete files, which Planlake never writes", facts={"table": table.name()[-1]}
        )
    return [task.file for task in tasks]


def _lacks_files(table: "Table", version: "Snapshot", found: int | None) -> bool:
    """Whether fewer files were found than a version says it has; of a list that was cut off the rest reads as whole."""
    expected = figure(version, "total-data-files")
    if found is not None:
        return found < expected
    return expected > 0 and not version.manifests(table.io)


def _names(table: "Table") -> tuple[str, str]:
    database, name = table.name()[-2:]
    return database, name


def files_to_replace(table: "Table") -> list["DataFile"] | None:
    """All files of a table's current version; None where the lists that name them are gone or damaged."""
    try:
        return data_files(table)
    except LakeError:
        return None


def highest_by_resource(table: "Table | None", column: str) -> dict[str, int]:
    """The highest number of a column for each resource a table is partitioned by; no file is opened for it.

    Every file's bounds of the BOUNDED_COLUMNS stand in the table's metadata.
    """
    if table is None:
        return {}
    field = table.schema().find_field(column)
    found: dict[str, int] = {}
    for file in data_files(table):
        resource, bounds = str(file.partition[0]), file.upper_bounds or {}
        if field.field_id in bounds:
            upper = number_in(bounds[field.field_id])
            found[resource] = max(upper, found.get(resource, 0))
    return found


def highest(table: "Table", files: Iterable["DataFile"], column: str) -> int:
    """The highest number of a column in these files, from their bounds; 0 where there are none."""
    return max((_bound(table, column, file.upper_bounds) for file in files), default=0)


def bytes_of(files: Iterable["DataFile"]) -> int:
    """How many bytes these files have on disk."""
    return sum(file.file_size_in_bytes for file in files)
