"""Answers as text of bounded length in which nothing moves a cursor or begins a line of its own."""

import json
from collections.abc import Iterable, Iterator, Sequence

from planlake.errors import ConfigurationError
from planlake.printable import printable
from planlake.report.pages.words import BLANK
from planlake.report.web.frames import Answer, Cell

MOST_CHARACTERS = 30_000  # of an answer
LONGEST_LINE, LONGEST_CELL, MOST_COLUMNS = 10_000, 1_000, 100


def bounded(lines: Iterable[str]) -> Iterator[str]:
    """Lines that can be shown, until there are too many; one that says so is the last then."""
    left = MOST_CHARACTERS
    for line in lines:
        shown = printable(line.replace(BLANK, " "))
        shown = shown if len(shown) <= LONGEST_LINE else f"{shown[:LONGEST_LINE]}..."
        left -= len(shown) + 1
        if left < 0:
            yield "(cut here: the answer is too long; ask for less)"
            return
        yield shown


def rows_of(found: Answer) -> list[str]:
    """The columns, then a row a line, as JSON; then how many there are.

    Raises ConfigurationError where there are too many columns, or not even one row has room.
    """
    if len(found.columns) > MOST_COLUMNS:
        message = f"the answer has {len(found.columns):,} columns, and {MOST_COLUMNS} are shown at most"
        raise ConfigurationError(message, hint="name the columns that are wanted")
    rows, left = list[str](), MOST_CHARACTERS - LONGEST_LINE
    for row in found.rows:
        line = _json([_cell(one) for one in row])
        left -= len(line) + 1
        if left < 0 or len(line) > LONGEST_LINE:
            break
        rows.append(line)
    if found.rows and not rows:
        raise ConfigurationError(f"a row has more than {LONGEST_LINE:,} characters", hint="ask for fewer columns")
    more = ", the first; there are more" if found.is_cut or len(rows) < len(found.rows) else ""
    count = f"{len(rows)} {'row' if len(rows) == 1 else 'rows'} in {found.seconds:.2f} s{more}"
    return [f"columns: {_json([f'{one.name} {one.type}' for one in found.columns])}", *rows, count, *found.notes]


def _cell(value: Cell) -> Cell:
    """A value, a long text cut."""
    if isinstance(value, str) and len(value) > LONGEST_CELL:
        return f"{value[:LONGEST_CELL]}... ({len(value):,} characters)"
    return value


def _json(values: Sequence[Cell]) -> str:
    """JSON on one line in which characters that cannot be seen are escapes of JSON."""
    text = json.dumps(values, ensure_ascii=False)
    return text if text.isprintable() else "".join(one if one.isprintable() else json.dumps(one)[1:-1] for one in text)
