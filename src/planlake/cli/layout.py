"""Lays out a table for a screen of so many columns: no word, date or number is split, and nothing is left out.

Where a table is too wide, its texts are broken between words, then columns leave their row for a line below it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from rich.cells import cell_len, chop_cells

GAP = 2  # blanks between two columns
INDENT = 4
WHOLE = 16  # a cell of so many signs, such as a verdict or a day, stays on one line
NARROWEST = 24  # a text with less room than this is easier to read below its row


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, its cells row by row (line ends begin new lines), and whether it holds numbers."""

    name: str
    cells: Sequence[str]
    is_number: bool = False

    @property
    def full(self) -> int:
        """The width at which nothing is broken."""
        return max(cell_len(self.name), *(cell_len(line) for cell in self.cells for line in cell.split("\n")), 0)

    @property
    def least(self) -> int:
        """The width at which no word is split and no short cell broken."""
        lines = [line for cell in self.cells for line in cell.split("\n")]
        whole = [line for line in lines if self.is_number or cell_len(line) <= WHOLE]
        words = [word for line in (self.name, *lines) for word in line.split(" ")]
        least = max(map(cell_len, (*whole, *words)), default=0)
        return max(least, min(self.full, NARROWEST)) if self.is_text else least

    @property
    def is_text(self) -> bool:
        """Whether it holds texts that can be broken between words."""
        return not self.is_number and any(" " in cell and cell_len(cell) > WHOLE for cell in self.cells)


def lay_out(
    columns: Sequence[Column],
    width: int,
    *,
    spare: Sequence[str] = (),
    aside: Sequence[str] = (),
    rule: str = "─",
) -> Iterator[list[str]]:
    """The lines of a table: those of its head, then those of each row, none wider than `width`.

    The first column names the row and keeps its place. Those without any value are left out, and where there is too
    little room those in `spare`, in that order. Next those in `aside` leave the row, then texts, then the widest.
    """
    kept = [one for place, one in enumerate(columns) if place == 0 or not one.cells or any(one.cells)]
    below: list[Column] = []
    while len(kept) > 1 and _room(kept, width) < 0:
        leaving = min(kept[1:], key=lambda one: _holds_on(one, [*spare, *aside]))
        kept.remove(leaving)
        if leaving.name not in spare:
            below.append(leaving)
    below.sort(key=columns.index)
    widths = _widths(kept, width)
    heads = [broken(one.name, room) for one, room in zip(kept, widths, strict=True)]
    tallest = max(map(len, heads))
    heads = [[""] * (tallest - len(lines)) + lines for lines in heads]
    yield [*_side_by_side(kept, heads, widths), (GAP * " ").join(rule * room for room in widths)]
    for row in range(len(columns[0].cells)):
        cells = [
            [part for line in one.cells[row].split("\n") for part in broken(line, room)]
            for one, room in zip(kept, widths, strict=True)
        ]
        yield [*_side_by_side(kept, cells, widths), *_below(below, row, width)]


def _room(columns: Sequence[Column], width: int) -> int:
    """What is left of the width where no column is wider than it must be; below 0 where they do not fit."""
    return width - GAP * (len(columns) - 1) - sum(one.least for one in columns)


def _holds_on(column: Column, first: Sequence[str]) -> tuple[int, int]:
    """The columns in the order in which they leave their row."""
    if column.name in first:
        return (0, first.index(column.name))
    return (1 if column.is_text else 2, -column.full)


def _widths(columns: Sequence[Column], width: int) -> list[int]:
    """The width of each column; what is left of the room goes first to those that need least of it."""
    widths = [one.least for one in columns]
    left = _room(columns, width)
    if left < 0:  # one column, with a word that is wider than the screen
        return [width]
    for place in sorted(range(len(columns)), key=lambda one: columns[one].full - widths[one]):
        more = min(left, columns[place].full - widths[place])
        widths[place] += more
        left -= more
    return widths


def _side_by_side(columns: Sequence[Column], cells: Sequence[Sequence[str]], widths: Sequence[int]) -> list[str]:
    lines = []
    for parts in zip_longest(*cells, fillvalue=""):
        padded = []
        for one, part, room in zip(columns, parts, widths, strict=True):
            blanks = (room - cell_len(part)) * " "
            padded.append(blanks + part if one.is_number else part + blanks)
        lines.append((GAP * " ").join(padded).rstrip())
    return lines


def _below(columns: Sequence[Column], row: int, width: int) -> list[str]:
    """What left a row, by name: `why: answer 503; counted: 27 Nov`."""
    said = "; ".join(f"{one.name}: {' '.join(one.cells[row].split())}" for one in columns if one.cells[row])
    return [f"{INDENT * ' '}{line}" for line in broken(said, max(width - INDENT, 1))] if said else []


def broken(line: str, width: int) -> list[str]:
    """A line in lines of that width, broken at blanks; a word that is wider itself has no other way but to be split."""
    if cell_len(line) <= width:
        return [line]
    found: list[str] = []
    for word in line.split(" "):
        if found and cell_len(f"{found[-1]} {word}") <= width:
            found[-1] += f" {word}"
        else:
            found += chop_cells(word, width) or [word]
    return found
