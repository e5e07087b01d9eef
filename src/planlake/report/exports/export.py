"""Exports tables for other programs: as a DuckDB, SQLite, Excel, CSV or Parquet file, a folder of Parquet, or a map.

Rows come in pieces, within DuckDB's memory limit. What is written takes its place at the end.
"""

import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from tempfile import mkdtemp

import duckdb
import pyarrow as pa

from planlake.clock import naive_utc, read_clock
from planlake.config import Config
from planlake.engines.sql import identifier
from planlake.errors import ConfigurationError, LakeError
from planlake.lake.views.query import columns_of, place_of_table
from planlake.lake.views.views import Views, known_names
from planlake.printable import quoted
from planlake.report.exports.about import ABOUT_FILE, Export, Exported
from planlake.report.exports.csv_file import write_csv
from planlake.report.exports.duckdb_file import file_name, write_duckdb, write_parquet, write_parquet_folder
from planlake.report.exports.geoparquet import write_geoparquet
from planlake.report.exports.rows import Columns, Work
from planlake.report.exports.sqlite_file import write_geopackage, write_sqlite
from planlake.report.exports.targets import (
    OF_ONE_TABLE,
    ExportTarget,
    check_target,
    follow_links,
    refuse_inside_of_lake,
)
from planlake.report.exports.workbook import write_workbook
from planlake.report.meanings import about_table, comment_of, describe_table
from planlake.report.query import open_views
from planlake.telemetry.progress import Notify, ignore
from planlake.version import __version__

FULL_BELOW_BYTES = 2**20  # DuckDB writes blocks of a quarter of that
WRITERS: Mapping[str, Callable[[Work], list[str]]] = {
    "csv": write_csv,
    "xlsx": write_workbook,
    "sqlite": write_sqlite,
    "duckdb": write_duckdb,
    "parquet": write_parquet,
    "geoparquet": write_geoparquet,
    "gpkg": write_geopackage,
}
WITH_COMMENTS = ("duckdb", "gpkg")


def export(
    config: Config,
    tables: Sequence[str],
    target: ExportTarget,
    *,
    environment: str | None = None,
    as_of: date | None = None,
    notify: Notify = ignore,
) -> Export:
    """Write the named tables or views, or all refined ones that were loaded, to the target.

    Raises ConfigurationError for an unknown table, a target that is taken or a format that cannot hold the tables,
    LakeError where writing fails; what was at the target is then as it was. Notes say what the format does not hold.
    """
    target = replace(target, path=follow_links(target.path))
    check_target(target)
    with open_views(config, environment=environment, as_of=as_of) as views:
        refuse_inside_of_lake(target.path, views.lake)
        chosen = exported_tables(views, tables)
        columns = {called: _columns(views, called, *table) for called, table in chosen.items()}
        _check_count(target, [*columns])
        with _written_beside(target) as beside, _clear_errors(target):
            of, at = environment or next(iter(config.environments)), naive_utc(read_clock().start)
            found = tuple(_described(views, columns, is_folder=target.is_folder))
            about = Export(of, config.source_name, as_of, at, __version__, found, tuple(views.notes))
            comments = _comments(views, config, columns, chosen) if target.format in WITH_COMMENTS else {}
            write = write_parquet_folder if target.is_folder else WRITERS[target.format]
            remarks = write(Work(views.connection, beside, about, columns, notify, comments))
            check_target(target)  # somebody may have been there meanwhile
            _take_place(beside, target.path)
    return replace(about, notes=(*about.notes, *remarks))


def exported_tables(views: Views, tables: Sequence[str]) -> dict[str, tuple[str, str]]:
    """The database (empty where none is named) and name of each table that is named, by what it is called there.

    That is its name, with that of its database before it where another one is called so. Where no table is named, they
    are the refined views of all that were loaded.
    """
    named = dict.fromkeys(name.lower() for name in tables) or dict.fromkeys(_loaded(views))
    places = [(database, name) for database, _, name in (one.rpartition(".") for one in named)]
    counts = Counter(name for _, name in places)
    return {
        f"{database}_{name}" if counts[name] > 1 and database else name: (database, name) for database, name in places
    }


