"""Housekeeping: what is let go, merged and deleted, and that no row, bookmark or kept day is lost by it."""

import os
import time
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands import typed_in_process
from conftest import feeding
from flow.killing import Killed
from planlake.changes.maintain import maintain
from planlake.lake.open_lake import open_lake
from planlake.lake.tables import housekeeping as maintenance
from planlake.lake.tables.housekeeping import Retention, expirable_tags
from planlake.lake.tables.version_summary import bookmark, day_tag
from planlake.simulator.dataset import Dataset

COLUMNS = {"id": "integer", "last_updated": "timestamp", "name": "text"}
FIRST = datetime.fromisoformat("2026-09-20T03:00:00")
SETTINGS = """
source: tascomi
resources: {things: {columns: {id: integer, last_updated: timestamp, name: text}}}
tables: {daily: [things]}
"""


def thing(identity, changed, name):
    return {"id": str(identity), "last_updated": changed.isoformat(" ", "seconds"), "name": name}


@contextmanager
def serving(folder):
    data = Dataset({"things": COLUMNS}, now=FIRST)
    with feeding(data, folder, SETTINGS) as made:
        for identity in range(1, 6):
            data.put("things", thing(identity, FIRST - timedelta(days=3), f"first {identity}"))
        data.put("things", thing(5_000_000, FIRST - timedelta(days=3), "in a range of its own, never changed"))
        yield made


