"""Counts the rows of a table that meet a condition users wrote in SQL.

They are carried out like queries: on a locked connection, which reads these files and can do nothing else.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import duckdb

from planlake.engines.duckdb.deadline import Deadline
from planlake.engines.duckdb.locked import Limits, Locked, locked
from planlake.engines.duckdb.reading import rows_sql
from planlake.engines.sql import identifier
from planlake.errors import ConfigurationError
from planlake.lake.lake import Lake
from planlake.lake.views.parse_query import parse_query
from planlake.lake.views.query_errors import NOTHING_ELSE, why
from planlake.lake.warehouse import file_opener

if TYPE_CHECKING:
    from pyiceberg.manifest import DataFile
    from pyiceberg.schema import Schema

CountWhere = Callable[[str, Mapping[str, object]], int]
_ROWS = "planlake rows"  # no table is called so


@contextmanager
def counting(
    lake: Lake, limits: Limits, *, files: Sequence["DataFile"], schema: "Schema", name: str
) -> Iterator[CountWhere]:
    """Counts the rows of these files that are not deleted and meet a condition, in which the table is called `name`.

    What counts takes the condition and facts for its errors: a ConfigurationError where it is no condition.
    """
    with locked(file_opener(lake), limits) as room:
        rows = rows_sql(files, schema, called=room.files.name_of)
        room.connection.execute(f"create view {identifier(_ROWS)} as select * from {rows} where not is_deleted")

        def count(condition: str, facts: Mapping[str, object]) -> int:
            query = f"select count(*) from {identifier(_ROWS)} as {identifier(name)} where ({condition}\n)"
            try:
                _check_is_one(room, condition)
                return _count(room, limits, query, name)
            except ConfigurationError as error:
                message = f"a check cannot be carried out: {error.message}"
                raise ConfigurationError(message, facts=facts, hint=error.hint) from None

        yield count


def _check_is_one(room: Locked, condition: str) -> None:
    """Refuse what closes its brackets and goes on as another query: it cannot close brackets of two kinds."""
    parse_query(room.connection, f"select [{condition}\n]")


def _count(room: Locked, limits: Limits, query: str, name: str) -> int:
    """How many rows meet it; what DuckDB says while it reads rows may hold a value of one, and is not repeated."""
    hint = f"the condition is SQL over the columns of {name}"
    others = [one for _, one in parse_query(room.connection, query).tables if one != _ROWS]
    if others:
        raise ConfigurationError(f"it names another table, {others[0]}", hint=hint)
    deadline, is_bound = Deadline(room.connection, limits.seconds), False
    try:
        with deadline.working():
            room.connection.execute(f"explain {query}")
            is_bound = True
            return int(room.connection.execute(query).fetchall()[0][0])
    except (duckdb.Error, MemoryError) as error:
        reason, own = why(error, room=room, deadline=deadline, limits=limits)
        if not own and (is_bound or isinstance(error, duckdb.ConversionException)) and reason != NOTHING_ELSE:
            reason, own = "a value of some row does not convert", "try_cast gives NULL where cast fails"
        raise ConfigurationError(reason, hint=own or hint) from None
