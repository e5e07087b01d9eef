"""The rolling audit: what day windows cannot show is found within `audit_days` runs, and nothing else lands."""

import json
import os
import random
import re
from contextlib import suppress
from datetime import date, timedelta
from typing import NamedTuple

import pytest
from rich.console import Console

from conftest import feeding, table_of
from flow.ingest.served import asked, assert_equal, fill, ledger, record, served, settings_of, versions
from flow.killing import Commits, Killed
from planlake.changes.rollback import rollback
from planlake.cli import screen
from planlake.report.status import status
from planlake.runs.plan import Selection
from planlake.runs.run import table_plans
from planlake.simulator.faults import Rule

FIRST = date(2026, 11, 2)
DAYS = 4
SEEDS = 60 if os.environ.get("PLANLAKE_SOAK", "0") != "0" else 3
OLD = "2026-01-01 00:00:00"
FULL_CHECK = "\"check\" = 'audit'"


def at(day, hour=3):
    return f"{FIRST + timedelta(days=day)}T{hour:02}:00:00"


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """Forty records on eight pages, of every second id, and as many of every id; audited in four days."""
    data = served(["sparse", "dense"], page_size=5, now=at(0))
    settings = settings_of(["sparse", "dense"], audit_days=DAYS)
    with feeding(data, tmp_path_factory.mktemp("audited"), settings) as made:
        for identity in range(2, 82, 2):
            data.put("sparse", record(identity))
        fill(data, "dense", 40)
        made.run_at(at(0))
        yield made, made.remembered()


@pytest.fixture
def feed(loaded):
    made, set_back = loaded
    set_back()
    made.simulator.requests.clear()
    return made


def run_on(feed, *days, table="sparse"):
    """The audits of the runs of these days; none where the run had none."""
    results = [table_of(feed.run_at(at(day), table), table) for day in days]
    return [result.ingest.audit for result in results]


def slices(feed, table="sparse"):
    return ledger(feed, table, "first_id, last_id, records, missing, changed, gone", "event = 'audited'")


def pages(feed, table="sparse"):
    """Pages of the whole table, in the order in which they were asked."""
    return [page for window, page in asked(feed, table) if not window]


ENDS = [(None, "20"), ("20", "40"), ("40", "60"), ("60", None)]


def test_in_so_many_days_every_record_is_compared_once(feed):
    run_on(feed, 1, 2, 3, 4, table="dense")
    assert pages(feed, "dense") == [2, 1, 4, 3, 6, 5, 8, 7]
    ends = [(None, "10"), ("10", "20"), ("20", "30"), ("30", None)]
    assert slices(feed, "dense") == [(*one, 10, 0, 0, 0) for one in ends]
    assert versions(feed, "dense") == 40
    run_on(feed, 5, table="dense")
    assert pages(feed, "dense")[8:] == [2, 1]


def test_where_ids_are_not_consecutive_the_page_in_front_shows_that_nothing_lies_between(feed):
    run_on(feed, 1, 2, 3, 4)
    assert pages(feed) == [2, 1, 4, 3, 2, 6, 5, 4, 8, 7, 6]
    assert slices(feed) == [(*one, 10, 0, 0, 0) for one in ENDS]


def test_what_days_do_not_show_is_found_landed_and_told(feed):
    feed.data.put("sparse", record(7, OLD))
    feed.data.put("sparse", record(24, name="changed without its date"))
    feed.data.delete("sparse", 44)
    feed.data.delete("sparse", 80)
    found = [(one.found.missing, one.found.changed, one.found.gone) for one in run_on(feed, 1, 2, 3, 4)]
    assert found == [(1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 0, 1)]
    assert [row[3:] for row in slices(feed)] == found
    assert_equal(feed, "sparse")
    assert versions(feed, "sparse") == 40 + 4
    checks = feed.rows(f"select verdict, figure, message from checks where {FULL_CHECK} order by run")
    assert [row["message"] for row in checks] == [
        "audit: 1 missing",
        "audit: 1 changed in silence",
        "audit: 1 gone",
        "audit: 1 gone",
    ]
    assert all(row["verdict"] == "warning" and row["figure"] == 1 for row in checks)
    run_on(feed, 5, 6, 7, 8)
    assert [row[3:] for row in slices(feed)][4:] == [(0, 0, 0)] * 4
    assert versions(feed, "sparse") == 40 + 4


def test_a_second_run_on_the_same_day_and_the_day_of_the_full_load_audit_nothing(feed):
    assert run_on(feed, 0) == [None]
    run_on(feed, 1)
    feed.simulator.requests.clear()
    assert run_on(feed, 1) == [None]
    assert pages(feed) == []


