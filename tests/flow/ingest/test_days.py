"""Days: when one may be asked for, when it is counted again, what today is, and the nights the clocks change."""

from datetime import datetime

import pytest

from conftest import feeding, table_of
from flow.ingest.served import (
    DAY_1,
    DAY_2,
    DAY_3,
    DAY_4,
    asked,
    assert_equal,
    fill,
    held,
    ledger,
    record,
    served,
    settings_of,
)
from planlake.lake.open_lake import open_lake
from planlake.runs.plan import Selection
from planlake.runs.run import run
from planlake.simulator.faults import Rule


@pytest.fixture
def feed(tmp_path):
    """One table in pages of two."""
    with feeding(served(["things"], now="2026-03-01T00:00:00"), tmp_path, settings_of(["things"])) as made:
        yield made


def run_at(feed, now):
    """A run at an instant that names its zone."""
    feed.monkeypatch.setenv("PLANLAKE_NOW", now)
    return run(feed.config, Selection())


def windows(feed):
    """The days asked for since the list was cleared, each once, in order."""
    found = dict.fromkeys(window for window, _ in asked(feed, "things"))
    feed.simulator.requests.clear()
    return list(found)


def closed(feed):
    return [window for (window,) in ledger(feed, "things", '"window"', "event = 'closed' and \"window\" <> 'full'")]


# ---------------------------------------------------------------- two hours' grace


@pytest.mark.parametrize(("time", "expected"), [("01:59:50", []), ("02:00:01", ["2026-11-17"])])
def test_a_day_is_closed_from_two_hours_after_its_midnight_on(feed, time, expected):
    feed.run_at(DAY_1)
    feed.run_at(f"2026-11-18T{time}")
    assert closed(feed) == expected


def test_what_was_changed_before_the_grace_is_over_is_shown_and_closed_later(feed):
    feed.run_at(DAY_1)
    fill(feed.data, "things", 3, "2026-11-17 22:00:00")
    feed.run_at("2026-11-18T01:00:00")
    fill(feed.data, "things", 2, "2026-11-17 23:00:00", start=10)
    feed.run_at(DAY_2)
    assert_equal(feed, "things")
    assert closed(feed) == ["2026-11-17"]


NIGHTS = {
    "spring, 1 h 59 min after midnight": ("2026-03-28T12:00:00+00:00", "2026-03-29T01:59:00+00:00", []),
    "spring, 2 h 1 min after midnight": ("2026-03-28T12:00:00+00:00", "2026-03-29T02:01:00+00:00", ["2026-03-28"]),
    "spring, the next day, 1 h 59 min": ("2026-03-29T12:00:00+00:00", "2026-03-30T00:59:00+00:00", []),
    "spring, the next day, 2 h 1 min": ("2026-03-29T12:00:00+00:00", "2026-03-30T01:01:00+00:00", ["2026-03-29"]),
    "autumn, 1 h 59 min after midnight": ("2026-10-24T12:00:00+00:00", "2026-10-25T00:59:00+00:00", []),
    "autumn, 2 h 1 min after midnight": ("2026-10-24T12:00:00+00:00", "2026-10-25T01:01:00+00:00", ["2026-10-24"]),
    "autumn, the next day, 1 h 59 min": ("2026-10-25T12:00:00+00:00", "2026-10-26T01:59:00+00:00", []),
    "autumn, the next day, 2 h 1 min": ("2026-10-25T12:00:00+00:00", "2026-10-26T02:01:00+00:00", ["2026-10-25"]),
}


@pytest.mark.parametrize("night", NIGHTS, ids=str)
def test_the_grace_is_two_hours_of_real_time_on_the_nights_the_clocks_change(feed, night):
    loaded, now, expected = NIGHTS[night]
    assert run_at(feed, loaded).exit_code == 0
    assert run_at(feed, now).exit_code == 0
    assert closed(feed) == expected


