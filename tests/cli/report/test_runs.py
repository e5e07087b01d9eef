"""`planlake runs`: what ran, and what it did to each table."""

import json
from datetime import datetime

import pytest

from commands import typed_in_process
from conftest import feeding
from planlake.changes.rollback import rollback
from planlake.simulator.dataset import Dataset
from planlake.simulator.faults import Rule

COLUMNS = {"id": "integer", "last_updated": "timestamp", "name": "text"}
SETTINGS = """
source: tascomi
resources: {things: {columns: {id: integer, last_updated: timestamp, name: text}}}
tables: {daily: [things]}
settings: {attempts: 1}
"""


@pytest.fixture
def feed(tmp_path):
    now = datetime.fromisoformat("2026-11-17T03:00:00")
    with feeding(Dataset({"things": COLUMNS}, now=now), tmp_path, SETTINGS) as made:
        made.data.put("things", {"id": "1", "last_updated": "2026-11-16 09:00:00", "name": "first"})
        made.run_at(now.isoformat())
        made.data.put("things", {"id": "1", "last_updated": "2026-11-17 09:00:00", "name": "second"})
        made.run_at("2026-11-18T03:00:00")
        made.fail(Rule(resource="things", status=500, times=None))
        made.run_at("2026-11-19T03:00:00")
        yield made


def typed(feed, monkeypatch, capfd, *arguments):
    return typed_in_process(monkeypatch, capfd, ("runs", *arguments, "--config", feed.config.folder / "planlake.yaml"))


def test_runs_are_listed_newest_first_with_their_trouble(feed, monkeypatch, capfd):
    found = json.loads(typed(feed, monkeypatch, capfd, "--json").out)
    assert [(one["run"], one["outcome"], one["tables"], one["troubled"], one["records"]) for one in found] == [
        (3, "finished", 1, 1, 0),
        (2, "finished", 1, 0, 1),
        (1, "finished", 1, 0, 1),
    ]
    assert len({one["configuration_hash"] for one in found}) == 1
    shown = typed(feed, monkeypatch, capfd)
    assert shown.status == 0
    assert "2026-11-18 03:00" in shown.out


def test_one_run_shows_each_table_with_the_versions_before_and_after(feed, monkeypatch, capfd):
    first = json.loads(typed(feed, monkeypatch, capfd, "1", "--json").out)["tables"][0]
    told = json.loads(typed(feed, monkeypatch, capfd, "2", "--json").out)
    (second,) = told["tables"]
    assert (told["run"]["run"], told["run"]["started_at"][:10], told["run"]["tables"]) == (2, "2026-11-18", 1)
    assert len(told["run"]["configuration_hash"]) == 16
    assert (second["outcome"], second["stored"], second["refined"], second["current_rows"]) == ("loaded", 1, 1, 1)
    assert second["bytes"] > 0
    assert first["snapshot_after"] == second["snapshot_before"] != second["snapshot_after"]
    assert second["snapshot_after"] == feed.snapshots()["refined.current_things"]
    checks = {check["check"]: (check["verdict"], check["figure"]) for check in second["checks"]}
    assert checks["unique"] == ("ok", 0.0)
    assert {"casts", "complete", "unique", "rows dropped"} <= set(checks)
    shown = typed(feed, monkeypatch, capfd, "2")
    assert "+ loaded" in shown.out
    assert f"{len(checks)} ok" in shown.out
    assert told["run"]["configuration_hash"][:8] in shown.out


def test_a_rollback_has_its_versions_rows_and_seconds_too(feed, monkeypatch, capfd):
    rollback(feed.config, ["things"], 1, confirm=lambda _: True)
    told = json.loads(typed(feed, monkeypatch, capfd, "4", "--json").out)
    first, second = (json.loads(typed(feed, monkeypatch, capfd, n, "--json").out)["tables"][0] for n in ("1", "2"))
    (table,) = told["tables"]
    assert (told["run"]["outcome"], told["run"]["seconds"] > 0) == ("rolled back", True)
    assert table["snapshot_before"] == second["snapshot_after"]
    assert table["snapshot_after"] == feed.snapshots()["refined.current_things"] != second["snapshot_after"]
    assert table["current_rows"] == first["current_rows"] == 1


def test_a_run_that_never_was_is_said(feed, monkeypatch, capfd):
    said = typed(feed, monkeypatch, capfd, "77")
    assert (said.status, said.errors) == (2, ["Error: there was no run 77"])
