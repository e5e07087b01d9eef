"""The lists of files of a table's version: its manifests, and the entries of each."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from planlake.lake.metadata.avro import records_of
from planlake.lake.metadata.filters import Filter

# The numbers that Iceberg gives the fields of its lists; names differ from writer to writer.
PATH, LENGTH, SPEC, HOLDS = 500, 501, 502, 517
STATUS, FILE = 0, 2
CONTENT, FILE_PATH, PARTITION, ROWS, BYTES, LOWER, UPPER = 134, 100, 102, 103, 104, 125, 128
DELETED = 2  # the status of a file that the version has no more
DATA = 0  # what a file or a list is about: any other is deletes


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A data file as a list of files names it, with the names that pyiceberg has for the same."""

    file_path: str
    record_count: int
    file_size_in_bytes: int
    partition: tuple[Any, ...]
    lower_bounds: Mapping[int, bytes]
    upper_bounds: Mapping[int, bytes]
    content: int = DATA


@dataclass(frozen=True, slots=True)
class Entry:
    """What a list says of a file."""

    data_file: ListedFile


@dataclass(frozen=True, slots=True)
class Manifest:
    """A list of files; `manifest_length` is its size in bytes."""

    manifest_path: str
    manifest_length: int
    partition_spec_id: int
    content: int

    def entries(self) -> Iterator[Entry]:
        """What it says of the files that the version has."""
        for record in records_of(contents(self.manifest_path)):
            if record[STATUS] != DELETED:
                yield Entry(_file(record[FILE]))

    def fetch_manifest_entry(self, _io: object) -> list[Entry]:
        """The same, as pyiceberg calls it."""
        return list(self.entries())


class Deletes(Exception):  # noqa: N818 - it says what is there
    """A version has deletes beside its files, which Planlake never writes."""


def manifests_in(place: str) -> list[Manifest]:
    """The lists that a list of lists names."""
    return [
        Manifest(record[PATH], record[LENGTH], record[SPEC], record[HOLDS]) for record in records_of(contents(place))
    ]


def files_in(place: str, where: Filter, numbers: Mapping[str, int], specs: Mapping[int, list[str]]) -> list[ListedFile]:
    """The data files of a version that may hold rows a filter asks for, from its list of lists.

    `numbers` are those of the table's columns, `specs` the columns that each kind of partition goes by. Raises Deletes
    where the version has any, and otherwise as `records_of`.
    """
    found = []
    for manifest in manifests_in(place):
        columns = specs[manifest.partition_spec_id]
        for entry in manifest.entries():
            file = entry.data_file
            if manifest.content != DATA or file.content != DATA:
                raise Deletes
            parts = dict(zip(columns, file.partition, strict=True))
            if file.record_count > 0 and all(one.may_be_in(file, numbers, parts) for one in where):
                found.append(file)
    return found


def contents(location: str) -> bytes:
    """A file of this machine."""
    return Path(location.removeprefix("file://")).read_bytes()


def _file(record: Mapping[int, Any]) -> ListedFile:
    return ListedFile(
        record[FILE_PATH],
        record[ROWS],
        record[BYTES],
        tuple(record[PARTITION].values()),
        _bounds(record[LOWER]),
        _bounds(record[UPPER]),
        record[CONTENT],
    )


def _bounds(found: Any) -> Mapping[int, bytes]:  # noqa: ANN401 - whatever the header made of it
    if not isinstance(found, dict | None):
        raise TypeError("bounds are no map")
    return found or {}
