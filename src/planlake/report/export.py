"""Exports tables to a DuckDB file, or to a folder of Parquet files, for other programs.

DuckDB reads and writes in pieces, within its memory limit. What is written takes its place at the end.
"""

import json
import re
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from pathlib import Path
from tempfile import mkdtemp
from typing import Literal

import duckdb

from planlake.clock import naive_utc, read_clock
from planlake.config import Config
from planlake.engines.duckdb.connection import Connection
from planlake.engines.sql import identifier, literal
from planlake.errors import ConfigurationError, LakeError
from planlake.lake.lake import Lake
from planlake.lake.views.query import columns_of
from planlake.lake.views.views import Views, known_names, places_of_names
from planlake.report.meanings import about_table, comment_of, describe_table
from planlake.report.query import open_views
from planlake.telemetry.progress import Notify, Progress, ignore
from planlake.version import __version__

Columns = Mapping[str, Mapping[str, str]]  # of each table, with their types
ExportFormat = Literal["duckdb", "parquet"]
ABOUT_TABLE, ABOUT_FILE = "planlake_export", "planlake_export.json"
STORAGE_VERSION = "v1.0.0"  # programs with a DuckDB of 2024 read it too
CELLS_IN_MEMORY = 10_000_000  # of one group of rows of a Parquet file
NO_FILE_NAME = re.compile(r'[\x00-\x1f/\\:*?"<>|%]')
SECONDS_BETWEEN_LOOKS = 0.2
FULL_BELOW_BYTES = 2**20  # DuckDB writes blocks of a quarter of that


@dataclass(frozen=True, slots=True)
class Exported:
    """One exported table: rows and columns, the day its snapshot was published (`YYYYMMDD`), its Parquet file."""

    table: str
    rows: int
    columns: int
    published: str | None
    file: str | None


