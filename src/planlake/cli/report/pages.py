"""`planlake report`: the pages that people look at, as files."""

from pathlib import Path
from typing import Annotated

import typer

from planlake.cli.options import AsJson, ConfigFile, EnvironmentName


def report(
    out: Annotated[
        Path | None,
        typer.Option("--out", help="The folder the pages are written into.", show_default="what the file says"),
    ] = None,
    env: EnvironmentName = None,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Write pages to look at: what is complete, what failed and why, what ran, as files for a browser."""
    from planlake.cli.loading import configuration
    from planlake.cli.reporting import as_typed
    from planlake.cli.screen import counted, print_json, remark, waiting
    from planlake.report.pages.write import configured_folder, write_report

    loaded = configuration(config)
    with waiting("report: pages are written"):
        made = write_report(loaded, out or configured_folder(loaded), environment=env, typed=as_typed)
    if json:
        print_json({"first": str(made.first), "files": made.files, "changed": made.changed, "removed": made.removed})
        return
    gone = f", {made.removed} that no table or day has any more removed" if made.removed else ""
    files = counted(made.files, "file", "files")
    remark(f"{made.first} is the first of {files}; {made.changed} changed{gone}", is_data=True)
