"""Examples of values: what is longer than an example is forgotten too, and nothing of it ever leaves the lake."""

from datetime import datetime, timedelta

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from changes.remains import remains
from conftest import feeding
from documenting import documented, save
from planlake.changes.forget import forget
from planlake.checks.examples import (
    EXAMPLE_LENGTH,
    as_example,
    with_examples_forgotten,
    without_examples,
    without_values,
)
from planlake.checks.quality import Cells, casts, reasons
from planlake.engines.sql import literal
from planlake.flow.open_run import open_for_writing
from planlake.inspection.documentation import compare
from planlake.lake.state.operations import append_operations
from planlake.lake.views.personal import without_examples_sql
from planlake.runs.plan import Selection
from planlake.runs.run import run
from planlake.setup.try_table import try_out
from planlake.simulator.dataset import Dataset
from planlake.telemetry.progress import ignore

NOW = datetime.fromisoformat("2026-11-10T03:00:00")
COLUMNS = {"id": "integer", "last_updated": "timestamp", "amount": "integer", "kind": "text", "notes": "text"}
SETTINGS = f"""
source: tascomi
resources:
  things: {{columns: {str(COLUMNS | {"size": "integer"}).replace("'", "")}, accepted: {{kind: [usual]}}}}
  kept_back: {{columns: {{id: integer, last_updated: timestamp, amount: integer}}}}
tables: {{daily: [things, kept_back]}}
settings: {{uncastable_cells: 3}}
lineage: {{to: file:events.jsonl}}
"""
NAME = "Wilhelmina"


def long(about):
    """A value of 56 characters, of which every example shows the name."""
    return f"{NAME} {about} of 12 Mare Street, the flat above the bakery, London".ljust(56, ".")[:56]


def put(feed, about):
    """Nine things of which one is a person's, and four records of hers that are kept back."""
    fresh = {"last_updated": "2026-11-09 09:00:00", "amount": "1", "kind": "usual", "notes": "n/a", "size": "1"}
    for number in range(1, 10):
        feed.data.put("things", {**fresh, "id": str(number)})
    named = {name: long(f"{about} {name}") for name in ("amount", "kind", "notes")}
    feed.data.put("things", {**fresh, "id": "7", **named, "size": {"of": long(f"{about} size"), "in": 1.50}})
    for number in range(4):
        feed.data.put("kept_back", {"id": str(number), "last_updated": fresh["last_updated"], "amount": long(about)})


def plant_as_earlier_versions_did(feed, environment=None):
    value = long("first kind")
    said = (
        f'1 of 9 values of kind do not cast, "{value[:20]}..." for example',
        f"kind: 1 of 9 values are no integer, {value[:40]} for example",
        f"1 rows have a kind nobody knows, {value} for example",
        f"internal error: ValueError: cannot read {value[:30]!r}",
    )
    with open_for_writing(feed.config, environment, ignore) as context:
        for resource in ("things", None):
            rows = [{"run": 1, "resource": resource, "outcome": "tried", "message": text} for text in said]
            append_operations(context.lake, "runs", rows)
        append_operations(context.lake, "checks", [{**row, "resource": "things", "check": "own"} for row in rows])


def test_no_value_longer_than_an_example_is_left_of_a_record_that_is_forgotten(tmp_path, capfd):
    data = Dataset({"things": COLUMNS, "kept_back": COLUMNS}, now=NOW)
    with feeding(data, tmp_path, SETTINGS) as feed:
        put(feed, "first")
        assert [table.outcome for table in feed.run_at(NOW.isoformat()).tables] == ["loaded", "held"]
        types = {"id": "integer", "last_updated": "timestamp without time zone", "amount": "integer"}
        sections = documented() | {"things": types | {"kind": "text", "notes": "integer", "size": "integer"}}
        page = save(sections | {"kept_back": types}, tmp_path / "page.html")
        compare(feed.config, docs=str(page))
        put(feed, "sampled")
        for table in ("things", "kept_back"):
            try_out(feed.config, table, f"try-{table}")
        try_out(feed.config, "things", "put-aside")
        put(feed, "first")
        run(feed.config, Selection(tables=("things",)), environment="put-aside")
        for environment in (None, "try-things"):
            plant_as_earlier_versions_did(feed, environment)
        said = capfd.readouterr().err
        assert '"event": "step ended"' in said
        assert NAME not in said
        assert NAME not in (tmp_path / "events.jsonl").read_text(encoding="utf-8")
        places = {name.split("/")[-3] for name, *_ in remains(tmp_path, (NAME,))}
        assert places >= {"runs", "checks", "drift", "uncastable", "api_responses"}
        for resource, identity in (("things", "7"), *(("kept_back", str(number)) for number in range(4))):
            forget(feed.config, resource, identity, confirm=lambda _: True)
        assert remains(tmp_path, (NAME,)) == []
        others = {row["notes"] for row in feed.rows("select notes from things")}
        assert others == {"n/a"}


