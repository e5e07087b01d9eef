"""What is shared with pyiceberg: every layout is read as it is written, and no table changes with another."""

import pyarrow as pa
import pytest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.partitioning import UNPARTITIONED_PARTITION_SPEC, PartitionField, PartitionSpec
from pyiceberg.transforms import BucketTransform, IdentityTransform, TruncateTransform
from pyiceberg.utils.schema_conversion import AvroSchemaConversion

from planlake.lake.tables.columns import schema_of
from planlake.lake.tables.commits import commit
from planlake.lake.tables.data_files import data_files
from planlake.lake.tables.parquet import write_file
from planlake.lake.tables.pyiceberg_speedups import PARTS, share_parts, share_readers

SPECS = {
    "whole": (UNPARTITIONED_PARTITION_SPEC, ()),
    "by_name": (PartitionSpec(PartitionField(1, 1000, IdentityTransform(), "name")), ("one",)),
    "by_range": (PartitionSpec(PartitionField(2, 1000, TruncateTransform(100), "id_range")), (700,)),
    "by_bucket": (PartitionSpec(PartitionField(1, 1000, BucketTransform(16), "id_bucket")), (7,)),
}


@pytest.fixture
def tables(tmp_path):
    """A table of each layout, with a file of its own."""
    share_readers()
    share_parts()
    catalog = SqlCatalog("planlake", uri=f"sqlite:///{tmp_path}/catalog.db", warehouse=str(tmp_path))
    catalog.create_namespace("raw")
    schema, rows = schema_of({"name": "text", "id": "long"}), pa.table({"name": ["one"], "id": [712]})
    made = {}
    for name, (spec, partition) in SPECS.items():
        made[name] = catalog.create_table(f"raw.{name}", schema, partition_spec=spec)
        commit(made[name], add=[write_file(made[name], rows, partition=partition)])
    return made


def test_a_file_of_every_layout_has_its_own_partition(tables):
    found = {name: [tuple(file.partition._data) for file in data_files(table)] for name, table in tables.items()}
    assert found == {name: [partition] for name, (_, partition) in SPECS.items()}


def test_a_layout_that_was_read_once_is_not_made_again(tables, monkeypatch):
    before = {name: data_files(table) for name, table in tables.items()}
    monkeypatch.setattr(AvroSchemaConversion, "avro_to_iceberg", None)
    assert {name: data_files(table) for name, table in tables.items()} == before


def test_what_copies_of_metadata_share_is_frozen(tables):
    assert all(kind.model_config.get("frozen") for kind in PARTS)


def test_a_copy_of_metadata_has_lists_of_its_own(tables):
    before = tables["whole"].metadata
    after = before.model_copy(deep=True)
    assert after == before
    assert all(one is other for one, other in zip(after.snapshots, before.snapshots, strict=True))
    assert all(one is other for one, other in zip(after.schemas, before.schemas, strict=True))
    for name in ("schemas", "snapshots", "refs", "snapshot_log", "metadata_log", "partition_specs", "properties"):
        assert getattr(after, name) is not getattr(before, name), name


def test_what_was_read_before_a_commit_stays_as_it_was(tables):
    table = tables["whole"]
    before, written = table.metadata, table.metadata.model_dump_json()
    commit(table, add=[write_file(table, pa.table({"name": ["two"], "id": [713]}))], tag="kept", properties={"a": "b"})
    assert before.model_dump_json() == written
    assert len(table.metadata.snapshots) == len(before.snapshots) + 1
    again = table.catalog.load_table(table.name())
    assert again.metadata == table.metadata
