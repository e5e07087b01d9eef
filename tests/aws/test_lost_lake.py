"""Who does not hold the lake any more changes nothing and deletes nothing, whichever way it would."""

import json

import pytest

from planlake.config import load_config
from planlake.errors import ConflictError
from planlake.lake.aws.glue_entries import MADE_OF, drop_views
from planlake.lake.aws.still_held import guarded
from planlake.lake.forgetting.rewrite import delete_unreferenced
from planlake.lake.forgetting.trusted_tables import drop_trusted_tables
from planlake.lake.open_lake import open_lake
from planlake.lake.pointing import point_to
from planlake.lake.tables.stored_files import storage_of_table
from planlake.lake.views.definitions import ViewDefinition
from planlake.lake.views.glue_views import _write
from planlake.lake.warehouse import database_storage, table_storages

VIEW = ViewDefinition("operations", "seen", "a view", {"one": "integer"}, "select 1 as one")
WAYS = {
    "a file": lambda lake: own_folder(lake).delete(paths(lake)),
    "a folder": lambda lake: own_folder(lake).remove(),
    "a database's folder": lambda lake: database_storage(lake, "operations").remove(),
    "what housekeeping finds": lambda lake: storage_of_table(table(lake)).delete(paths(lake)),
    "what nothing refers to": lambda lake: delete_unreferenced([], [own_folder(lake)]),
    "trusted tables": lambda lake: drop_trusted_tables([lake], "things"),
    "an entry of Glue": lambda lake: point_to(lake.catalog, table(lake).name(), table(lake).metadata_location),
    "a view": lambda lake: _write(lake, VIEW, "other", {}),
    "views of a database": lambda lake: drop_views(lake.catalog, lake.database("operations")),
    "a database": lambda lake: lake.catalog.drop_namespace(lake.database("operations")),
}


@pytest.fixture(scope="module")
def lake(stand_ins, bucket, tmp_path_factory):
    """A lake with a table, a view, and a file of a trusted table that nobody knows."""
    file, catalog = (
        tmp_path_factory.mktemp("lost") / "planlake.yaml",
        {"type": "glue", "properties": stand_ins.properties},
    )
    place = {"catalog": catalog, "warehouse": f"s3://{bucket}/lost/", "database_prefix": "lost-"}
    file.write_text(json.dumps({"environments": {"aws": place}}))
    made = open_lake(load_config(file))
    made.find_or_create_built_in_table("operations", "runs")
    _write(made, VIEW, "first", {})
    trusted = table_storages(made, "trusted", "left")[0]
    with trusted.files.open_output_stream(f"{trusted.folder}/data/left.parquet") as stream:
        stream.write(b"left")
    return made


def table(lake):
    return lake.find("operations", "runs")


def own_folder(lake):
    return table_storages(lake, "operations", "runs")[0]


def paths(lake):
    return [one.path for one in own_folder(lake).list_files()]


def everything(lake):
    """Every file of the lake, the version of each entry in Glue, and what the view was made of."""
    glue, database = lake.catalog.glue, lake.database("operations")
    entries = glue.get_tables(DatabaseName=database)["TableList"]
    stored = [one.path for zone in ("operations", "trusted") for one in database_storage(lake, zone).list_files()]
    said = [(one["Name"], one.get("VersionId"), one["Parameters"].get(MADE_OF)) for one in entries]
    return sorted(stored), sorted(said)


@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_changed_or_deleted_once_the_lake_is_lost(lake, way):
    def lost():
        raise ConflictError("lost")

    before = everything(lake)
    assert len(before[0]) == 2
    assert [name for name, _, _ in before[1]] == ["runs", "seen"]
    with guarded(lake.catalog, lost), pytest.raises(ConflictError, match="lost"):
        WAYS[way](lake)
    assert everything(lake) == before


def test_a_lake_that_is_still_held_is_looked_at_before_each_file(lake):
    looks, folder = [], table_storages(lake, "operations", "left")[0]
    names = [f"{folder.folder}/data/{number}" for number in range(3)]
    for name in names:
        folder.files.open_output_stream(name).close()
    with guarded(lake.catalog, lambda: looks.append(len(folder.list_files()))):
        folder.delete(names)
    assert looks == [3, 2, 1]
