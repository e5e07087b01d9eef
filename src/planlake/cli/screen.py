"""How results look: tables on standard output, progress and remarks on standard error."""

import json
import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import Any, TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from planlake.cli.layout import Column, broken, lay_out
from planlake.cli.loading import chosen_environment, loaded_configuration, named_file
from planlake.clock import dashed
from planlake.printable import printable, quoted
from planlake.telemetry.progress import Notify
from planlake.telemetry.progress import Progress as Event

MARKS = {
    "loaded": "+ loaded",
    "unchanged": "= unchanged",
    "up to date": "= up to date",
    "open": "/ open",
    "held": "! held",
    "failed": "x failed",
    "built": "+ built",
    "left alone": "! left alone",
    "waiting": "- waiting",
}
PROGRAM = "planlake"
COMMAND = re.compile(r"(?<![\w./-])planlake ((?:env |model |notify )?[a-z]+(?:-[a-z]+)*)(?![\w.])")
QUOTED = re.compile(r"`planlake [^`]*`")
BEGINNINGS = ("hint: ", "next: ")
OF_NO_CONFIGURATION = ("completion", "demo", "simulate", "spark-job")
OF_NO_ENVIRONMENT = (*OF_NO_CONFIGURATION, "add", "env", "init", "model copy", "model diff", "model new")
SECONDS_UNTIL_SAID = 1.0
CONTINUED = "  "  # how the second line of a sentence begins
STYLES = {"x ": "red", "! ": "yellow", "+ ": "green"}


def mark_of(outcome: str, *, is_read: bool) -> str:
    """What became of a table, by the words of `status`: one whose pages failed has failed, however it is stored."""
    return MARKS["failed" if outcome == "open" and is_read else outcome] if outcome in MARKS else f"= {outcome}"


def print_table(
    title: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    numbers: Sequence[str] = (),
    spare: Sequence[str] = (),
    aside: Sequence[str] = (),
) -> None:
    """Print rows as a table; the columns named in `numbers` are aligned to the right, a cell of lines is a tuple.

    Where the screen is too narrow, those in `spare` are left out (--json has them), then those in `aside` leave their
    row for a line below it, and others after them.
    """
    screen = console(stderr=False)
    cells = [[*map(_cell, row)] for row in rows]
    laid = lay_out(
        [
            Column(printable(name), [row[place] for row in cells], is_number=name in numbers)
            for place, name in enumerate(columns)
        ],
        screen.width,
        spare=spare,
        aside=aside,
        rule="─" if is_unicode(sys.stdout) else "-",
    )
    head = next(laid)
    for line in [*([printable(title)] if title else []), "", *head]:
        _write(screen, line)
    for row, lines in zip(cells, laid, strict=True):
        marks = [cell for cell in row if cell[:2] in STYLES]
        for line in lines:
            _write(screen, line, marks)
    echo("")


def _write(screen: Console, line: str, marks: Sequence[str] = ()) -> None:
    """A line as it is; on a terminal the cells that begin with a mark have its colour."""
    text = Text(line)
    for mark in marks:
        text.highlight_words([mark], STYLES[mark[:2]])
    screen.print(text, soft_wrap=True)


def _cell(value: object) -> str:
    if isinstance(value, tuple):
        return "\n".join(map(_cell, value))
    return "" if value is None else f"{value:,}" if isinstance(value, int) else printable(str(value))


def console(*, stderr: bool) -> Console:
    """A console as wide as the terminal, or as COLUMNS says; wide enough for a table where neither is."""
    stream = sys.stderr if stderr else sys.stdout
    is_told = stream.isatty() or os.environ.get("COLUMNS", "").strip("0").isdecimal()
    return Console(stderr=stderr, highlight=False, markup=False, emoji=False, width=None if is_told else 132)


def as_date(day: str | None) -> str | None:
    """A day of a table as people write it, where there is one."""
    return dashed(day) if day else day


def counted(number: int, one: str, several: str) -> str:
    """A number with its word, in the singular or the plural."""
    return f"{number:,} {one if number == 1 else several}"


def print_json(value: Any) -> None:  # noqa: ANN401 - anything that JSON can hold, dates as text
    """Print a value as JSON."""
    echo(as_json(value))


def as_json(value: Any) -> str:  # noqa: ANN401
    """A value as JSON; characters that cannot be seen or written are JSON escapes, so the value is the same."""
    text = json.dumps(value, indent=2, default=str, ensure_ascii=False)
    if not text.replace("\n", "").isprintable():
        text = "".join(one if one == "\n" or one.isprintable() else json.dumps(one)[1:-1] for one in text)
    return text if can_show(sys.stdout, text) else json.dumps(value, indent=2, default=str)


