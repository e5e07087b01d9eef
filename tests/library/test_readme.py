"""README.md: what it shows of the demo's history is what the demo answers."""

import re
from pathlib import Path

from features.test_transcript import lines_of

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
SHOWN = re.search(r'^```console\n\$ planlake sql "([^"]*)"\n(.*?)^```$', README, re.MULTILINE | re.DOTALL)
SECONDS = re.compile(r"(?<=:00:)[0-9]{2}[.][0-9]{1,6}")  # which differ from demo to demo, by the machine


def test_what_the_readme_asks_of_the_demo_is_answered_so(demo, typed):
    query, shown = SHOWN.groups()
    said = typed("sql", query, "--config", demo.file)
    assert (said.status, said.errors) == (0, [])
    shown, printed = (sorted(lines_of(alike(text))) for text in (shown, said.out))
    assert printed == shown


def alike(text):
    """An answer of whichever demo: a moment has as many digits as it needs, and a column is as wide as they are."""
    return re.sub("─+|(?<= ) +", "", SECONDS.sub("..........", text))
