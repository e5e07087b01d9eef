"""Counts the ids that two versions of a table differ in - added, removed, changed - and picks examples.

Only files that one version has and the other has not are read: what both share is the same in both.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from pyiceberg.manifest import DataFile
from pyiceberg.schema import Schema

from planlake.checks.examples import masked
from planlake.engines.duckdb.connection import Connection
from planlake.engines.duckdb.reading import rows_sql
from planlake.engines.sql import identifier, literal
from planlake.lake.tables.columns import IMPORT_COLUMNS, REFINED_OWN, key_by_column
from planlake.sources.catalogue import Resource


@dataclass(frozen=True, slots=True)
class Version:
    """A version of `current_`: its files, and its columns with their types."""

    files: Sequence[DataFile] = ()
    schema: Schema = field(default_factory=Schema)


@dataclass(frozen=True, slots=True)
class VersionDifference:
    """Ids that are not deleted in each version, among the files the two do not share, and how they differ."""

    before: int
    after: int
    added: int
    removed: int
    changed: int


@dataclass(frozen=True, slots=True)
class ChangedCell:
    """One cell of a record that both versions have, as text; values of personal columns are masked."""

    id: str
    column: str
    before: str | None
    after: str | None


def compare_versions(
    connection: Connection, resource: Resource, *, before: Version, after: Version
) -> VersionDifference:
    """Count the ids that differ between two versions; columns are compared by name, as text."""
    query = f"""
        select count(before.id), count(after.id), count(*) filter (where before.id is null),
            count(*) filter (where after.id is null),
            count(*) filter (where before.contents <> after.contents)
        from {_both(resource, before, after)}"""
    with connection.cursor() as cursor:
        return VersionDifference(*cursor.execute(query).fetchall()[0])


def changed_cells(
    connection: Connection, resource: Resource, *, before: Version, after: Version, records: int
) -> list[ChangedCell]:
    """The cells that differ of the first `records` changed ids."""
    query = f"""select id from {_both(resource, before, after)}
                where before.contents <> after.contents order by length(id), id limit {records}"""
    with connection.cursor() as cursor:
        ids = [identity for (identity,) in cursor.execute(query).fetchall()]
    old, new = (_records(connection, resource, version, ids) for version in (before, after))
    is_secret = bool(resource.personal) and resource.is_personal(resource.key)
    keys = {**key_by_column(before.schema), **key_by_column(after.schema)}
    return [
        ChangedCell(
            str(masked(identity, is_personal=is_secret)),
            column,
            masked(one, is_personal=resource.is_personal(keys[column])),
            masked(other, is_personal=resource.is_personal(keys[column])),
        )
        for identity in ids
        for column in dict.fromkeys((*old[identity], *new[identity]))
        if (one := old[identity].get(column)) != (other := new[identity].get(column))
    ]


def compare_rows(connection: Connection, *, before: Version, after: Version) -> tuple[int, int]:
    """Of two versions of a table without ids the rows that the first alone has, and the second; compared as text.

    A row that another one repeats counts as often as it is there more.
    """
    names = sorted({*before.schema.column_names, *after.schema.column_names})
    both = (
        f"select {count}::bigint as n, {_packed(one, names)} as contents from {rows_sql(one.files, one.schema)}"
        for one, count in ((before, -1), (after, 1))
        if one.files
    )
    changes = " union all ".join(both) or "select 0 as n, 0 as contents"
    query = f"""select sum(greatest(-n, 0))::bigint, sum(greatest(n, 0))::bigint
                from (select sum(n) as n from ({changes}) group by contents)"""
    with connection.cursor() as cursor:
        first, second = cursor.execute(query).fetchall()[0]
        return int(first), int(second)


def without_shared_files(before: Version, after: Version) -> tuple[Version, Version]:
    """Both versions without the files they share."""
    paths = [{file.file_path for file in version.files} for version in (before, after)]
    shared = paths[0] & paths[1]
    first, second = (
        Version([file for file in version.files if file.file_path not in shared], version.schema)
        for version in (before, after)
    )
    return first, second


def _both(resource: Resource, before: Version, after: Version) -> str:
    names = sorted({*_vendor_columns(before.schema), *_vendor_columns(after.schema)})
    return f"""{_contents(resource, before, names)} as before
               full join {_contents(resource, after, names)} as after using (id)"""


def _contents(resource: Resource, version: Version, names: Sequence[str]) -> str:
    """A table expression of the ids that are not deleted and what they hold."""
    if not version.files:
        return "(select null::varchar as id, 0::ubigint as contents where false)"
    rows = rows_sql(version.files, version.schema)
    return f"""(select {identifier(resource.key)}::varchar as id, {_packed(version, names)} as contents
                from {rows} where not is_deleted)"""


def _packed(version: Version, names: Sequence[str]) -> str:
    """A number that stands for all these columns of a row, as text."""
    held = set(version.schema.column_names)
    columns = (f"{identifier(name)}::varchar" if name in held else "null::varchar" for name in names)
    packed = ", ".join(f"{identifier(name)} := {column}" for name, column in zip(names, columns, strict=True))
    return f"hash(struct_pack({packed}))"


def _vendor_columns(schema: Schema) -> Iterator[str]:
    own = {*IMPORT_COLUMNS, *REFINED_OWN}
    return (name for name in schema.column_names if name not in own)


def _records(
    connection: Connection, resource: Resource, version: Version, ids: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Whole records by id, every value as text."""
    if not ids:
        return {}
    names = list(_vendor_columns(version.schema))
    columns = ", ".join(f"{identifier(name)}::varchar as {identifier(name)}" for name in names)
    key, listed = identifier(resource.key), ", ".join(map(literal, ids))
    rows = rows_sql(version.files, version.schema)
    query = f"select {columns} from {rows} where {key}::varchar in ({listed}) and not is_deleted"
    with connection.cursor() as cursor:
        found = cursor.sql(query).to_arrow_table().to_pylist()
    return {record[resource.key]: record for record in found}
