"""A made-up Tascomi over three days, a Sunday among them: the lake equals a plain-Python oracle cell by cell."""

from datetime import date, datetime
from itertools import pairwise

import pytest

from conftest import feeding, table_of
from flow.checking import assert_table_equals
from oracle import MAP_IMAGE, Table, changed_on, day_windows
from planlake.simulator.generator import Shape, generate
from planlake.sources.catalogue import load_catalogue

DAYS = ("2026-11-20T03:00:00", "2026-11-21T03:00:00", "2026-11-22T03:00:00")  # Friday to Sunday
DAILY = ("applications", "documents", "contacts", "asset_constraints", "company_types")
WEEKLY = ("wards",)
SETTINGS = f"source: tascomi\ntables: {{daily: [{', '.join(DAILY)}], weekly: [{', '.join(WEEKLY)}]}}\n"
CATALOGUE = load_catalogue("tascomi")
SIZES = dict.fromkeys(CATALOGUE.resources, 3) | {
    "applications": 60,
    "documents": 200,
    "contacts": 120,
    "asset_constraints": 70,
    "wards": 21,
    "company_types": 9,
}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def three_days(tmp_path_factory):
    """The lake after three daily runs, what the oracle says of each table, and the results of the runs."""
    data = generate(CATALOGUE, seed=5, now=datetime.fromisoformat(DAYS[0]), sizes=SIZES, shape=Shape(daily_change=0.05))
    tables = {}
    for name in (*DAILY, *WEEKLY):
        resource = CATALOGUE.resource(name)
        tables[name] = Table(name, resource.columns, changed=resource.changed)
    with feeding(data, tmp_path_factory.mktemp("generated"), SETTINGS) as feed:
        results = []
        for number, moment in enumerate(DAYS):
            if number == 2:
                _change_a_code(data)
            results.append(feed.run_at(moment))
            for table in tables.values():
                _read(table, data.records(table.name), number)
        yield feed, tables, results


def _change_a_code(data):
    for name in ("wards", "company_types"):
        record = data.records(name)[0]
        data.put(name, record | {"name": "Renamed", "submit_date": "2026-11-21 12:00:00"})


def _read(table, records, number):
    """What a run of this day reads: everything the first time, a day's changes after, lists of codes whole."""
    day, first = date.fromisoformat(DAYS[number][:10]), date.fromisoformat(DAYS[0][:10])
    if number == 0 or table.name == "company_types" or (table.name in WEEKLY and number == 2):
        table.read([("full", records)], day)
    elif table.name in DAILY:
        closed = {first} if number == 2 else set()
        days, _ = day_windows(first, day, closed, 60)
        table.read([(str(each), changed_on(records, each)) for each in days], day)


@pytest.mark.parametrize("name", [*DAILY, *WEEKLY])
def test_after_three_days_every_cell_is_what_the_api_said(three_days, name):
    feed, tables, _ = three_days
    assert_table_equals(feed, tables[name], published="20261122")


def test_every_run_is_well_and_the_days_bring_versions(three_days):
    _, tables, results = three_days
    assert [result.exit_code for result in results] == [0, 0, 0]
    for name in ("applications", "documents", "contacts", "asset_constraints"):
        assert {version.batch for version in tables[name].versions} == {1, 2, 3}, name
    assert {version.batch for version in tables["company_types"].versions} == {1, 3}


def test_a_weekly_table_is_read_again_on_sunday_only(three_days):
    _, _, results = three_days
    assert [table_of(result, "wards").outcome for result in results] == ["loaded", "up to date", "loaded"]


def test_a_table_without_last_updated_is_read_whole_each_day(three_days):
    feed, _, results = three_days
    assert [table_of(result, "company_types").outcome for result in results] == ["loaded", "unchanged", "loaded"]
    query = "select distinct \"window\" from api_requests where resource = 'company_types'"
    assert feed.rows(query) == [{"window": "full"}]


