"""`planlake notify test`: sends everybody who is told of runs a message, and says whom it reached."""

import typer

from planlake.cli.options import AsJson, ConfigFile, EnvironmentName

notify = typer.Typer(name="notify", no_args_is_help=True, help="Who is told of runs: `notify` in planlake.yaml.")


@notify.callback()
def _group() -> None:
    """Who is told of runs: `notify` in planlake.yaml."""


@notify.command()
def test(env: EnvironmentName = None, config: ConfigFile = None, json: AsJson = False) -> None:
    """Send a test message to each that planlake.yaml names; the exit status is 1 where one was not reached."""
    from planlake.cli.loading import configuration
    from planlake.cli.screen import print_json, print_table
    from planlake.report.telling.message import test_of
    from planlake.report.telling.sending import send

    loaded = configuration(config)
    loaded.environment(env)
    found = send(loaded, test_of(loaded, env))
    if json:
        print_json(found)
    else:
        rows = [(name, f"x {why}" if why else "+ told") for name, why in found.items()]
        print_table("", ("who", "outcome"), rows)
    raise typer.Exit(int(any(found.values())))
