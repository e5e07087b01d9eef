"""`planlake completion`: what a shell needs, so that Tab completes commands, options and names."""

import os
from pathlib import PurePath
from typing import Annotated

import typer

PROGRAM, VARIABLE = "planlake", "_PLANLAKE_COMPLETE"
SHELLS = ("bash", "zsh", "fish", "powershell")


def completion(
    shell: Annotated[
        str | None, typer.Argument(help=f"{', '.join(SHELLS)}.", show_default="the one this is typed in")
    ] = None,
    install: Annotated[bool, typer.Option("--install", help="Write it where the shell looks for it.")] = False,
) -> None:
    """Print the script with which Tab completes in a shell, or install it."""
    from typer._completion_shared import get_completion_script
    from typer._completion_shared import install as put_in_place

    from planlake.cli.screen import echo, remark
    from planlake.cli.selecting import check_shell
    from planlake.errors import ConfigurationError

    chosen = shell or ("powershell" if os.name == "nt" else PurePath(os.environ.get("SHELL", "")).name)
    check_shell(chosen, SHELLS)
    if not install:
        echo(get_completion_script(prog_name=PROGRAM, complete_var=VARIABLE, shell=chosen))
        return
    try:
        _, place = put_in_place(shell=chosen, prog_name=PROGRAM, complete_var=VARIABLE)
    except OSError as error:
        reason = error.strerror or error
        hint = f"planlake completion {chosen} prints it"
        raise ConfigurationError(f"completion cannot be installed: {reason}", hint=hint) from None
    remark(f"{place} written; Tab completes in the next {chosen} that is opened")
