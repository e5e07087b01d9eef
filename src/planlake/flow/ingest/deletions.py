"""Finds the records that a complete reading no longer shows, and proves that they were deleted.

The API never says that a record was deleted. It is believed only after a complete, stable reading that does not show
the record, and a request for that record alone that answers nothing.
"""

import json
from dataclasses import dataclass, replace

from planlake.engines.duckdb.casting import cast_expression
from planlake.engines.duckdb.connection import Connection
from planlake.flow.ingest.fetch import Fetching, Page
from planlake.flow.ingest.window_reading import Reading
from planlake.lake.lake import Lake
from planlake.lake.row_counts import held_ids
from planlake.lake.state.ledger import CHECK, FULL, raw_files, raw_rows_sql, was_read_whole
from planlake.lake.tables.version_summary import bookmark
from planlake.sources.catalogue import Resource
from planlake.sources.dialect import page_query
from planlake.sources.records import records_of, tombstone


@dataclass(frozen=True, slots=True)
class UnseenIds:
    """Ids that the lake holds and a reading did not show, and how many it holds in all."""

    ids: tuple[str, ...]
    held: int


def no_longer_seen(
    lake: Lake, connection: Connection, resource: Resource, *, reading: Reading, is_begun_before: bool = False
) -> UnseenIds:
    """What is held of a resource and not shown by a complete reading, also of what no table has taken in yet.

    That is also what earlier runs brought of a reading that was begun before.
    """
    coming = _on_their_way(lake, connection, resource, is_whole=is_begun_before)
    held = list(dict.fromkeys([*held_ids(lake, connection, resource), *coming]))
    return UnseenIds(tuple(identity for identity in held if not reading.has_seen(identity)), len(held))


def held_in_all(lake: Lake, connection: Connection, resource: Resource) -> int:
    """How many records would be shown if everything in raw counted, whether its window is closed or not."""
    coming = _on_their_way(lake, connection, resource, is_whole=True)
    return len({*held_ids(lake, connection, resource), *coming})


def _on_their_way(lake: Lake, connection: Connection, resource: Resource, *, is_whole: bool = False) -> list[str]:
    """Ids of complete readings that `current_` has not taken in: a run was killed or held before it could.

    With `is_whole` also of those that are not closed yet.
    """
    current = lake.find("refined", f"current_{resource.name}")
    applied = bookmark(current)
    files = raw_files(lake, resource.name, applied)
    if not files or not (is_whole or was_read_whole(lake, connection, resource.name, applied)):
        return []
    columns = ("resource", "batch", "request_id", "record_id", "is_deleted")
    rows = raw_rows_sql(lake, files, resource.name, applied, columns=columns)
    kind = resource.type_of(resource.key)
    identity = "record_id" if kind == "text" else f"({cast_expression('record_id', kind)})::varchar"
    query = f"select distinct {identity} as id from {rows} where not is_deleted and {identity} is not null order by id"
    with connection.cursor() as cursor:
        found: list[str] = cursor.sql(query).to_arrow_table()["id"].to_pylist()
    return found


async def ask_whether_gone(fetching: Fetching, identity: str, *, window: str = FULL, turn: int = 0) -> Page:
    """Ask for one record alone: a tombstone where the API answers nothing, else the record itself."""
    key = fetching.resource.key
    query = {key: identity, **page_query(fetching.context.catalogue.dialect, 1)}
    page = await fetching.ask_for(query, window=window, event=CHECK, number=None, turn=turn)
    if page.answer.error or page.records or (page.answer.totals and page.answer.totals.results):
        return page
    return replace(page, records=records_of([tombstone(json.dumps({key: identity}), identity)]))