def _columns(views: Views, called: str, database: str, name: str) -> Columns:
    """The columns of a table, which is ready to be read under the name it is exported by."""
    columns = columns_of(views, database, name)
    if database:
        source = f"{identifier(database)}.{identifier(name)}"
        views.connection.execute(f"create or replace view {identifier(called)} as from {source}")
    return columns


def _loaded(views: Views) -> list[str]:
    """The refined views of all resources that were loaded; a preview shows its base's, too."""
    known = known_names(views.lake, views.resources, views.models)
    lakes = [lake for lake in (views.lake, views.lake.base) if lake is not None]
    refined = {name for lake in lakes for name in known[lake.database("refined")]}
    return sorted(name for name in refined if name in views.resources)


def _check_count(target: ExportTarget, tables: Sequence[str]) -> None:
    if not tables:
        raise ConfigurationError("nothing was loaded yet", hint="planlake run")
    if len(tables) > 1 and target.format in OF_ONE_TABLE and not target.is_folder:
        message = f"a {target.format} file holds one table, and {len(tables)} are to be exported"
        hint = f"planlake export {quoted(tables[0])} --out {quoted(str(target.path))}"
        raise ConfigurationError(message, hint=hint)


def _described(views: Views, tables: Mapping[str, Columns], *, is_folder: bool) -> Iterator[Exported]:
    """What is exported of each table, worked out before anything is written."""
    taken = {ABOUT_FILE}
    for table, columns in tables.items():
        published = "max(snapshot_date)" if "snapshot_date" in columns else "null"
        row = views.connection.execute(f"select count(*), {published} from {identifier(table)}").fetchall()[0]
        day = str(row[1]) if row[1] else None
        yield Exported(table, int(row[0]), len(columns), day, file_name(table, taken) if is_folder else None)


def _comments(
    views: Views, config: Config, tables: Mapping[str, Columns], chosen: Mapping[str, tuple[str, str]]
) -> dict[tuple[str, str], str]:
    """What tables hold, below "", and what their columns mean."""
    said = dict[tuple[str, str], str]()
    for called, columns in tables.items():
        name = chosen[called][1]
        zone, _ = place_of_table(views, *chosen[called])
        said[called, ""] = about_table(views, zone, name)
        for one in describe_table(views, config, zone, name, columns):
            said[called, one.column] = comment_of(one)
    return {place: text for place, text in said.items() if text}


@contextmanager
def _written_beside(target: ExportTarget) -> Iterator[Path]:
    """A place beside the target, in a folder of its own that is gone at the end."""
    try:
        folder = Path(mkdtemp(prefix=".planlake-export-", dir=target.path.parent))
    except OSError as error:
        raise ConfigurationError(f"{target.path} cannot be written: {error.strerror}") from None
    try:
        yield folder / "export"  # DuckDB takes signs of a name for more than a name
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _take_place(beside: Path, path: Path) -> None:
    """Put what was written at its place; an earlier export goes, and comes back where that fails."""
    if not path.is_dir() or not any(path.iterdir()):
        if path.is_dir():
            path.rmdir()  # an empty one stands in the way on Windows
        beside.replace(path)
        return
    earlier = path.rename(beside.with_name("earlier"))
    try:
        beside.rename(path)
    except OSError:
        earlier.rename(path)
        raise


@contextmanager
def _clear_errors(target: ExportTarget) -> Iterator[None]:
    state = f"{target.path} was left as it was"
    try:
        yield
    except duckdb.OutOfMemoryException:
        hint = "set memory_limit_megabytes higher, or export fewer tables at once"
        raise LakeError("the export needs more memory than the setting allows", state=state, hint=hint) from None
    except (duckdb.Error, sqlite3.Error, pa.ArrowException, OSError) as error:
        said, folder = str(error).splitlines()[0], target.path.parent
        if "No space left" in said or "disk is full" in said or shutil.disk_usage(folder).free < FULL_BELOW_BYTES:
            hint = "make room, or name a place on another disk with --out"
            raise LakeError(f"the export failed: the disk of {folder} is full", state=state, hint=hint) from None
        raise LakeError(f"the export failed: {said}", state=state) from None
