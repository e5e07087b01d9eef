"""What is known of the API beforehand: the catalogue against the CSV files of facts it was made from."""

import csv
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from planlake.config import Config, Tables
from planlake.errors import ConfigurationError
from planlake.sources.catalogue import catalogue_of, known_sources, load_catalogue

ROOT = Path(__file__).parent.parent.parent
FACTS = Path(os.environ.get("PLANLAKE_TEST_FACTS", ROOT.parent / "shared/reference/tascomi"))
MAP_IMAGE = "gis_map_image_base64"
AS_TEXT = ("asset_constraints", "pre_applications")


def facts(name):
    file = FACTS / f"{name}.csv"
    if not file.is_file():
        pytest.skip(f"NOT COMPARED WITH THE FACTS: {file.name} is absent; PLANLAKE_TEST_FACTS names its folder")
    with file.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def by_resource(rows, of):
    found = {}
    for row in rows:
        found.setdefault(row["resource"], []).append(of(row))
    return found


@pytest.fixture(scope="module")
def catalogue():
    return load_catalogue("tascomi")


def configured(resources=None, **tables):
    return catalogue_of(Config(tables=Tables(**tables), resources=resources or {}))


# ---------------------------------------------------------------- against the facts


def test_every_resource_of_the_facts_is_known_and_no_other(catalogue):
    assert set(catalogue.resources) == {row["resource"] for row in facts("resources")}
    assert len(catalogue.resources) == 73


def test_every_column_has_the_type_of_the_facts(catalogue):
    wanted = by_resource(facts("columns"), lambda row: (row["column"], row["type"]))
    for name, resource in catalogue.resources.items():
        assert dict(resource.columns) == {column: kind for column, kind in wanted[name] if column != MAP_IMAGE}, name


def test_columns_stand_in_the_order_of_the_facts(catalogue):
    wanted = by_resource(facts("columns"), lambda row: row["column"])
    for name, resource in catalogue.resources.items():
        assert list(resource.columns) == [column for column in wanted[name] if column != MAP_IMAGE]


def test_every_resource_has_the_cadence_of_the_facts(catalogue):
    wanted = {row["resource"]: row["cadence"] for row in facts("resources")}
    assert {name: resource.cadence for name, resource in catalogue.resources.items()} == wanted


def test_the_column_checked_for_completeness_is_that_of_the_facts_or_the_id(catalogue):
    wanted = {row["resource"]: row["complete_column_parse"] or "id" for row in facts("resources")}
    assert {name: resource.complete for name, resource in catalogue.resources.items()} == wanted
    assert {resource.complete_minimum for resource in catalogue.resources.values()} == {0.99}


@pytest.mark.parametrize(
    ("how", "field"), [("name", "relations"), ("guess", "relations_guessed"), ("unresolved", "relations_unresolved")]
)
def test_relations_are_those_of_the_facts_with_how_they_were_found(catalogue, how, field):
    wanted = {name: [] for name in catalogue.resources}
    for row in facts("relations"):
        if row["how"] == how:
            wanted[row["resource"]].append((row["column"], row["target_resource"]))
    for name, resource in catalogue.resources.items():
        found = getattr(resource, field)
        if how == "unresolved":
            assert found == tuple(column for column, _ in wanted[name]), name
        else:
            assert dict(found) == dict(wanted[name]), name


def test_columns_left_as_text_keep_the_type_the_vendor_documents(catalogue):
    wanted = {name: {} for name in catalogue.resources}
    for row in facts("columns"):
        if row["documented_type"] not in ("", row["type"]):
            wanted[row["resource"]][row["column"]] = row["documented_type"]
    assert {name: dict(resource.documented_types) for name, resource in catalogue.resources.items()} == wanted
    assert {name for name, columns in wanted.items() if columns} == set(AS_TEXT)


def test_making_the_catalogue_anew_from_the_facts_gives_the_same_bytes(tmp_path):
    facts("resources")
    script = ROOT / "scripts/build_tascomi_catalogue.py"
    subprocess.run([sys.executable, script, FACTS, tmp_path], check=True, capture_output=True, timeout=60)
    kept = ROOT / "src/planlake/sources/tascomi"
    made = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert made == {file.name: file.read_bytes() for file in kept.glob("*.toml") if file.name != "source.toml"}


# ---------------------------------------------------------------- by itself


def test_the_catalogue_holds_what_every_reader_of_it_relies_on(catalogue):
    kinds = Counter(kind for resource in catalogue.resources.values() for kind in resource.columns.values())
    typed = {"integer": 501, "boolean": 462, "timestamp": 328, "float": 102, "double": 13, "long": 11}
    assert {kind: count for kind, count in kinds.items() if kind != "text"} == typed
    assert Counter(one.cadence for one in catalogue.resources.values()) == {"weekly": 27, "none": 25, "daily": 21}
    assert len(catalogue.resources["applications"].columns) == 751
    assert (catalogue.page_size, catalogue.time_zone) == (50, "Europe/London")


def test_every_resource_has_an_id_that_is_its_key(catalogue):
    for name, resource in catalogue.resources.items():
        assert resource.key == "id"
        assert resource.columns["id"] == ("text" if name in AS_TEXT else "integer")


def test_map_pictures_are_dropped_from_every_resource(catalogue):
    assert catalogue.dropped_keys == (MAP_IMAGE,)
    assert [name for name, resource in catalogue.resources.items() if MAP_IMAGE in resource.columns] == []


@pytest.mark.parametrize("name", AS_TEXT)
def test_the_two_tables_whose_users_need_text_are_text_throughout(catalogue, name):
    assert set(catalogue.resources[name].columns.values()) == {"text"}


