"""Previews beside a base that goes on, and after crashes: nothing is lost, counted twice, or taken for another's."""

from datetime import date, timedelta

import pytest

from changes.test_previews import (
    NAME,
    TABLES,
    change,
    day,
    declared,
    everything,
    loaded,
    pins,
    rows,
    run_in,
    shown,
    yes,
)
from flow.killing import killed
from planlake.changes import promote as promoting
from planlake.changes import rollback as rolling
from planlake.changes.previews import create, promote
from planlake.changes.rebuild import rebuild
from planlake.changes.rollback import rollback, undo
from planlake.config import load_config
from planlake.engines.duckdb.connection import connected
from planlake.errors import ConfigurationError, QualityError
from planlake.lake.open_lake import open_lake
from planlake.lake.previews import own_tables as previews
from planlake.lake.state import landing as arrivals
from planlake.lake.state.ledger import voided_batches
from planlake.lake.tables.format import FORMAT_PROPERTY

__all__ = ["loaded"]  # fixtures


def configured(feed, text):
    file = feed.config.folder / "planlake.yaml"
    file.write_text(f'api: {{base_url: "{feed.simulator.url}"}}\n{text}')
    feed.config = load_config(file)


def voided(feed, table="things"):
    with connected(200) as connection:
        return voided_batches(open_lake(feed.config), connection, table)


# ---------------------------------------------------------------- numbers of runs and requests


def test_a_base_that_goes_on_after_a_promoted_rebuild_builds_its_tables_anew_as_ever(feed):
    create(feed.config, NAME)
    rebuild(feed.config, ["things"], environment=NAME)
    promote(feed.config, NAME, [], confirm=yes)
    configured(feed, declared(amount="text"))
    change(feed, 2)
    run_in(feed, day(2), "things", environment=None)
    lake = open_lake(feed.config)
    tables = [lake.find("refined", f"{kind}_things") for kind in ("increment", "current")]
    assert [str(table.schema().find_field("amount").field_type) for table in tables] == ["string", "string"]


def test_raw_rows_that_a_killed_run_left_never_count_whatever_is_promoted(feed, monkeypatch):
    create(feed.config, NAME)
    change(feed, 2)
    run_in(feed, day(2), "things")
    raw = 'select id, name from "tascomi-raw-zone".things order by all'
    tried, parsed = everything(feed, environment=NAME), rows(feed, raw, NAME)
    later = day(2) + timedelta(minutes=1)
    killed(monkeypatch, arrivals, "commit", lambda: run_in(feed, later, "things", environment=None), calls=2)
    promote(feed.config, NAME, [], confirm=yes)
    assert rows(feed, raw) == parsed
    rebuild(feed.config, ["things"])
    assert everything(feed) == tried


def test_no_two_requests_have_one_number_when_two_previews_are_promoted(feed):
    create(feed.config, "a")
    create(feed.config, "b")
    change(feed, 2)
    run_in(feed, day(2), "things", environment="a")
    run_in(feed, day(2), environment="b")
    promote(feed.config, "a", [], confirm=yes)
    with pytest.raises(QualityError, match="things cannot be promoted: its base was read"):
        promote(feed.config, "b", [], confirm=yes)
    promote(feed.config, "b", ["others"], confirm=yes)
    assert rows(feed, "select request_id from api_requests group by 1 having count(distinct resource) > 1") == []
    joined = "select count(*) as n from api_responses"
    assert rows(feed, f"{joined} join api_requests using (request_id)") == rows(feed, joined)


def test_a_preview_whose_files_are_gone_stops_no_run_of_its_base(feed):
    create(feed.config, NAME)
    run_in(feed, day(1) + timedelta(hours=1), "things")
    for path in (feed.config.folder / "lake" / f"preview-{NAME}--tascomi-operations").rglob("*.parquet"):
        path.unlink()
    change(feed, 2)
    run_in(feed, day(2), environment=None)
    assert 102 in {row["id"] for row in shown(feed)}


def test_a_base_of_an_older_version_is_upgraded_by_a_run_in_its_preview(feed):
    create(feed.config, NAME)
    ledger = open_lake(feed.config).find("raw", "api_requests")
    with ledger.transaction() as change_of_table:
        change_of_table.set_properties({FORMAT_PROPERTY: "1"})
        with change_of_table.update_schema(allow_incompatible_changes=True) as update:
            update.delete_column("requests")
    change(feed, 2)
    run_in(feed, day(2), "things")
    assert 102 in {row["id"] for row in shown(feed, environment=NAME)}


