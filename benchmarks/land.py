"""Landing pages for Spark, as the playbook's ingestion job leaves them: one row per record, its JSON as text.

It writes the rendered records of a state as Parquet files partitioned by import date. This is not measured.
"""

import json
from collections.abc import Iterator
from datetime import date, datetime, time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from records import PAGE_SIZE
from serve import Rendered

ROWS = 2_000  # of one file
DROPPED = "gis_map_image_base64"
EMPTY = f',"{DROPPED}":null'.encode()


def land(resource: str, state: str, *, pages: Path, folder: Path, day: date) -> None:
    """Write the records of a state as landed on a day."""
    names = {"import_year": f"{day:%Y}", "import_month": f"{day:%m}", "import_day": f"{day:%d}"}
    names["import_date"] = f"{day:%Y%m%d}"
    target = folder / resource / "/".join(f"{name}={value}" for name, value in names.items())
    target.mkdir(parents=True, exist_ok=True)
    for number, rows in enumerate(_rows(resource, Rendered(resource, state, pages), day)):
        pq.write_table(rows, target / f"part-{number:05d}.snappy.parquet", compression="snappy")


def _rows(resource: str, rendered: Rendered, day: date) -> Iterator[pa.Table]:
    at = datetime.combine(day, time(2))
    for start in range(0, len(rendered.ids), ROWS):
        places = range(start, min(start + ROWS, len(rendered.ids)))
        count = len(places)
        numbers = [place // PAGE_SIZE + 1 for place in places]
        yield pa.table(
            {
                "page_number": pa.array(numbers, pa.int32()),
                resource: [_without_image(bytes(rendered.record(place))) for place in places],
                "import_api_url_requested": [f"/rest/v1/{resource}?page={number}" for number in numbers],
                "import_api_status_code": ["200"] * count,
                "import_exception_thrown": [""] * count,
                "import_datetime": pa.array([at] * count, pa.timestamp("us")),
                "import_timestamp": [f"{at:%s}"] * count,
            }
        )


def _without_image(record: bytes) -> str:
    """The record without its map image, which the ingestion job takes off."""
    short = record.replace(EMPTY, b"")
    if DROPPED.encode() not in short:
        return short.decode()
    values = json.loads(record)
    del values[DROPPED]
    return json.dumps(values, ensure_ascii=False)