def test_runs_that_were_missed_are_caught_up_four_nights_at_a_time_at_most(feed):
    feed.config = changed_settings(feed, audit_days=8)
    assert [audit.pages for audit in run_on(feed, 7)] == [4]
    assert [audit.pages for audit in run_on(feed, 8)] == [5]
    assert slices(feed) == [(None, "40", 20, 0, 0, 0), ("40", None, 20, 0, 0, 0)]


def changed_settings(feed, **settings):
    """The configuration with other settings, in its file too."""
    changed = feed.config.settings.model_copy(update=settings)
    return feed.config.model_copy(update={"settings": changed})


def test_a_full_reading_compares_everything_and_the_round_begins_with_it(feed):
    run_on(feed, 1)
    feed.run_at(at(2), "sparse", is_full=True)
    feed.simulator.requests.clear()
    run_on(feed, 3)
    assert pages(feed) == [2, 1]


def test_zero_days_is_no_audit_and_the_status_says_nothing_of_one(feed):
    feed.config = changed_settings(feed, audit_days=0)
    assert run_on(feed, *range(1, 6)) == [None] * 5
    assert pages(feed) == []
    assert {(one.audit.percent, one.audit.why_not) for one in status(feed.config).tables} == {(None, "")}


def test_a_page_that_fails_leaves_the_slice_where_it_was_and_is_told(feed):
    run_on(feed, 1)
    feed.data.put("sparse", record(25, OLD))
    feed.data.put("sparse", record(37, OLD))
    feed.fail(Rule(resource="sparse", query={"page": "3"}, status=500, times=None))
    result = feed.run_at(at(2), "sparse")
    table = table_of(result, "sparse")
    assert (result.exit_code, table.outcome) == (1, "unchanged")
    assert table.message.endswith("audit: not proven: page 3: status 500")
    assert len(slices(feed)) == 1
    assert versions(feed, "sparse") == 40
    feed.fail()
    [audit] = run_on(feed, 3)
    assert (audit.found.missing, audit.is_proven) == (2, True)
    assert slices(feed)[1][0] == "20"
    assert_equal(feed, "sparse")


def test_a_day_that_stays_open_has_no_audit(feed):
    feed.fail(Rule(resource="sparse", query={"last_updated": "2026-11-02"}, status=500, times=None))
    result = table_of(feed.run_at(at(1), "sparse"), "sparse")
    assert (result.outcome, result.ingest.audit) == ("open", None)
    assert pages(feed) == []


def test_records_that_changed_today_are_left_to_the_windows_of_the_next_days(feed):
    feed.data.on_page = lambda data, resource, filters, number: (
        None if filters else data.put("sparse", record(4, f"{FIRST + timedelta(days=1)} 03:00:01", name="now"))
    )
    [audit] = run_on(feed, 1)
    assert (audit.found.total, audit.stored, audit.is_proven) == (0, 0, True)
    run_on(feed, 2)
    assert_equal(feed, "sparse")


def test_a_record_with_a_date_far_ahead_is_missing_until_it_is_found(feed):
    feed.data.put("sparse", record(5, "2099-01-01 00:00:00"))
    assert [audit.found.missing for audit in run_on(feed, 1)] == [1]
    assert_equal(feed, "sparse")


def test_records_that_move_while_a_slice_is_read_are_neither_lost_nor_believed_gone(feed):
    """Before page 3 is read, a record in front of it goes, so its last one has moved onto page 4, which was read."""

    def shift(data, resource, filters, number):
        if not filters and number == 3:
            data.delete("sparse", 2)
            data.delete("sparse", 4)

    run_on(feed, 1)
    feed.data.put("sparse", record(31, OLD))
    feed.data.on_page = shift
    [audit] = run_on(feed, 2)
    assert (audit.found.missing, audit.found.gone, audit.is_proven) == (1, 0, True)
    feed.data.on_page = None
    run_on(feed, 3, 4, 5)
    assert_equal(feed, "sparse")


def test_of_a_slice_with_more_deletions_than_the_limit_nothing_counts(feed):
    feed.config = changed_settings(feed, deletion_limit_percent=10)
    for identity in (2, 4, 6, 8, 10):
        feed.data.delete("sparse", identity)
    feed.data.put("sparse", record(7, OLD))
    result = feed.run_at(at(1), "sparse")
    assert (result.exit_code, slices(feed)) == (1, [])
    assert table_of(result, "sparse").message.endswith("audit: 5 deletions held back")
    assert [window for window, _ in asked(feed, "sparse") if window.startswith("id ")] == []
    assert versions(feed, "sparse") == 40
    feed.config = changed_settings(feed, deletion_limit_percent=20)
    assert run_on(feed, 2)[0].found.gone == 5
    assert_equal(feed, "sparse")


