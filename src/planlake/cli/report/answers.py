"""Writes the answer of a query: as a table for people, or as CSV, JSON or Parquet.

CSV, JSON and Parquet hold every value. What Python or JSON has no word for, an interval or a day beyond the year 9999,
is written as DuckDB writes it; a number that is none is null in JSON. A table shows what a screen may show.
"""

import math
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from itertools import chain, pairwise
from typing import Any

import duckdb
import pyarrow as pa
from pyarrow import csv, parquet

from planlake.cli.screen import as_json, console, echo, is_unicode, remark
from planlake.engines.duckdb.connection import Connection
from planlake.errors import ConfigurationError
from planlake.lake.views.query import Answer
from planlake.report.printable_rows import (
    AS_THEY_ARE,
    IS_MOMENT,
    IS_TEXT,
    NOT_HELD,
    as_text,
    for_csv,
    is_any,
    printable_rows,
    unique,
)

MOST_ROWS = 60  # of a table
WIDEST = 1_000_000  # characters of a line that only a pager shows
PLAIN_LINES = str.maketrans("─│┌┐└┘├┤┬┴┼·…", "-|+++++++++..")  # where a screen has no others


def write_answer(
    answer: Answer,
    format: str,  # noqa: A002 - as the option is called
    *,
    limit: int,
    expanded: str = "off",
    is_paged: bool = False,
) -> None:
    """Write an answer on standard output while it comes; a ConfigurationError where the format cannot hold it.

    A table has so many rows at most; whoever wants more takes another format. `expanded` is on, off or auto: rows are
    drawn as lines, a column each, always or where the screen is too narrow. What is larger than the screen goes
    through a pager where it `is_paged`.
    """
    with duckdb.connect(config={"temp_directory": ""}) as connection:  # the answer's own is busy while rows come
        if format == "csv":
            _write_csv(answer, connection)
        elif format == "json":
            _write_json(answer, connection)
        elif format == "parquet":
            _write_parquet(answer)
        else:
            rows = printable_rows(connection, _first_rows(answer, limit))
            _draw(connection, rows, expanded=expanded, is_paged=is_paged, is_whole=answer.is_listing)


def _first_rows(answer: Answer, limit: int) -> pa.Table:
    pieces, count = [], 0
    for piece in answer.pieces:
        pieces.append(piece.slice(0, limit - count))
        count += piece.num_rows
        if count > limit:
            remark(
                f"Only the first {limit:,} rows were asked for (query_rows); --format csv, json and parquet give all"
            )
            break
    answer.pieces.close()
    return pa.Table.from_batches(pieces, answer.schema)


def _draw(connection: Connection, rows: pa.Table, *, expanded: str, is_paged: bool, is_whole: bool) -> None:
    """Rows as a table, cut to fit unless a pager shows it, or as lines."""
    width = console(stderr=False).width  # asked while standard output is still the terminal
    most = rows.num_rows if is_whole else min(MOST_ROWS, rows.num_rows)
    if expanded == "off" and not is_paged:
        return _show(_table(connection, rows, width, most))
    from planlake.cli.report.terminal import pager, show_in_pager

    whole = _table(connection, rows, WIDEST, rows.num_rows)
    is_narrow = any(len(line) > width for line in whole.splitlines())
    if expanded == "on" or (expanded == "auto" and is_narrow):
        whole, is_narrow = _as_lines(connection, rows, width), False
    program = pager() if is_paged else None
    height = console(stderr=False).height
    if program and (is_narrow or whole.count("\n") >= height - 1):
        return show_in_pager(f"{whole}\n", program)
    return _show(_table(connection, rows, width, most) if is_narrow else whole)


def _table(connection: Connection, rows: pa.Table, width: int, most: int) -> str:
    with redirect_stdout(StringIO()) as drawn:
        connection.from_arrow(rows).show(max_width=width, max_rows=max(MOST_ROWS, most))
    return drawn.getvalue().rstrip("\n")


def _as_lines(connection: Connection, rows: pa.Table, width: int) -> str:
    """Each row as lines: its number, then a line for each column with its name and its value."""
    columns = [as_text(connection, column).to_pylist() for column in rows.columns]
    widest = max((len(name) for name in rows.column_names), default=0)
    lines = []
    for number, row in enumerate(zip(*columns, strict=True), 1):
        lines.append(f"── row {number} ".ljust(min(width, widest + 20), "─"))
        lines += [
            f"{name:{widest}}  {'' if value is None else value}".rstrip()
            for name, value in zip(rows.column_names, row, strict=True)
        ]
    return "\n".join(lines) or "0 rows"


