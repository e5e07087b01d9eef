"""Writes one table as CSV like `planlake sql --format csv`: texts in quotes, so that NULL and an empty one differ."""

import pyarrow as pa
from pyarrow import csv

from planlake.report.exports.rows import Work, pieces
from planlake.report.printable_rows import for_csv


def write_csv(work: Work) -> list[str]:
    """A CSV file of the one table; a text is written as received, whatever a spreadsheet takes it for."""
    (table,) = work.columns
    with work.connection.cursor() as beside, work.place.open("wb") as stream:
        head = pa.table({name: pa.array([], pa.string()) for name in work.columns[table]})
        csv.write_csv(head, stream)
        for piece in pieces(work, table, lambda column, _: column):
            columns = [for_csv(beside, pa.chunked_array([column])) for column in piece.columns]
            rows = pa.table(columns, names=piece.schema.names)
            csv.write_csv(rows, stream, csv.WriteOptions(include_header=False))
    return []
