"""The columns of every table, made into Iceberg schemas.

Refined tables are made from the catalogue; all others are listed here in full.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from planlake.engines.names import column_names
from planlake.engines.sql import identifier
from planlake.lake.metadata import table_metadata as metadata

if TYPE_CHECKING:
    from pyiceberg.partitioning import PartitionSpec
    from pyiceberg.schema import Schema
    from pyiceberg.types import IcebergType

Columns = Mapping[str, str]


class ResourceSpec(Protocol):
    """What the lake needs to know of a resource; the records of the catalogue are such."""

    @property
    def name(self) -> str:
        """The resource's name."""

    @property
    def key(self) -> str:
        """The column that tells records apart."""

    @property
    def changed(self) -> str:
        """The column that says when a record changed; empty where none does."""

    @property
    def columns(self) -> Mapping[str, str]:
        """Declared columns and their types."""

    @property
    def personal(self) -> Collection[str]:
        """Keys whose values name or reach a person; `*` is every key but `key`."""

    def is_personal(self, column: str) -> bool:
        """Whether values of this key name or reach a person."""

    def may_name_people(self, column: str, codes: Collection[str] = ()) -> bool:
        """Whether values of this key are hidden: it is personal, or a text, not among `codes`, that may be free."""


TYPES: Mapping[str, str] = {  # what Iceberg calls them
    "integer": "int",
    "long": "long",
    "double": "double",
    "float": "double",
    "boolean": "boolean",
    "timestamp": "timestamp",
    "timestamp_utc": "timestamp",
    "text": "string",
}

IMPORT_COLUMNS: Columns = {
    "page_number": "integer",
    "import_api_url_requested": "text",
    "import_api_status_code": "text",
    "import_exception_thrown": "text",
    "import_datetime": "timestamp",
    "import_timestamp": "text",
    "import_year": "text",
    "import_month": "text",
    "import_day": "text",
    "import_date": "text",
}

API_RESPONSES: Columns = {
    "resource": "text",
    "batch": "long",
    "request_id": "long",
    "position": "integer",
    "record_id": "text",
    "record_hash": "text",
    "is_regular": "boolean",
    "is_deleted": "boolean",
    "api_response": "text",
    **IMPORT_COLUMNS,
    "api_response_base64": "text",  # new columns last: those of an older lake get their numbers in this order
}

API_REQUESTS: Columns = {
    "request_id": "long",
    "run": "long",
    "resource": "text",
    "batch": "long",
    "event": "text",
    "window": "text",
    "page": "integer",
    "url": "text",
    "status": "integer",
    "attempts": "integer",
    "records": "integer",
    "stored": "integer",
    "repeated": "integer",
    "missing": "integer",
    "changed": "integer",
    "gone": "integer",
    "proof": "text",
    "bytes": "long",
    "total_results": "integer",
    "results_per_page": "integer",
    "total_page": "integer",
    "first_id": "text",
    "last_id": "text",
    "error": "text",
    "requested_at": "timestamp",
    "seconds": "double",
    "requests": "text",
}

# Columns of refined tables that are Planlake's own; they follow the vendor's columns.
REFINED_OWN: Columns = {
    **IMPORT_COLUMNS,
    "import_request_id": "long",
    "import_position": "integer",
    "record_hash": "text",
    "batch": "long",
    "is_deleted": "boolean",
}

RUNS: Columns = {
    "run": "long",
    "started_at": "timestamp",
    "ended_at": "timestamp",
    "run_date": "text",
    "outcome": "text",
    "message": "text",
    "resource": "text",
    "requests": "long",
    "records": "long",
    "stored": "long",
    "refined": "long",
    "current_rows": "long",
    "uncastable": "long",
    "rejected": "long",
    "batch": "long",
    "gap_days": "long",
    "bytes": "long",
    "snapshot_before": "long",
    "snapshot_after": "long",
    "seconds": "double",
    "configuration_hash": "text",
    "version": "text",
}

PUBLISHED: Columns = {
    "resource": "text",
    "snapshot_date": "text",
    "run": "long",
    "batch": "long",
    "snapshot_id": "long",
    "rows": "long",
    "published_at": "timestamp",
}

CHECKS: Columns = {
    "run": "long",
    "resource": "text",
    "batch": "long",
    "checked_at": "timestamp",
    "check": "text",
    "column": "text",
    "verdict": "text",
    "figure": "double",
    "limit": "double",
    "message": "text",
}

JOURNAL: Columns = {
    "action": "long",
    "kind": "text",
    "state": "text",
    "resource": "text",
    "target": "text",
    "zone": "text",
    "increment_from": "long",
    "increment_to": "long",
    "current_from": "long",
    "current_to": "long",
    "batch_from": "long",
    "batch_to": "long",
    "voided": "text",
    "undoes": "long",
    "noted_at": "timestamp",
}

DRIFT: Columns = {
    "run": "long",
    "resource": "text",
    "column": "text",
    "what": "text",
    "detail": "text",
    "noticed_at": "timestamp",
}

PREVIEWED: Columns = {
    "number": "long",
    "run": "long",
    "resource": "text",
    "event": "text",
}

