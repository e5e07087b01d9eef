"""A limit of time: DuckDB has none of its own, so a thread beside it interrupts what is too slow, or stopped."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from socket import socket, socketpair
from threading import Thread
from time import monotonic

import duckdb

from planlake.engines.duckdb.connection import Connection
from planlake.engines.duckdb.ctrl_c import DONE, SECONDS_BETWEEN_INTERRUPTS, heard, heard_of

SECONDS_OF_GRACE = 10.0  # a few things DuckDB does cannot be interrupted


@dataclass(slots=True)
class Deadline:
    """How long a connection may still work, in seconds; time that somebody else takes between does not count.

    `when_stuck` is called, on another thread, where DuckDB goes on for `SECONDS_OF_GRACE` after it was interrupted,
    with whether that was by Ctrl-C.
    """

    connection: Connection
    left: float
    when_stuck: Callable[[bool], None] | None = None
    is_past: bool = field(default=False, init=False)
    is_stopped: bool = field(default=False, init=False)

    @contextmanager
    def working(self) -> Iterator[None]:
        """While DuckDB works: interrupted, with DuckDB's own error, when the time is over, and by Ctrl-C as such.

        Work that comes in short pieces is ended between two of them: none would last until the first interrupt.
        """
        if self.left <= 0:
            self.is_past = True
            raise duckdb.InterruptException("INTERRUPT Error: Interrupted!")
        began, (said, told) = monotonic(), socketpair()
        with said, told:
            watcher = Thread(target=self._watch, args=(said,), daemon=True)
            try:
                with heard(told, self._note_stop):
                    watcher.start()
                    try:
                        yield
                    finally:
                        told.send(DONE)
                        watcher.join()
                        self.left -= monotonic() - began
            finally:
                if self.is_stopped:
                    raise KeyboardInterrupt from None

    def _note_stop(self) -> None:
        self.is_stopped = True

    def _watch(self, said: socket) -> None:
        """Wait until the work is done; until the time is over, or Ctrl-C, and then interrupt until it is."""
        word = heard_of(said, self.left)
        if word == DONE:
            return
        self.is_past, self.is_stopped, until = not word, bool(word), monotonic() + SECONDS_OF_GRACE
        while (word := heard_of(said, SECONDS_BETWEEN_INTERRUPTS)) != DONE:
            self.is_stopped = self.is_stopped or bool(word)
            self.connection.interrupt()
            if self.when_stuck is not None and monotonic() > until:
                self.when_stuck(self.is_stopped)
                return
