"""Options and arguments that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from planlake.cli.completing import environment_names, table_names

ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", help="Configuration file.", envvar="PLANLAKE_CONFIG", show_default="planlake.yaml"),
]


def _remembered(name: str | None) -> str | None:
    from planlake.cli.loading import remember_environment

    return remember_environment(name)


EnvironmentName = Annotated[
    str | None,
    typer.Option(
        "--env",
        help="Environment.",
        envvar="PLANLAKE_ENV",
        show_default="the first of the file",
        callback=_remembered,
        autocompletion=environment_names,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]
TableNames = Annotated[
    list[str] | None,
    typer.Argument(help="Tables; all configured ones when none is named.", autocompletion=table_names),
]
CadenceName = Annotated[
    str | None, typer.Option("--cadence", help="Only tables of this cadence, daily or weekly, that are due.")
]
StepOption = Annotated[str | None, typer.Option("--step", help="Only this step: ingest, refine, snapshot or trust.")]
InFull = Annotated[bool, typer.Option("--full", help="Read everything again instead of what changed.")]
EngineName = Annotated[str | None, typer.Option("--engine", help="Where the work is done: local, spark or auto.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be done and do nothing.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask, even where the environment is protected.")]
AcceptDeletions = Annotated[
    bool,
    typer.Option(
        "--accept-deletions", help="Accept deletions however many there are; each is confirmed by a request of its own."
    ),
]
AcceptGaps = Annotated[
    bool, typer.Option("--accept-gaps", help="Publish although pages failed; they are named as gaps.")
]
