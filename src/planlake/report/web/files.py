"""An answer as a file: CSV and Parquet as received, Excel with every text as a text cell."""

from io import BytesIO

import pyarrow as pa
from pyarrow import csv, parquet

from planlake.clock import LONDON, read_clock
from planlake.engines.duckdb.connection import Connection
from planlake.errors import ConfigurationError
from planlake.printable import printable
from planlake.report.printable_rows import as_text, for_csv, is_any
from planlake.report.query import Fetched
from planlake.report.web.frames import Request
from planlake.version import __version__

FORMATS = ("csv", "parquet", "xlsx")
MOST_ROWS = {"csv": 1_000_000, "parquet": 1_000_000, "xlsx": 100_000}
MOST_BYTES = 100_000_000
LONGEST_CELL, WIDEST_SHEET, LONGEST_QUERY_SHOWN = 32_767, 16_384, 30_000  # of Excel
IS_NUMBER = (pa.types.is_integer, pa.types.is_floating)
PRECISE = 10**15  # Excel keeps 15 digits of a number


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
            csv.write_csv(pa.table(columns, names=rows.column_names), stream)
        else:
            _write_workbook(stream, connection, found, request)
    except pa.ArrowException as error:
        raise ConfigurationError(f"{request.format} cannot hold this answer: {error}", hint="csv can") from None
    if stream.tell() > MOST_BYTES:
        message = f"the file has more than {MOST_BYTES / 1e6:.0f} MB"
        raise ConfigurationError(message, hint='planlake sql "..." --format csv writes it whatever its size')
    return stream.getvalue()


def _write_workbook(stream: BytesIO, connection: Connection, found: Fetched, request: Request) -> None:
    """One sheet with the rows, one with where they are from; no text becomes a formula, a number or a link."""
    import xlsxwriter  # noqa: PLC0415 - only where somebody wants Excel

    rows, cut = found.rows, 0
    if rows.num_columns > WIDEST_SHEET:
        raise ConfigurationError(f"Excel has {WIDEST_SHEET:,} columns at most", hint="csv can hold more")
    with xlsxwriter.Workbook(stream, {"in_memory": True}) as book:
        sheet, about = book.add_worksheet("Rows"), book.add_worksheet("About")
        sheet.freeze_panes(1, 0)
        for place, (name, column) in enumerate(zip(rows.column_names, rows.columns, strict=True)):
            sheet.write_string(0, place, name[:LONGEST_CELL], book.add_format({"bold": True}))
            if is_any(column.type, IS_NUMBER):
                for row, number in enumerate(column.to_pylist(), 1):
                    if number is not None and -PRECISE < number < PRECISE:
                        sheet.write_number(row, place, number)
                    elif number is not None:
                        sheet.write_string(row, place, str(number))
                continue
            for row, text in enumerate(as_text(connection, column).to_pylist(), 1):
                if text is not None:
                    cut += len(text) > LONGEST_CELL
                    sheet.write_string(row, place, text[:LONGEST_CELL])
        for row, (what, said) in enumerate(_about(request, cut, rows.num_rows)):
            about.write_string(row, 0, what)
            about.write_string(row, 1, said)


def _about(request: Request, cut: int, rows: int) -> list[tuple[str, str]]:
    written = f"{read_clock().now().astimezone(LONDON):%Y-%m-%d %H:%M} by Planlake {__version__}"
    said = [("Query", printable(request.sql[:LONGEST_QUERY_SHOWN])), ("As of", request.as_of or "now")]
    said += [("Rows", f"{rows:,}"), ("Written", written)]
    return [*said, ("Cut", f"{cut:,} texts are longer than Excel's cells and end early")] if cut else said
