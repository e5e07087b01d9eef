"""The returns on records of the simulator, loaded and built by real runs: what they wait for, what is kept as sent."""

from datetime import date, datetime

import pytest

from conftest import feeding
from flow.trust.shipped import FOLDER, RETURNS
from planlake.config import load_config
from planlake.runs.plan import Selection
from planlake.runs.run import run
from planlake.setup.copy_models import copy_models
from planlake.simulator.generator import generate
from planlake.sources.catalogue import load_catalogue

FIRST_DAY, SENT, LATER = "2026-11-23T03:00:00", date(2026, 11, 24), "2026-11-26T03:00:00"
READ = ("applications", "application_types", "ps_development_codes", "decision_types", "decision_levels")
ALSO_READ = ("appeals", "appeal_decision")
OPTIONAL = ("eias", "action_types", "enforcement_actions_taken")
SETTINGS = f"source: tascomi\ntables: {{daily: [{', '.join((*READ, *ALSO_READ, *OPTIONAL))}]}}\n"
TOTAL = "select total, granted from trusted.return_ps2 where line = 'Total' and quarter = date '{}'"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def feed(tmp_path_factory):
    """A lake with the returns built, before appeals, assessments and kinds of enforcement were loaded."""
    catalogue = load_catalogue("tascomi")
    sizes = dict.fromkeys(catalogue.resources, 30) | {"applications": 400, "enforcement_actions_taken": 200}
    data = generate(catalogue, seed=11, now=datetime.fromisoformat(FIRST_DAY), sizes=sizes)
    with feeding(data, tmp_path_factory.mktemp("returns"), SETTINGS) as made:
        copy_models(made.config)
        made.run_at(FIRST_DAY, *READ)
        yield made


def outcomes(result):
    return {one.model: one.outcome for one in result.models if one.model.startswith("return_")}


def test_returns_do_not_wait_for_what_they_can_do_without_and_say_what_they_lack(feed):
    parts = "select distinct part from trusted.return_ps1 order by part"
    assert [one["part"] for one in feed.rows(parts)] == [
        "council",
        "delegated",
        "environment",
        "prior approvals",
        "work",
    ]
    assert feed.rows("select count(*) as n from trusted.return_cases where is_assessment") == [{"n": 0}]
    with pytest.raises(Exception, match=r"refined\.appeals was not loaded yet"):
        feed.rows("from trusted.return_quality")
    result = feed.run_at(FIRST_DAY, *ALSO_READ, *OPTIONAL)
    assert outcomes(result) == {"return_ps2": "built", "return_ps1": "built"}
    assert {"part": "enforcement"} in feed.rows(parts)
    assert feed.rows("select count(*) as n from trusted.return_cases where is_assessment")[0]["n"] > 0
    for name in set(RETURNS) - {"return_guarantee"}:
        assert feed.rows(f"select count(*) as n from trusted.{name}")[0]["n"] > 0, name


def test_every_application_is_counted_or_told_or_outside_the_returns(feed):
    cases = feed.rows("from trusted.return_cases")
    told = {one["application_id"] for one in feed.rows("from trusted.return_not_placed") if not one["is_counted"]}
    assert {one["application_id"] for one in cases if one["left_out"]} <= told
    decided = [one for one in cases if one["outcome"] in ("granted", "refused") and not one["left_out"]]
    assert (
        len(decided)
        == feed.rows("select sum(total)::bigint as n from trusted.return_ps2 where line <> 'Total'")[0]["n"]
    )
    assert 0 < sum(one["in_totals"] for one in decided) < len(decided)


def test_a_setting_that_is_no_choice_fails_with_its_choices(feed):
    file = feed.config.folder / "planlake.yaml"
    before = file.read_text()
    try:
        file.write_text(f"{before}models: {{settings: {{returns_split: both}}}}\n")
        result = run(load_config(file), Selection(step="trust"))
    finally:
        file.write_text(before)
    said = {one.model: (one.outcome, one.message) for one in result.models}
    assert said["return_ps2"][0] == "failed"
    assert "the setting returns_split is granted or refused" in said["return_ps2"][1]
    assert said["return_ps1"][0] == "left alone"


