"""Findings: cells that did not cast and records that were refused, kept where users can query them.

A finding belongs to a batch of a resource. Refining the same batch again, after a crash, replaces its findings.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from planlake.lake.lake import Lake
from planlake.lake.metadata.filters import of_resource
from planlake.lake.tables.data_files import data_files

if TYPE_CHECKING:
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table


def replace_findings(
    lake: Lake, name: str, resource: str, rows: Sequence[Mapping[str, Any]], *, above_batch: int
) -> None:
    """Make `rows` the findings of this resource in all batches above the given one, in one commit; others stay."""
    if not rows and lake.find("operations", name) is None:
        return
    from pyiceberg.io.pyarrow import schema_to_pyarrow  # noqa: PLC0415 - who only reads needs nothing that writes

    from planlake.lake.tables.commits import commit  # noqa: PLC0415
    from planlake.lake.tables.parquet import write_file  # noqa: PLC0415

    with lake.commits:
        table = lake.find_or_create_built_in_table("operations", name)
        old = data_files(table, where=of_resource(resource, above_batch))
        kept = [part for file in old for part in _until(table, file, above_batch)]
        listed = pa.Table.from_pylist([*kept, *rows], schema_to_pyarrow(table.schema()))
        new = [write_file(table, listed, partition=(resource,))] if len(listed) else []
        if old or new:
            commit(table, add=new, remove=old)


def _until(table: "Table", file: "DataFile", batch: int) -> list[dict[str, Any]]:
    """Findings of a file that lie in earlier batches; only a file that was made of several has any."""
    import pyarrow.parquet as pq  # noqa: PLC0415

    with table.io.new_input(file.file_path).open() as stream:
        rows = pq.read_table(stream)
    found: list[dict[str, Any]] = rows.filter(pc.less_equal(rows["batch"], batch)).to_pylist()
    return found
