"""Cells that did not cast are told of the version that is shown, whatever a kill, an error or a held type left."""

from datetime import datetime
from functools import partial

import pytest

from changes.retyping import CELLS, declare, loaded
from commands import typed_in_process
from conftest import feeding, table_of, written_config
from flow.killing import killed
from flow.tables import DAY_1, DAY_2, DAY_3, LATER
from flow.tables import numbered as thing
from planlake.changes import rebuild
from planlake.changes import restore_findings as finding_again
from planlake.changes.rebuild import rebuild as built_anew
from planlake.checks.quality import CheckResult
from planlake.flow.open_run import open_for_writing
from planlake.flow.refine import step as refine
from planlake.flow.refine import store_findings
from planlake.inspection.observed_types import observe_columns
from planlake.simulator.dataset import Dataset
from planlake.telemetry.progress import ignore

DAY_4 = "2026-11-20T03:00:00"
BACK = ("rollback", "--to", "2026-11-17", "--zone", "refined", "--yes")
OTHER_TABLE = "source: tascomi\ntables: {daily: [wards]}\n"


@pytest.fixture
def feed(tmp_path):
    with loaded(tmp_path) as made:
        yield made


@pytest.fixture
def typed(monkeypatch, capfd):
    """Run a command in this process, on a feed's lake."""
    return lambda feed, *line: typed_in_process(
        monkeypatch, capfd, (*line, "--config", feed.config.folder / "planlake.yaml")
    )


def amount_of_7(feed):
    return feed.rows("select amount from things where id = 7")[0]["amount"]


def holding(monkeypatch):
    """As if two rows of `current_` had one id."""
    result = CheckResult("unique", "held", 1.0, 0.0, message="held")
    monkeypatch.setattr("planlake.flow.snapshot.step.unique", lambda *_, **__: result)


def test_a_vendors_column_may_have_any_name_when_cells_are_told_again(feed, typed):
    feed.data.put("things", thing(1, "2026-11-17 12:00:00", place="here", batches="1", planlake_place="there"))
    feed.run_at(LATER, is_full=True)
    told = feed.rows(CELLS)
    declare(feed, amount="text")
    feed.run_at(DAY_2)
    assert feed.rows(CELLS) == []
    assert typed(feed, *BACK).status == 0
    assert feed.rows(CELLS) == told


def test_cells_are_told_again_though_a_type_was_held_between_a_rollback_and_its_undo(feed, typed):
    feed.data.put("things", thing(8, "2026-11-17 12:00:00", amount="bad"))
    feed.run_at(DAY_2)
    told = feed.rows(CELLS)
    assert [row["id"] for row in told] == ["7", "8"]
    assert typed(feed, *BACK).status == 0
    declare(feed, amount="boolean")
    assert table_of(feed.run_at(DAY_3), "things").outcome == "held"
    assert typed(feed, "undo").status == 0
    declare(feed)
    feed.run_at(DAY_4)
    assert feed.rows(CELLS) == told


@pytest.mark.parametrize(
    ("module", "stage", "calls"),
    [
        (refine, "commit", 1),  # before the new version is committed
        (refine, "drop_findings_of_old_build", 1),  # behind it, before it has its findings alone
        (rebuild, "find_again", 1),  # held, before the old version is shown again
        (rebuild, "discard_action_versions", 1),
        (rebuild, "discard_action_versions", 2),
    ],
)
def test_a_rebuild_killed_anywhere_leaves_each_cell_of_what_is_shown_told_once(feed, monkeypatch, module, stage, calls):
    told = feed.rows(CELLS)
    declare(feed, amount="text")
    with monkeypatch.context() as patched:
        if module is rebuild:
            holding(patched)
        killed(monkeypatch, module, stage, partial(built_anew, feed.config, ["things"]), calls=calls)
    declare(feed)
    feed.run_at(DAY_2)
    assert (amount_of_7(feed), feed.rows(CELLS)) == (None, told)


@pytest.mark.parametrize(("module", "stage"), [(refine, "commit"), (refine, "drop_findings_of_old_build")])
def test_a_run_killed_while_it_retypes_leaves_the_cells_though_the_type_is_taken_back(feed, monkeypatch, module, stage):
    told = feed.rows(CELLS)
    declare(feed, amount="text")
    killed(monkeypatch, module, stage, partial(feed.run_at, DAY_2))
    assert [row for row in feed.rows(CELLS) if row["wanted_type"] == "double"] == told
    declare(feed)
    feed.run_at(DAY_3)
    assert (amount_of_7(feed), feed.rows(CELLS)) == (None, told)


def test_a_rebuild_that_cannot_be_committed_leaves_what_was_told(feed, monkeypatch, typed):
    told = feed.rows(CELLS)
    declare(feed, amount="text")

    def full(*_, **__):
        raise OSError("disk full")

    with monkeypatch.context() as patched:
        patched.setattr(refine, "commit", full)
        said = typed(feed, "rebuild", "things")
    assert (said.status, "things is as it was" in said.err) == (1, True)
    assert feed.rows(CELLS) == told


