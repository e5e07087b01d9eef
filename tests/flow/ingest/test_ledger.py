"""The completeness ledger: a window is closed when it is proven complete, and until then it is asked for again."""

from datetime import date

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
    shown,
)
from planlake.lake.open_lake import open_lake
from planlake.report.status import status
from planlake.runs.plan import Selection
from planlake.runs.run import run
from planlake.simulator.faults import Rule

LATER = "2026-11-17T05:00:00"


@pytest.fixture
def feed(tmp_path):
    """One table in pages of two, read one page after another, so that what shifts between two pages is known."""
    with feeding(served(["things"]), tmp_path, settings_of(["things"], concurrency=1)) as made:
        yield made


def before_page(feed, number, change, *, window=None):
    """Make a change once, at the moment page `number` of things is asked for."""
    done = []

    def on_page(data, resource, filters, page):
        is_window = filters.get("last_updated") == window and "id" not in filters
        if page == number and is_window and not done:
            done.append(page)
            change(data)

    feed.data.on_page = on_page


def delete(*ids):
    def change(data):
        for identity in ids:
            data.delete("things", identity)

    return change


def fail_page(feed, page, *, window=None, status=404):
    query = {"page": str(page)} | ({"last_updated": window} if window else {})
    feed.fail(Rule(resource="things", query=query, status=status, times=None))


# ---------------------------------------------------------------- pages that shift while they are read


@pytest.mark.parametrize("page", [2, 4, 6])
@pytest.mark.parametrize("gone", [(1,), (1, 2), (2, 3, 4), (1, 2, 3, 4, 5), (12,), (11, 12)], ids=str)
def test_records_deleted_while_a_table_is_read_hide_no_other(feed, page, gone):
    fill(feed.data, "things", 12)
    before_page(feed, page, delete(*gone))
    assert feed.run_at(DAY_1).exit_code == 0
    found = held(feed, "things")
    assert shown(feed.data, "things").items() <= found.items()
    assert found.keys() - shown(feed.data, "things").keys() <= set(gone)


@pytest.mark.parametrize("page", [2, 3, 4])
@pytest.mark.parametrize("ids", [(8,), (8, 9, 10), (0,), (0, 8)], ids=str)
def test_records_added_while_a_table_is_read_are_read_too(feed, page, ids):
    fill(feed.data, "things", 7)
    before_page(feed, page, lambda data: [data.put("things", record(identity)) for identity in ids])
    assert feed.run_at(DAY_1).exit_code == 0
    assert_equal(feed, "things")


def test_a_record_deleted_between_any_two_pages_hides_no_other(feed):
    fill(feed.data, "things", 12)
    pages = []

    def on_page(data, resource, filters, number):
        if number not in pages and not filters:
            pages.append(number)
            data.delete("things", number)

    feed.data.on_page = on_page
    feed.run_at(DAY_1)
    assert shown(feed.data, "things").items() <= held(feed, "things").items()


@pytest.mark.parametrize("size", [60, 61])
def test_a_table_that_never_stands_still_is_complete_or_open(feed, size):
    fill(feed.data, "things", size)

    def on_page(data, resource, filters, number):
        data.delete("things", data.ids("things")[0])
        data.put("things", record(100 + size + number % 3, name=f"while page {number} was read"))

    feed.data.on_page = on_page
    result = table_of(feed.run_at(DAY_1), "things")
    feed.data.on_page = None
    if result.outcome == "open":
        assert "open" in result.message
        assert feed.run_at(LATER).exit_code == 0
    assert feed.data.ids("things")[0] > 1
    assert set(feed.data.ids("things")) <= held(feed, "things").keys()


