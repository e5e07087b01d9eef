"""Commands that go on until somebody ends them."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

SECONDS_BETWEEN_LOOKS = 0.5


@contextmanager
def until_stopped() -> Iterator[threading.Event]:
    """An event that is set when this process is to end; afterwards signals mean what they meant before."""
    stopped = threading.Event()
    before = {ending: signal.signal(ending, lambda *_: stopped.set()) for ending in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stopped
    finally:
        for ending, handler in before.items():
            signal.signal(ending, handler)


def wait_until(stopped: threading.Event) -> None:
    """Wait for that event, a little at a time: on Windows who waits without an end hears no Ctrl-C."""
    while not stopped.wait(SECONDS_BETWEEN_LOOKS):
        continue
