"""The prompt of `planlake sql` on a terminal, typed at through a pseudo-terminal as a person does."""

import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from fcntl import ioctl

import pytest

from commands import PROGRAM, environment, planlake

PROMPT = "planlake>"
CODES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[=>]|\x1b\][^\x07]*\x07")
TAB, CTRL_C, CTRL_D, UP = "\t", "\x03", "\x04", "\x1b[A"
PATIENCE = 60  # seconds until a screen that does not come is called so


class Terminal:
    """A terminal with a program on it; what it showed, without the codes that move its cursor."""

    def __init__(self, arguments, *, columns=100, rows=30, **variables):
        self.end, inner = pty.openpty()
        ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        settings = environment(**{"TERM": "xterm", **variables})
        settings.pop("COLUMNS")
        self.program = subprocess.Popen(
            [PROGRAM, *map(str, arguments)],
            stdin=inner, stdout=inner, stderr=inner, env=settings, start_new_session=True,
            preexec_fn=lambda: ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - nothing else makes the terminal its own
        )  # fmt: skip
        os.close(inner)
        self.shown = ""

    def type(self, text):
        """Press keys; what is shown from here on is what `until` waits for."""
        self.shown = ""
        os.write(self.end, text.encode())

    def until(self, text):
        """Wait for a text on the screen."""
        give_up = time.monotonic() + PATIENCE
        while text not in self.plain:
            assert time.monotonic() < give_up, f"{text!r} never came; the screen shows {self.plain!r}"
            if not self.read(0.5):
                break
        assert text in self.plain
        return self.plain

    def read(self, seconds):
        """Show what comes within so many seconds, and say where the cursor is to who asks; False after the end."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if select.select([self.end], [], [], left)[0]:
                try:
                    text = os.read(self.end, 65536).decode("utf-8", "replace")
                except OSError:  # the program has ended
                    return False
                if "\x1b[6n" in text:
                    os.write(self.end, b"\x1b[1;1R")
                self.shown += text
                break
        return True

    @property
    def plain(self):
        return CODES.sub("", self.shown).replace("\r", "")

    def left(self):
        """The status the program ended with; what it still shows is read, or it would wait for a reader."""
        give_up = time.monotonic() + PATIENCE
        while self.read(0.5) and time.monotonic() < give_up:
            pass
        return self.program.wait(PATIENCE)


@pytest.fixture
def opened(lake, tmp_path):
    """Open a terminal with the prompt on it; a state folder that is the test's own."""
    terminals = []

    def start(*arguments, **variables):
        given = {"XDG_STATE_HOME": str(tmp_path), "HOME": str(tmp_path), "PAGER": "cat", **variables}
        terminals.append(Terminal(["sql", "--config", lake, *arguments], **given))
        terminals[-1].until(PROMPT)
        return terminals[-1]

    yield start
    for one in terminals:
        if one.program.poll() is None:
            os.killpg(one.program.pid, signal.SIGKILL)
            one.program.wait()
        os.close(one.end)


def test_tab_completes_tables_and_their_columns_and_the_next_session_knows_what_was_typed(opened, tmp_path):
    terminal = opened()
    terminal.type(f"select min(asset_con{TAB}.ref{TAB}) as least from asset_con{TAB} where reference_n{TAB} > '';\r")
    terminal.until("least")
    terminal.type("exit\r")
    assert terminal.left() == 0
    history = tmp_path / "planlake/sql_history"
    assert history.stat().st_mode & 0o777 == 0o600
    query = (
        "select min(asset_constraints.reference_number) as least from asset_constraints where reference_number > '';"
    )
    assert query in history.read_text()
    again = opened()
    again.type(UP + UP + "\r")
    again.until("└")
    while PROMPT not in again.plain.rpartition("└")[2]:  # until then the terminal is nobody's, and a key may be lost
        assert again.read(PATIENCE)
    again.type(CTRL_D)
    assert again.left() == 0


def test_tab_completes_names_that_need_quotes_and_commands(opened, tmp_path):
    terminal = opened()
    terminal.type(f'select count(*) as number_of_fees from "dataplatform-stg-tascomi-ref{TAB}.fee{TAB};\r')
    terminal.until("number_of_fees")
    terminal.type(f"\\tim{TAB}\r")
    terminal.until("Each query says how long it took")
    assert 'from "dataplatform-stg-tascomi-refined-zone".fees;' in (tmp_path / "planlake/sql_history").read_text()


