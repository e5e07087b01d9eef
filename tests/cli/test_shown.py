"""What a screen shows: whatever the vendor sends, no terminal obeys it, and nothing of it passes for a line of ours."""

import json
import sys
import unicodedata
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from conftest import feeding
from documenting import documented, save
from planlake.cli.screen import print_json, print_table, remark
from planlake.printable import printable
from planlake.telemetry.log import Log, say
from report.showing import Showing

COMMAND = "hint: planlake reset --yes"
NASTY = f"\x1b]0;title\x07\x9b31m\u202egnp.\u2066 \x7f\u2028[red]wide 日本 e\u0301[/red]\n{COMMAND}\r\n"
ANYTHING = st.text(st.characters(), max_size=60) | st.just(NASTY)
DAYS = ("2026-11-17T03:00:00", "2026-11-18T03:00:00")
COLUMNS = {"id": "text", "last_updated": "timestamp", "amount": "integer", "kind": "text"}
SETTINGS = f"""
source: tascomi
resources:
  things: {{columns: {str(COLUMNS).replace("'", "")}, accepted: {{kind: [usual]}}}}
  others: {{columns: {str(COLUMNS).replace("'", "")}}}
tables: {{daily: [things, others]}}
settings: {{uncastable_cells: 3}}
"""


def assert_harmless(text):
    assert [line for line in text.split("\n") if not line.isprintable()] == []
    assert COMMAND not in text.split("\n")


# ---------------------------------------------------------------- any text


@settings(deadline=None, max_examples=60)
@given(ANYTHING)
def test_any_text_becomes_one_line_of_characters_that_are_seen(text):
    shown = printable(text)
    assert shown.isprintable()
    assert {unicodedata.category(one) for one in shown} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} == set()
    assert printable(shown) == shown
    assert all(one in text or one.isascii() for one in shown)


@settings(deadline=None, max_examples=60)
@given(st.text(st.characters(whitelist_categories=("L", "M", "N", "P", "S"), whitelist_characters=" ")))
def test_letters_of_all_scripts_with_their_marks_stay(text):
    assert printable(text) == text


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(ANYTHING, ANYTHING), min_size=1, max_size=3), ANYTHING, ANYTHING)
def test_a_table_of_any_text_is_as_wide_as_the_screen_at_most_and_harmless(rows, title, column):
    with pytest.MonkeyPatch.context() as patched:
        said = Written()
        patched.setattr(sys, "stdout", said)
        patched.delenv("COLUMNS", raising=False)
        print_table(title, ("first", column), rows)
    text = "".join(said.parts)
    assert_harmless(text)
    assert max(cell_len(line) for line in text.split("\n")) <= 132


@settings(deadline=None, max_examples=60)
@given(st.recursive(ANYTHING | st.integers() | st.none(), lambda one: st.lists(one) | st.dictionaries(ANYTHING, one)))
def test_json_of_any_text_is_harmless_and_reads_as_the_same_value(value):
    with pytest.MonkeyPatch.context() as patched:
        said = Written()
        patched.setattr(sys, "stdout", said)
        print_json(value)
    text = "".join(said.parts)
    assert_harmless(text)
    assert json.loads(text) == json.loads(json.dumps(value))


CHECKS = [
    ("enforcements", "complete", "id", "= ok", "1", "0.99", ""),
    ("applications", "accepted values", "decision_type_id", "! warning", "12", "0", "12 rows have an unknown kind"),
    ("applications", "rows dropped", "", "x held", "100", "5", "1,000 rows would become 900"),
]
CHECK_COLUMNS = ("table", "check", "column", "verdict", "figure", "limit", "message")


@pytest.mark.parametrize("columns", [80, 100, 132])
def test_no_word_of_a_table_is_split_on_a_usual_terminal(columns):
    """Every table that commands print goes through this one function."""
    with pytest.MonkeyPatch.context() as patched:
        said = Written()
        patched.setattr(sys, "stdout", said)
        patched.setenv("COLUMNS", str(columns))
        print_table("", CHECK_COLUMNS, CHECKS, numbers=("figure", "limit"))
    text = "".join(said.parts)
    assert max(cell_len(line) for line in text.split("\n")) <= columns
    words = {word for row in (CHECK_COLUMNS, *CHECKS) for cell in row for word in cell.split()}
    assert words <= {*text.split(), *text.replace(":", " ").replace(";", " ").split()}
    assert {"! warning", "x held", "= ok"} <= {found for found in ("! warning", "x held", "= ok") if found in text}


