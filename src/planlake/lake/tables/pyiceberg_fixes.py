"""Mends what pyiceberg does when it overwrites the files of a table, or reads lists of files that are damaged."""

from collections.abc import Callable
from functools import cache
from typing import Any

from pyiceberg.avro import file as avro_file
from pyiceberg.avro.decoder import StreamingBinaryDecoder
from pyiceberg.expressions.visitors import manifest_evaluator
from pyiceberg.manifest import ManifestFile
from pyiceberg.table.snapshots import Summary
from pyiceberg.table.update.snapshot import _OverwriteFiles as Overwrite

from planlake.lake.tables.version_summary import figure


def fix_overwrite(snapshot: Overwrite) -> Overwrite:
    """Free the producer of an overwrite of two defects of pyiceberg 0.12.

    It asks one evaluator of manifests from several threads, which keeps what it is asked about in itself: now and then
    a manifest was taken for another's, and the commit refused with "missing required files". And it carries manifests
    on that list nothing but files deleted earlier: one more in every commit, read by everyone who plans.
    """
    carried_on = snapshot._existing_manifests

    def asked(spec_id: int) -> Callable[[ManifestFile], bool]:
        spec, schema, partitions = snapshot.spec(spec_id), snapshot.schema(), snapshot.partition_filters[spec_id]
        return lambda manifest: manifest_evaluator(spec, schema, partitions)(manifest)  # noqa: PLW0108 - a new one each

    def with_files() -> list[ManifestFile]:
        return [one for one in carried_on() if one.has_added_files() or one.has_existing_files()]

    snapshot._build_manifest_evaluator = asked  # type: ignore[method-assign]
    snapshot._existing_manifests = with_files  # type: ignore[method-assign]
    return snapshot


def skip_old_files(snapshot: Overwrite) -> Overwrite:
    """Have the producer of an overwrite leave all old files out and read nothing of the lists that name them."""
    summarised = snapshot._summary

    def summary(properties: dict[str, str]) -> Summary:
        parent, snapshot._parent_snapshot_id = snapshot._parent_snapshot_id, None  # whose totals would be added
        try:
            made = summarised(properties)
        finally:
            snapshot._parent_snapshot_id = parent
        before = snapshot._transaction.table_metadata.snapshot_by_id(parent) if parent is not None else None
        made["deleted-data-files"] = str(max(1, figure(before, "total-data-files")))
        return made

    snapshot._deleted_entries = list  # type: ignore[method-assign]
    snapshot._existing_manifests = list  # type: ignore[method-assign]
    snapshot._summary = summary  # type: ignore[method-assign,assignment]
    return snapshot


@cache
def read_lists_safely() -> None:
    """Have pyiceberg read the header of a list of files, and where its blocks end, in Python.

    Its compiled decoder believes every length: what noise says is one reaches beyond the file, and the process dies
    with SIGSEGV. What a block holds, which is most of a list, is still decoded by it.
    """
    avro_file.AvroFile.__enter__ = _enter  # type: ignore[method-assign]


def _enter(self: avro_file.AvroFile[Any]) -> avro_file.AvroFile[Any]:
    """As pyiceberg's, but for the decoder."""
    with self.input_file.open() as stream:
        self.decoder = StreamingBinaryDecoder(stream.read())
    self.header = self._read_header()
    self.schema = self.header.get_schema()
    self.read_schema = self.read_schema or self.schema
    self.reader = avro_file.resolve_reader(self.schema, self.read_schema, self.read_types, self.read_enums)  # type: ignore[attr-defined]
    return self
