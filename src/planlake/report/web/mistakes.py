"""Where in a query a mistake is."""

import json
import re

import duckdb

from planlake.errors import PlanlakeError

_SHOWN = re.compile(r"LINE (\d+): (.*)\n( *)\^")
_WITHOUT_COLUMN = re.compile(r'("(?:[^"]|"")+") has no column ("(?:[^"]|"")+")')
_NO_NAME = re.compile(r"'(?:[^']|'')*'|--[^\n]*")
_NAMED = re.compile(r'"((?:[^"]|"")+)"|is called (\w+)|^(\w+)\(\) is not allowed')


def place_of_mistake(error: PlanlakeError, query: str) -> tuple[int, int]:
    """The line and column of the mistake that an error tells of, both from 1; (0, 0) where nobody knows."""
    place = _shown(str(error.__context__), query) if isinstance(error.__context__, duckdb.Error) else _syntax(query)
    if place is None:
        place = _name(error.message, query)
    if place is None:
        return 0, 0
    return query.count("\n", 0, place) + 1, place - query.rfind("\n", 0, place)


def _shown(said: str, query: str) -> int | None:
    """What DuckDB points to, where it does: it repeats the line, of a long one a part between dots."""
    found = _SHOWN.search(said)
    lines = query.splitlines(keepends=True)
    if found is None or int(found[1]) > len(lines):
        return None
    number, text = int(found[1]) - 1, found[2]
    dots = len(text) - len(text.removeprefix("..."))
    start = lines[number].find(text[dots:].removesuffix("..."))
    place = len(found[3]) - len(f"LINE {found[1]}: ") - dots
    return sum(map(len, lines[:number])) + start + place if start >= 0 and place >= 0 else None


def _syntax(query: str) -> int | None:
    """Where the parser stops; None where it does not."""
    text = query.strip().rstrip(";")
    try:
        with duckdb.connect(config={"temp_directory": ""}) as connection:
            told = json.loads(connection.execute("select json_serialize_sql(?)", [text]).fetchall()[0][0])
    except (duckdb.Error, RecursionError, ValueError):
        return None
    if not told["error"] or not told.get("position"):
        return None
    blanks = len(query) - len(query.lstrip())
    return blanks + len(text.encode()[: int(told["position"])].decode(errors="replace"))


def _name(said: str, query: str) -> int | None:
    """Where the name stands that a message tells of; of the column that a table lacks, where it is asked of that."""
    query = _NO_NAME.sub(lambda text: " " * len(text[0]), query)
    if (found := _WITHOUT_COLUMN.search(said)) is not None:
        table, column = (rf'"?{re.escape(name[1:-1])}"?' for name in found.groups())
        place = re.search(rf'(?<![\w"]){table}\s*\.\s*({column})(?![\w"])', query, re.IGNORECASE)
        if place is not None:
            return place.start(1)
    for found in _NAMED.finditer(said):
        name = next(filter(None, found.groups())).replace('""', '"')
        place = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", query, re.IGNORECASE)
        if place is not None:
            return place.start()
    return None
