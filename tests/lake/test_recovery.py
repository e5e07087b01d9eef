"""A lost or damaged catalogue: everything it knew is in the warehouse still."""

import sqlite3
from contextlib import closing

import pytest

from commands import typed_in_process
from planlake.errors import ConflictError, LakeError
from planlake.flow.recover import recover
from planlake.lake.lake import catalogue_file, lock_beside
from planlake.lake.lease import writing

from .things import DAY_2, DAY_3, put, things_loaded


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("loaded")
    with things_loaded(folder, [f"name {identity}" for identity in range(1, 6)]) as made:
        put(made, 1, "later", "2026-11-17 09:00:00")
        made.run_at(DAY_2)
        yield made, made.remembered()


@pytest.fixture
def feed(loaded):
    made, set_back = loaded
    set_back()
    return made


def everything(feed):
    names = ("things", "increment_things", "api_requests", "runs", "published", "checks")
    return {name: feed.rows(f"select * from {name} order by all") for name in names}


def lose(feed):
    catalogue_file(feed.config).unlink()


def damage(feed):
    catalogue_file(feed.config).write_bytes(b"no database" * 100)


def damage_within(feed):
    """A file that opens, with one page of its tables overwritten."""
    with catalogue_file(feed.config).open("r+b") as file:
        file.seek(4096)
        file.write(b"x" * 4096)


@pytest.mark.parametrize("harm", [lose, damage_within])
def test_every_table_is_known_again_with_all_its_versions_and_runs_go_on(feed, harm):
    before, as_of = everything(feed), feed.rows("select * from things order by id", as_of="2026-11-17")
    harm(feed)
    found, aside = recover(feed.config)
    assert {one.table: one.rows for one in found}["current_things"] == 5
    assert (aside is not None) == (harm is not lose)
    assert everything(feed) == before
    assert feed.rows("select * from things order by id", as_of="2026-11-17") == as_of
    put(feed, 2, "latest", "2026-11-18 09:00:00")
    assert feed.run_at(DAY_3).exit_code == 0
    assert feed.rows("select name from things where id = 2") == [{"name": "latest"}]


def test_a_catalogue_that_knows_everything_is_left_alone(feed):
    before = feed.snapshots()
    assert recover(feed.config) == ([], None)
    assert feed.snapshots() == before


def test_a_catalogue_that_somebody_has_locked_is_left_alone(feed):
    file, before = catalogue_file(feed.config), feed.snapshots()
    with closing(sqlite3.connect(file)) as other:
        other.execute("begin exclusive")
        with pytest.raises(LakeError, match="the lake's catalogue cannot be used: database is locked") as raised:
            recover(feed.config)
    assert raised.value.state == "Nothing was changed"
    assert list(file.parent.glob("*.damaged-*")) == []
    assert feed.snapshots() == before


def test_while_a_run_writes_the_lake_even_a_damaged_catalogue_is_left_alone(feed):
    damage(feed)
    file = catalogue_file(feed.config)
    before = file.read_bytes()
    with writing(lock_beside(file), 0), pytest.raises(ConflictError, match="another run is writing this lake"):
        recover(feed.config)
    assert file.read_bytes() == before
    assert list(file.parent.glob("*.damaged-*")) == []


def test_what_was_written_last_counts_of_two_files_with_one_number(feed):
    folder = feed.config.folder / "lake/tascomi-refined-zone/current_things/metadata"
    newest = max(folder.glob("*.metadata.json"))
    number = newest.name.split("-")[0]
    older = max(one for one in folder.glob("*.metadata.json") if not one.name.startswith(number))
    (folder / f"{number}-ffffffff-left-by-a-crash.metadata.json").write_bytes(older.read_bytes())
    before = everything(feed)
    lose(feed)
    recover(feed.config)
    assert everything(feed) == before


def test_a_damaged_catalogue_says_what_helps_and_it_does(feed, monkeypatch, capfd):
    damage(feed)
    file = feed.config.folder / "planlake.yaml"
    said = typed_in_process(monkeypatch, capfd, ("sql", "select * from things", "--config", file))
    assert (said.status, len(said.errors)) == (3, 1)
    said = typed_in_process(monkeypatch, capfd, ("recover", "--config", file))
    assert said.status == 0
    assert "the damaged catalogue is kept as" in said.err
    assert typed_in_process(monkeypatch, capfd, ("sql", "select * from things", "--config", file)).status == 0
