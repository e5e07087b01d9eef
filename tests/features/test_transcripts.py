"""docs/undo.md and docs/environments.md are what happens: their commands, typed in order, print what stands there."""

import re
from pathlib import Path

import pytest

from cli.test_blocks import parse
from features.conftest import record
from features.test_transcript import lines_of, pattern_of

OWN = re.compile(r"`planlake ([^`]*)`")
DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```console\n\$ (planlake [^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def text_of(page):
    return (DOCS / f"{page}.md").read_text(encoding="utf-8")


@pytest.fixture
def second_night(council, person):
    """One more fee and one that changed, and the run of the night after."""
    person.monkeypatch.setenv("COLUMNS", "110")
    if council.data.now.isoformat() < "2026-11-22":
        person.waits_until("2026-11-22T02:00:00")
        council.data.put("fees", record("fees", 2, "2026-11-21 11:00:00", fee="99.5"))
        council.data.put("fees", record("fees", 9, "2026-11-21 11:30:00"))
        person.waits_until("2026-11-22T10:00:00")
        person.type_well("planlake run")


@pytest.mark.parametrize("page", ["undo", "environments"])
def test_the_commands_of_the_page_print_what_it_says(second_night, person, page):
    blocks = BLOCK.findall(text_of(page))
    assert [command for command, _ in blocks] == re.findall(r"^\$ (.*)$", text_of(page), re.MULTILINE)
    for command, shown in blocks:
        person.type_well(command)
        printed = "".join(f"{line}\n" for line in lines_of(person.screen))
        person.expects(re.fullmatch(pattern_of(lines_of(shown)), printed), f"as the page has it:\n{shown}")


@pytest.mark.parametrize("page", ["undo", "environments"])
def test_the_commands_that_the_tables_of_the_page_name_are_understood(page):
    named = [command for row in re.findall(r"^\| .*", text_of(page), re.MULTILINE) for command in OWN.findall(row)]
    assert len(named) > 5
    for command in named:
        parse(command.split())
