"""Compares a table with what the API has: counts, or with a sweep every difference by id.

A count is one request. A sweep is an audit with the whole table as its slice: it reads every page and compares the hash
of each record with the one held. So it finds what day windows cannot: records that appeared with an old date, that
changed without their date moving, or went. Each of the last is asked for alone.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from planlake.checks.quality import blocking as is_held
from planlake.checks.quality import deletions
from planlake.clock import naive_utc
from planlake.engines.duckdb.reading import rows_sql
from planlake.engines.sql import identifier
from planlake.flow.context import Context
from planlake.flow.ingest.deletions import ask_whether_gone
from planlake.flow.ingest.fetch import Fetching, fetch_windows
from planlake.flow.ingest.raw_rows import raw_rows
from planlake.flow.ingest.window_reading import Reading
from planlake.lake.row_counts import held_ids
from planlake.lake.state.ledger import COUNT, FULL, PAGE, History
from planlake.lake.tables.data_files import data_files
from planlake.sources.catalogue import Resource
from planlake.sources.dialect import page_query
from planlake.sources.http.client import Source
from planlake.sources.records import Shape, usable_id


@dataclass(frozen=True, slots=True)
class TableDifference:
    """How a table and the API differ: the API's total, rows held, and after a sweep ids by kind of difference.

    `is_swept` says whether the ids were compared at all, `error` why the API's side is not known. `refused` counts the
    API's records without an id, or with one that the type of the key cannot hold: they are in `rejected`.
    """

    table: str
    total: int
    held: int
    is_swept: bool = False
    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    refused: int = 0
    error: str = ""

    @property
    def is_equal(self) -> bool:
        """Whether nothing speaks against table and API being the same."""
        if self.is_swept:
            return not (self.error or self.refused or self.can_be_repaired)
        return not self.error and self.total == self.held

    @property
    def can_be_repaired(self) -> bool:
        """Whether a full reading would land something: not where only records differ that cannot become rows."""
        return not self.is_swept or bool(self.error or self.missing or self.extra or self.changed)


async def count(context: Context, source: Source, resource: Resource, *, history: History) -> TableDifference:
    """Compare the API's total with the rows held, by one request that is kept in the ledger."""
    fetching = Fetching(context, source, resource, Shape(resource.key, context.catalogue.dropped_keys))
    page = await fetching.ask_for(page_query(context.catalogue.dialect, 1), window=FULL, event=COUNT, number=None)
    held = len(await asyncio.to_thread(held_ids, context.lake, context.connection, resource))
    total = page.answer.totals.results if page.answer.totals else 0
    found = TableDifference(resource.name, total, held, error=page.answer.error)
    await _write_count(
        context,
        history,
        found,
        request_id=page.request_id,
        url=page.answer.url,
        status=page.answer.status,
        requested_at=naive_utc(page.requested_at),
    )
    return found


async def _write_count(context: Context, history: History, found: TableDifference, **request: object) -> None:
    """Keep the API's total beside the rows held in the ledger, for `status` and the next run."""
    row: dict[str, Any] = {
        "run": context.run,
        "resource": found.table,
        "batch": history.last_batch,
        "event": COUNT,
        "window": FULL,
        "records": found.held,
        "total_results": found.total,
        "error": found.error or None,
        **request,
    }
    await asyncio.to_thread(context.arrivals.land, found.table, raw_rows("", 0, []), [row])


async def sweep(context: Context, source: Source, resource: Resource, *, history: History) -> TableDifference:
    """Read every page and compare ids and hashes with what is held; of it only the API's total is kept."""
    fetching = Fetching(context, source, resource, Shape(resource.key, context.catalogue.dropped_keys))
    started_at = naive_utc(context.clock.now())
    reading = Reading(FULL, started_at, context.catalogue.page_size, event=PAGE)
    kind = resource.type_of(resource.key)
    reading.has_text_ids = kind == "text"
    shown: dict[str, str] = {}
    refused: dict[int | None, int] = {}  # by page, as one may be asked for again
    async for _, page in fetch_windows(fetching, [reading]):
        if page is not None:
            ids = [usable_id(identity, kind) for identity in page.records.ids]
            pairs = zip(ids, page.records.hashes, strict=True)
            shown.update({identity: hash_ for identity, hash_ in pairs if identity is not None})
            refused[page.number] = ids.count(None)
    held = await asyncio.to_thread(_held, context, resource)
    error = reading.verdict() or await _ask_for_those_not_shown(fetching, shown, held)
    missing, extra, changed = _id_differences(shown, held)
    found = TableDifference(
        resource.name,
        reading.total,
        len(held),
        is_swept=True,
        missing=missing,
        extra=extra,
        changed=changed,
        refused=sum(refused.values()),
        error=error,
    )
    if not error:
        await _write_count(context, history, found, request_id=next(context.request_ids), requested_at=started_at)
    return found


async def _ask_for_those_not_shown(fetching: Fetching, shown: dict[str, str], held: Mapping[str, str]) -> str:
    """Ask for each record alone that is held and was not shown, and add those that the API has after all.

    Why the API's side is not known is returned, empty where it is. Where more are not shown than may be believed gone
    none is asked for: it may be another API that answers.
    """
    unseen = _sorted(held.keys() - shown.keys())
    percent, kind = fetching.context.config.settings.deletion_limit_percent, fetching.resource.type_of
    if is_held([deletions(len(unseen), held=len(held), percent=percent)]):
        return ""
    for identity in unseen:
        page = await ask_whether_gone(fetching, identity)
        if page.answer.error:
            return f"a record asked for alone: {page.answer.error}"
        records = page.records
        for found, record_hash, is_gone in zip(records.ids, records.hashes, records.deleted, strict=True):
            if not is_gone and usable_id(found, kind(fetching.resource.key)) == identity:
                shown[identity] = record_hash
    return ""


def _held(context: Context, resource: Resource) -> dict[str, str]:
    current = context.lake.find("refined", f"current_{resource.name}")
    if current is None:
        return {}
    rows = rows_sql(data_files(current), current.schema(), columns=(resource.key, "record_hash", "is_deleted"))
    query = f"select {identifier(resource.key)}::varchar as id, record_hash from {rows} where not is_deleted"
    with context.connection.cursor() as cursor:
        found: pa.Table = cursor.sql(query).to_arrow_table()
    return dict(zip(found["id"].to_pylist(), found["record_hash"].to_pylist(), strict=True))


def _id_differences(
    shown: Mapping[str, str], held: Mapping[str, str]
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Ids that only the API has, that only the table has, and whose records differ."""
    missing = shown.keys() - held.keys()
    extra = held.keys() - shown.keys()
    changed = (identity for identity in shown.keys() & held.keys() if shown[identity] != held[identity])
    return _sorted(missing), _sorted(extra), _sorted(changed)


def _sorted(ids: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(ids, key=lambda identity: (len(identity), identity)))
