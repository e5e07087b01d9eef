"""Declared columns that are called like others: each has a column of its own, and what is said of it holds there."""

import json
from datetime import datetime

import pytest

from conftest import feeding, table_of
from planlake.config import load_config
from planlake.report.diagrams.diagram import Wanted, diagram
from planlake.simulator.dataset import Dataset

DAY_1, DAY_2, DAY_3 = "2026-11-17T03:00:00", "2026-11-18T03:00:00", "2026-11-19T03:00:00"
OWN = ("record_hash", "import_date", "snapshot_date", "is_deleted", "batch", "page_number", "valid_from")
BEFORE = "2026-11-16 09:00:00"
SETTINGS = """
resources:
  own:
    columns: {id: integer, last_updated: timestamp, record_hash: text, import_date: timestamp, snapshot_date: timestamp,
      is_deleted: boolean, batch: integer, page_number: integer, valid_from: timestamp, "": integer, "a\\nb": integer}
    personal: [batch]
    accepted: {record_hash: [known]}
    relations: {page_number: alike}
  alike:
    columns: {Receipt: integer, receipt: text, RECEIPT: double, ID: text, id: integer, last_updated: timestamp}
  ranged: {columns: {id: integer, planlake_id_range: integer, Planlake_Id_Bucket: text, "planlake place": text}}
tables: {daily: [own, alike, ranged]}
checks: [{table: own, name: no batch below 5, rows: batch_2 < 5}]
"""
VALUES = {
    "record_hash": "known",
    **dict.fromkeys(("import_date", "snapshot_date", "valid_from"), "2001-02-03"),
    "is_deleted": "f",
    "batch": "77",
    "page_number": "78",
    "": "79",
    "a\nb": "80",
}
RANGED = {
    "planlake_id_range": "5",
    "planlake_id_bucket": "six",
    "Planlake_Id_Bucket": "seven",
    "planlake place": "eight",
}
ALIKE = {"Receipt": "11", "receipt": "twelve", "RECEIPT": "13.5", "ID": "mine"}


def put(feed, table, identity, changed=BEFORE, **values):
    body = json.dumps({"id": str(identity), "last_updated": changed, **values}).encode()
    feed.data.put(table, {"id": str(identity), "last_updated": changed}, body=body)


@pytest.fixture(scope="module")
def feed(tmp_path_factory):
    """Three tables, loaded on two days."""
    data = Dataset({name: {"id": "integer"} for name in ("own", "alike", "ranged")}, now=datetime.fromisoformat(DAY_1))
    with feeding(data, tmp_path_factory.mktemp("declared"), SETTINGS) as made:
        for identity, day, changed in ((1, DAY_1, BEFORE), (2, DAY_2, "2026-11-17 09:00:00")):
            put(made, "own", identity, changed, **VALUES)
            put(made, "alike", identity, changed, **ALIKE)
            put(made, "ranged", identity, changed, **RANGED)
            result = made.run_at(day)
            assert [one.outcome for one in result.tables] == ["loaded"] * 3
        yield made


@pytest.mark.parametrize("view", ["own", "current_own", "increment_own", "history_own"])
def test_a_declared_column_called_like_planlakes_own_is_numbered_and_has_its_type(feed, view):
    mine = ", ".join(f"{name}_2::varchar as {name}" for name in OWN)
    rows = feed.rows(
        f'select id, {mine}, "_2" as nameless, "a_b" as nb, batch as own_batch, import_date as own_date from {view}'
    )
    day = "2001-02-03 00:00:00"
    expected = {
        "record_hash": "known",
        "import_date": day,
        "snapshot_date": day,
        "valid_from": day,
        "is_deleted": "false",
    }
    for row in rows:
        values = {**expected, "batch": "77", "page_number": "78", "nameless": 79, "nb": 80}
        assert {name: row[name] for name in values} == values
    assert sorted((row["id"], row["own_batch"], row["own_date"]) for row in rows) == [
        (1, 1, "20261117"),
        (2, 2, "20261118"),
    ]
    (kinds,) = feed.rows(f"select distinct typeof(batch_2) as batch, typeof(is_deleted_2) as deleted from {view}")
    assert kinds == {"batch": "INTEGER", "deleted": "BOOLEAN"}


def test_declared_columns_that_differ_in_case_alone_are_numbered_and_the_key_keeps_its_name(feed):
    rows = feed.rows('select id, "Receipt", receipt_2, "RECEIPT_3", "ID_2" from alike order by id')
    assert [tuple(row.values()) for row in rows] == [(number, 11, "twelve", 13.5, "mine") for number in (1, 2)]


def test_columns_called_like_a_partition_are_numbered(feed):
    rows = feed.rows("select * from ranged order by id")
    for row in rows:
        shown = {name: row[name] for name in row if name.lower().startswith("planlake")}
        assert set(shown.values()) == {5, "six", "seven", "eight"}
    assert [row["id"] for row in rows] == [1, 2]


