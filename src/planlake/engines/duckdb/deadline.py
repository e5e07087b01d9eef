"""A limit of time: DuckDB has none of its own, so a thread beside it interrupts what takes too long."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Thread
from time import monotonic

import duckdb

from planlake.engines.duckdb.connection import Connection

SECONDS_BETWEEN_INTERRUPTS = 0.05
SECONDS_OF_GRACE = 10.0  # a few things DuckDB does cannot be interrupted


@dataclass(slots=True)
class Deadline:
    """How long a connection may still work, in seconds; time that somebody else takes between does not count.

    `when_stuck` is called, on another thread, where DuckDB goes on for `SECONDS_OF_GRACE` after it was interrupted.
    """

    connection: Connection
    left: float
    when_stuck: Callable[[], None] | None = None
    is_past: bool = field(default=False, init=False)

    @contextmanager
    def working(self) -> Iterator[None]:
        """While DuckDB works: interrupted, with DuckDB's own error, when the time is over.

        Work that comes in short pieces is ended between two of them: none would last until the first interrupt.
        """
        if self.left <= 0:
            self.is_past = True
            raise duckdb.InterruptException("INTERRUPT Error: Interrupted!")
        done, began = Event(), monotonic()
        watcher = Thread(target=self._watch, args=(done,), daemon=True)
        watcher.start()
        try:
            yield
        finally:
            done.set()
            watcher.join()
            self.left -= monotonic() - began

    def _watch(self, done: Event) -> None:
        if done.wait(max(0.0, self.left)):
            return
        self.is_past, until = True, monotonic() + SECONDS_OF_GRACE
        while not done.wait(SECONDS_BETWEEN_INTERRUPTS):
            self.connection.interrupt()
            if self.when_stuck is not None and monotonic() > until:
                self.when_stuck()
                return
