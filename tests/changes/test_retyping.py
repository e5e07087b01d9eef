"""A column that gets another type in the catalogue: what is rebuilt, what survives, and when nothing is."""

import re

import pytest

from changes.retyping import CELLS, declare, loaded
from commands import typed_in_process
from conftest import table_of
from flow.killing import Killed
from flow.tables import DAY_2, DAY_3, LATER
from flow.tables import numbered as thing
from planlake.checks.quality import CheckResult
from planlake.engines.duckdb import casting as duckdb
from planlake.lake.open_lake import open_lake


@pytest.fixture
def feed(tmp_path):
    """A table of 50 records, loaded on the first day; three of them changed on the day after."""
    with loaded(tmp_path) as made:
        for identity in (1, 2, 51):
            made.data.put("things", thing(identity, "2026-11-17 12:00:00", amount="100.25"))
        yield made


@pytest.fixture
def typed(monkeypatch, capfd):
    """Run a command in this process."""
    return lambda *arguments: typed_in_process(monkeypatch, capfd, arguments)


def amounts(feed, *ids, table="things", as_of=None):
    listed = ", ".join(map(str, ids))
    return {row["id"]: row["amount"] for row in feed.rows(f"select * from {table} where id in ({listed})", as_of)}


def requests(feed):
    return feed.rows("select count(*)::int as n from api_requests")[0]["n"]


def test_a_column_that_becomes_text_is_built_anew_from_raw_with_the_very_texts(feed):
    declare(feed, amount="text")
    result = table_of(feed.run_at(DAY_2), "things")
    assert result.outcome == "loaded"
    assert "built anew from raw: amount is text now" in result.message
    assert amounts(feed, 1, 7, 50, 51) == {1: "100.25", 7: "n/a", 50: "50.5", 51: "100.25"}
    assert feed.rows("select typeof(amount) as kind from current_things limit 1") == [{"kind": "VARCHAR"}]
    versions = feed.rows("select batch, amount from increment_things where id = 1 order by batch")
    assert versions == [{"batch": 1, "amount": "1.5"}, {"batch": 2, "amount": "100.25"}]
    assert feed.rows("select * from uncastable") == []


def test_days_before_show_what_was_published_then_with_its_own_type(feed):
    declare(feed, amount="text")
    feed.run_at(DAY_2)
    assert amounts(feed, 1, 7, as_of="2026-11-17") == {1: 1.5, 7: None}
    assert amounts(feed, 1, 7, as_of="2026-11-18") == {1: "100.25", 7: "n/a"}
    names = feed.rows("select * from things limit 1")[0]
    assert list(names)[:4] == ["id", "last_updated", "amount", "name"]


def test_the_tables_stay_the_same_tables_and_later_days_are_small_again(feed):
    lake = open_lake(feed.config)
    before = {name: lake.find("refined", name).metadata.table_uuid for name in lake.names("refined")}
    declare(feed, amount="text")
    feed.run_at(DAY_2)
    feed.data.put("things", thing(3, "2026-11-18 12:00:00", amount="7"))
    result = table_of(feed.run_at(DAY_3), "things")
    assert (result.refine.rows, result.refine.rebuilt, result.snapshot.changed) == (1, (), 1)
    lake = open_lake(feed.config)
    assert {name: lake.find("refined", name).metadata.table_uuid for name in lake.names("refined")} == before


def test_recast_asks_the_api_for_nothing_and_changes_only_what_is_affected(feed, typed):
    file = feed.config.folder / "planlake.yaml"
    feed.run_at(DAY_2)
    asked, before = requests(feed), feed.snapshots()
    said = typed("recast", "--config", file)
    assert (said.status, "nothing to do" in said.err) == (0, True)
    assert {name for name, at in feed.snapshots().items() if at != before[name]} == {"operations.runs"}
    declare(feed, amount="text")
    said = typed("recast", "things", "--config", file)
    assert said.status == 0
    assert "amount is text now" in " ".join(said.out.split())
    assert requests(feed) == asked
    assert amounts(feed, 7) == {7: "n/a"}


def test_a_type_its_values_do_not_have_is_held_and_the_old_version_stays(feed):
    feed.run_at(DAY_2)
    declare(feed, name="integer")
    feed.data.put("things", thing(4, "2026-11-18 12:00:00"))
    held = table_of(feed.run_at(DAY_3), "things")
    assert held.outcome == "held"
    said = r'51 of 51 values of name do not cast, "name \d+" for example; none casts: declare name as text'
    assert re.fullmatch(said, held.message)
    assert feed.rows("select name from things where id = 4") == [{"name": "name 4"}]
    declare(feed)
    assert table_of(feed.run_at("2026-11-19T05:00:00"), "things").outcome == "loaded"
    assert feed.rows('select distinct "column" from uncastable') == [{"column": "amount"}]


