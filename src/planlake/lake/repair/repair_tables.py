"""Repairs raw, the ledger and the operations tables, which cannot be built from anything else.

Refined tables are rebuilt from raw. These keep every row that can be read: of a version whose lists are gone the data
files themselves are recovered. What raw lost is noted in the ledger, so that its windows are open again and its
records count as not held.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.io import load_file_io
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot

from planlake.engines.duckdb.connection import Connection
from planlake.engines.duckdb.reading import rows_sql
from planlake.errors import LakeError
from planlake.lake.built_in_tables import built_in_rows_sql
from planlake.lake.lake import LEDGER, ZONES, Lake
from planlake.lake.repair.damage import bad_files
from planlake.lake.repair.metadata_files import metadata_files_of, missing_file, read
from planlake.lake.state.ledger import LOST, last_request_id
from planlake.lake.state.lost_requests import HAS_LOST, lost_said, windows_of_requests
from planlake.lake.tables.columns import TABLES
from planlake.lake.tables.commits import commit, expire
from planlake.lake.tables.data_files import bounds_of, data_files, files_to_replace
from planlake.lake.tables.parquet import write_file
from planlake.lake.tables.stored_files import path_in_storage, storage_of
from planlake.lake.tables.unreadable import UNREADABLE

RAW = ("raw", "api_responses")
HELD_HERE_ALONE = ("raw", "operations")  # zones that cannot be rebuilt from another


@dataclass(frozen=True, slots=True)
class Mended:
    """What was done to a table: files whose rows are lost, files recovered, versions dropped."""

    zone: str
    table: str
    said: str


@dataclass(frozen=True, slots=True)
class _Lost:
    """Requests of a resource, from one number to another, in which raw or the ledger lost something."""

    resource: str
    first: int
    last: int


def mend(base: Lake, connection: Connection, now: datetime, *, behind: Collection[str] = ()) -> list[Mended]:
    """Take out of the tables what is gone, and note what has to be asked for again; `now` is in UTC.

    Tables that are `behind` have an older version than the one that was known: rows of its files are recovered.
    """
    found: list[Mended] = []
    lost: list[_Lost] = []
    for zone in ZONES:
        found += [Mended(zone, name, said) for name, said in _made_of_data_files(base, connection, zone)]
        for name in base.names(zone):
            if name in behind and zone in HELD_HERE_ALONE:
                found += [Mended(zone, name, said) for said in _caught_up(base, connection, zone, name)]
            done, gone = _mended(base, connection, zone, name)
            found += [Mended(zone, name, said) for said in done]
            lost += gone
    if lost:
        _note(base, connection, lost, now)
    return found


def _made_of_data_files(base: Lake, connection: Connection, zone: str) -> Iterator[tuple[str, str]]:
    """Tables without any metadata file whose data files are there: they are made of those."""
    known = set(base.names(zone)) if zone in HELD_HERE_ALONE else set()
    wanted = [name for of, name in TABLES if of == zone and zone in HELD_HERE_ALONE and name not in known]
    for name in wanted:
        place = base.place(zone, name)
        io = load_file_io(base.catalog.properties, place)
        written = (read(io, location, place) for location in metadata_files_of(io, place))
        if any(one is not None for one in written) or not storage_of(io, f"{place}/data").list_files():
            continue
        table = base.find_or_create_built_in_table(zone, name)
        files = list(_adopted(table, connection, [], ()))
        commit(table, add=files)
        yield (
            name,
            f"its metadata was gone: rebuilt from data files with {sum(one.record_count for one in files)} rows",
        )


def _caught_up(base: Lake, connection: Connection, zone: str, name: str) -> Iterator[str]:
    """Add the rows of data files that the version a table was set back to does not know."""
    table = base.reload(zone, name)
    files = files_to_replace(table)
    if files is None:
        return
    named = {path for one in table.metadata.snapshots for path in _readable_files(table, one)}
    added = list(_adopted(table, connection, files, named))
    if added:
        commit(table, add=added)
        yield f"{sum(one.record_count for one in added)} rows written since are recovered"


def _mended(base: Lake, connection: Connection, zone: str, name: str) -> tuple[list[str], list[_Lost]]:
    try:
        table = base.reload(zone, name)
    except (LakeError, *UNREADABLE):
        return [], []
    said, lost = [], []
    if zone in HELD_HERE_ALONE:
        if files_to_replace(table) is None:
            number = _take_up(table, connection)
            said.append(f"its lists of files were gone: {number} data files are recovered")
        bad = _bad(table, is_local="://" not in base.warehouses[zone])
        if bad:
            commit(table, remove=bad)
            rows = sum(file.record_count for file in bad)
            said.append(f"{len(bad)} data files with {rows} rows are lost" + _asked_again(zone))
            lost = [_requests_of(table, file) for file in bad] if zone == "raw" else []
    if number := let_go_unreadable(table):
        said.append(f"{number} earlier versions cannot be read and are dropped")
    base.loaded.pop((zone, name), None)
    return said, lost


def _asked_again(zone: str) -> str:
    return "; the next run asks for their windows again" if zone == "raw" else ""


def _bad(table: Table, *, is_local: bool) -> list[DataFile]:
    return bad_files(table, data_files(table), is_deep=is_local)


def let_go_unreadable(table: Table) -> int:
    """Let go the earlier versions of a table whose lists are gone, with their tags; how many those were."""
    current = table.metadata.current_snapshot_id
    others = [one for one in table.metadata.snapshots if one.snapshot_id != current]
    gone = {one.snapshot_id for one in others if not _reads(table, one)}
    if gone:
        tags = [name for name, ref in table.refs().items() if ref.snapshot_id in gone]
        expire(table, snapshots=gone, tags=tags)
    return len(gone)


def _reads(table: Table, version: Snapshot) -> bool:
    try:
        if missing_file(table.io, [version], current=None):
            return False
        for manifest in version.manifests(table.io):
            manifest.fetch_manifest_entry(table.io)
    except UNREADABLE:
        return False
    return True


def _take_up(table: Table, connection: Connection) -> int:
    """Make a new version of what can still be read of the newest one, and of data files that no version names."""
    current = table.current_snapshot()
    versions = sorted(table.metadata.snapshots, key=lambda one: one.sequence_number or 0, reverse=True)
    kept = _readable_files(table, current) if current else {}
    if not kept:
        older = (files for one in versions if (files := _readable_files(table, one)))
        kept = next(older, {})
    named = {path for one in versions for path in _readable_files(table, one)}
    added = list(_adopted(table, connection, list(kept.values()), named))
    commit(table, add=[*kept.values(), *added], remove=None)
    return len(added)


def _readable_files(table: Table, version: Snapshot) -> dict[str, DataFile]:
    """The data files of a version by their paths, as far as its manifests can be read."""
    found: dict[str, DataFile] = {}
    try:
        manifests = version.manifests(table.io)
    except UNREADABLE:
        return found
    for manifest in manifests:
        try:
            for entry in manifest.fetch_manifest_entry(table.io):
                entry.data_file.spec_id = manifest.partition_spec_id
                found[path_in_storage(entry.data_file.file_path)] = entry.data_file
        except UNREADABLE:
            continue
    return found


def _adopted(
    table: Table, connection: Connection, kept: Sequence[DataFile], named: Iterable[str]
) -> Iterator[DataFile]:
    """Rows of data files that no list names and that no kept file has, written as files of the table."""
    storage, known = storage_of(table.io, f"{table.location()}/data"), set(named)
    wanted, bad = schema_to_pyarrow(table.schema()), bad_files(table, kept, is_deep=True)
    whole = [file for file in kept if file not in bad]
    for path in sorted(one.path for one in storage.list_files() if one.path not in known):
        rows = _rows_of(table, storage.prefix + path, wanted)
        if rows is None or not len(rows):
            continue
        with connection.cursor() as cursor:
            cursor.register("adopted", rows)
            held = rows_sql(whole, table.schema())
            new = cursor.sql(f"select * from adopted except all select * from {held}").to_arrow_table()
        if len(new):
            partition = (new["resource"][0].as_py(),) if table.spec().fields else ()
            whole.append(write_file(table, new, partition=partition))
            yield whole[-1]


def _rows_of(table: Table, location: str, wanted: pa.Schema) -> pa.Table | None:
    try:
        with table.io.new_input(location).open() as stream:
            rows = pq.read_table(stream)
        names = rows.column_names
        return pa.table({f.name: rows[f.name] if f.name in names else pa.nulls(len(rows), f.type) for f in wanted})
    except (OSError, *UNREADABLE):
        return None


def _requests_of(table: Table, file: DataFile) -> _Lost:
    first, last = bounds_of(table, file, "request_id")
    return _Lost(str(file.partition[0]), first, last)


def _note(base: Lake, connection: Connection, lost: Sequence[_Lost], now: datetime) -> None:
    """Write into the ledger which requests were lost, once for each window they belong to."""
    table = base.find_or_create_built_in_table(*LEDGER)
    number = max(last_request_id(base), *(one.last for one in lost))
    rows: list[Mapping[str, object]] = []
    for one in lost:
        for window in windows_of_requests(
            connection, built_in_rows_sql(base, *LEDGER), one.resource, first=one.first, last=one.last
        ):
            number += 1
            common = {"request_id": number, "run": 0, "resource": one.resource, "batch": 0, "event": LOST}
            told = {"page": 0, "error": lost_said(one.first, one.last), "requested_at": now}
            rows.append({**common, "window": window, **told})
    by_resource: dict[str, list[Mapping[str, object]]] = {}
    for row in rows:
        by_resource.setdefault(str(row["resource"]), []).append(row)
    schema = schema_to_pyarrow(table.schema())
    files = [write_file(table, pa.Table.from_pylist(of, schema), partition=(name,)) for name, of in by_resource.items()]
    table = base.reload(*LEDGER)
    commit(table, add=files)
    with table.transaction() as transaction:
        transaction.set_properties({HAS_LOST: "yes"})
    base.loaded.pop(LEDGER, None)
