"""Says what to do when the operating system refuses to write: a full disk, a folder without permission."""

import errno
import os
import shutil
from pathlib import Path

FULL = (errno.ENOSPC, errno.EDQUOT)
FORBIDDEN = (errno.EACCES, errno.EPERM)


def advice(error: OSError, folder: Path) -> str:
    """What to do so that a folder can be written, by what the system said of it."""
    if error.errno in FULL:
        there = next((one for one in (folder, *folder.parents) if one.exists()), folder)
        free = f"{shutil.disk_usage(there).free / 1e6:,.0f} MB free"
        return f"make room on the disk of {folder} ({free}); the same command then goes on where it stopped"
    if error.errno == errno.EROFS:
        return f"mount the disk of {folder} so that it can be written"
    if error.errno in FORBIDDEN:
        user = f" (number {os.getuid()})" if hasattr(os, "getuid") else ""
        return f"make {folder} writable for the user who runs this{user}"
    if error.errno == errno.ENOTDIR:
        return f"make {folder} a writable folder: it, or a folder above it, is a file"
    return f"check {folder} and its disk"
