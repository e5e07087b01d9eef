"""Memory: what was let go goes back to the operating system, so a long run is no larger than its largest moment."""

import ctypes
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pyarrow as pa


def give_back() -> None:
    """Return memory that nobody uses to the operating system; the C library and Arrow would keep it for themselves."""
    pa.default_memory_pool().release_unused()
    trim = _trim()
    if trim is not None:
        trim(0)


ROOM_MEGABYTES = 2_048  # what is reserved and mostly never used: stacks of threads, pieces of allocators
_changing, _before = threading.Lock(), list[int]()  # the limit as it was, once for everybody who is inside


@contextmanager
def no_more_than(megabytes: int) -> Iterator[None]:
    """Keep this whole process from taking more than so much above what it has; nothing happens except on Linux.

    DuckDB's own limit does not count everything: one long text may be as large as it likes. Threads that are inside at
    once share the limit of the first, and the last to leave takes it away.
    """
    if sys.platform != "linux":
        yield
        return
    import resource  # noqa: PLC0415 - Windows has none

    with _changing:
        soft, hard = resource.getrlimit(resource.RLIMIT_AS)
        if not _before:
            taken = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
            wanted = taken + (megabytes + ROOM_MEGABYTES) * 2**20
            ceilings = [one for one in (wanted, soft, hard) if one != resource.RLIM_INFINITY]
            resource.setrlimit(resource.RLIMIT_AS, (min(ceilings), hard))
        _before.append(_before[0] if _before else soft)
    try:
        yield
    finally:
        with _changing:
            soft = _before.pop()
            if not _before:
                resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@cache
def _trim() -> "ctypes._NamedFuncPointer | None":
    return getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