DOCUMENTED: Columns = {
    "resource": "text",
    "column": "text",
    "type": "text",
    "run": "long",
    "noticed_at": "timestamp",
}

UNCASTABLE: Columns = {
    "run": "long",
    "resource": "text",
    "batch": "long",
    "id": "text",
    "column": "text",
    "raw_value": "text",
    "wanted_type": "text",
    "request_id": "long",
    "page_number": "integer",
    "position": "integer",
}

REJECTED: Columns = {
    "run": "long",
    "resource": "text",
    "batch": "long",
    "id": "text",
    "reason": "text",
    "api_response": "text",
    "request_id": "long",
    "page_number": "integer",
    "position": "integer",
}

FORGOTTEN: Columns = {
    "run": "long",
    "state": "text",
    "resource": "text",
    "salt": "text",
    "id_hash": "text",
    "tables": "long",
    "files": "long",
    "rows": "long",
    "noted_at": "timestamp",
}

TABLES: Mapping[tuple[str, str], Columns] = {
    ("raw", "api_responses"): API_RESPONSES,
    ("raw", "api_requests"): API_REQUESTS,
    ("operations", "runs"): RUNS,
    ("operations", "published"): PUBLISHED,
    ("operations", "checks"): CHECKS,
    ("operations", "journal"): JOURNAL,
    ("operations", "drift"): DRIFT,
    ("operations", "previewed"): PREVIEWED,
    ("operations", "documented"): DOCUMENTED,
    ("operations", "uncastable"): UNCASTABLE,
    ("operations", "rejected"): REJECTED,
    ("operations", "forgotten"): FORGOTTEN,
}


def schema_of(columns: Columns, keys: Mapping[str, str] | None = None) -> "Schema":
    """An Iceberg schema of these columns in this order; `keys` are kept as documentation of a column."""
    from pyiceberg.schema import Schema  # noqa: PLC0415 - for who makes tables
    from pyiceberg.types import NestedField  # noqa: PLC0415

    fields = [
        NestedField(number, name, iceberg_type(type_name), required=False, doc=(keys or {}).get(name))
        for number, (name, type_name) in enumerate(columns.items(), start=1)
    ]
    return Schema(*fields)


def by_resource(schema: "Schema") -> "PartitionSpec":
    """Files of one resource each."""
    from pyiceberg.partitioning import PartitionField, PartitionSpec  # noqa: PLC0415 - for who makes tables
    from pyiceberg.transforms import IdentityTransform  # noqa: PLC0415

    source_id = schema.find_field("resource").field_id
    return PartitionSpec(PartitionField(source_id, 1000, IdentityTransform(), "resource"))


def iceberg_type(name: str) -> "IcebergType":
    """The type of this name as pyiceberg has it."""
    from pyiceberg.types import PrimitiveType  # noqa: PLC0415 - for who makes tables

    return PrimitiveType.model_validate(TYPES[name])


def declared_columns(columns: Columns) -> metadata.Columns:
    """The columns of a table that is not there, to be read as one without rows."""
    numbered = enumerate(columns.items(), start=1)
    return metadata.Columns(tuple(metadata.Field(number, name, TYPES[kind]) for number, (name, kind) in numbered))


def keys_of(schema: "Schema | None", resource: ResourceSpec | None = None) -> dict[str, str]:
    """The column of each key of the API: declared ones, then those found in the data (the key is the column's doc).

    What the table calls a column counts; a declared key it lacks has the name that it would be given.
    """
    fields = schema.fields if schema is not None else ()
    held = {
        field.name if field.doc is None else field.doc: field.name for field in fields if field.name not in REFINED_OWN
    }
    if resource is None:
        return held
    first = [key for key in (resource.key, resource.changed) if key in resource.columns]  # these two keep their names
    missing = [key for key in dict.fromkeys((*first, *resource.columns)) if key not in held]
    known = {**column_names(missing, held.values()), **held}
    return {**{key: known[key] for key in resource.columns}, **held}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a refined table: what the API calls it, its name, its short type name."""

    key: str
    name: str
    type: str


def columns_of(schema: "Schema", resource: ResourceSpec) -> tuple[Column, ...]:
    """The columns of a refined table that hold values of the API, declared ones first."""
    return tuple(
        Column(key, name, resource.columns.get(key, "text")) for key, name in keys_of(schema, resource).items()
    )


def key_by_column(schema: "Schema | None", resource: ResourceSpec | None = None) -> dict[str, str]:
    """The key of the API that each column holds: most are called like it, some have a number."""
    return {column: key for key, column in keys_of(schema, resource).items()}


def latest_first(changed: str, columns: Collection[str], *, quoted: Callable[[str], str] = identifier) -> str:
    """The order in which versions of an id win, best first: batch, then `last_updated`, page and position.

    `columns` are those of the rows: nobody has to send or declare `last_updated`.
    """
    by_change = f"{quoted(changed)} desc nulls last, " if changed in columns else ""
    return f"batch desc, {by_change}page_number desc, import_position desc, import_request_id desc"
