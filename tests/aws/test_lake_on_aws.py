"""A lake on Glue and S3 goes the whole way of one on this machine: after each command every table is the same."""

import json
from contextlib import suppress
from datetime import date, datetime
from time import sleep

import pytest
from pyiceberg.exceptions import NoSuchTableError

from conftest import feeding
from engines.two_engines import assert_equal, contents
from flow.ingest.served import DAY_1, DAY_2, DAY_3, PATIENCE, TWO_KINDS, change_two_kinds, fill, two_kinds
from lake.rest_catalogue import serving
from planlake.changes.forget import forget
from planlake.changes.maintain import maintain
from planlake.changes.previews import create, promote
from planlake.changes.rebuild import rebuild
from planlake.changes.recover import recover
from planlake.changes.rollback import rollback, undo
from planlake.errors import ConflictError
from planlake.flow.open_run import open_for_writing
from planlake.lake.aws.clients import client
from planlake.lake.lake import lock_of
from planlake.lake.open_lake import open_lake
from planlake.lake.pointing import point_to
from planlake.lake.state import lease
from planlake.report.query import open_views
from planlake.report.status import status
from planlake.runs.plan import Selection
from planlake.runs.reconcile import reconcile
from planlake.runs.run import run
from planlake.telemetry.progress import ignore
from querying import answer

HERE, THERE, REST = "here", "aws", "rest"
SETTINGS = f"""{TWO_KINDS}\
settings: {{{PATIENCE}, concurrency: 1, table_concurrency: 1, rejected_percent: 100, uncastable_percent: 100}}
environments:
  {HERE}: {{}}
  {THERE}: {{catalog: {{type: glue, properties: PROPERTIES}}, warehouse: "s3://BUCKET/whole/"}}
  {REST}: {{catalog: CATALOG, warehouse: "s3://BUCKET/rest/"}}
"""


@pytest.fixture(scope="module")
def feed(stand_ins, bucket, tmp_path_factory):
    data = two_kinds(60)
    with serving(tmp_path_factory.mktemp("rest"), stand_ins.properties) as rest:
        catalog = rest.configured(**stand_ins.properties).model_dump_json()
        text = SETTINGS.replace("PROPERTIES", json.dumps(stand_ins.properties)).replace("BUCKET", bucket)
        with feeding(data, tmp_path_factory.mktemp("whole"), text.replace("CATALOG", catalog)) as made:
            yield made


def everywhere(feed, do):
    """What a command gives on each lake, the one here first; every table is the same afterwards."""
    found = [do(environment) for environment in (HERE, THERE, REST)]
    here = contents(feed.config, HERE)
    for there in (THERE, REST):
        assert_equal(here, contents(feed.config, there))
    return found


def at(feed, now, **selection):
    """A run on each lake."""
    feed.monkeypatch.setenv("PLANLAKE_NOW", now)
    feed.data.move_to(max(feed.data.now, datetime.fromisoformat(now)))
    for result in everywhere(feed, lambda place: run(feed.config, Selection(**selection), environment=place)):
        assert result.exit_code == 0, result


def asked(feed, query, **named):
    def ask(environment):
        with open_views(feed.config, environment=environment, **named) as views:
            return answer(views, query).to_pylist()

    here = ask(HERE)
    assert [ask(THERE), ask(REST)] == [here, here]
    return here


ALL = "select id, name, amount from {} order by id"


def test_a_lake_goes_the_whole_way_on_glue_and_on_a_rest_catalogue_as_on_this_machine(feed):
    config = feed.config
    at(feed, DAY_1)
    before = asked(feed, ALL.format("numbered"))
    assert len(before) == 61
    change_two_kinds(feed.data)
    at(feed, DAY_2)
    changed = asked(feed, ALL.format("numbered"))
    assert changed != before
    assert asked(feed, ALL.format("numbered"), as_of=date.fromisoformat(DAY_1[:10])) == before
    asked(feed, "select resource, event, records from api_requests order by 1, 2, 3")

    everywhere(feed, lambda place: rollback(config, [], "last-good", confirm=lambda _: True, environment=place))
    assert asked(feed, ALL.format("numbered")) == before
    everywhere(feed, lambda place: undo(config, confirm=lambda _: True, environment=place))
    assert asked(feed, ALL.format("numbered")) == changed

    for place in (HERE, THERE, REST):
        create(config, f"try-{place}", base=place)
        fill(feed.data, "lettered", 4, "2026-11-17 10:00:00", start=1, name="in a preview")
        assert run(config, Selection(("lettered",), is_full=True), environment=f"try-{place}").exit_code == 0
        assert promote(config, f"try-{place}", [], confirm=lambda _: True)
    everywhere(feed, lambda _: None)

    everywhere(feed, lambda place: rebuild(config, ["numbered"], environment=place))
    assert asked(feed, ALL.format("numbered")) == changed
    everywhere(feed, lambda place: maintain(config, environment=place))
    everywhere(feed, lambda place: forget(config, "numbered", "7", confirm=lambda _: True, environment=place))
    assert 7 not in [row["id"] for row in asked(feed, ALL.format("numbered"))]
    everywhere(feed, lambda place: [one.table for one in recover(config, environment=place)[0]])
    found = everywhere(feed, lambda place: reconcile(config, [], is_deep=True, environment=place))
    assert found[1:] == [found[0], found[0]]
    told = [
        [(one.table, one.held, one.trouble) for one in status(config, place).tables] for place in (HERE, THERE, REST)
    ]
    assert told[1:] == [told[0], told[0]]
    at(feed, DAY_3)


def test_an_entry_of_glue_is_pointed_to_another_version_in_one_step(feed, monkeypatch):
    lake = open_lake(feed.config, THERE)
    table, identifier = lake.find("refined", "current_numbered"), (lake.database("refined"), "current_numbered")
    gone = []
    monkeypatch.setattr("pyiceberg.catalog.glue.GlueCatalog.drop_table", lambda *_: gone.append(1))
    for location in (table.metadata.metadata_log[-1].metadata_file, table.metadata_location):
        point_to(lake.catalog, identifier, location)
        assert open_lake(feed.config, THERE).find("refined", "current_numbered").metadata_location == location
    assert gone == []


@pytest.mark.parametrize(
    ("place", "is_preview"), [(THERE, False), (THERE, True), (REST, False)], ids=["lake", "preview", "rest"]
)
def test_who_lost_the_lake_changes_nothing_in_it_and_in_its_previews(feed, place, is_preview, monkeypatch):
    monkeypatch.setattr(lease, "RENEWED_AFTER", 0.1)
    name = create(feed.config, "lost", base=place).name if is_preview else place
    lock = lock_of(feed.config, place)
    with open_for_writing(feed.config, name, ignore, is_dry_run=True) as context:
        opened = client("s3", lock.properties)
        opened.put_object(Bucket=lock.bucket, Key=lock.key, Body=b"{}")
        with pytest.raises(ConflictError, match="does not hold the lake any more"):
            for _ in range(200):  # until the next renewal notices it
                with suppress(NoSuchTableError):
                    context.lake.catalog.drop_table(("nobodys", "table"))
                sleep(0.05)
