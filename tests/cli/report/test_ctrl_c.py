"""Ctrl-C in commands that only read: the query stops, the prompt stays, and nothing is called a defect."""

import io
import os
import signal
import time
from threading import Thread

import pytest

from planlake.engines.duckdb.connection import connected_to_read

ENDLESS = (
    "select sum(sin(a.id * b.id + c.id * d.id + e.id)) from fees a, fees b, fees c, fees d, fees e",
    "select count(*) from range(100000000000) a, range(1000) b",
    "select * from fees, range(100000000000)",
)


@pytest.fixture
def pressed():
    """Press Ctrl-C as soon as somebody hears it for DuckDB, or after some seconds where nobody does."""
    threads = []

    def press(times=1):
        def wait_and_press():
            for _ in range(times):
                until = time.monotonic() + 8
                while signal.getsignal(signal.SIGINT) is signal.default_int_handler and time.monotonic() < until:
                    time.sleep(0.01)
                time.sleep(0.3)
                os.kill(os.getpid(), signal.SIGINT)

        threads.append(Thread(target=wait_and_press))
        threads[-1].start()

    yield press
    for thread in threads:
        thread.join()


class Typing(io.StringIO):
    """What somebody types; ^C is the key."""

    def isatty(self):
        return True

    def readline(self, *_):
        line = super().readline()
        if "^C" in line:
            raise KeyboardInterrupt
        return line


@pytest.mark.parametrize("query", ENDLESS)
def test_ctrl_c_stops_a_query_with_130_and_one_plain_line(typed, lake, pressed, query):
    pressed()
    said = typed("sql", query, "--format", "csv", "--config", lake)
    assert (said.status, said.err) == (130, "Stopped\n")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_in_the_prompt_stops_the_query_and_the_next_one_is_answered(typed, lake, pressed, monkeypatch):
    monkeypatch.setattr("sys.stdin", Typing(f"{ENDLESS[0]};\nselect 2 as two;\n"))
    pressed()
    said = typed("sql", "--format", "csv", "--config", lake)
    assert said.status == 0
    assert said.out.endswith('"two"\n2\nplanlake> ')
    assert said.err.splitlines()[1:] == ["Stopped"]


def test_ctrl_c_where_nothing_runs_drops_what_was_typed_and_the_prompt_stays(typed, lake, monkeypatch):
    monkeypatch.setattr("sys.stdin", Typing("^C\nselect 1 as one,\n^C\nselect 2 as two;\n"))
    said = typed("sql", "--format", "csv", "--config", lake)
    assert said.status == 0
    assert said.out.endswith('planlake> "two"\n2\nplanlake> ')
    assert "Stopped" not in said.err


@pytest.mark.parametrize("command", ["status", "check", "export"])
def test_ctrl_c_in_other_commands_that_read_is_130_and_one_plain_line(typed, lake, tmp_path, monkeypatch, command):
    def stopped(*_, **__):
        with connected_to_read(500) as connection:
            Thread(target=lambda: (time.sleep(0.3), os.kill(os.getpid(), signal.SIGINT))).start()
            connection.execute("select count(*) from range(100000000000) a, range(1000) b").fetchall()

    places = {"status": "report.status.status", "check": "report.check_history.check_histories"}
    monkeypatch.setattr(f"planlake.{places.get(command, 'report.exports.export.export')}", stopped)
    more = ["--out", tmp_path / "out.duckdb"] if command == "export" else []
    said = typed(command, *more, "--config", lake)
    assert (said.status, said.err) == (130, "Stopped\n")
    assert not [*tmp_path.iterdir()]


def test_a_word_of_the_prompt_in_a_begun_query_says_what_it_is_taken_for(typed, lake, monkeypatch):
    monkeypatch.setattr("sys.stdin", Typing("select 1 as\nhelp\n;\n"))
    said = typed("sql", "--format", "csv", "--config", lake)
    assert said.out.endswith('"help"\n1\nplanlake> ')
    assert '"help" is read as part of the query' in said.err


@pytest.mark.parametrize("word", ["help", "?", "HELP;"])
def test_help_behind_the_command_is_the_help_of_the_prompt(typed, lake, word):
    said = typed("sql", word, "--config", lake)
    assert (said.status, "quit      leaves" in said.err) == (0, True)
