"""Decides how wide the columns of a printed table are, so that no word is split.

A terminal of 80 columns is the usual one. Where words alone are wider than the room, the widest of them is folded.
"""

from collections.abc import Sequence

from rich.cells import cell_len

GAPS = (3, 2, 1)  # spaces between two columns
EDGES = 2
WHOLE = 12  # a cell of so many signs, such as a verdict, is not broken at its spaces either


def column_widths(columns: Sequence[Sequence[str]], room: int, *, unbroken: Sequence[bool]) -> tuple[list[int], int]:
    """The widths of columns, each given by its cells with its name, and the spaces between them.

    Those that are `unbroken` stay on one line if that is possible at all.
    """
    natural = [max(map(cell_len, _lines(cells)), default=0) for cells in columns]
    least = [
        full if is_whole else max(map(_least, _lines(cells)), default=0)
        for full, cells, is_whole in zip(natural, columns, unbroken, strict=True)
    ]
    spaces = room - EDGES
    for wanted in (natural, least):
        for gap in GAPS if wanted is least else GAPS[:1]:
            left = spaces - gap * (len(columns) - 1) - sum(wanted)
            if left >= 0:
                return _filled(wanted, natural, left), gap
    return _folded(least, spaces - GAPS[-1] * (len(columns) - 1)), GAPS[-1]


def broken_name(name: str, width: int) -> tuple[str, ...]:
    """A long name in lines of at most so many signs, broken after its underscores and indented from the second on."""
    lines = [""]
    for part in name.replace("_", "_ ").split(" "):
        if lines[-1] and cell_len(lines[-1] + part) > width:
            lines.append("  ")
        lines[-1] += part
    return tuple(lines)


def _lines(cells: Sequence[str]) -> list[str]:
    return [line for cell in cells for line in cell.split("\n")]


def _least(line: str) -> int:
    """The widest part of a line that is not to be split."""
    return cell_len(line) if cell_len(line) <= WHOLE else max(map(cell_len, line.split()), default=0)


def _filled(least: Sequence[int], natural: Sequence[int], left: int) -> list[int]:
    """What is left of the room, given first to the columns that need least of it."""
    widths = [*least]
    for place in sorted(range(len(widths)), key=lambda one: natural[one] - least[one]):
        more = min(left, natural[place] - widths[place])
        widths[place] += more
        left -= more
    return widths


def _folded(widths: Sequence[int], room: int) -> list[int]:
    """Widths that fit, the widest made narrower first."""
    found = [*widths]
    while sum(found) > max(room, len(found)):
        widest = found.index(max(found))
        found[widest] -= 1
    return found
