"""Every chapter and every numbered step of the playbook has a scenario, which its tag names."""

import re
from collections import Counter
from pathlib import Path

import pytest
from gherkin.parser import Parser

FEATURES = sorted(Path(__file__).parent.glob("*.feature"))
PLAYBOOK = {
    "1_the_grand_scenario": ["access", "user-story", "agency", "acceptance", "delivery"],
    "2_other_scenarios": ["static-attributes", "changed-api"],
    "3_what_is_changed": ["branch", "types", "cadence", "quality"],
    "4_1_api_ingestion": ["ready", "1.1.1", "1.1.2", "1.2.1", "1.2.2", "1.2.3", "1.2.4", "did-that-work-1"],
    "4_2_parsing": [
        *("2.1.1", "2.1.2", "2.2.1", "2.2.2", "2.3.1", "2.3.2", "2.3.3", "2.3.4"),
        "did-that-work-2",
    ],
    "4_3_recasting": ["3.1.1", "3.1.2", "3.2.1", "3.2.2", "3.2.3", "3.2.4", "did-that-work-3"],
    "4_4_snapshot": [
        *("4.1.1", "4.1.2", "4.2.1", "4.2.2"),
        *("4.3/4.2.1", "4.3/4.2.2", "4.3/4.2.3", "4.3/4.2.4"),  # section 4.3 counts on with the numbers of 4.2
        "did-that-work-4",
    ],
    "5_deployment_and_rollback": ["review", "deploy", "rollback"],
}


def scenarios_of(file):
    """The scenarios of a feature, each with its title, its tags, and whether it has steps."""
    children = Parser().parse(file.read_text(encoding="utf-8"))["feature"]["children"]
    for found in (child["scenario"] for child in children if "scenario" in child):
        yield found["name"], [tag["name"].removeprefix("@") for tag in found["tags"]], bool(found["steps"])


def test_every_chapter_has_a_feature():
    assert [file.stem for file in FEATURES] == list(PLAYBOOK)


@pytest.mark.parametrize("file", FEATURES, ids=lambda file: file.stem)
def test_every_step_of_a_chapter_has_a_scenario_in_the_playbooks_order(file):
    tags = [tag for _, tags, has_steps in scenarios_of(file) for tag in tags if has_steps]
    assert list(Counter(tags)) == PLAYBOOK[file.stem]


@pytest.mark.parametrize("file", FEATURES, ids=lambda file: file.stem)
def test_every_scenario_says_which_step_of_the_playbook_it_is(file):
    for title, tags, _ in scenarios_of(file):
        assert len(tags) == 1, title
        number = re.fullmatch(r"(?:4[.]3/)?([0-9.]+)", tags[0])
        assert number is None or title.startswith(number[1]), title


@pytest.mark.parametrize("file", FEATURES, ids=lambda file: file.stem)
def test_every_feature_is_run(file):
    runners = "".join(each.read_text(encoding="utf-8") for each in file.parent.glob("test_*.py"))
    assert f'scenarios("{file.name}")' in runners