@pytest.fixture
def feed(tmp_path):
    with serving(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def five_days(tmp_path_factory):
    """A lake of five days, what it showed on each, and what sets it back to them."""
    with serving(tmp_path_factory.mktemp("days")) as made:
        shown = run_days(made, 5)
        yield made, shown, made.remembered()


def allow(feed, **settings):
    changed = feed.config.settings.model_copy(update=settings)
    feed.config = feed.config.model_copy(update={"settings": changed})


def run_days(feed, count, start=0):
    """A run a day, each bringing a new version of one record; what the view showed after each."""
    shown = {}
    for number in range(start, start + count):
        now = FIRST + timedelta(days=number)
        if number:
            feed.data.put("things", thing(number % 5 + 1, now - timedelta(hours=12), f"of day {number}"))
        assert feed.run_at(now.isoformat()).exit_code == 0
        shown[now.date()] = names(feed)
    return shown


def names(feed, as_of=None):
    rows = feed.rows("select id, name from things order by id", str(as_of) if as_of else None)
    return {row["id"]: row["name"] for row in rows}


def files_of(feed):
    return {path for path in feed.config.folder.rglob("*") if path.is_file() and "-zone" in str(path)}


def written_long_ago(feed):
    long_ago = time.time() - 7200
    for path in files_of(feed):
        os.utime(path, (long_ago, long_ago))


def aged(feed, monkeypatch):
    """As if everything had been written long ago: files and versions are older than any grace."""
    written_long_ago(feed)
    monkeypatch.setattr(maintenance, "GRACE", timedelta(seconds=-60))


# ---------------------------------------------------------------- which days are kept

DAYS = st.lists(st.dates(date(2024, 1, 1), date(2026, 11, 23)), unique=True, max_size=60)


def test_the_last_days_and_before_them_the_ends_of_months_are_kept():
    days = [date(2026, 6, 1) + timedelta(days=number) for number in range(170)]
    gone = expirable_tags(map(day_tag, days), date(2026, 11, 17), Retention(35, 120))
    kept = [day for day in days if day_tag(day) not in gone]
    ends = [date(2026, 6, 30), date(2026, 7, 31), date(2026, 8, 31), date(2026, 9, 30), date(2026, 10, 13)]
    assert kept[: len(ends)] == ends  # the 13th of October is what was published when the 35 days began
    assert kept[len(ends) :] == [day for day in days if day > date(2026, 10, 13)]


@given(DAYS, st.integers(1, 400), st.integers(0, 30))
def test_for_every_day_in_reach_what_was_published_then_is_kept(days, kept_days, month_ends):
    today = date(2026, 11, 23)
    gone = set(expirable_tags(map(day_tag, days), today, Retention(kept_days, month_ends)))
    kept = [day for day in days if day_tag(day) not in gone]
    for number in range(kept_days):
        asked = today - timedelta(days=number)
        assert max((day for day in days if day <= asked), default=None) == max(
            (day for day in kept if day <= asked), default=None
        )
    months = {
        (day.year, day.month) for day in days if today.year * 12 + today.month - month_ends <= day.year * 12 + day.month
    }
    for year, month in months:
        assert max(day for day in days if (day.year, day.month) == (year, month)) in kept


def test_tags_that_name_no_day_are_left_alone():
    tags = ["day-20200101", "undone-day-20200101", "pin-prod-20200101", "day-x", "day-2020010"]
    assert expirable_tags(tags, date(2026, 11, 17), Retention(35, 0)) == []
    assert expirable_tags([*tags, "day-20200102"], date(2026, 11, 17), Retention(35, 0)) == ["day-20200101"]


def test_what_was_undone_can_be_taken_back_for_as_long_as_days_are_kept():
    tags = ["undone-7-day-20260801", "undone-8-day-20260801", "before-7-3-20261001", "before-8-3-20261101"]
    gone = expirable_tags(tags, date(2026, 11, 17), Retention(35, 120))
    assert gone == ["undone-7-day-20260801", "before-7-3-20261001"]


# ---------------------------------------------------------------- what a run does by itself


def test_a_lake_of_many_days_stays_small_and_every_day_can_still_be_asked_for(feed, monkeypatch):
    allow(feed, keep_days=4, keep_month_ends=1, expire_after_versions=3, merge_after_files=4)
    shown = run_days(feed, 6)
    aged(feed, monkeypatch)
    shown |= run_days(feed, 9, start=6)
    lake = open_lake(feed.config)
    current, increment = lake.find("refined", "current_things"), lake.find("refined", "increment_things")
    assert len(current.metadata.snapshots) < 12
    assert len(list(increment.scan().plan_files())) < 8
    assert bookmark(current) == bookmark(increment) == 15
    assert {day: names(feed, day) for day in shown} == shown
    assert names(feed) == shown[max(shown)]
    assert len(feed.rows("select * from increment_things")) == 6 + 14


def test_a_day_whose_version_is_gone_is_worked_out_and_the_answer_says_so(feed, monkeypatch, capfd):
    allow(feed, keep_days=2, keep_month_ends=0, expire_after_versions=1)
    shown = run_days(feed, 6)
    query, file = "select name from things where id = 2", feed.config.folder / "planlake.yaml"
    asked = ("sql", query, "--as-of", "2026-09-21", "--format", "csv", "--config", file)
    said = typed_in_process(monkeypatch, capfd, asked)
    assert "of day 1" in said.out
    assert "as received by the end of that day" in said.err
    assert names(feed, "2026-09-21") == shown[date(2026, 9, 21)]


def test_what_was_published_before_a_quiet_time_is_what_days_in_it_show(feed):
    shown = run_days(feed, 2)
    for number in range(2, 6):
        feed.run_at((FIRST + timedelta(days=number)).isoformat())
    assert names(feed, "2026-09-23") == shown[date(2026, 9, 21)]


# ---------------------------------------------------------------- planlake maintain


def test_maintain_frees_what_nobody_needs_and_keeps_every_row(feed, monkeypatch, capfd):
    shown = run_days(feed, 8)
    runs = "(from runs where outcome <> 'maintained')"  # it writes that it ran
    tables = ("increment_things", "api_requests", runs)
    before = {name: feed.rows(f"select * from {name} order by all") for name in tables}
    allow(feed, keep_days=3, keep_month_ends=0)
    aged(feed, monkeypatch)
    count = len(files_of(feed))
    found = maintain(feed.config)
    freed = {one.table: one.freed for one in found}
    assert freed["increment_things"].merged == 8
    assert freed["current_things"].snapshots > 0
    assert len(files_of(feed)) < count
    assert sum(one.bytes for one in freed.values()) > 0
    assert {name: feed.rows(f"select * from {name} order by all") for name in before} == before
    assert {day: names(feed, day) for day in shown} == shown
    aged(feed, monkeypatch)
    again = maintain(feed.config)
    assert sum(one.freed.merged + one.freed.snapshots for one in again) <= 2 * len(again)
    run_days(feed, 1, start=8)
    assert names(feed)[4] == "of day 8"


def test_maintain_deletes_nothing_that_was_needed_within_the_last_hour(feed):
    run_days(feed, 6)
    allow(feed, keep_days=1, keep_month_ends=0)
    written_long_ago(feed)
    before = {path for path in files_of(feed) if path.suffix in (".parquet", ".avro")}
    maintain(feed.config)
    assert before <= files_of(feed)


def test_what_a_crash_left_is_deleted_once_it_is_old(feed, monkeypatch):
    run_days(feed, 2)
    lake = open_lake(feed.config)
    folder = Path(lake.find("refined", "current_things").location().removeprefix("file://")) / "data"
    left = folder / "left-by-a-crash.parquet"
    left.write_bytes(b"half a file")
    maintain(feed.config)
    assert left.exists()
    aged(feed, monkeypatch)
    monkeypatch.setattr(maintenance, "GRACE", timedelta(hours=1))
    maintain(feed.config)
    assert not left.exists()
    assert names(feed)[2] == "of day 1"


@pytest.mark.parametrize("kill_at", range(4))
def test_housekeeping_that_is_killed_loses_nothing(five_days, monkeypatch, kill_at):
    feed, shown, set_back = five_days
    set_back()
    allow(feed, keep_days=2, keep_month_ends=0)
    aged(feed, monkeypatch)
    steps = [(maintenance, "expire"), (maintenance, "_deleted"), (maintenance, "commit"), (maintenance, "write_file")]

    def kill(*arguments, **more):
        raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(*steps[kill_at], kill)
        maintain(feed.config)
    assert {day: names(feed, day) for day in shown} == shown
    maintain(feed.config)
    assert {day: names(feed, day) for day in shown} == shown
    run_days(feed, 1, start=5)


def put_refused(feed, place, changed):
    body = f'{{"id":"x{place}","last_updated":"{changed}"}}'.encode()
    feed.data.put("things", {"id": str(place), "last_updated": changed}, body=body)


def test_findings_of_earlier_batches_stay_when_a_merged_file_is_replaced(feed):
    put_refused(feed, 90, "2026-09-17 15:00:00")
    run_days(feed, 1)
    put_refused(feed, 91, "2026-09-20 15:00:00")
    run_days(feed, 1, start=1)
    maintain(feed.config)
    put_refused(feed, 92, "2026-09-21 15:00:00")
    run_days(feed, 1, start=2)
    assert [row["id"] for row in feed.rows("select id from rejected order by id")] == ["x90", "x91", "x92"]


def test_maintain_says_what_it_freed(feed, monkeypatch, capfd):
    run_days(feed, 3)
    file = feed.config.folder / "planlake.yaml"
    monkeypatch.setenv("PLANLAKE_NOW", "2026-09-23T03:00:00")
    said = typed_in_process(monkeypatch, capfd, ("maintain", "--config", file))
    assert said.status == 0
    assert "files merged" in said.out
    assert "every row is still there" in said.err
