"""Runs: the last one table by table, those that broke off, and what the API was asked by month."""

from datetime import date

from planlake.report.pages.figures.lake_facts import open_facts
from planlake.report.pages.figures.runs import runs
from planlake.simulator.faults import Rule

from ..conftest import DAYS


def seen(feed):
    with open_facts(feed.config) as facts:
        return runs(facts)


def test_the_last_run_is_told_table_by_table_and_those_in_trouble_first(feed, written):
    feed.fail(Rule(resource="others", status=503, times=None))
    feed.run_at(DAYS[3])
    found = seen(feed)
    assert found.answer == "Run 3 ended, and 1\u00a0table was in trouble"
    assert [(one.table, one.outcome) for one in found.tables] == [("others", "open"), ("things", "unchanged")]
    assert [(one.run, one.troubled) for one in found.runs] == [(3, 1), (2, 0), (1, 0)]
    text = written("runs.html")
    assert text.index("pages failed") < text.index("unchanged")


def test_a_run_that_well_ended_says_so(feed):
    assert seen(feed).answer == "Run 2 went well"


def test_what_the_api_was_asked_is_summed_by_month(feed):
    feed.run_at("2026-12-01T10:00:00")
    found = seen(feed)
    asked = feed.rows("select run, sum(requests)::int as n from runs where resource is not null group by run")
    by_run = {one["run"]: one["n"] for one in asked}
    assert [(one.month, one.runs, one.requests) for one in found.months] == [
        (date(2026, 12, 1), 1, by_run[3]),
        (date(2026, 11, 1), 2, by_run[1] + by_run[2]),
    ]


def test_of_many_runs_the_last_are_shown_and_the_rest_is_counted(feed, monkeypatch, written):
    monkeypatch.setattr("planlake.report.pages.figures.runs.SHOWN", 1)
    found = seen(feed)
    assert ([one.run for one in found.runs], found.not_shown) == ([2], 1)
    assert "1\u00a0earlier one is not shown" in written("runs.html")