def test_in_one_round_no_more_are_believed_gone_than_in_one_full_reading(feed):
    feed.config = changed_settings(feed, deletion_limit_percent=5)
    for identity in (2, 4, 26, 28):
        feed.data.delete("sparse", identity)
    first, second = run_on(feed, 1, 2)
    assert (first.found.gone, first.held_back) == (2, 0)
    assert (second.found.gone, second.held_back) == (0, 2)


def test_an_id_that_the_api_still_shows_when_asked_alone_is_not_gone(feed):
    """A page that leaves a record out; alone it is shown."""
    hidden = feed.data.page

    def page(resource, filters, number):
        total, body = hidden(resource, filters, number)
        return total, body if filters else body.replace(b'"id":"12"', b'"id":"13"')

    feed.data.page = page
    [audit] = run_on(feed, 1)
    assert ("id 12", 1) in asked(feed, "sparse")
    assert (audit.found.gone, audit.found.missing) == (0, 1)


def test_an_api_that_answers_with_another_page_proves_nothing(feed):
    answered = feed.data.page
    feed.data.page = lambda resource, filters, number: answered(resource, filters, number if filters else 1)
    [audit] = run_on(feed, 1)
    assert not audit.is_proven
    assert slices(feed) == []


def test_pages_out_of_order_are_said_to_be_not_audited_and_tried_again_a_round_later(feed):
    table = feed.data._table("sparse")
    kept = list(table.ids)
    feed.data.on_page = lambda data, resource, filters, number: (
        table.ids.sort(reverse=not filters) if resource == "sparse" else None
    )
    result = feed.run_at(at(1), "sparse")
    assert result.exit_code == 0
    assert table_of(result, "sparse").message.endswith("audit: the API's pages are not in the order of the ids")
    assert run_on(feed, 2, 3, 4) == [None] * 3
    [one] = [one for one in status(feed.config).tables if one.table == "sparse"]
    assert one.audit.why_not == "the API's pages are not in the order of the ids"
    feed.data.on_page = None
    table.ids[:] = kept
    [audit] = run_on(feed, 5)
    assert audit.is_proven


def test_a_batch_that_is_voided_takes_its_slice_with_it(feed):
    feed.data.put("sparse", record(7, OLD))
    run_on(feed, 1, 2)
    rollback(feed.config, [], FIRST + timedelta(days=1), zone="all", confirm=lambda _: True)
    feed.simulator.requests.clear()
    run_on(feed, 3)
    assert [row[:2] for row in slices(feed)] == [(None, "18"), ("18", "38"), ("18", "58")]


class At(NamedTuple):
    """The commit at which a run is killed, and whether it came to be."""

    killed_at: int
    is_committed: bool = True


@pytest.mark.parametrize("last", range(1, 9))
def test_a_run_that_is_killed_at_any_commit_of_an_audit_is_made_up_for(feed, monkeypatch, last):
    feed.data.put("sparse", record(7, OLD))
    feed.data.put("sparse", record(12, name="changed without its date"))
    feed.data.delete("sparse", 14)
    commits = Commits(monkeypatch)
    with commits.killing(At(last)), suppress(Killed):
        feed.run_at(at(1), "sparse")
    assert feed.run_at(at(1, hour=5), "sparse").exit_code == 0
    run_on(feed, 2)
    assert_equal(feed, "sparse")
    assert versions(feed, "sparse") == 43


def test_plan_says_how_many_pages_are_due_and_how_far_the_round_is(feed, typed, monkeypatch):
    monkeypatch.setattr(screen, "console", lambda *, stderr: Console(stderr=stderr, width=80, markup=False))
    monkeypatch.setenv("PLANLAKE_NOW", at(1))
    said = typed("plan", "sparse").out
    assert max(map(len, said.splitlines())) <= 80
    assert "audit of 2" in said
    assert [words for words in ("today so far; audit: day", "1 of 4") if words not in said] == []  # over two lines
    [step] = [one for one in json.loads(typed("plan", "sparse", "--json").out) if one["step"] == "ingest"]
    assert (step["audit"]["pages"], step["audit"]["why"]) == (2, "day 1 of 4")