def test_what_is_read_after_raw_was_lost_is_above_what_was_refined_of_it(feed):
    fill(feed.data, "things", 3)
    feed.run_at(DAY_1)
    lake, before = open_lake(feed.config), {}
    for name in ("api_responses", "api_requests"):
        before[name] = lake.find("raw", name).metadata.current_snapshot_id
    feed.data.put("things", record(2, "2026-11-17 09:00:00", name="second"))
    feed.run_at(DAY_2)
    for name, version in before.items():  # as `recover` leaves them where the newest files are gone
        with open_lake(feed.config).find("raw", name).manage_snapshots() as change:
            change.set_current_snapshot(version)
    feed.data.put("things", record(500, "2026-11-17 10:00:00", name="of the lost day"))
    assert feed.run_at(DAY_2.replace("T03", "T04")).exit_code == 0
    assert_equal(feed, "things")


@pytest.mark.parametrize("page", [2, 3])
def test_records_that_leave_a_day_while_it_is_read_hide_no_other(feed, page):
    feed.run_at(DAY_1)
    fill(feed.data, "things", 6, "2026-11-17 09:00:00")
    before_page(feed, page, lambda data: data.put("things", record(1, "2026-11-18 03:00:05")), window="2026-11-17")
    assert feed.run_at(DAY_2).exit_code == 0
    assert_equal(feed, "things")


def test_records_that_come_into_a_day_while_it_is_read_are_read_too(feed):
    feed.run_at(DAY_1)
    fill(feed.data, "things", 6, "2026-11-17 09:00:00", start=10)
    late = "2026-11-17 21:00:00"
    before_page(feed, 3, lambda data: fill(data, "things", 3, late, start=1), window="2026-11-17")
    assert feed.run_at(DAY_2).exit_code == 0
    assert_equal(feed, "things")


def test_a_record_gone_and_another_come_between_two_pages_hide_no_other(feed):
    """The total stays the same: that one was passed over is seen where the ids of two pages leave room for it."""
    fill(feed.data, "things", 6)

    def change(data):
        data.delete("things", 1)
        data.put("things", record(7))

    before_page(feed, 2, change)
    assert feed.run_at(DAY_1).exit_code == 0
    assert shown(feed.data, "things").items() <= held(feed, "things").items()


def test_a_record_that_leaves_a_day_while_another_comes_hides_no_other(feed):
    feed.run_at(DAY_1)
    fill(feed.data, "things", 6, "2026-11-17 09:00:00")

    def change(data):
        data.put("things", record(1, "2026-11-18 03:00:05"))
        data.put("things", record(7, "2026-11-17 23:00:00"))

    before_page(feed, 2, change, window="2026-11-17")
    assert feed.run_at(DAY_2).exit_code == 0
    assert_equal(feed, "things")


def test_a_reading_that_was_shaken_comes_to_rest_once_the_api_stands_still(tmp_path):
    with feeding(served(["things"], page_size=10), tmp_path, settings_of(["things"], concurrency=1)) as feed:
        fill(feed.data, "things", 60)
        before_page(feed, 4, delete(5))
        feed.run_at(DAY_1)
        before_page(feed, 5, lambda data: fill(data, "things", 2, start=61))
        feed.run_at(DAY_1, "things", is_full=True)
        feed.data.on_page = None
        assert feed.run_at(LATER, "things", is_full=True).exit_code == 0
        assert_equal(feed, "things")


PROOFS = {
    1: ("3 page ends by consecutive ids, 0 by the ids between, 0 by reading pages again", []),
    2: ("0 page ends by consecutive ids, 3 by the ids between, 0 by reading pages again", ["id 4", "id 8", "id 12"]),
    5: ("0 page ends by consecutive ids, 0 by the ids between, 3 by reading pages again", [1, 2, 3, 4]),
}


@pytest.mark.parametrize("step", PROOFS)
def test_the_ledger_says_how_a_window_was_proven(feed, step):
    proof, more = PROOFS[step]
    for identity in range(1, 6 * step + 2, step):
        feed.data.put("things", record(identity))
    feed.run_at(DAY_1)
    assert ledger(feed, "things", "proof", "event = 'closed'") == [(proof,)]
    requests = [window or page for window, page in asked(feed, "things")]
    assert sorted(map(str, requests)) == sorted(map(str, [1, 2, 3, 4, *more]))


