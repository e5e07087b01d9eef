"""Locks of the operating system on open files, by whichever way it has: they end with the process that holds them.

On Windows nobody else can read a file that is locked, so a locked file holds nothing.
"""

import os

import portalocker
from portalocker.exceptions import AlreadyLocked, LockException

ALONE = portalocker.LockFlags.EXCLUSIVE | portalocker.LockFlags.NON_BLOCKING
SHARED = portalocker.LockFlags.SHARED | portalocker.LockFlags.NON_BLOCKING
TO_LOOK = ALONE if os.name == "nt" else SHARED  # Windows has no shared ones


def lock_file(descriptor: int) -> bool:
    """Lock an open file until it is closed; False where another process, or another descriptor, holds it."""
    return _locked(descriptor, ALONE)


def is_locked(descriptor: int) -> bool:
    """Whether another holds the lock of this file, which is open; it is to be closed at once."""
    return not _locked(descriptor, TO_LOOK)


def _locked(descriptor: int, how: portalocker.LockFlags) -> bool:
    try:
        portalocker.lock(descriptor, how)
    except AlreadyLocked:
        return False
    except LockException as error:
        cause = error.__cause__
        raise OSError(*cause.args) if isinstance(cause, OSError) else OSError(str(error)) from None
    return True
