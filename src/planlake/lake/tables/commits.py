"""Writes Arrow tables as data files and commits them as versions that carry a bookmark.

Files are written before anything is committed, so a crash leaves only files nobody refers to. Statistics are kept for
the few columns that reads are narrowed by; on a table of 752 columns the rest would cost more than it saves.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from weakref import WeakKeyDictionary

import pyarrow as pa
from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.manifest import DataFile
from pyiceberg.schema import Schema
from pyiceberg.table import Table, Transaction
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.update import AddSchemaUpdate, SetCurrentSchemaUpdate, TableUpdate
from pyiceberg.table.update.snapshot import ExpireSnapshots, ManageSnapshots, UpdateSnapshot
from pyiceberg.table.update.snapshot import _MergeAppendFiles as Append
from pyiceberg.table.update.snapshot import _OverwriteFiles as Overwrite
from pyiceberg.types import IcebergType

from planlake.errors import ConflictError
from planlake.lake.tables.parquet import write_file
from planlake.lake.tables.pyiceberg_fixes import fix_overwrite, skip_old_files
from planlake.lake.tables.version_summary import FOLLOWS, NOTHING_BEFORE, bookmarks_of

# By catalogue, and by whether it is a preview's, the version that the catalogue took last from this process.
_last_taken: WeakKeyDictionary[Catalog, dict[bool, int]] = WeakKeyDictionary()


def commit(
    table: Table,
    *,
    add: Iterable[DataFile] = (),
    remove: Iterable[DataFile] | None = (),
    properties: Mapping[str, str] | None = None,
    tag: str | None = None,
    types: Mapping[str, IcebergType] | None = None,
    schema: Schema | None = None,
) -> Table:
    """Commit files to the table in one snapshot, tagged in the same commit; the bookmark is carried on.

    The version says which one, of whatever table, this process committed before. If the catalogue refuses a commit, no
    later one names it: that tells files of refused commits from those of another catalogue, which took them.
    What is to `remove` is None where all files are replaced and the lists that name them cannot be read.
    `types` are columns that have another type from this snapshot on, `schema` all columns where they come from another
    table with the same ids; earlier snapshots keep theirs. Raises
    ConflictError where another process committed first: nothing was changed then, and reading again is safe.
    """
    last = _last_taken.setdefault(table.catalog, {})
    is_preview = table.name()[0].startswith("preview-")
    carried = {**bookmarks_of(table), **(properties or {}), FOLLOWS: str(last.get(is_preview, NOTHING_BEFORE))}
    removed = list(remove or ())
    with transaction_on(table) as transaction:
        _retype(transaction, types or {})
        _adopt(transaction, schema)
        update = transaction.update_snapshot(snapshot_properties=carried)
        with _producer(update, removed, keeps_old=remove is not None) as snapshot:
            for file in removed:
                snapshot.delete_data_file(file)
            for file in add:
                if not hasattr(file, "_spec_id"):  # pyiceberg's record forgets it where it comes from another process
                    file.spec_id = table.metadata.default_spec_id
                snapshot.append_data_file(file)
        if tag is not None:
            ManageSnapshots(transaction).create_tag(snapshot.snapshot_id, tag).commit()
    last[is_preview] = snapshot.snapshot_id
    return table


def _producer(update: UpdateSnapshot, removed: Sequence[DataFile], *, keeps_old: bool) -> Overwrite | Append:
    if not keeps_old:
        return skip_old_files(update.overwrite())
    return fix_overwrite(update.overwrite()) if removed else update.merge_append()


@contextmanager
def transaction_on(table: Table) -> Iterator[Transaction]:
    """Changes of a table that are committed together; a ConflictError where another process committed first."""
    try:
        with _Transaction(table) as transaction:
            yield transaction
    except CommitFailedException as error:
        raise written_first(table) from error


def written_first(table: Table) -> ConflictError:
    """What is said where another process has committed since this one read the table."""
    facts = {"table": ".".join(table.name())}
    return ConflictError("another process wrote this table first", facts=facts, hint="planlake run")


def with_types(table: Table, types: Mapping[str, IcebergType]) -> Schema:
    """The schema a table will have once a commit gives these columns other types; nothing is changed yet."""
    if not types:
        return table.schema()
    transaction = _Transaction(table)
    _retype(transaction, types)
    return transaction.table_metadata.schema()


def _retype(transaction: Transaction, types: Mapping[str, IcebergType]) -> None:
    """Take columns out and add them again in the same place: Iceberg keeps a column's type, but not its name."""
    if not types:
        return
    schema = transaction.table_metadata.schema()
    names, docs = schema.column_names, {field.name: field.doc for field in schema.fields}
    with transaction.update_schema(allow_incompatible_changes=True) as update:
        for name, kind in types.items():
            update.delete_column((name,))
            update.add_column((name,), kind, doc=docs[name])
    with transaction.update_schema() as update:  # pyiceberg moves no column that is new in the same update
        for name in types:
            place = names.index(name)
            if place:
                update.move_after((name,), names[place - 1])
            else:
                update.move_first((name,))


def _adopt(transaction: Transaction, schema: Schema | None) -> None:
    """Make these columns the table's, ids included."""
    metadata = transaction.table_metadata
    if schema is None or schema.as_struct() == metadata.schema().as_struct():
        return
    numbered = Schema(*schema.fields, schema_id=max(one.schema_id for one in metadata.schemas) + 1)
    chosen = SetCurrentSchemaUpdate.model_validate({"action": "set-current-schema", "schema-id": numbered.schema_id})
    transaction._apply((AddSchemaUpdate(schema=numbered), chosen))


class _Transaction(Transaction):
    """pyiceberg's own, without its deep copy of all metadata at every look: 14 copies of 766 columns in one commit."""

    _seen: tuple[TableMetadata, tuple[TableUpdate, ...], TableMetadata] | None = None

    @property
    def table_metadata(self) -> TableMetadata:
        """The metadata with what was staged so far; made again only when something was added."""
        base, updates = self._table.metadata, self._updates
        if not updates:
            return base
        if self._seen is None or self._seen[0] is not base or self._seen[1] is not updates:
            self._seen = (base, updates, super().table_metadata)
        return self._seen[2]


def append(table: Table, rows: pa.Table) -> None:
    """Add rows to a table that has no partitions and carries no bookmark, in one snapshot."""
    commit(table, add=[write_file(table, rows)])


def expire(table: Table, *, snapshots: Iterable[int], tags: Iterable[str]) -> None:
    """Take tags and versions out of the table's metadata in one commit; no file is deleted."""
    with transaction_on(table) as transaction:
        for tag in tags:
            ManageSnapshots(transaction).remove_tag(tag).commit()
        ExpireSnapshots(transaction).by_ids(list(snapshots)).commit()
