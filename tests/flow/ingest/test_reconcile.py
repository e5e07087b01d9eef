"""Reconcile: what day windows cannot see is found by counts and by a sweep, and is gone after a repair."""

import csv
import gzip
import os
from datetime import datetime
from pathlib import Path

import pytest

from conftest import feeding, table_of
from flow.ingest.served import DAY_1, DAY_2, DAY_3, asked, assert_equal, fill, held, record, served, settings_of
from planlake.runs.reconcile import reconcile
from planlake.simulator.faults import Rule
from planlake.simulator.open_data import open_data

DATA = Path(os.environ.get("PLANLAKE_TEST_DATA", "../shared/data")) / "planning-open-data"
LATER = "2026-11-18T05:00:00"


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """Two tables of 30 records, loaded."""
    data = served(["things", "wards_"], page_size=5)
    with feeding(data, tmp_path_factory.mktemp("loaded"), settings_of(["things"], ["wards_"])) as made:
        fill(data, "things", 30)
        fill(data, "wards_", 30)
        made.run_at(DAY_1)
        yield made, made.remembered()


def compared(feed, *tables, is_deep=True, now=LATER):
    feed.monkeypatch.setenv("PLANLAKE_NOW", now)
    found = reconcile(feed.config, tables or ("things", "wards_"), is_deep=is_deep)
    return {one.table: one for one in found}


def test_tables_that_are_equal_are_said_to_be_so(feed):
    for is_deep in (False, True):
        found = compared(feed, is_deep=is_deep)
        assert [one.is_equal for one in found.values()] == [True, True]
        assert [(one.total, one.held) for one in found.values()] == [(30, 30), (30, 30)]


def test_a_count_takes_one_request_for_each_table(feed):
    feed.simulator.requests.clear()
    feed.data.delete("things", 3)
    found = compared(feed, is_deep=False)["things"]
    assert (found.total, found.held, found.is_equal, found.is_swept) == (29, 30, False, False)
    assert len(asked(feed, "things")) == len(asked(feed, "wards_")) == 1


def silently_changed(feed):
    feed.data.delete("things", 3)
    feed.data.put("things", record(4, name="changed without a date"))
    feed.data.put("things", record(99, "2026-01-01 00:00:00"))


def test_a_sweep_finds_every_difference_by_id_and_writes_only_that_it_ran_and_the_total(feed):
    silently_changed(feed)
    before = feed.snapshots()
    found = compared(feed)["things"]
    assert (found.missing, found.extra, found.changed) == (("99",), ("3",), ("4",))
    assert (found.is_equal, found.error) == (False, "")
    after = feed.snapshots()
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == {"operations.runs", "raw.api_requests"}


def test_after_a_repair_nothing_is_found(feed):
    silently_changed(feed)
    assert feed.run_at(DAY_2).exit_code == 0
    assert not compared(feed)["things"].is_equal
    result = feed.run_at(DAY_3, "things", is_full=True)
    assert (result.exit_code, table_of(result, "things").ingest.stored) == (0, 3)
    assert compared(feed, now=DAY_3)["things"].is_equal
    assert_equal(feed, "things")


@pytest.mark.parametrize("page", ["1", "4", "6"])
def test_a_sweep_that_is_not_complete_says_so_and_calls_nothing_equal(feed, page):
    feed.fail(Rule(resource="things", query={"page": page}, status=500, times=None))
    found = compared(feed)
    assert found["things"].error
    assert not found["things"].is_equal
    assert found["wards_"].is_equal


def test_a_record_that_a_sweep_passes_over_is_asked_for_alone_before_it_is_called_extra(feed):
    """The API has another record in the place of 7 whenever pages are asked for, and 7 itself when it is asked for."""
    answered = feed.data.page

    def page(resource, filters, number):
        total, body = answered(resource, filters, number)
        return total, body if filters or resource != "things" else body.replace(b'"id":"7"', b'"id":"70"')

    feed.data.page = page
    feed.simulator.requests.clear()
    assert compared(feed, "things")["things"].extra == ()
    assert {window for window, _ in asked(feed, "things") if window} == {"id 7"}


def test_where_too_many_are_not_shown_a_sweep_asks_for_none_of_them_alone(feed):
    for identity in (3, 4, 5):
        feed.data.delete("things", identity)
    feed.simulator.requests.clear()
    assert compared(feed, "things")["things"].extra == ("3", "4", "5")
    assert not [window for window, _ in asked(feed, "things") if window]