# ---------------------------------------------------------------- ids that repeat


def serve_twice(feed, identity, *, beside):
    """The same record at a second place of the API's order; asked for alone it comes as often."""
    body = feed.data._tables["things"].bodies[identity]
    feed.data.put("things", {"id": str(beside), "last_updated": "2026-11-16 09:00:00"}, body=body)


def test_an_id_that_repeats_is_the_sources_where_the_api_has_it_as_often_when_asked_for_it_alone(feed):
    fill(feed.data, "things", 5)
    serve_twice(feed, 5, beside=6)
    result = feed.run_at(DAY_1)
    assert table_of(result, "things").outcome == "loaded"
    assert "1 repeated ids, the API's own" in table_of(result, "things").message
    assert ("id 5", 1) in asked(feed, "things")
    assert sorted(held(feed, "things")) == [1, 2, 3, 4, 5]


def test_an_id_that_repeats_and_comes_once_when_asked_for_alone_leaves_the_window_open(feed):
    fill(feed.data, "things", 5)
    body, page = feed.data._tables["things"].bodies[1], feed.data.page
    feed.data.put("things", {"id": "6", "last_updated": ""}, body=body)
    feed.data.page = lambda resource, filters, number: (
        (1, b"[" + body + b"]") if "id" in filters else page(resource, filters, number)
    )
    result = feed.run_at(DAY_1)
    assert (table_of(result, "things").outcome, result.exit_code) == ("open", 1)
    assert "the API says 6 records, 5 different ones came" in table_of(result, "things").message


# ---------------------------------------------------------------- open windows, gaps, accepted gaps


def named_gaps(feed):
    """The windows that are gaps, as `status` has them and as the view has them."""
    shown = feed.rows('select distinct "window" from gaps order by "window"')
    named = status(feed.config).tables[0].gaps
    assert [row["window"] for row in shown] == sorted(named)
    return named


def test_the_next_run_asks_first_for_what_stayed_open_and_needs_no_flag(feed):
    fill(feed.data, "things", 2)
    feed.run_at(DAY_1)
    fill(feed.data, "things", 5, "2026-11-17 09:00:00", start=10)
    fail_page(feed, 2, window="2026-11-17")
    assert table_of(feed.run_at(DAY_2), "things").outcome == "open"
    assert sorted(held(feed, "things")) == [1, 2]
    fill(feed.data, "things", 1, "2026-11-18 09:00:00", start=20)
    feed.fail()
    feed.simulator.requests.clear()
    assert feed.run_at(DAY_3).exit_code == 0
    assert asked(feed, "things")[0][0] == "2026-11-17"
    assert_equal(feed, "things")


def test_a_table_with_an_open_window_is_not_refined_by_that_step_alone(feed):
    fill(feed.data, "things", 2)
    feed.run_at(DAY_1)
    fill(feed.data, "things", 5, "2026-11-17 09:00:00", start=10)
    fail_page(feed, 2, window="2026-11-17")
    feed.run_at(DAY_2)
    run(feed.config, Selection(tables=("things",), step="refine"))
    run(feed.config, Selection(tables=("things",), step="snapshot"))
    assert sorted(held(feed, "things")) == [1, 2]


@pytest.mark.parametrize("runs", [1, 2, 3])
def test_a_page_that_failed_in_as_many_runs_as_the_setting_says_becomes_a_gap_and_the_rest_goes_on(feed, runs):
    feed.config = replace_settings(feed.config, gap_after_runs=runs)
    fill(feed.data, "things", 2)
    feed.run_at(DAY_1)
    fill(feed.data, "things", 6, "2026-11-17 09:00:00", start=10)
    fail_page(feed, 2, window="2026-11-17")
    outcomes = [feed.run_at(f"2026-11-18T0{3 + number}:00:00") for number in range(runs)]
    assert [table_of(one, "things").outcome for one in outcomes] == ["open"] * (runs - 1) + ["loaded"]
    assert outcomes[-1].exit_code == 1
    assert "given up" in table_of(outcomes[-1], "things").message
    assert sorted(held(feed, "things")) == [1, 2, 10, 11, 14, 15]
    assert ledger(feed, "things", '"window", page', "event = 'gap'") == [("2026-11-17", 2)]
    assert named_gaps(feed) == ("2026-11-17",)


