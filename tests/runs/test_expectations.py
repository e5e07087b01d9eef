"""What is expected of new rows and only told: accepted values, relations, freshness."""

from datetime import datetime

import pytest

from commands import typed_in_process
from conftest import feeding, table_of
from flow.tables import DAY_1, DAY_2
from planlake.simulator.dataset import Dataset
from planlake.simulator.faults import Rule

THINGS = {"id": "integer", "last_updated": "timestamp", "stage": "integer", "kind_id": "integer"}
KINDS = {"id": "integer", "last_updated": "timestamp", "name": "text"}
SETTINGS = """
source: tascomi
resources:
  things:
    columns: {id: integer, last_updated: timestamp, stage: integer, kind_id: integer}
    accepted: {stage: ["1", "2", "3"], never_sent: ["x"]}
    relations: {kind_id: kinds}
  kinds: {columns: {id: integer, last_updated: timestamp, name: text}}
tables: {daily: [things, kinds]}
settings: {attempts: 1}
"""


def thing(identity, changed="2026-11-16 09:00:00", stage="1", kind="1"):
    return {"id": str(identity), "last_updated": changed, "stage": stage, "kind_id": kind}


@pytest.fixture
def feed(tmp_path):
    data = Dataset({"things": THINGS, "kinds": KINDS}, now=datetime.fromisoformat(DAY_1))
    with feeding(data, tmp_path, SETTINGS) as made:
        for identity in range(1, 11):
            data.put("things", thing(identity))
        data.put("kinds", {"id": "1", "last_updated": "2026-11-16 09:00:00", "name": "first"})
        yield made


def warnings(feed, run):
    rows = feed.rows(f"select * from checks where run = {run} and verdict <> 'ok' order by message")
    return [(row["resource"], row["check"], row["column"], row["figure"], row["message"]) for row in rows]


def test_where_all_is_expected_nothing_is_told_and_the_figures_are_kept(feed):
    assert feed.run_at(DAY_1).exit_code == 0
    assert warnings(feed, 1) == []
    kept = feed.rows('select "check", "column" from checks where resource = \'things\'')
    assert {(row["check"], row["column"]) for row in kept} >= {
        ("accepted values", "stage"),
        ("relations", "kind_id"),
        ("freshness", None),
    }


def test_what_is_not_expected_is_told_and_published_all_the_same(feed, monkeypatch, capfd):
    feed.run_at(DAY_1)
    feed.data.put("things", thing(11, "2026-11-17 12:00:00", stage="4", kind="7"))
    feed.data.put("things", thing(12, "2026-11-17 12:00:00", stage=None, kind=None))
    monkeypatch.setenv("PLANLAKE_NOW", DAY_2)
    feed.data.move_to(datetime.fromisoformat(DAY_2))
    said = typed_in_process(monkeypatch, capfd, ("run", "--config", feed.config.folder / "planlake.yaml"))
    assert said.status == 0
    assert warnings(feed, 2) == [
        ("things", "relations", "kind_id", 1.0, "1 rows have a kind_id that is not in kinds"),
        ("things", "accepted values", "stage", 1.0, '1 rows have an unknown stage, "4" for example'),
    ]
    assert "things: 1 rows have a kind_id that is not in kinds" in said.err
    assert len(feed.rows("select * from things")) == 12


def test_an_id_that_the_other_table_brings_in_the_same_run_is_found(feed):
    feed.run_at(DAY_1)
    feed.data.put("things", thing(11, "2026-11-17 12:00:00", kind="2"))
    feed.data.put("kinds", {"id": "2", "last_updated": "2026-11-17 12:00:00", "name": "second"})
    feed.run_at(DAY_2)
    assert warnings(feed, 2) == []


def test_only_new_rows_are_looked_at(feed):
    feed.data.put("things", thing(11, stage="9"))
    feed.run_at(DAY_1)
    assert [one[3] for one in warnings(feed, 1)] == [1.0]
    feed.data.put("things", thing(1, "2026-11-17 12:00:00", stage="2"))
    feed.run_at(DAY_2)
    assert warnings(feed, 2) == []


def test_a_table_that_is_not_published_for_longer_than_twice_its_cadence_is_told(feed):
    feed.run_at(DAY_1)
    feed.fail(Rule(resource="things", status=500, times=None))
    feed.run_at("2026-11-19T03:00:00")
    assert [one[:2] for one in warnings(feed, 2)] == []
    result = feed.run_at("2026-11-20T03:00:00")
    assert table_of(result, "things").outcome in ("open", "failed")
    assert warnings(feed, 3) == [("things", "freshness", None, 3.0, "last published 3 days ago")]
