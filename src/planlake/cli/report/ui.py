"""`planlake ui`: the pages live in a browser on this machine, and a place to ask."""

import os
import sys
from typing import Annotated

import typer

from planlake.cli.options import ConfigFile, EnvironmentName


def ui(
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port; 0 takes a free one.")] = 0,
    open_it: Annotated[
        bool | None,
        typer.Option("--open/--no-open", help="Open it in a browser.", show_default="where there is a screen"),
    ] = None,
    env: EnvironmentName = None,
    config: ConfigFile = None,
) -> None:
    """Serve the pages on this machine, with a table browser and a place for SQL, until Ctrl-C."""
    import webbrowser

    from planlake.cli.loading import configuration
    from planlake.cli.reporting import as_typed
    from planlake.cli.screen import remark
    from planlake.cli.stopping import until_stopped
    from planlake.report.web.server import serving

    loaded = configuration(config)
    with until_stopped() as stopped, serving(loaded, env, port=port, typed=as_typed) as served:
        typer.echo(f"{served.guard.link}   (opens once; Ctrl-C ends)")
        if _has_screen() if open_it is None else open_it:
            webbrowser.open(served.guard.link)
        stopped.wait()
    remark("Ended")


def _has_screen() -> bool:
    """Whether somebody sits before this terminal, and a browser has somewhere to appear."""
    has_windows = sys.platform in ("win32", "darwin") or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))
    return sys.stdout.isatty() and bool(has_windows)
