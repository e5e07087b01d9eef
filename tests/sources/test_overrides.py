"""Overrides written into a configuration: what is added, and that every other line stays as it is."""

from difflib import ndiff

import pytest
from ruamel.yaml import YAML

from planlake.errors import ConfigurationError
from planlake.setup.yaml_overrides import with_overrides

WANTED = {"fees": {"columns": {"due_by": "timestamp", "on": "text"}, "known_drift": {"*": "gone resource"}}}
# What a writer of YAML would write otherwise.
HEAD = """# mine
source:   tascomi   # odd   spaces
tables:
  daily: [
    fees,  # money, mostly
    users
  ]   # end
  weekly:
      -   wards
note: folded
  on two lines
other: 'quoted
  too'
text: |
  a

  b: c
base: &base {a:   1}
more: *base
quoted: "yes"   \n"""


@pytest.mark.parametrize(
    ("section", "changed"),
    [
        pytest.param("", 0, id="no section"),
        pytest.param("# the end\n", 0, id="a remark at the end"),
        pytest.param(
            "resources:\n  wards:\n    columns: {code:  text}   # ours\nchecks: []\n", 0, id="another resource"
        ),
        pytest.param("resources:\n  fees:\n    # types\n    columns:\n      fee:  text # why\n", 0, id="block"),
        pytest.param("resources:\n    fees:\n        columns:\n            fee:  text\nchecks:  []\n", 0, id="wide"),
        pytest.param("resources: {fees: {columns: {fee: text}}}\nchecks:  []\n", 1, id="flow"),
        pytest.param("resources:\nchecks:  []  # none\n", 0, id="an empty section"),
        pytest.param("resources:\n  fees:  # types\n  wards: {}\n", 0, id="an empty resource"),
        pytest.param("resources: {}\n", 1, id="an empty mapping"),
        pytest.param(
            "resources: {  # mine\n  fees: {columns: {fee: text,},  # money\n  },\n}\n", 1, id="flow of lines"
        ),
        pytest.param("resources:\n  fees:\n    columns:\n      fee: text\n  # the last\n", 0, id="a remark behind"),
        pytest.param("resources:\n  fees:\n    accepted: {paid: [t,\n      f]}  # yes\n", 0, id="lists of lines"),
    ],
)
@pytest.mark.parametrize(("newline", "tail"), [("\n", ""), ("\n", "...\n"), ("\r\n", "")])
def test_only_lines_that_say_something_of_the_overrides_are_new(section, changed, newline, tail):
    text = (HEAD + section + tail).replace("\n", newline)
    after = with_overrides(text, WANTED)
    removed = [line for line in ndiff(text.splitlines(), after.splitlines()) if line.startswith("- ")]
    assert len(removed) == changed
    assert (after.count("\r\n") == after.count("\n")) is (newline == "\r\n")
    read = YAML(typ="safe", pure=True).load(after)
    before = YAML(typ="safe", pure=True).load(text)
    fees = read["resources"]["fees"]
    assert {"due_by": "timestamp", "on": "text"}.items() <= fees["columns"].items()
    assert fees["known_drift"] == {"*": "gone resource"}
    assert {name: value for name, value in read.items() if name != "resources"} == {
        name: value for name, value in before.items() if name != "resources"
    }


def test_writing_the_same_again_changes_nothing():
    once = with_overrides(HEAD, WANTED)
    assert with_overrides(once, WANTED) == once


def test_a_file_without_an_end_of_line_keeps_its_last_line():
    after = with_overrides("source: tascomi\ntables:  {daily: [fees]}", WANTED)
    assert after.startswith("source: tascomi\ntables:  {daily: [fees]}\nresources:\n")


def test_a_value_takes_the_place_of_another_one():
    text = "resources:\n  fees:\n    columns: {fee:  float, paid: text}  # ours\n"
    after = with_overrides(text, {"fees": {"columns": {"fee": "text"}}})
    assert after == "resources:\n  fees:\n    columns: {fee:  text, paid: text}  # ours\n"


def test_lines_have_the_indentation_of_the_file():
    text = "source: tascomi\ntables:\n    daily: [fees]\nresources:\n    fees:\n        columns:\n            a: text\n"
    after = with_overrides(text, {"fees": {"columns": {"b": "text"}}, "wards": {"columns": {"c": "text"}}})
    added = "            b: text\n    wards:\n        columns:\n            c: text\n"
    assert after == text + added


@pytest.mark.parametrize(
    "section",
    [
        pytest.param("  fees: [what]\n", id="a list"),
        pytest.param("  fees: &it {columns: {fee: text}}\n  wards: *it\n", id="a shared mapping"),
        pytest.param("  fees:\n    columns:\n      due_by: |\n        text\n", id="a block of text"),
    ],
)
def test_a_file_that_cannot_be_edited_is_refused_with_the_lines_to_write(section):
    with pytest.raises(ConfigurationError, match="cannot be edited safely") as raised:
        with_overrides(f"resources:\n{section}", WANTED)
    lines = raised.value.hint.split(":\n", 1)[1]
    assert YAML(typ="safe", pure=True).load(lines) == {"resources": WANTED}


def test_a_file_in_which_an_override_would_change_something_else_is_refused():
    with pytest.raises(ConfigurationError, match="cannot be edited safely"):
        with_overrides("resources:\n  fees: &same {columns: {fee: text}}\n  wards: *same\n", WANTED)
