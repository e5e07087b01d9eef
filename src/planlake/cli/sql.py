"""`planlake sql`: a query over the lake, or a prompt for queries."""

import math
import sys
from collections.abc import Iterator
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
    from planlake.cli.selecting import check_format, day_of

    check_format(format, FORMATS)
    day = day_of("--as-of", as_of)
    loaded = configuration(config)
    from planlake.flow.query import opened_views

    with opened_views(loaded, environment=env, as_of=day) as views:
        if query is None:
            _prompt(views, format)
        else:
            _answer(views, query, format)


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
        from pyarrow import ArrowException, csv

        from planlake.errors import ConfigurationError

        try:
            csv.write_csv(rows, sys.stdout.buffer)
        except ArrowException as error:
            raise ConfigurationError(f"CSV cannot hold this answer: {error}", hint="--format json or parquet") from None
    elif format == "json":
        from planlake.cli.screen import print_json

        print_json(_plain(rows))
    elif format == "parquet":
        _write_parquet(rows)
    else:
        from planlake.cli.screen import console

        views.connection.from_arrow(rows).show(max_width=console(stderr=False).width, max_rows=60)


def _plain(rows: "pa.Table") -> list[dict[str, object]]:
    """Rows as JSON can hold them: columns of one name numbered, numbers that are none as null."""
    names: list[str] = []
    for name in rows.column_names:
        names.append(name if name not in names else f"{name}_{len([one for one in names if one.startswith(name)]) + 1}")

    def plain(value: object) -> object:
        return None if isinstance(value, float) and not math.isfinite(value) else value

    return [{name: plain(value) for name, value in row.items()} for row in rows.rename_columns(names).to_pylist()]


def _write_parquet(rows: "pa.Table") -> None:
    from pyarrow import parquet

    from planlake.errors import ConfigurationError

    if sys.stdout.isatty():
        raise ConfigurationError(
            "Parquet is no text to read on a screen", hint="planlake sql ... --format parquet > FILE"
        )
    parquet.write_table(rows, sys.stdout.buffer, compression="zstd")


def _prompt(views: "Views", format: str) -> None:  # noqa: A002
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
            _answer(views, query, format)
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
