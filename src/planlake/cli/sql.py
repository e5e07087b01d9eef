"""`planlake sql`: a query over the lake, or a prompt for queries."""

import json
import math
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Annotated

import typer

from planlake.cli.options import ConfigFile, EnvironmentName

if TYPE_CHECKING:
    import pyarrow as pa

    from planlake.lake.query import Answer, Asked

FORMATS = ("table", "csv", "json", "parquet")


def sql(
    query: Annotated[str | None, typer.Argument(help="The query; without one a prompt opens.")] = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="Show refined tables as of this day, YYYY-MM-DD.")
    ] = None,
    format: Annotated[str, typer.Option("--format", help="table, csv, json or parquet.")] = "table",  # noqa: A002
    env: EnvironmentName = None,
    config: ConfigFile = None,
) -> None:
    """Query the lake; only the tables a query names are opened."""
    from planlake.cli.loading import configuration
    from planlake.cli.selecting import check_format, day_of

    check_format(format, FORMATS)
    day = day_of("--as-of", as_of)
    loaded = configuration(config)
    from planlake.flow.query import opened_lake

    asked = opened_lake(loaded, environment=env, as_of=day)
    shown = Shown(format, loaded.settings.query_rows)
    if query is None:
        _prompt(asked, shown)
    else:
        _answer(asked, query, shown)


@dataclass(frozen=True, slots=True)
class Shown:
    """How answers are shown: the format, and of a table how many rows are looked at."""

    format: str
    rows: int


def _answer(asked: "Asked", query: str, shown: Shown) -> None:
    from planlake.cli.screen import remark
    from planlake.engines.memory import no_more_than
    from planlake.lake.query import answered

    with no_more_than(asked.limits.megabytes), answered(asked, query, _stop) as answer:
        for note in answer.notes:
            remark(note)
        _show(answer, shown)


def _stop() -> None:
    """End the process: DuckDB did not stop when it was told to, and nothing else stops it."""
    from planlake.cli.screen import remark

    remark("Error: the query was stopped: it took longer than it may\nhint: the setting query_seconds allows more")
    os._exit(2)


def _show(answer: "Answer", shown: Shown) -> None:
    if shown.format == "csv":
        _write_csv(answer)
    elif shown.format == "json":
        _write_json(answer)
    elif shown.format == "parquet":
        _write_parquet(answer)
    else:
        _draw(answer, shown.rows)


def _draw(answer: "Answer", limit: int) -> None:
    """A table for people, of so many rows at most; whoever wants more rows takes another format."""
    import pyarrow as pa

    from planlake.cli.screen import console, remark

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
    rows = pa.Table.from_batches(pieces, answer.schema)
    most = max(60, rows.num_rows) if answer.is_listing else 60
    answer.connection.from_arrow(rows).show(max_width=console(stderr=False).width, max_rows=most)


def _write_csv(answer: "Answer") -> None:
    from pyarrow import ArrowException, csv

    from planlake.errors import ConfigurationError

    first = next(answer.pieces, None)  # what is wrong with a query mostly shows before there is a row
    try:
        with csv.CSVWriter(sys.stdout.buffer, answer.schema) as writer:
            for piece in chain([first] if first is not None else [], answer.pieces):
                writer.write_batch(piece)
    except ArrowException as error:
        raise ConfigurationError(f"CSV cannot hold this answer: {error}", hint="--format json or parquet") from None


def _write_json(answer: "Answer") -> None:
    """A list of objects, written while the rows come."""
    import pyarrow as pa

    before = "["
    for piece in answer.pieces:
        for row in _plain(pa.Table.from_batches([piece])):
            text = json.dumps(row, indent=2, default=str, ensure_ascii=False).replace("\n", "\n  ")
            typer.echo(f"{before}\n  {text}", nl=False)
            before = ","
    typer.echo("[]" if before == "[" else "\n]")


def _plain(rows: "pa.Table") -> list[dict[str, object]]:
    """Rows as JSON can hold them: columns of one name numbered, numbers that are none as null."""
    names: list[str] = []
    for name in rows.column_names:
        names.append(name if name not in names else f"{name}_{len([one for one in names if one.startswith(name)]) + 1}")

    def plain(value: object) -> object:
        return None if isinstance(value, float) and not math.isfinite(value) else value

    return [{name: plain(value) for name, value in row.items()} for row in rows.rename_columns(names).to_pylist()]


def _write_parquet(answer: "Answer") -> None:
    from pyarrow import parquet

    from planlake.errors import ConfigurationError

    if sys.stdout.isatty():
        raise ConfigurationError(
            "Parquet is no text to read on a screen", hint="planlake sql ... --format parquet > FILE"
        )
    first = next(answer.pieces, None)
    with parquet.ParquetWriter(sys.stdout.buffer, answer.schema, compression="zstd") as writer:
        for piece in chain([first] if first is not None else [], answer.pieces):
            writer.write_batch(piece)


def _prompt(asked: "Asked", shown: Shown) -> None:
    """Read queries that end in a semicolon until the input ends; on a terminal a mistake is one line, not the end."""
    from planlake.cli.screen import remark
    from planlake.errors import PlanlakeError

    is_asked = sys.stdin.isatty()
    if is_asked:
        import readline  # noqa: F401 - gives the prompt its history

        remark("A query ends with ;   Ctrl-D leaves")
    status = 0
    for query in _queries(is_asked=is_asked):
        try:
            _answer(asked, query, shown)
        except PlanlakeError as error:
            status = error.exit_code
            remark("\n".join(error.lines()))
    if not is_asked:
        raise typer.Exit(status)


def _queries(*, is_asked: bool) -> Iterator[str]:
    """Queries as they are typed; a semicolon inside a text ends none."""
    text = ""
    while True:
        try:
            text += input(("     ...> " if text else "planlake> ") if is_asked else "") + "\n"
        except EOFError:
            break
        complete, text = _split(text)
        yield from complete
    if text.strip():
        yield text


def _split(text: str) -> tuple[list[str], str]:
    """Whole queries of what was typed so far, and what is left of it."""
    import duckdb

    if not text.rstrip().endswith(";"):
        return [], text
    try:
        return [statement.query for statement in duckdb.extract_statements(text)], ""
    except duckdb.Error as error:
        return ([], text) if "unterminated" in str(error).lower() else ([text], "")
