"""Reads the tables that a command printed: rows, each cell by the name of its column."""

import re
from itertools import zip_longest

RULE = re.compile(r"\s*─+\s*")
GAP = 3  # at least so many blanks stand between two columns, and never that many within a name


def tables_on(screen):
    """Every table, as its columns and its rows: dictionaries of texts. Lines of one cell are made one."""
    blocks = re.split(r"\n[^\S\n]*\n", screen)
    return [_table(lines) for lines in map(str.splitlines, blocks) if any(map(RULE.fullmatch, lines))]


def _table(lines):
    lines = [line for line in lines if line.strip()]
    rule = next(place for place, line in enumerate(lines) if RULE.fullmatch(line))
    places = _columns([line for line in lines if not RULE.fullmatch(line)])
    head, *rows = _joined([_cells(line, places) for line in lines if not RULE.fullmatch(line)], heads=rule)
    return head, [dict(zip(head, row, strict=True)) for row in rows]


def _columns(lines):
    """Where columns begin and end: between them every line is blank."""
    taken = "".join(" " if set(signs) == {" "} else "x" for signs in zip_longest(*lines, fillvalue=" "))
    return [found.span() for found in re.finditer(rf"x(?:x| {{1,{GAP - 1}}}x)*", taken)]


def _cells(line, places):
    return [line[start:end].strip() for start, end in places]


def _joined(rows, *, heads):
    """Rows of which some take several lines: those that do not begin with a cell go on with the row before."""
    found = []
    for place, row in enumerate(rows):
        if found and (not row[0] or 0 < place < heads):
            found[-1] = [" ".join(filter(None, pair)) for pair in zip(found[-1], row, strict=True)]
        else:
            found.append(row)
    return found