def test_ctrl_c_clears_what_was_typed_and_stops_a_query_and_the_prompt_stays(opened):
    terminal = opened("--format", "csv")
    terminal.type(f"select 1 as{CTRL_C}")
    terminal.type("select 40 + 2 as answer;\r")
    terminal.until("42")
    terminal.type("select count(*) from range(100000000000) a, range(1000) b;\r")
    terminal.until("b;")
    for _ in range(PATIENCE):  # nothing shows when DuckDB is at work; at the prompt it clears a line that is empty
        os.write(terminal.end, CTRL_C.encode())
        terminal.read(1)
        if "Stopped" in terminal.plain:
            break
    terminal.until("Stopped")
    terminal.type("select 41 + 2 as answer;\r")
    terminal.until("43")
    assert terminal.program.poll() is None


def test_commands_of_the_prompt_list_describe_expand_time_and_help(opened):
    terminal = opened()
    for typed, answer in (
        ("\\dt", "asset_constraints"),
        ("\\d wards", "column_name"),
        ("\\x", "Rows are shown as lines"),
        ("select 1 as first_one, 'tw' || 'o' as second_one;", "second_one  two"),
        ("\\x auto", "as lines where the screen is too narrow"),
        ("select 1 as narrow;", "│ narrow │"),
        ("select * from applications limit 1;", "── row 1 ──"),
        ("\\x off", "as a table"),
        ("\\timing", "Each query says how long it took"),
        ("select 1 as one;", "Time: "),
        ("\\timing", "No query says"),
        ("\\?", "lists the columns of a table"),
        ("help", "lists the columns of a table"),
        ("\\nonsense", 'nothing is called "\\nonsense" here'),
    ):
        terminal.type(f"{typed}\r")
        terminal.until(answer)
    terminal.type("quit\r")
    assert terminal.left() == 0


def test_what_is_wider_or_longer_than_the_screen_goes_through_the_pager_and_what_fits_does_not(opened, tmp_path):
    program = tmp_path / "pager"
    program.write_text("#!/bin/sh\necho PAGED; cat; echo END\n")
    program.chmod(0o755)
    terminal = opened(PAGER=str(program))
    terminal.type("select 40 + 2 as narrow;\r")
    assert "PAGED" not in terminal.until("42")
    terminal.type("select repeat('x', 150) as wide;\r")
    shown = terminal.until("END")
    assert "PAGED" in shown
    assert "x" * 150 in shown
    terminal.type("from range(40);\r")
    assert "PAGED" in terminal.until("END")


def test_without_a_pager_a_wide_answer_is_cut_to_the_screen(opened):
    terminal = opened(PAGER="no-such-program")
    terminal.type("select repeat('x', 150) as wide, 40 + 2 as answer;\r")
    assert "x" * 150 not in terminal.until("42")


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_terminal_that_cannot_move_its_cursor_has_a_plain_prompt(opened, term):
    terminal = opened(TERM=term)
    terminal.type("select 41 + 1 as answer;\r")
    terminal.until("42")
    assert "\x1b[" not in terminal.shown
    terminal.type("exit\r")
    assert terminal.left() == 0


def test_a_history_that_cannot_be_kept_is_no_trouble(opened, tmp_path):
    (tmp_path / "planlake").write_text("a file, and no folder")
    terminal = opened()
    terminal.type("select 41 + 1 as answer;\r")
    terminal.until("42")


def test_a_long_history_loses_its_oldest_lines(monkeypatch, tmp_path):
    from planlake.cli.report import terminal  # noqa: PLC0415 - it brings the prompt's library

    monkeypatch.setattr(terminal, "MOST_BYTES", 1_000)
    file = tmp_path / "history"
    file.write_text("".join(f"\n# 2026-11-29\n+select {number};\n" for number in range(100)))
    kept = list(terminal._history(file).load_history_strings())
    assert kept[0] == "select 99;"
    assert 5 < len(kept) < 50
    assert kept == [f"select {number};" for number in range(99, 99 - len(kept), -1)]


def test_piped_queries_load_no_prompt_and_write_no_history(lake, tmp_path):
    said = planlake(
        "sql", "--config", lake, "--format", "csv", stdin="select 1 as one;\n", XDG_STATE_HOME=str(tmp_path)
    )
    assert (said.status, said.out) == (0, '"one"\n1\n')
    assert not [*tmp_path.iterdir()]