@pytest.mark.parametrize(("told", "width"), [("80", 80), ("200", 200), ("", 132), ("0", 132), ("wide", 132)])
def test_a_table_that_is_piped_is_as_wide_as_columns_says(told, width):
    with pytest.MonkeyPatch.context() as patched:
        said = Written()
        patched.setattr(sys, "stdout", said)
        patched.setenv("COLUMNS", told)
        print_table("", ("name", "what"), [("one", "word " * 100)])
    assert width - 5 <= max(len(line.rstrip()) for line in "".join(said.parts).split("\n")) <= width


class Written:
    """A stream that keeps what is written, and is no terminal."""

    encoding = "utf-8"

    def __init__(self):
        self.parts = []

    def write(self, text):
        self.parts.append(text)

    def flush(self):
        pass

    def isatty(self):
        return False


def test_a_remark_has_the_lines_it_was_given_and_markup_is_text(capsys):
    remark("one\ntwo\u2028three\x1b[31m [red]four[/red]")
    assert capsys.readouterr().err == "one\ntwo\\u2028three\\x1b[31m [red]four[/red]\n"
    print_table("[bold]title[/bold]", ("[red]name[/red]",), [("[blue]cell[/blue] :smile:",)])
    shown = capsys.readouterr().out
    assert all(text in shown for text in ("[bold]title[/bold]", "[red]name[/red]", "[blue]cell[/blue] :smile:"))


def test_a_line_of_the_log_in_text_is_harmless(capsys):
    say(Log("text"), "warning", "step ended", message=NASTY, table="things")
    assert_harmless(capsys.readouterr().err)


# ---------------------------------------------------------------- any command


@dataclass(frozen=True)
class Records:
    """The records of a resource, which a filter for an id finds."""

    all: list

    def records(self, filters):
        return [one for one in self.all if filters.get("id", one["id"]) == one["id"]]


@pytest.fixture(scope="module")
def nasty(tmp_path_factory):
    """A lake of two days whose values, ids and names of columns are as nasty as they may be, and a preview of it."""
    folder = tmp_path_factory.mktemp("nasty")
    with feeding(Showing(("things", "others"), page_size=3), folder, SETTINGS) as feed:
        record = {"last_updated": "2026-11-16 09:00:00", "amount": NASTY, "kind": NASTY, f"key {NASTY}": NASTY}
        things, others = [{**record, "id": NASTY}], [{**record, "id": f"{number}{NASTY}"} for number in range(5)]
        feed.data.shown = {"things": Records(things), "others": Records(others)}
        feed.run_at(DAYS[0])
        feed.file, feed.page = folder / "planlake.yaml", folder / "page.html"
        page = {
            "id": "text",
            "last_updated": "date",
            "amount": "integer",
            "kind": "integer",
            "odd\x1b[2J": "te\u202ext",
        }
        save(documented() | {"things": page}, feed.page)
        yield feed


COMMANDS = (
    ("env", "create", "ticket"),
    ("run", "--env", "ticket", "--full"),
    ("env", "diff", "ticket"),
    ("try", "others", "--env", "sample"),
    ("run", "--full"),
    ("runs",),
    ("runs", "1"),
    ("check",),
    ("check", "--history"),
    ("status",),
    ("tables", "things"),
    ("tables", "increment_others"),
    ("advise",),
    ("diagram",),
    ("drift", "--docs", "PAGE"),
    ("reconcile", "--deep"),
    ("sql", "select * from things"),
    ("sql", "select [kind] as l, {'a': kind} as s, map{kind: 1} as m from things"),
    ("sql", f'select kind as "{NASTY}" from things'),
    ("sql", "select * from uncastable"),
    ("sql", f'select * from "{NASTY}"'),
    ("sql", "--format", "json", "select * from things"),
    ("run", NASTY),
    ("export", "--out", "/nowhere/\x1b[2J"),
    ("forget", "things", f"no {NASTY}", "--yes"),
)


def test_no_command_shows_what_a_terminal_obeys(typed, nasty, monkeypatch):
    monkeypatch.setenv("PLANLAKE_NOW", DAYS[0])
    monkeypatch.setenv("PLANLAKE_LOG", "text")
    shown = {}
    for command in COMMANDS:
        arguments = [nasty.page if one == "PAGE" else one for one in command]
        said = typed(*arguments, "--config", nasty.file)
        shown[command] = said.everything
        assert said.status != 4, said.everything
        assert_harmless(said.everything)
    for command in (("env", "diff", "ticket"), ("try", "others", "--env", "sample"), ("runs", "1"), ("check",)):
        assert "\\x1b]0" in shown[command], command


def test_csv_keeps_every_value_as_it_is(typed, nasty):
    said = typed("sql", "--format", "csv", "select kind from things", "--config", nasty.file)
    assert said.out == f'"kind"\n"{NASTY}"\n'
