"""`planlake ui` and `planlake mcp`: the lake on this machine for a browser, and for an assistant."""

import os
import sys
from threading import Thread
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
    from planlake.cli.stopping import until_stopped, wait_until
    from planlake.report.web.server import serving

    loaded = configuration(config)
    with until_stopped() as stopped, serving(loaded, env, port=port, typed=as_typed) as served:
        typer.echo(f"{served.guard.link}   (opens once; Ctrl-C ends)")
        if _has_screen() if open_it is None else open_it:
            webbrowser.open(served.guard.link)
        wait_until(stopped)
    remark("Ended")


def mcp(env: EnvironmentName = None, config: ConfigFile = None) -> None:
    """Answer an assistant over standard input and output (Model Context Protocol); it reads and changes nothing."""
    from importlib.util import find_spec

    from planlake.cli.loading import configuration
    from planlake.cli.screen import remark, runnable
    from planlake.cli.stopping import until_stopped, wait_until
    from planlake.errors import ConfigurationError
    from planlake.report.hiding import without_secrets

    loaded = configuration(config)
    if find_spec("mcp") is None:
        message = "assistants need the library mcp, which is not installed"
        raise ConfigurationError(message, hint="pip install 'planlake[mcp]'")
    from planlake.report.web.assistant.server import assisting, serve

    if sys.stdin.isatty():
        remark("An assistant starts this command and speaks to it; Ctrl-C ends it")

    def said(line: str) -> str:
        return without_secrets(runnable(line), loaded)

    with until_stopped() as stopped, assisting(loaded, env, said=said) as assistant:

        def served() -> None:
            try:
                serve(assistant)
            finally:
                stopped.set()

        # Not in this thread: whoever waits for a line of standard input hears no signal.
        Thread(target=served, daemon=True).start()
        wait_until(stopped)


def _has_screen() -> bool:
    """Whether somebody sits before this terminal, and a browser has somewhere to appear."""
    has_windows = sys.platform in ("win32", "darwin") or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))
    return sys.stdout.isatty() and bool(has_windows)
