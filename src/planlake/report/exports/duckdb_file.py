"""Writes what DuckDB itself writes, in pieces and within its memory limit: its own files, and Parquet."""

import re
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

from planlake.engines.duckdb.connection import Connection
from planlake.engines.sql import identifier, literal
from planlake.report.exports.about import ABOUT_COLUMNS, ABOUT_FILE, ABOUT_TABLE, as_json, rows_of
from planlake.report.exports.rows import Work
from planlake.telemetry.progress import Notify, Progress

STORAGE_VERSION = "v1.0.0"  # programs with a DuckDB of 2024 read it too
CELLS_IN_MEMORY = 10_000_000  # of one group of rows of a Parquet file
NO_FILE_NAME = re.compile(r'[\x00-\x1f/\\:*?"<>|%]')
SECONDS_BETWEEN_LOOKS = 0.2


def write_duckdb(work: Work) -> list[str]:
    """A DuckDB file with the tables, what they and their columns hold, and what was exported."""
    run = work.connection.execute
    run(f"attach {literal(str(work.place))} as export (storage_version {literal(STORAGE_VERSION)})")
    for table in work.columns:
        statement = f"create table export.main.{identifier(table)} as from {identifier(table)}"
        _carry_out(work.connection, statement, table=table, notify=work.notify)
    _write_comments(work)
    run(f"""create table export.main.{ABOUT_TABLE} ("table" text, "rows" bigint, "columns" integer,
        published text, environment text, source text, as_of date, exported_at timestamp, version text)""")
    marks = ", ".join("?" for _ in ABOUT_COLUMNS)
    work.connection.executemany(f"insert into export.main.{ABOUT_TABLE} values ({marks})", rows_of(work.about))
    run("detach export")
    return []


def _write_comments(work: Work) -> None:
    statements = []
    for (table, column), text in work.comments.items():
        target = f"export.main.{identifier(table)}"
        what = f"column {target}.{identifier(column)}" if column else f"table {target}"
        statements.append(f"comment on {what} is {literal(text)}")
    work.connection.execute("; ".join(["begin", *statements, "commit"]))


def write_parquet_folder(work: Work) -> list[str]:
    """A folder with a Parquet file for each table, and a file of JSON that says what was exported."""
    work.place.mkdir()
    for one in work.about.tables:
        _copy(work, one.table, work.place / str(one.file))
    (work.place / ABOUT_FILE).write_text(f"{as_json(work.about, indent=2)}\n", encoding="utf-8")
    return []


def write_parquet(work: Work) -> list[str]:
    """One Parquet file of the one table, which says in its metadata what was exported."""
    (table,) = work.columns
    _copy(work, table, work.place, f", kv_metadata {{{ABOUT_TABLE}: {literal(as_json(work.about))}}}")
    return []


def _copy(work: Work, table: str, place: Path, more: str = "") -> None:
    size = min(122_880, max(2_048, CELLS_IN_MEMORY // len(work.columns[table])))
    options = f"format parquet, compression zstd, row_group_size {size}{more}"
    statement = f"copy (from {identifier(table)}) to {literal(str(place))} ({options})"
    _carry_out(work.connection, statement, table=table, notify=work.notify)


def file_name(table: str, taken: set[str]) -> str:
    """The table's name as a file, with characters replaced that no file may have; no two files differ in case alone."""
    plain = NO_FILE_NAME.sub(lambda found: f"%{ord(found[0]):02X}", table)
    name, number = f"{plain}.parquet", 2
    while name.lower() in taken:
        name, number = f"{plain}_{number}.parquet", number + 1
    taken.add(name.lower())
    return name


def _carry_out(connection: Connection, statement: str, *, table: str, notify: Notify) -> None:
    """Have a statement written; meanwhile it reports progress in percent, and Ctrl-C stops it."""
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
    writing.result()
