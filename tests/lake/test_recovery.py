"""A lost or damaged catalogue: everything it knew is in the warehouse still."""

from datetime import datetime

import pytest

from commands import typed_in_process
from conftest import feeding
from planlake.flow.recover import recover
from planlake.lake.lake import catalogue_file
from planlake.simulator.dataset import Dataset

COLUMNS = {"id": "integer", "last_updated": "timestamp", "name": "text"}
SETTINGS = """
source: tascomi
resources: {things: {columns: {id: integer, last_updated: timestamp, name: text}}}
tables: {daily: [things]}
"""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    now = datetime.fromisoformat("2026-11-17T03:00:00")
    with feeding(Dataset({"things": COLUMNS}, now=now), tmp_path_factory.mktemp("loaded"), SETTINGS) as made:
        for identity in range(1, 6):
            made.data.put(
                "things", {"id": str(identity), "last_updated": "2026-11-16 09:00:00", "name": f"name {identity}"}
            )
        made.run_at(now.isoformat())
        made.data.put("things", {"id": "1", "last_updated": "2026-11-17 09:00:00", "name": "later"})
        made.run_at("2026-11-18T03:00:00")
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


@pytest.mark.parametrize("harm", [lose, damage])
def test_every_table_is_known_again_with_all_its_versions_and_runs_go_on(feed, harm):
    before, as_of = everything(feed), feed.rows("select * from things order by id", as_of="2026-11-17")
    harm(feed)
    found, aside = recover(feed.config)
    assert {one.table: one.rows for one in found}["current_things"] == 5
    assert (aside is not None) == (harm is damage)
    assert everything(feed) == before
    assert feed.rows("select * from things order by id", as_of="2026-11-17") == as_of
    feed.data.put("things", {"id": "2", "last_updated": "2026-11-18 09:00:00", "name": "latest"})
    assert feed.run_at("2026-11-19T03:00:00").exit_code == 0
    assert feed.rows("select name from things where id = 2") == [{"name": "latest"}]


def test_a_catalogue_that_knows_everything_is_left_alone(feed):
    before = feed.snapshots()
    assert recover(feed.config) == ([], None)
    assert feed.snapshots() == before


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
