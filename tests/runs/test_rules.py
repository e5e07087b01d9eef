"""The rules that decide what is kept, what wins and what fails, on tables of a few records."""

from datetime import datetime

import pytest

from conftest import feeding, table_of
from flow.tables import DAY_1, DAY_2, DAY_3, LATER, named, names, put, settings_of, table_name, thing, troubles
from planlake.errors import ConfigurationError, SourceRefused, SourceUnreachable
from planlake.simulator.dataset import Dataset
from planlake.simulator.faults import Rule

CODES = '  codes: {changed: "", columns: {id: integer, name: text}}\n'


@pytest.fixture
def feed(tmp_path):
    """Two tables, pages of two records; `codes` holds two records and nothing ever goes wrong with it."""
    data = Dataset(fields_of(["things"]), now=datetime.fromisoformat(DAY_1), page_size=2)
    for identity in (1, 2):
        data.put("codes", {"id": str(identity), "name": f"code {identity}"})
    with feeding(data, tmp_path, settings_of(["things"], CODES)) as made:
        yield made


def fields_of(cases):
    return {"codes": {"id": "integer"}} | {table_name(case): {"id": "integer"} for case in cases}


def kept(result, name="things"):
    ingest = table_of(result, name).ingest
    return ingest.records, ingest.stored


# ---------------------------------------------------------------- what wins

EARLY, LATE = "2026-11-16 09:00:00", "2026-11-16 10:00:00"


WINNERS = {
    "the later last_updated": ([("old", EARLY), ("new", LATE)], "new"),
    "the later last_updated, though it came first": ([("new", LATE), ("old", EARLY)], "new"),
    "one with a last_updated over one without": ([("dated", EARLY), ("undated", None)], "dated"),
    "one with a last_updated, though it came last": ([("undated", None), ("dated", EARLY)], "dated"),
    "one whose last_updated casts": ([("dated", EARLY), ("no date", "0000-00-00 00:00:00")], "dated"),
    "the later position of a page": ([("first", EARLY), ("second", EARLY)], "second"),
    "the later position where both are undated": ([("first", None), ("second", None)], "second"),
    "the later page": ([("page 1", EARLY), ("page 1b", EARLY), ("page 2", EARLY)], "page 2"),
    "what came last, though it was there before": ([("A", EARLY), ("B", EARLY), ("A", EARLY)], "A"),
    "what came last of undated ones": ([("A", None), ("B", None), ("A", None)], "A"),
}


@pytest.fixture(scope="module")
def won(tmp_path_factory):
    """A lake with a table for each case, all read in one run."""
    data = Dataset(fields_of(WINNERS), now=datetime.fromisoformat(DAY_1), page_size=2)
    with feeding(data, tmp_path_factory.mktemp("won"), settings_of(WINNERS)) as feed:
        for case, (arriving, _) in WINNERS.items():
            for place, (name, changed) in enumerate(arriving, start=1):
                put(feed, place, thing(7, name, changed), resource=table_name(case))
        feed.run_at(DAY_1)
        yield feed


@named(WINNERS)
def test_of_two_versions_of_an_id_in_one_batch_wins(won, name):
    assert names(won, table_name(name)) == {7: WINNERS[name][1]}


def test_what_was_received_later_wins_though_its_last_updated_is_older(feed):
    put(feed, 1, thing(7, "now", LATE))
    feed.run_at(DAY_1)
    put(feed, 1, thing(7, "put back", EARLY))
    feed.run_at(DAY_2, "things", is_full=True)
    assert names(feed) == {7: "put back"}
    assert [row["name"] for row in feed.rows("select name from history_things order by valid_from")] == [
        "now",
        "put back",
    ]


def test_a_version_said_again_after_a_failed_run_wins_over_a_later_last_updated(feed):
    put(feed, 1, thing(7, "withdrawn", LATE))
    put(feed, 2, thing(7, "standing", EARLY))
    put(feed, 3, thing(8, "other"))
    feed.fail(Rule(resource="things", query={"page": "2"}, status=404, times=None))
    assert feed.run_at(DAY_1).exit_code == 1
    feed.fail()
    feed.data.delete("things", 1)
    assert feed.run_at(LATER).exit_code == 0
    assert names(feed) == {7: "standing", 8: "other"}


