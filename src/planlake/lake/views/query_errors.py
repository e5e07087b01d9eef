"""Says in plain words why a user's SQL failed, and what to do."""

import re
from contextlib import suppress

import duckdb

from planlake.config import suggestion
from planlake.engines.duckdb.connection import Connection
from planlake.engines.duckdb.deadline import Deadline
from planlake.engines.duckdb.locked import Limits, Locked
from planlake.engines.sql import identifier
from planlake.errors import LakeError
from planlake.lake.views.parse_query import tables_called

_KIND = re.compile(r"^(?:Binder|Parser|Catalog|Conversion|Invalid Input|Out of Range|Not implemented) Error: ")
_CANDIDATES = ("\nCandidate bindings:", "\nCandidate tables:", "\n\tCandidate functions:", "\nDid you mean ")
_NAMES = re.compile(r'"(?:[^"]|"")+"')
NO_FUNCTION = re.compile(r"^(?:Scalar |Aggregate |Table |Macro )*Function with name (\S+) does not exist!?")
_PLAIN = tuple(
    (re.compile(pattern), plain)
    for pattern, plain in (
        (r'^Referenced column ("(?:[^"]|"")*") not found in FROM clause!?', r"no column is called \1"),
        (
            r'^(?:Table|Values list) ("(?:[^"]|"")*") does not have a column named ("(?:[^"]|"")*")',
            r"\1 has no column \2",
        ),
        (r'^Referenced table ("(?:[^"]|"")*") not found!?', r"the query names no table \1"),
        (NO_FUNCTION, r"no function is called \1"),
    )
)
OF_ATHENA = {  # functions of Athena that DuckDB does not know, and what they are called there: docs/from-athena.md
    "approx_distinct": "approx_count_distinct",
    "approx_percentile": "approx_quantile",
    "array_join": "array_to_string",
    "date_format": "strftime",
    "date_parse": "strptime",
    "day_of_week": "isodow",
    "json_extract_scalar": "json_extract_string",
    "last_day_of_month": "last_day",
    "levenshtein_distance": "levenshtein",
    "regexp_like": "regexp_matches",
    "sequence": "range",
    "to_unixtime": "epoch",
    "transform": "list_transform",
}
_WITHOUT_COLUMN = re.compile(r'^"((?:[^"]|"")*)" has no column "((?:[^"]|"")*)"')
NOTHING_ELSE = "a query reads the tables of the lake, and nothing else"


def why(error: Exception, *, room: Locked, deadline: Deadline, limits: Limits) -> tuple[str, str]:
    """The reason and a hint, if there is one; a LakeError is raised where it is the fault of a table's file."""
    if room.files.troubles:
        location, trouble = room.files.troubles[0]
        facts = {"file": location}
        raise LakeError(f"a file of a table cannot be read: {trouble}", facts=facts, hint="planlake doctor") from None
    text = str(error)
    if deadline.is_past:
        return f"it took longer than {limits.seconds:g} seconds", f"the setting {limits.allowed_by} allows more"
    if isinstance(error, duckdb.OutOfMemoryException | MemoryError) or text.startswith("Out of Memory"):
        hint = "ask for fewer columns or rows, or planlake export the table; query_memory_megabytes allows more"
        return f"it needs more memory than {limits.megabytes:,} MB", hint
    if text.startswith(("Traceback", "Permission Error")) or "disabled by configuration" in text:
        return NOTHING_ELSE, ""
    shown = text.split("\n\n", maxsplit=1)[0].replace("\n", " ")
    if room.files.folder in shown:
        reason = room.files.with_locations(shown)
        raise LakeError(f"a file of a table cannot be read: {reason}", hint="planlake doctor") from None
    return plainly(text)


def plainly(text: str) -> tuple[str, str]:
    """What DuckDB says of a query in plain words, and a hint where it names what may be meant."""
    said = _KIND.sub("", text.split("\n\n", maxsplit=1)[0])
    said, candidates, more = next((said.partition(one) for one in _CANDIDATES if one in said), (said, "", ""))
    names = _NAMES.findall(more) if candidates.strip() not in ("", "Candidate functions:") else []
    said = " ".join(said.replace("You might need to add explicit type casts.", "").split())
    if (unknown := NO_FUNCTION.match(said)) and (here := OF_ATHENA.get(unknown[1].lower())):
        return _in_plain_words(said), f"did you mean {here}? docs/from-athena.md shows how it is called"
    return _in_plain_words(said), f"did you mean {' or '.join(names[:3])}?" if names else ""


def _in_plain_words(said: str) -> str:
    for pattern, plain in _PLAIN:
        said = pattern.sub(plain, said)
    return said


def nearest_columns(connection: Connection, query: str, said: str) -> str:
    """A hint at the columns of a table that are called most like one it lacks, which DuckDB gives of no view."""
    found = _WITHOUT_COLUMN.match(said)
    if found is None:
        return ""
    table, column = (name.replace('""', '"') for name in found.groups())
    known = set[str]()
    with suppress(duckdb.Error):
        for place in tables_called(connection, query, table):
            full_name = ".".join(map(identifier, filter(None, place)))
            known |= {row[0] for row in connection.execute(f"describe {full_name}").fetchall()}
    hint = suggestion(column, known) if known else ""
    return hint if hint.startswith("did you mean") else ""  # the first of hundreds help nobody