def test_a_count_that_fails_says_so_and_calls_nothing_equal(feed):
    feed.fail(Rule(resource="things", status=404, times=None))
    found = compared(feed, is_deep=False)
    assert found["things"].error == "status 404"
    assert not found["things"].is_equal


def test_a_table_read_by_days_is_counted_once_a_week_by_itself(feed):
    counts = "select count(*)::int as n from api_requests where resource = 'things' and event = 'count'"
    for day in range(18, 24):
        feed.run_at(f"2026-11-{day}T03:00:00")
    assert feed.rows(counts) == [{"n": 0}]
    feed.run_at("2026-11-24T03:00:00")
    assert feed.rows(counts) == [{"n": 1}]


# ---------------------------------------------------------------- the renewable energy planning database


FIRST, SECOND = "2021-04-20T03:00:00", "2021-07-17T03:00:00"


@pytest.fixture(scope="module")
def repd(tmp_path_factory):
    """Two quarters of the published files, loaded over two days, and what the files themselves say."""
    if not DATA.is_dir():
        pytest.skip(f"NO REAL DATA at {DATA.resolve()}: set PLANLAKE_TEST_DATA to the folder of planning-open-data")
    settings = "source: open_data\ntables: {daily: [repd]}\nsettings: {look_back_days: 120, audit_days: 0}\n"
    data = open_data(datetime.fromisoformat(FIRST), DATA.parent)
    with feeding(data, tmp_path_factory.mktemp("repd"), settings) as feed:
        feed.run_at(FIRST)
        feed.run_at(SECOND)
        [before] = reconcile(feed.config, ["repd"], is_deep=True)
        repaired = feed.run_at("2021-07-17T04:00:00", "repd", is_full=True)
        [after] = reconcile(feed.config, ["repd"], is_deep=True)
        yield feed, before, repaired, after


def quarter(name):
    """A published file by id: each record's cells by heading, empty ones left out."""
    with gzip.open(DATA / f"repd_2021_{name}.csv.gz", "rt", encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    return {row["Ref ID"]: {heading: value for heading, value in row.items() if value} for row in rows}


def date_of(row):
    return datetime.strptime(row["Record Last Updated (dd/mm/yyyy)"], "%d/%m/%Y").date()  # noqa: DTZ007


@pytest.mark.slow
def test_a_sweep_of_the_energy_database_finds_exactly_what_the_two_files_say(repd):
    _, before, _, _ = repd
    first, second = quarter("q1"), quarter("q2")
    loaded = datetime.fromisoformat(FIRST).date()
    back_dated = {i for i in second.keys() - first.keys() if date_of(second[i]) < loaded}
    silent = {i for i in first.keys() & second.keys() if first[i] != second[i] and date_of(second[i]) < loaded}
    assert (len(first.keys() - second.keys()), len(back_dated)) == (29, 25)
    assert set(before.extra) == first.keys() - second.keys()
    assert set(before.missing) == back_dated
    assert set(before.changed) == silent
    assert len(silent) == 6_094


@pytest.mark.slow
def test_after_the_repair_a_second_sweep_of_the_energy_database_finds_nothing(repd):
    feed, _, repaired, after = repd
    ingest = table_of(repaired, "repd").ingest
    assert (repaired.exit_code, ingest.deleted, ingest.stored) == (0, 29, 25 + 6_094 + 29)
    assert (after.is_equal, after.error) == (True, "")
    assert {str(row["id"]) for row in feed.rows("select id from repd")} == quarter("q2").keys()


@pytest.mark.slow
def test_an_audit_of_the_energy_database_finds_what_a_sweep_finds_and_mends_it(repd, tmp_path):
    _, before, _, _ = repd
    settings = "source: open_data\ntables: {daily: [repd]}\nsettings: {look_back_days: 120, audit_days: 1}\n"
    with feeding(open_data(datetime.fromisoformat(FIRST), DATA.parent), tmp_path / "lake", settings) as feed:
        feed.run_at(FIRST)
        found = table_of(feed.run_at(SECOND), "repd").ingest.audit.found
        assert (found.missing, found.changed, found.gone) == (25, len(before.changed), 29)
        assert reconcile(feed.config, ["repd"], is_deep=True)[0].is_equal


def test_held_reads_what_the_api_shows(feed):
    assert len(held(feed, "wards_")) == 30
