"""What holds of every command: `-h`, `--json` where something is shown, and a word about what takes long."""

import io
import json
from threading import Event

import pytest
from typer.main import get_command

from cli.conftest import FIRST, SECOND
from planlake.cli import screen
from planlake.cli.confirming import act_or_show
from planlake.cli.main import app
from planlake.config import load_config
from planlake.runs.plan import Selection
from planlake.runs.run import run

GROUPS = {name: one.commands for name, one in get_command(app).commands.items() if hasattr(one, "commands")}
ALL = {name: one for name, one in get_command(app).commands.items() if name not in GROUPS}
ALL |= {f"{group} {name}": one for group, commands in GROUPS.items() for name, one in commands.items()}
# These write a file, or go on until they are ended; what they print is for people.
NO_DATA = {"completion", "demo", "init", "mcp", "model copy", "model new", "schedule", "simulate", "spark-job", "ui"}
READING = [
    *(
        "status",
        "status fees",
        "status --calendar",
        "tables",
        "tables fees",
        "tables fees wards",
        "tables --known",
        "tables --search fee",
    ),
    *("runs", "runs 1", "check", "check fees", "check --all", "check fees --history", "plan", "plan fees", "diagram"),
    *("diagram fees", "views", "views fees", "advise", "advise fees", "env list", "model list", "sql from\u00a0fees"),
    "rollback fees --to 1 --dry-run",
]


def options_of(command):
    return {flag for one in command.params for flag in one.opts}


@pytest.mark.parametrize("name", ALL)
def test_every_command_says_with_h_what_it_does(typed, name):
    said = typed(*name.split(), "-h")
    assert (said.status, said.err) == (0, "")
    assert f"Usage: planlake {name}" in said.out


def test_every_command_that_shows_something_has_json():
    assert {name for name, one in ALL.items() if "--json" not in options_of(one)} == NO_DATA


def test_every_command_about_tables_takes_their_names():
    of_one = {"forget", "try", "backfill", "model test", "model drop", "model new", "sql"}
    of_all = {"demo", "doctor", "drift", "init", "maintain", "recover", "report", "runs", "undo", "ui", "mcp"}
    of_all |= {"env create", "env list", "env drop", "model list", "model copy", "model diff"}
    others = {"add", "completion", "notify test", "schedule", "simulate", "spark-job"}
    several = {name for name, one in ALL.items() if "tables" in {argument.name for argument in one.params}}
    assert several == ALL.keys() - of_one - of_all - others


@pytest.mark.parametrize("command", READING)
def test_what_a_command_shows_is_one_value_of_json(typed, at, lake, command):
    at(SECOND)
    said = typed(*(word.replace("\u00a0", " ") for word in command.split(" ")), "--json", "--config", lake)
    assert said.errors == []
    assert json.loads(said.out) is not None


# ---------------------------------------------------------------- what takes long


class Terminal(io.StringIO):
    """A terminal that tells when something was written to it."""

    def __init__(self):
        super().__init__()
        self.written = Event()

    def isatty(self):
        return True

    def write(self, text):
        self.written.set()
        return super().write(text)


def seen_from_here_on(monkeypatch, stream):
    """Have standard error be this stream; within a test, as pytest has its own between fixtures and tests."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stderr", stream)
    return stream


def test_a_run_counts_its_tables(feed, at):
    at(FIRST)
    told = []
    run(feed.config, Selection(), notify=told.append)
    counts = [(one.done, one.total) for one in told if (one.table, one.step) == ("run", "tables")]
    assert counts == [(0, 2), (1, 2), (2, 2)]


def test_bars_say_how_many_of_how_many(monkeypatch):
    terminal = seen_from_here_on(monkeypatch, Terminal())
    with screen.progress_bars() as notify:
        notify(screen.Event("run", "tables", 5, 17))
    assert "run: tables" in terminal.getvalue()
    assert "5 of 17" in terminal.getvalue()


def test_what_takes_long_is_told_while_it_lasts(monkeypatch):
    terminal = seen_from_here_on(monkeypatch, Terminal())
    monkeypatch.setattr(screen, "SECONDS_UNTIL_SAID", 0)
    with screen.waiting("the lake is read"):
        assert terminal.written.wait(30)
    assert "the lake is read" in terminal.getvalue()


def test_what_is_done_at_once_is_not_told(monkeypatch):
    terminal = seen_from_here_on(monkeypatch, Terminal())
    monkeypatch.setattr(screen, "SECONDS_UNTIL_SAID", 3600)
    with screen.waiting("the lake is read"):
        pass
    assert terminal.getvalue() == ""


def test_nothing_is_told_of_what_lasts_where_nobody_looks(monkeypatch):
    monkeypatch.setattr(screen, "SECONDS_UNTIL_SAID", 0)
    piped = seen_from_here_on(monkeypatch, io.StringIO())
    with screen.waiting("the lake is read"), screen.progress_bars() as notify:
        notify(screen.Event("run", "tables", 5, 17))
    assert piped.getvalue() == ""


def test_who_is_asked_first_is_not_interrupted_by_what_lasts(monkeypatch, lake):
    monkeypatch.setattr(screen, "SECONDS_UNTIL_SAID", 0)
    terminal, asked = seen_from_here_on(monkeypatch, Terminal()), []

    def act(confirm):
        assert confirm([])
        assert terminal.written.wait(30)
        return []

    def show(found):
        asked.append(terminal.getvalue())

    act_or_show(act, load_config(lake), None, says_yes=True, is_dry_run=False, show=show, lasts="tables are set back")
    assert asked == [""]
    assert "tables are set back" in terminal.getvalue()


def test_bars_begin_with_what_they_tell(monkeypatch):
    terminal = seen_from_here_on(monkeypatch, Terminal())
    with screen.progress_bars():
        pass
    assert terminal.getvalue() == ""
