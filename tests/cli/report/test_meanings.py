"""`planlake tables` says what columns mean, and finds tables and columns by it."""

import json
from datetime import datetime

import pytest
from rich.cells import cell_len

from conftest import feeding
from planlake.config import Config, load_config
from planlake.lake.about_tables import OF_COLUMNS
from planlake.report.meanings import describe_resource
from planlake.simulator.dataset import Dataset
from planlake.sources.catalogue import catalogue_of
from planlake.sources.meanings import meanings_of

GUESS, SURE = "admin_officer_id", "application_stage"


def rows_of(said):
    assert said.status == 0, said.err
    return json.loads(said.out)


def as_read(text):
    """A screen's lines as one, so that a sentence is found however it is broken."""
    return " ".join(text.split())


def test_a_table_says_what_its_columns_mean_and_keeps_apart_how_that_is_known(typed, lake):
    rows = {row["column"]: row for row in rows_of(typed("tables", "applications", "--json", "--config", lake))}
    known = meanings_of(load_config(lake))["applications"]
    assert {name for name, row in rows.items() if not row["meaning"]} == set()
    assert all(rows[key]["meaning"] == one.said for key, one in known.items() if key in rows)
    assert (rows[GUESS]["confidence"], rows[SURE]["confidence"]) == ("guess", "public")
    assert rows[SURE]["source"] == "council pipeline notes (Hackney, public)"
    assert (rows["snapshot_date"]["meaning"], rows["snapshot_date"]["confidence"]) == (
        "The day of the last snapshot.",
        None,
    )


def test_several_tables_are_shown_one_after_the_other(typed, lake):
    both = rows_of(typed("tables", "wards", "fees", "--json", "--config", lake))
    assert list(both) == ["wards", "fees"]
    assert both["fees"] == rows_of(typed("tables", "fees", "--json", "--config", lake))
    shown = typed("tables", "wards", "fees", "--config", lake).out.splitlines()
    assert [line for line in shown if line in both] == ["wards", "fees"]


@pytest.mark.parametrize("name", ["increment_fees", "current_fees", "history_fees", "DATABASE.fees"])
def test_every_table_and_view_of_a_resource_says_it(typed, lake, name):
    full_name = name.replace("DATABASE", "dataplatform-stg-tascomi-raw-zone")
    rows = {row["column"]: row["meaning"] for row in rows_of(typed("tables", full_name, "--json", "--config", lake))}
    assert rows["half_fee_concession"] == "Whether half the fee is due."
    assert rows["batch"] == OF_COLUMNS["batch"]


