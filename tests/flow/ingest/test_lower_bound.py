"""An API whose filter by day is a lower bound: what is asked for, what is closed, and what goes wrong on the way."""

import json
from datetime import datetime

import pytest

from conftest import feeding, table_of
from flow.ingest.served import DAY_1, DAY_2, DAY_3, DAY_4, fill, ledger, record, served, shown
from planlake.errors import SourceRefused
from planlake.runs.plan import Selection
from planlake.runs.run import run, table_plans
from planlake.setup.try_table import try_out
from planlake.simulator.app import Speech
from planlake.simulator.faults import Rule
from planlake.simulator.register import TOKEN, register_page

CATALOGUE = """\
[source]
like = "public_register"
page_size = 2

[things]
key = "reference"
complete = "reference"
columns = {reference = "integer", modified = "timestamp", name = "text", amount = "double", flag = "boolean"}
"""
SETTINGS = """\
source: ./things.toml
tables: {daily: [things]}
settings: {attempts: 2, timeout_seconds: 2}
"""


@pytest.fixture
def feed(tmp_path):
    """One table in pages of two; `feed.before` is called with each query before it is answered."""
    (tmp_path / "things.toml").write_text(CATALOGUE)
    calls = []

    def page(data, resource, query):
        for call in calls:
            call(query)
        return register_page(data, resource, query)

    with feeding(served(["things"]), tmp_path, SETTINGS, Speech(page, TOKEN)) as made:
        made.before = calls
        fill(made.data, "things", 5)
        yield made


def asked(feed):
    """The day and the offset of each request since the list was cleared."""
    found = [
        (request.query.get("modified_since", "")[:10], int(request.query["offset"]))
        for request in feed.simulator.requests
    ]
    feed.simulator.requests.clear()
    return found


def held(feed):
    query = "select reference, modified::varchar as changed, name, amount, flag from things order by 1"
    return {row.pop("reference"): row for row in feed.rows(query)}


def events(feed, event):
    return [window for (window,) in ledger(feed, "things", '"window"', f"event = '{event}'")]


def spoilt(change):
    """A rule's change of an envelope before it is sent."""

    def mutate(body):
        envelope = json.loads(body)
        change(envelope)
        return json.dumps(envelope).encode()

    return mutate


def shorter(envelope):
    envelope["items"] = envelope["items"][:-1]


# ---------------------------------------------------------------- what is asked for, and what it closes


def test_one_reading_from_the_first_day_on_closes_every_day_that_is_over(feed):
    assert feed.run_at(DAY_1).exit_code == 0
    assert asked(feed) == [("", 0), ("", 2), ("", 4)]
    fill(feed.data, "things", 2, "2026-11-17 22:00:00", start=10)
    fill(feed.data, "things", 2, "2026-11-19 09:00:00", start=20)
    feed.data.put("things", record(1, "2026-11-20 01:00:00", name="today"))
    assert feed.run_at(DAY_4).exit_code == 0
    assert asked(feed) == [("2026-11-17", 0), ("2026-11-17", 2), ("2026-11-17", 4)]
    assert events(feed, "closed") == ["full", "2026-11-17", "2026-11-18", "2026-11-19"]
    assert held(feed) == shown(feed.data, "things")


def test_the_plan_names_the_days_that_one_reading_will_close(feed):
    feed.run_at(DAY_1)
    feed.monkeypatch.setenv("PLANLAKE_NOW", DAY_3)
    (window,) = table_plans(feed.config, Selection())[0].windows
    assert (window.name, window.event, window.closes) == ("2026-11-17", "page", ("2026-11-17", "2026-11-18"))