# ---------------------------------------------------------------- killed


@pytest.mark.parametrize("calls", [1, 2])
def test_what_a_preview_runs_after_a_killed_promotion_is_no_part_of_it(feed, monkeypatch, calls):
    create(feed.config, NAME)
    change(feed, 2)
    run_in(feed, day(2))
    before, tried = ({name: everything(feed, name, environment) for name in TABLES} for environment in (None, NAME))
    killed(monkeypatch, promoting, "_set_tables", lambda: promote(feed.config, NAME, [], confirm=yes), calls=calls)
    change(feed, 3)
    run_in(feed, day(3))
    assert {name: everything(feed, name) for name in TABLES} == tried
    assert 103 in {row["id"] for row in shown(feed, environment=NAME)}
    undo(feed.config, confirm=yes)
    assert {name: everything(feed, name) for name in TABLES} == before
    assert [voided(feed, name) for name in TABLES] == [{3}, {3}]


@pytest.mark.parametrize("stage", ["_discard", "drop_table", "remove_pins"])
def test_a_preview_that_is_killed_while_it_leaves_shows_its_base_and_keeps_no_pin(feed, monkeypatch, stage):
    create(feed.config, NAME)
    change(feed, 2)
    run_in(feed, day(2))
    killed(monkeypatch, previews, stage, lambda: promote(feed.config, NAME, [], confirm=yes))
    assert {name: everything(feed, name, NAME) for name in TABLES} == {name: everything(feed, name) for name in TABLES}
    change(feed, 3)
    run_in(feed, day(3), environment=None)
    assert {name: everything(feed, name, NAME) for name in TABLES} == {name: everything(feed, name) for name in TABLES}
    assert {tag for tags in pins(feed).values() for tag in tags} == set()


def test_a_preview_that_is_killed_while_it_enters_a_table_shows_its_base(feed, monkeypatch):
    create(feed.config, NAME)
    change(feed, 2)
    killed(monkeypatch, previews, "_tell_same", lambda: run_in(feed, day(2), "things"))
    run_in(feed, day(2) + timedelta(minutes=5), environment=None)
    assert everything(feed, environment=NAME) == everything(feed)
    assert rollback(feed.config, [], date(2026, 11, 10), confirm=yes, environment=NAME) == []


@pytest.mark.parametrize("calls", [1, 2])
def test_taking_back_a_promotion_is_finished_by_the_next_command_of_the_preview(feed, monkeypatch, calls):
    create(feed.config, NAME)
    before = {name: everything(feed, name) for name in TABLES}
    change(feed, 2)
    run_in(feed, day(2))
    promote(feed.config, NAME, [], confirm=yes)
    killed(monkeypatch, rolling, "_set_tables", lambda: undo(feed.config, confirm=yes), calls=calls)
    run_in(feed, day(2) + timedelta(minutes=5), "things")
    assert {name: everything(feed, name) for name in TABLES} == before
    assert 102 in {row["id"] for row in shown(feed, environment=NAME)}


# ---------------------------------------------------------------- a preview that is used again


def test_a_table_that_is_promoted_taken_back_and_tried_again_is_told_of_once(feed):
    create(feed.config, NAME)
    change(feed, 2)
    run_in(feed, day(2), "things")
    promote(feed.config, NAME, [], confirm=yes)
    undo(feed.config, confirm=yes)
    change(feed, 3)
    run_in(feed, day(3), "things")
    twice = "select resource, run from published group by all having count(*) > 1"
    assert rows(feed, twice, NAME) == []
    promote(feed.config, NAME, [], confirm=yes)
    assert rows(feed, twice) == []
    with pytest.raises(ConfigurationError, match="things was never run in this preview"):
        rollback(feed.config, ["things"], date(2026, 11, 10), confirm=yes, environment=NAME)


