"""README.md: what it shows of the demo's history is what the demo answers."""

import re
from pathlib import Path

from features.test_transcript import lines_of

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
SECOND_DAY = re.compile(r"^Run 2 of 2026-11-22, .*", re.MULTILINE | re.DOTALL)
SHOWN = re.search(r'^```console\n\$ planlake sql "([^"]*)"\n(.*?)^```$', README, re.MULTILINE | re.DOTALL)
SECONDS = re.compile(r"(?<=:00:)[0-9]{2}[.][0-9]{1,6}")  # which differ from demo to demo, by the machine


def test_what_the_readme_asks_of_the_demo_is_answered_so(demo, typed):
    query, shown = SHOWN.groups()
    said = typed("sql", query, "--config", demo.file)
    assert (said.status, said.errors) == (0, [])
    shown, printed = (sorted(lines_of(alike(text))) for text in (shown, said.out))
    assert printed == shown


def test_the_second_day_is_shown_as_the_demo_prints_it(demo):
    shown, printed = ([line.split() for line in SECOND_DAY.search(text)[0].splitlines()] for text in (README, demo.out))
    for table in ("applications", "wards"):
        assert (
            [row for row in shown if row[:1] == [table]][:1] == [row for row in printed if row[:1] == [table]][:1] != []
        )


def alike(text):
    """An answer of whichever demo: a moment has as many digits as it needs, and a column is as wide as they are."""
    return re.sub("─+|(?<= ) +", "", SECONDS.sub("..........", text))
