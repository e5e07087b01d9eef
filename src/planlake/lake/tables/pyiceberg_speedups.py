"""Speeds up pyiceberg: what never changes is shared, where it would be made or copied again and again.

Each manifest says in its header how its entries are laid out. pyiceberg makes a schema and a reader of that again for
every file, which takes longer than to read the entries. A lake has a handful of layouts and thousands of manifests.

Each commit copies a table's metadata three times, every column, version and tag of it, which takes longer than all else
that a small commit does.
"""

import json
from collections.abc import Callable, Mapping
from enum import Enum
from functools import cache
from typing import Any

from pyiceberg.avro import file as avro_file
from pyiceberg.avro import resolver
from pyiceberg.avro.file import AvroFileHeader
from pyiceberg.avro.reader import Reader
from pyiceberg.partitioning import PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table.refs import SnapshotRef
from pyiceberg.table.snapshots import MetadataLogEntry, Snapshot, SnapshotLogEntry
from pyiceberg.table.sorting import SortOrder
from pyiceberg.typedef import IcebergBaseModel, StructProtocol
from pyiceberg.types import IcebergType
from pyiceberg.utils.schema_conversion import AvroSchemaConversion

_Layout = Schema | IcebergType
_Types = Mapping[int, Callable[..., StructProtocol]]
_Enums = Mapping[int, Callable[..., Enum]]
NOTHING: Mapping[int, Any] = {}
# What a table's metadata is made of. All are frozen; the lists that hold them are still copied.
PARTS = (Schema, Snapshot, SnapshotLogEntry, SnapshotRef, MetadataLogEntry, PartitionSpec, SortOrder)


@cache
def share_readers() -> None:
    """Have pyiceberg make each schema and each reader once; of effect the first time it is called.

    Neither holds anything of the file it reads: pyiceberg's own readers are shared by whoever asks for equal ones.
    """
    resolve = resolver.resolve_reader
    made: dict[object, tuple[Reader, _Layout, _Layout]] = {}  # with what they were made of, so that no id is used again

    def resolved(
        file_schema: _Layout, read_schema: _Layout, read_types: _Types = NOTHING, read_enums: _Enums = NOTHING
    ) -> Reader:
        key = (id(file_schema), id(read_schema), *read_types.items(), *read_enums.items())
        if key not in made:
            made[key] = (
                resolve(file_schema, read_schema, dict(read_types), dict(read_enums)),
                file_schema,
                read_schema,
            )
        return made[key][0]

    avro_file.resolve_reader = resolver.resolve_reader = resolved  # type: ignore[attr-defined]
    AvroFileHeader.get_schema = _schema_of  # type: ignore[method-assign]


def _schema_of(self: AvroFileHeader) -> Schema:
    return _schema(self.meta["avro.schema"])


@cache
def _schema(text: str) -> Schema:
    return AvroSchemaConversion().avro_to_iceberg(json.loads(text))


@cache
def share_parts() -> None:
    """Have a copy of a table's metadata share the columns, versions and tags; of effect the first time it is called.

    Nobody changes one of them: what differs is made as another one. So a copy of a schema keeps its indexes, too.
    """
    for kind in PARTS:
        kind.__deepcopy__ = _itself  # type: ignore[method-assign, assignment]


def _itself(self: IcebergBaseModel, _memo: dict[int, Any]) -> IcebergBaseModel:
    return self
