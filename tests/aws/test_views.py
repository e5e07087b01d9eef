"""Views that Athena sees: made in Glue by whatever changes a table's columns, and only then."""

import base64
import json
from datetime import date
from itertools import count

import pytest

from commands import typed_in_process
from conftest import feeding
from flow.ingest.served import DAY_1, DAY_2, PATIENCE, TWO_KINDS, change_two_kinds, fill, record, served, two_kinds
from planlake.changes.previews import create, remove
from planlake.changes.recover import recover
from planlake.changes.rollback import rollback
from planlake.lake.aws.clients import client
from planlake.lake.open_lake import open_lake
from planlake.report.stored_views import stored_views
from planlake.runs.plan import Selection
from planlake.runs.run import run
from planlake.sources.meanings import meanings_of

SETTINGS = f"""{TWO_KINDS}\
settings: {{{PATIENCE}, concurrency: 1, table_concurrency: 1, rejected_percent: 100, uncastable_percent: 100}}
environments:
  aws: {{catalog: {{type: glue, properties: PROPERTIES}}, warehouse: "s3://PLACE/", database_prefix: PREFIX}}
"""
NUMBERS = count(1)


@pytest.fixture
def lake_of(stand_ins, bucket, tmp_path):
    """A lake of its own in Glue for these records."""

    def made(data, settings=SETTINGS):
        prefix = f"v{next(NUMBERS)}-"
        text = settings.replace("PROPERTIES", json.dumps(stand_ins.properties)).replace("PREFIX", prefix)
        return feeding(data, tmp_path, text.replace("PLACE", f"{bucket}/{prefix}"))

    return made


@pytest.fixture
def feed(lake_of):
    with lake_of(two_kinds(20)) as made:
        yield made


def refined(feed):
    return open_lake(feed.config).database("refined")


@pytest.fixture
def puts(feed, monkeypatch):
    """The names of views that were written to Glue since this was last looked at."""
    from botocore.session import Session  # noqa: PLC0415 - only this suite has it

    done = []

    def noted(params, **_):
        if params["TableInput"].get("TableType") == "VIRTUAL_VIEW":
            done.append(params["TableInput"]["Name"])

    made = Session.create_client

    def client(self, service, *args, **named):
        opened = made(self, service, *args, **named)
        for call in ("CreateTable", "UpdateTable") if service == "glue" else ():
            opened.meta.events.register(f"provide-client-params.glue.{call}", noted)
        return opened

    monkeypatch.setattr(Session, "create_client", client)

    def taken():
        found, done[:] = sorted(done), []
        return found

    return taken


def entries(feed, environment=None):
    """Every view in Glue, by its database and name."""
    lake = open_lake(feed.config, environment)
    found = {}
    for zone in ("raw", "refined", "operations"):
        for page in lake.catalog.glue.get_paginator("get_tables").paginate(DatabaseName=lake.database(zone)):
            for one in page["TableList"]:
                if one["TableType"] == "VIRTUAL_VIEW":
                    found[lake.database(zone), one["Name"]] = one
    return found


def said(entry):
    return json.loads(base64.b64decode(entry["ViewOriginalText"].removeprefix("/* Presto View: ").removesuffix(" */")))


def test_views_are_in_glue_as_planlake_views_prints_them_and_change_with_columns_alone(feed, puts):
    feed.run_at(DAY_1)
    of_resources = [
        f"{kind}{name}" for name in ("lettered", "numbered") for kind in ("api_response_", "history_", "", "")
    ]
    assert puts() == sorted(["gaps", "snapshot_dates", *of_resources])
    found = entries(feed)
    for one in stored_views(feed.config, "athena"):
        text = said(found.pop((one.database, one.definition.name)))
        assert one.statement.endswith(f"as\n{text['originalSql']};\n")
        assert (text["schema"], [name.lower() for name in one.definition.columns]) == (
            one.database,
            [c["name"] for c in text["columns"]],
        )
    assert not found
    change_two_kinds(feed.data)
    feed.run_at(DAY_2)
    assert puts() == []  # the day is read from `published`
    feed.data.put("numbered", {**record(90, "2026-11-18 11:00:00"), "brand": "new"})
    feed.run_at("2026-11-19T03:00:00")
    assert puts() == ["history_numbered", "numbered", "numbered"]
    assert "brand" in entries_columns(feed, "numbered")
    assert rollback(feed.config, ["numbered"], date(2026, 11, 18), confirm=lambda _: True)
    assert puts() == ["history_numbered", "numbered"]  # raw is not set back, nor is its view
    assert "brand" not in entries_columns(feed, "numbered")


