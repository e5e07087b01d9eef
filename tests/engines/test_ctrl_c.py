"""Who hears of Ctrl-C while DuckDB works gives it back, whichever is closed first."""

import signal
from contextlib import ExitStack
from socket import socketpair

from planlake.engines.duckdb.connection import connected
from planlake.engines.duckdb.ctrl_c import heard


def test_connections_that_are_closed_in_the_order_they_were_opened_leave_nothing_behind():
    before = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(before)
    first, second = ExitStack(), ExitStack()
    first.enter_context(connected(100))
    second.enter_context(connected(100))
    first.close()
    second.close()
    left = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(before)
    assert left in (before, -1)


def test_who_heard_before_and_closed_it_meanwhile_is_no_error():
    (one, other), (mine, yours) = socketpair(), socketpair()
    with one, mine, yours:
        outer, inner = ExitStack(), ExitStack()
        outer.enter_context(heard(one))
        inner.enter_context(heard(mine))
        outer.close()
        one.close()
        other.close()
        inner.close()
    assert signal.set_wakeup_fd(-1) == -1
