"""A model reads what it can do without as a table without rows, until that is loaded."""

import pytest

from conftest import feeding
from flow.ingest.served import DAY_1, DAY_2, PATIENCE, TWO_KINDS, two_kinds

SETTINGS = f"{TWO_KINDS}settings: {{{PATIENCE}, rejected_percent: 100, uncastable_percent: 100}}\n"
HEAD = "-- All of both.\n--\n-- kind: {}\n-- optional: {}\n"
BOTH = """select count(n.id) as numbers, count(l.id) as letters, count(l.last_updated) as dated
from refined.numbered as n full join refined.lettered as l on false
"""


@pytest.fixture
def feed(tmp_path):
    with feeding(two_kinds(20), tmp_path, SETTINGS) as made:
        (tmp_path / "models").mkdir()
        yield made


def write(feed, name, text):
    (feed.config.folder / f"models/{name}.sql").write_text(text)


def test_what_a_model_can_do_without_has_no_rows_until_it_is_loaded(feed):
    for kind in ("table", "view"):
        write(feed, f"a_{kind}", HEAD.format(kind, "[lettered]") + BOTH)
    write(feed, "on_view", "select * from trusted.a_view\n")
    write(feed, "in_need", BOTH)
    said = {one.model: (one.outcome, one.message) for one in feed.run_at(DAY_1, "numbered").models}
    assert said == {
        "a_table": ("built", ""),
        "on_view": ("built", ""),
        "in_need": ("waiting", "refined.lettered was not loaded yet"),
    }
    for name in ("a_table", "a_view", "on_view"):
        assert feed.rows(f"from trusted.{name}") == [{"numbers": 21, "letters": 0, "dated": 0}]
    outcomes = {one.model: one.outcome for one in feed.run_at(DAY_2, "lettered").models}
    assert set(outcomes.values()) == {"built"}
    for name in ("a_table", "a_view", "on_view"):
        assert feed.rows(f"from trusted.{name}")[0]["letters"] == 21


@pytest.mark.parametrize("said", ["[people]", "[numbered, wards]", "lettered", "{lettered: 1}"])
def test_what_a_model_does_not_read_it_cannot_call_optional(feed, said):
    write(feed, "both", HEAD.format("table", said) + BOTH)
    result = feed.run_at(DAY_1)
    assert {one.model: one.outcome for one in result.models} == {"both": "failed"}
    assert "does not read refined." in result.models[0].message