# ---------------------------------------------------------------- what is stored


@pytest.mark.parametrize(
    "again",
    [
        pytest.param({"id": "1", "name": "a", "flag": None, "last_updated": EARLY}, id="in another order"),
        pytest.param({"id": "1", "name": "a", "last_updated": EARLY}, id="without a null"),
        pytest.param({"id": "1", "name": "a", "last_updated": EARLY, "at": None, "x": None}, id="with other nulls"),
        pytest.param({"id": "1", "name": "a", "last_updated": EARLY, "gis_map_image_base64": "QUJD"}, id="with a map"),
    ],
)
def test_an_equal_record_is_counted_and_not_stored_again(feed, again):
    put(feed, 1, {"id": "1", "last_updated": EARLY, "flag": None, "name": "a"})
    put(feed, 2, thing(2, "b"))
    assert kept(feed.run_at(DAY_1)) == (2, 2)
    put(feed, 1, again)
    result = feed.run_at(DAY_2, "things", is_full=True)
    assert kept(result) == (2, 0)
    assert table_of(result, "things").outcome == "unchanged"
    ledger = feed.rows(
        "select batch, sum(records) r, sum(stored) s from api_requests where resource='things' "
        "and event = 'page' group by batch order by batch"
    )
    assert [(row["batch"], row["r"], row["s"]) for row in ledger] == [(1, 2, 2), (2, 2, 0)]
    assert feed.rows("select count(*) as n from api_responses where resource = 'things'") == [{"n": 2}]


def test_a_record_that_goes_back_to_an_earlier_state_is_stored_again(feed):
    for day, name in ((DAY_1, "a"), (DAY_2, "b"), (DAY_3, "a")):
        put(feed, 1, thing(1, name))
        assert kept(feed.run_at(day, "things", is_full=True)) == (1, 1)
    assert names(feed) == {1: "a"}
    assert feed.rows("select count(*) as n from increment_things") == [{"n": 3}]


def test_a_value_that_became_null_or_empty_is_stored(feed):
    put(feed, 1, thing(1, "a", amount="5"))
    feed.run_at(DAY_1)
    put(feed, 1, thing(1, "", amount=None))
    feed.run_at(DAY_2, "things", is_full=True)
    assert feed.rows("select name, amount from things") == [{"name": "", "amount": None}]


def test_keys_that_first_arrive_on_the_second_day_become_columns_of_text(feed):
    put(feed, 1, thing(1, "a"))
    put(feed, 2, thing(2, "b"))
    feed.run_at(DAY_1)
    put(feed, 2, thing(2, "b", "2026-11-17 12:00:00", colour="red", Größe="12", select="x", **{"a b-c.": "y"}))
    result = feed.run_at(DAY_2)
    assert not troubles(result)
    assert set(table_of(result, "things").refine.new_columns) == {"colour", "Größe", "select", "a b-c."}
    columns = '"colour", "Größe", "select", "a b-c."'
    assert [tuple(row.values()) for row in feed.rows(f"select {columns} from things order by id")] == [
        (None, None, None, None),
        ("red", "12", "x", "y"),
    ]
    assert feed.rows(f"select {columns} from things where id = 2", as_of="2026-11-18")[0]["colour"] == "red"
    assert names(feed) == {1: "a", 2: "b"}
    assert feed.rows('select count(*) as n from "tascomi-raw-zone".things') == [{"n": 3}]


# ---------------------------------------------------------------- what fails