@dataclass(frozen=True, slots=True)
class Export:
    """What was exported, of which lake (`environment`), as of which day (None: as it is), when (UTC)."""

    environment: str
    source: str
    as_of: date | None
    exported_at: datetime
    version: str
    tables: tuple[Exported, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExportTarget:
    """Where an export goes, as what, and whether an earlier one may be replaced."""

    path: Path
    format: ExportFormat
    replaces: bool = False


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

    Raises ConfigurationError for an unknown table or a target that is taken, LakeError where writing fails; what
    was at the target is then as it was.
    """
    target = replace(target, path=follow_links(target.path))
    check_target(target)
    with open_views(config, environment=environment, as_of=as_of) as views:
        _refuse_inside_of_lake(target.path, views.lake)
        columns = {name: columns_of(views, "", name) for name in exported_names(views, tables)}
        if not columns:
            raise ConfigurationError("nothing was loaded yet", hint="planlake run")
        with _written_beside(target) as beside, _clear_errors(target):
            write = _to_duckdb if target.format == "duckdb" else _to_parquet
            found = tuple(write(views.connection, beside, columns, notify))
            if target.format == "duckdb":
                _write_comments(views, config, columns)
            chosen = environment or next(iter(config.environments))
            at = naive_utc(read_clock().start)
            about = Export(chosen, config.source_name, as_of, at, __version__, found, tuple(views.notes))
            _write_about(views.connection, beside, about, target.format)
            check_target(target)  # somebody may have been there meanwhile
            _take_place(beside, target.path)
    return about


def follow_links(path: Path) -> Path:
    """Where a place is for certain, its links followed: what is written replaces no link."""
    try:
        there = path.resolve()
        there.exists()
    except (OSError, RuntimeError) as error:  # a name that is too long, links that form a loop, no right to look
        reason = error.strerror if isinstance(error, OSError) else "its links form a loop"
        raise ConfigurationError(f"{path} cannot be written: {reason}", hint="name another with --out") from None
    return there


def check_target(target: ExportTarget) -> None:
    """Refuse a place that is taken by something else, or by an export where none may be replaced.

    An earlier export is what says so itself, table by table; nothing else is ever replaced.
    """
    path, hint = follow_links(target.path), "--force replaces it, or name another with --out"
    if path.exists() and not path.is_file() and not path.is_dir():  # a device, a pipe: it is nobody's to replace
        raise ConfigurationError(f"{path} is not an ordinary file", hint="name another with --out")
    if not path.parent.is_dir():
        raise ConfigurationError(f"there is no folder {path.parent}", hint="make it, or name another with --out")
    if target.format == "duckdb" and path.is_dir():
        raise ConfigurationError(f"{path} is a folder", hint="name a file: --out planning.duckdb")
    if target.format == "parquet" and path.is_file():
        raise ConfigurationError(f"{path} is a file", hint="name a folder: Parquet is a file for each table")
    if target.format == "parquet" and (others := _not_exported(path)):
        facts = {"for example": others[0]}
        raise ConfigurationError(f"{path} holds other files", facts=facts, hint="name a folder of its own with --out")
    if target.format == "duckdb" and path.is_file():
        _refuse_other_file(path)
    is_taken = path.is_file() or (path.is_dir() and any(path.iterdir()))
    if is_taken and not target.replaces:
        raise ConfigurationError(f"{path} is there already", state="It was left as it is", hint=hint)


def _refuse_inside_of_lake(path: Path, lake: Lake) -> None:
    """Refuse a place among the files of a lake's databases: what no table names there, housekeeping deletes."""
    for one in (lake, *([lake.base] if lake.base else [])):
        for zone, place in one.warehouses.items():
            inside = Path(place).resolve() / one.database(zone)
            if "://" not in place and (path == inside or inside in path.parents):
                message = f"{path} is inside the lake, where planlake maintain deletes files that belong to no table"
                raise ConfigurationError(message, hint="name another with --out")


def _refuse_other_file(path: Path) -> None:
    """Refuse to replace a file unless it is a DuckDB file with the tables of an earlier export and no others."""
    state, hint = "It was left as it is", "name another with --out; --force replaces earlier exports alone"
    try:
        others = _not_exported_tables(path)
    except (OSError, duckdb.Error):  # another kind of file, a file without an export, one in use
        raise ConfigurationError(f"{path} is not an earlier export", state=state, hint=hint) from None
    if others:
        facts = {"for example": others[0]}
        raise ConfigurationError(f"{path} holds other tables", facts=facts, state=state, hint=hint)


def _not_exported_tables(path: Path) -> list[str]:
    """Tables and views of a DuckDB file that no export put there; an OSError or a duckdb.Error for any other file."""
    with path.open("rb") as stream:
        if stream.read(12)[8:] != b"DUCK":  # DuckDB would look for an extension that reads it
            raise duckdb.IOException("not a DuckDB file")
    with duckdb.connect(str(path), read_only=True) as connection:
        found = connection.execute("select table_name from information_schema.tables").fetchall()
        own = connection.execute(f'select "table" from {ABOUT_TABLE}').fetchall()
    return sorted({name for (name,) in found} - {name for (name,) in own} - {ABOUT_TABLE})


def _not_exported(folder: Path) -> list[str]:
    """Files of a folder that no earlier export put there."""
    try:
        about = json.loads((folder / ABOUT_FILE).read_text(encoding="utf-8"))
        own = {ABOUT_FILE, *(table["file"] for table in about["tables"])}
    except (OSError, ValueError, KeyError, TypeError):
        own = set()
    return sorted(entry.name for entry in folder.iterdir() if entry.name not in own) if folder.is_dir() else []


def exported_names(views: Views, tables: Sequence[str]) -> list[str]:
    """The tables that are named, each once; where none is, the refined views of all that were loaded."""
    return list(dict.fromkeys(name.lower() for name in tables)) or _loaded(views)


def _loaded(views: Views) -> list[str]:
    """The refined views of all resources that were loaded; a preview shows its base's, too."""
    known = known_names(views.lake, views.resources, views.models)
    lakes = [lake for lake in (views.lake, views.lake.base) if lake is not None]
    refined = {name for lake in lakes for name in known[lake.database("refined")]}
    return sorted(name for name in refined if name in views.resources)


def _to_duckdb(connection: Connection, file: Path, tables: Columns, notify: Notify) -> Iterator[Exported]:
    connection.execute(f"attach {literal(str(file))} as export (storage_version {literal(STORAGE_VERSION)})")
    for table, columns in tables.items():
        target = f"export.main.{identifier(table)}"
        rows = _carried_out(
            connection, f"create table {target} as from {identifier(table)}", table=table, notify=notify
        )
        yield Exported(table, rows, len(columns), _published(connection, target, columns), None)


def _write_comments(views: Views, config: Config, tables: Columns) -> None:
    """What tables hold and columns mean, as comments of the DuckDB file."""
    statements, places = list[str](), places_of_names(views)
    for table, columns in tables.items():
        target = f"export.main.{identifier(table)}"
        said = {f"table {target}": about_table(views, places[table][0], table)}
        for one in describe_table(views, config, places[table][0], table, columns):
            said[f"column {target}.{identifier(one.column)}"] = comment_of(one)
        statements += [f"comment on {what} is {literal(text)}" for what, text in said.items() if text]
    views.connection.execute("; ".join(["begin", *statements, "commit"]))


def _to_parquet(connection: Connection, folder: Path, tables: Columns, notify: Notify) -> Iterator[Exported]:
    taken: set[str] = {ABOUT_FILE}
    for table, columns in tables.items():
        name = _file_name(table, taken)
        path, size = literal(str(folder / name)), max(2_048, CELLS_IN_MEMORY // len(columns))
        options = f"format parquet, compression zstd, row_group_size {min(size, 122_880)}"
        rows = _carried_out(
            connection, f"copy (from {identifier(table)}) to {path} ({options})", table=table, notify=notify
        )
        yield Exported(table, rows, len(columns), _published(connection, f"read_parquet({path})", columns), name)


def _file_name(table: str, taken: set[str]) -> str:
    """The table's name as a file, with characters replaced that no file may have; no two files differ in case alone."""
    plain = NO_FILE_NAME.sub(lambda found: f"%{ord(found[0]):02X}", table)
    name, number = f"{plain}.parquet", 2
    while name.lower() in taken:
        name, number = f"{plain}_{number}.parquet", number + 1
    taken.add(name.lower())
    return name


def _published(connection: Connection, rows: str, columns: Collection[str]) -> str | None:
    if "snapshot_date" not in columns:
        return None
    found = connection.execute(f"select max(snapshot_date) from {rows}").fetchall()[0][0]
    return str(found) if found else None


def _write_about(connection: Connection, beside: Path, about: Export, target: ExportFormat) -> None:
    """What was exported, as a table of the DuckDB file or as JSON beside the Parquet files."""
    if target == "parquet":
        text = json.dumps(asdict(about), indent=2, default=str, ensure_ascii=False)
        (beside / ABOUT_FILE).write_text(f"{text}\n", encoding="utf-8")
        return
    connection.execute(f"""create table export.main.{ABOUT_TABLE} ("table" text, "rows" bigint, "columns" integer,
        published text, environment text, source text, as_of date, exported_at timestamp, version text)""")
    own = (about.environment, about.source, about.as_of, about.exported_at, about.version)
    rows = [(one.table, one.rows, one.columns, one.published, *own) for one in about.tables]
    connection.executemany(f"insert into export.main.{ABOUT_TABLE} values (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    connection.execute("detach export")


def _carried_out(connection: Connection, statement: str, *, table: str, notify: Notify) -> int:
    """How many rows a statement wrote; meanwhile it reports progress in percent, and Ctrl-C stops it."""
    connection.execute("set enable_progress_bar = true; set enable_progress_bar_print = false")
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(lambda: connection.execute(statement).fetchall())
        try:
            while not wait([writing], timeout=SECONDS_BETWEEN_LOOKS).done:
                notify(Progress(table, "export", max(0, round(connection.query_progress())), 100))
        except BaseException:
            connection.interrupt()
            raise
    notify(Progress(table, "export", 100, 100))
    return int(writing.result()[0][0])


@contextmanager
def _written_beside(target: ExportTarget) -> Iterator[Path]:
    """A place beside the target, in a folder of its own that is gone at the end."""
    try:
        folder = Path(mkdtemp(prefix=".planlake-export-", dir=target.path.parent))
    except OSError as error:
        raise ConfigurationError(f"{target.path} cannot be written: {error.strerror}") from None
    try:
        beside = folder / "export"  # DuckDB takes signs of a name for more than a name
        if target.format == "parquet":
            beside.mkdir()
        yield beside
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _take_place(beside: Path, path: Path) -> None:
    """Put what was written at its place; an earlier export goes, and comes back where that fails."""
    if not path.is_dir() or not any(path.iterdir()):
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
    except (duckdb.Error, OSError) as error:
        said, folder = str(error).splitlines()[0], target.path.parent
        if "No space left" in said or shutil.disk_usage(folder).free < FULL_BELOW_BYTES:
            hint = "make room, or name a place on another disk with --out"
            raise LakeError(f"the export failed: the disk of {folder} is full", state=state, hint=hint) from None
        raise LakeError(f"the export failed: {said}", state=state) from None
