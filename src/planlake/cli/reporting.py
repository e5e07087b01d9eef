"""What follows a run on the command line, and how commands are written that others are to type."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from planlake.config import Config


def as_typed(command: str) -> str:
    """A command as this one was called, with its configuration and environment."""
    from planlake.cli.screen import runnable

    return runnable(f"hint: {command}").removeprefix("hint: ")


def follow_up(config: "Config", environment: str | None, error: Exception | None = None) -> None:
    """Write the pages and tell people where the configuration wants it, and say in a line where that went wrong."""
    if not config.report.after_run and config.notify is None:
        return
    from planlake.cli.screen import remark, waiting
    from planlake.report.telling.after_run import after_run

    with waiting("what the run did is told"):
        troubles = list(after_run(config, environment, typed=as_typed, error=error))
    for trouble in troubles:
        remark(trouble)
