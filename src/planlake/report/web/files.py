"""An answer as a file: CSV and Parquet as received, Excel with texts as text cells, days and moments as such."""

from io import BytesIO
from typing import Any

import pyarrow as pa
from pyarrow import csv, parquet

from planlake.clock import LONDON, read_clock
from planlake.engines.duckdb.connection import Connection
from planlake.errors import ConfigurationError
from planlake.printable import printable
from planlake.report.exports.workbook import FORMATS as STYLES
from planlake.report.exports.workbook import LONGEST_TEXT, MOST_COLUMNS, WIDTHS, cell_writer
from planlake.report.printable_rows import AS_THEY_ARE, as_json, as_text, for_csv, is_any, is_structured
from planlake.report.query import Fetched
from planlake.report.web.frames import Request
from planlake.version import __version__

FORMATS = ("csv", "parquet", "xlsx")
MOST_ROWS = {"csv": 1_000_000, "parquet": 1_000_000, "xlsx": 100_000}
MOST_BYTES = 100_000_000
LONGEST_QUERY_SHOWN = 30_000
OTHERWISE = "cast what it is about to text: COLUMN::text"
BYTE_ORDER_MARK = "\ufeff".encode()  # by which Excel knows that a CSV file is UTF-8


def file_of(connection: Connection, found: Fetched, request: Request) -> bytes:
    """The file; a ConfigurationError where the format cannot hold the answer, or it is too large."""
    if found.is_cut:
        message = f"the answer has more than {request.max_rows:,} rows, which is as many as a file gets here"
        raise ConfigurationError(message, hint='planlake sql "..." --format csv writes them all')
    stream = BytesIO()
    try:
        if request.format == "parquet":
            parquet.write_table(found.rows, stream, compression="zstd")
        elif request.format == "csv":
            rows = found.rows
            columns = [for_csv(connection, column) for column in rows.columns]
            stream.write(BYTE_ORDER_MARK)
            csv.write_csv(pa.table(columns, names=rows.column_names), stream)
        else:
            _write_workbook(stream, connection, found, request)
    except pa.ArrowException as error:
        raise ConfigurationError(f"{request.format} cannot hold this answer: {error}", hint=OTHERWISE) from None
    if stream.tell() > MOST_BYTES:
        message = f"the file has more than {MOST_BYTES / 1e6:.0f} MB"
        raise ConfigurationError(message, hint='planlake sql "..." --format csv writes it whatever its size')
    return stream.getvalue()


def _write_workbook(stream: BytesIO, connection: Connection, found: Fetched, request: Request) -> None:
    """One sheet with the rows, one with where they are from; no text becomes a formula, a number or a link."""
    import xlsxwriter  # noqa: PLC0415 - only where somebody wants Excel

    rows, cut = found.rows, 0
    if rows.num_columns > MOST_COLUMNS:
        raise ConfigurationError(f"Excel has {MOST_COLUMNS:,} columns at most", hint="csv can hold more")
    with xlsxwriter.Workbook(stream, {"in_memory": True}) as book:
        sheet, about = book.add_worksheet("Rows"), book.add_worksheet("About")
        sheet.freeze_panes(1, 0)
        styles = {kind: book.add_format({"num_format": shown}) for kind, shown in STYLES.items()}
        for place, (name, column) in enumerate(zip(rows.column_names, rows.columns, strict=True)):
            kind, values = _cells(connection, column)
            sheet.set_column(place, place, WIDTHS.get(kind))
            sheet.write_string(0, place, name[:LONGEST_TEXT], book.add_format({"bold": True}))
            write = cell_writer(sheet, kind, styles.get(kind))
            for row, value in enumerate(values, 1):
                if value is not None:
                    cut += write(row, place, value)
        for row, (what, said) in enumerate(_about(request, cut, rows.num_rows)):
            about.write_string(row, 0, what)
            about.write_string(row, 1, said)


def _cells(connection: Connection, column: pa.ChunkedArray) -> tuple[str, list[Any]]:
    """What the cells of a column are, as DuckDB calls it, and their values: numbers, truths, and all else as text."""
    kind = column.type
    if is_any(kind, AS_THEY_ARE):
        return "DOUBLE", column.to_pylist()
    texts = as_json(connection, column) if is_structured(kind) else as_text(connection, column)
    is_moment = pa.types.is_timestamp(kind) and kind.tz is None
    return "DATE" if pa.types.is_date(kind) else "TIMESTAMP" if is_moment else "VARCHAR", texts.to_pylist()


def _about(request: Request, cut: int, rows: int) -> list[tuple[str, str]]:
    written = f"{read_clock().now().astimezone(LONDON):%Y-%m-%d %H:%M} by Planlake {__version__}"
    said = [("Query", printable(request.sql[:LONGEST_QUERY_SHOWN])), ("As of", request.as_of or "now")]
    said += [("Rows", f"{rows:,}"), ("Written", written)]
    words = (
        "1 text is longer than Excel's cells and ends"
        if cut == 1
        else f"{cut:,} texts are longer than Excel's cells and end"
    )
    return [*said, ("Cut", f"{words} early")] if cut else said