@pytest.mark.parametrize("brings_rows", [True, False])
def test_every_cell_of_a_retyped_column_that_is_held_is_told_until_the_type_is_taken_back(feed, brings_rows):
    feed.run_at(DAY_2)
    told = feed.rows(CELLS)
    assert [(row["id"], row["column"], row["wanted_type"]) for row in told] == [("7", "amount", "double")]
    kept = "select batch, id::text as id, name as raw_value from increment_things order by batch, increment_things.id"
    declare(feed, name="integer")
    for day, changed in ((DAY_3, "2026-11-18 12:00:00"), ("2026-11-19T04:00:00", "2026-11-19 01:00:00")):
        if brings_rows:
            feed.data.put("things", thing(4, changed, name=f"other {day}"))
        assert table_of(feed.run_at(day), "things").outcome == "held"
        cells = [{**row, "column": "name", "wanted_type": "integer"} for row in feed.rows(kept)]
        older = [row for row in feed.rows(CELLS) if row["batch"] <= 2]
        assert older == [*told, *(cell for cell in cells if cell["batch"] <= 2)]  # once, however often it is held
        newer = [row for row in feed.rows(CELLS) if row["batch"] > 2]
        assert {row["column"] for row in newer} == ({"name"} if brings_rows else set())
    declare(feed)
    feed.run_at("2026-11-19T05:00:00")
    assert feed.rows(CELLS) == told


def test_an_action_that_goes_back_over_a_new_type_tells_the_cells_of_the_old_one_again(feed, typed):
    file, told = feed.config.folder / "planlake.yaml", feed.rows(CELLS)
    declare(feed, amount="text")
    feed.run_at(DAY_2)
    assert feed.rows(CELLS) == []
    assert typed("rollback", "--to", "2026-11-17", "--zone", "refined", "--yes", "--config", file).status == 0
    assert feed.rows(CELLS) == told
    assert typed("undo", "--config", file).status == 0
    assert feed.rows(CELLS) == []
    assert typed("rollback", "--to", "2026-11-17", "--zone", "refined", "--yes", "--config", file).status == 0
    declare(feed)
    assert table_of(feed.run_at(DAY_3), "things").refine.rebuilt == ()
    assert feed.rows(CELLS) == told


def test_a_record_that_was_refused_is_told_again_where_what_made_it_usable_is_undone(feed, monkeypatch, typed):
    feed.data.put("things", {"id": "60", "last_updated": "2026-11-17 10:00:00"}, body=b'{"id":"6O","amount":"odd"}')
    feed.run_at(DAY_2)
    told = "select * exclude (run) from rejected", 'select * exclude (run) from uncastable order by id, "column"'
    before = [feed.rows(query) for query in told]
    assert [len(rows) for rows in before] == [1, 3]
    with monkeypatch.context() as patched:
        accept_letter_o(patched)
        feed.run_at(DAY_3)
        assert feed.rows(told[0]) == []
        monkeypatch.setenv("PLANLAKE_NOW", "2026-11-19T04:00:00")
        file = feed.config.folder / "planlake.yaml"
        assert typed("rollback", "--to", "2026-11-18", "--yes", "--config", file).status == 0
    assert len(feed.rows("select * from things where id = 60")) == 0
    assert feed.rows(told[0]) == before[0]


def test_batches_that_come_back_by_an_undo_are_told_again_though_later_ones_were_refined_meanwhile(feed, typed):
    file = feed.config.folder / "planlake.yaml"
    feed.data.put("things", thing(8, "2026-11-17 12:00:00", amount="bad"))
    feed.run_at(DAY_2)
    told = feed.rows(CELLS)
    assert [(row["batch"], row["id"]) for row in told] == [(1, "7"), (2, "8")]
    assert typed("rollback", "--to", "2026-11-17", "--zone", "all", "--yes", "--config", file).status == 0
    assert feed.rows(CELLS) == told[:1]
    feed.data.put("things", thing(9, "2026-11-17 13:00:00", amount="worse"))
    feed.run_at(DAY_3)
    assert [(row["batch"], row["id"]) for row in feed.rows(CELLS)] == [(1, "7"), (3, "8"), (3, "9")]
    assert typed("undo", "--config", file).status == 0
    assert feed.rows(CELLS) == told


