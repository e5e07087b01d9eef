"""`planlake demo`: the whole way on this machine, over two simulated days."""

import os
import shutil
import sys
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Annotated

import typer

from planlake.cli.options import Yes
from planlake.printable import quoted

MARK = "# The demo of Planlake: made anew by each `planlake demo`.\n"
DAILY = (
    "applications", "appeals", "contacts", "documents", "dtf_locations", "emails", "enforcements", "fees",
    "fee_payments", "public_comments", "users", "user_team_map", "asset_constraints", "enforcement_actions_taken",
)  # fmt: skip
WEEKLY = (
    "application_types", "appeal_types", "appeal_decision", "action_types", "decision_types", "decision_levels", "eias",
    "ps_development_codes", "user_teams", "wards",
)  # fmt: skip
MADE, DAYS = ("keys", "lake", "pages", "planlake.yaml"), 2
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
    yes: Yes = False,
) -> None:
    """Start the API simulator, load it over two days, and show the tables and where to look next."""
    from planlake.cli.loading import set_flag_unless_given
    from planlake.clock import LONDON, read_clock

    set_flag_unless_given("log", "off")
    today = datetime.combine(read_clock().today(), time(3), LONDON)
    _clear(folder, says_yes=yes)
    days = [today - timedelta(days=2), today - timedelta(days=1)]
    given = os.environ.get("PLANLAKE_NOW")
    port = _load(folder, days)
    if given is None:  # what is made now is of now: pages of two nights ago would say first how old they are
        del os.environ["PLANLAKE_NOW"]
    else:
        os.environ["PLANLAKE_NOW"] = given
    _say_what_next(folder, days, port)


def _clear(folder: Path, *, says_yes: bool) -> None:
    """Remove an earlier demo, after asking where somebody went on with it; a folder that is not one is left alone."""
    from planlake.errors import ConfigurationError

    file = folder / "planlake.yaml"
    if file.is_file() and file.read_text(encoding="utf-8").startswith(MARK):
        if folder.is_symlink():
            raise ConfigurationError(f"{folder} is a link", hint="planlake demo --folder ANOTHER")
        if not says_yes and (added := _added(folder)):
            if not sys.stdin.isatty():
                state, hint = "Nothing was changed", "planlake demo --folder ANOTHER; --yes makes this one anew"
                raise ConfigurationError(f"{folder} holds more than a demo: {added}", state=state, hint=hint)
            typer.confirm(f"{folder} holds more than a demo: {added}. Make it anew?", abort=True, err=True)
        shutil.rmtree(folder)
    elif folder.is_file() or (folder.exists() and any(folder.iterdir())):
        raise ConfigurationError(f"{folder} exists and is not a demo", hint="planlake demo --folder ANOTHER")


def _added(folder: Path) -> str:
    """What somebody added to a demo, in words; empty where it is as it was made."""
    from planlake.cli.loading import configuration
    from planlake.errors import PlanlakeError
    from planlake.report.run_history import past_runs

    if more := sorted(one.name for one in folder.iterdir() if one.name not in MADE):
        return f"{more[0]} is not of it"
    try:
        runs = len(past_runs(configuration(folder / "planlake.yaml")))
    except PlanlakeError:  # a demo that was stopped halfway, or damaged, is no work of anybody's
        return ""
    return f"{runs - DAYS} more runs" if runs > DAYS else ""


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
        many = len(DAILY) + len(WEEKLY)
        typer.echo(f"The API simulator answers at {simulator.url}; the lake is made in {folder}/")
        typer.echo(f"Two nights of {many} tables are loaded, one after the other: about half a minute")
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
    (folder / "keys/public").write_text(PUBLIC_KEY, encoding="utf-8")
    (folder / "keys/private").write_text(PRIVATE_KEY, encoding="utf-8")
    file = folder / "planlake.yaml"
    text = CONFIGURATION.format(url=url, daily=", ".join(DAILY), weekly=", ".join(WEEKLY))
    file.write_text(text, encoding="utf-8")
    return file


def _say_what_next(folder: Path, days: list[datetime], port: int) -> None:
    from planlake.cli.screen import called_as

    program = called_as()
    config = f"--config {quoted(str(folder / 'planlake.yaml'))}"
    query = "select decision_type_id, count(*) as applications from applications group by 1 order by 2 desc"
    changed = "select id, valid_from, valid_to from history_applications where valid_to is not null"
    begin, now = (f"{day:%Y-%m-%dT%H:%M:%S}" for day in days)
    answers, page = _answers(folder), _page(folder)
    typer.echo(
        f"""
{answers}

The page to open in a browser:
  {page}

Four commands to try:
  {program} sql {config} "{query}"
  {program} sql {config} "{changed}"
  {program} tables {config}
  {program} ui {config}

The API ended with this command. To start it again in another terminal, with the same records:
  {program} simulate --port {port} --begin {begin} --now {now}
Then the lake equals it, and run, add, try and reconcile work:
  {program} reconcile {config} --deep
  {program} try {config} site_visits --env T-1"""
    )


def _answers(folder: Path) -> str:
    """Three questions that the lake answers already, in a sentence each."""
    from planlake.cli.loading import configuration
    from planlake.report.query import fetch, open_for_queries

    asked = open_for_queries(configuration(folder / "planlake.yaml"))

    def ask(query: str) -> tuple[object, ...]:
        return tuple(fetch(asked, query).rows.to_pylist()[0].values())

    (rows, decided) = ask("select count(*), count(decision_issued_date) from applications")
    (changed,) = ask("select count(*) from history_applications where valid_to is not null")
    (bad,) = ask("select count(*) from uncastable")
    return "\n".join(
        (
            f"How many applications are there?     {rows:,}, of which {decided:,} are decided",
            f"What changed in the second night?    {changed:,} of them; the lake shows them as they were before, too",
            f"Did anything not fit its type?       {bad:,} values, each kept as it came: ask for uncastable",
        )
    )


def _page(folder: Path) -> Path:
    """The first of the pages, written of this lake."""
    from planlake.cli.loading import configuration
    from planlake.cli.reporting import as_typed
    from planlake.report.pages.write import write_report

    return write_report(configuration(folder / "planlake.yaml"), folder / "pages", typed=as_typed).first
