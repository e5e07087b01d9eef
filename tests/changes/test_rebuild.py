"""Rebuilding tables from what was received, without asking the API: what differs is told, and it can be taken back."""

import json
from datetime import datetime
from io import StringIO

import pytest

from commands import typed_in_process
from conftest import feeding, written_config
from flow.killing import Killed
from flow.tables import COLUMNS, DAY_1, DAY_2, DAY_3, columns_with
from flow.tables import numbered as thing
from planlake.changes import rebuild as rebuilding
from planlake.changes.rebuild import rebuild
from planlake.changes.rollback import rollback, undo
from planlake.checks.quality import CheckResult
from planlake.engines.duckdb import casting as duckdb
from planlake.errors import ConfigurationError
from planlake.simulator.dataset import Dataset

SETTINGS = f"""
source: tascomi
resources:
  things: {{columns: {{{columns_with()}}}}}
  others: {{columns: {{{columns_with()}}}}}
tables: {{daily: [things, others]}}
"""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    data = Dataset({"things": COLUMNS, "others": COLUMNS}, now=datetime.fromisoformat(DAY_1))
    with feeding(data, tmp_path_factory.mktemp("loaded"), SETTINGS) as made:
        for name in ("things", "others"):
            for identity in range(1, 31):
                data.put(name, thing(identity))
        made.run_at(DAY_1)
        made.data.put("things", thing(2, "2026-11-17 12:00:00", name="later"))
        made.run_at(DAY_2)
        yield made, made.remembered()


@pytest.fixture
def typed(monkeypatch, capfd):
    """Run a command in this process."""
    return lambda *arguments: typed_in_process(monkeypatch, capfd, arguments)


def everything(feed):
    names = ("increment_things", "current_things", "history_things", "things", "others", "uncastable")
    return {name: feed.rows(f"select * from {name} order by all") for name in names}


class Terminal(StringIO):
    """Somebody who types."""

    def isatty(self):
        return True


def requests(feed):
    return feed.rows("select count(*)::int as n from api_requests")[0]["n"]


@pytest.mark.parametrize("origin", ["raw", "increments"])
def test_what_was_right_is_the_same_afterwards_and_the_api_is_not_asked(feed, origin):
    before, asked = everything(feed), requests(feed)
    found = rebuild(feed.config, [], origin=origin)
    assert [(one.table, one.rows_before, one.rows_after, one.added, one.removed, one.changed) for one in found] == [
        ("others", 30, 30, 0, 0, 0),
        ("things", 30, 30, 0, 0, 0),
    ]
    assert everything(feed) == before
    assert requests(feed) == asked
    feed.data.put("things", thing(3, "2026-11-18 12:00:00", name="latest"))
    result = feed.run_at(DAY_3)
    assert result.exit_code == 0
    assert {table.table: table.snapshot.changed for table in result.tables} == {"things": 1, "others": 0}


def test_what_was_wrong_is_mended_told_and_taken_back_with_undo(feed, monkeypatch):
    before = everything(feed)
    days = feed.rows("select * from things order by id", as_of="2026-11-17")
    plain = duckdb._cast_sql

    def doubled(column, kind):
        return f"2 * try_cast({column} as double) as {column}" if kind == "double" else plain(column, kind)

    monkeypatch.setattr(duckdb, "_cast_sql", doubled)
    found = rebuild(feed.config, ["things"])
    assert [(one.table, one.changed) for one in found] == [("things", 30)]
    assert feed.rows("select amount from things where id = 4") == [{"amount": 9.0}]
    assert feed.rows("select amount from others where id = 4") == [{"amount": 4.5}]
    assert feed.rows("select * from things order by id", as_of="2026-11-17") == days
    undo(feed.config, confirm=lambda _: True)
    assert everything(feed) == before


def test_a_table_its_gate_holds_stays_as_it_was_and_the_others_are_made_anew(feed, monkeypatch, typed):
    before = everything(feed)
    plain = duckdb._cast_sql
    nothing = "case when value like '%.5' and value <> '' then null else 0.0 end as value"
    monkeypatch.setattr(duckdb, "_cast_sql", lambda column, kind: nothing if kind == "double" else plain(column, kind))
    said = typed("rebuild", "things", "--config", feed.config.folder / "planlake.yaml")
    assert said.status == 1
    assert "things is as it was: 30 of 30 values of amount do not cast" in said.err
    assert everything(feed) == before


def test_a_rebuild_that_is_killed_between_its_tables_is_finished_by_the_next_run(feed, monkeypatch):
    before = everything(feed)

    def kill(*_arguments, **_more):
        raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr("planlake.changes.rebuild.snapshot", kill)
        rebuild(feed.config, ["things"])
    feed.run_at(DAY_3)
    after = everything(feed)
    assert after["increment_things"] == before["increment_things"]
    assert after["current_things"] == before["current_things"]


