"""Memory: what was let go goes back to the operating system, so a long run is no larger than its largest moment."""

import ctypes
import sys
from functools import cache

import pyarrow as pa


def give_back() -> None:
    """Return memory that nobody uses to the operating system; the C library and Arrow would keep it for themselves."""
    pa.default_memory_pool().release_unused()
    trim = _trim()
    if trim is not None:
        trim(0)


@cache
def _trim() -> "ctypes._NamedFuncPointer | None":
    return getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