def test_it_reads_well_on_eighty_columns_with_coded_values_below(typed, lake, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    said = typed("tables", "applications", "--config", lake)
    assert max(map(cell_len, said.out.split("\n"))) <= 80
    lines = said.out.split("\n")
    place = lines.index("advert_projects_over_highway_public_highway            boolean")
    below = ["    meaning: Whether the advertisement projects over a footpath or other public", "    highway."]
    assert lines[place + 1 : place + 3] == below
    assert "perhaps: Which user in the support team" in as_read(said.out)
    assert "application_stage 10 DECISION ISSUED application_stage 11 UNDER APPEAL" in as_read(said.out)


def test_a_table_of_planlakes_own_has_no_empty_column_of_meanings(typed, lake):
    assert "meaning" not in typed("tables", "runs", "--config", lake).out


def test_a_column_that_is_called_otherwise_than_its_key_has_the_meaning_of_its_key(tmp_path):
    folder = tmp_path / "ours"
    folder.mkdir()
    (folder / "source.toml").write_text("")
    (folder / "trees.toml").write_text('[trees.columns]\nid = "integer"\nbatch = "text"\n')
    head = "resource,column,meaning,label_source,confidence\n"
    (folder / "meanings.csv").write_text(f"{head}trees,batch,Planted together.,our notes,public\n")
    config = Config(source="./ours", folder=tmp_path)
    found = describe_resource(config, catalogue_of(config).resource("trees"))
    assert (found["batch"].column, found["batch"].meaning) == ("batch_2", "Planted together.")


# ---------------------------------------------------------------- search


def found(typed, lake, *words):
    rows = rows_of(typed("tables", "--search", " ".join(words), "--json", "--config", lake))
    return {(row["table"], row["column"]): row for row in rows}


def test_names_of_tables_and_columns_and_meanings_are_searched_in_the_whole_catalogue(typed, lake):
    rows = found(typed, lake, "decision")
    assert rows["decision_levels", None]["is_loaded"] is False
    assert rows["applications", "decision_issued_date"]["is_loaded"] is True
    assert rows["committees", "appeal_decision_from_date"]["is_loaded"] is False
    assert "decision" in rows["applications", "valid_date"]["meaning"]  # not in its name
    assert ("decision_levels", "last_updated") not in rows  # the table's name alone


def test_every_word_counts_and_is_the_beginning_of_one(typed, lake):
    rows = found(typed, lake, "Decision", "DATE")
    assert ("applications", "decision_issued_date") in rows
    assert ("applications", "decision_type_id") not in rows
    assert ("applications", "last_updated") not in found(typed, lake, "date")
    assert ("applications", "application_stage") in found(typed, lake, "applications", "stage")  # one is the table's


def test_how_much_is_filled_is_said_of_loaded_tables_only(typed, lake):
    rows = found(typed, lake, "ward")
    query = "select count(nullif(ward_id::text, '')) / count(*) as share from applications"
    share = rows_of(typed("sql", query, "--format", "json", "--config", lake))[0]["share"]
    assert 0 < share < 1
    assert rows["applications", "ward_id"]["filled"] == pytest.approx(share)
    assert rows["wards", "id"]["filled"] == 1
    assert {row["filled"] for row in rows.values() if not row["is_loaded"]} == {None}


def test_a_search_reads_table_by_table_on_eighty_columns(typed, lake, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    said = typed("tables", "--search", "officer", "--config", lake)
    assert max(map(cell_len, said.out.split("\n"))) <= 80
    assert "applications, loaded" in said.out
    assert "documents, not loaded" in said.out
    assert "%" in said.out.partition("applications, loaded")[2]
    nothing = typed("tables", "--search", "xyzzy", "--config", lake)
    assert (nothing.status, nothing.out) == (0, "")
    assert "no table or column" in nothing.err


def test_a_column_that_nobody_declared_is_found_and_an_empty_text_fills_nothing(typed, tmp_path):
    data = Dataset(
        {"things": {"id": "integer", "last_updated": "timestamp"}}, now=datetime.fromisoformat("2026-11-17T03:00:00")
    )
    for number, text in enumerate((b'"a"', b'""', b"null", b'"b"')):
        head = b'{"id": "%d", "last_updated": "2026-11-16 09:00:00", "Receipt Book": %s, ' % (number, text)
        data.put("things", {"id": str(number), "last_updated": "2026-11-16 09:00:00"}, body=head + b'"batch": "x"}')
    settings = "resources: {things: {columns: {id: integer, last_updated: timestamp}}}\ntables: {daily: [things]}\n"
    with feeding(data, tmp_path, settings) as feed:
        assert feed.run_at("2026-11-17T03:00:00").exit_code == 0
    file = tmp_path / "planlake.yaml"
    rows = found(typed, file, "receipt")
    assert rows["things", "Receipt Book"]["filled"] == 0.5
    assert ("things", "batch_2") in found(typed, file, "batch")
    assert ("things", None) in found(typed, file, "thing")


def test_one_thing_is_asked_for_at_a_time(typed, lake):
    said = typed("tables", "fees", "--search", "fee", "--config", lake)
    assert (said.status, said.errors) == (2, ["Error: tables, --known and --search exclude each other"])
