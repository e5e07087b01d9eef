"""The ledger of windows closed long ago is one row for each; what it vouches for is as it was."""

from datetime import date, timedelta

import pytest

from conftest import feeding
from flow.ingest.served import DAY_1, assert_equal, fill, ledger, record, served, settings_of
from planlake.report.status import status
from planlake.simulator.faults import Rule

FIRST = date.fromisoformat(DAY_1[:10])
RAW = 'select id, batch, name from "tascomi-raw-zone".things order by batch, id, name'
REQUESTS = "event in ('page', 'provisional', 'recount', 'check')"
OLD = f"requested_at < timestamp '{FIRST + timedelta(days=9)}'"


def at(day):
    return f"{FIRST + timedelta(days=day)}T03:00:00"


@pytest.fixture
def feed(tmp_path):
    data = served(["things"], now=at(0))
    fill(data, "things", 9)
    with feeding(data, tmp_path, settings_of(["things"], look_back_days=30)) as running:
        yield running


def run_days(feed, days):
    """A run on each of these days; on the day before each, a record changed and another came."""
    results = []
    for day in days:
        changed = f"{FIRST + timedelta(days=day - 1)} 12:00:00"
        if day:
            feed.data.put("things", record(day, changed, name=f"of day {day}"))
            feed.data.put("things", record(100 + day, changed))
        results.append(feed.run_at(at(day)))
    return results


def test_after_a_quarter_closed_windows_are_one_row_each_and_every_raw_row_still_counts(feed):
    run_days(feed, range(6))
    raw, closed = feed.rows(RAW), ledger(feed, "things", '"window", records', "event = 'closed'")
    assert len(ledger(feed, "things", "page", REQUESTS)) > len(closed) + 5
    feed.run_at(at(120), "things", is_full=True)
    assert ledger(feed, "things", '"window", records', f"{OLD} and event = 'closed'") == closed
    still = ledger(feed, "things", 'event, "window"', f"{OLD} and event <> 'closed'")
    assert [window for event, window in still if event != "settled" and window not in kept_open(closed)] == []
    assert feed.rows(RAW) == raw
    (later,) = run_days(feed, [121])
    assert later.exit_code == 0
    assert_equal(feed, "things")


def kept_open(closed):
    """The last day asked for: it was asked for provisionally only, and never closed."""
    return {str(FIRST + timedelta(days=5))} - {window for window, _ in closed}


def test_compacting_twice_adds_to_what_is_compacted_and_changes_nothing_else(feed):
    run_days(feed, range(4))
    raw = feed.rows(RAW)
    for day in (120, 121, 240):
        feed.run_at(at(day), "things", is_full=True)
    assert feed.rows(RAW) == raw
    of_first_load = ledger(feed, "things", "requests", "\"window\" = 'full' and event = 'closed'")
    assert of_first_load[0][0] is not None
    assert_equal(feed, "things")


def test_failures_of_an_open_window_and_gaps_keep_their_rows(feed):
    run_days(feed, [0])
    feed.data.put("things", record(3, f"{FIRST} 12:00:00"))
    feed.fail(Rule(status=500, times=None))
    assert feed.run_at(at(1)).exit_code == 1
    feed.fail()
    failed = ledger(feed, "things", '"window", page, error', "error is not null")
    assert failed
    feed.run_at(at(120))
    assert ledger(feed, "things", '"window", page, error', f"error is not null and {OLD}") == failed
    assert str(FIRST) in status(feed.config).tables[0].gaps
