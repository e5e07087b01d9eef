"""docs/try-a-table.md is what happens: its commands are typed in order, and what it says is printed is printed."""

import re
import shlex
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs/try-a-table.md"
BLOCKS = re.findall(r"^```console\n\$ (planlake [^\n]*)\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def lines_of(text):
    """Lines that are not empty, with single spaces: how wide a column is depends on what is in it."""
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def pattern_of(shown):
    """What must be printed: `...` stands for anything, on a line of its own for any lines; rules for rules."""
    every = (r"(?:.*\n)*?" if line == "..." else re.escape(line).replace(r"\.\.\.", ".+") + r"\n" for line in shown)
    return re.sub("─+", "─+", "".join(every))


def test_the_commands_of_the_page_print_what_it_says(council, person):
    person.monkeypatch.setenv("COLUMNS", "110")
    before = {file.name for file in council.config.folder.iterdir()}
    for command, shown in BLOCKS:
        person.type_well(command)
        printed = "".join(f"{line}\n" for line in lines_of(person.screen))
        person.expects(re.fullmatch(pattern_of(lines_of(shown)), printed), f"as the page has it:\n{shown}")
    assert {file.name for file in council.config.folder.iterdir()} == before  # no script, no other file
    assert person.file.read_text().count("enforcement_breaches") == 1


def test_the_page_has_every_command_in_a_block_that_is_typed():
    assert [command for command, _ in BLOCKS] == re.findall(r"^\$ (.*)$", PAGE.read_text("utf-8"), re.MULTILINE)


def test_from_add_to_promote_it_takes_under_ten_commands():
    words = [shlex.split(command)[1:3] for command, _ in BLOCKS]
    first = next(place for place, command in enumerate(words) if command[0] == "add")
    last = words.index(["env", "promote"])
    assert 0 < last - first + 1 < 10


@pytest.mark.parametrize(
    ("shown", "printed", "is_so"),
    [
        pytest.param(" a   8 ", "a 8\n", True, id="as it is"),
        pytest.param("a 8", "a 9\n", False, id="another figure"),
        pytest.param("a ... c", "a 12 c\n", True, id="a figure left out"),
        pytest.param("a\n...\nd", "a\nb\nc\nd\n", True, id="lines left out"),
        pytest.param("a", "a\nb\n", False, id="a line more"),
        pytest.param("a\nb", "a\n", False, id="a line less"),
    ],
)
def test_the_comparison_tells_lines_apart(shown, printed, is_so):
    assert bool(re.fullmatch(pattern_of(lines_of(shown)), printed)) == is_so
