"""Names in a catalogue: what would stand for something else is refused when the file is read, with a way out."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commands import typed_in_process
from planlake.engines.names import IMPORTED, OWN_TABLES, REFINED
from planlake.errors import ConfigurationError
from planlake.lake.tables.columns import IMPORT_COLUMNS, REFINED_OWN, TABLES
from planlake.lake.views.definitions import GAPS, SNAPSHOT_DATES
from planlake.report.exports.about import ABOUT_TABLE
from planlake.sources.catalogue import known_sources, load_catalogue, resource_from

COLUMNS = {"id": "integer", "last_updated": "timestamp"}
BEGINNINGS = ("current_", "history_", "increment_", "api_response_")


def refused(name, **table):
    with pytest.raises(ConfigurationError) as caught:
        resource_from(name, {"columns": COLUMNS, **table})
    assert caught.value.exit_code == 2
    return caught.value


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        *(("Fees", "fees"), ("planningApplications", "planningapplications"), ("FEES-2", "fees-2")),
        *((f"{beginning}fees", f"the_{beginning}fees") for beginning in BEGINNINGS),
        *((name, f"the_{name}") for name in ("runs", "gaps", "rejected", "api_responses", "planlake_export")),
        *((name, f"the_{name}") for name in ("page_number", "import_date")),
        *((name, f"the_{name}") for name in ("information_schema", "sqlite_master", "pg_class", "duckdb_tables")),
        *(("v2.1", "v2_1"), ("a/b", "a_b")),
    ],
)
def test_a_name_that_no_table_can_have_is_refused_with_another_that_works(name, instead):
    error = refused(name)
    assert error.hint == f"call it {instead}, with path: {name}"
    resource = resource_from(instead, {"columns": COLUMNS, "path": name})
    assert (resource.name, resource.address) == (instead, name)


@pytest.mark.parametrize(
    "name", ["", " ", "a b", "../fees", "..", "fees;drop", "caf\u00e9", "\ud800", "a\nb", "-fees", '"', "n" * 201]
)
def test_a_name_that_is_none_is_refused(name):
    assert refused(name).message == "that is not a valid resource name"


@pytest.mark.parametrize(
    "path", ["/fees", "fees/", "../fees", "a/../b", ".", "a//b", "fees?x=1", "a b", "fees#", "%2e%2e"]
)
def test_a_path_that_leads_elsewhere_is_refused(path):
    assert refused("fees", path=path).message == "path: that is not part of an address"


@pytest.mark.parametrize("kind", ["double", "float", "timestamp", "timestamp_utc", "boolean"])
def test_a_key_of_a_type_that_tells_no_records_apart_is_refused(kind):
    error = refused("fees", columns={"id": kind})
    assert (error.message, error.facts["type"]) == ("a key is integer, long or text", kind)
    assert error.hint == "declare id as text"


@pytest.mark.parametrize("key", ["", "batch", "Record_Hash", "import_date", "valid_from", "planlake_id_range", "a\nb"])
def test_a_key_called_like_a_column_of_planlakes_own_is_refused(key):
    assert refused("fees", key=key, columns={key: "integer"}).message.startswith("key: ")


@pytest.mark.parametrize("changed", ["batch", "IMPORT_DATETIME", "snapshot_date", "a\0b"])
def test_a_time_of_change_called_like_a_column_of_planlakes_own_is_refused(changed):
    assert refused("fees", changed=changed).message.startswith("changed: ")


def test_a_columns_name_that_cannot_be_stored_is_refused():
    assert (
        refused("fees", columns={"id": "integer", "a\ud800": "text"}).message
        == "a column's name holds half a character"
    )


@settings(max_examples=300, deadline=None)
@given(name=st.text(max_size=30), key=st.text(max_size=12), kind=st.sampled_from(("integer", "double", "text")))
def test_any_name_and_any_key_is_taken_or_refused_and_nothing_else(name, key, kind):
    try:
        taken = resource_from(name, {"key": key, "columns": {key: kind}, "changed": ""})
    except ConfigurationError:
        return
    assert (taken.name, taken.key) == (name, key)
    assert name == name.lower()
    assert kind != "double"


def test_a_resource_of_the_file_is_refused_when_it_is_read(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    for name in ("Fees", "current_fees", "runs"):
        (tmp_path / "planlake.yaml").write_text(
            f"api: {{base_url: 'http://127.0.0.1:1'}}\nresources:\n  {name}: {{columns: {{id: integer}}}}\n"
            f"tables: {{daily: [{name}]}}\n"
        )
        for command in (("plan",), ("run",), ("tables",), ("sql", "select 1"), ("status",)):
            said = typed_in_process(monkeypatch, capfd, command)
            assert (said.status, len(said.errors)) == (2, 1), said.everything
            assert f"with path: {name}" in said.err


def test_no_catalogue_of_planlakes_own_has_a_name_that_is_refused():
    for source in known_sources():
        assert load_catalogue(source).resources


def test_the_names_that_are_refused_are_those_that_planlake_has():
    assert set(IMPORT_COLUMNS) == set(IMPORTED)
    assert set(REFINED_OWN) == {*IMPORTED, *REFINED}
    assert {name for _, name in TABLES} | {GAPS, SNAPSHOT_DATES, ABOUT_TABLE} == OWN_TABLES