FAULTS = {
    "an error of the server": {"status": 500},
    "a page that is not found": {"status": 404},
    "a web page instead of JSON": {"body": b"<html>Please wait</html>"},
    "an object instead of an array": {"body": b'{"error": "try later"}'},
    "an empty body": {"body": b""},
    "no paging headers": {"drop_headers": ("X-Number-Of-Results", "X-Results-Per-Page", "X-Page-Number")},
    "paging headers that are no numbers": {"headers": {"X-Results-Per-Page": "many"}},
    "a total above what can be": {"headers": {"X-Number-Of-Results": "3000000000"}},
    "a page size above what can be": {"headers": {"X-Results-Per-Page": "9223372036854775808"}},
    "a page number above what can be": {"headers": {"X-Page-Number": "3000000000"}},
    "the number of another page": {"headers": {"X-Page-Number": "1"}},
    "a page of no results each": {"headers": {"X-Results-Per-Page": "0"}},
    "a connection cut in the body": {"cut_at": 40},
    "a connection that is reset": {"reset": True},
    "a record too few": {"mutate": lambda body: b"[" + body[1:].split(b"}")[0] + b"}]"},
    "no data in the middle": {"status": 202, "body": b""},
}


@pytest.fixture(scope="module")
def faulty(tmp_path_factory):
    """A lake with a table for each fault: the first run meets it, the second does not."""
    data = Dataset(fields_of(FAULTS), now=datetime.fromisoformat(DAY_1), page_size=2)
    data.put("codes", {"id": "1", "name": "code 1"})
    with feeding(data, tmp_path_factory.mktemp("faulty"), settings_of(FAULTS, CODES)) as feed:
        rules = [
            Rule(resource=table_name(name), query={"page": "2"}, times=None, **fault) for name, fault in FAULTS.items()
        ]
        for name in FAULTS:
            for place in range(1, 7):
                put(feed, place, thing(place, f"n{place}"), resource=table_name(name))
        feed.fail(*rules)
        failed = feed.run_at(DAY_1)
        refined = feed.snapshots()
        feed.fail()
        yield feed, failed, refined, feed.run_at(LATER)


@named(FAULTS)
def test_a_table_stays_open_and_is_not_refined_after(faulty, name):
    _, failed, tables, _ = faulty
    result = table_of(failed, table_name(name))
    assert (failed.exit_code, result.outcome, result.refine) == (1, "open", None)
    assert [window for window, _ in result.ingest.open] == ["full"]
    assert f"refined.increment_{table_name(name)}" not in tables
    assert f"refined.current_{table_name(name)}" not in tables


@named(FAULTS)
def test_the_next_run_completes_a_table_that_met(faulty, name):
    feed, _, _, mended = faulty
    table = table_name(name)
    assert not troubles(mended, table)
    assert names(feed, table) == {place: f"n{place}" for place in range(1, 7)}
    assert feed.rows(f"select count(*) as n from increment_{table}") == [{"n": 6}]
    assert feed.rows(f"select count(*) as n from api_responses where resource = '{table}'") == [{"n": 6}]


def test_a_table_that_is_well_publishes_in_the_run_in_which_others_fail(faulty):
    feed, failed, _, mended = faulty
    assert table_of(failed, "codes").outcome == "loaded"
    assert table_of(mended, "codes").outcome == "up to date"
    published = feed.rows("select run from published where resource = 'codes'")
    assert published == [{"run": failed.run}]
    assert feed.rows("select min(run) as run from published where resource <> 'codes'") == [{"run": mended.run}]


def test_a_table_that_was_never_published_is_not_answered_from_raw(feed):
    for place in range(1, 4):
        put(feed, place, thing(place, "n"))
    feed.fail(Rule(resource="things", query={"page": "2"}, status=404, times=None))
    feed.run_at(DAY_1)
    with pytest.raises(ConfigurationError, match="not loaded yet"):
        feed.rows("select * from things")


def test_a_failed_request_is_in_the_ledger_and_a_row_of_the_response_view(feed):
    for place in range(1, 4):
        put(feed, place, thing(place, "n"))
    feed.fail(Rule(resource="things", query={"page": "2"}, status=500, times=None))
    feed.run_at(DAY_1)
    ledger = feed.rows(
        "select page, status, attempts, records from api_requests where resource = 'things' order by page"
    )
    assert [tuple(row.values()) for row in ledger] == [(1, 200, 1, 2), (2, 500, 3, 0)]
    failed = "select page_number, import_api_status_code, import_date from api_response_things where things is null"
    assert [tuple(row.values()) for row in feed.rows(failed)] == [(2, "500", "20261117")]