def test_the_day_closed_last_is_read_again_with_the_next_run_so_that_late_records_are_seen(feed):
    feed.run_at(DAY_1)
    feed.run_at(DAY_2)
    asked(feed)
    fill(feed.data, "things", 1, "2026-11-17 23:59:00", start=30)
    feed.run_at(DAY_3)
    assert asked(feed) == [("2026-11-17", 0)]
    assert events(feed, "settled") == ["2026-11-17"]
    assert held(feed) == shown(feed.data, "things")
    feed.run_at(DAY_4)
    assert asked(feed) == [("2026-11-18", 0)]


def test_what_a_job_touches_every_night_is_seen_every_day(feed):
    feed.run_at(DAY_1)
    for now in (DAY_2, DAY_3, DAY_4):
        feed.data.put("things", record(1, f"{now[:10]} 02:30:00", name=f"touched {now}"))
        feed.run_at(now)
        assert held(feed) == shown(feed.data, "things")


def test_a_second_and_a_third_run_on_a_day_change_no_table_of_data(feed):
    feed.run_at(DAY_1)
    fill(feed.data, "things", 3, "2026-11-17 22:00:00", start=10)
    feed.run_at(DAY_2)
    before = feed.snapshots()
    asked(feed)
    for now, day in (("2026-11-18T04:00:00", "2026-11-17"), ("2026-11-18T05:00:00", "2026-11-18")):
        assert feed.run_at(now).exit_code == 0
        assert {day for day, _ in asked(feed)} == {day}
    changed = {name for name, snapshot in feed.snapshots().items() if before.get(name) != snapshot}
    assert {name for name in changed if name.startswith("refined") or name == "raw.api_responses"} == set()
    assert held(feed) == shown(feed.data, "things")


def test_a_backfill_reads_from_the_first_of_its_days_on(feed):
    feed.run_at(DAY_1)
    asked(feed)
    feed.data.put("things", record(40, "2026-11-10 09:00:00"))
    feed.monkeypatch.setenv("PLANLAKE_NOW", DAY_2)
    days = tuple(feed.data.now.date().replace(day=day) for day in (10, 11))
    assert run(feed.config, Selection(("things",), backfill=days)).exit_code == 0
    assert asked(feed)[0] == ("2026-11-10", 0)
    assert held(feed) == shown(feed.data, "things")


def test_a_record_that_is_gone_is_asked_for_alone_and_landed_as_deleted(feed):
    feed.run_at(DAY_1)
    feed.data.delete("things", 3)
    assert feed.run_at(DAY_2, "things", is_full=True).exit_code == 0
    asked = [request.query["reference"] for request in feed.simulator.requests if "reference" in request.query]
    assert asked == ["3", "3"]  # once because there is room for it between two pages, once before it is called gone
    assert held(feed) == shown(feed.data, "things")


def test_every_raw_row_still_counts_when_the_ledger_of_such_days_is_compacted(feed):
    feed.run_at(DAY_1)
    for now, count, identity in ((DAY_2, 3, 10), (DAY_3, 5, 20), (DAY_4, 1, 30)):
        fill(feed.data, "things", count, f"{now[:10]} 01:00:00", start=identity)
        feed.fail(*[Rule(resource="things", query={"offset": "4"}, times=None, status=500)] * (now == DAY_3))
        assert feed.run_at(now).exit_code == (now == DAY_3)
    raw = 'select reference, batch, name from "things-raw-zone".things order by batch, reference'
    before, rows = feed.rows(raw), len(ledger(feed, "things", "page"))
    feed.run_at("2027-03-20T03:00:00", "things", is_full=True)
    old = "requested_at < timestamp '2026-12-01'"
    assert len(ledger(feed, "things", "page", old)) < rows
    assert len(ledger(feed, "things", "page", f"{old} and requests is not null")) > 1
    assert feed.rows(raw) == before
    assert held(feed) == shown(feed.data, "things")


# ---------------------------------------------------------------- what goes wrong