def test_status_says_how_much_was_compared_within_the_days_and_since_when(feed, typed, monkeypatch):
    feed.run_at(at(1), "sparse")
    assert "100 %" in typed("status").out
    monkeypatch.setenv("PLANLAKE_NOW", at(5))
    shown = typed("status").out
    assert "25 %" in shown
    assert "audited in part since 3 Nov: " in shown
    found = {one.table: one.audit for one in status(feed.config).tables}
    assert (found["sparse"].percent, found["sparse"].since) == (25, FIRST + timedelta(days=1))
    assert (found["dense"].percent, found["dense"].since) == (0, None)


def test_the_screen_of_a_run_says_what_the_audit_found(feed, typed, monkeypatch):
    feed.data.put("sparse", record(7, OLD))
    feed.data.put("sparse", record(12, name="changed without its date"))
    monkeypatch.setenv("PLANLAKE_NOW", at(1))
    said = typed("run", "sparse")
    assert (said.status, said.err) == (0, "")
    assert "audit: 1 missing, 1 changed in silence" in " ".join(said.out.split())


def test_the_screen_says_what_to_do_where_a_slice_counts_for_nothing(feed, typed, monkeypatch):
    for identity in (2, 4, 6, 8, 10):
        feed.data.delete("sparse", identity)
    monkeypatch.setenv("PLANLAKE_NOW", at(1))
    said = typed("run", "sparse")
    assert said.status == 1
    assert "sparse: 5 records of a slice are not in the API's answer any more, too many to accept" in said.err
    assert re.search("hint: planlake run .*sparse --full --accept-deletions, if they were deleted there", said.err)
    assert typed("run", "sparse", "--full", "--accept-deletions").status == 0
    assert_equal(feed, "sparse")


def test_ids_that_are_no_whole_numbers_are_not_audited_and_status_says_so(feed, typed):
    feed.config = feed.config.model_copy(
        update={"resources": {**feed.config.resources, "sparse": {"columns": {"id": "text"}}}}
    )
    [one] = [one for one in status(feed.config).tables if one.table == "sparse"]
    assert one.audit.why_not == "its ids are not whole numbers"
    [step] = [one.ingest for one in table_plans(feed.config, Selection(("sparse",)))]
    assert step.audit is None


def test_slices_audited_long_ago_are_one_row_each_and_every_raw_row_still_counts(feed):
    feed.data.put("sparse", record(7, OLD))
    feed.data.delete("sparse", 12)
    run_on(feed, 1, 2, 3, 4)
    raw = 'select id, batch from "tascomi-raw-zone".sparse order by all'
    before = feed.rows(raw)
    assert ledger(feed, "sparse", "event", "event = 'audit'")
    run_on(feed, 130, 131)
    old = f"\"window\" = 'audit' and requested_at < timestamp '{FIRST + timedelta(days=20)}'"
    kept = ledger(feed, "sparse", "event, missing, gone, requests is not null", old)
    assert kept == [("audited", 1, 1, True), *[("audited", 0, 0, True)] * 3]
    assert feed.rows(raw) == before


# ---------------------------------------------------------------- random histories, against plain Python

ACTIONS = ("silent", "old", "delete", "dated", "quiet", "quiet")


def acted(data, chance, day):
    """One change of the API's table."""
    action, ids = chance.choice(ACTIONS), data.ids("sparse")
    if action in ("silent", "delete", "dated") and len(ids) < 3:
        return
    one = chance.choice(ids)
    if action == "silent":
        data.put("sparse", {**data.record("sparse", one), "name": f"silent {chance.random()}"})
    elif action == "old":
        data.put("sparse", record(chance.randrange(1, 100), OLD, name=f"old {chance.random()}"))
    elif action == "dated":
        data.put("sparse", record(one, f"{FIRST + timedelta(days=day)} 12:00:00", name=f"dated {chance.random()}"))
    elif action == "delete":
        data.delete("sparse", one)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_whatever_happened_the_table_equals_the_api_once_every_slice_was_compared(feed, seed):
    chance = random.Random(seed)
    feed.config = changed_settings(feed, deletion_limit_percent=60)
    for day in range(1, 5):
        for _ in range(chance.randrange(5)):
            acted(feed.data, chance, day - 1)
        assert feed.run_at(at(day), "sparse").exit_code == 0
    for day in range(5, 5 + DAYS):
        assert feed.run_at(at(day), "sparse").exit_code == 0
    assert_equal(feed, "sparse")
    before = versions(feed, "sparse")
    for day in range(5 + DAYS, 5 + 2 * DAYS):
        feed.run_at(at(day), "sparse")
    assert [row[3:] for row in slices(feed)[-DAYS:]] == [(0, 0, 0)] * DAYS
    assert versions(feed, "sparse") == before
