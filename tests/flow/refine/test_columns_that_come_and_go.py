"""Columns that come, go and come again: what users see of them, and what is told."""

import json
from datetime import datetime

import pytest

from commands import typed_in_process
from conftest import feeding, table_of
from flow.tables import DAY_1, DAY_2, DAY_3
from planlake.simulator.dataset import Dataset

COLUMNS = {"id": "integer", "last_updated": "timestamp", "name": "text", "colour": "text", "unused": "text"}
SETTINGS = """
source: tascomi
resources: {things: {columns: {id: integer, last_updated: timestamp, name: text, unused: text}}}
tables: {daily: [things]}
"""


def thing(identity, changed="2026-11-16 09:00:00", **more):
    return {"id": str(identity), "last_updated": changed, "name": f"name {identity}", **more}


@pytest.fixture
def feed(tmp_path):
    data = Dataset({"things": COLUMNS}, now=datetime.fromisoformat(DAY_1))
    with feeding(data, tmp_path, SETTINGS) as made:
        for identity in range(1, 11):
            data.put("things", thing(identity, colour=None))
        yield made


def json_of(record):
    return json.dumps(record).encode()


def drift(feed):
    return [(row["run"], row["column"], row["what"]) for row in feed.rows("select * from drift order by run, what")]


def test_a_first_load_tells_what_nobody_declared_and_what_never_came(feed):
    feed.run_at(DAY_1)
    assert drift(feed) == [(1, "unused", "never sent"), (1, "colour", "undeclared")]


def test_a_column_that_goes_is_null_told_once_and_back_when_it_is_sent_again(feed, monkeypatch, capfd):
    feed.run_at(DAY_1)
    feed.data.put("things", thing(1, "2026-11-17 12:00:00", colour="red"))
    feed.run_at(DAY_2)
    assert len(drift(feed)) == 2
    feed.data.put("things", thing(2, "2026-11-18 12:00:00"))
    result = table_of(feed.run_at(DAY_3), "things")
    assert [(one.column, one.what) for one in result.refine.drift] == [("colour", "vanished")]
    shown = feed.rows("select id, colour from things where id <= 2 order by id")
    assert shown == [{"id": 1, "colour": "red"}, {"id": 2, "colour": None}]
    feed.data.put("things", thing(3, "2026-11-19 12:00:00"))
    assert table_of(feed.run_at("2026-11-20T03:00:00"), "things").refine.drift == ()
    feed.data.put("things", thing(4, "2026-11-20 12:00:00", colour="blue", unused="used"))
    feed.run_at("2026-11-21T03:00:00")
    told = drift(feed)[2:]
    assert (told[0], set(told[1:])) == (
        (3, "colour", "vanished"),
        {(5, "colour", "sent again"), (5, "unused", "sent again")},
    )
    assert feed.rows("select unused from things where id = 4") == [{"unused": "used"}]


def test_the_run_says_which_columns_vanished(feed, monkeypatch, capfd):
    feed.run_at(DAY_1)
    feed.data.put("things", thing(2, "2026-11-17 12:00:00"))
    monkeypatch.setenv("PLANLAKE_NOW", DAY_2)
    feed.data.move_to(datetime.fromisoformat(DAY_2))
    said = typed_in_process(monkeypatch, capfd, ("run", "--config", feed.config.folder / "planlake.yaml"))
    assert "things: colour is in no record any more and is NULL from now on" in said.err


def test_a_day_of_deletions_only_tells_nothing_about_columns(feed):
    feed.run_at(DAY_1)
    told = drift(feed)
    feed.data.delete("things", 5)
    result = feed.run_at(DAY_2, "things", is_full=True)
    assert table_of(result, "things").ingest.deleted == 1
    assert drift(feed) == told


def test_ids_that_come_twice_with_different_contents_are_kept_and_told(feed):
    first, second = thing(20, colour="red"), thing(20, colour="blue")
    feed.data.put("things", {"id": "20", "last_updated": None}, body=json_of(first))
    feed.data.put("things", {"id": "21", "last_updated": None}, body=json_of(second))
    feed.data.put("things", {"id": "22", "last_updated": None}, body=json_of(second))
    feed.run_at(DAY_1)
    checks = feed.rows("select verdict, figure, message from checks where \"check\" = 'repeats'")
    assert checks == [
        {
            "verdict": "warning",
            "figure": 1.0,
            "message": "1 ids came with different contents in one run; the latest of each counts",
        }
    ]
    versions = feed.rows("select colour from increment_things where id = 20 order by import_position")
    assert [row["colour"] for row in versions] == ["red", "blue"]
    assert feed.rows("select colour from things where id = 20") == [{"colour": "blue"}]


def test_a_column_that_is_declared_before_it_is_first_sent_has_its_type_from_then_on(feed):
    feed.run_at(DAY_1)
    columns = {**feed.config.resources["things"]["columns"], "size": "integer", "weight": "float"}
    feed.config = feed.config.model_copy(update={"resources": {"things": {"columns": columns}}})
    feed.data.put("things", thing(1, "2026-11-17 12:00:00", colour=None, size="7"))
    result = table_of(feed.run_at(DAY_2), "things").refine
    assert (result.new_columns, [(one.column, one.what) for one in result.drift]) == ((), [("weight", "never sent")])
    assert feed.rows("select id, size from things where id <= 2 order by id") == [
        {"id": 1, "size": 7},
        {"id": 2, "size": None},
    ]
