"""A whole recovery on Glue: entries gone, entries that name older files, a database gone."""

import json

import pytest
from pyiceberg.catalog.glue import GlueCatalog

from conftest import feeding
from engines.two_engines import assert_equal
from flow.ingest.served import DAY_1, DAY_2, PATIENCE, TWO_KINDS, change_two_kinds, two_kinds
from planlake.changes.recover import recover
from planlake.errors import LakeError
from planlake.lake.aws.clients import client
from planlake.lake.lake import ZONES
from planlake.lake.open_lake import open_lake
from planlake.lake.pointing import point_to
from planlake.runs.plan import Selection
from planlake.runs.run import run

SETTINGS = f"""{TWO_KINDS}\
settings: {{{PATIENCE}, rejected_percent: 100, uncastable_percent: 100}}
environments: {{aws: {{catalog: {{type: glue, properties: PROPERTIES}}, warehouse: "s3://BUCKET/recovered/"}}}}
"""
PREFIX = "recovered-"


@pytest.fixture(scope="module")
def feed(stand_ins, bucket, tmp_path_factory):
    text = SETTINGS.replace("PROPERTIES", json.dumps(stand_ins.properties)).replace("BUCKET", bucket)
    text = text.replace('recovered/"', f'recovered/", database_prefix: {PREFIX}')
    with feeding(two_kinds(5), tmp_path_factory.mktemp("recovered"), text) as made:
        yield made


@pytest.fixture(scope="module")
def lake(feed):
    """Two days: where each table's entry pointed after the first, and what every table holds after the second."""
    locations = [load(feed, DAY_1)]
    change_two_kinds(feed.data)
    locations.append(load(feed, DAY_2))
    return locations[0], locations[1], rows(feed)


def load(feed, day):
    feed.monkeypatch.setenv("PLANLAKE_NOW", day)
    feed.data.move_to(feed.data.now.fromisoformat(day))
    assert run(feed.config, Selection()).exit_code == 0
    return {name: table.metadata_location for name, table in tables(feed).items()}


def tables(feed):
    opened = open_lake(feed.config)
    return {(opened.database(zone), name): opened.find(zone, name) for zone in ZONES for name in opened.names(zone)}


def rows(feed):
    return {
        name: (str(table.schema()), sorted(map(repr, table.scan().to_arrow().to_pylist())))
        for name, table in tables(feed).items()
    }


@pytest.fixture
def glue(stand_ins):
    return client("glue", stand_ins.properties)


@pytest.fixture
def watched(glue, monkeypatch):
    """What is known to Glue after each call that changes something there."""
    seen = []

    def watch(name):
        plain = getattr(GlueCatalog, name)

        def called(catalog, *arguments, **named):
            done = plain(catalog, *arguments, **named)
            seen.append(known(glue))
            return done

        monkeypatch.setattr(GlueCatalog, name, called)

    for name in ("_update_glue_table", "_create_glue_table", "create_namespace", "drop_table", "drop_namespace"):
        watch(name)
    return seen


def known(glue):
    databases = [one["Name"] for one in glue.get_databases()["DatabaseList"] if one["Name"].startswith(PREFIX)]
    found = [(name, glue.get_tables(DatabaseName=name)["TableList"]) for name in databases]
    return {(database, table["Name"]) for database, listed in found for table in listed}


def drop(glue, *names):
    for database, name in names:
        glue.delete_table(DatabaseName=database, Name=name)


def whole_again(feed, lake, glue, watched):
    left = known(glue)
    recover(feed.config)
    assert watched
    assert all(left <= seen for seen in watched)
    assert_equal(lake[2], rows(feed))
    assert {name: table.metadata_location for name, table in tables(feed).items()} == lake[1]
    assert recover(feed.config)[0] == []


def of_zone(feed, lake, zone):
    return [name for name in lake[1] if name[0] == open_lake(feed.config).database(zone)]


def test_entries_that_were_deleted_are_known_again(feed, lake, glue, watched):
    drop(glue, *of_zone(feed, lake, "refined")[:3], *of_zone(feed, lake, "operations")[:2])
    with pytest.raises(LakeError, match="the catalogue does not know tables whose files lie in the warehouse"):
        run(feed.config, Selection())
    whole_again(feed, lake, glue, watched)


def test_entries_set_back_by_a_backup_and_a_database_that_is_gone_are_whole_again(feed, lake, glue, watched):
    catalog, gone = open_lake(feed.config).catalog, of_zone(feed, lake, "refined")
    for name, location in lake[0].items():
        point_to(catalog, name, location)
    drop(glue, *gone, of_zone(feed, lake, "raw")[0])
    glue.delete_database(Name=gone[0][0])
    watched.clear()
    whole_again(feed, lake, glue, watched)
