"""What stands in a model's checks and in the user's folder, and is not what it should be."""

import json

import pytest

from flow.ingest.served import DAY_1, DAY_2, change_two_kinds
from flow.trust.test_trust import built, modelled, write
from planlake.config import load_config


@pytest.fixture
def feed(tmp_path):
    with modelled(tmp_path) as made:
        yield made


def test_accepted_values_are_compared_as_the_column_writes_them_and_are_a_list(feed):
    checked = "--\n--\n-- checks: {{accepted: {{a: {}}}}}\nselect {} as a from refined.numbered\n"
    write(feed, "both", checked.format("[true, false]", "flag"))
    write(feed, "one_only", checked.format("[false]", "id < 3"))
    write(feed, "numbers", checked.format("[1, 2.5]", "case when id < 3 then 1 else 2.5 end"))
    write(feed, "letters", checked.format("abc", "'a'"))
    found = {one.model: (one.outcome, one.message) for one in feed.run_at(DAY_1).models}
    assert found["both"] == ("built", "")
    assert found["one_only"][0] == "held"
    assert found["letters"][0] == "failed"
    assert "the values accepted are lists" in found["letters"][1]


def test_a_shipped_name_that_is_no_text_is_told_and_nothing_is_written_through_a_link(feed, typed):
    folder = feed.config.folder / "models"
    (folder / "agents.sql").write_bytes(b"\xff\xfe")
    (folder / "applicants.sql").mkdir()
    elsewhere = feed.config.folder / "elsewhere.sql"
    (folder / "applications.sql").symlink_to(elsewhere)
    assert typed("model", "copy").status == 0
    assert not elsewhere.exists()
    said = typed("model", "diff", "--json")
    assert said.status == 0
    lines = {one["file"]: one["lines"][-1] for one in json.loads(said.out) if one["state"] == "changed"}
    assert lines == {
        "agents.sql": "+this is not UTF-8 text",
        "applicants.sql": "+this cannot be read: Is a directory",
        "applications.sql": "+this cannot be read: No such file or directory",
    }


def test_a_trial_says_what_a_run_would_say_of_a_table(feed, typed):
    for name, query, said in (
        ("doubled", "select id, id from refined.numbered", "two columns are called id"),
        ("large", "select id, 1e30::hugeint as much from refined.numbered", "a value"),
        ("listed", "select id, [id] as ids from refined.numbered", "a column has a type that no table can have"),
    ):
        write(feed, name, f"{query}\n")
        (built_of_it,) = (one for one in feed.run_at(DAY_1).models if one.model == name)
        assert (built_of_it.outcome, said in built_of_it.message) == ("failed", True)
        found = typed("model", "test", name)
        assert (found.status, said in found.err) == (2, True)
    checked = "--\n--\n-- checks: {accepted: {a: [1.5]}}\nselect 1.50::decimal(4, 2) as a from refined.numbered\n"
    write(feed, "stored", checked)
    assert {one.outcome for one in built(feed).models if one.model == "stored"} == {"built"}
    assert typed("model", "test", "stored").status == 0


def test_hidden_files_are_no_models_and_an_unknown_table_is_told_with_what_may_be_meant(feed, typed):
    for name in (".people", "._people"):
        write(feed, name, "\x00\x05 no SQL")
    found = {one.model for one in feed.run_at(DAY_1).models}
    assert found == {"people", "pairs", "alone"}
    for query, said in (
        ("", "there is no query, only blanks or comments"),
        ("select * from refined.numbred", "hint: did you mean refined.numbered"),
        ("select * from trusted.peple", "hint: did you mean trusted.people"),
        ("select * from mapping.kind", "hint: did you mean mapping.kinds"),
        ('select * from "tascomi-refined-zone".numbered', "hint: did you mean refined.numbered"),
        ("select * from elsewhere.of_others", "hint: a model reads refined.TABLE, trusted.MODEL and"),
    ):
        write(feed, "tried", f"{query}\n")
        assert said in typed("model", "test", "tried").err


def test_a_model_of_raw_records_or_of_gaps_is_built_again_once_more_was_received(feed):
    for name, table in {
        "parsed": "raw.numbered",
        "received": "raw.api_response_numbered",
        "asked": "raw.api_requests",
        "gaps": "operations.gaps",
        "days": "operations.snapshot_dates",
    }.items():
        write(feed, name, f"select count(*)::int as n from {table}\n")
    feed.run_at(DAY_1)
    change_two_kinds(feed.data)
    found = {one.model: one.outcome for one in feed.run_at(DAY_2).models}
    assert [found[name] for name in ("parsed", "received", "asked", "gaps", "days")] == ["built"] * 5
    assert feed.rows("from trusted.parsed") == feed.rows("select count(*)::int as n from raw.numbered")
    assert {one.outcome for one in built(feed).models} == {"up to date"}


def test_a_condition_can_ask_for_the_day_and_for_settings_alone(feed):
    conditions = "{day: \"run_day() > date '2026-01-01'\", few: \"id < setting('most', 100)::integer\"}"
    write(feed, "asking", f"--\n--\n-- checks: {{conditions: {conditions}}}\nselect id from refined.numbered\n")
    assert {one.model: one.outcome for one in feed.run_at(DAY_1).models}["asking"] == "built"


def test_tables_whose_folder_of_models_is_not_where_it_is_said_to_be_are_told(feed, typed):
    feed.run_at(DAY_1)
    folder, file = feed.config.folder / "models", feed.config.folder / "planlake.yaml"
    told = "trusted.people has no model any more"
    folder.rename(feed.config.folder / "elsewhere")
    folder.write_text("a file")
    assert told in typed("status").out
    folder.unlink()
    folder.symlink_to("nowhere")
    assert told in typed("status").out
    folder.unlink()
    file.write_text(f"{file.read_text()}models: {{folder: nothere}}\n")
    feed.config = load_config(file)
    assert told in typed("status").out
    assert any(told in one.message for one in built(feed).models)
