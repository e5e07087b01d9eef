"""Ctrl-C while DuckDB works: Python hears of it only when DuckDB is done, or looks, and says it oddly."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from socket import socket, socketpair
from threading import Thread, current_thread, main_thread
from time import monotonic

SAID_BY_DUCKDB = "Query interrupted"
SECONDS_BETWEEN_INTERRUPTS = 0.05
SHORTEST_WAIT = 0.001  # seconds; to a socket 0 means that it never waits
DONE, PRESSED = b"\0", bytes([signal.SIGINT])


@contextmanager
def as_ctrl_c() -> Iterator[None]:
    """What DuckDB says where it heard of Ctrl-C is Ctrl-C."""
    try:
        yield
    except RuntimeError as error:
        if str(error) != SAID_BY_DUCKDB:
            raise
        raise KeyboardInterrupt from None


@contextmanager
def stopping(interrupt: Callable[[], None]) -> Iterator[None]:
    """`interrupt` is called, on another thread, from Ctrl-C until this is left; Ctrl-C is raised as ever.

    For work that only reads: what is read after Ctrl-C is interrupted, too.
    """
    said, told = socketpair()

    def watch() -> None:
        word = b""
        while word != DONE:
            if word == PRESSED:
                interrupt()
            word = heard_of(said, SECONDS_BETWEEN_INTERRUPTS if word == PRESSED else None) or word

    watcher = Thread(target=watch, daemon=True)
    with said, told, heard(told):
        watcher.start()
        try:
            yield
        finally:
            told.send(DONE)
            watcher.join()


@contextmanager
def heard(listener: socket, note: Callable[[], None] | None = None) -> Iterator[None]:
    """The number of the signal is sent to `listener` at once; with a `note`, that is called and nothing raised.

    Nothing changes on other threads than the main one, which alone hears signals, nor where Ctrl-C means something
    else or is not to be heard.
    """
    if current_thread() is not main_thread() or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    listener.settimeout(0)
    before = signal.set_wakeup_fd(listener.fileno(), warn_on_full_buffer=False)
    if note is not None:
        signal.signal(signal.SIGINT, lambda *_: note())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        _hear_as_before(listener.fileno(), before)


def _hear_as_before(own: int, before: int) -> None:
    """Give signals back to who heard of them before; who closed that meanwhile, or hears of them since, is left alone.

    What is opened first may be closed first.
    """
    now = signal.set_wakeup_fd(-1)
    with suppress(OSError, ValueError):
        signal.set_wakeup_fd(before if now == own else now, warn_on_full_buffer=False)


def heard_of(said: socket, seconds: float | None) -> bytes:
    """What comes in so many seconds: that the work is done, that Ctrl-C was pressed, or nothing."""
    until = None if seconds is None else monotonic() + seconds
    while until is None or monotonic() < until:
        said.settimeout(None if until is None else max(SHORTEST_WAIT, until - monotonic()))
        with suppress(TimeoutError):
            word = said.recv(1)  # not `select`, which fails where a program has more than 1,023 files open
            if word in (DONE, PRESSED):
                return word
    return b""
