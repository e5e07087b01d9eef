"""The benchmark's records: JSON text made for a resource of the catalogue, the same on every machine.

Real column names and types; of an application 12 % of its cells are filled, of a document half of them. Every text is
made for its cell alone: a handful of repeated texts would compress far better than life.
"""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from random import Random

from planlake.simulator.values import text_maker
from planlake.sources.catalogue import load_catalogue

DAY = date(2026, 11, 23)  # the London day of the full load, and of all changes
PAGE_SIZE = 50
SCALE = float(os.environ.get("BENCHMARK_SCALE", "1"))  # all sizes, and what a day changes, times this
FIRST_ID = {"applications": 400_001, "documents": 4_000_001}  # room below for tables of many times the size
SIZES = {"applications": max(100, round(20_000 * SCALE)), "documents": max(100, round(200_000 * SCALE))}
FILL = {"applications": 0.12, "documents": 0.5}
CHANGED_APPLICATIONS, NEW_DOCUMENTS = max(10, round(200 * SCALE)), max(10, round(2_000 * SCALE))
NEWEST_SHARE, CHANGED_IN_NEWEST = 0.05, 0.9
UNDECLARED = {
    "applications": ("gis_map_image_base64",),  # taken off by the product: 751 columns remain
    "documents": (
        *("title", "file_name", "description", "drawing_number", "revision", "author", "recipient", "file_type"),
        *("notes", "external_reference", "portal_description", "respondent", "withdrawn_reason"),
    ),
}
ALWAYS = ("id", "last_updated", "application_reference_number", "submit_date")
SELDOM = "gis_map_image_base64"
BAD_EVERY = 1_000  # one application in so many holds a cell that does not cast
BAD_COLUMN = "site_area_hectares"

Make = Callable[[Random], str]  # the JSON of one value
_DAYS = [str(DAY - timedelta(days=number)) for number in range(1, 9_000)]


@dataclass(frozen=True)
class Recipe:
    """How the cells of one resource are made; a record is a list of `"key":value` texts, one per column."""

    empty: list[str]
    keys: list[str]
    makers: list[Make]
    places: dict[str, int]
    always: list[int]
    optional: list[int]


@cache
def recipe(resource: str) -> Recipe:
    declared = load_catalogue("tascomi").resources[resource]
    columns = {**declared.columns, **dict.fromkeys(UNDECLARED.get(resource, ()), "text")}
    ordered = {"id": columns["id"], **dict(sorted(columns.items()))}
    keys = [f'"{name}":' for name in ordered]
    places = {name: place for place, name in enumerate(ordered)}
    always = [name for name in dict.fromkeys((*ALWAYS, declared.complete)) if name in places]
    return Recipe(
        empty=[f"{key}null" for key in keys],
        keys=keys,
        makers=[maker(name, kind) for name, kind in ordered.items()],
        places=places,
        always=[places[name] for name in always],
        optional=[place for name, place in places.items() if name not in (*always, SELDOM)],
    )


def maker(column: str, kind: str) -> Make:
    """What makes the values of a column; ints, booleans and timestamps need no escaping."""
    if kind == "text":
        make = text_maker(column)
        return lambda random: json.dumps(make(random), ensure_ascii=False)
    if kind == "boolean":
        return lambda random: '"t"' if random.random() < 0.1 else '"f"'
    if kind == "timestamp":
        if column.startswith("last_") or column == "submit_date":
            return lambda random: f'"{_some_day(random)} {int(random.random() * 10) + 8:02d}:{_minute(random)}:07"'
        return lambda random: f'"{_some_day(random)} 00:00:00"'
    if kind in ("float", "double"):
        return lambda random: f'"{random.random() ** 3 * 500:.2f}"'
    limit = 900_000 if kind == "long" else 20_000
    return lambda random: f'"{int(random.random() * limit) + 1}"'


def _some_day(random: Random) -> str:
    return _DAYS[int(random.random() ** 2 * len(_DAYS))]


def _minute(random: Random) -> str:
    return f"{int(random.random() * 60):02d}"


def record(resource: str, identity: int, *, changed: bool = False) -> str:
    """One record; a changed one has three other cells and was last updated on the day."""
    made = recipe(resource)
    random = Random(f"{resource}/{identity}")
    row = made.empty.copy()
    fill = FILL.get(resource, 0.5)
    stride, place = 2 / fill - 1, int(random.random() / fill)
    while place < len(made.optional):
        _set(made, row, made.optional[place], random)
        place += 1 + int(random.random() * stride)
    for place in made.always:
        _set(made, row, place, random)
    row[made.places["id"]] = f'"id":"{identity}"'
    if is_bad(resource, identity):
        row[made.places[BAD_COLUMN]] = f'"{BAD_COLUMN}":"n/a"'
    if resource == "applications" and random.random() < 0.05:
        _set(made, row, made.places[SELDOM], random)
    if changed:
        _change(made, row, random)
    return "{" + ",".join(row) + "}"


def _set(made: Recipe, row: list[str], place: int, random: Random) -> None:
    row[place] = made.keys[place] + made.makers[place](random)


def _change(made: Recipe, row: list[str], random: Random) -> None:
    bad = made.places.get(BAD_COLUMN)
    for place in random.sample(made.optional, 3):
        if place != bad:
            _set(made, row, place, random)
    row[made.places["last_updated"]] = f'"last_updated":"{DAY} {int(random.random() * 9) + 9:02d}:15:00"'


def is_bad(resource: str, identity: int) -> bool:
    """Whether this record holds the cell that does not cast."""
    return resource == "applications" and identity % BAD_EVERY == 7


def full_ids(resource: str) -> range:
    return range(FIRST_ID[resource], FIRST_ID[resource] + SIZES[resource])


def changed_ids(resource: str, state: str) -> Sequence[int]:
    """The ids a day brings. `day`: 90 % in the newest 5 % of ids, the rest anywhere; `scattered`: all anywhere."""
    ids = full_ids(resource)
    if resource == "documents":
        return range(ids.stop, ids.stop + NEW_DOCUMENTS)
    random = Random(state)
    newest = ids[int(len(ids) * (1 - NEWEST_SHARE)) :]
    older = ids[: len(ids) - len(newest)]
    recent = int(CHANGED_APPLICATIONS * CHANGED_IN_NEWEST) if state == "day" else 0
    chosen = random.sample(newest, recent) + random.sample(older if recent else ids, CHANGED_APPLICATIONS - recent)
    return sorted(chosen)


def records(resource: str, state: str) -> Iterator[bytes]:
    """The records of a resource: all (`full`), or those of a day (`day`, `scattered`)."""
    is_full = state == "full"
    for identity in full_ids(resource) if is_full else changed_ids(resource, state):
        yield record(resource, identity, changed=not is_full).encode()
