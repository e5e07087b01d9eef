"""SeaweedFS's table bucket: a lake works there as here, and what it cannot have is refused."""

import json

import pytest

from aws.stand_ins import KEY, SECRET, TABLES
from conftest import feeding
from engines.two_engines import assert_equal, contents
from flow.ingest.served import DAY_1, DAY_2, PATIENCE, TWO_KINDS, change_two_kinds, two_kinds
from planlake.changes.forget import forget
from planlake.changes.maintain import maintain
from planlake.changes.previews import create
from planlake.changes.rebuild import rebuild
from planlake.changes.recover import recover
from planlake.changes.rollback import rollback, undo
from planlake.errors import LakeError
from planlake.runs.plan import Selection
from planlake.runs.reconcile import reconcile
from planlake.runs.run import run

SETTINGS = f"""{TWO_KINDS}\
settings: {{{PATIENCE}, concurrency: 1, table_concurrency: 1, rejected_percent: 100, uncastable_percent: 100}}
environments:
  here: {{}}
  tables: {{catalog: CATALOG, warehouse: "s3://{TABLES}/", lease: "s3://BUCKET/of-tables/"}}
"""


@pytest.fixture
def feed(stand_ins, bucket, tmp_path):
    given = {**stand_ins.properties, "warehouse": f"s3://{TABLES}", "credential": f"{KEY}:{SECRET}"}
    given["oauth2-server-uri"] = f"{stand_ins.iceberg}/v1/oauth/tokens"
    catalog = json.dumps({"type": "rest", "uri": stand_ins.iceberg, "properties": given})
    with feeding(two_kinds(20), tmp_path, SETTINGS.replace("CATALOG", catalog).replace("BUCKET", bucket)) as made:
        yield made


def test_a_lake_in_a_table_bucket_is_that_of_this_machine_and_what_needs_other_files_is_refused(feed):
    config = feed.config

    def both(do):
        found = [do(environment) for environment in ("here", "tables")]
        assert_equal(contents(config, "here"), contents(config, "tables"))
        return found

    def at(now):
        feed.monkeypatch.setenv("PLANLAKE_NOW", now)
        feed.data.move_to(feed.data.now.fromisoformat(now))
        assert [one.exit_code for one in both(lambda place: run(config, Selection(), environment=place))] == [0, 0]

    at(DAY_1)
    change_two_kinds(feed.data)
    at(DAY_2)
    both(lambda place: rollback(config, [], "last-good", confirm=lambda _: True, environment=place))
    both(lambda place: undo(config, confirm=lambda _: True, environment=place))
    both(lambda place: rebuild(config, ["numbered"], environment=place))
    both(lambda place: maintain(config, environment=place))
    assert both(lambda place: recover(config, environment=place)[0]) == [[], []]
    here, there = both(lambda place: reconcile(config, [], is_deep=True, environment=place))
    assert here == there
    before = contents(config, "tables")
    with pytest.raises(LakeError, match="this catalogue deletes the files of a table that is dropped, or takes no"):
        create(config, "try", base="tables")
    with pytest.raises(LakeError, match="this catalogue cannot register a table it knows"):
        forget(config, "numbered", "7", confirm=lambda _: True, environment="tables")
    assert_equal(before, contents(config, "tables"))
