"""Files of a table that cannot be read: which errors say so, and what the user is told."""

import struct
import zlib

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
