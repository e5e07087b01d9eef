"""The tables that can be asked, with their columns: what an editor completes.

Of several that have one name the first is the one that is meant where no database is named.
"""

from contextlib import suppress

from planlake.clock import read_clock
from planlake.engines.duckdb.locked import locked
from planlake.errors import PlanlakeError
from planlake.lake.views.query import QueryContext, columns_of
from planlake.lake.views.views import SEARCHED_ZONES, Views, known_names
from planlake.lake.warehouse import file_opener


def columns_of_tables(asked: QueryContext) -> dict[str, list[tuple[str, str]]]:
    """The columns and types of every table and view, by `database.table`; what is not shown here is left out."""
    found = {}
    with locked(file_opener(asked.lake), asked.limits) as room:
        views = Views(
            *(asked.lake, asked.resources, room.connection, asked.texts_of),
            called=room.files.name_of,
            models=asked.models,
            personal=asked.personal,
        )
        asked.models.define_macros(room.connection, "", asked.as_of or read_clock().today())
        lakes = [lake for lake in (asked.lake, asked.lake.base) if lake is not None]
        known = known_names(asked.lake, asked.resources, asked.models)
        for database in (lake.database(zone) for zone in SEARCHED_ZONES for lake in lakes):
            for name in known.get(database, ()):
                with suppress(PlanlakeError):
                    found[f"{database}.{name}"] = list(columns_of(views, database, name).items())
    return found
