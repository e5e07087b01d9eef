"""Generates the data set of a Tascomi that nobody has, from the catalogue and a seed.

Everything follows from the seed: each table has its own source of chance, each change of a day another, so that a
clock moved in one step or in many gives the same records.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from functools import partial
from random import Random
from typing import NamedTuple

from planlake.simulator.columns import LOSING, REFERRED, Dates, written
from planlake.simulator.dataset import Dataset, Planted, Record
from planlake.simulator.names import BASE_IDS, LOOKUP_NAMES, SIZES
from planlake.simulator.recipes import Recipe, changed_record, is_lookup, new_record, recipe_of
from planlake.simulator.values import number
from planlake.sources.catalogue import Catalogue, Resource

# Cells that do not cast: resource, column, value, and where in the table (a share of its initial records).
PLANTED = (
    ("applications", "site_area_hectares", "n/a", 0.11),
    ("applications", "site_area_hectares", "approx. 2", 0.43),
    ("applications", "decision_expiry_months", "n/a", 0.23),
    ("applications", "decision_issued_date", "0000-00-00 00:00:00", 0.37),
    ("applications", "committee_date", "0000-00-00 00:00:00", 0.37),
    ("documents", "document_date", "0000-00-00 00:00:00", 0.19),
    ("documents", "document_date", "0000-00-00 00:00:00", 0.61),
    ("documents", "consultation_duration", "n/a", 0.31),
)


class Shape(NamedTuple):
    """What records are like beside their number.

    `fill` is the share of an application's optional cells that are set (its booleans always are); `daily_change` the
    share of a table's records updated each day; `days` how far back dates go.
    """

    fill: float = 0.12
    daily_change: float = 0.005
    days: int = 9_000


class Change(NamedTuple):
    """One change of a day; `where` is the place of its record in the table as a share, `seed` that of its values."""

    at: datetime
    kind: str
    recipe: Recipe
    where: float
    seed: float


USUAL = Shape()


def generate(
    catalogue: Catalogue,
    *,
    seed: int = 1,
    now: datetime,
    sizes: Mapping[str, int] | None = None,
    shape: Shape = USUAL,
) -> Dataset:
    """Records for every resource as they stand at `now`, a naive London time.

    `sizes` overrides the number of records by resource.
    """
    for name in sizes or {}:
        catalogue.resource(name)
    ids = {name: _ids(resource, seed, sizes or {}) for name, resource in catalogue.resources.items()}
    dates = Dates(now, shape.days)
    recipes = [recipe_of(resource, ids=ids, dates=dates, fill=shape.fill) for resource in catalogue.resources.values()]
    data = Dataset(
        {recipe.name: recipe.fields for recipe in recipes},
        now=now,
        page_size=catalogue.page_size,
        time_zone=catalogue.time_zone,
        advance=partial(_advance, partial(_changes, recipes, seed, shape.daily_change)),
    )
    data.planted = _planted(ids)
    for recipe in recipes:
        _fill(data, recipe, _random(seed, recipe.name))
    return data


def _random(*parts: object) -> Random:
    return Random("/".join(map(str, parts)))  # noqa: S311 - the same each time, not secret


def _ids(resource: Resource, seed: int, sizes: Mapping[str, int]) -> Sequence[int]:
    random = _random(seed, resource.name, "ids")
    lookup = is_lookup(resource)
    some = len(LOOKUP_NAMES.get(resource.name, ())) or number(random, 25, 5)
    usual = SIZES.get(resource.name, some if lookup else number(random, 300, 100))
    start = BASE_IDS.get(resource.name, 1 if lookup else number(random, 2000))
    size = sizes.get(resource.name, usual)
    if lookup:
        return range(start, start + size)
    found: list[int] = []
    for _ in range(size):
        start += 1 if random.random() < 0.98 else number(random, 5, 2)
        found.append(start)
    return found


def _planted(ids: Mapping[str, Sequence[int]]) -> tuple[Planted, ...]:
    return tuple(
        Planted(resource, ids[resource][int(share * len(ids[resource]))], column, value)
        for resource, column, value, share in PLANTED
        if ids.get(resource)
    )


def _fill(data: Dataset, recipe: Recipe, random: Random) -> None:
    spoilt: dict[int, Record] = {}
    for cell in data.planted:
        if cell.resource == recipe.name:
            spoilt.setdefault(cell.id, {})[cell.column] = cell.value
    for identity in recipe.ids:
        record = new_record(recipe, random, identity)
        data.put(recipe.name, record | spoilt[identity] if identity in spoilt else record)


def _advance(changes_of: Callable[[date], Iterable[Change]], data: Dataset, before: datetime, after: datetime) -> None:
    for days in range((after.date() - before.date()).days + 1):
        for change in changes_of(before.date() + timedelta(days=days)):
            if before < change.at <= after:
                _apply(data, change)


def _changes(recipes: list[Recipe], seed: int, daily_change: float, day: date) -> list[Change]:
    """What happens on a day, in the order of time."""
    random = _random(seed, day)
    return sorted(
        (
            Change(_time_of(day, count, random), kind, recipe, random.random(), random.random())
            for recipe in recipes
            for count, kind in enumerate(_kinds(recipe, daily_change, random))
        ),
        key=lambda change: change.at,
    )


def _kinds(recipe: Recipe, daily_change: float, random: Random) -> Iterator[str]:
    if recipe.lookup:
        yield from ["update"] * (random.random() < 0.04)
        return
    changing = len(recipe.ids) * daily_change
    yield from ["update"] * max(2, round(changing))
    yield from ["insert"] * max(1, round(changing / 3))
    if recipe.name in LOSING and random.random() < 0.3:
        yield "delete"


def _time_of(day: date, count: int, random: Random) -> datetime:
    """Working hours; but a job soon after midnight makes the first change of each table."""
    start, length = (300, 7_500) if count == 0 else (28_800, 39_600)
    return datetime.combine(day, time()) + timedelta(seconds=start + random.random() * length)


def _apply(data: Dataset, change: Change) -> None:
    recipe, ids, random = change.recipe, data.ids(change.recipe.name), _random(change.seed)
    if change.kind == "insert":
        identity = max(ids, default=0) + (1 if random.random() < 0.9 else 3)
        record = new_record(recipe, random, identity) | {"submit_date": written(change.at, random)}
    elif not ids:
        return
    elif change.kind == "delete":
        if not data.keeps_all:
            data.delete(recipe.name, ids[int((REFERRED + change.where * (1 - REFERRED)) * len(ids))])
        return
    else:
        spared = {column for _, column, _, _ in PLANTED}
        record = changed_record(recipe, random, data.record(recipe.name, ids[int(change.where * len(ids))]), spared)
    if "last_updated" in record:
        record["last_updated"] = written(change.at, random)
    data.put(recipe.name, record)
