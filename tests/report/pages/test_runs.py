"""Runs: the last one table by table, those that broke off, and what the API was asked by month."""

from datetime import date

import pytest

from flow.ingest.served import fill
from planlake.report.pages.figures.lake_facts import open_facts
from planlake.report.pages.figures.runs import runs
from planlake.report.run_history import past_runs
from planlake.runs.plan import Selection
from planlake.runs.run import run
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


def test_what_a_killed_run_asked_and_received_counts(feed, typed, monkeypatch):
    def killed(*_, **__):
        raise SystemExit

    monkeypatch.setattr("planlake.flow.operations_records.append_operations", killed)
    fill(feed.data, "things", 2, "2026-11-16 12:00:00", start=41)
    feed.monkeypatch.setenv("PLANLAKE_NOW", DAYS[2])
    with pytest.raises(SystemExit):
        run(feed.config, Selection())
    monkeypatch.undo()
    asked = (
        "select count(*)::int as n, sum(bytes)::int as size from api_requests where run = 3 and attempts is not null"
    )
    (ledger,) = feed.rows(asked)
    before = seen(feed)
    (killed_run, *_) = before.runs
    assert (killed_run.outcome, killed_run.tables, killed_run.records) == ("killed", 2, 4)
    assert (killed_run.requests, killed_run.bytes) == (ledger["n"], ledger["size"])
    assert [(one.runs, one.requests) for one in before.months] == [(3, sum(one.requests for one in before.runs))]
    assert past_runs(feed.config)[0].records == 4
    assert typed("run").status == 0
    after = [(one.run, one.outcome, one.requests) for one in seen(feed).runs]
    assert after[1] == (3, "killed", ledger["n"])


def test_of_many_runs_the_last_are_shown_and_the_rest_is_counted(feed, monkeypatch, written):
    monkeypatch.setattr("planlake.report.pages.figures.runs.SHOWN", 1)
    found = seen(feed)
    assert ([one.run for one in found.runs], found.not_shown) == ([2], 1)
    assert "1\u00a0earlier one is not shown" in written("runs.html")
