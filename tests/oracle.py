"""What Planlake must hold, worked out in plain Python: no DuckDB, no Arrow, nothing of Planlake's own.

From the records that the API shows at each reading, and the types of the catalogue, it works out the versions received,
the latest of each id, typed cells and the cells that do not cast. `real_*` read the published files themselves.
"""

import csv
import gzip
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

PAGE_SIZE = 50
MAP_IMAGE = "gis_map_image_base64"
BAD = object()  # a cell that does not cast

Record = dict[str, str | None]

# ---------------------------------------------------------------- casts

RANGES = {"integer": 2**31, "long": 2**63}
WHOLE = re.compile(r"[+-]?[0-9]{1,19}")
DECIMAL = re.compile(r"[+-]?([0-9]{1,40}(\.[0-9]{0,40})?|\.[0-9]{1,40})([eE][+-]?[0-9]{1,2})?")
IN_UTC = re.compile(r"(.* .*|.*T.*)(Z|\+00:00)")
INSTANT = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})([ T]([0-9]{2}):([0-9]{2}):([0-9]{2})(\.([0-9]{1,6}))?)?")
BOOLEANS = {"t": True, "true": True, "1": True, "f": False, "false": False, "0": False}


def cast(text: str | None, type_name: str) -> object:
    """The typed value of a cell as received: None for NULL, BAD where it does not cast."""
    if text is None or type_name == "text":
        return text
    if text == "":
        return None
    if type_name in RANGES:
        return _whole(text, RANGES[type_name])
    if type_name in ("float", "double"):
        return float(text) if DECIMAL.fullmatch(text) else BAD
    if type_name == "boolean":
        return BOOLEANS.get(text.lower(), BAD) if text.isascii() else BAD
    says_utc = IN_UTC.fullmatch(text) if type_name == "timestamp_utc" else None
    return _instant(says_utc[1] if says_utc else text)


def _whole(text: str, limit: int) -> object:
    if not WHOLE.fullmatch(text):
        return BAD
    return int(text) if -limit <= int(text) < limit else BAD


def _instant(text: str) -> object:
    found = INSTANT.fullmatch(text)
    if found is None:
        return BAD
    year, month, day = (int(found[number]) for number in (1, 2, 3))
    hour, minute, second = (int(found[number] or 0) for number in (5, 6, 7))
    try:
        return datetime(year, month, day, hour, minute, second, int((found[9] or "").ljust(6, "0")))  # noqa: DTZ001
    except ValueError:
        return BAD


# ---------------------------------------------------------------- windows


def day_windows(first_full: date, today: date, closed: set[date], cap: int) -> tuple[list[date], list[date]]:
    """Days to ask for in order, today last and provisionally, and days beyond the cap; without those already closed."""
    days = [first_full + timedelta(days=number) for number in range((today - first_full).days)]
    oldest = today - timedelta(days=cap)
    missing = [day for day in days if day not in closed]
    return [*(day for day in missing if day >= oldest), today], [day for day in missing if day < oldest]


def changed_on(records: Iterable[Record], day: date) -> list[Record]:
    """What the API answers to `last_updated=<day>`."""
    return [record for record in records if (record.get("last_updated") or "")[:10] == day.isoformat()]


# ---------------------------------------------------------------- versions


@dataclass(frozen=True)
class Version:
    """One record as received, and where."""

    record: Record
    batch: int
    window: str
    page: int
    position: int
    day: date

    @property
    def query(self) -> str:
        """The query of the request that brought it."""
        return f"page={self.page}" + ("" if self.window == "full" else f"&last_updated={self.window}")


