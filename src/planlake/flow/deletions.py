"""Deletions: in goes a complete reading, out come the records that are held and no longer shown.

The API never says that a record was deleted. It is believed only after a complete, stable reading that does not show
the record, and a request for that record alone that answers nothing.
"""

import json
from dataclasses import dataclass, replace

from planlake.engines.duckdb import Connection
from planlake.engines.sql import identifier
from planlake.flow.fetch import Fetching, Page
from planlake.flow.reading import Reading
from planlake.lake.files import data_files
from planlake.lake.lake import Lake
from planlake.lake.ledger import CHECK, FULL
from planlake.lake.reading import rows_sql
from planlake.sources.catalogue import Resource
from planlake.sources.records import records_of, tombstone


@dataclass(frozen=True, slots=True)
class Gone:
    """Ids that are held and that a reading did not show, of how many held in all."""

    ids: tuple[str, ...]
    held: int


def no_longer_seen(lake: Lake, connection: Connection, resource: Resource, reading: Reading) -> Gone:
    """What is held of a resource and not shown by a complete reading."""
    held = held_ids(lake, connection, resource)
    return Gone(tuple(identity for identity in held if not reading.has_seen(identity)), len(held))


def held_ids(lake: Lake, connection: Connection, resource: Resource) -> list[str]:
    """The ids of all records held that are not deleted, as text."""
    current = lake.find("refined", f"current_{resource.name}")
    if current is None:
        return []
    rows = rows_sql(data_files(current), current.schema(), columns=(resource.key, "is_deleted"))
    key = identifier(resource.key)
    query = f"select {key}::varchar as id from {rows} where not is_deleted order by {key}"
    with connection.cursor() as cursor:
        found: list[str] = cursor.sql(query).to_arrow_table()["id"].to_pylist()
    return found


async def ask_whether_gone(fetching: Fetching, identity: str) -> Page:
    """Ask for one record alone: a tombstone where the API answers nothing, else the record itself."""
    key = fetching.resource.key
    page = await fetching.ask_for({key: identity, "page": 1}, window=FULL, event=CHECK, number=None)
    if page.answer.error or page.records or (page.answer.totals and page.answer.totals.results):
        return page
    return replace(page, records=records_of([tombstone(json.dumps({key: identity}), identity)]))