def test_batches_of_the_base_that_were_voided_in_a_preview_are_not_promoted(feed):
    create(feed.config, NAME)
    change(feed, 2)
    run_in(feed, day(2), "things")
    rollback(feed.config, ["things"], date(2026, 11, 10), zone="all", confirm=yes, environment=NAME)
    with pytest.raises(QualityError, match="the preview voided or restored batches of its base"):
        promote(feed.config, NAME, [], confirm=yes)
    undo(feed.config, confirm=yes, environment=NAME)
    assert [one.table for one in promote(feed.config, NAME, [], confirm=yes)] == ["things"]
    assert voided(feed) == set()


def test_nothing_is_promoted_on_a_day_before_the_preview_ran(feed):
    create(feed.config, NAME)
    run_in(feed, day(9), "things")
    feed.monkeypatch.setenv("PLANLAKE_NOW", day(6).isoformat())
    with pytest.raises(ConfigurationError, match="the clock stands before a run that counts"):
        promote(feed.config, NAME, [], confirm=yes)


# ---------------------------------------------------------------- as it is typed


def test_two_environments_have_no_preview_of_one_name(feed, typed):
    file = feed.config.folder / "planlake.yaml"
    more = "environments: {local: {}, other: {database_prefix: other-}}\n"
    file.write_text(file.read_text() + more)
    feed.monkeypatch.setenv("PLANLAKE_NOW", (day(1) + timedelta(hours=1)).isoformat())
    assert typed("run", "--env", "other", "things").status == 0
    assert typed("env", "create", NAME, "--base", "other").status == 0
    said = typed("env", "create", NAME.lower())
    assert (said.status, said.errors) == (2, [f'Error: an environment or a preview is called "{NAME.lower()}" already'])
    said = typed("env", "diff", "other")
    assert (said.status, said.errors) == (2, ["Error: other is an environment, not a preview"])
    change(feed, 2)
    feed.data.move_to(day(2))
    feed.monkeypatch.setenv("PLANLAKE_NOW", day(2).isoformat())
    before = everything(feed)
    assert typed("run", "--env", NAME, "things").status == 0
    said = typed("env", "promote", NAME)
    assert (said.status, "--env other` takes it back" in said.err) == (0, True)
    assert "of day 2" in typed("sql", "select name from things", "--env", "other").out
    assert everything(feed) == before
    assert typed("env", "drop", NAME).status == 0
    assert "of day 2" in typed("sql", "select name from things", "--env", "other").out


def test_what_is_shown_of_a_cell_is_its_text_and_hints_name_the_preview(feed, typed):
    create(feed.config, NAME)
    change(feed, 1, "things")
    feed.data.put("things", {"id": "1", "last_updated": str(day(1)), "amount": "1.5", "name": "n", "note": "[/b] :+1:"})
    run_in(feed, day(2), "things")
    said = typed("env", "diff", NAME)
    assert (said.status, "[/b] :+1:" in said.out, "[personal, 8 characters]" in said.out) == (0, True, True)
    said = typed("rollback", "things", "--to", "2026-11-11", "--env", NAME)
    assert (said.status, f"hint: planlake undo --env {NAME} --config" in said.err) == (0, True)


def test_an_export_of_a_preview_has_the_tables_of_its_base_too(feed, typed, tmp_path):
    create(feed.config, NAME)
    change(feed, 2)
    run_in(feed, day(2), "things")
    said = typed("export", "--out", tmp_path / "all.duckdb", "--env", NAME)
    assert [line.split()[:2] for line in said.out.splitlines() if line.split()[:1] in (["things"], ["others"])] == [
        ["others", "8"],
        ["things", "9"],
    ]


def test_a_dry_run_leaves_a_killed_promotion_as_it_is_in_the_preview_and_in_its_base(feed, typed, monkeypatch):
    create(feed.config, NAME)
    change(feed, 2)
    run_in(feed, day(2))
    killed(monkeypatch, promoting, "_set_tables", lambda: promote(feed.config, NAME, [], confirm=yes), calls=2)
    before = feed.snapshots()
    for command in (("env", "promote", NAME), ("rollback", "--env", NAME, "--to", "2026-11-10")):
        said = typed(*command, "--dry-run")
        assert (said.status, feed.snapshots()) == (1, before)
        assert said.errors == [f"Error: promotion of {NAME} was killed half way (tables=others, things)"]
    undo(feed.config, confirm=yes)
    assert {row["snapshot_date"] for row in rows(feed, "select snapshot_date from things")} == {"20261111"}
