"""Reads published planning records under open licences into a data set to serve as an API."""

import csv
import gzip
import os
import re
from bisect import bisect_right
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import Path

from planlake.errors import ConfigurationError
from planlake.simulator.dataset import Dataset, Fields, Record
from planlake.sources.catalogue import load_catalogue

SECOND_QUARTER = datetime.fromisoformat("2021-07-17")  # by London's wall clock, as all times of the API
_IOM = {"iom_applications": "applications_determined_2011_2023", "iom_decisions": "delegated_decisions_2011_2023"}
_QUARTERS = ("repd_2021_q1", "repd_2021_q2")
_REPD_DATE = "record_last_updated_dd_mm_yyyy"

Arrivals = dict[str, list[tuple[str, Record]]]  # by resource: records in the order of the moment they become visible


def open_data(now: datetime, folder: Path | None = None) -> Dataset:
    """The four resources as they stood at `now`; `folder` is the test data's, PLANLAKE_TEST_DATA by default."""
    source = (folder or Path(os.environ.get("PLANLAKE_TEST_DATA", "../shared/data"))) / "planning-open-data"
    if not source.is_dir():
        raise ConfigurationError(
            "the folder of real planning data is absent",
            facts={"folder": source},
            hint="set PLANLAKE_TEST_DATA to the folder that holds planning-open-data",
        )
    arrivals: Arrivals = {name: _iom_records(source / f"iom_{file}.csv.gz") for name, file in _IOM.items()}
    addresses = [{"id": row["address_id"], **row} for row in _rows(source / "iom_addresses.csv.gz")]
    quarters = tuple([_repd_record(row) for row in _rows(source / f"{file}.csv.gz")] for file in _QUARTERS)
    catalogue = load_catalogue("open_data")
    samples = {"iom_addresses": addresses[0], "repd": quarters[0][0]}
    samples |= {name: timed[0][1] for name, timed in arrivals.items()}
    fields: dict[str, Fields] = {
        name: {column: resource.type_of(column) for column in samples[name]}
        for name, resource in catalogue.resources.items()
    }
    advance = partial(_advance, arrivals, quarters)
    data = Dataset(fields, now=now, page_size=catalogue.page_size, time_zone=catalogue.time_zone, advance=advance)
    for record in addresses:
        data.put("iom_addresses", record)
    advance(data, None, now)
    return data


def _advance(
    arrivals: Arrivals, quarters: tuple[list[Record], ...], data: Dataset, before: datetime | None, after: datetime
) -> None:
    since = _text(before) if before else ""
    for resource, timed in arrivals.items():
        moments = [moment for moment, _ in timed]
        start = bisect_right(moments, since) if since else 0
        for _, record in timed[start : bisect_right(moments, _text(after))]:
            data.put(resource, record)
    if before is None or before < SECOND_QUARTER <= after:
        _replace(data, "repd", quarters[after >= SECOND_QUARTER])


def _replace(data: Dataset, resource: str, records: list[Record]) -> None:
    for identity in set(data.ids(resource)) - {int(str(record["id"])) for record in records}:
        data.delete(resource, identity)
    for record in records:
        data.put(resource, record)


def _text(moment: datetime) -> str:
    return moment.isoformat(" ", "seconds")


def _rows(file: Path) -> Iterator[Record]:
    with gzip.open(file, "rt", encoding="utf-8", newline="") as lines:
        reader = csv.reader(lines)
        keys = [re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") for name in next(reader)]
        for values in reader:
            yield dict(zip(keys, (value or None for value in values), strict=True))


def _iom_records(file: Path) -> list[tuple[str, Record]]:
    timed: list[tuple[str, Record]] = []
    for number, row in enumerate(_rows(file), start=1):
        issued = row["decision_issued_iso"]
        updated = f"{issued} 00:00:00" if issued else None
        timed.append((updated or "", {"id": str(number), "last_updated": updated, **row}))
    return sorted(timed, key=lambda pair: pair[0])


def _repd_record(row: Record) -> Record:
    date = row[_REPD_DATE]
    updated = f"{date[6:]}-{date[3:5]}-{date[:2]} 00:00:00" if date else None
    return {"id": row["ref_id"], "last_updated": updated, **row}
