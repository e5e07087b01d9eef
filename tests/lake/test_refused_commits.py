"""Files of commits that the catalogue refused: no other history, unless another catalogue took what lies there."""

import json
import os
import shutil
import sqlite3
import time
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

import pytest

from lake.things import DAY_2, DAY_3, put, things_loaded
from planlake.changes.maintain import maintain
from planlake.lake.lake import catalogue_file
from planlake.lake.repair import split_histories
from planlake.lake.sqlite_catalogue import SqliteCatalogue
from planlake.lake.tables import commits

DAY_4 = "2026-11-20T03:00:00"
ANOTHER = "another history of this lake"


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    with things_loaded(tmp_path_factory.mktemp("made"), ["one", "two", "three"]) as made:
        put(made, 1, "later", "2026-11-17 09:00:00")
        made.run_at(DAY_2)
        put(made, 2, "last", "2026-11-18 09:00:00")
        yield made, made.remembered()


@contextmanager
def refusing(*tables):
    """A catalogue that is pointed to no new metadata of these tables, or of any: the files are written before."""
    commit_table = SqliteCatalogue.commit_table

    def commit_or_refuse(self, table, requirements, updates):
        if tables and table.name()[1] not in tables:
            return commit_table(self, table, requirements, updates)
        staged = self._update_and_stage_table(table, table.name(), requirements, updates)
        self._write_metadata(staged.metadata, staged.io, staged.metadata_location)
        raise PermissionError("the catalogue refuses to update a table")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(SqliteCatalogue, "commit_table", commit_or_refuse)
        yield


def files(feed, pattern="*"):
    return {path for path in (feed.config.folder / "lake").rglob(pattern) if path.is_file()}


def aged(feed):
    """Make every file of the lake three days old."""
    for path in files(feed):
        os.utime(path, (time.time() - 3 * 24 * 3600,) * 2)


def two_histories(feed, tmp_path):
    """Let another catalogue take a run, and give the lake its own one back, which knows nothing of it."""
    own = shutil.copy(catalogue_file(feed.config), tmp_path / "own.db")
    assert feed.run_at(DAY_3).exit_code == 0
    shutil.copy(own, catalogue_file(feed.config))


def refused_files(feed):
    """The metadata files that no catalogue was ever pointed to, as far as their names tell."""
    with closing(sqlite3.connect(catalogue_file(feed.config))) as connection:
        known = {Path(one) for (one,) in connection.execute("select metadata_location from iceberg_tables")}
    logs = [json.loads(one.read_text())["metadata-log"] for one in known]
    return files(feed, "*.metadata.json") - known - {Path(entry["metadata-file"]) for log in logs for entry in log}


REFUSED = {  # the tables whose commits are refused, none named means all, and the command
    "everything": [((), ("run",))],
    "two runs": [((), ("run",)), ((), ("run",))],
    "the ledger": [(("api_requests", "checks", "runs"), ("run",))],
    "four runs, each further": [
        (("api_responses", "runs"), ("run",)),
        (("api_requests", "checks", "runs"), ("run",)),
        (("increment_things", "checks", "runs"), ("run",)),
        (("current_things", "checks", "runs"), ("run",)),
    ],
    "what says how a rebuild ended": [(("checks", "runs"), ("rebuild", "things"))],
    "a preview": [(("checks",), ("run", "--env", "x")), ((), ("run", "--env", "x"))],
    "promotions": [((), ("env", "promote", "x", "--yes"))] * 2,
}


@pytest.mark.parametrize(("what", "goes_on"), [*((one, False) for one in REFUSED), ("two runs", True)])
def test_what_refused_commits_left_is_no_other_history_and_is_swept(feed, typed, what, goes_on):
    typed("env", "create", "x")
    feed.data.move_to(datetime.fromisoformat(DAY_3))
    feed.monkeypatch.setenv("PLANLAKE_NOW", DAY_3)
    if what == "promotions":
        assert typed("run", "--env", "x").status == 0
    before = files(feed)
    for tables, command in REFUSED[what]:
        with refusing(*tables):
            said = typed(*command)
        assert (said.status, "the catalogue refuses" in said.everything) == (3, True), said.everything
    left = refused_files(feed) & (files(feed) - before)
    assert left
    if goes_on:
        assert feed.run_at(DAY_4).exit_code == 0
    for command in (("doctor",), ("status",), ("maintain",)):
        assert ANOTHER not in typed(*command).everything, command
    said = typed("recover")
    assert (said.status, "history" in said.everything, "left out" in said.everything) == (0, False, False), said.out
    aged(feed)
    assert maintain(feed.config)
    assert not {one for one in left & files(feed) if "/preview-" not in str(one)}  # which goes as a whole
    assert feed.run_at(DAY_4).exit_code == 0
    assert [row["name"] for row in feed.rows("select name from things order by id")] == ["later", "last", "three"]


@pytest.mark.parametrize("has_refused", [False, True])
@pytest.mark.parametrize("is_older", [False, True])
def test_a_second_history_of_one_file_a_table_is_told_also_among_refused_ones(
    feed, typed, tmp_path, monkeypatch, is_older, has_refused
):
    if is_older:
        monkeypatch.setattr(commits, "FOLLOWS", "planlake.none")
    else:
        monkeypatch.setattr(split_histories, "TOGETHER_MS", -1)
    two_histories(feed, tmp_path)
    if has_refused:
        with refusing():
            assert typed("run").status == 3
    aged(feed)
    before = files(feed)
    for command in (("doctor",), ("maintain",), ("forget", "things", "1", "--yes")):
        said = typed(*command)
        assert (said.status, ANOTHER in said.everything) == (3, True), (command, said.everything)
        assert "planlake recover" in said.err
    assert files(feed) == before
