"""Two catalogues over one warehouse: a mistyped one begins no second history, and neither deletes the other's."""

import os
import re
import shutil
import time
from pathlib import Path

import pytest

from lake.things import DAY_2, DAY_3, put, things_loaded
from planlake.changes.maintain import maintain
from planlake.changes.recover import recover
from planlake.config import load_config
from planlake.errors import LakeError
from planlake.lake.lake import catalogue_file
from planlake.lake.open_lake import open_lake
from planlake.runs.plan import Selection
from planlake.runs.run import run

DAY_4 = "2026-11-20T03:00:00"
OTHER_PLACES = ["lake/catalgo.db", "catalog.db", "laek/catalog.db"]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    with things_loaded(tmp_path_factory.mktemp("made") / "project", ["one", "two", "three"]) as made:
        put(made, 1, "later", "2026-11-17 09:00:00")
        made.run_at(DAY_2)
        yield made, made.remembered()


@pytest.fixture
def feed(loaded):
    made, set_back = loaded
    set_back()
    yield made
    spell(made, "lake/catalog.db")
    for place in OTHER_PLACES:
        for file in made.config.folder.glob(f"{place}*"):
            file.unlink()


def spell(feed, place):
    """Write where the catalogue lies into the configuration."""
    file = feed.config.folder / "planlake.yaml"
    kept = [line for line in file.read_text().splitlines() if not line.startswith("environments")]
    uri = place if place.startswith("sqlite") else f"sqlite:///{place}"
    kept.append(f'environments: {{local: {{warehouse: lake, catalog: {{type: sql, uri: "{uri}"}}}}}}')
    file.write_text("\n".join(kept) + "\n")
    return load_config(file)


def refused(said, *words):
    flat = " ".join(said.everything.split())
    return said.status == 3 and all(word in flat for word in words)


@pytest.mark.parametrize("place", OTHER_PLACES)
def test_a_mistyped_catalogue_is_told_with_the_one_that_knows_the_tables_and_is_not_recovered(feed, typed, place):
    spell(feed, place)
    own, meant = feed.config.folder / place, feed.config.folder / "lake/catalog.db"
    for words in (("status",), ("run",), ("doctor",), ("recover",), ("maintain",), ("sql", "select * from things")):
        said = typed(*words)
        assert refused(said), (words, said.everything)
        assert f"{own} does not know the tables in the warehouse, and {meant} does" in said.everything
        assert f"hint: set catalog.uri to sqlite:///{meant} if that one is the lake's" in said.err
    spell(feed, re.search(r"set catalog.uri to (\S+)", said.err)[1])
    assert (typed("status").status, typed("run").status, typed("recover").status) == (0, 0, 0)


def diverged(feed, is_beside, tmp_path):
    """What another catalogue wrote on from the same state, and what the lake's own did after that."""
    other = "lake/catalgo.db" if is_beside else str(tmp_path / "catalgo.db")
    shutil.copy(catalogue_file(feed.config), feed.config.folder / other)
    own = tmp_path / "own.db"
    catalogue_file(feed.config).rename(own)
    put(feed, 2, "other", "2026-11-18 09:00:00")
    feed.monkeypatch.setenv("PLANLAKE_NOW", DAY_3)
    assert run(spell(feed, other), Selection()).exit_code == 0
    own.rename(catalogue_file(feed.config))
    spell(feed, "lake/catalog.db")
    return feed.config.folder / other


def aged(feed):
    """Make every file of the lake three days old."""
    then = time.time() - 3 * 24 * 3600
    for path in (feed.config.folder / "lake").rglob("*"):
        if path.is_file():
            os.utime(path, (then, then))


def files(feed):
    return {path for path in (feed.config.folder / "lake").rglob("*") if path.suffix in (".parquet", ".avro", ".json")}


def test_two_catalogues_are_told_by_whatever_writes_and_by_status_and_one_that_moves_away_ends_it(
    feed, typed, tmp_path
):
    other = diverged(feed, True, tmp_path)
    aged(feed)
    before, own = files(feed), catalogue_file(feed.config)
    said_so = f"two catalogues name the tables of this lake, and {other} has versions that {own} does not know"
    for words in (("run",), ("maintain",), ("recover",), ("doctor",), ("forget", "things", "1", "--yes")):
        said = typed(*words)
        assert refused(said, said_so), (words, said.everything)
    said = typed("status")
    assert (said.status, said_so in said.everything, "= complete" in said.out) == (1, True, False)
    assert files(feed) == before
    shutil.move(other, tmp_path)
    said = typed("recover")
    assert (said.status, "brought up to date from" in said.everything) == (0, True), said.everything
    assert typed("status").status == 0
    assert [row["name"] for row in feed.rows("select name from things order by id")] == ["later", "other", "three"]