def _show(text: str) -> None:
    echo(text if is_unicode(sys.stdout) else text.translate(PLAIN_LINES))


def _write_json(answer: Answer, connection: Connection) -> None:
    """A list of objects, columns of one name numbered."""
    names, before = unique(answer.schema.names), "["
    for piece in answer.pieces:
        columns = [_plain(connection, column) for column in piece.columns]
        for row in zip(*columns, strict=True):
            text = as_json(dict(zip(names, row, strict=True))).replace("\n", "\n  ")
            sys.stdout.write(f"{before}\n  {text}")
            before = ","
    echo("[]" if before == "[" else "\n]")


def _plain(connection: Connection, values: pa.Array) -> list[Any]:
    """The values of an array as JSON can hold them, however deep they lie."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        return _plain(connection, values.dictionary_decode())
    if pa.types.is_nested(kind) and not pa.types.is_union(kind):
        return _nested(connection, values)
    if is_any(kind, (*AS_THEY_ARE, *IS_TEXT, *IS_MOMENT)):
        try:
            return [_one(one) for one in values.to_pylist()]
        except NOT_HELD:
            pass
    return list(as_text(connection, pa.chunked_array([values])).to_pylist())


def _one(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def _nested(connection: Connection, values: pa.Array) -> list[Any]:
    """Lists as lists, structs as objects, maps as lists of pairs."""
    kind, is_there = values.type, values.is_valid().to_pylist()
    rows: Iterator[Any]
    if pa.types.is_struct(kind):
        import pyarrow.compute as pc

        fields = {field.name: _plain(connection, pc.struct_field(values, field.name)) for field in kind}
        rows = (dict(zip(fields, row, strict=True)) for row in zip(*fields.values(), strict=True))
    elif pa.types.is_map(kind):
        pairs = zip(_plain(connection, values.keys), _plain(connection, values.items), strict=True)
        rows = _cut(values.offsets, [list(pair) for pair in pairs])
    else:
        if pa.types.is_fixed_size_list(kind):
            values = values.cast(pa.list_(kind.value_field))
        rows = _cut(values.offsets, _plain(connection, values.values))
    return [row if there else None for row, there in zip(rows, is_there, strict=True)]


def _cut(offsets: pa.Array, parts: list[Any]) -> Iterator[Any]:
    ends = offsets.to_pylist()
    return (parts[start:end] for start, end in pairwise(ends))


def _write_csv(answer: Answer, connection: Connection) -> None:
    is_first = True
    try:
        for rows in _tables(answer):
            columns = [for_csv(connection, column) for column in rows.columns]
            head = csv.WriteOptions(include_header=is_first)
            csv.write_csv(pa.table(columns, names=rows.column_names), sys.stdout.buffer, head)
            is_first = False
        sys.stdout.buffer.flush()
    except pa.ArrowException as error:
        raise ConfigurationError(f"CSV cannot hold this answer: {error}", hint="--format json or parquet") from None


def _tables(answer: Answer) -> Iterator[pa.Table]:
    """The pieces of an answer as tables: at least one, without rows if the answer has none.

    What is wrong with a query mostly shows before the first piece.
    """
    first = next(answer.pieces, None)
    yield pa.Table.from_batches([first] if first is not None else [], answer.schema)
    for piece in answer.pieces:
        yield pa.Table.from_batches([piece])


def _write_parquet(answer: Answer) -> None:
    if sys.stdout.isatty():
        hint = "planlake sql ... --format parquet > FILE"
        raise ConfigurationError("Parquet cannot be shown on a screen", hint=hint)
    tables = _tables(answer)
    first = next(tables)
    try:
        with parquet.ParquetWriter(sys.stdout.buffer, answer.schema, compression="zstd") as writer:
            for rows in chain([first], tables):
                writer.write_table(rows)
        sys.stdout.buffer.flush()
    except pa.ArrowNotImplementedError as error:
        raise ConfigurationError(f"Parquet cannot hold this answer: {error}", hint="--format json") from None
