"""Lakes that other versions of Planlake made: older ones are upgraded by who writes, newer ones are refused."""

import re
from datetime import datetime

import pytest

from commands import typed_in_process
from lake.things import DAY_2, put, things_loaded
from planlake.changes.maintain import maintain
from planlake.changes.previews import create
from planlake.lake.lake import BOOKMARKED_PROPERTIES
from planlake.lake.open_lake import open_lake
from planlake.lake.tables.format import FORMAT, FORMAT_PROPERTY
from planlake.runs.plan import Selection
from planlake.runs.run import run


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    with things_loaded(tmp_path_factory.mktemp("loaded"), ["first"]) as made:
        yield made, made.remembered()


def made_preview(feed):
    create(feed.config, "trial")
    put(feed, 2, "second", "2026-11-17 09:00:00")
    feed.monkeypatch.setenv("PLANLAKE_NOW", DAY_2)
    feed.data.move_to(datetime.fromisoformat(DAY_2))
    assert run(feed.config, Selection(), environment="trial").exit_code == 0


def made_older(feed, environment=None):
    """As an earlier version left it: the ledger without its newest column, no number of a format."""
    table = open_lake(feed.config, environment).find("raw", "api_requests")
    with table.update_schema() as update:
        update.delete_column("requests")
    with table.transaction() as transaction:
        transaction.remove_properties(FORMAT_PROPERTY)


MERGING = ("commit.manifest-merge.enabled", "commit.manifest.min-count-to-merge")


def bookmarked(feed):
    lake = open_lake(feed.config)
    return [lake.find("refined", name) for name in ("increment_things", "current_things")]


def tables(feed):
    catalog = open_lake(feed.config).catalog
    return [catalog.load_table(name) for space in catalog.list_namespaces() for name in catalog.list_tables(space)]


def set_format(feed, number, *names):
    """Of these tables, of all where none is named."""
    for table in tables(feed):
        if names and ".".join(table.name()) not in names:
            continue
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
    assert re.search(r"^hint: planlake maintain .*upgrades it$", said.err, re.MULTILINE)
    maintain(feed.config)
    assert feed.rows("select count(*)::int as n from api_requests where requests is null")[0]["n"] > 0
    assert feed.rows("select name from things") == [{"name": "first"}]


def test_a_run_upgrades_an_older_lake_and_goes_on(feed):
    made_older(feed)
    put(feed, 2, "second", "2026-11-17 09:00:00")
    assert feed.run_at(DAY_2).exit_code == 0
    assert [row["name"] for row in feed.rows("select name from things order by id")] == ["first", "second"]


def test_tables_that_carry_a_bookmark_merge_their_manifests_too_once_the_lake_is_upgraded(feed):
    made_older(feed)
    for table in bookmarked(feed):
        with table.transaction() as transaction:
            transaction.remove_properties(*MERGING, FORMAT_PROPERTY)
    before = snapshots(feed)
    assert open_lake(feed.config).upgrade() == 3
    for table in bookmarked(feed):
        assert BOOKMARKED_PROPERTIES.items() <= dict(table.properties).items()
    assert snapshots(feed) == before
    assert open_lake(feed.config).upgrade() == 0


@pytest.mark.parametrize("command", [("run",), ("sql", "select * from things"), ("status",), ("maintain",)])
def test_a_newer_lake_is_refused_and_left_alone(feed, monkeypatch, capfd, command):
    set_format(feed, FORMAT + 1)
    before = snapshots(feed)
    said = typed_in_process(monkeypatch, capfd, (*command, "--config", feed.config.folder / "planlake.yaml"))
    assert said.status == 3
    assert "this lake was written by a newer version of Planlake" in said.err
    assert snapshots(feed) == before


