"""The source of a night: all 73 resources of the catalogue, in the sizes of a small council, and what a day changes.

    python benchmarks/night_source.py --day 2026-11-23 --scale 1

Serves `/full/rest/v1/...`, everything as it was as the day began, and `/night/rest/v1/...`, the same once the day is
over: with `last_updated=DAY` what changed on it, without a day everything. One line on stdout says when it listens.
"""

import argparse
import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from urllib.parse import parse_qs, urlsplit

from planlake.sources.catalogue import load_catalogue
from records import PAGE_SIZE, record
from serve import NOTHING, head, serve

LARGE = {  # resource: rows, of them changed on the day, and new ones; all of these are read daily
    "applications": (4_000, 30, 10),
    "documents": (40_000, 0, 120),
    "contacts": (15_000, 10, 15),
    "dtf_locations": (10_000, 5, 0),
    "communications": (10_000, 0, 40),
    "emails": (10_000, 0, 40),
    "case_journals": (8_000, 0, 30),
    "public_comments": (6_000, 0, 15),
    "fees": (5_000, 5, 5),
    "fee_payments": (5_000, 0, 5),
    "site_visits": (2_000, 0, 3),
    "appeals": (500, 2, 0),
    "related_records": (3_000, 0, 0),
    "uploaded_files": (3_000, 0, 0),
    "public_documents": (3_000, 0, 0),
    "notes": (2_000, 0, 0),
    "additional_contacts": (2_000, 0, 0),
    "assessments": (1_500, 0, 0),
    "asset_constraints": (3_000, 0, 0),
    "committee_application_map": (1_500, 0, 0),
    "enforcements": (1_500, 0, 0),
    "enforcement_actions_taken": (1_500, 0, 0),
    "enforcement_breach_details": (1_500, 0, 0),
    "enforcement_breaches": (1_500, 0, 0),
    "enforcement_outcomes": (1_500, 0, 0),
    "pre_applications": (1_000, 0, 0),
    "users": (300, 0, 0),
    "user_teams": (40, 0, 0),
    "user_team_map": (600, 0, 0),
}
FIRST_ID = 10_001


@dataclass(frozen=True)
class Table:
    """One resource: the ids it had as the day began, those that changed on it and those that came."""

    name: str
    held: range
    changed: range
    new: range

    @property
    def is_daily(self) -> bool:
        """Whether what changed is asked for each day; code lists are read whole, once a week."""
        return self.name in LARGE

    def rows(self, state: str) -> int:
        """How many rows it has."""
        return len(self.held) + (len(self.new) if state == "night" else 0)


def tables(scale: float) -> dict[str, Table]:
    """Every resource of the catalogue; code lists, which are not in LARGE, have 5 to 60 rows."""
    found = {}
    for name in load_catalogue("tascomi").resources:
        rows, changed, new = LARGE.get(name, (5 + sum(map(ord, name)) % 56, 0, 0))
        held = range(FIRST_ID, FIRST_ID + max(5, round(rows * scale)))
        found[name] = Table(name, held, held[-min(changed, len(held)) :] if changed else held[:0], range(0))
        if new:
            found[name] = Table(name, held, found[name].changed, range(held.stop, held.stop + new))
    return found


def text(table: Table, identity: int, day: date, *, state: str) -> str:
    """One record as it is in a state."""
    if state == "full" or not (identity in table.changed or identity in table.new):
        return record(table.name, identity)
    before, key, after = record(table.name, identity, changed=True).partition('"last_updated":"')
    return f"{before}{key}{day}{after[len(str(day)) :]}"


class Night:
    """What is served, rendered once: pages by state, resource and whether a day was asked for."""

    def __init__(self, day: date, scale: float) -> None:
        self.day = day
        self.pages: dict[tuple[str, str, bool], tuple[int, list[bytes]]] = {}
        for table in tables(scale).values():
            old = [text(table, identity, day, state="full") for identity in table.held]
            after = [*table.changed, *table.new]
            of_day = {identity: text(table, identity, day, state="night") for identity in after}
            now = [of_day.get(identity, old[place]) for place, identity in enumerate(table.held)]
            for state, is_of_day, records in (
                ("full", False, old),
                ("night", True, list(of_day.values())),
                ("night", False, [*now, *(of_day[identity] for identity in table.new)]),
            ):
                starts = range(0, len(records), PAGE_SIZE)
                bodies = [f"[{','.join(records[start : start + PAGE_SIZE])}]".encode() for start in starts]
                self.pages[state, table.name, is_of_day] = len(records), bodies

    def answer(self, target: str) -> Iterator[bytes]:
        """Everything to be sent for the address of a request."""
        address = urlsplit(target)
        query = parse_qs(address.query)
        state, name = address.path.split("/")[1], address.path.rpartition("/")[2]
        asked, number = query.get("last_updated"), int(query.get("page", ["1"])[0])
        total, bodies = self.pages.get((state, name, bool(asked)), (0, []))
        if asked not in (None, [str(self.day)]) or not 0 < number <= len(bodies):
            yield NOTHING
            return
        yield head(len(bodies[number - 1]), total, number)
        yield bodies[number - 1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--day", type=date.fromisoformat, required=True)
    parser.add_argument("--scale", type=float, default=1.0)
    given = parser.parse_args()
    asyncio.run(serve(Night(given.day, given.scale), 0))


if __name__ == "__main__":
    main()
