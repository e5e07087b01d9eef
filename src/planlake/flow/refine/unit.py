"""The work of refining that is handed out: some files of raw become one file of typed rows that nobody refers to yet.

A unit is all that its work needs to know; whoever does it opens what it reads and writes by itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.manifest import DataFile

from planlake.engines.duckdb.casting import bad_cells, cast_columns
from planlake.engines.duckdb.connection import unit_cursor
from planlake.flow.refine.collect_findings import Findings
from planlake.flow.refine.parsing import IS_MENDED, RecordKeys, keys_in, read_texts
from planlake.lake.state.raw import RawRows
from planlake.lake.tables.columns import Column
from planlake.lake.tables.parquet import Target, write_rows
from planlake.sources.catalogue import Resource


@dataclass(frozen=True, slots=True)
class KeysUnit:
    """Raw rows whose keys are asked for, but those that are dropped."""

    raw: RawRows
    dropped: tuple[str, ...]
    memory_megabytes: int


def keys_unit(unit: KeysUnit) -> RecordKeys:
    """Every key in these records, so that a new one is a column before the first row is written."""
    with unit_cursor(unit.memory_megabytes) as cursor:
        rows = unit.raw.sql(("resource", "batch", "request_id", "is_regular", "api_response"))
        return keys_in(cursor, rows, unit.dropped)


@dataclass(frozen=True, slots=True)
class RefineUnit:
    """Raw rows to be typed: the columns of the table, the keys these rows or more of them have, where to write."""

    run: int
    resource: Resource
    raw: RawRows
    columns: tuple[Column, ...] = field(repr=False)
    found: RecordKeys = field(repr=False)
    target: Target
    memory_megabytes: int


@dataclass(frozen=True, slots=True)
class RefinedPart:
    """What one unit came to: a data file written, and what was found on the way.

    `filled` counts the values of columns that have bad cells, among all that were `received`; `mended` of these held
    bytes that are no UTF-8. `batch` is the highest.
    """

    file: DataFile | None
    rows: int
    batch: int
    received: int = 0
    mended: int = 0
    filled: Mapping[str, int] = field(default_factory=dict)
    uncastable: list[dict[str, Any]] = field(default_factory=list)
    rejected: list[dict[str, Any]] = field(default_factory=list)


def refine_unit(unit: RefineUnit) -> RefinedPart:
    """Take these records apart, cast their cells, keep what did not cast as findings, and write the rest."""
    keys = {column.key: column.name for column in unit.columns}
    types = {column.name: column.type for column in unit.columns}
    with unit_cursor(unit.memory_megabytes) as cursor:
        texts = read_texts(cursor, unit.raw.sql(), keys, unit.found)
        if not texts.num_rows:
            return RefinedPart(None, 0, 0)
        mended = int(pc.sum(texts[IS_MENDED]).as_py())
        texts = texts.drop_columns([IS_MENDED])
        typed = cast_columns(cursor, texts, types)
    findings = Findings(unit.run, unit.resource, texts, {name: key for key, name in keys.items()})
    bad = bad_cells(texts, typed, types)
    has_id = typed[unit.resource.key].is_valid()
    rejected = findings.rejected(pc.invert(has_id))
    kept = typed.filter(has_id) if rejected else typed
    return RefinedPart(
        file=write_rows(unit.target, kept) if len(kept) else None,
        rows=len(kept),
        batch=int(pc.max(texts["batch"]).as_py()),
        received=len(texts),
        mended=mended,
        filled={one.column: _filled_cells(texts[one.column]) for one in bad},
        uncastable=[row for cells in bad for row in findings.uncastable(cells)],
        rejected=rejected,
    )


def _filled_cells(column: pa.ChunkedArray) -> int:
    """How many cells of a column of texts hold something; an empty text is nothing."""
    return len(column) - int(column.null_count) - int(pc.sum(pc.equal(column, "")).as_py() or 0)
