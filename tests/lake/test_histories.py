"""A catalogue that was lost and begun again by a run: two histories in one warehouse, which are never joined."""

import json
import os
import shutil
import time
from pathlib import Path

import pytest

from lake.things import DAY_2, DAY_3, put, things_loaded
from planlake.changes.forget import forget
from planlake.changes.maintain import maintain
from planlake.changes.recover import recover
from planlake.errors import LakeError
from planlake.flow import open_run
from planlake.lake.lake import catalogue_file
from planlake.lake.open_lake import open_lake

DAY_4 = "2026-11-20T03:00:00"


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """Loaded on two days; then the catalogue was lost, and a run of an older Planlake began again."""
    with things_loaded(tmp_path_factory.mktemp("loaded"), [f"name {number}" for number in range(1, 6)]) as made:
        put(made, 1, "later", "2026-11-17 09:00:00")
        made.run_at(DAY_2)
        kept = Path(shutil.copy(catalogue_file(made.config), made.config.folder / "older.db"))
        lake = open_lake(made.config)
        lake.catalog.drop_table((lake.database("operations"), "published"))  # one table that the older alone has
        lake.catalog.close()
        catalogue_file(made.config).unlink()
        put(made, 2, "since", "2026-11-18 09:00:00")
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(open_run, "check_own", lambda _: None)
            made.run_at(DAY_3)
        kept.unlink()
        yield made, made.remembered()


def lose(feed):
    catalogue_file(feed.config).unlink()


def grown_old(feed):
    """All files as if written two hours ago."""
    for path in Path(feed.config.folder, "lake").rglob("*"):
        os.utime(path, (time.time() - 7200,) * 2)


def shown(feed, **more):
    return [row["name"] for row in feed.rows("select name from things order by id", **more)]


OLDER = ["later", "name 2", "name 3", "name 4", "name 5"]
NEWER = ["later", "since", "name 3", "name 4", "name 5"]


@pytest.mark.parametrize("is_lost", [False, True])
def test_recovery_says_what_it_cannot_join_and_changes_nothing_until_it_is_told_which(feed, typed, is_lost):
    if is_lost:
        lose(feed)
    told = {one["table"]: one["said"] for one in json.loads(typed("recover", "--json").out)["tables"]}
    assert told["current_things"].startswith("left alone: an older history of 5 rows until ")
    assert told["current_things"].endswith("they cannot be joined")
    assert "the warehouse holds" in typed("doctor").err or is_lost
    said = typed("recover")
    assert said.status == 1
    assert "Nothing was changed: one history can be restored whole" in said.err
    assert "--history older" in said.err
    assert open_lake(feed.config).names("refined") == ([] if is_lost else ["current_things", "increment_things"])


@pytest.mark.parametrize("is_lost", [False, True])
def test_the_older_history_is_had_whole_and_the_next_run_brings_what_came_since(feed, is_lost):
    if is_lost:
        lose(feed)
    found, _ = recover(feed.config, history="older")
    assert not any(one.is_trouble for one in found)
    assert shown(feed) == OLDER
    assert shown(feed, as_of="2026-11-17") == [f"name {number}" for number in range(1, 6)]
    assert [row["run"] for row in feed.rows("select distinct run from runs order by run")] == [1, 2]
    assert recover(feed.config) == ([], None)
    assert feed.run_at(DAY_4).exit_code == 0
    assert shown(feed) == NEWER
    assert recover(feed.config) == ([], None)


@pytest.mark.parametrize("is_lost", [False, True])
def test_the_newer_history_is_gone_on_with(feed, is_lost):
    if is_lost:
        lose(feed)
    recover(feed.config, history="newer")
    assert shown(feed) == NEWER
    assert recover(feed.config) == ([], None)
    assert feed.run_at(DAY_4).exit_code == 0
    assert [row["run"] for row in feed.rows("select distinct run from runs order by run")] == [1, 2]


def test_nothing_is_swept_or_forgotten_while_two_histories_lie_there(feed):
    grown_old(feed)
    files = sorted(Path(feed.config.folder, "lake").rglob("*.parquet"))
    for act in (maintain, lambda config: forget(config, "things", "3", confirm=lambda _: True)):
        with pytest.raises(LakeError, match="the warehouse holds an older history of this lake") as raised:
            act(feed.config)
        assert (raised.value.state, raised.value.hint) == ("Nothing was changed", "planlake recover")
    assert set(files) <= set(Path(feed.config.folder, "lake").rglob("*.parquet"))


def test_once_one_is_chosen_housekeeping_deletes_the_other(feed):
    recover(feed.config, history="older")
    grown_old(feed)
    before = len(list(Path(feed.config.folder, "lake").rglob("current_things/data/*.parquet")))
    maintain(feed.config)
    assert len(list(Path(feed.config.folder, "lake").rglob("current_things/data/*.parquet"))) < before
    assert shown(feed) == OLDER
    lose(feed)
    recover(feed.config)
    assert shown(feed) == OLDER


def test_a_history_that_is_called_otherwise_is_refused(typed):
    said = typed("recover", "--history", "oldest")
    assert (said.status, "did you mean older" in said.err) == (2, True)
