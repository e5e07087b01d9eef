"""Makes the records of one resource, one after another, from its entry in the catalogue."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from planlake.simulator.coherence import APPLICATION_DATES, Council, agreeing, order_dates
from planlake.simulator.columns import Dates, Make, fields_of, maker_of, share_of
from planlake.simulator.dataset import Fields, Record
from planlake.simulator.values import number
from planlake.sources.catalogue import Resource

_WIDE = 100  # columns: beyond, most cells of a record are empty
_STEADY = {"enabled", "ceased"}  # booleans that are not set by chance


@dataclass(frozen=True, slots=True)
class Recipe:
    """The cells of a record by their position in the row."""

    name: str
    fields: Fields
    ids: Sequence[int]
    lookup: bool
    template: list[str | None]
    booleans: list[int]
    usual: list[tuple[int, float, Make]]  # position, share of records that have it, what makes it
    optional: list[tuple[int, Make]]
    fill: float  # the share of the optional cells that are set
    council: Council


def is_lookup(resource: Resource) -> bool:
    """Whether a resource is a list of codes, small and hardly ever changed."""
    return resource.cadence != "daily" and not resource.relations


def recipe_of(resource: Resource, *, ids: Mapping[str, Sequence[int]], dates: Dates, fill: float) -> Recipe:
    """The recipe of a resource; `ids` are every table's first ones, which foreign keys point to."""
    fields = fields_of(resource)
    usual: list[tuple[int, float, Make]] = []
    optional: list[tuple[int, Make]] = []
    booleans: list[int] = []
    for position, (column, kind) in enumerate(fields.items()):
        if kind == "boolean":
            booleans += [] if column in _STEADY else [position]
            continue
        make = maker_of(resource, column, kind, ids=ids, dates=dates)
        share = share_of(resource, column)
        if share:
            usual.append((position, share, make))
        else:
            optional.append((position, make))
    return Recipe(
        name=resource.name,
        fields=fields,
        ids=ids[resource.name],
        lookup=is_lookup(resource),
        template=["t" if name == "enabled" else "f" if kind == "boolean" else None for name, kind in fields.items()],
        booleans=booleans,
        usual=usual,
        optional=optional,
        fill=fill if len(fields) > _WIDE else 0.6,
        council=Council(dates.today, ids),
    )


def new_record(recipe: Recipe, random: Random, identity: int) -> Record:
    """A record of this id: nearly all booleans false, the optional cells set here and there."""
    row = recipe.template.copy()
    if recipe.booleans:
        for _ in range(number(random, 4, 0)):
            row[recipe.booleans[number(random, len(recipe.booleans), 0)]] = "t"
        if len(row) < _WIDE and random.random() < 0.05:
            row[recipe.booleans[0]] = None
    for position, share, make in recipe.usual:
        if share == 1.0 or random.random() < share:
            row[position] = make(random, identity)
    stride, place = 2 / recipe.fill - 1, int(random.random() / recipe.fill)
    while place < len(recipe.optional):
        position, make = recipe.optional[place]
        row[position] = make(random, identity)
        place += 1 + int(random.random() * stride)
    return _made_coherent(dict(zip(recipe.fields, row, strict=True)), recipe, random)


def changed_record(recipe: Recipe, random: Random, record: Record, spared: set[str]) -> Record:
    """The record with three of its optional cells changed, never those of the columns spared."""
    names = list(recipe.fields)
    candidates = [(names[position], make) for position, make in recipe.optional if names[position] not in spared]
    for _ in range(min(3, len(candidates))):
        column, make = candidates[number(random, len(candidates), 0)]
        record[column] = make(random, int(str(record["id"])))
    return agreeing(record, recipe.name, recipe.council)


def _made_coherent(record: Record, recipe: Recipe, random: Random) -> Record:
    if record.get("ceased_date") and "ceased" in record:
        record["ceased"] = "t"
    if recipe.name == "applications" and record.keys() >= {"application_stage", *APPLICATION_DATES}:
        order_dates(record, random, recipe.council.today)
    return agreeing(record, recipe.name, recipe.council)
