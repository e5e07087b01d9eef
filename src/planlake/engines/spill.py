"""Where DuckDB puts what does not fit into memory: a folder for each process, which its owner alone may read.

What lies there are records. A process holds a lock in its folder as long as it lives, however it ends; whoever begins
to work deletes the folders whose lock nobody holds. Numbers of processes would not do: they are used again, and differ
from container to container.
"""

import atexit
import os
import re
import shutil
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir, mkdtemp

from planlake.engines.file_locks import is_locked, lock_file

PREFIX = "planlake-duckdb-"
BEFORE = "planlake-duckdb"  # where all processes of earlier versions put theirs
IS_OURS = re.compile(re.escape(PREFIX) + r"[a-z0-9_]{8}")
LOCK = "lock"
YOUNG_SECONDS = 60.0  # a folder that was just made has no lock for a moment
OLD_SECONDS = 86_400.0  # so long nobody works with what earlier versions left


@dataclass(frozen=True, slots=True)
class _Own:
    """The folder of this process, and the lock that it holds there."""

    folder: Path
    process: int
    lock: int


_making = threading.Lock()
_own: list[_Own] = []


def spill_folder() -> Path:
    """The folder of this process; those of processes that are gone are deleted when it is made."""
    with _making:
        if not _own or _own[0].process != os.getpid() or not _own[0].folder.is_dir():  # a fork has one of its own
            sweep_spilled()
            _own[:] = [_made()]
        return _own[0].folder


def _made() -> _Own:
    folder = Path(mkdtemp(prefix=PREFIX, dir=_disk()))  # mode 0700, and nobody's before
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    lock_file(lock)
    atexit.register(delete_own)
    return _Own(folder, os.getpid(), lock)


def _disk() -> str:
    """Where files that may be large belong: the first disk that Spark gave this process, if it is a worker of Spark."""
    given = os.environ.get("SPARK_LOCAL_DIRS", "").split(",")[0]
    return given if given and Path(given).is_dir() else gettempdir()


def delete_own() -> None:
    """Delete this process's folder; nothing in it is needed any more."""
    with _making:
        if _own and _own[0].process == os.getpid():
            own = _own.pop()
            os.close(own.lock)  # first: Windows deletes no file that is open
            shutil.rmtree(own.folder, ignore_errors=True)


def sweep_spilled() -> None:
    """Delete what processes left that are gone; what somebody else's did stays, and is no error."""
    with suppress(OSError), os.scandir(_disk()) as entries:
        for entry in entries:
            with suppress(OSError):  # it is gone meanwhile, or somebody else's
                if _is_own_folder(entry):
                    _sweep(Path(entry.path))


def _is_own_folder(entry: "os.DirEntry[str]") -> bool:
    is_named = entry.name == BEFORE or IS_OURS.fullmatch(entry.name) is not None
    is_folder = is_named and entry.is_dir(follow_symlinks=False)
    if not hasattr(os, "getuid"):  # on Windows each user has a folder of their own for temporary files
        return is_folder
    return is_folder and (entry.stat(follow_symlinks=False).st_uid == os.getuid())


def _sweep(folder: Path) -> None:
    if folder.name == BEFORE:
        for file in folder.iterdir():
            if _age(file) > OLD_SECONDS and not file.is_dir():
                file.unlink()
        folder.rmdir()  # fails while something is left
    elif _age(folder) > YOUNG_SECONDS and _is_left(folder / LOCK):
        shutil.rmtree(folder, ignore_errors=True)


def _age(path: Path) -> float:
    return time.time() - path.lstat().st_mtime


def _is_left(lock: Path) -> bool:
    """Whether the process that had a folder is gone."""
    try:
        descriptor = os.open(lock, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
    except FileNotFoundError:
        return True
    try:
        return not is_locked(descriptor)
    finally:
        os.close(descriptor)
