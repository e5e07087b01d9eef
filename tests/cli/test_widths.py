"""The commands that people use most, at usual widths: the same words as on a very wide screen, none of them split.

Of a lake that is well and of one in trouble, on terminals of 80, 100 and 120 columns and piped.
"""

import re
import sys

import pytest
from rich.cells import cell_len

from cli.conftest import FIRST, SECOND, TABLES, small_council
from commands import typed_in_process
from conftest import feeding
from planlake.cli.screen import remark
from planlake.simulator.faults import Rule

THIRD = "2026-11-22T03:00:00"
COMMANDS = {
    "status": ("status",),
    "runs": ("runs",),
    "one run": ("runs", "2"),
    "check": ("check", "--all"),
    "tables": ("tables",),
    "a table": ("tables", "applications"),
    "plan": ("plan",),
    "advise": ("advise",),
    "rollback": ("rollback", "--to", "2026-11-20", "--dry-run"),
}
LEFT_OUT = {  # where there is no room; --json has them
    "status": {"counted", "audited"},
    "runs": {"configuration"},
    "one run": {"MB", "seconds", "before", "after", "configuration"},
    "tables": {"columns", "kind"},
    "advise": {"days", "with changes", "records", "of 30 days", "calls", "the other way"},
}


@pytest.fixture(scope="module")
def troubled(tmp_path_factory):
    """A lake of which a table is open, one has cells that do not cast, and one was never read whole."""
    folder = tmp_path_factory.mktemp("troubled")
    with feeding(small_council(), folder, TABLES) as feed:
        feed.run_at(FIRST)
        feed.run_at(SECOND)
        feed.fail(Rule(resource="fees", status=503, times=None))
        for record in feed.data.records("applications")[:20]:
            changed = {"last_updated": "2026-11-21 12:00:00", "site_area_hectares": "about two"}
            feed.data.put("applications", {**record, **changed})
        assert feed.run_at(THIRD).exit_code == 1
    return folder / "planlake.yaml"


def words_of(text):
    """The words of a screen, without rules, and without the signs between what stands below a row."""
    return {word.rstrip(":;") for word in text.replace("─", " ").split()}


def heads_of(text):
    """The names of the columns of every table on a screen so wide that each stands in one line."""
    heads = re.findall(r"^(.+)\n─", text, re.MULTILINE)
    assert heads
    return {name.strip() for head in heads for name in head.split("  ")}


@pytest.fixture(params=["well", "in trouble"])
def shown(request, lake, troubled, monkeypatch, capfd):
    file = lake if request.param == "well" else troubled
    monkeypatch.setenv("PLANLAKE_NOW", SECOND if request.param == "well" else THIRD)

    def show(columns, *command):
        monkeypatch.setenv("COLUMNS", str(columns))
        return typed_in_process(monkeypatch, capfd, (*command, "--config", file)).out

    return show


@pytest.mark.parametrize("name", COMMANDS)
def test_no_word_is_split_and_nothing_is_lost(shown, name):
    wide = shown(1000, *COMMANDS[name])
    for columns in (80, 100, 120):
        text = shown(columns, *COMMANDS[name])
        lines = [line for line in text.splitlines() if not line.startswith(("hint: ", "! "))]
        assert [line for line in lines if line != line.rstrip()] == []
        if name not in ("status", "plan"):  # these say sentences too, which a terminal wraps
            assert [line for line in lines if cell_len(line) > columns] == []
        assert words_of(text) <= words_of(wide)
        if name in LEFT_OUT:
            assert words_of(" ".join(heads_of(wide) - LEFT_OUT[name])) <= words_of(text)
        else:
            assert words_of(wide) <= words_of(text)


def test_trouble_stands_first(shown, request):
    text = shown(80, "status")
    is_well = "in trouble" not in request.node.name
    assert text.startswith("! ") != is_well
    rows = [line for line in text.splitlines() if re.match(r"\w+ +\d+ \w+ ", line)]
    troubled = [bool(re.search(r" [!x?-] [a-z ]+$", row)) for row in rows]
    assert len(rows) == 5
    assert troubled == sorted(troubled, reverse=True)
    assert any(troubled) != is_well


def test_on_a_terminal_sentences_end_at_words_and_commands_stay_whole(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "40")
    said = "! fees: failed since 22 November: page 1: status 503; people see the last good version"
    command = "hint: planlake run fees --config a/folder/of/mine/planlake.yaml"
    remark(f"{said}\n{command}")
    assert capsys.readouterr().err == f"{said}\n{command}\n"  # piped
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    remark(f"{said}\n{command}")
    *lines, last = capsys.readouterr().err.splitlines()
    assert (" ".join(line.strip() for line in lines), last) == (said, command)
    assert (len(lines), max(map(len, lines)) <= 40) == (3, True)
