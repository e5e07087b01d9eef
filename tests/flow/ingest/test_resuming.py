"""Full loads that were interrupted go on where they stopped, one page back; what changed meanwhile is not missed."""

import os

import pytest

from conftest import feeding, table_of
from flow.ingest.served import (
    DAY_1,
    DAY_2,
    DAY_3,
    asked,
    assert_equal,
    fill,
    held,
    record,
    served,
    settings_of,
    shown,
    versions,
)
from planlake.errors import SourceRefused
from planlake.simulator.faults import Rule

PAGES, BROKEN = 33, 29
LATER = "2026-11-17T05:00:00"
# As many pages as the largest table has in `make soak`, and where its load stops.
LARGEST = (3377, 2900) if os.environ.get("PLANLAKE_SOAK") else (137, 110)


@pytest.fixture
def feed(tmp_path):
    """A table of 33 pages, the first load of which stopped at page 29."""
    with feeding(served(["things"]), tmp_path, settings_of(["things"])) as made:
        fill(made.data, "things", PAGES * 2 - 1)
        made.fail(*(broken(page) for page in range(BROKEN, PAGES + 1)))
        result = made.run_at(DAY_1)
        assert table_of(result, "things").outcome == "open"
        made.fail()
        made.simulator.requests.clear()
        yield made


def broken(page, **how):
    return Rule(resource="things", query={"page": str(page)}, times=None, **(how or {"status": 404}))


def pages(feed):
    return [page for _, page in asked(feed, "things")]


def test_a_load_that_stopped_at_a_page_goes_on_one_page_back(feed):
    assert feed.run_at(LATER).exit_code == 0
    assert sorted(pages(feed)) == list(range(BROKEN - 1, PAGES + 1))
    assert (pages(feed)[0], pages(feed)[-1]) == (BROKEN - 1, PAGES)
    assert_equal(feed, "things")
    assert versions(feed, "things") == PAGES * 2 - 1


def test_it_goes_on_so_days_later_too(feed):
    assert feed.run_at(DAY_3).exit_code == 0
    assert sorted(pages(feed)) == list(range(BROKEN - 1, PAGES + 1))
    assert_equal(feed, "things")


def test_a_load_that_stops_twice_goes_on_from_the_second_stop(feed):
    feed.fail(*(broken(page) for page in (31, 32, 33)))
    feed.run_at(LATER)
    feed.fail()
    feed.simulator.requests.clear()
    assert feed.run_at("2026-11-17T06:00:00").exit_code == 0
    assert sorted(pages(feed)) == [30, 31, 32, 33]
    assert_equal(feed, "things")


@pytest.mark.parametrize("gone", [(56,), (55,), (40,), (1,), (1, 2), (1, 2, 3, 30, 31), tuple(range(1, 56))], ids=str)
def test_records_deleted_between_the_two_runs_hide_no_other(feed, gone):
    for identity in gone:
        feed.data.delete("things", identity)
    assert feed.run_at(LATER).exit_code == 0
    found, wanted = held(feed, "things"), shown(feed.data, "things")
    assert wanted.items() <= found.items()
    assert found.keys() - wanted.keys() <= set(gone)


def test_records_added_between_the_two_runs_are_read(feed):
    fill(feed.data, "things", 7, start=1000)
    assert feed.run_at(LATER).exit_code == 0
    assert_equal(feed, "things")


def test_a_table_that_became_shorter_than_the_page_it_stopped_at_is_read_to_its_end(feed):
    for identity in range(21, PAGES * 2):
        feed.data.delete("things", identity)
    assert feed.run_at(LATER).exit_code == 0
    assert shown(feed.data, "things").items() <= held(feed, "things").items()


def test_a_record_that_changed_on_a_page_read_before_is_found_under_the_day_the_load_began(feed):
    feed.data.put("things", record(3, "2026-11-17 04:00:00", name="changed meanwhile"))
    feed.run_at(DAY_2)
    feed.simulator.requests.clear()
    assert feed.run_at(DAY_3).exit_code == 0
    assert_equal(feed, "things")
    assert ("2026-11-17", 1) in asked(feed, "things")


