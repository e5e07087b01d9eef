"""The pages that a run writes at its end, and how pages write a command."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from planlake.config import Config


def as_typed(command: str) -> str:
    """A command as this one was called, with its configuration and environment."""
    from planlake.cli.screen import runnable

    return runnable(f"hint: {command}").removeprefix("hint: ")


def report_after_run(config: "Config", environment: str | None) -> None:
    """Write the pages where the configuration wants them after a run, and say in a line where that went wrong."""
    if not config.report.after_run:
        return  # and their templates are not imported
    from planlake.cli.screen import remark
    from planlake.report.pages.write import write_after_run

    if trouble := write_after_run(config, environment, as_typed):
        remark(f"{trouble}\nhint: planlake report")
