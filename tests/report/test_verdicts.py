"""The verdict of a table: one word for how it stands, the worst that holds, with its cause and its command."""

import re
from datetime import date
from pathlib import Path
from typing import get_args

import pytest

from planlake.report.status import Status, TableStatus
from planlake.report.troubles import Trouble
from planlake.report.verdicts import WORDS, State, verdicts

TABLE = TableStatus("fees", "20261126", 378, 381, None, (), (), None, "open")


def verdict(*troubles, table=TABLE):
    return verdicts(Status(troubles, (), (table,)))["fees"]


def trouble(kind, **more):
    return Trouble(kind, f"said of {kind}", "planlake run TABLE", ("fees", "wards"), **more)


@pytest.mark.parametrize(
    ("kinds", "state", "tone"),
    [
        (["missing", "stale", "gaps", "held", "failed"], "failed", "red"),
        (["missing", "stale", "gaps", "held"], "held", "red"),
        (["missing", "stale", "open", "gaps"], "gap", "red"),
        (["missing", "open", "stale"], "late", "amber"),
        (["missing", "open"], "open", "amber"),
        (["too many"], "more rows", "amber"),
        (["missing"], "missing rows", "red"),
        (["rolled back", "missing"], "undone", "amber"),
        (["not loaded"], "not loaded", "amber"),
    ],
)
def test_the_worst_is_what_a_table_is_called(kinds, state, tone):
    found = verdict(*map(trouble, kinds))
    assert (found.state, found.tone, found.published, found.rows) == (state, tone, date(2026, 11, 26), 378)
    assert found.commands == ("planlake run fees",)


def test_the_documentation_has_every_word_with_its_sign_in_the_terminal():
    text = (Path(__file__).parents[2] / "docs/pages.md").read_text()
    assert re.findall(r"(?m)^\| ([a-z ]+) \| `(\S) ([a-z ]+)` \|", text) == [
        (state, word.sign, state) for state, word in WORDS.items()
    ]
    assert {*WORDS} == {*get_args(State)}


def test_a_table_whose_pages_failed_has_failed():
    found = verdict(trouble("open", why="2 pages failed", since=date(2026, 11, 26)))
    assert (found.state, found.why, found.since) == ("failed", "2 pages failed", date(2026, 11, 26))


def test_what_is_said_of_another_table_is_no_matter_of_this_one():
    assert verdict(Trouble("failed", "x", "planlake run TABLE", ("wards",)), table=_well()).state == "complete"


def test_where_the_last_run_failed_nothing_is_known_to_be_complete():
    found = verdict(Trouble("last run", "the last run failed", "planlake doctor"), table=_well(trouble="not known"))
    assert (found.state, found.why, found.tone) == ("not known", "the last run failed", "amber")


def test_a_table_that_was_never_counted_is_not_called_complete():
    assert verdict(table=_well(total=None)).state == "not known"


def test_a_verdict_shows_no_value_of_a_record():
    held = trouble("held", why='26 of 430 values of date do not cast, "12 Plantedstreet" for example')
    assert verdict(held).why == "26 of 430 values of date do not cast"
    broken = trouble("failed", why="internal error: ValueError: 12 Plantedstreet")
    assert "Planted" not in verdict(broken).why


def _well(trouble="", total=381):
    return TableStatus("fees", "20261126", 378, total, None, (), (), None, trouble)
