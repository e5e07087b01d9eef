"""Replaces a file in one step; where that fails the old one stays and nothing else is left.

The new file is written beside the old one and looked at there before it takes its place.
"""

import errno
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from planlake.errors import ConflictError


def replace_file(file: Path, *, before: bytes, after: bytes, check: Callable[[Path], object]) -> None:
    """Put a new file in the place of one; it keeps its mode and, where that is allowed, its owner.

    `check` is given the new file before that, and raises where it is not as it should be. Raises OSError where the
    file may not or cannot be written, ConflictError where it no longer holds `before`.
    """
    _refuse_protected(file)
    with NamedTemporaryFile(dir=file.parent, prefix=f".{file.name}.", suffix=".new", delete=False) as stream:
        beside = Path(stream.name)
        try:
            stream.write(after)
            stream.flush()
            os.fsync(stream.fileno())
            stream.close()  # Windows neither reads nor moves a file that is open
            _keep_owner_and_mode(file, beside)
            check(beside)
            if file.read_bytes() != before:
                raise ConflictError(f"{file.name} was changed by somebody else", hint="try again")
            beside.replace(file)
        finally:
            beside.unlink(missing_ok=True)


def _refuse_protected(file: Path) -> None:
    """Refuse a file that may not be written: who may write its folder could replace it all the same."""
    if not file.stat().st_mode & 0o222:  # for root, too, whom the system would let
        raise PermissionError(errno.EACCES, "it is write-protected")
    with file.open("r+b"):
        pass


def _keep_owner_and_mode(file: Path, beside: Path) -> None:
    owner = file.stat()
    with suppress(OSError, AttributeError):  # somebody else's file, or a system without owners
        os.chown(beside, owner.st_uid, owner.st_gid)
    shutil.copymode(file, beside)
