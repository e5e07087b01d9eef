"""No page shows a value or an id of any record, wherever a lake keeps them."""

import json

import pytest

from conftest import feeding
from flow.ingest.served import DAY_1, DAY_2, FIELDS, LETTERED, record, served
from planlake.lake.tables.columns import TABLES
from planlake.report.pages.figures.lake_facts import LEFT_OUT, PERSONAL, open_facts
from planlake.report.pages.write import write_report

SETTINGS = f"""\
source: tascomi
resources: {{people: {{columns: {{{LETTERED}}}}}}}
tables: {{daily: [people]}}
settings: {{attempts: 1, timeout_seconds: 2}}
checks: [{{table: people, name: no Plantedname, rows: "name = 'Plantedname'"}}]
"""


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """A lake in which `Planted` stands in every place that has values: ids, cells, rejected records, addresses."""
    data = served(["people"], page_size=2, now=DAY_1)
    data.fields = {"people": FIELDS | {"id": "text"}}
    with feeding(data, tmp_path_factory.mktemp("lake"), SETTINGS) as feed:
        for number in range(1, 60):
            served_as = {"id": f"Planted-{number}", "amount": "Plantedamount" if number > 30 else "1.5"}
            more = {"name": "Plantedname"} if number == 7 else {}
            line = {**record(number), **served_as, **more}
            data.put("people", record(number), body=_as_json(line))
        data.put("people", record(99), body=_as_json({**record(99), "id": None, "name": "Plantedname"}))
        feed.run_at(DAY_1)
        feed.run_at(DAY_2)
        yield feed


def _as_json(value):
    return json.dumps(value).encode()


def test_what_is_planted_is_in_the_lake(lake):
    kept = {
        "uncastable": "raw_value || id",
        "rejected": "api_response",
        "api_requests": "first_id || last_id",
        "checks": "message",
        "runs": "message",
    }
    for table, columns in kept.items():
        found = lake.rows(f"select count(*)::int as n from {table} where {columns} like '%Planted%'")
        assert found[0]["n"] > 0, table


def test_no_file_of_the_report_shows_it(lake, tmp_path):
    write_report(lake.config, tmp_path)
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert len(files) > 4
    assert [file.name for file in files if b"Planted" in file.read_bytes()] == []
    assert [file.name for file in files if b"/rest/v1" in file.read_bytes()] == []


def test_no_page_can_ask_for_the_columns_that_hold_values(lake):
    with open_facts(lake.config) as facts:
        held = {(table, column) for _, table in TABLES for column in PERSONAL if table not in LEFT_OUT}
        there = set(facts.ask("select table_name, column_name from duckdb_columns() where database_name = 'temp'"))
        assert held & there == set()
        tables = {table for table, _ in there}
        assert {"runs", "checks", "api_requests", "uncastable", "rejected"} <= tables
        assert tables & set(LEFT_OUT) == set()