RUNS = ("tascomi-operations", "runs")
CHECKS, CURRENT = "tascomi-operations.checks", "tascomi-refined-zone.current_things"
RAW = "tascomi-raw-zone.api_responses"


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("run", CHECKS),
        ("reset", CHECKS),
        ("run", RAW),
        ("run", CURRENT),
        ("maintain", CURRENT),
    ],
)
def test_a_lake_of_which_one_table_is_newer_is_refused_before_anything_is_done_to_that_table(
    feed, typed, monkeypatch, command, name
):
    set_format(feed, FORMAT + 1, name)
    put(feed, 2, "second", "2026-11-17 09:00:00")
    monkeypatch.setenv("PLANLAKE_NOW", DAY_2)
    before = snapshots(feed)
    said = typed(command)
    assert said.status in (1, 3)
    assert "this lake was written by a newer version of Planlake" in " ".join(said.everything.split())
    changed = {".".join(table) for table, at in snapshots(feed).items() if at != before[table]}
    assert name not in changed
    assert name == CURRENT or not changed  # what is Planlake's own is looked at before anything else


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (("env", "promote", "trial"), CURRENT),
        (("env", "diff", "trial"), CURRENT),
        (("forget", "things", "1"), "tascomi-operations.previewed"),
    ],
)
def test_a_newer_preview_is_refused_by_its_name(feed, typed, command, name):
    made_preview(feed)
    set_format(feed, FORMAT + 1, f"preview-trial--{name}")
    before = snapshots(feed)
    said = typed(*command)
    changed = [table for table, at in snapshots(feed).items() if at != before[table]]
    assert (said.status, [*{*changed, RUNS}]) == (3, [RUNS])  # that it failed is written down
    assert f"(table=preview-trial--{name}, format={FORMAT + 1}, known={FORMAT})" in said.err


@pytest.mark.parametrize("command", [("env", "promote", "trial"), ("forget", "things", "1")])
def test_an_older_preview_is_upgraded_by_who_writes_it_for_its_base(feed, typed, command):
    made_preview(feed)
    made_older(feed, "trial")
    said = typed(*command)
    assert (said.status, said.errors) == (0, [])
    if command[0] == "env":
        assert typed("undo").status == 0
        assert feed.rows("select name from things") == [{"name": "first"}]


def test_an_older_lake_without_a_ledger_is_upgraded_too(feed):
    create(feed.config, "trial")
    runs = open_lake(feed.config, "trial").find("operations", "runs")
    with runs.update_schema() as update:
        update.delete_column("bytes")
    with runs.transaction() as transaction:
        transaction.remove_properties(FORMAT_PROPERTY)
    maintain(feed.config, environment="trial")
    assert "bytes" in open_lake(feed.config, "trial").find("operations", "runs").schema().column_names


def test_raw_of_an_older_lake_keeps_bytes_that_are_no_utf_8_from_then_on(feed):
    raw = open_lake(feed.config).find("raw", "api_responses")
    with raw.update_schema() as update:
        update.delete_column("api_response_base64")
    with raw.transaction() as transaction:
        transaction.set_properties({FORMAT_PROPERTY: str(FORMAT - 1)})
    feed.data.put("things", {"id": "7", "last_updated": "2026-11-17 09:00:00"}, body=b'{"id":"7","name":"caf\xe9"}')
    assert feed.run_at(DAY_2, "things", is_full=True).exit_code == 0
    kept = feed.rows("select record_id, from_base64(api_response_base64) as came from api_responses order by 1")
    assert {row["record_id"]: row["came"] for row in kept} == {"1": None, "7": b'{"id":"7","name":"caf\xe9"}'}


def test_a_dry_run_upgrades_nothing(feed, typed):
    set_format(feed, FORMAT - 1)
    before = {table.name(): table.metadata_location for table in tables(feed)}
    assert typed("forget", "things", "1", "--dry-run").status == 0
    assert {table.name(): table.metadata_location for table in tables(feed)} == before
    made_older(feed)
    said = typed("rollback", "--to", "0", "--dry-run")
    assert said.errors == ["Error: this lake was made by an older version of Planlake (table=api_requests)"]
