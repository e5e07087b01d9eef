"""What stands in a model's checks and in the user's folder, and is not what it should be."""

import json

import pytest

from flow.ingest.served import DAY_1
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
