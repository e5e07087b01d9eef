"""`planlake sql`: a query over the lake, or a prompt for queries."""

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from planlake.cli.options import ConfigFile, EnvironmentName

if TYPE_CHECKING:
    from planlake.lake.views.query import QueryContext

FORMATS = ("table", "csv", "json", "parquet")
STOPPED = "Stopped"


def sql(
    query: Annotated[str | None, typer.Argument(help="The query; without one a prompt opens (help says more).")] = None,
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
    from planlake.cli.report.prompt import HELP, HELP_TEXT
    from planlake.cli.screen import remark
    from planlake.report.query import open_for_queries
    from planlake.report.standing import remark_of_place

    asked = open_for_queries(loaded, environment=env, as_of=day)
    if said := remark_of_place(asked.lake):
        remark(f"! {said}")
    shown = Shown(format, loaded.settings.query_rows)
    if query is None:
        _prompt(asked, shown)
    elif query.strip().rstrip(";").lower() in HELP:
        remark(HELP_TEXT)
    else:
        _answer(asked, query, shown)


@dataclass(frozen=True, slots=True)
class Shown:
    """How answers are shown: the format, and of a table how many rows are looked at."""

    format: str
    rows: int


def _answer(asked: "QueryContext", query: str, shown: Shown) -> None:
    from planlake.cli.report.answers import write_answer
    from planlake.cli.screen import remark
    from planlake.engines.memory import no_more_than
    from planlake.lake.views.parse_query import check_text
    from planlake.lake.views.query import answer_query

    check_text(query)
    with no_more_than(asked.limits.megabytes), answer_query(asked, query, when_stuck=_stop) as answer:
        for note in answer.notes:
            remark(note)
        write_answer(answer, shown.format, limit=shown.rows)


def _stop(is_by_hand: bool) -> None:
    """End the process: DuckDB did not stop when it was told to, and nothing else stops it."""
    from planlake.cli.screen import remark

    if is_by_hand:
        remark(STOPPED)
        os._exit(130)
    remark("Error: the query was stopped: it took longer than it may\nhint: the setting query_seconds allows more")
    os._exit(2)


def _prompt(asked: "QueryContext", shown: Shown) -> None:
    """Read queries that end in a semicolon until the input ends; on a terminal neither a mistake nor Ctrl-C ends it."""
    from planlake.cli.report.prompt import queries
    from planlake.cli.screen import remark
    from planlake.errors import PlanlakeError

    is_asked = sys.stdin.isatty()
    if is_asked:
        import readline  # noqa: F401 - gives the prompt its history

        remark("A query ends with ;   help says more   quit leaves")
    status = 0
    for query in queries(is_asked=is_asked):
        try:
            _answer(asked, query, shown)
        except KeyboardInterrupt:
            if not is_asked:
                raise
            remark(STOPPED)
        except PlanlakeError as error:
            status = error.exit_code
            remark("\n".join(error.lines()))
    if not is_asked:
        raise typer.Exit(status)
