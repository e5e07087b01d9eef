"""Finds the data files, of all kept versions, that hold rows which a rule takes away.

A rule says which rows of a table go and which columns of other rows are given other values. Such a file is rewritten
beside the old one; nothing is committed here.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyiceberg.conversions import from_bytes
from pyiceberg.io.pyarrow import pyarrow_to_schema, schema_to_pyarrow
from pyiceberg.manifest import DataFile, ManifestFile
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot
from pyiceberg.types import PrimitiveType, StringType

from planlake.lake.tables.parquet import target_of, write_rows


@dataclass(frozen=True, slots=True)
class Treated:
    """What becomes of rows: whether each stays, and the columns that say something else from now on."""

    stays: pa.Array
    changed: Mapping[str, pa.Array] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rule:
    """What becomes of the rows of one table, decided by `treat` from these columns.

    Files of other resources are not opened, nor those whose numbers in a column (`number`: its name, the number) lie
    elsewhere.
    """

    zone: str
    name: str
    columns: tuple[str, ...]
    treat: Callable[[pa.Table], Treated]
    resource: str = ""
    number: tuple[str, int] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Hit:
    """A data file with rows that go or change, and how many of each; `table` is one that refers to it."""

    table: Table
    rule: Rule
    file: DataFile
    gone: int
    changed: int


@dataclass(frozen=True, slots=True)
class Search:
    """What was found in one table: its hits, and in how many of its kept versions they are."""

    table: Table
    rule: Rule
    hits: tuple[Hit, ...]
    versions: int


def search_tables(places: Iterable[tuple[Table, Rule]]) -> list[Search]:
    """Look through all kept versions of these tables; a file that several of them share is opened once."""
    known: dict[str, Hit | None] = {}
    found = []
    for table, rule in places:
        hits: dict[str, Hit] = {}
        holding = set()
        for manifest in manifests_of(table, table.metadata.snapshots):
            for file in _live_files(table, manifest):
                if file.file_path not in known and _may_hold(table, rule, file):
                    known[file.file_path] = _hit(table, rule, file)
                hit = known.get(file.file_path)
                if hit is not None:
                    hits[file.file_path] = hit
                    holding.add(manifest.manifest_path)
        versions = [one for one in table.metadata.snapshots if _is_among(table, one, holding)]
        found.append(Search(table, rule, tuple(hits.values()), len(versions)))
    return found


def manifests_of(table: Table, snapshots: Iterable[Snapshot]) -> list[ManifestFile]:
    """The manifests of these versions, each once."""
    found = {one.manifest_path: one for snapshot in snapshots for one in snapshot.manifests(table.io)}
    return list(found.values())


def _live_files(table: Table, manifest: ManifestFile) -> Iterator[DataFile]:
    for entry in manifest.fetch_manifest_entry(table.io):
        yield entry.data_file


def _is_among(table: Table, snapshot: Snapshot, manifests: Collection[str]) -> bool:
    return any(one.manifest_path in manifests for one in snapshot.manifests(table.io))


def _may_hold(table: Table, rule: Rule, file: DataFile) -> bool:
    spec = table.spec().fields
    if rule.resource and spec and spec[0].name == "resource" and file.partition[0] != rule.resource:
        return False
    ends = ends_of(table, rule, file)
    return rule.number is None or None in ends or cast("int", ends[0]) <= rule.number[1] <= cast("int", ends[1])


def ends_of(table: Table, rule: Rule, file: DataFile) -> tuple[int | None, int | None]:
    """The lowest and highest number of a file in the rule's column; None where the file does not say."""
    if rule.number is None:
        return None, None
    kinds = _kinds_of(table, rule.number[0])
    found = []
    for bounds in (file.lower_bounds or {}, file.upper_bounds or {}):
        numbers = [int(from_bytes(kind, bounds[place])) for place, kind in kinds.items() if place in bounds]
        found.append(numbers[0] if numbers else None)
    lower, upper = found
    return lower, upper


def _kinds_of(table: Table, column: str) -> dict[int, PrimitiveType]:
    """The field ids that a column had in any version as a number, with its type then; texts have no bounds."""
    found = {}
    for schema in table.metadata.schemas:
        with suppress(ValueError):  # a schema that has no such column
            place = schema.find_field(column)
            if not isinstance(place.field_type, StringType):
                found[place.field_id] = cast("PrimitiveType", place.field_type)
    return found


def _hit(table: Table, rule: Rule, file: DataFile) -> Hit | None:
    rows = _decided_by(table, rule, read_rows(table, file, rule.columns))
    treated = rule.treat(rows)
    gone = len(rows) - (pc.sum(treated.stays).as_py() or 0)
    differs = [pc.not_equal(rows[name], values) for name, values in treated.changed.items()]
    changed = max((pc.sum(one).as_py() or 0 for one in differs), default=0)
    return Hit(table, rule, file, gone, changed) if gone or changed else None


def read_rows(table: Table, file: DataFile, columns: Sequence[str] | None = None) -> pa.Table:
    """The rows of a data file as they lie in it; of columns it lacks there is none."""
    with table.io.new_input(file.file_path).open() as stream:
        held = pq.ParquetFile(stream)
        names = None if columns is None else [name for name in columns if name in held.schema_arrow.names]
        return held.read(columns=names)


def gone_rows(hit: Hit) -> pa.Table:
    """The rows that go, with all their columns."""
    rows = read_rows(hit.table, hit.file)
    return rows.filter(pc.invert(hit.rule.treat(_decided_by(hit.table, hit.rule, rows)).stays))


def _decided_by(table: Table, rule: Rule, rows: pa.Table) -> pa.Table:
    """The columns a rule looks at; NULL where a file is older than a column."""
    found = rows.select([name for name in rule.columns if name in rows.column_names])
    for name in rule.columns:
        if name not in found.column_names:
            kind = schema_to_pyarrow(table.schema().find_type(name))
            found = found.append_column(name, pa.nulls(len(rows), kind))
    return found


def rewrite_without_rows(hit: Hit) -> DataFile | None:
    """Write a file without the rows that go, beside the old one; None where no row is left.

    Columns keep their ids and types, whatever the table has now.
    """
    rows = read_rows(hit.table, hit.file)
    treated = hit.rule.treat(_decided_by(hit.table, hit.rule, rows))
    for name, values in treated.changed.items():
        place = rows.schema.get_field_index(name)
        if place >= 0:
            rows = rows.set_column(place, rows.schema.field(place), values.cast(rows.schema.field(place).type))
    left = rows.filter(treated.stays)
    if not len(left):
        return None
    partition = tuple(hit.file.partition[number] for number in range(len(hit.table.spec().fields)))
    file = write_rows(target_of(hit.table, pyarrow_to_schema(left.schema)), left, partition=partition)
    file.spec_id = hit.file.spec_id
    return file
