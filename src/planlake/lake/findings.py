"""Findings: cells that did not cast and records that were refused, kept where users can query them.

A finding belongs to a batch of a resource. Refining the same batch again, after a crash, replaces its findings.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
from pyiceberg.io.pyarrow import schema_to_pyarrow

from planlake.lake.files import commit, data_files, of_resource, write_file
from planlake.lake.lake import Lake


def replace_findings(
    lake: Lake, name: str, resource: str, rows: Sequence[Mapping[str, Any]], *, above_batch: int
) -> None:
    """Make `rows` the findings of this resource in all batches above the given one, in one commit."""
    if not rows and lake.find("operations", name) is None:
        return
    with lake.commits:
        table = lake.own_table("operations", name)
        old = data_files(table, where=of_resource(resource, above_batch))
        new = []
        if rows:
            listed = pa.Table.from_pylist(list(rows), schema_to_pyarrow(table.schema()))
            new.append(write_file(table, listed, partition=(resource,)))
        if old or new:
            commit(table, add=new, remove=old)


def masked(value: str | None, *, is_personal: bool) -> str | None:
    """A value as findings may show it: of personal ones only that there was one, and how long."""
    if value is None or not is_personal:
        return value
    return f"[personal, {len(value)} characters]"