def replace_settings(config, **changes):
    return config.model_copy(update={"settings": config.settings.model_copy(update=changes)})


def test_a_gap_is_filled_by_a_backfill_and_no_longer_named(feed):
    feed.config = replace_settings(feed.config, gap_after_runs=1)
    fill(feed.data, "things", 2)
    feed.run_at(DAY_1)
    fill(feed.data, "things", 6, "2026-11-17 09:00:00", start=10)
    fail_page(feed, 2, window="2026-11-17")
    feed.run_at(DAY_2)
    feed.fail()
    result = run(feed.config, Selection(tables=("things",), backfill=(date(2026, 11, 17),)))
    assert result.exit_code == 0
    assert_equal(feed, "things")
    assert named_gaps(feed) == ()


def test_only_runs_in_which_a_page_failed_count_for_giving_it_up(feed):
    fill(feed.data, "things", 2)
    feed.run_at(DAY_1)
    fill(feed.data, "things", 4, "2026-11-17 09:00:00", start=10)
    outcomes = []
    for number, page in enumerate((2, 1, 1)):  # page 1 fails in two runs of three
        fail_page(feed, page, window="2026-11-17")
        outcomes.append(table_of(feed.run_at(f"2026-11-18T0{3 + number}:00:00"), "things").outcome)
    assert outcomes == ["open", "open", "open"]


def test_a_first_page_that_always_fails_takes_no_other_page_with_it_unnamed(feed):
    fill(feed.data, "things", 2)
    feed.run_at(DAY_1)
    fill(feed.data, "things", 6, "2026-11-17 09:00:00", start=10)
    fail_page(feed, 1, window="2026-11-17")
    results = [feed.run_at(f"2026-11-18T0{3 + number}:00:00") for number in range(3)]
    assert results[-1].exit_code == 1
    named = ledger(feed, "things", "page", "event = 'gap'")
    is_whole_day_named = named == [(None,)]
    are_others_there = {12, 13, 14, 15} <= held(feed, "things").keys()
    is_still_open = table_of(results[-1], "things").outcome == "open"
    assert is_whole_day_named or are_others_there or is_still_open, named


@pytest.mark.parametrize("step", ["first load", "full reading"])
def test_a_full_reading_is_never_closed_with_gaps_by_itself(feed, step):
    fill(feed.data, "things", 6)
    if step == "full reading":
        feed.run_at(DAY_1)
    fail_page(feed, 2)
    for number in range(5):
        result = feed.run_at(f"2026-11-18T0{3 + number}:00:00", "things", is_full=True)
        assert table_of(result, "things").outcome == "open"
    feed.fail()
    assert feed.run_at(DAY_3).exit_code == 0
    assert_equal(feed, "things")


def refuting(feed):
    """An API that counts one record more than it shows, on the day that is read."""
    feed.fail(
        Rule(
            resource="things",
            query={"last_updated": "2026-11-17"},
            headers={"X-Number-Of-Results": "4"},
            times=None,
        )
    )


def test_a_day_that_cannot_be_proven_in_three_runs_becomes_a_gap_and_the_rest_goes_on(feed):
    fill(feed.data, "things", 2)
    feed.run_at(DAY_1)
    fill(feed.data, "things", 3, "2026-11-17 09:00:00", start=10)
    refuting(feed)
    outcomes = [feed.run_at(f"2026-11-18T0{3 + number}:00:00") for number in range(3)]
    assert [table_of(one, "things").outcome for one in outcomes] == ["open", "open", "loaded"]
    assert outcomes[-1].exit_code == 1
    assert sorted(held(feed, "things")) == [1, 2, 10, 11, 12]
    assert named_gaps(feed) == ("2026-11-17",)


