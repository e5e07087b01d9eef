"""Lakes that other versions of Planlake made: older ones are upgraded by who writes, newer ones are refused."""

from datetime import datetime

import pytest

from commands import typed_in_process
from conftest import feeding
from planlake.flow.maintain import maintain
from planlake.lake.lake import open_lake
from planlake.lake.upgrade import FORMAT, FORMAT_PROPERTY
from planlake.simulator.dataset import Dataset

SETTINGS = """
source: tascomi
resources: {things: {columns: {id: integer, last_updated: timestamp, name: text}}}
tables: {daily: [things]}
"""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    now = datetime.fromisoformat("2026-11-17T03:00:00")
    columns = {"id": "integer", "last_updated": "timestamp", "name": "text"}
    data = Dataset({"things": columns}, now=now)
    with feeding(data, tmp_path_factory.mktemp("loaded"), SETTINGS) as made:
        data.put("things", {"id": "1", "last_updated": "2026-11-16 09:00:00", "name": "first"})
        made.run_at(now.isoformat())
        yield made, made.remembered()


@pytest.fixture
def feed(loaded):
    made, set_back = loaded
    set_back()
    return made


def made_older(feed):
    """As an earlier version left it: the ledger without its newest column, no number of a format."""
    table = open_lake(feed.config).find("raw", "api_requests")
    with table.update_schema() as update:
        update.delete_column("requests")
    with table.transaction() as transaction:
        transaction.remove_properties(FORMAT_PROPERTY)


def tables(feed):
    catalog = open_lake(feed.config).catalog
    return [catalog.load_table(name) for space in catalog.list_namespaces() for name in catalog.list_tables(space)]


def set_format(feed, number):
    for table in tables(feed):
        with table.transaction() as transaction:
            transaction.set_properties({FORMAT_PROPERTY: str(number)})


def snapshots(feed):
    return {table.name(): table.metadata.current_snapshot_id for table in tables(feed)}


def test_reading_an_older_lake_says_what_upgrades_it_and_writing_does(feed, monkeypatch, capfd):
    made_older(feed)
    file = feed.config.folder / "planlake.yaml"
    said = typed_in_process(monkeypatch, capfd, ("sql", "select * from api_requests", "--config", file))
    assert said.status == 3
    assert said.errors == ["Error: this lake was made by an older version of Planlake (table=api_requests)"]
    assert "hint: planlake maintain upgrades it" in said.err
    maintain(feed.config)
    assert feed.rows("select count(*)::int as n from api_requests where requests is null")[0]["n"] > 0
    assert feed.rows("select name from things") == [{"name": "first"}]


def test_a_run_upgrades_an_older_lake_and_goes_on(feed):
    made_older(feed)
    feed.data.put("things", {"id": "2", "last_updated": "2026-11-17 09:00:00", "name": "second"})
    assert feed.run_at("2026-11-18T03:00:00").exit_code == 0
    assert [row["name"] for row in feed.rows("select name from things order by id")] == ["first", "second"]


@pytest.mark.parametrize("command", [("run",), ("sql", "select * from things"), ("status",), ("maintain",)])
def test_a_newer_lake_is_refused_and_left_alone(feed, monkeypatch, capfd, command):
    set_format(feed, FORMAT + 1)
    before = snapshots(feed)
    said = typed_in_process(monkeypatch, capfd, (*command, "--config", feed.config.folder / "planlake.yaml"))
    assert said.status == 3
    assert "this lake was written by a newer version of Planlake" in said.err
    assert snapshots(feed) == before
