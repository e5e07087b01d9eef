"""`planlake report`: the pages that people look at, as files."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from planlake.cli.options import AsJson, ConfigFile, EnvironmentName

if TYPE_CHECKING:
    from collections.abc import Callable


def report(
    out: Annotated[Path, typer.Option("--out", help="The folder the pages are written into.")] = Path(
        "planlake-report"
    ),
    env: EnvironmentName = None,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Write pages to look at: what is complete, what failed and why, what ran, as files for a browser."""
    from planlake.cli.loading import configuration
    from planlake.cli.screen import counted, print_json, remark
    from planlake.report.pages.write import write_report

    made = write_report(configuration(config), out, environment=env, typed=typed())
    if json:
        print_json({"first": str(made.first), "files": made.files, "changed": made.changed})
        return
    remark(f"{made.first} is the first of {counted(made.files, 'file', 'files')}; {made.changed} changed", is_data=True)


def typed() -> "Callable[[str], str]":
    """How the pages write a command: as this one was called, with its configuration and environment."""
    from planlake.cli.screen import runnable

    return lambda command: runnable(f"hint: {command}").removeprefix("hint: ")
