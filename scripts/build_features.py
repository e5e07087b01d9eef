"""Writes a page to read from the feature files and the results of their run.

    python scripts/build_features.py FEATURES RESULTS PAGE

RESULTS is what `pytest --cucumber-json` wrote. A scenario it does not have was not run, and the page says so.
"""

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from gherkin.parser import Parser
from jinja2 import Environment, FileSystemLoader

TEMPLATE = "features.html.jinja"
HEADED = re.compile(r"^I see the rows?:$|page says:$")  # steps whose table has a row of names


class Verdict(NamedTuple):
    """How a step or a scenario went: its name in the page's style, and what is read, which says it in a word too."""

    name: str
    mark: str


PASSED, FAILED = Verdict("passed", "\u2713 passed"), Verdict("failed", "\u2717 failed")
NOT_REACHED, NOT_RUN = Verdict("skipped", "\u2013 not reached"), Verdict("skipped", "? not run")


@dataclass(frozen=True, slots=True)
class Step:
    """One step; `table` and `block` are what stands below it, `seen` what was there instead where it failed.

    `has_head` says that the first row of the table names its columns.
    """

    keyword: str
    text: str
    table: Sequence[Sequence[str]]
    has_head: bool
    block: str
    verdict: Verdict
    seen: str


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario; `step` is where it stands in the playbook."""

    title: str
    step: str
    verdict: Verdict
    steps: Sequence[Step]


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature file."""

    title: str
    about: str
    scenarios: Sequence[Scenario]


Results = Mapping[tuple[str, int], Mapping[int, Mapping[str, str]]]  # by file and line: of each step's line its result


def results_of(file: Path) -> Results:
    """What the run left of each scenario."""
    features = json.loads(file.read_text(encoding="utf-8"))
    return {
        (Path(feature["uri"]).name, scenario["line"]): {step["line"]: step["result"] for step in scenario["steps"]}
        for feature in features
        for scenario in feature["elements"]
    }


def feature_of(file: Path, results: Results) -> Feature:
    """A feature file with the results of its scenarios."""
    found: Any = Parser().parse(file.read_text(encoding="utf-8"))["feature"]
    children = found["children"]
    before = [step for child in children if "background" in child for step in child["background"]["steps"]]
    scenarios = [
        _scenario(child["scenario"], before, results.get((file.name, child["scenario"]["location"]["line"])))
        for child in children
        if "scenario" in child
    ]
    return Feature(found["name"], " ".join(found["description"].split()), scenarios)


def _scenario(
    found: Mapping[str, Any], before: Sequence[Mapping[str, Any]], results: Mapping[int, Mapping[str, str]] | None
) -> Scenario:
    steps = list(_steps([*before, *found["steps"]], results))
    verdicts = {step.verdict for step in steps}
    verdict = next(one for one in (FAILED, NOT_RUN, NOT_REACHED, PASSED) if one in verdicts or one is PASSED)
    return Scenario(found["name"], ", ".join(_place(tag["name"]) for tag in found["tags"]), verdict, steps)


def _steps(found: Sequence[Mapping[str, Any]], results: Mapping[int, Mapping[str, str]] | None) -> Iterator[Step]:
    has_failed = False
    for step in found:
        result = (results or {}).get(step["location"]["line"])
        verdict = _verdict(result, has_failed=has_failed)
        has_failed = has_failed or verdict is FAILED
        table = [[cell["value"] for cell in row["cells"]] for row in step.get("dataTable", {}).get("rows", [])]
        block = step.get("docString", {}).get("content", "")
        seen = _seen(result["error_message"]) if result and verdict is FAILED else ""
        has_head = bool(HEADED.search(step["text"]))
        yield Step(step["keyword"].strip(), step["text"], table, has_head, block, verdict, seen)


def _verdict(result: Mapping[str, str] | None, *, has_failed: bool) -> Verdict:
    """The run marks every step after the one that failed as failed too: they were not reached."""
    if result is None:
        return NOT_RUN
    if result["status"] == "passed":
        return PASSED
    return NOT_REACHED if has_failed else FAILED


def _seen(message: str) -> str:
    """What a step says of its failure; of an error in Python only the lines that say what it was."""
    told = [line[1:].removeprefix("   ") for line in message.splitlines() if re.match(r"E\s", line)]
    return "\n".join(line.rstrip() for line in told or message.splitlines()).strip("\n")


def _place(tag: str) -> str:
    """A tag as it is read: `step 2.1.3`, `step 4.2.1 in section 4.3`, `user story`."""
    section, _, number = tag.removeprefix("@").rpartition("/")
    if not number[:1].isdigit():
        return number.replace("-", " ")
    return f"step {number}" + (f" in section {section}" if section else "")


def page_of(features: Sequence[Feature], day: date) -> str:
    """The page as HTML; it refers to nothing outside itself."""
    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True)
    verdicts = Counter(scenario.verdict.mark for feature in features for scenario in feature.scenarios)
    counts = ", ".join(f"{count} {mark}" for mark, count in verdicts.most_common())
    template = environment.get_template(TEMPLATE)
    return template.render(features=features, day=f"{day:%d %B %Y}", counts=counts, total=verdicts.total())


def main() -> None:
    """Write the page and say where it is."""
    folder, results_file, page = map(Path, sys.argv[1:])
    results = results_of(results_file)
    features = [feature_of(file, results) for file in sorted(folder.glob("*.feature"))]
    page.write_text(page_of(features, date.today()), encoding="utf-8")  # noqa: DTZ011 - the day of who reads it
    print(f"{page} written")


if __name__ == "__main__":
    main()