@pytest.mark.parametrize("sunday", ["2026-03-29", "2026-10-25"])
def test_no_change_is_lost_over_the_night_the_clocks_change(feed, sunday):
    saturday = {"2026-03-29": "2026-03-28", "2026-10-25": "2026-10-24"}[sunday]
    monday = {"2026-03-29": "2026-03-30", "2026-10-25": "2026-10-26"}[sunday]
    run_at(feed, f"{saturday}T03:00:00+00:00")
    changes = [f"{saturday} 23:30:00", f"{sunday} 00:30:00", f"{sunday} 01:30:00", f"{sunday} 01:59:59"]
    for identity, changed in enumerate([*changes, f"{sunday} 23:59:59"], start=1):
        feed.data.put("things", record(identity, changed))
    assert run_at(feed, f"{sunday}T03:00:00+00:00").exit_code == 0
    assert run_at(feed, f"{monday}T03:00:00+00:00").exit_code == 0
    assert_equal(feed, "things")
    assert closed(feed) == [saturday, sunday]


def test_the_first_window_after_a_full_load_is_the_london_day_it_started(feed):
    run_at(feed, "2026-07-01T22:30:00+00:00")  # 23:30 in London, still the 1st
    feed.data.put("things", record(1, "2026-07-01 23:45:00"))
    feed.simulator.requests.clear()
    run_at(feed, "2026-07-03T03:00:00+00:00")
    assert windows(feed)[0] == "2026-07-01"
    assert_equal(feed, "things")


# ---------------------------------------------------------------- recounts


def test_a_closed_day_is_counted_once_more_by_one_request(feed):
    feed.run_at(DAY_1)
    fill(feed.data, "things", 5, "2026-11-17 09:00:00")
    feed.run_at(DAY_2)
    feed.simulator.requests.clear()
    feed.run_at(DAY_3)
    assert asked(feed, "things").count(("2026-11-17", 1)) == 1
    assert windows(feed) == ["2026-11-17", "2026-11-18", "2026-11-19"]
    feed.run_at(DAY_4)
    assert windows(feed) == ["2026-11-18", "2026-11-19", "2026-11-20"]


@pytest.mark.parametrize("late", [1, 2, 5])
def test_what_came_into_a_closed_day_afterwards_is_read_with_the_next_run(feed, late):
    feed.run_at(DAY_1)
    fill(feed.data, "things", 3, "2026-11-17 09:00:00")
    feed.run_at(DAY_2)
    fill(feed.data, "things", late, "2026-11-17 23:00:00", start=10)
    assert feed.run_at(DAY_3).exit_code == 0
    assert_equal(feed, "things")


@pytest.mark.parametrize("page", ["1", "2", "3"])
def test_a_recount_that_fails_is_done_again(feed, page):
    feed.run_at(DAY_1)
    fill(feed.data, "things", 3, "2026-11-17 09:00:00")
    feed.run_at(DAY_2)
    fill(feed.data, "things", 3, "2026-11-17 23:00:00", start=10)
    feed.fail(Rule(query={"page": page, "last_updated": "2026-11-17"}, status=500, times=None))
    failing = feed.run_at(DAY_3)
    feed.fail()
    feed.run_at(DAY_4)
    assert_equal(feed, "things")
    assert failing.exit_code == 1


def test_a_recount_that_fails_is_done_again_on_the_same_day(feed):
    feed.run_at(DAY_1)
    fill(feed.data, "things", 3, "2026-11-17 09:00:00")
    feed.run_at(DAY_2)
    fill(feed.data, "things", 3, "2026-11-17 23:00:00", start=10)
    feed.fail(Rule(query={"page": "2", "last_updated": "2026-11-17"}, status=500, times=None))
    feed.run_at("2026-11-18T04:00:00")
    feed.fail()
    feed.run_at("2026-11-18T05:00:00")
    assert_equal(feed, "things")


# ---------------------------------------------------------------- today


def test_today_is_shown_and_never_closed(feed):
    feed.run_at(DAY_1)
    for hour in ("09", "12", "16"):
        fill(feed.data, "things", 1, f"2026-11-17 {hour}:00:00", start=int(hour))
        feed.run_at(f"2026-11-17T{hour}:30:00")
        assert_equal(feed, "things")
    assert closed(feed) == []
    fill(feed.data, "things", 1, "2026-11-17 17:00:00", start=30)
    feed.run_at(DAY_2)
    assert_equal(feed, "things")


