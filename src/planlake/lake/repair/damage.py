"""Finds files of tables that are gone or damaged, and says what repairs each table.

A preview is damaged as a whole: it can only be dropped.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.exceptions import NoSuchNamespaceError, NoSuchTableError

from planlake.errors import LakeError, PlanlakeError
from planlake.lake.lake import ZONES, Lake, clear_errors
from planlake.lake.previews.entered import reload_preview
from planlake.lake.previews.names import preview_names, unread
from planlake.lake.repair.metadata_files import missing_file
from planlake.lake.state.ledger import raw_files
from planlake.lake.state.raw import RawFiles
from planlake.lake.tables.data_files import LISTS, data_files
from planlake.lake.tables.stored_files import sizes_of
from planlake.lake.tables.unreadable import BOOKMARKED, UNREADABLE, damaged, repair_command_of
from planlake.printable import listed

if TYPE_CHECKING:
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table

DATA, METADATA, EARLIER = "data files", "metadata files", "lists of earlier versions"
SHOWN_FILES = 2
# What DuckDB says of a query rather than of the files it reads.
OF_QUERIES = (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException, duckdb.ConversionException)


@dataclass(frozen=True, slots=True)
class Damage:
    """What is gone or damaged of a table: metadata, lists or these data files of its newest version, earlier lists."""

    database: str
    table: str
    what: str
    files: tuple[str, ...] = ()

    @property
    def said(self) -> str:
        """What is wrong, in a sentence."""
        files = listed(self.files, SHOWN_FILES)
        return f"{self.what} of {self.table} are gone or damaged{f': {files}' if files else ''}"

    @property
    def repair(self) -> str:
        """The command that repairs it."""
        is_of_base = not self.database.startswith("preview-")
        is_known = self.what in (METADATA, EARLIER) and is_of_base
        return "planlake recover" if is_known else repair_command_of(self.database, self.table)

    @property
    def error(self) -> LakeError:
        """The same as an error."""
        facts = {"table": f"{self.database}.{self.table}"}
        return LakeError(self.said, facts=facts, hint=self.repair)


def damage_in(lake: Lake, zone: str, name: str, *, is_deep: bool = True) -> Damage | None:
    """What is wrong with a table; None where nothing is, or there is no such table.

    Data files must be there and of their size; `is_deep` reads them to their end as well, if they are on this machine.
    """
    database = lake.database(zone)
    with clear_errors():
        try:
            table = lake.catalog.load_table((database, name))
        except (NoSuchTableError, NoSuchNamespaceError):
            return None
        except UNREADABLE:
            return Damage(database, name, METADATA)
    current = table.current_snapshot()
    try:
        files = data_files(table)
        gone = missing_file(table.io, [current] if current else [], current=None)
    except (LakeError, OSError):
        return Damage(database, name, LISTS)
    if gone:
        return Damage(database, name, LISTS, (_name(gone),))
    bad = bad_files(table, files, is_deep=is_deep and "://" not in lake.warehouses[zone])
    if bad:
        return Damage(database, name, DATA, tuple(_name(file.file_path) for file in bad))
    gone = missing_file(table.io, table.metadata.snapshots, current=None)
    return Damage(database, name, EARLIER, (_name(gone),)) if gone else None


def quick_damage_in(lake: Lake, zone: str, name: str) -> Damage | None:
    """The first file of a table's newest version that is gone or of another size; nothing is read but its lists."""
    try:
        table = lake.shown(zone, name)
    except LakeError:
        return Damage(lake.database(zone), name, METADATA)
    current = table.current_snapshot() if table is not None else None
    if table is None or current is None:
        return None
    gone = missing_file(table.io, [current], current=current)
    what = DATA if gone.endswith(".parquet") else LISTS
    return Damage(table.name()[-2], name, what, (_name(gone),)) if gone else None


def quick_damage_of_records(lake: Lake, resource: str, raw: RawFiles | None = None) -> Damage | None:
    """Files of raw with records of a resource that are gone or of another size; nothing is read but lists.

    `raw` has read these already, for who asks for many resources.
    """
    holder = lake.holder(resource)
    database, name = holder.database("raw"), "api_responses"
    try:
        table = holder.find("raw", name)
        files = raw.of(resource) if raw is not None else raw_files(holder, resource, 0)
        bad = bad_files(table, files, is_deep=False) if table else []
    except LakeError as error:
        return None if error.hint == "planlake doctor" else Damage(database, name, LISTS)
    return Damage(database, name, DATA, tuple(_name(file.file_path) for file in bad)) if bad else None


