"""`planlake schedule`: a systemd timer or a line of a crontab, so that runs begin by themselves."""

from pathlib import Path
from typing import Annotated

import typer

from planlake.cli.options import ConfigFile, EnvironmentName


def schedule(
    scheduler: Annotated[
        str | None, typer.Argument(help="systemd or cron.", show_default="what this machine has")
    ] = None,
    at: Annotated[str, typer.Option("--at", help="The hour in London, HH:MM.")] = "03:00",
    install: Annotated[bool, typer.Option("--install", help="Put it in its place, instead of printing it.")] = False,
    env: EnvironmentName = None,
    config: ConfigFile = None,
) -> None:
    """Print a systemd timer or the line of a crontab that runs what is due every night, or install it.

    Daily tables make it run each day, weekly ones alone each Sunday. London's hour holds through both clock changes.
    """
    import sys

    from planlake.cli.loading import configuration, named_file
    from planlake.cli.screen import echo, remark
    from planlake.cli.selecting import check_scheduler
    from planlake.clock import read_clock
    from planlake.config import DEFAULT_FILE
    from planlake.setup.schedule import (
        KEYS,
        SCHEDULERS,
        SYSTEM_UNITS,
        crontab_lines,
        schedule_of,
        systemd_units,
        variables_of,
    )
    from planlake.setup.schedule import install as put_in_place

    loaded, file = configuration(config), Path(named_file() or DEFAULT_FILE)
    chosen = scheduler or ("systemd" if Path("/run/systemd/system").is_dir() else "cron")
    check_scheduler(chosen, SCHEDULERS)
    called = Path(sys.argv[0])
    program = called.absolute() if called.exists() else Path(sys.executable).with_name("planlake")
    if env is not None:
        loaded.environment(env)
    found = schedule_of(loaded, file, [str(program)], environment=env, at=at)
    if install:
        for said in put_in_place(found, "systemd" if chosen == "systemd" else "cron"):
            remark(said)
    elif chosen == "cron":
        echo(crontab_lines(found).rstrip("\n"))
    else:
        for name, text in systemd_units(found).items():
            echo(f"# {SYSTEM_UNITS / name}\n{text}")
    names = variables_of(file, loaded)
    if names:
        remark(f"{found.folder / KEYS} gives each run {' and '.join(names)}, a line NAME=value each; chmod 600 it")
    following = found.following(read_clock().now())
    remark(f"next run: {following:%A} {following.day} {following:%B %Y at %H:%M} in London")
    if not install:
        remark("hint: planlake schedule --install")