@pytest.mark.parametrize("is_ahead", [True, False])
def test_what_a_catalogue_that_lies_elsewhere_wrote_is_not_swept_before_recover_told_of_it(
    feed, typed, tmp_path, is_ahead
):
    diverged(feed, False, tmp_path)
    if not is_ahead:
        put(feed, 3, "own", "2026-11-18 10:00:00")
        feed.run_at(DAY_4)
        put(feed, 3, "own again", "2026-11-20 10:00:00")
        feed.run_at("2026-11-21T03:00:00")
    aged(feed)
    before = files(feed)
    for words in (("maintain",), ("doctor",), ("forget", "things", "1", "--yes")):
        assert refused(typed(*words), "the warehouse holds another history of this lake", "planlake recover"), words
    said = typed("status")
    assert (said.status, "another history of this lake" in said.everything) == (1, True)
    assert files(feed) == before
    said = typed("recover")
    if is_ahead:
        assert (said.status, "brought up to date" in said.out) == (0, True)
    else:
        assert (said.status, "planlake maintain deletes it" in " ".join(said.everything.split())) == (1, True)
    assert files(feed) >= before
    assert (typed("doctor").status in (0, 3), typed("status").status) == (True, 0)
    assert maintain(feed.config)
    names = [row["name"] for row in feed.rows("select name from things order by id")]
    assert names == ["later", "other", "three" if is_ahead else "own again"]


def test_a_copy_of_the_catalogue_beside_it_stops_nobody_and_neither_does_one_of_another_lake(feed, typed):
    catalogue = catalogue_file(feed.config)
    shutil.copy(catalogue, catalogue.with_name("catalog.db.backup"))
    put(feed, 2, "last", "2026-11-18 09:00:00")
    assert feed.run_at(DAY_3).exit_code == 0
    assert (typed("status").status, typed("recover").status, typed("maintain").status) == (0, 0, 0)
    catalogue.write_bytes(b"no database" * 100)
    assert typed("recover").status == 0
    assert [row["name"] for row in feed.rows("select name from things order by id")] == ["later", "last", "three"]
    catalogue.with_name("catalog.db.backup").unlink()
    for aside in catalogue.parent.glob("*.damaged-*"):
        aside.unlink()


def test_a_lost_catalogue_with_a_copy_beside_it_names_the_copy_and_moving_that_away_lets_it_be_recovered(
    feed, typed, tmp_path
):
    catalogue = catalogue_file(feed.config)
    backup = catalogue.rename(catalogue.with_name("catalog.db.backup"))
    with pytest.raises(LakeError, match=re.escape(f"{backup} does")):
        recover(feed.config)
    shutil.move(backup, tmp_path)
    assert typed("recover").status == 0
    assert open_lake(feed.config).find("refined", "current_things") is not None
    assert Path(tmp_path / "catalog.db.backup").exists()


def environments(feed, text):
    file = feed.config.folder / "planlake.yaml"
    kept = [line for line in file.read_text().splitlines() if not line.startswith("environments")]
    file.write_text("\n".join([*kept, f"environments: {{{text}}}"]) + "\n")


LOCAL = 'local: {warehouse: lake, catalog: {uri: "sqlite:///lake/catalog.db"}}'
TWO = 'two: {warehouse: lake, catalog: {uri: "sqlite:///catalog.db"}}'


def test_an_environment_that_cannot_be_read_hides_no_other_and_its_hint_names_it(feed, typed):
    environments(feed, f"{LOCAL}, {TWO}")
    said = typed("env", "list")
    assert said.status == 1, said.everything
    assert "3 in all" in said.out or "2 in all" in said.out
    assert "! two: " in said.err
    assert re.search(r"then planlake recover .*--env two", said.err)


@pytest.mark.parametrize("is_first", [True, False])
def test_a_preview_whose_catalogue_was_lost_names_the_recovery_that_is_accepted(feed, typed, is_first):
    environments(
        feed, LOCAL if is_first else f"other: {{warehouse: other, catalog: {{uri: 'sqlite:///o/c.db'}}}}, {LOCAL}"
    )
    assert typed("env", "create", "x", *([] if is_first else ["--base", "local"])).status == 0
    catalogue_file(load_config(feed.config.folder / "planlake.yaml"), "local").unlink()
    for command in ("status", "run"):
        said = typed(command, "--env", "x")
        [hint] = [line for line in said.err.splitlines() if line.startswith("hint")]
        assert (said.status, "--env x" in hint, "--env local" in hint) == (3, False, not is_first), said.err
    assert typed("recover", *([] if is_first else ["--env", "local"])).status == 0
    assert typed("status", "--env", "x").status in (0, 1)
