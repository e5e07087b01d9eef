"""A second wall around the process that carries out queries: the kernel lets it write no file and call nobody.

It is Linux's Landlock (since 5.13; TCP since 6.7), by system calls, as Python has no functions for them. Where there is
none nothing happens: the first wall, DuckDB's locked connection, stands by itself.
"""

import ctypes
import os
import struct
import sys
from pathlib import Path

# Numbers of system calls, the same for all processors that Python is built for; then of what they are asked.
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
TELL_VERSION, PATH_BENEATH, NO_NEW_PRIVILEGES = 1, 1, 38
WRITE_FILE, TRUNCATE = 1 << 1, 1 << 14
REMOVE_AND_MAKE = sum(1 << bit for bit in range(4, 13))  # files, folders, sockets, links, devices
BIND_AND_CONNECT = 0b11
OF_TRUNCATE, OF_TCP = 3, 4  # the versions from which on there are rules for these


def build_second_wall(below: Path) -> bool:
    """Let this thread, and all that it starts, write files `below` a folder alone and open no TCP connection.

    Nothing takes it back. False where the kernel has no such wall.
    """
    if sys.platform != "linux":
        return False
    version = _call(CREATE_RULESET, None, 0, TELL_VERSION)
    if version < 1:
        return False
    files = WRITE_FILE | REMOVE_AND_MAKE | (TRUNCATE if version >= OF_TRUNCATE else 0)
    tcp = [BIND_AND_CONNECT] if version >= OF_TCP else []
    rules = struct.pack(f"={1 + len(tcp)}Q", files, *tcp)
    ruleset = _call(CREATE_RULESET, rules, len(rules), 0)
    if ruleset < 0:
        return False
    folder = os.open(below, os.O_PATH | os.O_DIRECTORY)
    try:
        is_ready = _call(ADD_RULE, ruleset, PATH_BENEATH, struct.pack("=Qi", files, folder), 0) == 0
        is_ready = is_ready and ctypes.CDLL(None).prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0
        return is_ready and _call(RESTRICT_SELF, ruleset, 0) == 0
    finally:
        os.close(folder)
        os.close(ruleset)


def _call(number: int, *values: bytes | int | None) -> int:
    """A system call, of which every number is as wide as a register."""
    call = ctypes.CDLL(None).syscall
    call.restype = ctypes.c_long
    wide = (ctypes.c_long(value) if isinstance(value, int) else value for value in values)
    return int(call(ctypes.c_long(number), *wide))
