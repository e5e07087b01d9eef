"""`planlake sql`: a query over the lake, or a prompt for queries."""

import sys
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from planlake.cli.options import ConfigFile, EnvironmentName

if TYPE_CHECKING:
    import pyarrow as pa

    from planlake.lake.views import Views

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
    from planlake.config import suggestion
    from planlake.errors import ConfigurationError

    if format not in FORMATS:
        raise ConfigurationError(f'no format is called "{format}"', hint=suggestion(format, FORMATS))
    day = _day(as_of)
    loaded = configuration(config)
    from planlake.flow.query import opened_views

    with opened_views(loaded, environment=env, as_of=day) as views:
        if query is None:
            _prompt(views, format)
        else:
            _answer(views, query, format)


def _day(text: str | None) -> date | None:
    from planlake.errors import ConfigurationError

    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(f'--as-of is no day: "{text}"', hint="--as-of 2026-11-22") from None


def _answer(views: "Views", query: str, format: str) -> None:  # noqa: A002
    from planlake.cli.screen import remark
    from planlake.lake.query import answer

    rows = answer(views, query)
    for note in views.notes:
        remark(note)
    views.notes.clear()
    _show(views, rows, format)


def _show(views: "Views", rows: "pa.Table", format: str) -> None:  # noqa: A002
    if format == "csv":
        from pyarrow import csv

        csv.write_csv(rows, sys.stdout.buffer)
    elif format == "json":
        from planlake.cli.screen import print_json

        print_json(rows.to_pylist())
    elif format == "parquet":
        _write_parquet(rows)
    else:
        from planlake.cli.screen import console

        views.connection.from_arrow(rows).show(max_width=console(stderr=False).width, max_rows=60)


def _write_parquet(rows: "pa.Table") -> None:
    from pyarrow import parquet

    from planlake.errors import ConfigurationError

    if sys.stdout.isatty():
        raise ConfigurationError(
            "Parquet is no text to read on a screen", hint="planlake sql ... --format parquet > FILE"
        )
    parquet.write_table(rows, sys.stdout.buffer, compression="zstd")


def _prompt(views: "Views", format: str) -> None:  # noqa: A002
    """Read queries that end in a semicolon until the input ends; a mistake is one line, not the end."""
    from planlake.cli.screen import remark
    from planlake.errors import PlanlakeError

    if sys.stdin.isatty():
        import readline  # noqa: F401 - gives the prompt its history

        remark("A query ends with ;   Ctrl-D leaves")
    lines: list[str] = []
    while True:
        try:
            lines.append(input(("planlake> " if not lines else "     ...> ") if sys.stdin.isatty() else ""))
        except EOFError:
            break
        if lines[-1].rstrip().endswith(";"):
            query, lines = "\n".join(lines), []
            try:
                _answer(views, query, format)
            except PlanlakeError as error:
                for line in error.lines():
                    remark(line)
    if "".join(lines).strip():
        _answer(views, "\n".join(lines), format)