def test_a_day_that_fails_is_asked_for_again_the_last_that_closed_is_counted_and_today_is_asked_for_last(feed):
    put(feed, 1, thing(1, "a", "2026-11-17 09:00:00"))
    feed.run_at(DAY_1)
    put(feed, 2, thing(2, "b", "2026-11-17 10:00:00"))
    put(feed, 3, thing(3, "c", "2026-11-18 10:00:00"))
    feed.fail(Rule(resource="things", query={"last_updated": "2026-11-17"}, status=500, times=None))
    failed = feed.run_at(DAY_3)
    assert table_of(failed, "things").ingest.closed == ("2026-11-18",)
    assert names(feed) == {1: "a"}
    feed.fail()
    feed.simulator.requests.clear()
    feed.run_at("2026-11-19T04:00:00", "things")
    asked = [request.query["last_updated"] for request in feed.simulator.requests]
    assert sorted(asked) == [
        "2026-11-17",
        "2026-11-17",
        "2026-11-18",
        "2026-11-19",
    ]  # nothing came behind its full page
    assert names(feed) == {1: "a", 2: "b", 3: "c"}


def test_an_empty_answer_to_a_full_reading_is_a_failure_where_records_are_held(feed):
    put(feed, 1, thing(1, "a"))
    feed.run_at(DAY_1)
    feed.data.delete("codes", 1)
    feed.data.delete("codes", 2)
    result = feed.run_at(DAY_2)
    assert table_of(result, "codes").outcome in ("open", "failed")
    assert result.exit_code == 1
    assert names(feed, "codes") == {1: "code 1", 2: "code 2"}


def test_an_api_that_does_not_answer_at_all_ends_the_run(feed):
    put(feed, 1, thing(1, "a"))
    feed.simulator.stop()
    with pytest.raises(SourceUnreachable) as raised:
        feed.run_at(DAY_1)
    assert raised.value.exit_code == 3
    assert [row["outcome"] for row in feed.rows("select outcome from runs")] == ["failed"]
    assert set(feed.snapshots()) == {"operations.runs"}


@pytest.mark.parametrize("name", ["TASCOMI_PUBLIC_KEY", "TASCOMI_PRIVATE_KEY"])
def test_wrong_keys_are_refused_and_change_nothing(feed, name):
    put(feed, 1, thing(1, "a"))
    feed.monkeypatch.setenv(name, "wrong")
    with pytest.raises(SourceRefused) as raised:
        feed.run_at(DAY_1)
    assert raised.value.exit_code == 3
    assert "wrong" in str(raised.value)
    assert set(feed.snapshots()) <= {"operations.runs", "raw.api_requests"}


def test_keys_refused_on_the_second_day_leave_what_was_published(feed):
    put(feed, 1, thing(1, "a"))
    feed.run_at(DAY_1)
    before = feed.snapshots()
    feed.monkeypatch.setenv("TASCOMI_PRIVATE_KEY", "wrong")
    with pytest.raises(SourceRefused):
        feed.run_at(DAY_2)
    after = feed.snapshots()
    assert {name for name in after if before.get(name) != after[name]} <= {"operations.runs"}
    assert names(feed) == {1: "a"}


def test_a_clock_before_the_last_run_is_refused(feed):
    feed.run_at(DAY_2)
    with pytest.raises(ConfigurationError, match="clock"):
        feed.run_at(DAY_1)


def test_a_table_without_a_record_can_be_queried(feed):
    result = feed.run_at(DAY_1)
    assert (result.exit_code, table_of(result, "things").outcome) == (0, "unchanged")
    assert feed.rows("select id, name from things") == []


def test_a_table_of_which_every_record_is_rejected_fails_no_run(feed):
    put(feed, 1, {"name": "no id"})
    put(feed, 2, {"id": "12.7"})
    for day in (DAY_1, DAY_2):
        assert feed.run_at(day, "things", is_full=True).exit_code == 0
    assert feed.rows("select * from things") == []
    put(feed, 3, thing(3, "good", "2026-11-18 12:00:00"))
    assert feed.run_at(DAY_3).exit_code == 0
    assert names(feed) == {3: "good"}
