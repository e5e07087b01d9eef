"""Completeness: what became of each day of each table, the calendar and the list beside it."""

from datetime import date

import pytest

from flow.ingest.served import fill, record
from planlake.changes.rollback import rollback
from planlake.report.pages.figures.completeness import completeness
from planlake.report.pages.figures.days import days_of_tables
from planlake.report.pages.figures.lake_facts import open_facts
from planlake.report.pages.figures.tables import table_pages
from planlake.simulator.faults import Rule

from ..conftest import DAYS


def day(number):
    return date(2026, 11, number)


@pytest.fixture
def states(feed):
    """The state of each day of a table, as letters; and what is said of them."""

    def of(table, count=5):
        with open_facts(feed.config) as facts:
            return {one.day.day: (one.state, one.detail) for one in days_of_tables(facts, count)[table]}

    return of


def test_a_day_that_was_read_is_complete_and_today_is_open(feed, states):
    feed.run_at(DAYS[2])
    assert states("things") == {
        13: ("not due", "before the first load"),
        14: ("not due", "before the first load"),
        15: ("complete", "2\u00a0records"),
        16: ("complete", "0\u00a0records"),
        17: ("open", "the day is not over"),
    }


def test_a_weekly_table_is_read_in_full_on_its_day_and_not_due_on_others(feed, states):
    feed.run_at(DAYS[7])
    found = states("wards_", 9)
    assert {number for number, (state, _) in found.items() if state == "full"} == {15, 22}
    assert {state for state, _ in found.values()} == {"full", "not due"}


def test_a_day_whose_pages_failed_says_how_far_it_came_and_how_often_it_was_tried(feed, states):
    fill(feed.data, "things", 120, "2026-11-16 09:00:00", start=100)
    feed.fail(Rule(resource="things", query={"page": "3"}, status=503, times=None))
    feed.run_at(DAYS[2])
    assert states("things")[16][1].endswith("tried 2\u00a0times")  # by one run, as often as the ledger says
    feed.run_at(DAYS[3])
    assert states("things")[16] == ("failed", "2 of 3\u00a0pages, 100\u00a0records, tried 4\u00a0times in 2\u00a0runs")
    assert states("others")[16][0] == "complete"
    feed.fail()
    feed.run_at(DAYS[4])
    assert states("things", 9)[16][0] == "complete"


def test_a_day_that_was_given_up_is_a_gap_with_the_command_that_fills_it(feed, states):
    feed.fail(Rule(resource="things", query={"last_updated": "2026-11-16"}, status=503, times=None))
    for number in (2, 3, 4, 5):
        feed.run_at(DAYS[number])
    assert states("things", 6)[16][0] == "gap"
    with open_facts(feed.config) as facts:
        (gap,) = completeness(facts).others
    assert gap.command == "planlake backfill things --from 2026-11-16 --to 2026-11-16"


def test_a_day_that_nobody_asked_for_is_not_called_complete(feed, states):
    feed.monkeypatch.setenv("PLANLAKE_NOW", DAYS[4])
    assert [states("things")[number][0] for number in (16, 17, 18, 19)] == ["not asked"] * 3 + ["open"]


def test_a_day_that_a_check_holds_is_held(feed, states):
    for identity in range(101, 130):
        feed.data.put("things", record(identity, "2026-11-16 12:00:00", amount="n/a"))
    feed.run_at(DAYS[2])
    assert states("things")[16] == ("held", "29\u00a0records")


def test_the_day_of_a_full_reading_that_a_check_holds_is_held(feed, states):
    for identity in range(101, 130):
        feed.data.put("wards_", record(identity, "2026-11-16 12:00:00", amount="n/a"))
    feed.run_at(DAYS[7])
    found = states("wards_", 9)
    assert [(number, found[number]) for number in (15, 22)] == [
        (15, ("full", "30\u00a0records")),
        (22, ("held", "59\u00a0records")),
    ]


def test_a_day_whose_records_were_taken_back_is_undone(feed, states):
    rollback(feed.config, ["things"], 1, zone="all", confirm=lambda _: True)
    assert states("things", 2)[15][0] == "undone"


def test_only_days_that_are_over_and_due_are_counted(feed, written):
    feed.run_at(DAYS[2])
    with open_facts(feed.config) as facts:
        found = completeness(facts)
    assert (found.answer, found.whole, found.due, found.others) == ("Every day is whole", 5, 5, ())
    assert [(one.name, one.days) for one in found.months] == [("October 2026", 18), ("November 2026", 17)]
    assert written("completeness.html").count('<td class="is-') == 3 * 35


def test_of_many_days_the_newest_are_listed_and_the_rest_is_counted(feed, monkeypatch):
    monkeypatch.setattr("planlake.report.pages.figures.completeness.LISTED", 5)
    feed.monkeypatch.setenv("PLANLAKE_NOW", "2026-11-30T10:00:00")
    with open_facts(feed.config) as facts:
        found = completeness(facts)
    assert (len(found.others), found.not_listed) == (5, 23)
    assert found.others[0].day == day(29)


def test_the_page_of_a_table_has_its_days_in_weeks_and_its_runs(feed, written):
    with open_facts(feed.config) as facts:
        page = table_pages(facts)["things"]
    assert [[one and one.day.day for one in week.days] for week in page.weeks] == [
        [16, None, None, None, None, None, None],
        [9, 10, 11, 12, 13, 14, 15],
    ]
    assert [(one.run, one.outcome, one.rows) for one in page.runs] == [(2, "loaded", 32), (1, "loaded", 30)]
    text = written("tables/things.html")
    assert "<h1>things is complete</h1>" in text
    assert 'id="d-2026-11-15"' in text
