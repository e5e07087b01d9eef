"""A program: `planlake` as it starts on Windows, as far as another system can play it.

What Windows lacks is taken away from it: modules, functions and flags of `os`. Locks are taken by the way of
portalocker that Windows has, over locks of this system. Every module of Planlake is loaded before anything is done.
"""

import asyncio  # noqa: F401 - with the libraries below before the platform has another name, as they look at it
import builtins
import errno
import fcntl
import importlib
import importlib.metadata
import json
import os
import pathlib
import pkgutil
import sys
import tempfile  # noqa: F401
from types import SimpleNamespace

ABSENT = [
    "crypt",
    "fcntl",
    "grp",
    "nis",
    "posix",
    "pty",
    "pwd",
    "readline",
    "resource",
    "spwd",
    "syslog",
    "termios",
    "tty",
]
FUNCTIONS = [
    "chown",
    "fchmod",
    "fork",
    "getpgid",
    "getuid",
    "geteuid",
    "killpg",
    "mkfifo",
    "setsid",
    "sysconf",
    "uname",
]
FLAGS = ("O_CLOEXEC", "O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK", "O_PATH")


def locking(descriptor, mode, length):
    """What `msvcrt.locking` does with one byte or many: 0 lets go, 2 locks without waiting."""
    assert (mode, length > 0) in ((0, True), (2, True))
    try:
        fcntl.flock(descriptor, fcntl.LOCK_UN if mode == 0 else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise PermissionError(errno.EACCES, "Permission denied") from None


MSVCRT = SimpleNamespace(locking=locking, LK_UNLCK=0, LK_LOCK=1, LK_NBLCK=2, LK_RLCK=3, LK_NBRLCK=4)


def as_found_on_windows(found):
    """Importing, where Planlake and what locks its files find no module that Windows lacks.

    Other libraries look which system they are on, and are those of this one.
    """

    def imported(name, globals=None, *others, **named):  # noqa: A002 - so Python calls it
        importer = (globals or {}).get("__name__", "").partition(".")[0]
        if name.partition(".")[0] in ABSENT and importer in ("planlake", "portalocker"):
            raise ModuleNotFoundError(f"{globals['__name__']} imports {name}, which Windows lacks")
        return found(name, globals, *others, **named)

    return imported


def take_away(module, names):
    """Take away what Windows lacks; libraries look at it while they are loaded."""
    for name in names:
        delattr(module, name)


def lock_as_windows_does():
    """Load what locks files with the names that Windows has for this."""
    sys.modules["msvcrt"], own = MSVCRT, pathlib.WindowsPath
    os.name, pathlib.WindowsPath = "nt", pathlib.PosixPath
    importlib.import_module("planlake.engines.file_locks")
    os.name, pathlib.WindowsPath = "posix", own  # else all paths would be taken for those of Windows


def load_everything():
    """Load every module of Planlake; how many there are."""
    package = importlib.import_module("planlake")
    names = [one.name for one in pkgutil.walk_packages(package.__path__, "planlake.") if "__main__" not in one.name]
    for name in names:
        importlib.import_module(name)
    return len(names)


def carried_out(commands):
    """Carry out commands one after the other; the exit status of each is told on standard error."""
    main = sys.modules["planlake.cli.main"].main
    sys.modules["planlake.cli.streams"].prepare()
    for command in commands:
        sys.argv = ["planlake", *command]
        try:
            main()
        except SystemExit as left:
            sys.stderr.write(f"{command[0]} ended with {left.code}\n")
            sys.stderr.flush()


if __name__ == "__main__":
    sys.path.pop(0)  # the folder of this file
    builtins.__import__ = as_found_on_windows(builtins.__import__)
    lock_as_windows_does()
    sys.stderr.write(f"{load_everything()} modules are loaded\n")
    take_away(os, (*FUNCTIONS, *FLAGS))
    sys.platform = "win32"
    carried_out(json.loads(sys.argv[1]))