@dataclass
class Table:
    """What is held of one resource: every version received, oldest first."""

    name: str
    types: Mapping[str, str]
    key: str = "id"
    changed: str = "last_updated"
    versions: list[Version] = field(default_factory=list)
    batch: int = 0
    received: int = 0

    def read(self, windows: Iterable[tuple[str, list[Record]]], day: date) -> None:
        """One run's reading of this resource: windows in order, each with the records the API has for it."""
        self.batch += 1
        held = {identity: canonical(version.record) for identity, version in self.latest().items()}
        arriving: list[Version] = []
        for window, records in windows:
            for number, record in enumerate(records):
                page, position = number // PAGE_SIZE + 1, number % PAGE_SIZE
                arriving.append(Version(without_map(record), self.batch, window, page, position, day))
        self.received += len(arriving)
        changed = {v.record[self.key] for v in arriving if canonical(v.record) != held.get(v.record[self.key])}
        self.versions += [version for version in arriving if version.record[self.key] in changed]

    def latest(self) -> dict[str, Version]:
        """The version that wins, by id: highest batch, then later last_updated (null oldest), page, position."""
        won: dict[str, Version] = {}
        for version in self.versions:
            identity = version.record[self.key]
            if identity not in won or self._rank(version) >= self._rank(won[identity]):
                won[identity] = version
        return won

    def _rank(self, version: Version) -> tuple:
        changed = self.cell(version.record, self.changed) if self.changed else None
        return version.batch, changed is not None, changed or 0, version.page, version.position

    def columns(self) -> list[str]:
        """Every column of the table: declared ones and the keys seen."""
        seen: dict[str, None] = {}
        for version in self.versions:
            seen.update(dict.fromkeys(version.record))
        return [*self.types, *(key for key in seen if key not in self.types)]

    def cell(self, record: Record, column: str) -> object:
        """A cell as the table holds it: NULL where it does not cast."""
        value = cast(record.get(column), self.types.get(column, "text"))
        return None if value is BAD else value

    def row(self, version: Version, columns: Iterable[str]) -> dict:
        """A row's vendor cells and what is known of its import."""
        stamp = f"{version.day:%Y%m%d}"
        return {
            **{column: self.cell(version.record, column) for column in columns},
            "page_number": version.page,
            "import_api_status_code": "200",
            "import_exception_thrown": None,
            "import_year": stamp[:4],
            "import_month": stamp[4:6],
            "import_day": stamp[6:],
            "import_date": stamp,
            "batch": version.batch,
            "query": version.query,
        }

    def uncastable(self) -> list[tuple]:
        """Cells that do not cast, of every version: batch, id, column, raw value, wanted type."""
        return sorted(
            (version.batch, version.record[self.key], column, version.record[column], wanted)
            for version in self.versions
            for column, wanted in self.types.items()
            if cast(version.record.get(column), wanted) is BAD
        )


def canonical(record: Record) -> str:
    """What makes two records equal: their keys and values, whatever the order, without nulls and map image."""
    return json.dumps({key: value for key, value in sorted(record.items()) if value is not None and key != MAP_IMAGE})


def without_map(record: Record) -> Record:
    """The record as it is kept."""
    return {key: value for key, value in record.items() if key != MAP_IMAGE}


# ---------------------------------------------------------------- the published files

REPD_Q2_FROM = date.fromisoformat("2021-07-17")


def real_records(folder: Path, resource: str, now: datetime) -> list[Record]:
    """The records of one of the four real resources that the API shows at `now`, by ascending id."""
    if resource == "repd":
        quarter = "q2" if now.date() >= REPD_Q2_FROM else "q1"
        rows = _csv_rows(folder / f"repd_2021_{quarter}.csv.gz")
        records = [_repd_record(row) for row in rows]
    elif resource == "iom_addresses":
        records = [{"id": row["address_id"], **row} for row in _csv_rows(folder / "iom_addresses.csv.gz")]
    else:
        file = {"iom_applications": "applications_determined", "iom_decisions": "delegated_decisions"}[resource]
        rows = _csv_rows(folder / f"iom_{file}_2011_2023.csv.gz")
        numbered = [_iom_record(number, row) for number, row in enumerate(rows, start=1)]
        records = [record for record in numbered if (record["last_updated"] or "") <= now.isoformat(" ")]
    return sorted(records, key=lambda record: int(record["id"]))


def _csv_rows(file: Path) -> list[Record]:
    with gzip.open(file, "rt", encoding="utf-8", newline="") as lines:
        reader = csv.DictReader(lines)
        reader.fieldnames = [re.sub("[^a-z0-9]+", "_", name.lower()).strip("_") for name in reader.fieldnames]
        return [{key: value or None for key, value in row.items()} for row in reader]


def _repd_record(row: Record) -> Record:
    day, month, year = (row["record_last_updated_dd_mm_yyyy"] or "//").split("/")
    return {"id": row["ref_id"], "last_updated": f"{year}-{month}-{day} 00:00:00" if day else None, **row}


def _iom_record(number: int, row: Record) -> Record:
    issued = row["decision_issued_iso"]
    return {"id": str(number), "last_updated": f"{issued} 00:00:00" if issued else None, **row}