def accepting(feed, now):
    feed.monkeypatch.setenv("PLANLAKE_NOW", now)
    return run(feed.config, Selection(tables=("things",), accepts_gaps=True))


def test_with_accept_gaps_a_first_load_is_published_without_the_page_that_fails_and_says_so(feed):
    fill(feed.data, "things", 6)
    fail_page(feed, 2)
    assert table_of(feed.run_at(DAY_1), "things").outcome == "open"
    result = accepting(feed, LATER)
    assert (result.exit_code, table_of(result, "things").outcome) == (1, "loaded")
    assert sorted(held(feed, "things")) == [1, 2, 5, 6]
    assert named_gaps(feed) == ("full",)
    feed.fail()
    assert feed.run_at(DAY_2, "things", is_full=True).exit_code == 0
    assert_equal(feed, "things")
    assert named_gaps(feed) == ()


def test_with_accept_gaps_a_first_load_that_cannot_be_proven_is_published_and_says_so(feed):
    fill(feed.data, "things", 3)
    feed.fail(Rule(resource="things", headers={"X-Number-Of-Results": "4"}, times=None))
    assert table_of(feed.run_at(DAY_1), "things").outcome == "open"
    result = accepting(feed, LATER)
    assert (result.exit_code, table_of(result, "things").outcome) == (1, "loaded")
    assert sorted(held(feed, "things")) == [1, 2, 3]
    assert named_gaps(feed) == ("full",)


def test_accept_gaps_does_not_publish_an_empty_table_for_want_of_its_first_page(feed):
    fill(feed.data, "things", 6)
    fail_page(feed, 1)
    result = accepting(feed, DAY_1)
    assert table_of(result, "things").outcome == "open"
    feed.fail()
    feed.run_at(DAY_2)
    assert_equal(feed, "things")


def test_a_gap_beyond_the_look_back_cap_is_named_once_and_stays_in_the_status(feed):
    feed.config = replace_settings(feed.config, look_back_days=2)
    feed.run_at(DAY_1)
    first, second = feed.run_at("2026-11-23T03:00:00"), feed.run_at("2026-11-23T04:00:00")
    assert [str(day) for day in table_of(first, "things").new_gaps] == [
        "2026-11-17",
        "2026-11-18",
        "2026-11-19",
        "2026-11-20",
    ]
    assert (first.exit_code, second.exit_code) == (1, 0)
    assert named_gaps(feed) == ("2026-11-17", "2026-11-18", "2026-11-19", "2026-11-20")


def test_a_full_reading_fills_every_gap_of_the_days_before_it(feed):
    feed.config = replace_settings(feed.config, look_back_days=2)
    feed.run_at(DAY_1)
    feed.run_at("2026-11-23T03:00:00")
    assert feed.run_at("2026-11-23T04:00:00", "things", is_full=True).exit_code == 0
    assert named_gaps(feed) == ()


def test_the_ledger_keeps_the_totals_of_every_page(feed):
    fill(feed.data, "things", 5)
    before_page(feed, 3, lambda data: data.put("things", record(6)))
    feed.run_at(DAY_1)
    rows = ledger(feed, "things", "page, total_results, records", "event = 'page' and status = 200")
    assert rows == [(1, 5, 2), (2, 5, 2), (3, 6, 2)]
    assert ledger(feed, "things", "page, status", "event = 'page' and status <> 200") == [(4, 202)]  # nothing behind it
    assert ledger(feed, "things", '"window", records, total_results', "event = 'closed'") == [("full", 6, 6)]


def test_a_closed_day_that_shrinks_later_is_no_trouble(feed):
    feed.run_at(DAY_1)
    fill(feed.data, "things", 6, "2026-11-17 09:00:00")
    feed.run_at(DAY_2)
    fill(feed.data, "things", 4, "2026-11-18 09:00:00")
    assert feed.run_at(DAY_3).exit_code == 0
    assert feed.run_at(DAY_4).exit_code == 0
    assert_equal(feed, "things")
