"""Why SQL that a user wrote failed: in goes what DuckDB says, out come a reason in plain words and what to do."""

import duckdb

from planlake.engines.deadline import Deadline
from planlake.engines.locked import Limits, Locked
from planlake.errors import LakeError

NOTHING_ELSE = "a query reads the tables of the lake, and nothing else"


def why(error: Exception, room: Locked, deadline: Deadline, limits: Limits) -> tuple[str, str]:
    """The reason and a hint, if there is one; a LakeError is raised where it is the fault of a table's file."""
    if room.files.troubles:
        location, trouble = room.files.troubles[0]
        facts = {"file": location}
        raise LakeError(f"a file of a table cannot be read: {trouble}", facts=facts, hint="planlake doctor") from None
    text = str(error)
    if deadline.is_past:
        return f"it took longer than {limits.seconds:g} seconds", "the setting query_seconds allows more"
    if isinstance(error, duckdb.OutOfMemoryException | MemoryError) or text.startswith("Out of Memory"):
        hint = "ask for fewer columns or rows, or planlake export the table; query_memory_megabytes allows more"
        return f"it needs more memory than {limits.megabytes:,} MB", hint
    if text.startswith(("Traceback", "Permission Error")) or "disabled by configuration" in text:
        return NOTHING_ELSE, ""
    shown = text.split("\n\n", maxsplit=1)[0].replace("\n", " ")
    if room.files.folder in shown:
        reason = room.files.with_locations(shown)
        raise LakeError(f"a file of a table cannot be read: {reason}", hint="planlake doctor") from None
    return shown, ""
