"""The shipped reports on records of the simulator, loaded and built by real runs: plain Python counts the same."""

from collections import Counter
from datetime import date, datetime, timedelta

import pytest

from conftest import feeding
from flow.trust.shipped import REPORTS
from planlake.errors import ConfigurationError
from planlake.lake.views.query import columns_of
from planlake.report.query import open_views
from planlake.runs.plan import Selection
from planlake.runs.run import run
from planlake.setup.copy_models import copy_models
from planlake.simulator.generator import generate
from planlake.sources.catalogue import load_catalogue

NOW = "2026-11-23T03:00:00"
TODAY = date(2026, 11, 23)
FIRST = ("applications", "enforcements", "application_types", "ps_development_codes")
OFFICERS = ("users", "user_teams", "user_team_map")
SETTINGS = f"source: tascomi\ntables: {{daily: [{', '.join((*FIRST, *OFFICERS))}]}}\n"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def feed(tmp_path_factory):
    """A lake with its models built, before officers were loaded."""
    catalogue = load_catalogue("tascomi")
    sizes = dict.fromkeys(catalogue.resources, 8) | {"applications": 400, "enforcements": 150}
    data = generate(catalogue, seed=7, now=datetime.fromisoformat(NOW), sizes=sizes)
    with feeding(data, tmp_path_factory.mktemp("reports"), SETTINGS) as made:
        copy_models(made.config)
        made.run_at(NOW, *FIRST)
        yield made


def test_a_report_of_what_is_not_there_yet_says_what_to_do_and_all_are_there_after_it(feed):
    with pytest.raises(ConfigurationError, match=r"trusted\.officers was not built yet") as error:
        feed.rows("from trusted.report_case_load")
    assert error.value.hint == "planlake run --step trust"
    waiting = {one.model: one.message for one in run(feed.config, Selection(step="trust")).models}["officers"]
    assert "refined.users" in waiting
    run(feed.config, Selection(tables=OFFICERS))
    run(feed.config, Selection(step="trust"))
    for name in REPORTS:
        assert feed.rows(f"select count(*) as n from trusted.{name}")[0]["n"] > 0, name
    loads = feed.rows(
        """select sum(live)::bigint as live, sum(decided)::bigint as decided
           from trusted.report_case_load where counts_once = 1"""
    )
    cases = _placed(feed)
    assert loads == [
        {"live": sum(not ended for _, ended, _ in cases), "decided": sum(how == "decided" for *_, how in cases)}
    ]


def _day(value):
    return value.date() if value else None


def _placed(feed):
    """Begin, end and how it ended of each application that has days to count by, from the records themselves."""
    found = []
    for one in feed.rows("select * from refined.applications"):
        began, decided = _day(one["received_date"]), _day(one["decision_issued_date"])
        is_ceased = bool(one["ceased"]) and not decided
        ended = decided or (_day(one["ceased_date"]) if is_ceased else None)
        unknown = (
            began is None
            or (is_ceased and not ended)
            or (not decided and not is_ceased and one["application_stage"] == 10)
        )
        if not unknown and began <= (ended or began) and max(began, ended or began) <= TODAY:
            found.append((began, ended, "decided" if decided else "ceased" if is_ceased else "live"))
    return found


def _week(day):
    """The Monday of a report week, which begins on the Sunday before."""
    return day + timedelta(days=1) - timedelta(days=(day + timedelta(days=1)).weekday())


def test_what_is_placed_and_what_is_not_are_all_applications(feed):
    left_out = feed.rows("select count(*) as n from trusted.report_not_placed where not is_counted")[0]["n"]
    assert left_out > 0
    assert len(_placed(feed)) + left_out == 400


def test_received_and_decided_equal_a_count_of_the_records(feed):
    cases = _placed(feed)
    weeks = feed.rows("""select report_week, sum(received)::bigint as received, sum(decided)::bigint as decided
                         from trusted.report_received_and_decided group by all""")
    assert {one["report_week"]: one["received"] for one in weeks if one["received"]} == Counter(
        _week(began) for began, *_ in cases
    )
    assert {one["report_week"]: one["decided"] for one in weeks if one["decided"]} == Counter(
        _week(ended) for _, ended, how in cases if how == "decided"
    )


def test_the_backlog_equals_a_count_of_what_was_live_on_each_saturday(feed):
    cases, weeks = _placed(feed), feed.rows("from trusted.report_backlog order by report_week")
    assert weeks[-1]["report_week"] == TODAY
    before = 0
    for week in weeks:
        saturday = week["report_week"] + timedelta(days=5)
        assert week["live_at_end"] == sum(a <= saturday and (b is None or b > saturday) for a, b, _ in cases)
        assert week["live_at_start"] == before
        before = week["live_at_end"]


def test_live_applications_by_age_are_those_of_the_backlog(feed):
    live = [(TODAY - began).days for began, ended, _ in _placed(feed) if ended is None]
    ages = feed.rows("from trusted.report_live_by_age")
    assert sum(one["live"] for one in ages) == len(live)
    assert max(one["oldest"] for one in ages) == max(live)
    assert sum(one["live"] for one in ages if one["age_from"] == 365) == sum(age > 364 for age in live)


def test_enforcement_cases_by_age_and_those_not_placed_are_all_cases(feed):
    bands = feed.rows("from trusted.report_enforcements_by_age")
    missing = feed.rows("select count(*) as n from trusted.report_enforcements_not_placed")[0]["n"]
    assert sum(one["open"] + one["closed"] for one in bands) + missing == 150
    held = feed.rows("from refined.enforcements where date_file_closed is null and ceased is distinct from true")
    assert 0 < sum(one["open"] for one in bands) <= len(held)


def test_a_view_that_asks_for_settings_can_be_described_and_read_by_a_model(feed):
    with open_views(feed.config) as views:
        assert columns_of(views, "trusted", "report_backlog")["live_at_end"] == "BIGINT"
    (feed.config.folder / "models/own.sql").write_text("select count(*) as n from trusted.report_cases\n")
    outcomes = {one.model: one.outcome for one in run(feed.config, Selection(step="trust")).models}
    assert outcomes["own"] == "built"
    assert feed.rows("from trusted.own") == [{"n": 400}]