def test_examples_of_others_stay(tmp_path):
    with feeding(Dataset({"things": COLUMNS}, now=NOW), tmp_path, SETTINGS.replace(", kept_back]", "]")) as feed:
        feed.data.put("things", {"id": "1", "last_updated": "2026-11-09 09:00:00", "kind": "odd", "amount": "none"})
        feed.data.put("things", {"id": "2", "last_updated": "2026-11-09 09:00:00", "kind": "usual", "amount": "2"})
        feed.run_at(NOW.isoformat())
        query = "select message from checks where message is not null order by message"
        before = feed.rows(query)
        assert ['"none" for example' in row["message"] for row in before].count(True) == 1
        forget(feed.config, "things", "2", confirm=lambda _: True)
        assert feed.rows(query) == before
        feed.run_at((NOW + timedelta(days=1)).isoformat())


@pytest.mark.parametrize(
    "value", ["4", "x" * EXAMPLE_LENGTH, long("any"), 'says "no" for example', "two\nlines", "a\\b"]
)
def test_whatever_an_example_shows_is_found_again(value):
    message = f"1 of 2 values of kind do not cast, {as_example(value)} for example; declare kind as text"
    hidden = '1 of 2 values of kind do not cast, "[forgotten]" for example; declare kind as text'
    assert without_values(message, ["another", value]) == hidden
    assert without_values(message, ["another", f"not {value}"]) == message
    assert with_examples_forgotten(message).replace('"', "") == hidden.replace('"', "")
    assert without_examples(message) == "1 of 2 values of kind do not cast; declare kind as text"
    assert without_examples(f"internal error: OSError: {value}") == "internal error: OSError"


# Values that write what messages write around them; of each sign in them that messages lack nothing may be left.
PIECES = [
    '" for example',
    " for example",
    ", ",
    '"',
    "; ",
    "; none casts: declare",
    "...",
    "\n",
    "\\x41",
    "[personal, 5]",
    "é",
]
CONNECTION = duckdb.connect()
HOSTILE = st.lists(st.sampled_from(PIECES) | st.just("Ж"), min_size=1, max_size=9).map("".join)


def in_sql(message):
    """A message as pages, models and views show it."""
    return CONNECTION.execute(f"select {without_examples_sql('said')} from (select ? as said)", [message]).fetchall()[
        0
    ][0]


@settings(max_examples=100, deadline=None)
@given(st.lists(HOSTILE, min_size=1, max_size=3))
def test_of_several_checks_each_keeps_its_words_and_no_value_is_left(values):
    columns = [Cells(f"day_{at}", f"day_{at}", 226, 226, as_example(value)) for at, value in enumerate(values)]
    results = casts(columns, percent=5, at_least=3)
    plain = reasons(results, has_examples=False)
    assert in_sql(reasons(results)) == plain
    assert without_examples(reasons(results)) == plain


@settings(max_examples=100, deadline=None)
@given(HOSTILE, HOSTILE)
def test_nothing_is_left_of_a_value_that_an_earlier_version_showed_without_quotes(value, other):
    said = f"226 of 226 values of day do not cast, {value[:40]} for example; 3 of 9 values of kind do not cast"
    for message in (said, f"{said}, {as_example(other)} for example"):
        assert "Ж" not in in_sql(message)
        assert "Ж" not in without_examples(message)


def test_a_held_table_says_the_whole_of_each_check():
    """The first check ran into the third: `none casts: declare` named a column of another check."""
    columns = [Cells(f"day_{at}", f"day_{at}", 226, 226, as_example(f"{at} May")) for at in range(18)]
    said = in_sql(reasons(casts(columns, percent=5, at_least=3)))
    assert said.split("; ")[:3] == [
        "226 of 226 values of day_0 do not cast",
        "none casts: declare day_0 as text",
        "226 of 226 values of day_1 do not cast",
    ]
    assert said.endswith("; and 15 more checks")


@pytest.mark.parametrize("value", ["O'Neil", "''", "plain"])
def test_a_value_that_the_condition_of_a_check_names_is_found_again(value):
    said = f"2 rows where surname = {literal(value)} and id > 3"
    assert without_values(said, [value]) == '2 rows where surname = "[forgotten]" and id > 3'


def test_a_personal_value_is_no_example_however_often_it_is_masked():
    hidden = as_example("Jane Doe", is_personal=True)
    assert hidden == "[personal, 8 characters]"
    assert as_example(hidden) == as_example(hidden, is_personal=True) == hidden