def test_an_id_of_text_stays_text(three_days):
    feed, _, _ = three_days
    row = feed.rows("select typeof(id) as id, typeof(last_updated) as changed from asset_constraints limit 1")[0]
    assert row == {"id": "VARCHAR", "changed": "VARCHAR"}


def test_a_column_of_the_vendor_called_position_keeps_its_values(three_days):
    feed, tables, _ = three_days
    told = {v.record["position"] for v in tables["contacts"].latest().values()}
    assert {row["position"] for row in feed.rows("select position from contacts")} == told
    assert any(value and "Officer" in value for value in told)


def test_keys_nobody_declared_are_columns_of_text(three_days):
    feed, tables, _ = three_days
    for name, table in tables.items():
        undeclared = set(table.columns()) - table.types.keys()
        shown = feed.rows(f"describe {name}")
        types = {row["column_name"]: row["column_type"] for row in shown}
        assert {types[column] for column in undeclared} <= {"VARCHAR"}
    assert set(tables["documents"].columns()) - tables["documents"].types.keys()


def test_planted_cells_that_do_not_cast_are_reported_and_their_rows_kept(three_days):
    feed, tables, _ = three_days
    for cell in feed.data.planted:
        if cell.id not in {int(identity) for identity in tables[cell.resource].latest()}:
            continue
        query = f"""select raw_value from uncastable
                    where resource = '{cell.resource}' and id = '{cell.id}' and "column" = '{cell.column}'"""
        assert {row["raw_value"] for row in feed.rows(query)} == {cell.value}
        kept = feed.rows(f'select "{cell.column}" as cell from {cell.resource} where id = {cell.id}')
        assert kept == [{"cell": None}]
    assert sum(len(table.uncastable()) for table in tables.values()) >= len(feed.data.planted)


def test_map_pictures_are_nowhere(three_days):
    feed, _, _ = three_days
    sent = [record for record in feed.data.records("applications") if record.get(MAP_IMAGE)]
    assert sent, "the simulator sends map pictures"
    query = f"select count(*) as n from api_responses where contains(api_response, '{MAP_IMAGE}')"
    assert feed.rows(query) == [{"n": 0}]
    assert MAP_IMAGE not in {row["column_name"] for row in feed.rows("describe applications")}


@pytest.mark.parametrize("name", ["contacts", "asset_constraints"])
def test_the_parsed_view_of_raw_holds_every_key_as_the_text_received(three_days, name):
    feed, tables, _ = three_days
    table = tables[name]
    rows = feed.rows(f'select * from "tascomi-raw-zone".{name}')
    assert len(rows) == len(table.versions)
    held = {(row["id"], row["batch"], row["import_api_url_requested"].split("?")[1]): row for row in rows}
    for version in table.versions:
        row = held[version.record["id"], version.batch, version.query]
        assert {key: row[key] for key in version.record} == version.record


def test_history_says_from_when_until_when_each_version_was_held(three_days):
    feed, tables, _ = three_days
    table = tables["documents"]
    rows = feed.rows("select id, batch, valid_from, valid_to from history_documents order by id, valid_from")
    assert len(rows) == len(table.versions)
    assert len([row for row in rows if row["valid_to"] is None]) == len(table.latest())
    for earlier, later in pairwise(rows):
        if earlier["id"] == later["id"]:
            assert earlier["valid_to"] == later["valid_from"]


def test_each_day_is_still_there_as_it_was_published(three_days):
    feed, tables, _ = three_days
    for number, moment in enumerate(DAYS, start=1):
        table = tables["documents"]
        until = Table(table.name, table.types, versions=[v for v in table.versions if v.batch <= number])
        shown = feed.rows("select id, batch, snapshot_date from documents order by id", as_of=moment[:10])
        expected = [
            {"id": int(identity), "batch": version.batch, "snapshot_date": moment[:10].replace("-", "")}
            for identity, version in sorted(until.latest().items(), key=lambda pair: int(pair[0]))
        ]
        assert shown == expected
