"""Reads the tables that a command printed: rows, each cell by the name of its column."""

import re

RULE = re.compile(r" ?─+(?:  ─+)*")
BELOW = re.compile(r" {4}\S")


def tables_on(screen):
    """Every table, as its columns and its rows: dictionaries of texts. Lines of one cell are made one."""
    blocks = re.split(r"\n[^\S\n]*\n", screen)
    return [_table(lines) for lines in map(str.splitlines, blocks) if any(map(RULE.fullmatch, lines))]


def _table(lines):
    lines = [line for line in lines if line.strip()]
    rule = next(place for place, line in enumerate(lines) if RULE.fullmatch(line))
    starts = [found.start() for found in re.finditer("─+", lines[rule])]
    places = list(zip(starts, [*starts[1:], None], strict=True))
    head = _joined([_cells(line, places) for line in lines[:rule]])
    rows = []
    for line in lines[rule + 1 :]:
        cells = _cells(line, places)
        if cells[0] and not BELOW.match(line):
            rows.append([[cells], []])
        elif cells[0]:
            rows[-1][1].append(line.strip())
        else:
            rows[-1][0].append(cells)
    return head, [dict(zip(head, _joined(lines), strict=True)) | _named(" ".join(below)) for lines, below in rows]


def _named(below):
    """What stands below a row, by the names of the columns that it left."""
    return dict(part.split(": ", 1) for part in below.split("; ")) if below else {}


def _cells(line, places):
    return [line[start:end].strip() for start, end in places]


def _joined(lines):
    return [" ".join(filter(None, parts)) for parts in zip(*lines, strict=True)]