def test_company_types_alone_has_nothing_that_says_when_a_record_changed(catalogue):
    without = [name for name, resource in catalogue.resources.items() if not resource.changed]
    assert without == ["company_types"]
    for name, resource in catalogue.resources.items():
        assert name == "company_types" or resource.changed in resource.columns


def test_every_relation_leads_from_a_column_to_a_resource_that_is_known(catalogue):
    for resource in catalogue.resources.values():
        for column, target in {**resource.relations, **resource.relations_guessed}.items():
            assert column in resource.columns
            assert target in catalogue.resources


@pytest.mark.parametrize("name", ["contacts", "additional_contacts", "emails", "users", "public_comments"])
def test_tables_of_people_are_personal_in_every_column_but_the_id(catalogue, name):
    resource = catalogue.resources[name]
    assert all(resource.is_personal(column) for column in resource.columns if column != "id")
    assert not resource.is_personal("id")
    assert resource.is_personal("a_key_nobody_declared")


def test_a_key_nobody_declared_is_text(catalogue):
    assert catalogue.resource("fees").type_of("a_key_nobody_declared") == "text"


def test_every_source_is_known_by_name():
    assert known_sources() == ["open_data", "public_register", "tascomi"]


# ---------------------------------------------------------------- names that are wrong


@pytest.mark.parametrize(
    ("wrong", "right"), [("aplications", "applications"), ("Fees", "fees"), ("dtf_location", "dtf_locations")]
)
def test_a_misspelt_resource_is_refused_with_the_nearest_names(catalogue, wrong, right):
    with pytest.raises(ConfigurationError, match=f'no resource is called "{wrong}"') as raised:
        catalogue.resource(wrong)
    assert "did you mean" in raised.value.hint
    assert right in raised.value.hint


def test_a_misspelt_resource_in_the_list_of_tables_is_refused_too():
    with pytest.raises(ConfigurationError, match='no resource is called "wrads"') as raised:
        configured(weekly=("wrads",))
    assert "wards" in raised.value.hint


def test_a_table_may_not_stand_in_both_lists():
    with pytest.raises(ConfigurationError, match='"fees" stands under daily and weekly'):
        configured(daily=("fees",), weekly=("wards", "fees"))


def test_an_unknown_source_is_refused_with_the_known_ones():
    with pytest.raises(ConfigurationError, match='no source is called "tascomy"') as raised:
        load_catalogue("tascomy")
    assert "tascomi" in str(raised.value)


# ---------------------------------------------------------------- resources of the configuration


def test_a_type_can_be_overridden_and_everything_else_stays(catalogue):
    found = configured({"fees": {"columns": {"id": "long", "extra": "boolean"}}}).resource("fees")
    known = catalogue.resource("fees")
    assert found.columns == {**known.columns, "id": "long", "extra": "boolean"}
    assert (found.cadence, found.relations, found.complete) == (known.cadence, known.relations, known.complete)
    assert catalogue.resource("fees").columns["id"] == "integer"


def test_completeness_cadence_and_personal_columns_can_be_overridden():
    table = {"complete": "payment_type", "complete_minimum": 0.5, "cadence": "weekly", "personal": ["notes"]}
    found = configured({"fees": table}).resource("fees")
    assert (found.complete, found.complete_minimum, found.cadence) == ("payment_type", 0.5, "weekly")
    assert found.is_personal("notes")


def test_a_resource_the_catalogue_lacks_can_be_added():
    found = configured({"tree_orders": {"columns": {"id": "integer"}}}, daily=("tree_orders",))
    assert found.resource("tree_orders").columns == {"id": "integer"}
    assert found.resource("tree_orders").changed == "last_updated"


@pytest.mark.parametrize("kind", ["relations", "relations_guessed"])
def test_a_relation_to_a_misspelt_resource_is_refused_with_the_nearest_names(kind):
    with pytest.raises(ConfigurationError, match='relations: no resource is called "wrads"') as raised:
        configured({"fees": {kind: {"ward_id": "wrads"}}})
    assert raised.value.facts == {"resource": "fees", "column": "ward_id"}
    assert "did you mean wards" in raised.value.hint


def test_a_relation_may_lead_to_a_resource_of_the_same_configuration():
    tables = {
        "trees": {"columns": {"id": "integer"}, "relations": {"order_id": "tree_orders"}},
        "tree_orders": {"columns": {"id": "integer"}},
    }
    assert configured(tables).resource("trees").relations == {"order_id": "tree_orders"}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        pytest.param({"columns": {"id": "int"}}, "unknown column type", id="a type that is none"),
        pytest.param({"colums": {"id": "long"}}, 'unknown key "colums"', id="a key that is none"),
        pytest.param({"columns": None}, "columns", id="columns left empty"),
        pytest.param({"columns": ["id"]}, "columns", id="columns as a list"),
        pytest.param({"name": "other"}, "name", id="a name of its own"),
        pytest.param({"cadence": "dayly"}, "dayly", id="a cadence that is none"),
        pytest.param({"personal": "surname"}, "personal", id="personal columns as one word"),
        pytest.param({"key": 3}, "key", id="a key that is a number"),
    ],
)
def test_a_resource_that_is_described_wrongly_is_a_clear_mistake(table, message):
    with pytest.raises(ConfigurationError, match=message):
        configured({"fees": table})


@pytest.mark.parametrize("name", ["../../evil", "a/b", "fees?id=1", "a b", "", "-x", "fees\n", "wärds"])
def test_a_resource_has_a_name_that_cannot_lead_elsewhere(name):
    with pytest.raises(ConfigurationError, match="not a valid resource name"):
        configured({name: {"columns": {"id": "integer"}}})
