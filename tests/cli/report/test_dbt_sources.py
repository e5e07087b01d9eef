"""`planlake export --dbt-sources`: tables as sources of dbt. docs/dbt.md says which dbt it was tried with."""

import json
from datetime import datetime

import pytest
from ruamel.yaml import YAML

from conftest import feeding
from planlake.simulator.dataset import Dataset

LOADED = ["applications", "asset_constraints", "contacts", "fees", "wards"]
KEYS = ("{{ boom }}", "{% if %}", "{# c", "yes", "12", "Receipt Book", 'a"b')


def as_dbt_reads(path):
    """The sources of a file by their names; dbt's YAML is 1.1, where `yes` is true."""
    reader = YAML(typ="safe")
    reader.version = (1, 1)
    found = reader.load(path.read_text(encoding="utf-8"))
    assert found["version"] == 2
    return {one["name"]: one for one in found["sources"]}


def tables_of(source):
    return {one["name"]: one for one in source["tables"]}


@pytest.fixture
def written(typed, lake, tmp_path):
    """Write a sources.yml of these tables."""

    def write(*names):
        said = typed("export", *names, "--dbt-sources", tmp_path / "sources.yml", "--config", lake)
        assert (said.status, said.errors, said.out) == (0, [], "")
        return as_dbt_reads(tmp_path / "sources.yml")

    return write


def test_it_has_the_refined_view_of_every_loaded_table_in_its_database(written):
    sources = written()
    assert [*sources] == ["tascomi_refined"]
    assert sorted(tables_of(sources["tascomi_refined"])) == LOADED
    schema = "{{ var('planlake_schema', 'dataplatform-stg-tascomi-refined-zone') }}"
    assert sources["tascomi_refined"]["schema"] == schema
    assert sources["tascomi_refined"]["database"] == "{{ var('planlake_database', target.database) }}"


def test_tables_and_columns_say_what_they_are(written):
    fees = tables_of(written()["tascomi_refined"])["fees"]
    assert fees["description"].startswith("The latest version of each of fees")
    columns = {one["name"]: one for one in fees["columns"]}
    assert columns["half_fee_concession"]["description"] == "Whether half the fee is due."
    assert columns["fee"]["data_type"] == "double"
    assert [*columns][-1] == "snapshot_date"


def test_tests_are_the_catalogues_checks(written):
    tested = {
        (name, column["name"]): column["data_tests"]
        for name, table in tables_of(written()["tascomi_refined"]).items()
        for column in table["columns"]
        if "data_tests" in column
    }
    assert {place: tests for place, tests in tested.items() if place[1] == "id"} == {
        (name, "id"): ["unique", "not_null"] for name in LOADED
    }
    others = {place: tests for place, tests in tested.items() if place[1] != "id"}
    nearly_filled = [{"not_null": {"config": {"severity": "warn"}}}]
    assert others == {("applications", "application_reference_number"): nearly_filled}


def test_freshness_follows_the_cadence_and_is_of_the_day_that_was_published(written):
    tables = tables_of(written()["tascomi_refined"])
    counts = {name: one["config"]["freshness"]["warn_after"] for name, one in tables.items()}
    assert counts["fees"] == {"count": 3, "period": "day"}
    assert counts["wards"] == {"count": 15, "period": "day"}
    assert "snapshot_year" in tables["fees"]["config"]["loaded_at_field"]


def test_of_other_tables_only_what_is_so_is_said(written):
    sources = written("history_fees", "current_fees", "runs")
    assert [*sources] == ["tascomi_refined", "tascomi_operations"]
    for table in (*tables_of(sources["tascomi_refined"]).values(), *tables_of(sources["tascomi_operations"]).values()):
        assert "config" not in table
        assert [one for one in table["columns"] if "data_tests" in one] == []


def test_names_of_columns_are_those_of_the_table_whatever_they_look_like(typed, tmp_path):
    data = Dataset({"things": {"id": "integer", "last_updated": "timestamp"}}, now=datetime(2026, 11, 17, 3))  # noqa: DTZ001
    record = {"Odd Id": "1", "id": "1", "last_updated": "2026-11-16 09:00:00", "place": "", **dict.fromkeys(KEYS, "x")}
    data.put("things", {"id": "1", "last_updated": record["last_updated"]}, body=json.dumps(record).encode())
    columns = '{"Odd Id": integer, last_updated: timestamp, place: text}'
    settings = f'resources: {{things: {{columns: {columns}, key: "Odd Id", complete: last_updated}}}}\n'
    with feeding(data, tmp_path, f"{settings}tables: {{daily: [things]}}\n") as feed:
        assert feed.run_at("2026-11-17T03:00:00").exit_code == 0
    out = tmp_path / "sources.yml"
    assert typed("export", "--dbt-sources", out, "--config", tmp_path / "planlake.yaml").status == 0
    columns = {one["name"]: one for one in tables_of(as_dbt_reads(out)["tascomi_refined"])["things"]["columns"]}
    escaped = {"{{ boom }}": "{{ '{{' }} boom }}", "{% if %}": "{{ '{%' }} if %}", "{# c": "{{ '{#' }} c"}
    assert {escaped.get(key, key) for key in KEYS} <= columns.keys()
    assert columns["Odd Id"] == {
        "name": "Odd Id",
        "data_type": "integer",
        "quote": True,
        "data_tests": ["unique", "not_null"],
    }
    assert columns["last_updated"]["data_tests"] == [{"not_null": {"config": {"severity": "warn"}}}]


# ---------------------------------------------------------------- the file


def test_it_may_be_written_with_an_export(typed, lake, tmp_path):
    out, sources = tmp_path / "planning.duckdb", tmp_path / "sources.yml"
    said = typed("export", "fees", "--out", out, "--dbt-sources", sources, "--config", lake, "--json")
    told = json.loads(said.out)
    assert ([one["table"] for one in told["tables"]], told["dbt_sources"]) == (["fees"], str(sources))
    assert [*tables_of(as_dbt_reads(sources)["tascomi_refined"])] == ["fees"]
    assert out.is_file()


def test_an_earlier_one_is_replaced_with_force_and_any_other_file_never(typed, lake, tmp_path):
    sources, other = tmp_path / "sources.yml", tmp_path / "schema.yml"
    other.write_text("version: 2\n")
    command = ("export", "fees", "--config", lake, "--dbt-sources")
    assert typed(*command, sources).status == 0
    sources.write_text(sources.read_text() + "# more\n")
    again = typed(*command, sources)
    assert (again.status, again.errors) == (2, [f"Error: {sources} is there already"])
    assert typed(*command, sources, "--force").status == 0
    assert "# more" not in sources.read_text()
    for place in (other, tmp_path, tmp_path / "nowhere/sources.yml"):
        refused = typed(*command, place, "--force", "--out", tmp_path / "planning.duckdb")
        assert refused.status == 2, place
    assert other.read_text() == "version: 2\n"
    assert sorted(tmp_path.iterdir()) == [other, sources]


@pytest.mark.parametrize("more", [(), ("--dbt-sources", "SOURCES", "--as-of", "2026-11-20")])
def test_an_export_without_a_place_is_refused(typed, lake, tmp_path, more):
    arguments = [tmp_path / "sources.yml" if one == "SOURCES" else one for one in more]
    said = typed("export", *arguments, "--config", lake)
    assert (said.status, said.errors) == (2, ["Error: an export needs a place: --out is missing"])
    assert list(tmp_path.iterdir()) == []