FAULTS = {
    "status 500": {"status": 500},
    "a short page": {"mutate": spoilt(shorter)},
    "another offset": {"mutate": spoilt(lambda envelope: envelope.update(offset=0))},
}
SAID = {
    "status 500": "status 500",
    "a short page": "the API says 5 records, 4 came",
    "another offset": "from 2 on were asked for, the answer says 0",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_page_that_does_not_come_keeps_every_day_open_and_the_old_version_live(feed, fault):
    feed.run_at(DAY_1)
    before = held(feed)
    fill(feed.data, "things", 5, "2026-11-18 09:00:00", start=10)
    feed.fail(Rule(resource="things", query={"offset": "2"}, times=None, **FAULTS[fault]))
    result = feed.run_at(DAY_3)
    assert (result.exit_code, table_of(result, "things").outcome) == (1, "open")
    assert SAID[fault] in table_of(result, "things").message
    assert (held(feed), events(feed, "closed")) == (before, ["full"])
    feed.fail()
    assert feed.run_at(DAY_4).exit_code == 0
    assert events(feed, "closed") == ["full", "2026-11-17", "2026-11-18", "2026-11-19"]
    assert held(feed) == shown(feed.data, "things")


def test_a_page_that_comes_whole_at_the_second_asking_is_as_good(feed):
    feed.run_at(DAY_1)
    fill(feed.data, "things", 5, "2026-11-18 09:00:00", start=10)
    feed.fail(Rule(resource="things", query={"offset": "2"}, **FAULTS["a short page"]))
    assert feed.run_at(DAY_3).exit_code == 0
    assert held(feed) == shown(feed.data, "things")


@pytest.mark.parametrize("first", [1, 10])
def test_a_total_that_shrinks_while_it_is_read_hides_no_record(feed, first):
    """In the first load and in a reading since a day: the first of five records goes before the last page is asked."""
    if first > 1:
        feed.run_at(DAY_1)
        fill(feed.data, "things", 5, "2026-11-17 09:00:00", start=first)
    feed.before.append(lambda query: query["offset"] == "4" and feed.data.delete("things", first))
    assert feed.run_at(DAY_2).exit_code == 0
    assert set(range(first + 1, first + 5)) <= held(feed).keys()


def test_a_record_that_changes_while_it_is_read_is_in_the_same_reading(feed):
    feed.run_at(DAY_1)
    fill(feed.data, "things", 3, "2026-11-17 09:00:00", start=3)
    late = record(1, "2026-11-18 02:59:59")
    feed.before.append(lambda query: query["offset"] == "2" and feed.data.put("things", late))
    assert feed.run_at(DAY_2).exit_code == 0
    assert held(feed) == shown(feed.data, "things")


def test_a_page_given_up_is_a_gap_of_every_day_it_may_have_belonged_to(feed):
    feed.run_at("2026-11-16T03:00:00")
    fill(feed.data, "things", 5, "2026-11-16 09:00:00")
    feed.fail(Rule(resource="things", query={"offset": "2"}, times=None, status=500))
    assert [feed.run_at(now).exit_code for now in (DAY_1, DAY_2, DAY_3)] == [1, 1, 1]
    days = ["2026-11-16", "2026-11-17", "2026-11-18"]
    assert feed.rows('select "window", page from gaps') == [{"window": day, "page": 2} for day in days]
    assert held(feed).keys() == {1, 2, 3, 4, 5}
    feed.fail()
    backfilled = tuple(feed.data.now.date().replace(day=day) for day in (16, 17, 18))
    assert run(feed.config, Selection(("things",), backfill=backfilled)).exit_code == 0
    assert feed.rows("select * from gaps") == []
    assert held(feed) == shown(feed.data, "things")


def test_days_that_never_answered_are_each_given_up_by_name(feed):
    feed.run_at("2026-11-16T03:00:00")
    feed.fail(Rule(resource="things", times=None, status=500))
    for now in (DAY_1, DAY_2, DAY_3):
        feed.run_at(now)
    days = ["2026-11-16", "2026-11-17", "2026-11-18"]
    assert feed.rows('select "window", page from gaps') == [{"window": day, "page": None} for day in days]


def test_a_first_load_that_broke_off_goes_on_where_it_stopped(feed):
    feed.fail(Rule(resource="things", query={"offset": "4"}, times=None, status=500))
    assert feed.run_at(DAY_1).exit_code == 1
    feed.fail()
    asked(feed)
    assert feed.run_at("2026-11-17T04:00:00").exit_code == 0
    assert asked(feed) == [("", 2), ("", 4)]
    assert held(feed) == shown(feed.data, "things")


def test_a_token_that_is_refused_ends_the_run_and_is_not_shown(feed):
    feed.run_at(DAY_1)
    feed.monkeypatch.setenv("PLANLAKE_API_TOKEN", "a-token-of-somebody-else")
    with pytest.raises(SourceRefused, match="refuses our token") as raised:
        feed.run_at(DAY_2)
    assert raised.value.exit_code == 3
    assert "somebody" not in f"{raised.value!r}{raised.value}{raised.value.facts}{raised.value.hint}"


# ---------------------------------------------------------------- times that say they are UTC


def test_times_that_end_in_z_are_held_with_the_type_to_declare_and_then_kept_as_they_are_written(feed):
    fill(feed.data, "things", 22, "2026-07-16 09:00:00Z")
    (_, why), *_ = [(one.outcome, one.message) for one in feed.run_at(DAY_1).tables]
    assert why == (
        '22 of 22 values of modified do not cast, "2026-07-16T09:00:00Z" for example; '
        "none casts: declare modified as timestamp_utc"
    )
    in_utc = CATALOGUE.replace('"timestamp"', '"timestamp_utc"')
    in_utc = in_utc.replace("page_size", 'time_zone = "UTC"\ndialect = {day_format = "%Y-%m-%dT%H:%M:%SZ"}\npage_size')
    (feed.config.folder / "things.toml").write_text(in_utc)
    assert feed.run_at("2026-11-17T04:00:00").exit_code == 0
    kept = "select distinct modified, typeof(modified) as type from things"
    assert feed.rows(kept) == [{"modified": datetime(2026, 7, 16, 9), "type": "TIMESTAMP"}]  # noqa: DTZ001
    assert feed.rows("select * from uncastable") == []


# ---------------------------------------------------------------- a sample


def tried(feed):
    feed.monkeypatch.setenv("PLANLAKE_NOW", DAY_4)
    return try_out(feed.config, "things", "T-1", pages=2).changes


def test_a_sample_tells_the_days_of_a_lower_bound_apart_and_reckons_with_one_reading_a_day(feed):
    fill(feed.data, "things", 3, "2026-11-20 01:00:00", start=10)  # today: of no day that is over
    fill(feed.data, "things", 4, "2026-11-19 09:00:00", start=20)
    fill(feed.data, "things", 1, "2026-11-13 00:00:00", start=30)
    fill(feed.data, "things", 1, "2026-11-12 23:59:59", start=40)
    found = tried(feed)
    assert found.by_day == {
        "2026-11-13": 1, "2026-11-14": 0, "2026-11-15": 0, "2026-11-16": 5, "2026-11-17": 0, "2026-11-18": 0,
        "2026-11-19": 4,
    }  # fmt: skip
    assert found.calls == {"daily": 28, "weekly": 7}  # since the 18th there are seven records on four pages
    assert (found.proposal, found.why) == ("daily", "something changed on 3 of the last 7 days")
    asked_since = {request.query.get("modified_since", "")[:10] for request in feed.simulator.requests}
    assert asked_since == {"", *(f"2026-11-{day}" for day in range(13, 21))}


def test_a_sample_notices_that_the_lower_bound_is_not_looked_at(feed):
    feed.before.append(lambda query: query.pop("modified_since", None))
    found = tried(feed)
    assert (found.proposal, found.why) == (
        "weekly",
        "the API ignores modified: it gives every record for each day",
    )
