"""Files of a table that cannot be read: which errors say so, and what the user is told."""

import struct
import zlib
from functools import cache
from typing import Any

from pyiceberg.avro import file as avro_file
from pyiceberg.avro.decoder import StreamingBinaryDecoder
from pyiceberg.exceptions import (
    ResolveError,
    ValidationError,
)

from planlake.errors import LakeError

# What is said of a file of a table that is gone, empty, cut off or overwritten.
UNREADABLE = (
    *(FileNotFoundError, EOFError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError),
    *(zlib.error, struct.error, ValidationError, ResolveError),
    *(SystemError, MemoryError),  # pyiceberg's reader of Avro, where a length is negative or beyond all memory
)


BOOKMARKED = ("increment_", "current_")  # how the names of tables that carry a bookmark begin


def repair_command_of(database: str, name: str) -> str:
    """The command that repairs a table whose files are gone or damaged: of a preview, the one that drops it."""
    if database.startswith("preview-"):
        return f"planlake env drop {database.removeprefix('preview-').partition('--')[0]}"
    kind, _, resource = name.partition("_")
    return f"planlake rebuild {resource}" if f"{kind}_" in BOOKMARKED else "planlake recover"


def broken(database: str, name: str, what: str) -> LakeError:
    """The error for a table whose newest version needs something that is gone or damaged."""
    facts = {"table": f"{database}.{name}"}
    return LakeError(f"{what} of {name} are gone or damaged", facts=facts, hint=repair_command_of(database, name))


def damaged(preview: str, what: str) -> LakeError:
    """The error for a preview some of whose files somebody deleted."""
    facts, state = {"gone": what}, "Other previews and what they stand on are as they were"
    hint = f"planlake env drop {preview}"
    return LakeError(
        f"the preview {preview} is damaged: files of it are gone or cut off", facts=facts, state=state, hint=hint
    )


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