def remark(text: str, *, is_data: bool = False) -> None:
    """Say something beside the data, on standard error; commands in hints name the configuration in use.

    What `is_data` is what was asked for: it goes to standard output.
    Where a line shows names or values of the vendor, whoever makes it takes `printable` for them: a line end of theirs
    would begin a line here.
    """
    for line in text.rstrip("\n").split("\n"):
        for part in _at_words(printable(runnable(line)), sys.stdout if is_data else sys.stderr):
            echo(part, stderr=not is_data)


def _at_words(line: str, stream: TextIO) -> list[str]:
    """A line in lines as a terminal has room for them, whole where it is piped or is a command to be typed."""
    if not stream.isatty() or (line.startswith(BEGINNINGS) and COMMAND.search(line)):
        return [line]
    first, *others = broken(line, max(console(stderr=stream is sys.stderr).width - len(CONTINUED), 1))
    return [first, *(f"{CONTINUED}{one}" for one in others)]


def echo(text: str, *, stderr: bool = False) -> None:
    """Write a line as it is; whoever calls it sees to it that it may be shown."""
    stream = sys.stderr if stderr else sys.stdout
    stream.write(f"{text}\n")
    if stderr:
        stream.flush()


def can_show(stream: TextIO, text: str) -> bool:
    """Whether a stream's encoding has all the characters of a text."""
    try:
        text.encode(stream.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def is_unicode(stream: TextIO) -> bool:
    """Whether a stream's encoding has the characters that tables are drawn with."""
    return can_show(stream, "─│…")


def runnable(line: str) -> str:
    """A line as it is; the commands of a hint, or between `, as they can be typed: by the name that was called.

    With the environment and the configuration they need, where not the usual. These follow the command's name: what
    comes behind it may be words that say what it does. Without its environment a hint to undo something in a preview
    would undo what was last done to its base.
    """
    if not line.startswith(BEGINNINGS):
        return QUOTED.sub(lambda found: runnable(f"hint: {found[0]}").removeprefix("hint: "), line)
    environment, file = chosen_environment(), named_file()
    options = "" if file is None else f" --config {quoted(str(file))}"

    def typed(command: re.Match[str]) -> str:
        own = "" if command[1] in OF_NO_CONFIGURATION else options
        if environment is not None and "--env" not in line and _takes_environment(command[1], environment):
            own = f" --env {quoted(environment)}{own}"
        return f"{called_as()} {command[1]}{own}"

    return COMMAND.sub(typed, line)


def _takes_environment(command: str, environment: str) -> bool:
    """Whether a command needs the environment; a preview is recovered with what it stands on."""
    config = loaded_configuration()
    if command == "recover" and config is not None and environment not in config.environments:
        return False
    return not {command, command.split(maxsplit=1)[0]}.intersection(OF_NO_ENVIRONMENT)


def called_as() -> str:
    """How this program can be called again: by its name where that finds it, else by the path it was called by."""
    own = Path(sys.argv[0])
    if os.sep not in sys.argv[0] or own.stem != PROGRAM:
        return PROGRAM
    found = shutil.which(PROGRAM)
    is_found = found is not None and own.exists() and own.samefile(found)
    return PROGRAM if is_found else quoted(sys.argv[0])


@contextmanager
def progress_bars() -> Iterator[Notify]:
    """Bars on standard error, one per table and step that takes more than one part; nothing when not a terminal."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    bars = _live(TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(separator=" of "))
    tasks: dict[tuple[str, str], TaskID] = {}

    def show(event: Event) -> None:
        place = (event.table, event.step)
        bars.start()  # not before: somebody may be asked first
        if place not in tasks:
            tasks[place] = bars.add_task(printable(f"{event.table}: {event.step}"), total=event.total)
        bars.update(tasks[place], completed=event.done, total=event.total, visible=event.done != event.total)

    try:
        yield show
    finally:
        _end(bars)


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """Say on standard error what takes more than a second, and for how long it has; nothing when not a terminal."""
    if not sys.stderr.isatty():
        yield
        return
    line = _live(SpinnerColumn("line"), TextColumn("{task.description}", markup=False))
    line.add_task(what)
    late = Timer(SECONDS_UNTIL_SAID, line.start)
    late.daemon = True
    late.start()
    try:
        yield
    finally:
        late.cancel()
        late.join()
        _end(line)


def _live(*columns: ProgressColumn) -> Progress:
    """Lines that change while something is done and are gone at its end."""
    return Progress(*columns, TimeElapsedColumn(), console=console(stderr=True), transient=True)


def _end(lines: Progress) -> None:
    if lines.live.is_started:
        lines.stop()