def test_a_page_that_failed_alone_is_asked_again_with_those_behind_it(tmp_path):
    with feeding(served(["things"]), tmp_path, settings_of(["things"])) as feed:
        fill(feed.data, "things", 19)
        feed.fail(broken(5))
        feed.run_at(DAY_1)
        feed.fail()
        feed.simulator.requests.clear()
        assert feed.run_at(LATER).exit_code == 0
        assert set(pages(feed)) <= {4, 5, 6, 7, 8, 9, 10}
        assert_equal(feed, "things")
        assert versions(feed, "things") == 19


def test_a_load_whose_keys_are_refused_half_way_keeps_what_was_committed_and_goes_on(tmp_path):
    settings = settings_of(["things"], checkpoint_megabytes=1, concurrency=1)
    with feeding(served(["things"]), tmp_path, settings) as feed:
        fill(feed.data, "things", 24, pad="x" * 600_000)
        feed.fail(broken(9, status=401))
        with pytest.raises(SourceRefused):
            feed.run_at(DAY_1)
        feed.fail()
        feed.simulator.requests.clear()
        assert feed.run_at(LATER).exit_code == 0
        assert min(pages(feed)) >= 5
        assert_equal(feed, "things")
        assert versions(feed, "things") == 24


@pytest.mark.parametrize("cadence", ["daily", "weekly"])
def test_a_full_reading_that_stopped_leaves_the_old_version_live_and_goes_on(tmp_path, cadence):
    tables = {"daily": (), "weekly": (), cadence: ("things",)}
    with feeding(served(["things"]), tmp_path, settings_of(**tables)) as feed:
        fill(feed.data, "things", 9)
        feed.run_at(DAY_1)
        before = held(feed, "things")
        fill(feed.data, "things", 9, "2026-11-17 12:00:00", name="new")
        feed.fail(*(broken(page) for page in (3, 4, 5)))
        assert table_of(feed.run_at(DAY_2, "things", is_full=True), "things").outcome == "open"
        assert held(feed, "things") == before
        feed.fail()
        feed.simulator.requests.clear()
        assert feed.run_at("2026-11-18T05:00:00").exit_code == 0
        assert sorted(set(pages(feed))) == [2, 3, 4, 5]
        assert_equal(feed, "things")


def test_a_weekly_reading_that_stopped_is_read_anew_on_another_day(tmp_path):
    with feeding(served(["things"]), tmp_path, settings_of(weekly=["things"])) as feed:
        fill(feed.data, "things", 9)
        feed.run_at(DAY_1)
        feed.fail(*(broken(page) for page in (3, 4, 5)))
        feed.run_at("2026-11-23T03:00:00")
        feed.fail()
        feed.data.put("things", record(1, name="changed on a page that was read"))
        assert feed.run_at("2026-11-24T03:00:00").exit_code == 0
        assert_equal(feed, "things")


def test_an_api_that_falls_silent_in_the_middle_of_a_load_is_not_waited_for_page_by_page(tmp_path):
    with feeding(served(["things"]), tmp_path, settings_of(["things"], concurrency=2)) as feed:
        feed.config = feed.config.model_copy(
            update={"settings": feed.config.settings.model_copy(update={"timeout_seconds": 0.5, "attempts": 1})}
        )
        fill(feed.data, "things", 80)
        feed.fail(*(broken(page, delay=1) for page in range(3, 41)))
        assert table_of(feed.run_at(DAY_1), "things").outcome == "open"
        assert len(pages(feed)) < 30
        feed.fail()
        assert feed.run_at(LATER).exit_code == 0
        assert_equal(feed, "things")


def test_a_load_of_whole_pages_goes_on_one_page_back_and_reads_no_other_again(tmp_path):
    pages_, stop = LARGEST
    with feeding(served(["things"], page_size=50), tmp_path, settings_of(["things"])) as made:
        fill(made.data, "things", pages_ * 50)
        made.fail(*(broken(page) for page in range(stop, pages_ + 1)))
        assert table_of(made.run_at(DAY_1), "things").outcome == "open"
        made.fail()
        made.simulator.requests.clear()
        assert made.run_at(LATER).exit_code == 0
        assert sorted(pages(made)) == list(range(stop - 1, pages_ + 2))  # nothing came behind the last
        assert versions(made, "things") == pages_ * 50
        assert made.rows("select count(distinct id)::int as n from things") == [{"n": pages_ * 50}]
