"""`planlake sql`: a query over the lake, or a prompt for queries."""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from planlake.cli.options import ConfigFile, EnvironmentName

if TYPE_CHECKING:
    from planlake.lake.query import Asked

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
    from planlake.cli.answers import write_answer
    from planlake.cli.screen import remark
    from planlake.engines.memory import no_more_than
    from planlake.lake.query import answered

    _check_text(query)
    with no_more_than(asked.limits.megabytes), answered(asked, query, _stop) as answer:
        for note in answer.notes:
            remark(note)
        write_answer(answer, shown.format, limit=shown.rows)


def _stop() -> None:
    """End the process: DuckDB did not stop when it was told to, and nothing else stops it."""
    from planlake.cli.screen import remark

    remark("Error: the query was stopped: it took longer than it may\nhint: the setting query_seconds allows more")
    os._exit(2)


def _check_text(query: str) -> None:
    """Refuse a query in another encoding."""
    from planlake.errors import ConfigurationError

    try:
        query.encode()
    except UnicodeEncodeError:
        hint = "iconv -f LATIN1 -t UTF-8 makes it so, where it is Latin-1"
        raise ConfigurationError("the query is no UTF-8 text", hint=hint) from None


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
        _check_text(text)
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
