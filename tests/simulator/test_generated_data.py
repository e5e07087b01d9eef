"""The generated records look like Tascomi's, and change as days pass."""

import re
from datetime import datetime, timedelta
from urllib.request import urlopen

import pytest

from planlake.errors import ConfigurationError
from planlake.simulator.generator import generate
from planlake.simulator.server import Simulator
from simulator.conftest import NOW, SMALL

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?")
PATTERNS = {
    "integer": re.compile(r"-?\d{1,9}"),
    "long": re.compile(r"-?\d+"),
    "float": re.compile(r"-?\d+(\.\d+)?"),
    "double": re.compile(r"-?\d+(\.\d+)?"),
    "boolean": re.compile("[tf]"),
    "timestamp": TIMESTAMP,
    "text": re.compile(".*", re.DOTALL),
}


def everything(data):
    return {resource: data.records(resource) for resource in data.fields}


def test_the_same_seed_gives_the_same_records_and_another_seed_others(catalogue, data):
    assert everything(generate(catalogue, seed=7, now=NOW, sizes=SMALL)) == everything(data)
    assert generate(catalogue, seed=8, now=NOW, sizes=SMALL).records("fees") != data.records("fees")


def test_every_resource_has_records_and_each_record_every_key_in_the_same_order(catalogue, data):
    assert set(data.fields) == set(catalogue.resources)
    for resource, records in everything(data).items():
        assert records, resource
        assert all(list(record) == list(data.fields[resource]) for record in records)
        assert catalogue.resource(resource).columns.keys() <= data.fields[resource].keys()


def test_applications_have_752_keys_and_documents_40(data):
    assert (len(data.fields["applications"]), len(data.fields["documents"])) == (752, 40)


def test_every_value_is_a_string_of_its_type_or_null_but_for_the_planted_ones(data):
    uncastable = {
        (resource, int(record["id"]), column, value)
        for resource, records in everything(data).items()
        for record in records
        for column, value in record.items()
        if value is not None and not PATTERNS[data.fields[resource][column]].fullmatch(value)
    }
    planted = {cell for cell in data.planted if cell.value != "0000-00-00 00:00:00"}
    assert uncastable == planted
    assert len(data.planted) == 8
    for resource, identity, column, value in data.planted:
        assert data.record(resource, identity)[column] == value


def test_planted_cells_survive_the_changes_of_a_month(fresh):
    fresh.move_to(NOW + timedelta(days=30))
    assert all(fresh.record(each.resource, each.id)[each.column] == each.value for each in fresh.planted)


def test_foreign_keys_resolve_even_after_a_month_of_changes(catalogue, fresh):
    fresh.move_to(NOW + timedelta(days=30))
    known = {resource: {str(identity) for identity in fresh.ids(resource)} for resource in fresh.fields}
    for name, resource in catalogue.resources.items():
        for column, target in {**resource.relations, **resource.relations_guessed}.items():
            used = {record[column] for record in fresh.records(name)} - {None}
            assert used <= known[target], (name, column)


def test_some_records_have_no_last_updated_and_some_one_of_an_older_system(catalogue):
    data = generate(catalogue, now=NOW)
    moments = [record["last_updated"] for record in data.records("documents")]
    assert 1 <= moments.count(None) <= 20
    assert any(moment.startswith("1998") for moment in moments if moment)
    assert any("." in moment for moment in moments if moment)
    assert max(moment for moment in moments if moment) < "2026-11-23 03:00:00.1"
    assert "last_updated" not in data.fields["company_types"]


def test_between_12_and_41_in_100_cells_of_an_application_are_set(data):
    records = data.records("applications")
    share = sum(value is not None for record in records for value in record.values()) / len(records) / 752
    assert 0.12 <= share <= 0.41


def test_text_is_varied_escaped_and_not_only_ascii(data):
    proposals = [record["proposal"] for record in data.records("applications") if record["proposal"]]
    assert len(set(proposals)) > len(proposals) * 0.8
    text = str(everything(data))
    assert "&#39;" in text
    assert "&amp;" in text
    assert "ï" in text


def test_a_geometry_is_hex_ewkb_of_the_british_national_grid(data):
    shapes = [record["the_geom"] for record in data.records("applications") if record["the_geom"]]
    assert all(shape.startswith("0103000020346C0000") for shape in shapes)


def test_some_applications_carry_a_map_picture(catalogue):
    pictures = [record["gis_map_image_base64"] for record in generate(catalogue, now=NOW).records("applications")]
    assert 10 < len([picture for picture in pictures if picture]) < 200


def test_an_application_is_received_before_it_is_decided_and_never_decided_in_the_future(data):
    for record in data.records("applications"):
        decided = record["decision_issued_date"]
        if decided and not decided.startswith("0000"):
            assert record["received_date"] <= decided < "2026-11-24"


def test_a_clock_moved_in_one_step_or_in_many_gives_the_same_records(catalogue, fresh):
    fresh.move_to(NOW + timedelta(days=5))
    other = generate(catalogue, seed=7, now=NOW, sizes=SMALL)
    for hours in range(7, 5 * 24 + 7, 7):
        other.move_to(min(NOW + timedelta(hours=hours), NOW + timedelta(days=5)))
    assert everything(other) == everything(fresh)


def test_a_day_brings_updates_new_records_at_the_end_and_a_few_changes_after_midnight(fresh):
    before = {record["id"]: record for record in fresh.records("documents")}
    fresh.move_to(NOW + timedelta(days=1))
    after = fresh.records("documents")
    new = [record for record in after if record["id"] not in before]
    changed = [record for record in after if before.get(record["id"], record) != record]
    assert new
    assert changed
    assert min(int(record["id"]) for record in new) > max(map(int, before))
    moments = {record["last_updated"][:10] for record in new + changed}
    assert moments == {"2026-11-23", "2026-11-24"}


def test_look_ups_rest_on_most_days(fresh):
    before = fresh.records("wards"), fresh.records("application_types"), fresh.records("titles")
    fresh.move_to(NOW + timedelta(days=1))
    assert (fresh.records("wards"), fresh.records("application_types"), fresh.records("titles")) == before


def test_now_and_then_a_record_of_a_big_table_is_deleted(fresh):
    before = {resource: set(fresh.ids(resource)) for resource in ("applications", "contacts", "documents")}
    fresh.move_to(NOW + timedelta(days=30))
    assert any(ids - set(fresh.ids(resource)) for resource, ids in before.items())


def test_the_clock_does_not_go_back(fresh):
    with pytest.raises(ConfigurationError, match="only moves on"):
        fresh.move_to(NOW - timedelta(days=1))


def test_sizes_of_a_resource_nobody_knows_are_refused(catalogue):
    with pytest.raises(ConfigurationError, match="aplications"):
        generate(catalogue, now=NOW, sizes={"aplications": 5})


def test_an_empty_table_is_possible_and_nothing_points_into_it(catalogue):
    data = generate(catalogue, now=datetime.fromisoformat("2026-11-23"), sizes={"wards": 0, "applications": 5})
    assert data.records("wards") == []
    assert {record["ward_id"] for record in data.records("applications")} == {None}


@pytest.mark.slow
def test_100_000_records_are_served(catalogue):
    data = generate(catalogue, now=NOW, sizes={"documents": 62_000, "contacts": 30_000})
    assert sum(map(data.count, data.fields)) >= 100_000
    with Simulator(data) as simulator, urlopen(f"{simulator.url}/documentation.html") as page:
        assert page.status == 200
