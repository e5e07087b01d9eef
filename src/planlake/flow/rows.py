"""What is written into raw: in go pages and readings, out come rows of `api_responses` and of the ledger."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from planlake.clock import LONDON, naive_utc
from planlake.flow.fetch import Page
from planlake.flow.reading import Reading
from planlake.lake.ledger import CLOSED, GAP, RECOUNT, SETTLED
from planlake.sources.records import Record, says_a_key_twice

Row = dict[str, Any]


def raw_rows(resource: str, batch: int, pages: Sequence[Page]) -> pa.Table:
    """The records of pages as rows of `api_responses`."""
    records = [record for page in pages for record in page.records]
    counts = [len(page.records) for page in pages]

    numbers = pa.array([number for number, size in enumerate(counts) for _ in range(size)], pa.int32())

    def repeated(values: list[Any], type_: pa.DataType) -> pa.Array:
        return pa.array(values, type_).take(numbers)

    texts = pa.array([record.text for record in records], pa.large_binary()).cast(pa.large_string())
    days = [page.requested_at.astimezone(LONDON).strftime("%Y%m%d") for page in pages]
    count = len(records)
    return pa.table(
        {
            "resource": pa.repeat(resource, count),
            "batch": pa.repeat(pa.scalar(batch, pa.int64()), count),
            "request_id": repeated([page.request_id for page in pages], pa.int64()),
            "position": pa.array([number for size in counts for number in range(size)], pa.int32()),
            "record_id": pa.array([record.id for record in records], pa.string()),
            "record_hash": pa.array([record.hash for record in records], pa.string()),
            "is_regular": _regular(records, texts),
            "is_deleted": pa.array([record.is_deleted for record in records], pa.bool_()),
            "api_response": texts,
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
        }
    )


def _regular(records: Sequence[Record], texts: pa.Array) -> pa.Array:
    """Which records are regular: of those that were read the fast way, the ones that say no key twice.

    A quote that is not escaped and stands before a colon ends a key; they are counted over the whole column, and only
    records with another number of them than expected are looked at closely.
    """
    said = pc.subtract(pc.count_substring(texts, '":'), pc.count_substring(texts, '\\":'))
    is_regular = [record.is_regular for record in records]
    expected = pa.array([record.keys for record in records], pa.int64())
    for place in pc.indices_nonzero(pc.not_equal(pc.cast(said, pa.int64()), expected)).to_pylist():
        if is_regular[place] and says_a_key_twice(records[place].text, said[place].as_py()):
            is_regular[place] = False
    return pa.array(is_regular, pa.bool_())


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
    totals = None if any(record.is_no_object for record in page.records) else page.answer.totals
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
        "first_id": page.records[0].id if page.records else None,
        "last_id": page.records[-1].id if page.records else None,
        "error": page.answer.error or None,
        "requested_at": naive_utc(page.requested_at),
        "seconds": page.answer.seconds,
    }


def closing_rows(reading: Reading, common: Mapping[str, Any], request_ids: Iterator[int]) -> list[Row]:
    """A window that is closed, and after it what was given up of it, as rows of the ledger.

    A closed day that was counted again is settled; it is closed again only where it had to be read again.
    """
    window = {**common, "window": reading.window, "requested_at": reading.started_at}
    seconds = (naive_utc(datetime.now(UTC)) - reading.started_at).total_seconds()
    figures = {"records": reading.received, "total_results": reading.total, "repeated": reading.repeated}
    rows: list[Row] = [{"event": SETTLED, **figures}] if reading.event == RECOUNT else []
    if not reading.is_settled():
        rows.append({"event": CLOSED, "seconds": seconds, **figures})
    rows += [{"event": GAP, "page": page or None, "error": error} for page, error in sorted(reading.gaps.items())]
    return [{**window, "request_id": next(request_ids), **row} for row in rows]
