"""Writes tables as an SQLite file, or as a GeoPackage: one with shapes, and with tables that say where they lie.

SQLite has whole numbers of 64 bits, floating ones and texts: days, moments, decimals and larger numbers are texts, as
DuckDB writes them.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing

from planlake.engines.sql import identifier
from planlake.errors import ConfigurationError
from planlake.report.exports.about import ABOUT_COLUMNS, ABOUT_TABLE, rows_of
from planlake.report.exports.geopackage import KEY, blob, describe, prepare
from planlake.report.exports.rows import Columns, Work, pieces, text_of
from planlake.report.exports.shapes import SHAPE_COLUMN, Gathered, has_shapes

MOST_COLUMNS = 2_000
TYPES: Mapping[str, str] = {
    **dict.fromkeys(("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"), "INTEGER"),
    **dict.fromkeys(("FLOAT", "DOUBLE"), "REAL"),
    "BOOLEAN": "BOOLEAN",
    "DATE": "DATE",
    "TIMESTAMP": "TIMESTAMP",
}
AS_THEY_ARE = ("INTEGER", "REAL", "BOOLEAN")
ABOUT_TYPES = dict.fromkeys(ABOUT_COLUMNS, "TEXT") | {"rows": "INTEGER", "columns": "INTEGER"}


def write_sqlite(work: Work) -> list[str]:
    """An SQLite file with the tables, and one that says what was exported."""
    with closing(_begun(work)) as file:
        for table, columns in work.columns.items():
            types = {name: TYPES.get(kind, "TEXT") for name, kind in columns.items()}
            file.execute(_created(table, types))
            for piece in pieces(work, table, _value):
                _insert(file, table, [column.to_pylist() for column in piece.columns])
        _end(file, work)
    return []


def write_geopackage(work: Work) -> list[str]:
    """A GeoPackage: tables with `the_geom` as layers in British National Grid, the others as tables beside them.

    What could not be read as a shape is left out; the sentences that are answered say so.
    """
    remarks = list[str]()
    with closing(_begun(work)) as file:
        prepare(file)
        for table, columns in work.columns.items():
            shapes = Gathered() if has_shapes(columns) else None
            _write_layer(file, work, shapes, table=table)
            describe(file, table, shapes, comment=work.comments.get((table, ""), ""), at=work.about.exported_at)
            remarks += shapes.remarks(table) if shapes else []
        _end(file, work)
    return remarks


def _write_layer(file: sqlite3.Connection, work: Work, shapes: Gathered | None, *, table: str) -> None:
    columns = work.columns[table]
    key = KEY if KEY not in (name.lower() for name in columns) else f"planlake_{KEY}"
    types = {key: "INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL"}
    types |= {name: TYPES.get(kind, "TEXT").replace("TIMESTAMP", "TEXT") for name, kind in columns.items()}
    if shapes:
        types[SHAPE_COLUMN] = "GEOMETRY"
    file.execute(_created(table, types))
    for piece in pieces(work, table, _value):
        values = {name: column.to_pylist() for name, column in zip(columns, piece.columns, strict=True)}
        if shapes:
            values[SHAPE_COLUMN] = [blob(shape) for shape in shapes.read(values[SHAPE_COLUMN])]
        _insert(file, table, [[None] * piece.num_rows, *values.values()])


def _begun(work: Work) -> sqlite3.Connection:
    """A new file within one transaction; it needs no journal, as nobody sees it before it is whole."""
    widest = max(work.columns, key=lambda table: len(work.columns[table]))
    if len(work.columns[widest]) >= MOST_COLUMNS:
        message = f"{widest} has {len(work.columns[widest]):,} columns, and SQLite holds fewer than {MOST_COLUMNS:,}"
        raise ConfigurationError(message, hint="--out FILE.duckdb, or the name of a folder for Parquet")
    file = sqlite3.connect(work.place, isolation_level=None)
    for statement in ("pragma journal_mode = off", "pragma synchronous = off", "begin"):
        file.execute(statement)
    return file


def _end(file: sqlite3.Connection, work: Work) -> None:
    file.execute(_created(ABOUT_TABLE, ABOUT_TYPES))
    columns = zip(*rows_of(work.about), strict=True)
    _insert(file, ABOUT_TABLE, [[one if one is None else str(one) for one in column] for column in columns])
    file.execute("commit")


def _created(table: str, types: Columns) -> str:
    columns = ", ".join(f"{identifier(name)} {kind}" for name, kind in types.items())
    return f"create table {identifier(table)} ({columns})"


def _insert(file: sqlite3.Connection, table: str, columns: Sequence[Iterable[object]]) -> None:
    marks = ", ".join("?" for _ in columns)
    file.executemany(f"insert into {identifier(table)} values ({marks})", zip(*columns, strict=True))


def _value(column: str, kind: str) -> str:
    return column if TYPES.get(kind) in AS_THEY_ARE else text_of(column, kind)
