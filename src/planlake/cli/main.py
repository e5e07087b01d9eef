"""The command `planlake`: in go arguments, out come an exit status and clear lines; never a traceback for a user.

Exit status: 0 all well, 1 some tables failed, 2 usage or configuration, 3 the source or the lake cannot be reached,
4 internal error, 130 on Ctrl-C.
"""

import os
import sys
from typing import Annotated

import typer

from planlake import __version__
from planlake.cli import backfill, demo, doctor, init, plan, reconcile, run, simulate, sql, status, tables
from planlake.errors import PlanlakeError

app = typer.Typer(
    name="planlake",
    help="A council's planning system, from its API to typed, checked, queryable lake tables, every day.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for command in (
    demo.demo,
    init.init,
    doctor.doctor,
    plan.plan,
    run.run,
    status.status,
    sql.sql,
    tables.tables,
    backfill.backfill,
    reconcile.reconcile,
    simulate.simulate,
):
    app.command()(command)


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"planlake {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and stop.")
    ] = False,
) -> None:
    """Common to every command."""


def main() -> None:
    """Run the command line and leave with its exit status."""
    try:
        app()
    except PlanlakeError as error:
        _say(error.lines())
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        _say(["Stopped; everything committed so far is kept", "hint: the same command continues"])
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        if os.environ.get("PLANLAKE_DEBUG"):
            raise
        where = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no message'}"
        _say(
            [
                f"Error: something went wrong inside Planlake: {where}",
                "Everything committed so far is kept",
                "hint: PLANLAKE_DEBUG=1 shows where; please report it",
            ]
        )
        sys.exit(4)


def _say(lines: list[str]) -> None:
    from planlake.cli.screen import remark

    remark("\n".join(lines))
