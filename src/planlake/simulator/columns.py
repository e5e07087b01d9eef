"""Says, for each column of a resource, how the generator makes its cells."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from random import Random

from planlake.simulator import values
from planlake.simulator.coherence import APPLICATION_DATES
from planlake.simulator.dataset import Fields
from planlake.simulator.names import BASE_IDS, EXTRA_TEXT, LOOKUP_NAMES, USUAL_TEXT
from planlake.sources.catalogue import ColumnType, Resource

Make = Callable[[Random, int], str | None]  # a cell, by chance and the record's id

MAP_IMAGE = "gis_map_image_base64"
LOSING = ("applications", "contacts", "documents")  # the tables from which a record is deleted now and then:
REFERRED = 0.9  # foreign keys point to the first nine tenths of them, deletions fall in the rest
_ALWAYS = {"id", "last_updated", "submit_date", "code", "name", "application_stage", "application_type_id"}
_ALWAYS |= {"contact_type_id", *APPLICATION_DATES}
_ALWAYS_OF = {"users": {"forename", "surname"}, "user_team_map": {"user_id", "user_team_id"}}
_OFTEN = {"proposal", "the_geom", "planning_portal_reference", "site_address_x", "site_address_y", "uprn"}
_SELDOM = {MAP_IMAGE, "ceased_date", "parent_document_id"}
_CONTACT_TYPES = ("1", "2", "1", "2", "3", "31", "2", "6", "32")  # by the contact's number
_CONTACTS_OF = {"applicant_id": ("1", "31"), "agent_id": ("2", "32")}


class Dates:
    """Timestamps before the clock's, the last days more often than those long past."""

    def __init__(self, now: datetime, days: int) -> None:
        self._now = now
        self.today = now.date()
        self._days = [(self.today - timedelta(days=count)).isoformat() for count in range(days)]

    def day(self, random: Random, _identity: int = 0) -> str:
        """A day of those reached back to, at midnight."""
        share = random.random()
        return f"{self._days[int(share * share * len(self._days))]} 00:00:00"

    def moment(self, random: Random, _identity: int = 0) -> str:
        """A moment of the last six years."""
        share = random.random()
        return written(self._now - timedelta(seconds=share * share * 190_000_000), random)

    def last_updated(self, random: Random, _identity: int = 0) -> str | None:
        """As a moment; one in 500 null, one in 20 migrated from an older system."""
        kind = random.random()
        if kind < 0.002:
            return None
        if kind > 0.05:
            return self.moment(random)
        year = "1998" if kind < 0.02 else "2003"
        return f"{year}-{values.number(random, 12):02d}-{values.number(random, 28):02d} 00:00:00"


def written(moment: datetime, random: Random) -> str:
    """A timestamp as the API writes it; one in ten with fractions of a second."""
    return moment.isoformat(" ", "microseconds" if random.random() < 0.1 else "seconds")


def fields_of(resource: Resource) -> Fields:
    """The documented columns, `id` first, with text columns of our own where the facts name none."""
    typed: dict[str, ColumnType] = {**resource.columns, **resource.documented_types}
    if all(kind != "text" for kind in typed.values()):
        typed |= dict.fromkeys(EXTRA_TEXT.get(resource.name, USUAL_TEXT).split(), "text")
    typed.setdefault(resource.complete, "text")
    if resource.name == "applications":
        typed[MAP_IMAGE] = "text"
    return {"id": typed["id"], **dict(sorted(typed.items()))}


def share_of(resource: Resource, column: str) -> float:
    """The share of records that have a value in this column; 0 for the optional ones."""
    if column in _SELDOM:
        return 0.05
    if column in _ALWAYS or column == resource.complete or column in _ALWAYS_OF.get(resource.name, ()):
        return 1.0
    related = column in resource.relations or column in resource.relations_guessed
    return 0.8 if related or column in _OFTEN else 0.0


def maker_of(
    resource: Resource, column: str, kind: ColumnType, *, ids: Mapping[str, Sequence[int]], dates: Dates
) -> Make:
    """What makes the values of a column, by its meaning, its relation or its type."""
    special: Mapping[str, Make] = {
        "id": lambda _, identity: str(identity),
        "last_updated": dates.last_updated,
        "submit_date": dates.moment,
        "application_reference_number": _application_reference,
    }
    if column in special:
        return special[column]
    if resource.name == "contacts" and column == "contact_type_id":
        return lambda _, identity: _contact_type(identity)
    target = resource.relations.get(column) or resource.relations_guessed.get(column)
    if target:
        keys = ids.get(target, ())
        if target in LOSING:
            keys = keys[: max(1, int(len(keys) * REFERRED))]
        return _key_into(_of_type(keys, _CONTACTS_OF[column]) if column in _CONTACTS_OF else keys)
    if kind.startswith("timestamp"):
        return dates.moment if column.startswith("last_") else dates.day
    return _text(resource.name, column) if kind == "text" else _number(column, kind)


def _key_into(ids: Sequence[int]) -> Make:
    keys = [str(identity) for identity in ids]
    return lambda random, _: values.pick(random, keys) if keys else None


def _contact_type(identity: int) -> str:
    return _CONTACT_TYPES[identity % len(_CONTACT_TYPES)]


def _of_type(contacts: Sequence[int], types: tuple[str, ...]) -> Sequence[int]:
    return [identity for identity in contacts if _contact_type(identity) in types]


def _text(resource: str, column: str) -> Make:
    if column in ("name", "exacom_code") and resource in LOOKUP_NAMES:
        names = [values.escaped(name) for name in LOOKUP_NAMES[resource]]
        first = BASE_IDS.get(resource, 1)
        return lambda _, identity: names[(identity - first) % len(names)]
    if column == "name":
        title = resource.removesuffix("s").replace("_", " ").capitalize()
        return lambda random, identity: f"{title} {identity}: {values.part(random)}"
    if column == "code":
        return lambda _, identity: f"{resource[:3].upper()}{identity}"
    make = values.text_maker(column)
    return lambda random, _: make(random)


def _number(column: str, kind: ColumnType) -> Make:
    if kind in ("float", "double"):
        return lambda random, _: repr(round(random.random() ** 3 * 500, 2))
    start, limit = 1, 11 if column == "application_stage" else 50
    if kind == "long":
        start, limit = 10_008_000_000, 900_000  # property and street references
        if column.endswith(("_x", "_y")):
            start, limit = (531_000, 6_500) if column.endswith("_x") else (182_500, 6_000)
    return lambda random, _: str(values.number(random, limit, start))


def _application_reference(random: Random, identity: int) -> str:
    form = random.random()
    if form < 0.25:
        side = "SOUTH" if form < 0.12 else "NORTH"
        return f"{side}/{identity}/{values.number(random, 10, 90)}/FP"
    return f"{values.number(random, 24, 2000)}/{identity:04d}"