def test_a_rebuild_that_is_held_at_its_second_step_leaves_what_was_told(feed, monkeypatch, typed):
    feed.run_at(DAY_2)
    told = feed.rows(CELLS)
    declare(feed, amount="text")
    with monkeypatch.context() as patched:
        patched.setattr(
            "planlake.flow.snapshot.step.unique",
            lambda *_, **__: CheckResult("unique", "held", 1.0, 0.0, message="held"),
        )
        assert typed("rebuild", "things", "--config", feed.config.folder / "planlake.yaml").status == 1
    assert feed.rows(CELLS) == told


def test_the_type_of_the_key_cannot_change_and_whoever_tries_is_told_what_it_was(feed, typed):
    declare(feed, id="text")
    file = feed.config.folder / "planlake.yaml"
    result = table_of(feed.run_at(DAY_2), "things")
    told = "the type of a key cannot change once a table is loaded: declare id as integer again"
    assert (result.outcome, result.message) == ("failed", f"{told} (resource=things, type=text)")
    for command in (("reset", "things"), ("rebuild", "things"), ("reset",)):
        said = typed(*command, "--config", file)
        assert (said.status, said.out) == (1, "")
        assert said.err.splitlines() == [f"things is as it was: {told} (resource=things, type=text)"]
    assert len(feed.rows("select * from things")) == 50
    declare(feed)
    assert typed("reset", "things", "--config", file).status == 0
    assert typed("undo", "--config", file).status == 0
    feed.run_at(DAY_3)
    assert len(feed.rows("select * from things")) == 51


def test_a_retyped_column_that_is_killed_between_its_two_tables_is_finished_by_the_next_run(feed, monkeypatch):
    declare(feed, amount="text")

    def kill(*_arguments):
        raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr("planlake.runs.table_run.snapshot", kill)
        feed.run_at(DAY_2)
    assert amounts(feed, 7) == {7: None}
    assert amounts(feed, 7, table="increment_things") == {7: "n/a"}
    feed.run_at("2026-11-18T05:00:00")
    assert amounts(feed, 1, 7, 51) == {1: "100.25", 7: "n/a", 51: "100.25"}


def test_refused_records_are_read_again_on_every_run_until_they_are_usable(feed, monkeypatch):
    feed.data.put("things", {"id": "60", "last_updated": "2026-11-17 10:00:00"}, body=b'{"id":"6O","name":"odd"}')
    feed.data.put("things", {"id": "61", "last_updated": "2026-11-17 10:00:00"}, body=b'{"id":null,"name":"none"}')
    feed.run_at(DAY_2)
    assert len(feed.rows("select * from rejected")) == 2
    result = table_of(feed.run_at("2026-11-18T05:00:00"), "things")
    assert result.refine.rebuilt == ()

    accept_letter_o(monkeypatch)
    result = table_of(feed.run_at(DAY_3), "things")
    assert result.refine.rebuilt == ("1 refused records are usable now",)
    assert feed.rows("select id, name from things where id = 60") == [{"id": 60, "name": "odd"}]
    assert [row["id"] for row in feed.rows("select id from rejected")] == [None]
    assert len(feed.rows("select * from things")) == 52


def accept_letter_o(monkeypatch):
    """As a new version of Planlake would: a letter O in a whole number is a nought."""
    plain = duckdb._cast_sql

    def mended(column, type_name):
        if type_name != "integer":
            return plain(column, type_name)
        return f"try_cast(replace(\"{column}\", 'O', '0') as integer) as \"{column}\""

    monkeypatch.setattr(duckdb, "_cast_sql", mended)


def test_recast_finds_values_that_cast_since(feed, monkeypatch, typed):
    plain = duckdb._cast_sql
    monkeypatch.setattr(
        duckdb,
        "_cast_sql",
        lambda column, kind: (
            plain(column, kind).replace("case when", "case when \"value\" = 'n/a' then 0 when")
            if kind == "double"
            else plain(column, kind)
        ),
    )
    feed.run_at(LATER)
    assert amounts(feed, 7) == {7: None}
    said = typed("recast", "--config", feed.config.folder / "planlake.yaml")
    assert "1 values of amount cast now" in " ".join(said.out.split())
    assert amounts(feed, 7) == {7: 0.0}
    assert feed.rows("select * from uncastable") == []
