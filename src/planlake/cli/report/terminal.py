"""The prompt of `planlake sql` on a terminal: Tab completes names, and what was typed is kept for the next session."""

import os
import re
import shlex
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.shortcuts import CompleteStyle

from planlake.errors import PlanlakeError
from planlake.report.state_folder import state_folder

WORD = re.compile(r'(?:(?P<before>"[^"]*"|[\w-]+)\.)?(?P<word>"[^"]*|[\w-]*|\\\w*)$')
ANY_NAME = re.compile(r'"([^"]+)"|(\w+)')
BEFORE_A_TABLE = re.compile(r"\b(from|join|describe|summarize)\s+$", re.IGNORECASE)
PLAIN_NAME = re.compile(r"[a-z_][a-z0-9_]*")
WORDS = frozenset(
    re.findall(
        r"\w+",
        "select from where group by order limit join left on using and or not null is in between like having distinct "
        "count sum min max avg case when then else end as desc with union all cast describe summarize show tables",
    )
)
MOST_BYTES = 1_000_000  # of the history

Names = Mapping[str, Iterable[str]]  # tables by their database
ColumnsOf = Callable[[str], Iterable[str]]


def reader(names: Callable[[], Names], columns_of: ColumnsOf, commands: Iterable[str]) -> Callable[[str, str], str]:
    """What reads a line, given the text typed before it and the prompt: EOFError is Ctrl-D, KeyboardInterrupt Ctrl-C.

    `names` is asked at the first Tab; `columns_of` names the columns of a table, or raises a PlanlakeError.
    """
    completer = _Names(names, columns_of, commands)
    session = PromptSession[str](
        history=_history(state_folder() / "sql_history"),
        completer=completer,
        complete_while_typing=False,
        complete_style=CompleteStyle.READLINE_LIKE,
    )

    def read(before: str, prompt: str) -> str:
        completer.before = before
        return session.prompt(prompt)

    return read


def _history(file: Path) -> History:
    """Lines of earlier sessions, in a file that its owner alone reads; none are kept where it cannot be written."""
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(file, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600))
        file.chmod(0o600)
        if file.stat().st_size > MOST_BYTES:
            file.write_bytes(file.read_bytes()[-MOST_BYTES // 2 :].partition(b"\n\n")[2])
    except OSError:
        return InMemoryHistory()
    return FileHistory(str(file))


class _Names(Completer):
    """Names that fit what stands before the cursor: databases, tables, columns of the tables named, words of SQL."""

    def __init__(self, names: Callable[[], Names], columns_of: ColumnsOf, commands: Iterable[str]) -> None:
        self.before = ""
        self._names, self._columns_of, self._commands = names, columns_of, [*commands]
        self._known: Names | None = None
        self._columns = dict[str, list[str]]()

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:  # noqa: ARG002
        found = WORD.search(document.text_before_cursor)
        word = found["word"] if found else ""
        before = found["before"].strip('"') if found and found["before"] else ""
        typed = word.lstrip('"').lower()
        is_table = BEFORE_A_TABLE.search(document.text_before_cursor.removesuffix(word)) is not None
        for name in dict.fromkeys(self._fitting(self.before + document.text, before, word, is_table=is_table)):
            if name.lower().startswith(typed):
                is_plain = name in WORDS or name.startswith("\\") or (PLAIN_NAME.fullmatch(name) and word[:1] != '"')
                yield Completion(name if is_plain else f'"{name}"', start_position=-len(word), display=name)

    def _fitting(self, text: str, before: str, word: str, *, is_table: bool) -> list[str]:
        if word.startswith("\\"):
            return self._commands
        if self._known is None:
            self._known = self._names()
        databases = {name.lower(): [*tables] for name, tables in self._known.items()}
        if before.lower() in databases:
            return databases[before.lower()]
        tables = {name.lower() for names in databases.values() for name in names}
        if is_table and not before:
            return [*sorted(tables), *self._known]
        words = [(one or other).lower() for one, other in ANY_NAME.findall(text)]
        named = (
            [before.lower()] if before.lower() in tables else [name for name in dict.fromkeys(words) if name in tables]
        )
        columns = [column for table in named for column in self._of(table)]
        return columns if before else [*columns, *sorted(tables), *self._known, *sorted(WORDS)]

    def _of(self, table: str) -> list[str]:
        if table not in self._columns:
            self._columns[table] = []
            with suppress(PlanlakeError):
                self._columns[table] = [*self._columns_of(table)]
        return self._columns[table]


def pager() -> list[str] | None:
    """The program that shows what is wider or longer than the screen, PAGER or `less`; None where there is none."""
    command = shlex.split(os.environ.get("PAGER") or "less", posix=os.name != "nt")
    return command if command and shutil.which(command[0]) else None


def show_in_pager(text: str, command: list[str]) -> None:
    """Show a text by a pager; lines are not broken, and Ctrl-C is the pager's as long as it is open."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        options = os.environ | {"LESS": os.environ.get("LESS", "-SRFX")}
        subprocess.run(command, input=text.encode(), env=options, check=False)  # noqa: S603 - the user's own choice
    finally:
        signal.signal(signal.SIGINT, before)
