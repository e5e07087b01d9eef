"""Makes the rows of `api_responses` and of the ledger from pages and readings."""

from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Any

import pyarrow as pa

from planlake.clock import LONDON, naive_utc
from planlake.flow.ingest.fetch import Page
from planlake.flow.ingest.window_reading import Reading
from planlake.lake.state.ledger import CLOSED, GAP, RECOUNT, SETTLED
from planlake.sources.records import Records

Row = dict[str, Any]


def raw_rows(resource: str, batch: int, pages: Sequence[Page]) -> pa.Table:
    """The records of pages as rows of `api_responses`."""
    read = [page.records for page in pages]
    numbers = pa.array([number for number, records in enumerate(read) for _ in range(len(records))], pa.int32())

    def repeated(values: list[Any], type_: pa.DataType) -> pa.Array:
        return pa.array(values, type_).take(numbers)

    def joined(columns: Iterable[Sequence[Any]], type_: pa.DataType) -> pa.Array:
        return pa.array(list(chain.from_iterable(columns)), type_)

    days = [page.requested_at.astimezone(LONDON).strftime("%Y%m%d") for page in pages]
    count = len(numbers)
    return pa.table(
        {
            "resource": pa.repeat(resource, count),
            "batch": pa.repeat(pa.scalar(batch, pa.int64()), count),
            "request_id": repeated([page.request_id for page in pages], pa.int64()),
            "position": joined((range(len(records)) for records in read), pa.int32()),
            "record_id": joined((records.ids for records in read), pa.string()),
            "record_hash": joined((records.hashes for records in read), pa.string()),
            "is_regular": joined((records.regular for records in read), pa.bool_()),
            "is_deleted": joined((records.deleted for records in read), pa.bool_()),
            "api_response": pa.chunked_array([records.texts for records in read], pa.large_string()),
            "page_number": repeated([page.number for page in pages], pa.int32()),
            "import_api_url_requested": repeated([page.answer.url for page in pages], pa.string()),
            "import_api_status_code": repeated([str(page.answer.status) for page in pages], pa.string()),
            "import_exception_thrown": pa.nulls(count, pa.string()),
            "import_datetime": repeated([naive_utc(page.requested_at) for page in pages], pa.timestamp("us")),
            "import_timestamp": repeated([f"{page.requested_at.timestamp():.6f}" for page in pages], pa.string()),
            "import_year": repeated([day[:4] for day in days], pa.string()),
            "import_month": repeated([day[4:6] for day in days], pa.string()),
            "import_day": repeated([day[6:] for day in days], pa.string()),
            "import_date": repeated(days, pa.string()),
            "api_response_base64": _bytes_received(read, count),
        }
    )


def _bytes_received(pages: Sequence[Records], count: int) -> pa.Array:
    """In base64 the bytes of those records that came in others than UTF-8; null for all others."""
    if not any(records.received for records in pages):
        return pa.nulls(count, pa.large_string())
    received = (records.received or [None] * len(records) for records in pages)
    texts = [None if one is None else b64encode(one).decode() for one in chain.from_iterable(received)]
    return pa.array(texts, pa.large_string())


def stored_by_request(rows: pa.Table) -> dict[int, int]:
    """How many raw rows each request brought."""
    if not len(rows):
        return {}
    counted = rows.group_by("request_id").aggregate([("position", "count")])
    return dict(zip(counted["request_id"].to_pylist(), counted["position_count"].to_pylist(), strict=True))


def request_row(page: Page, common: Mapping[str, Any], stored: int) -> Row:
    """A request as a row of the ledger.

    A page that holds something that is no record has no total: it is to be read again.
    """
    totals = None if page.records.has_no_object else page.answer.totals
    return {
        **common,
        "request_id": page.request_id,
        "event": page.event,
        "window": page.window,
        "page": page.number,
        "url": page.answer.url,
        "status": page.answer.status,
        "attempts": page.answer.attempts,
        "records": len(page.records),
        "stored": stored,
        "bytes": page.answer.size,
        "total_results": totals.results if totals else None,
        "results_per_page": totals.per_page if totals else None,
        "total_page": totals.page if totals else None,
        "first_id": page.records.ids[0] if page.records else None,
        "last_id": page.records.ids[-1] if page.records else None,
        "error": page.answer.error or None,
        "requested_at": naive_utc(page.requested_at),
        "seconds": page.answer.seconds,
    }


def closing_rows(
    reading: Reading, common: Mapping[str, Any], request_ids: Iterator[int], *, now: datetime
) -> list[Row]:
    """Windows that are closed by a reading, and after them what was given up of it, as rows of the ledger.

    A closed day that was counted again is settled; it is closed again only where it had to be read again. Of a reading
    that closes several days the figures are the same for each, and each has its gaps: whose records a page had that
    did not come is not known. `now` is of the clock that the reading began by.
    """
    seconds = (naive_utc(now) - reading.started_at).total_seconds()
    counts = {"records": reading.received, "total_results": reading.total, "repeated": reading.repeated}
    figures = {**counts, "proof": reading.proof}
    settled = reading.settles or ((reading.window,) if reading.event == RECOUNT else ())
    rows: list[Row] = [{"window": day, "event": SETTLED, **figures} for day in settled]
    if not reading.is_settled():
        rows += [{"window": day, "event": CLOSED, "seconds": seconds, **figures} for day in reading.days]
    for page, error in sorted(reading.gaps.items()):
        rows += [{"window": day, "event": GAP, "page": page or None, "error": error} for day in reading.days]
    shared = {**common, "requested_at": reading.started_at}
    return [{**shared, "request_id": next(request_ids), **row} for row in rows]
