"""The rows of a table that is exported, in pieces, for formats that DuckDB does not write."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from planlake.engines.duckdb.connection import Connection
from planlake.engines.sql import identifier
from planlake.report.exports.about import Export
from planlake.telemetry.progress import Notify, Progress

CELLS_AT_A_TIME = 500_000  # that become objects of Python
Columns = Mapping[str, str]  # of a table, with DuckDB's types


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be written, and where: the tables as views of the connection, each with its columns.

    `comments` say what tables and columns hold, by the table and the column, "" for the table itself.
    """

    connection: Connection
    place: Path
    about: Export
    columns: Mapping[str, Columns]
    notify: Notify
    comments: Mapping[tuple[str, str], str] = field(default_factory=dict)


def text_of(column: str, kind: str) -> str:
    """SQL of a quoted column as text: lists, maps and structures as JSON, others as DuckDB writes them."""
    is_nested = kind.endswith("]") or kind.startswith(("STRUCT", "MAP"))
    return f"to_json({column})::varchar" if is_nested else f"{column}::varchar"


def pieces(work: Work, table: str, value: Callable[[str, str], str]) -> Iterator[pa.RecordBatch]:
    """The rows of a table in pieces that memory holds, at least one; `value` makes SQL of a quoted column and its type.

    The connection is busy until the last one has come.
    """
    columns = work.columns[table]
    chosen = ", ".join(f"{value(identifier(name), kind)} as {identifier(name)}" for name, kind in columns.items())
    size, done = max(1, min(50_000, CELLS_AT_A_TIME // len(columns))), 0
    total = next(one.rows for one in work.about.tables if one.table == table)
    with work.connection.sql(f"select {chosen} from {identifier(table)}").to_arrow_reader(size) as reader:
        yield pa.RecordBatch.from_pylist([], schema=reader.schema)
        for piece in reader:
            yield piece
            done += piece.num_rows
            work.notify(Progress(table, "export", min(99, 100 * done // max(1, total)), 100))
    work.notify(Progress(table, "export", 100, 100))
