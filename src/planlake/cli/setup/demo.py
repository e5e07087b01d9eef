"""`planlake demo`: the whole way on this machine, over two simulated days."""

import os
import shlex
import shutil
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Annotated

import typer

MARK = "# The demo of Planlake: made anew by each `planlake demo`.\n"
DAILY = (
    "applications", "appeals", "contacts", "documents", "dtf_locations", "emails", "enforcements", "fees",
    "fee_payments", "public_comments", "users", "user_team_map", "asset_constraints", "enforcement_actions_taken",
)  # fmt: skip
WEEKLY = (
    "application_types", "appeal_types", "appeal_decision", "action_types", "decision_types", "decision_levels", "eias",
    "ps_development_codes", "user_teams", "wards",
)  # fmt: skip
CONFIGURATION = (
    MARK
    + """\
source: tascomi
api:
  base_url: {url}
  public_key: file:keys/public
  private_key: file:keys/private
tables:
  daily: [{daily}]
  weekly: [{weekly}]
environments:
  local: {{catalog: {{type: sql, uri: "sqlite:///lake/catalog.db"}}, warehouse: lake/}}
"""
)


def demo(
    folder: Annotated[Path, typer.Option("--folder", help="Where the demo's lake is made.")] = Path("demo-lake"),
) -> None:
    """Start the API simulator, load it over two days, and show the tables and where to look next."""
    from planlake.clock import LONDON, read_clock

    today = datetime.combine(read_clock().today(), time(3), LONDON)
    _clear(folder)
    days = [today - timedelta(days=2), today - timedelta(days=1)]
    port = _load(folder, days)
    _say_what_next(folder, days, port)


def _clear(folder: Path) -> None:
    """Remove an earlier demo; a folder that is not one is left alone."""
    from planlake.errors import ConfigurationError

    file = folder / "planlake.yaml"
    if file.is_file() and file.read_text(encoding="utf-8").startswith(MARK):
        if folder.is_symlink():
            raise ConfigurationError(f"{folder} is a link", hint="planlake demo --folder ANOTHER")
        shutil.rmtree(folder)
    elif folder.is_file() or (folder.exists() and any(folder.iterdir())):
        raise ConfigurationError(f"{folder} exists and is not a demo", hint="planlake demo --folder ANOTHER")


def _load(folder: Path, days: list[datetime]) -> int:
    """Load the days one after the other; the port the API was served at."""
    from urllib.parse import urlsplit

    from planlake.cli.loading import configuration
    from planlake.cli.runs.run import show
    from planlake.cli.screen import progress_bars
    from planlake.runs.plan import Selection
    from planlake.runs.run import run
    from planlake.simulator.choose import dataset
    from planlake.simulator.server import Simulator

    data = dataset("tascomi", now=days[0].replace(tzinfo=None))
    data.keeps_all = True  # so that the lake equals the API when it is served again
    with Simulator(data) as simulator:
        config = configuration(_configured(folder, simulator.url))
        typer.echo(f"The API simulator answers at {simulator.url}; the lake is made in {folder}/")
        for day in days:
            simulator.data.move_to(day.replace(tzinfo=None))
            os.environ["PLANLAKE_NOW"] = day.isoformat()
            with progress_bars() as notify:
                result = run(config, Selection(tables=(*DAILY, *WEEKLY)), notify=notify)  # by name: due or not
            show(result)
    return urlsplit(simulator.url).port or 0


def _configured(folder: Path, url: str) -> Path:
    from planlake.simulator.app import PRIVATE_KEY, PUBLIC_KEY

    (folder / "keys").mkdir(parents=True)
    (folder / "keys/public").write_text(PUBLIC_KEY)
    (folder / "keys/private").write_text(PRIVATE_KEY)
    file = folder / "planlake.yaml"
    file.write_text(CONFIGURATION.format(url=url, daily=", ".join(DAILY), weekly=", ".join(WEEKLY)))
    return file


def _say_what_next(folder: Path, days: list[datetime], port: int) -> None:
    from planlake.cli.screen import called_as

    program = called_as()
    config = f"--config {shlex.quote(str(folder / 'planlake.yaml'))}"
    query = "select decision_type_id, count(*) as applications from applications group by 1 order by 2 desc"
    changed = "select id, valid_from, valid_to from history_applications where valid_to is not null"
    begin, now = (f"{day:%Y-%m-%dT%H:%M:%S}" for day in days)
    typer.echo(
        f"""
Three commands to try:
  {program} sql {config} "{query}"
  {program} sql {config} "{changed}"
  {program} tables {config}

The API ended with this command. To start it again in another terminal, with the same records:
  {program} simulate --port {port} --begin {begin} --now {now}
Then the lake equals it, and run, add, try and reconcile work:
  {program} reconcile {config} --deep
  {program} try {config} site_visits --env T-1"""
    )
