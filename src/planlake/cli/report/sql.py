"""`planlake sql`: a query over the lake, or a prompt for queries."""

import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import TYPE_CHECKING, Annotated

import typer

from planlake.cli.options import AsJson, ConfigFile, EnvironmentName
from planlake.cli.report.prompt import Look

if TYPE_CHECKING:
    from planlake.cli.report.prompt import Read
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
    json: AsJson = False,
) -> None:
    """Query the lake; only the tables a query names are opened."""
    from planlake.cli.loading import configuration
    from planlake.cli.selecting import check_format, day_of

    format = "json" if json else format  # noqa: A001 - the option's name
    check_format(format, FORMATS)
    day = day_of("--as-of", as_of)
    loaded = configuration(config)
    from planlake.cli.report.prompt import HELP, HELP_TEXT
    from planlake.cli.screen import remark
    from planlake.report.query import open_for_queries

    asked = open_for_queries(loaded, environment=env, as_of=day)
    shown = Shown(format, loaded.settings.query_rows)
    if query is None:
        _prompt(asked, shown)
    elif query.strip().rstrip(";").lower() in HELP:
        remark(HELP_TEXT)
    else:
        _answer(asked, query, shown)


@dataclass(frozen=True, slots=True)
class Shown:
    """How answers are shown: the format, of a table how many rows are looked at, and what the prompt was told."""

    format: str
    rows: int
    look: Look = field(default_factory=Look)
    is_paged: bool = False


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
        write_answer(answer, shown.format, limit=shown.rows, expanded=shown.look.expanded, is_paged=shown.is_paged)


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
    is_terminal = is_asked and sys.stdout.isatty()
    if is_asked:
        remark("A query ends with ;   help says more   quit leaves")
    status, shown = 0, replace(shown, is_paged=is_terminal)
    for query in queries(shown.look, is_asked=is_asked, read=_reader(asked, is_terminal=is_terminal)):
        began = monotonic()
        try:
            _answer(asked, query, shown)
            if shown.look.is_timed:
                remark(f"Time: {monotonic() - began:.3f} s")
        except KeyboardInterrupt:
            if not is_asked:
                raise
            remark(STOPPED)
        except PlanlakeError as error:
            status = error.exit_code
            remark("\n".join(error.lines()))
    if not is_asked:
        raise typer.Exit(status)


def _reader(asked: "QueryContext", *, is_terminal: bool) -> "Read":
    """What reads lines: with completion and history on a terminal that can move its cursor, else as they come."""
    from planlake.cli.report.prompt import COMMANDS, plain_line

    if not is_terminal or os.environ.get("TERM", "") in ("", "dumb"):
        return plain_line
    from planlake.cli.report.terminal import reader
    from planlake.engines.sql import identifier
    from planlake.lake.views.query import answer_query
    from planlake.lake.views.views import known_names

    def columns_of(table: str) -> list[str]:
        with answer_query(asked, f"describe {identifier(table)}") as answer:
            return [name for piece in answer.pieces for name in piece.column("column_name").to_pylist()]

    def names() -> Mapping[str, Iterable[str]]:
        return known_names(asked.lake, asked.resources, asked.models)

    return reader(names, columns_of, COMMANDS)
