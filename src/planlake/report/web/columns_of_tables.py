"""The tables that can be asked, with their columns: what an editor completes."""

from planlake.engines.duckdb.locked import locked
from planlake.errors import PlanlakeError
from planlake.lake.views.query import QueryContext, columns_of
from planlake.lake.views.views import Views, known_names
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
        for database, names in known_names(asked.lake, asked.resources, asked.models).items():
            for name in names:
                try:
                    found[f"{database}.{name}"] = list(columns_of(views, database, name).items())
                except PlanlakeError:
                    continue
    return found