def entries_columns(feed, name):
    return [one["Name"] for one in entries(feed)[refined(feed), name]["StorageDescriptor"]["Columns"]]


def test_columns_of_a_view_say_what_they_mean(lake_of):
    data = served(["appeals"])
    data.put("appeals", {"id": "1", "last_updated": "2026-11-16 09:00:00", "application_id": "5"})
    with lake_of(data, SETTINGS.replace(TWO_KINDS, "source: tascomi\ntables: {daily: [appeals]}\n")) as feed:
        feed.run_at(DAY_1)
        entry = entries(feed)[refined(feed), "appeals"]
        meant = {one["Name"]: one["Comment"] for one in entry["StorageDescriptor"]["Columns"]}
        assert meant["application_id"] == meanings_of(feed.config)["appeals"]["application_id"].said
        assert (
            entry["Description"]
            == "The latest version of each of appeals that is not deleted, and the day of the snapshot."
        )
        glue = open_lake(feed.config).catalog.glue
        held = glue.get_table(DatabaseName=refined(feed), Name="current_appeals")["Table"]
        assert held["Description"] == "The latest version of each of appeals, deleted ones included."


def test_a_preview_has_the_views_of_its_own_tables_and_takes_them_with_it(feed):
    feed.run_at(DAY_1)
    before = entries(feed)
    create(feed.config, "tried")
    fill(feed.data, "lettered", 4, "2026-11-17 10:00:00", start=1, name="in a preview")
    assert run(feed.config, Selection(("lettered",), is_full=True), environment="tried").exit_code == 0
    own = {name for _, name in entries(feed, "tried")}
    assert own == {"api_response_lettered", "lettered", "history_lettered", "gaps", "snapshot_dates"}
    remove(feed.config, "tried", confirm=lambda _: True)
    glue = open_lake(feed.config).catalog.glue
    assert not [one for one in glue.get_databases()["DatabaseList"] if "tried" in one["Name"]]
    assert entries(feed) == before


def test_what_is_not_ours_is_left_alone_and_told(feed, monkeypatch, capfd):
    database, glue = refined(feed), client("glue", open_lake(feed.config).catalog.properties)
    glue.create_database(DatabaseInput={"Name": database})
    glue.create_table(DatabaseName=database, TableInput={"Name": "numbered", "TableType": "VIRTUAL_VIEW"})
    command = ["run", "--config", feed.config.folder / "planlake.yaml"]
    feed.monkeypatch.setenv("PLANLAKE_NOW", DAY_1)
    said = typed_in_process(monkeypatch, capfd, command)
    assert said.status == 1
    assert f"Glue has a table {database}.numbered that is not one of Planlake's: its view was not made" in said.err
    assert "ViewOriginalText" not in glue.get_table(DatabaseName=database, Name="numbered")["Table"]
    glue.delete_table(DatabaseName=database, Name="numbered")
    assert typed_in_process(monkeypatch, capfd, command).status == 0
    assert (database, "numbered") in entries(feed)


def test_recover_makes_views_that_are_gone(feed):
    feed.run_at(DAY_1)
    before, glue = entries(feed), open_lake(feed.config).catalog.glue
    for name in ("numbered", "history_numbered"):
        glue.delete_table(DatabaseName=refined(feed), Name=name)
    recover(feed.config)
    assert {place: said(one) for place, one in entries(feed).items()} == {p: said(one) for p, one in before.items()}
