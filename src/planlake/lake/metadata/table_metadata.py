"""What a metadata file says of a table: its columns, its versions, its tags.

Names are pyiceberg's, so that who reads a table need not know which of the two read it. What is asked seldom and is not
here pyiceberg answers: see `Whole`. All that Planlake's tables have stands here, used or not: a file with anything else
in it is damaged or somebody else's, and pyiceberg is to read it.
"""

import re
from functools import cached_property
from typing import Any, Literal
from uuid import UUID

import msgspec

from planlake.lake.metadata.lists import Manifest, manifests_in

TYPES = {"boolean", "int", "long", "float", "double", "date", "timestamp", "string"}  # that columns here have
TRANSFORM = re.compile(r"identity|void|(truncate|bucket)\[[1-9][0-9]*\]")
NOT_SORTED = 0  # the number of the order that files without one have


class UnusualError(Exception):
    """A table is described in a way that only pyiceberg reads, or not as it should be."""


class Whole:
    """Hands on to what pyiceberg makes of the same file whatever it is asked and does not know."""

    whole: Any  # gives that, and makes it the first time; asked without arguments

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever pyiceberg has
        if name.startswith("__") or name == "whole":
            raise AttributeError(name)
        return getattr(self.whole(), name)


def _named(name: str) -> str:
    """What a metadata file calls what is called so here."""
    others = {"field_id": "id", "type_name": "type", "snapshot_ref_type": "type", "entries": "summary"}
    others |= {"partitions": "partition-specs", "orders": "sort-orders"}
    return others.get(name, name.replace("_", "-"))


class Part(msgspec.Struct, rename=_named, forbid_unknown_fields=True):
    """A part of a metadata file in which nothing stands that is not known here."""


class Field(msgspec.Struct, rename=_named, forbid_unknown_fields=True):
    """A column: its number, its name, what Iceberg calls its type, whether it may be empty, the key it holds."""

    field_id: int
    name: str
    type_name: str
    required: bool = False
    doc: str | None = None

    @property
    def field_type(self) -> Any:  # noqa: ANN401 - a type of pyiceberg's
        """Its type as pyiceberg has it, for who compares types."""
        from pyiceberg.types import PrimitiveType  # noqa: PLC0415 - most readers need no more than its name

        return PrimitiveType.model_validate(self.type_name)


class Columns(msgspec.Struct, Whole, rename=_named, forbid_unknown_fields=True, dict=True):
    """The columns a table has, or had once."""

    fields: tuple[Field, ...]
    schema_id: int = 0
    type: Literal["struct"] = "struct"
    identifier_field_ids: tuple[int, ...] = ()

    @cached_property
    def column_names(self) -> list[str]:
        """Their names, in order."""
        return [field.name for field in self.fields]

    def find_field(self, name_or_id: str | int) -> Field:
        """The column of this name or number; a ValueError where there is none."""
        for field in self.fields:
            if name_or_id in (field.name, field.field_id):
                return field
        raise ValueError(f"Could not find field: {name_or_id}")


class Summary:
    """What a version says of itself."""

    def __init__(self, entries: dict[str, str]) -> None:
        self.operation = entries["operation"]
        self.additional_properties = {name: value for name, value in entries.items() if name != "operation"}


class Version(msgspec.Struct, rename=_named, forbid_unknown_fields=True, dict=True):
    """A version of a table."""

    snapshot_id: int
    timestamp_ms: int
    manifest_list: str
    sequence_number: int
    entries: dict[str, str]
    parent_snapshot_id: int | None = None
    schema_id: int | None = None

    @cached_property
    def summary(self) -> Summary:
        """What it says of itself."""
        return Summary(self.entries)

    def manifests(self, _io: object) -> list[Manifest]:
        """Its lists of files."""
        return manifests_in(self.manifest_list)


class Ref(Part):
    """A tag or a branch."""

    snapshot_id: int
    snapshot_ref_type: Literal["tag", "branch"]


class PartitionBy(msgspec.Struct, rename="kebab", forbid_unknown_fields=True):  # its number is no `id`, as a column's
    """A column that files are kept apart by: its number, and how."""

    source_id: int
    field_id: int
    name: str
    transform: str


