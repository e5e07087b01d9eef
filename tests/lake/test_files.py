"""Committing files: many partitions, many manifests, many threads."""

import pickle
import sys

import pyarrow as pa
import pytest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.transforms import IdentityTransform

from planlake.lake.tables.columns import schema_of
from planlake.lake.tables.commits import commit
from planlake.lake.tables.data_files import data_files
from planlake.lake.tables.parquet import write_file


@pytest.fixture
def table(tmp_path):
    """A table of forty manifests, each of a partition of its own."""
    catalog = SqlCatalog("planlake", uri=f"sqlite:///{tmp_path}/catalog.db", warehouse=str(tmp_path))
    catalog.create_namespace("raw")
    schema = schema_of({"resource": "text", "batch": "long"})
    spec = PartitionSpec(PartitionField(1, 1000, IdentityTransform(), "resource"))
    made = catalog.create_table("raw.things", schema, partition_spec=spec)
    for number in range(40):
        name = f"resource {number:02}"
        file = write_file(made, pa.table({"resource": [name], "batch": [1]}), partition=(name,))
        commit(made, add=[file])
    return made


def test_files_of_any_partitions_are_found_again_however_threads_take_turns(table):
    switching = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for turn in range(30):
            replaced = data_files(table)[turn % 3 :: 2]
            names = [file.partition[0] for file in replaced]
            new = [
                write_file(table, pa.table({"resource": [name], "batch": [turn]}), partition=(name,)) for name in names
            ]
            commit(table, add=new, remove=replaced)
    finally:
        sys.setswitchinterval(switching)
    assert sorted(table.scan().to_arrow()["resource"].to_pylist()) == [f"resource {number:02}" for number in range(40)]


def test_a_file_that_another_process_wrote_is_committed_like_our_own(table):
    file = write_file(table, pa.table({"resource": ["elsewhere"], "batch": [1]}), partition=("elsewhere",))
    commit(table, add=[pickle.loads(pickle.dumps(file))])
    assert "elsewhere" in {one.partition[0] for one in data_files(table)}
    assert {one.spec_id for one in data_files(table)} == {0}
