"""What an export says of itself, and how an earlier one is known by it."""

import json
import sqlite3
from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import duckdb
import pyarrow as pa
from pyarrow import csv, parquet

ABOUT_TABLE, ABOUT_FILE = "planlake_export", "planlake_export.json"
ABOUT_COLUMNS = ("table", "rows", "columns", "published", "environment", "source", "as_of", "exported_at", "version")
OF_GEOPACKAGE = ("gpkg_", "sqlite_")  # tables that its format asks for begin so
NOT_READ = (OSError, ValueError, KeyError, TypeError, duckdb.Error, sqlite3.Error, pa.ArrowException, BadZipFile)


@dataclass(frozen=True, slots=True)
class Exported:
    """One exported table: rows and columns, the day its snapshot was published (`YYYYMMDD`), its file in a folder."""

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


def rows_of(about: Export) -> list[tuple[object, ...]]:
    """The rows of the table `planlake_export`, in the order of ABOUT_COLUMNS."""
    own = (about.environment, about.source, about.as_of, about.exported_at, about.version)
    return [(one.table, one.rows, one.columns, one.published, *own) for one in about.tables]


def as_json(about: Export, indent: int | None = None) -> str:
    """The same as JSON, with days and times as text."""
    return json.dumps(asdict(about), indent=indent, default=str, ensure_ascii=False)


def others_in_folder(folder: Path) -> list[str]:
    """Files of a folder that no earlier export put there."""
    try:
        about = json.loads((folder / ABOUT_FILE).read_text(encoding="utf-8"))
        own = {ABOUT_FILE, *(table["file"] for table in about["tables"])}
    except NOT_READ:
        own = set()
    return sorted(entry.name for entry in folder.iterdir() if entry.name not in own) if folder.is_dir() else []


def others_in_file(path: Path, kind: str) -> list[str] | None:
    """Tables of a file of this format that no export put there; None where the file is no earlier export.

    CSV has no room to say what it is: it is taken for one where its first line is names, as an export writes them.
    """
    try:
        return _READERS[kind](path)
    except NOT_READ:  # another kind of file, one in use
        return None


def _others_in_duckdb(path: Path) -> list[str]:
    with path.open("rb") as stream:
        if stream.read(12)[8:] != b"DUCK":  # DuckDB would look for an extension that reads it
            raise ValueError("not a DuckDB file")
    with duckdb.connect(str(path), read_only=True) as connection:
        found = connection.execute("select table_name from information_schema.tables").fetchall()
        own = connection.execute(f'select "table" from {ABOUT_TABLE}').fetchall()
    return _others(found, own)


def _others_in_sqlite(path: Path) -> list[str]:
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        own = connection.execute(f'select "table" from {ABOUT_TABLE}').fetchall()
        found = connection.execute("select name from sqlite_master where type in ('table', 'view')").fetchall()
    return [name for name in _others(found, own) if not name.startswith(OF_GEOPACKAGE)]


def _others(found: Collection[tuple[str]], own: Collection[tuple[str]]) -> list[str]:
    return sorted({name for (name,) in found} - {name for (name,) in own} - {ABOUT_TABLE})


def _others_in_workbook(path: Path) -> list[str]:
    with ZipFile(path) as book:
        if ABOUT_TABLE.encode() not in book.read("docProps/custom.xml"):
            raise ValueError("no export's workbook")
    return []


def _others_in_parquet(path: Path) -> list[str]:
    if ABOUT_TABLE.encode() not in (parquet.read_metadata(path).metadata or {}):
        raise ValueError("no export's Parquet file")
    return []


def _others_in_csv(path: Path) -> list[str]:
    with path.open("rb") as stream:
        head = stream.readline(1_000_000)
    names = csv.read_csv(pa.BufferReader(head)).column_names
    if head.rstrip(b"\r\n") != ",".join('"' + name.replace('"', '""') + '"' for name in names).encode():
        raise ValueError("no first line of names, each in quotes")
    return []


_READERS: Mapping[str, Callable[[Path], list[str]]] = {
    "duckdb": _others_in_duckdb,
    "sqlite": _others_in_sqlite,
    "gpkg": _others_in_sqlite,
    "xlsx": _others_in_workbook,
    "parquet": _others_in_parquet,
    "geoparquet": _others_in_parquet,
    "csv": _others_in_csv,
}