class Partitions(Part):
    """How the files of a table are kept apart, or were once."""

    spec_id: int
    fields: tuple[PartitionBy, ...]


class Followed(Part):
    """A metadata file that another followed."""

    metadata_file: str
    timestamp_ms: int


class Shown(Part):
    """Which version a table showed from when on."""

    snapshot_id: int
    timestamp_ms: int


class Order(Part):
    """In which order rows lie in files: in none that is known."""

    order_id: int
    fields: tuple[()]


class Metadata(msgspec.Struct, Whole, rename=_named, forbid_unknown_fields=True, dict=True):
    """What a metadata file says."""

    format_version: Literal[2]
    table_uuid: UUID
    location: str
    last_updated_ms: int
    last_sequence_number: int
    last_column_id: int
    last_partition_id: int
    schemas: tuple[Columns, ...]
    current_schema_id: int
    partitions: tuple[Partitions, ...]
    default_spec_id: int
    orders: tuple[Order, ...]
    default_sort_order_id: int
    properties: dict[str, str]
    refs: dict[str, Ref]
    current_snapshot_id: int | None = None
    snapshots: tuple[Version, ...] = ()
    snapshot_log: tuple[Shown, ...] = ()
    metadata_log: tuple[Followed, ...] = ()
    statistics: tuple[()] = ()
    partition_statistics: tuple[()] = ()

    def schema(self) -> Columns:
        """The columns it has now."""
        return self.schemas_by_id[self.current_schema_id]

    @cached_property
    def schemas_by_id(self) -> dict[int, Columns]:
        """All columns it has and had."""
        return {one.schema_id: one for one in self.schemas}

    @cached_property
    def versions_by_id(self) -> dict[int, Version]:
        """All its versions."""
        return {one.snapshot_id: one for one in self.snapshots}

    def snapshot_by_id(self, snapshot_id: int) -> Version | None:
        """The version of this number; None where it is not kept."""
        return self.versions_by_id.get(snapshot_id)

    def current_snapshot(self) -> Version | None:
        """The version it shows; None where there is none yet."""
        return self.versions_by_id[self.current_snapshot_id] if self.current_snapshot_id is not None else None

    def parted_by(self, number: int) -> list[str]:
        """The columns that one kind of partition goes by; empty for one that is not the column's own value."""
        names = {field.field_id: field.name for field in self.schema().fields}
        found = next(one for one in self.partitions if one.spec_id == number)
        return [names[one.source_id] if one.transform == "identity" else "" for one in found.fields]


_decoder = msgspec.json.Decoder(Metadata)


def metadata_of(content: bytes) -> Metadata:
    """What a metadata file says; an UnusualError where pyiceberg is to read it."""
    try:
        found = _decoder.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UnusualError from error
    if not (_is_numbered(found) and _is_known(found)):
        raise UnusualError
    return found


def _is_numbered(found: Metadata) -> bool:
    """Whether what is named by a number in one place is there in another."""
    columns = {field.field_id for one in found.schemas for field in one.fields}
    versions = {one.snapshot_id for one in found.refs.values()} | {found.current_snapshot_id} - {None}
    return (
        found.current_schema_id in found.schemas_by_id
        and found.default_spec_id in {one.spec_id for one in found.partitions}
        and {field.source_id for one in found.partitions for field in one.fields} <= columns
        and versions <= found.versions_by_id.keys()
    )


def _is_known(found: Metadata) -> bool:
    """Whether columns, partitions and versions are of kinds that are known here."""
    return (
        [one.order_id for one in found.orders] == [found.default_sort_order_id] == [NOT_SORTED]
        and {field.type_name for one in found.schemas for field in one.fields} <= TYPES
        and all(len({*one.column_names}) == len(one.fields) for one in found.schemas)
        and all(TRANSFORM.fullmatch(field.transform) for one in found.partitions for field in one.fields)
        and {one.entries.get("operation") for one in found.snapshots} <= {"append", "replace", "overwrite", "delete"}
    )