def test_today_is_asked_for_after_every_page_of_the_other_days(feed):
    feed.run_at(DAY_1)
    fill(feed.data, "things", 6, "2026-11-17 09:00:00")
    fill(feed.data, "things", 6, "2026-11-18 09:00:00", start=10)
    feed.simulator.requests.clear()
    feed.run_at(DAY_3)
    order = [window for window, _ in asked(feed, "things")]
    assert order.index("2026-11-19") > max(place for place, window in enumerate(order) if window != "2026-11-19")


def test_a_record_that_a_job_touches_each_night_while_the_run_reads_is_seen(feed):
    fill(feed.data, "things", 6)
    feed.run_at(DAY_1)
    fill(feed.data, "things", 6, "2026-11-17 09:00:00")
    nightly = {"2026-11-17": "2026-11-18", "2026-11-18": "2026-11-19"}

    def job(data, resource, filters, number):
        today = nightly.get(filters.get("last_updated"))
        if number == 2 and today:
            data.put("things", record(6, f"{today} 03:00:05", name=f"touched on {today}"))
            data.put("things", record(5, f"{today} 03:00:05", name=f"touched on {today}"))

    feed.data.on_page = job
    for day in (DAY_2, DAY_3):
        fill(feed.data, "things", 4, f"2026-11-{int(day[8:10]) - 1} 09:00:00")
        feed.run_at(day)
        assert held(feed, "things")[6]["name"] == f"touched on {day[:10]}"


def test_today_that_fails_is_named_and_tomorrow_it_is_read(feed):
    feed.run_at(DAY_1)
    fill(feed.data, "things", 3, "2026-11-18 01:00:00")
    feed.fail(Rule(query={"last_updated": "2026-11-18"}, status=500, times=None))
    result = table_of(feed.run_at(DAY_2), "things")
    assert "2026-11-18 not proven" in result.message
    feed.fail()
    assert feed.run_at(DAY_3).exit_code == 0
    assert_equal(feed, "things")


# ---------------------------------------------------------------- midnight


def tags_of(feed, name):
    """The tags of a refined table."""
    return set(open_lake(feed.config).find("refined", name).metadata.refs) - {"main"}


def test_a_run_over_midnight_has_one_day_everywhere(feed):
    feed.run_at(DAY_1)
    fill(feed.data, "things", 5, "2026-11-18 23:59:00")
    feed.fail(Rule(query={"page": "1"}, delay=0.8, times=None))
    result = feed.run_at("2026-11-18T23:59:59.400")
    assert table_of(result, "things").outcome == "loaded"
    days = {f"{result.run_date:%Y%m%d}"}
    days |= {row["run_date"] for row in feed.rows(f"select run_date from runs where run = {result.run}")}
    days |= {row["snapshot_date"] for row in feed.rows(f"select snapshot_date from published where run = {result.run}")}
    days |= {row["snapshot_date"] for row in feed.rows("select snapshot_date from things")}
    tags = {tag for name in ("increment_things", "current_things") for tag in tags_of(feed, name)}
    assert len(days) == 1
    assert tags - {"day-20261117"} == {f"day-{day}" for day in days}


def test_a_run_over_midnight_loses_nothing(feed):
    feed.run_at(DAY_1)
    fill(feed.data, "things", 5, "2026-11-18 23:59:00")
    midnight = datetime.fromisoformat("2026-11-19T00:00:01")

    def touched(data, resource, filters, number):
        if number == 2 and filters.get("last_updated") == "2026-11-18" and data.now < midnight:
            data.now = midnight
            data.put("things", record(5, "2026-11-19 00:00:01", name="touched"))

    feed.data.on_page = touched
    feed.fail(Rule(query={"page": "1"}, delay=0.8, times=None))
    feed.run_at("2026-11-18T23:59:58.500")
    feed.fail()
    feed.run_at("2026-11-19T03:00:00")
    assert_equal(feed, "things")
    feed.run_at("2026-11-20T03:00:00")
    assert_equal(feed, "things")
    assert sorted(set(closed(feed))) == ["2026-11-17", "2026-11-18", "2026-11-19"]