def test_a_rebuild_held_at_its_second_step_leaves_nothing_and_the_next_run_goes_on(feed, monkeypatch, typed):
    before, plain = everything(feed), duckdb._cast_sql
    emptied = "case when value like '4.5' and value <> '' then null else try_cast(value as double) end as value"
    written = feed.config.folder / "planlake.yaml"
    checked = written.read_text() + "checks: [{table: things, name: filled, rows: amount is null, holds: true}]\n"
    with monkeypatch.context() as patched:
        patched.setattr(duckdb, "_cast_sql", lambda name, kind: emptied if kind == "double" else plain(name, kind))
        (feed.config.folder / "checked.yaml").write_text(checked)
        said = typed("rebuild", "things", "--config", feed.config.folder / "checked.yaml")
        assert (said.status, "things is as it was" in said.err) == (1, True)
        runs = typed("runs", "3", "--json", "--config", written)
    (told,) = json.loads(runs.out)["tables"]
    assert json.loads(runs.out)["run"]["outcome"] == "nothing rebuilt"
    assert (told["outcome"], {one["check"] for one in told["checks"] if one["verdict"] == "held"}) == (
        "held",
        {"filled"},
    )
    assert {name: rows for name, rows in everything(feed).items() if name != "uncastable"} == {
        name: rows for name, rows in before.items() if name != "uncastable"
    }
    feed.data.put("things", thing(3, "2026-11-18 12:00:00", name="latest"))
    assert feed.run_at(DAY_3).exit_code == 0
    assert feed.rows("select name from things where id = 3") == [{"name": "latest"}]
    with pytest.raises(ConfigurationError, match="nothing to take back"):
        undo(feed.config, confirm=lambda _: True)


def held_at_its_second_step(feed, monkeypatch):
    """Rebuild `things` under a check that holds the new version of `current_`."""
    with monkeypatch.context() as patched:
        held = CheckResult("unique", "held", 1.0, 0.0, message="held by the test")
        patched.setattr("planlake.flow.snapshot.step.unique", lambda *_, **__: held)
        (found,) = rebuild(feed.config, ["things"])
    assert found.trouble == "held by the test"


def test_after_a_rollback_a_held_rebuild_and_undo_every_version_can_be_gone_to(feed, monkeypatch):
    before = everything(feed)
    rollback(feed.config, ["things"], 1, confirm=lambda _: True)
    held_at_its_second_step(feed, monkeypatch)
    undo(feed.config, confirm=lambda _: True)
    assert everything(feed) == before
    assert rollback(feed.config, ["things"], 2, confirm=None) == []  # it is there already
    (shown,) = rollback(feed.config, ["things"], "last-good", confirm=None)
    assert (shown.batches, shown.versions, shown.entry.batch_to) == ((2,), 1, 1)


def test_an_error_nobody_foresaw_in_one_table_is_that_tables_trouble(feed, monkeypatch, typed):
    before, plain = everything(feed), rebuilding.refine

    def broken(context, resource, **more):
        if resource.name == "others":
            raise KeyError("a column")
        return plain(context, resource, **more)

    monkeypatch.setattr(rebuilding, "refine", broken)
    said = typed("rebuild", "others", "things", "--config", feed.config.folder / "planlake.yaml")
    assert (said.status, "others is as it was: internal error: KeyError" in said.err) == (1, True)
    assert everything(feed) == before
    tables = json.loads(typed("runs", "3", "--json", "--config", feed.config.folder / "planlake.yaml").out)["tables"]
    assert [(one["table"], one["outcome"]) for one in tables] == [("others", "failed"), ("things", "rebuilt")]
    assert all(one["seconds"] > 0 for one in tables)
    assert (tables[1]["current_rows"], len(tables[1]["checks"]) > 3) == (30, True)
    assert undo(feed.config, confirm=lambda _: True)[0].resource == "things"


def test_housekeeping_and_comparing_stand_among_the_runs_too(feed, typed):
    place = ("--config", feed.config.folder / "planlake.yaml")
    typed("reconcile", *place)
    typed("maintain", *place)
    found = json.loads(typed("runs", "--json", *place).out)
    assert [(one["run"], one["outcome"]) for one in found[:2]] == [(4, "maintained"), (3, "reconciled")]
    assert found[1]["message"] == "equal to the API"


def test_a_reset_that_must_be_asked_for_lists_the_tables_and_their_rows_first(feed, typed, monkeypatch):
    protected = SETTINGS + "environments: {prod: {warehouse: lake/, protected: true}}\n"
    feed.config, before = written_config(feed.simulator, feed.config.folder, protected), everything(feed)
    command, snapshots = ("reset", "--config", feed.config.folder / "planlake.yaml"), feed.snapshots()
    listed = [["others", "30"], ["things", "30"]]
    said = typed(*command)
    assert (said.status, said.errors) == (2, ["Error: this environment is protected"])
    assert [line.split() for line in said.out.splitlines() if "30" in line] == listed
    assert feed.snapshots() == snapshots
    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    said = typed(*command, "things")
    assert (said.status, "No table was changed" in said.err, feed.snapshots()) == (0, True, snapshots)
    assert [line.split() for line in said.out.splitlines() if "30" in line] == listed[1:]
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    said = typed(*command)
    assert [line.split()[:3] for line in said.out.splitlines() if "30" in line] == [
        *listed,
        ["others", "30", "30"],
        ["things", "30", "30"],
    ]
    assert typed("undo", "--yes", *command[1:]).status == 0
    assert everything(feed) == before
    assert typed("reset", "--yes", *command[1:]).out.count("others") == 1


def test_reset_says_what_it_did(feed, typed):
    said = typed("reset", "--config", feed.config.folder / "planlake.yaml")
    assert said.status == 0
    assert [line.split()[:3] for line in said.out.splitlines() if "30" in line] == [
        ["others", "30", "30"],
        ["things", "30", "30"],
    ]
    said = typed("rebuild", "thinks", "--config", feed.config.folder / "planlake.yaml")
    assert (said.status, "did you mean things" in said.err) == (2, True)