def quick_damage_of(lake: Lake, resource: str, raw: RawFiles | None = None) -> Damage | None:
    """The first missing or cut off file that a resource depends on: raw comes first, as the rest is made from it."""
    if found := quick_damage_of_records(lake, resource, raw):
        return found
    names = (f"{kind}{resource}" for kind in BOOKMARKED)
    return next(filter(None, (quick_damage_in(lake, "refined", name) for name in names)), None)


def bad_files(table: "Table", files: Sequence["DataFile"], *, is_deep: bool) -> list["DataFile"]:
    """Those of a table's data files that are gone, have another size or, looked at closely, cannot be read."""
    sizes = sizes_of(table.io, [file.file_path for file in files])
    return [
        file
        for file, size in zip(files, sizes, strict=True)
        if size != file.file_size_in_bytes or (is_deep and not _is_readable(table, file))
    ]


def _is_readable(table: "Table", file: "DataFile") -> bool:
    try:
        with table.io.new_input(file.file_path).open() as stream:
            held = pq.ParquetFile(stream)
            rows = sum(_rows_in(held.read_row_group(number)) for number in range(held.num_row_groups))
    except (OSError, *UNREADABLE):
        return False
    return rows == file.record_count


def _rows_in(found: pa.Table) -> int:
    found.validate(full=True)  # that texts are texts, which Arrow does not look at by itself
    return len(found)


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def damages(lake: Lake, *, is_deep: bool = True) -> Iterator[Damage]:
    """What is wrong with each table of a lake."""
    for zone in ZONES:
        for name in lake.names(zone):
            if found := damage_in(lake, zone, name, is_deep=is_deep):
                yield found


def explain_error(lake: Lake, error: Exception, resource: str = "") -> Exception:
    """The error that says which files are gone or damaged, where that is what an error came from; else the same error.

    Tables of the resource are looked at first, then those that all resources share; all where none is named.
    """
    if not _is_symptom(error):
        return error
    named = [("refined", f"{kind}{resource}") for kind in BOOKMARKED] if resource else []
    of_all = [(zone, name) for zone in ("raw", "operations") for name in lake.names(zone)]
    others = [] if resource else [("refined", name) for name in lake.names("refined")]
    lakes = [lake] if lake.base is None else [lake, lake.base]
    return next((found.error for one in lakes for found in _damages(one, [*named, *others, *of_all])), error)


def _damages(lake: Lake, places: Iterable[tuple[str, str]]) -> Iterator[Damage]:
    for zone, name in places:
        if found := damage_in(lake, zone, name):
            yield found


def _is_symptom(error: Exception) -> bool:
    """Whether something unreadable may have caused an error; not if the error says already what is damaged."""
    if not isinstance(error, PlanlakeError):
        return _is_of_reading(error, (OSError, *UNREADABLE))
    if isinstance(error, LakeError) and error.hint not in ("", "planlake doctor"):
        return False
    causes = [error.__cause__, error.__context__]
    return any(_is_of_reading(one, (OSError,)) for one in causes if one is not None)


def _is_of_reading(error: BaseException, kinds: tuple[type[Exception], ...]) -> bool:
    return isinstance(error, kinds) or (isinstance(error, duckdb.Error) and not isinstance(error, OF_QUERIES))


def previews_of(base: Lake) -> list[Lake]:
    """Every preview of a lake, open; a LakeError names the first that is damaged."""
    found = [unread(base, name) for name in preview_names(base)]
    for preview in found:
        if gone := damage_of(preview):
            raise damaged(preview.preview, gone)
    return found


def damage_of(preview: Lake) -> str:
    """The first file of a preview that is gone or cut off; empty where none is, and what it entered is read then."""
    with clear_errors():
        try:
            if gone := _gone(preview, [("operations", name) for name in preview.names("operations")]):
                return gone
            reload_preview(preview)
            return _gone(preview, _others(preview))
        except UNREADABLE as error:  # of a version that is not the current one
            return str(error)


def _others(preview: Lake) -> Iterator[tuple[str, str]]:
    """The preview's tables of the other zones, without those a crash left of a resource that it has not entered."""
    for zone in ZONES:
        for name in preview.names(zone) if zone != "operations" else ():
            if not name.startswith(BOOKMARKED) or name.partition("_")[2] in preview.own:
                yield zone, name


def _gone(preview: Lake, places: Iterator[tuple[str, str]] | list[tuple[str, str]]) -> str:
    for zone, name in places:
        place = f"{preview.database(zone)}.{name}"
        try:
            table: Table = preview.catalog.load_table((preview.database(zone), name))
        except UNREADABLE:
            return f"the metadata of {place}"
        if path := missing_file(table.io, table.metadata.snapshots, current=table.current_snapshot()):
            return f"{path.rpartition('/')[2]} of {place}"
    return ""
