"""One writer at a time: in goes a lake's lock file, out comes the right to write it, or a clear message who has it.

A lake on this machine is held by a lock of the operating system on a file beside its catalogue: it ends with the
process that holds it, however that ends, so a run that was killed never keeps the next one waiting.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from planlake.errors import ConflictError, LakeError

PAUSE_SECONDS = 0.1


@contextmanager
def writing(lock_file: Path | None, wait_seconds: float) -> Iterator[None]:
    """Hold a lake for writing; a ConflictError when another process still holds it after `wait_seconds`.

    Nothing is held where there is no lock file.
    """
    if lock_file is None:
        yield
        return
    with _opened(lock_file) as lock:
        _acquire(lock, wait_seconds)
        lock.truncate(0)
        lock.write(f"process {os.getpid()} since {time.strftime('%Y-%m-%d %H:%M:%S')}")
        lock.flush()
        yield


def _opened(file: Path) -> TextIO:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        return file.open("a+", encoding="utf-8")
    except OSError as error:
        facts = {"file": file}
        state = "Nothing was changed"
        raise LakeError(
            f"the lake cannot be written: {error.strerror}", facts=facts, state=state, hint="planlake doctor"
        ) from None


def _acquire(lock: TextIO, wait_seconds: float) -> None:
    give_up = time.monotonic() + wait_seconds
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() < give_up:
                time.sleep(PAUSE_SECONDS)
                continue
            lock.seek(0)
            state = "Nothing was changed"
            hint = "wait for it, or raise settings.lease_wait_seconds"
            facts = {"holder": lock.read() or "unknown"}
            raise ConflictError("another run is writing this lake", facts=facts, state=state, hint=hint) from None
        return
