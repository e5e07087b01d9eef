"""A table that is read without pyiceberg: the catalogue's file, its metadata, its lists of files.

It answers as a table of pyiceberg's does. Whatever is unusual or seldom asked it leaves to pyiceberg, which then reads
the same metadata file: readers lose nothing. Noise in a list of files it tells by itself.
"""

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from planlake.lake.metadata.filters import EVERYTHING, Filter
from planlake.lake.metadata.lists import Deletes, ListedFile, contents, files_in
from planlake.lake.metadata.local_files import LocalFiles
from planlake.lake.metadata.table_metadata import Columns, Metadata, Ref, Version, Whole, metadata_of

if TYPE_CHECKING:
    from pyiceberg.table import Table

WHOLE_NUMBERS = ("int", "long")


class ReadTable(Whole):
    """A table of a catalogue as it stood when it was asked for; `whole` gives it as pyiceberg reads it."""

    def __init__(
        self, identifier: tuple[str, ...], metadata_location: str, io: LocalFiles, *, whole: Callable[[], "Table"]
    ) -> None:
        self.metadata_location, self.io, self.whole = metadata_location, io, whole
        self.metadata: Metadata = metadata_of(contents(metadata_location))
        self._identifier = identifier
        self.metadata.whole = lambda: self.whole().metadata
        for columns in self.metadata.schemas:
            columns.whole = lambda number=columns.schema_id: self.whole().schemas()[number]

    def name(self) -> tuple[str, ...]:
        """Its database and its own name."""
        return self._identifier

    def location(self) -> str:
        """Its folder."""
        return self.metadata.location

    @property
    def properties(self) -> dict[str, str]:
        """What is set of it."""
        return self.metadata.properties

    def schema(self) -> Columns:
        """Its columns."""
        return self.metadata.schema()

    def schemas(self) -> dict[int, Columns]:
        """The columns it has and had, by the numbers that versions name."""
        return self.metadata.schemas_by_id

    def refs(self) -> dict[str, Ref]:
        """Its tags and branches."""
        return self.metadata.refs

    def current_snapshot(self) -> Version | None:
        """The version it shows; None where nothing was committed yet."""
        return self.metadata.current_snapshot()

    def snapshot_by_id(self, snapshot_id: int) -> Version | None:
        """The version of this number; None where it is not kept."""
        return self.metadata.snapshot_by_id(snapshot_id)

    def snapshot_by_name(self, name: str) -> Version | None:
        """The version that a tag names; None where there is no such tag."""
        ref = self.metadata.refs.get(name)
        return self.snapshot_by_id(ref.snapshot_id) if ref is not None else None

    def listed_files(self, version: Version, where: Filter = EVERYTHING) -> list[ListedFile] | None:
        """The data files of a version that may hold rows a filter asks for; None where pyiceberg is to say.

        Noise is not left to it: one of NOISE is raised, as pyiceberg's compiled reader may end the process at it.
        """
        try:
            return files_in(version.manifest_list, where, self._numbers, self._partitions)
        except (OSError, Deletes):
            return None

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {one.name: one.field_id for one in self.schema().fields if one.type_name in WHOLE_NUMBERS}

    @cached_property
    def _partitions(self) -> dict[int, list[str]]:
        metadata = self.metadata
        return {one.spec_id: metadata.parted_by(one.spec_id) for one in metadata.partitions}

    def __repr__(self) -> str:
        return f"ReadTable({'.'.join(self._identifier)})"
