"""Tables that others made in Planlake's databases in Glue are passed over by all commands, and never called lost."""

import json

import pytest

from commands import typed_in_process
from conftest import feeding
from flow.ingest.served import DAY_1, PATIENCE, TWO_KINDS, two_kinds
from planlake.changes import previews
from planlake.lake.aws.clients import client
from planlake.lake.open_lake import open_lake
from planlake.runs.plan import Selection
from planlake.runs.run import run

SETTINGS = f"""{TWO_KINDS}\
settings: {{{PATIENCE}, rejected_percent: 100, uncastable_percent: 100}}
environments:
  aws: {{catalog: {{type: glue, properties: PROPERTIES}}, warehouse: "s3://BUCKET/others/", database_prefix: others-}}
"""
REFINED = "others-tascomi-refined-zone"
ICEBERG = {"table_type": "ICEBERG", "metadata_location": "s3://lake/elsewhere/metadata/00000-x.metadata.json"}
KINDS = {
    "numbered": {},  # without a type; where a view of ours would stand
    "hive": {"TableType": "EXTERNAL_TABLE"},
    "delta": {"TableType": "EXTERNAL_TABLE", "Parameters": {"table_type": "DELTA"}},
    "ours_not": {"TableType": "EXTERNAL_TABLE", "Parameters": ICEBERG},
}


@pytest.fixture(scope="module")
def feed(stand_ins, bucket, tmp_path_factory):
    text = SETTINGS.replace("PROPERTIES", json.dumps(stand_ins.properties)).replace("BUCKET", bucket)
    with feeding(two_kinds(5), tmp_path_factory.mktemp("others"), text) as made:
        made.monkeypatch.setenv("PLANLAKE_NOW", DAY_1)
        assert run(made.config, Selection()).exit_code == 0
        yield made


def put(glue, database, name, given):
    columns = {"Columns": [{"Name": "a", "Type": "int"}], "Location": "s3://lake/elsewhere/"}
    glue.create_table(DatabaseName=database, TableInput={"Name": name, "StorageDescriptor": columns, **given})


@pytest.fixture(scope="module")
def glue(feed, stand_ins):
    opened = client("glue", stand_ins.properties)
    for table in opened.get_tables(DatabaseName=REFINED)["TableList"]:
        if table["Name"] in KINDS:
            opened.delete_table(DatabaseName=REFINED, Name=table["Name"])
    for name, given in KINDS.items():
        put(opened, REFINED, name, given)
    return opened


@pytest.fixture
def typed(feed, monkeypatch, capfd):
    def said(*arguments):
        return typed_in_process(monkeypatch, capfd, [*arguments, "--config", feed.config.folder / "planlake.yaml"])

    return said


@pytest.mark.parametrize("command", [("tables",), ("sql", "select count(*) from numbered"), ("status",)])
def test_who_reads_passes_them_over(glue, typed, command):
    said = typed(*command)
    assert said.status == 0, said
    assert "planlake recover" not in said.everything


@pytest.mark.parametrize("command", [("run",), ("maintain",)])
def test_of_who_writes_only_the_view_that_one_stands_in_the_way_of_is_not_made(glue, typed, command):
    said = typed(*command).everything
    assert f"Glue has a table {REFINED}.numbered that is not one of Planlake's: its view was not made" in said
    assert all(f"{REFINED}.{name}" not in said for name in KINDS if name != "numbered")


def test_recover_leaves_them_alone_and_says_so(glue, typed):
    said = typed("recover")
    assert said.status == 0, said
    assert "not Planlake's, left alone" in said.everything
    assert {one["Name"] for one in glue.get_tables(DatabaseName=REFINED)["TableList"]} >= set(KINDS)


def test_a_preview_with_a_table_of_others_is_not_dropped_and_the_table_stays(glue, feed, typed):
    previews.create(feed.config, "theirs")
    database = open_lake(feed.config, "theirs").database("operations")
    put(glue, database, "hive", KINDS["hive"])
    said = typed("env", "drop", "theirs", "--yes")
    assert said.status == 3, said
    assert "a database of the preview holds tables that are not Planlake's" in said.everything
    glue.delete_table(DatabaseName=database, Name="hive")
    assert typed("env", "drop", "theirs", "--yes").status == 0