def test_a_development_type_that_is_mapped_twice_fails_and_counts_nothing_twice(feed):
    file = feed.config.folder / "models/mappings/return_lines.csv"
    before = file.read_text()
    try:
        file.write_text(f"{before}Householder,Q21,,Householder,other,56,non-major,non-major,true\n")
        result = run(feed.config, Selection(step="trust"))
    finally:
        file.write_text(before)
    said = {one.model: one.message for one in result.models}["return_ps2"]
    assert "the mapping return_lines has a development type twice" in said


def test_what_was_sent_is_kept_when_a_decision_is_put_right_later(feed):
    feed.run_at(f"{SENT}T03:00:00")
    decided = feed.rows("""
        from trusted.return_cases
        where left_out is null and in_totals and outcome = 'granted' and ended_day between '2026-07-01' and '2026-09-30'
        order by application_id""")
    quarter = date(2026, 7, 1)
    [sent] = feed.rows(TOTAL.format(quarter))
    assert sent["granted"] >= len(decided) > 0
    record = feed.data.record("applications", decided[0]["application_id"])
    day = "2026-11-25 09:00:00"
    feed.data.put("applications", record | {"decision_issued_date": "2026-10-05 00:00:00", "last_updated": day})
    feed.run_at(LATER)
    today = {"total": sent["total"] - 1, "granted": sent["granted"] - 1}
    assert feed.rows(TOTAL.format(quarter)) == [today]
    assert feed.rows(TOTAL.format(quarter), as_of=SENT) == [sent]
    case = f"select ended_day from trusted.return_cases where application_id = {decided[0]['application_id']}"
    assert feed.rows(case) == [{"ended_day": date(2026, 10, 5)}]
    assert feed.rows(case, as_of=SENT) == [{"ended_day": decided[0]["ended_day"]}]
    work = "select count from trusted.return_ps1 where line = 'decided' and quarter = date '2026-07-01'"
    assert feed.rows(work) == [{"count": today["total"]}]
    assert feed.rows(work, as_of=SENT) == [{"count": sent["total"]}]


def test_lines_that_do_not_agree_hold_the_return_back(feed):
    file = feed.config.folder / "models/return_ps2.sql"
    before = file.read_text()
    shown = feed.rows("from trusted.return_ps2 order by all")
    try:
        file.write_text(before.replace("filter (band = '<= 8')", "filter (band in ('<= 8', '8-13'))"))
        result = run(feed.config, Selection(step="trust"))
    finally:
        file.write_text(before)
    assert outcomes(result) == {"return_ps2": "held", "return_ps1": "left alone"}
    assert result.exit_code == 1
    assert feed.rows("from trusted.return_ps2 order by all") == shown


def test_the_first_model_that_the_documentation_shows_is_built(tmp_path):
    catalogue = load_catalogue("tascomi")
    sizes = dict.fromkeys(catalogue.resources, 0) | {"applications": 40, "fees": 60}
    data = generate(catalogue, seed=11, now=datetime.fromisoformat(FIRST_DAY), sizes=sizes)
    page = (FOLDER.parents[2] / "docs/models.md").read_text(encoding="utf-8")
    (tmp_path / "models").mkdir()
    (tmp_path / "models/fees.sql").write_text(page.partition("```sql\n")[2].partition("```")[0])
    with feeding(data, tmp_path, "source: tascomi\ntables: {daily: [applications, fees]}\n") as feed:
        assert [(one.outcome, one.message) for one in feed.run_at(FIRST_DAY).models] == [("built", "")]
        assert feed.rows("select count(*) as n from trusted.fees where total > 0")[0]["n"] > 10