def test_a_rebuild_that_was_killed_can_be_tried_again_and_held_under_a_number_of_its_own(feed, monkeypatch):
    declare(feed, amount="text")
    killed(monkeypatch, rebuild, "snapshot", partial(built_anew, feed.config, ["things"]))
    with monkeypatch.context() as patched:
        holding(patched)
        (result,) = built_anew(feed.config, ["things"])
    assert result.trouble == "held"
    feed.run_at(DAY_2)
    assert (amount_of_7(feed), feed.rows(CELLS)) == ("n/a", [])


def test_a_killed_command_that_told_of_a_check_leaves_its_number_to_nobody(feed, monkeypatch, typed):
    declare(feed, name="boolean", amount="text")
    killed(monkeypatch, store_findings, "write_withheld", partial(typed, feed, "recast"), calls=1)
    assert typed(feed, "recast").status == 1
    told = feed.rows("select run, \"check\" from checks where verdict = 'held' order by run")
    assert [(row["run"], row["check"]) for row in told] == [(2, "casts"), (3, "casts")]


def test_a_resource_that_left_the_configuration_is_undone_with_every_value_masked(feed, typed):
    declare(feed, amount="text")
    feed.run_at(DAY_2)
    declare(feed)
    feed.run_at(DAY_3)
    assert typed(feed, "rollback", "--to", "2026-11-18", "--zone", "refined", "--yes").status == 0
    assert feed.rows(CELLS) == []
    feed.config = written_config(feed.simulator, feed.config.folder, OTHER_TABLE)
    assert typed(feed, "undo").status == 0
    assert [(row["id"], row["raw_value"]) for row in feed.rows(CELLS)] == [("7", "[personal, 3 characters]")]


def test_a_resource_that_left_the_configuration_is_undone_by_the_key_it_had(tmp_path, typed):
    def settings(kind):
        columns = f"key: code, complete: code, columns: {{code: integer, last_updated: timestamp, amount: {kind}}}"
        return f"source: tascomi\nresources:\n  things: {{{columns}}}\ntables: {{daily: [things]}}\n"

    data = Dataset(
        {"things": {"id": "integer", "last_updated": "timestamp", "code": "integer"}}, now=datetime.fromisoformat(DAY_1)
    )
    with feeding(data, tmp_path, settings("text")) as feed:
        for number in range(1, 4):
            data.put("things", thing(number, code=f"{number}0", amount="n/a"))
        feed.run_at(DAY_1)
        feed.config = written_config(feed.simulator, tmp_path, settings("double"))
        feed.run_at(DAY_2)
        told = feed.rows('select id, "column" from uncastable order by id')
        assert typed(feed, *BACK).status == 0
        feed.config = written_config(feed.simulator, tmp_path, OTHER_TABLE)
        assert typed(feed, "undo").status == 0
        assert typed(feed, "maintain").status == 0
        assert feed.rows('select id, "column" from uncastable order by id') == told


def test_an_action_that_cannot_tell_the_cells_again_is_finished_by_the_next_command_which_says_so(
    feed, monkeypatch, typed
):
    declare(feed, amount="text")
    feed.run_at(DAY_2)

    def broken(*_, **__):
        raise RuntimeError("as nobody foresaw")

    with monkeypatch.context() as patched:
        patched.setattr(finding_again, "find_again", broken)
        assert typed(feed, *BACK).status == 4
        said = typed(feed, "maintain")
    assert said.status == 0
    assert "planlake rebuild things restores them" in said.log
    assert amount_of_7(feed) is None


def test_what_a_held_type_tells_is_no_reason_to_build_a_table_anew(feed, typed):
    told = feed.rows(CELLS)
    declare(feed, name="integer")
    assert table_of(feed.run_at(DAY_2), "things").outcome == "held"
    assert len(feed.rows(CELLS)) == 51
    declare(feed)
    said = typed(feed, "recast", "things")
    assert (said.status, "nothing to do" in said.err) == (0, True)
    assert feed.rows(CELLS) == told


def test_what_a_held_type_tells_does_not_speak_against_the_documented_one(feed):
    declare(feed, amount="boolean")
    assert table_of(feed.run_at(DAY_2), "things").outcome == "held"
    with open_for_writing(feed.config, None, ignore) as context:
        found = observe_columns(context, context.catalogue.resource("things"), {"amount": "double"})
    assert found.contradicted == {}


def test_a_preview_whose_type_is_held_is_not_promoted(feed, typed):
    told = feed.rows(CELLS)
    declare(feed, name="integer")
    feed.monkeypatch.setenv("PLANLAKE_NOW", DAY_2)
    assert typed(feed, "env", "create", "tried").status == 0
    said = typed(feed, "run", "things", "--env", "tried")
    assert (said.status, "51 cells do not cast and would be NULL; their values are kept" in said.err) == (1, True)
    said = typed(feed, "env", "promote", "tried", "--yes")
    assert (said.status, "held back" in said.err) == (1, True)
    assert feed.rows(CELLS) == told
    declare(feed)
    assert typed(feed, "run", "things", "--env", "tried").status == 0
    assert typed(feed, "env", "promote", "tried", "--yes").status == 0
    assert feed.rows(CELLS) == told