def test_the_parsed_view_of_raw_has_the_same_columns(feed):
    for table in ("own", "alike", "ranged"):
        (raw, refined) = (feed.rows(f'select * from {place}"{table}"') for place in ('"tascomi-raw-zone".', ""))
        assert raw[0].keys() <= refined[0].keys()
        assert refined[0].keys() - raw[0].keys() <= {f"snapshot_{part}" for part in ("year", "month", "day", "date")}


def test_a_column_that_is_numbered_is_no_drift_and_nothing_is_built_anew(feed):
    assert feed.rows("select * from drift where resource in ('own', 'alike')") == []
    again = feed.run_at(DAY_2, is_full=True)
    assert [one.refine.rebuilt for one in again.tables if one.refine] == [()] * 3


def test_what_is_declared_of_a_numbered_column_is_checked_there(feed):
    put(feed, "own", 3, "2026-11-18 09:00:00", **{**VALUES, "record_hash": "odd", "page_number": "9", "batch": "3"})
    put(feed, "own", 4, "2026-11-18 09:00:00", **{**VALUES, "batch": "Ms Example"})
    feed.run_at(DAY_3)
    told = {row["check"]: row for row in feed.rows("select * from checks where resource = 'own' and run = 4")}
    assert told["accepted values"]["message"] == '1 rows have an unknown record_hash_2, "odd" for example'
    assert (told["accepted values"]["figure"], told["relations"]["figure"]) == (1, 2)
    assert told["no batch below 5"]["figure"] == 1
    (cell,) = feed.rows("select \"column\", raw_value from uncastable where resource = 'own'")
    assert cell == {"column": "batch_2", "raw_value": "[personal, 10 characters]"}
    result = feed.run_at(DAY_3, "own", is_full=True)
    assert table_of(result, "own").refine is None or table_of(result, "own").refine.rebuilt == ()


def test_a_diagram_names_the_columns_that_tables_have(feed):
    for columns in ("keys", "typed", "all"):
        found = diagram(feed.config, Wanted(columns=columns))
        (own,) = [one for one in found.entities if one.table == "own"]
        names = [column.name for column in own.columns]
        assert "page_number_2" in names
        assert not {"page_number", "batch"} & set(names)
        assert ("batch_2" in names) == (columns != "keys")
        assert len(names) == len(set(names))


def test_a_type_that_no_value_has_is_to_be_declared_under_the_key_the_api_has(tmp_path):
    data = Dataset({"own": {"id": "integer"}}, now=datetime.fromisoformat(DAY_1))
    settings = "resources: {own: {columns: {id: integer, batch: integer}}}\ntables: {daily: [own]}\n"
    with feeding(data, tmp_path, settings) as feed:
        for identity in range(1, 40):
            put(feed, "own", identity, batch="none")
        held = feed.run_at(DAY_1)
        (message,) = [one.message for one in held.tables[0].refine.checks if one.verdict == "held"]
        assert message.endswith("declare batch as text")
        settings = settings.replace("batch: integer", "batch: text")
        (tmp_path / "planlake.yaml").write_text(f'api: {{base_url: "{feed.simulator.url}"}}\n{settings}')
        feed.config = load_config(tmp_path / "planlake.yaml")
        assert feed.run_at(DAY_1).exit_code == 0
        assert feed.rows("select distinct batch_2, batch from own") == [{"batch_2": "none", "batch": 1}]


def test_a_numbered_column_keeps_its_name_whatever_is_declared_later(tmp_path):
    data = Dataset({"own": {"id": "integer"}}, now=datetime.fromisoformat(DAY_1))
    settings = "resources: {own: {columns: {id: integer}}}\ntables: {daily: [own]}\n"
    with feeding(data, tmp_path, settings) as feed:
        put(feed, "own", 1, batch="7", Receipt="8")
        feed.run_at(DAY_1)
        assert feed.rows('select batch_2, "Receipt" from own') == [{"batch_2": "7", "Receipt": "8"}]
        settings = settings.replace("id: integer", "id: integer, receipt: text, batch_2: text, batch: integer")
        (tmp_path / "planlake.yaml").write_text(f'api: {{base_url: "{feed.simulator.url}"}}\n{settings}')
        feed.config = load_config(tmp_path / "planlake.yaml")
        put(feed, "own", 2, "2026-11-17 09:00:00", batch="9", Receipt="10", receipt="11", batch_2="12")
        result = feed.run_at(DAY_2)
        assert table_of(result, "own").refine.rebuilt == ("batch_2 is integer now",)
        rows = feed.rows('select batch_2, "Receipt", receipt_2, batch_2_2 from own order by id')
        assert [tuple(row.values()) for row in rows] == [(7, "8", None, None), (9, "10", "11", "12")]
