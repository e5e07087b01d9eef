"""`planlake backfill`: read the days of a table that were never loaded."""

from datetime import date, timedelta
from typing import Annotated

import typer

from planlake.cli.completing import table_names
from planlake.cli.options import AsJson, ConfigFile, EnvironmentName


def backfill(
    table: Annotated[str, typer.Argument(help="The table.", autocompletion=table_names)],
    first: Annotated[str, typer.Option("--from", help="First day, YYYY-MM-DD.")],
    last: Annotated[str | None, typer.Option("--to", help="Last day; the first day when not given.")] = None,
    env: EnvironmentName = None,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Read these days of a table, whatever the look-back cap says."""
    from planlake.cli.loading import configuration
    from planlake.cli.runs.run import carry_out

    days = _days(first, last or first)
    loaded = configuration(config)
    from planlake.runs.plan import Selection

    carry_out(loaded, Selection((table,), backfill=days), environment=env, as_json=json)


def _days(first: str, last: str) -> tuple[date, ...]:
    from planlake.clock import read_clock
    from planlake.errors import ConfigurationError

    try:
        start, end = date.fromisoformat(first), date.fromisoformat(last)
    except ValueError:
        raise ConfigurationError("--from and --to are days", hint="--from 2026-11-01 --to 2026-11-20") from None
    if start > end:
        raise ConfigurationError(f"--from {start} lies after --to {end}")
    if end >= read_clock().today():
        raise ConfigurationError(f"{end} is not over yet", hint="planlake run asks for today")
    return tuple(start + timedelta(days=number) for number in range((end - start).days + 1))
