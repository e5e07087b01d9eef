"""docs/break-it-yourself.md is what happens: every fault of the simulator, what the screen says, and the way back."""

import re
from datetime import datetime
from pathlib import Path

import pytest

from conftest import feeding
from features.conftest import SETTINGS, record, records
from features.person import Person
from features.test_transcript import lines_of, pattern_of
from planlake.errors import ConfigurationError
from planlake.simulator.faults import FaultPlan
from planlake.simulator.rehearsals import FAULTS, plan_of

PAGE = Path(__file__).parents[2] / "docs/break-it-yourself.md"
SECTIONS = {
    title: re.findall(r"^\$ ([^\n]*)\n(.*?)(?=^\$ |^```$)", text, re.MULTILINE | re.DOTALL)
    for title, text in re.findall(r"^## ([^\n]*)\n(.*?)(?=^## |\Z)", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
}
FAULT = re.compile(r"planlake simulate --fault ([a-z-]+)(?: --table (\w+))?")
NIGHT = "2026-11-22T03:00:00"


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """A lake of one night beside an API in which three fees were changed since."""
    data = records()
    for number in range(9, 41):
        data.put("fees", record("fees", number % 20 + 1, id=str(number)))
    with feeding(data, tmp_path_factory.mktemp("council"), SETTINGS) as feed:
        assert feed.run_at("2026-11-21T03:00:00").exit_code == 0
        data.move_to(datetime.fromisoformat(NIGHT))
        for number in (3, 4, 5):
            data.put("fees", record("fees", number, changed="2026-11-21 12:00:00"))
        feed.made = set()
        yield feed, feed.remembered()


@pytest.fixture
def night(loaded, monkeypatch, capfd):
    """Somebody at a terminal before the second night's run."""
    feed, set_back = loaded
    set_back()
    monkeypatch.chdir(feed.config.folder)
    monkeypatch.setenv("COLUMNS", "100")
    return Person(feed, monkeypatch, capfd)


@pytest.mark.parametrize("title", SECTIONS)
def test_each_fault_is_told_and_mended_as_the_page_says(night, title):
    for command, shown in SECTIONS[title]:
        if command.startswith("planlake simulate"):
            found = FAULT.match(command)
            night.council.simulator.faults = plan_of(found[1], found[2] or "fees") if found else FaultPlan()
            continue
        night.type(command)
        printed = "".join(f"{line}\n" for line in lines_of(night.screen))
        night.expects(re.fullmatch(pattern_of(lines_of(shown)), printed), f"as the page has it:\n{shown}")
    kept = {row["id"]: row for row in night.council.rows("select id, last_updated from fees")}
    assert {str(one) for one in kept} == {one["id"] for one in night.council.data.records("fees")}
    assert night.said.status == 0


def test_the_page_has_every_fault():
    assert [*dict.fromkeys(FAULT.findall(PAGE.read_text("utf-8")))] == [(kind, "") for kind in FAULTS]


def test_a_fault_of_records_leaves_an_answer_without_any_as_it_is():
    for kind in ("dates", "columns", "no-id"):
        (rule,) = plan_of(kind, "fees").rules
        assert (rule.mutate(b""), rule.mutate(b"[]")) == (b"", b"[]")


def test_a_fault_that_there_is_not_is_refused_with_those_there_are():
    with pytest.raises(ConfigurationError, match="no fault is called") as raised:
        plan_of("gremlins", "fees")
    assert set(FAULTS) <= set(re.findall(r"[a-z-]+", str(raised.value.facts["faults"])))
