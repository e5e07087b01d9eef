"""What the simulated API holds: records under a clock that can be moved on, answered by page and filter.

Each record is kept as the bytes of its JSON, made once: pages are joined from them, and an equality filter looks for
`"field":"value"`, which cannot stand inside a JSON string by itself because quotes are escaped there.
"""

import json
from bisect import insort
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from threading import RLock
from typing import NamedTuple

import msgspec

from planlake.errors import ConfigurationError
from planlake.sources.catalogue import ColumnType

Record = dict[str, str | None]
Fields = Mapping[str, ColumnType]  # the keys of a resource in the API's order, each with its documented type

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Planted(NamedTuple):
    """One cell holding a value that does not cast to the type of its column."""

    resource: str
    id: int
    column: str
    value: str


@dataclass(slots=True)
class _Table:
    """The records of one resource: their bytes, their ids in order, and the ids updated on each day.

    `said` is the id that a body says where it was given apart, by the id that is its place.
    """

    bodies: dict[int, bytes] = field(default_factory=dict)
    ids: list[int] = field(default_factory=list)
    day_of: dict[int, str] = field(default_factory=dict)
    days: dict[str, set[int]] = field(default_factory=dict)
    said: dict[int, str] = field(default_factory=dict)

    def places_of(self, wanted: str) -> list[int]:
        """Where records of this id stand, in order: more than one where the id is served twice."""
        is_known = wanted.isdecimal() and str(int(wanted)) == wanted and int(wanted) in self.bodies
        own = {int(wanted)} if is_known and int(wanted) not in self.said else set()
        return sorted(own | {place for place, said in self.said.items() if said == wanted})

    def put(self, identity: int, body: bytes, day: str, *, said: str | None = None) -> None:
        self.said.pop(identity, None)
        if said is not None:
            self.said[identity] = said
        if identity not in self.bodies:
            insort(self.ids, identity)
        else:
            self.days[self.day_of[identity]].discard(identity)
        self.bodies[identity] = body
        self.day_of[identity] = day
        self.days.setdefault(day, set()).add(identity)

    def delete(self, identity: int) -> None:
        if self.bodies.pop(identity, None) is not None:
            self.ids.remove(identity)
            self.said.pop(identity, None)
            self.days[self.day_of.pop(identity)].discard(identity)


class Dataset:
    """Records by resource, as the API shows them at `now`, a naive London time; safe to change while being served.

    With `keeps_all` no record is deleted as time goes on: a lake that is read by day would not see it.
    """

    def __init__(
        self,
        fields: Mapping[str, Fields],
        *,
        now: datetime,
        page_size: int = 50,
        time_zone: str = "Europe/London",
        advance: "Callable[[Dataset, datetime, datetime], None] | None" = None,
    ) -> None:
        self.fields = fields
        self.now = now
        self.page_size = page_size
        self.time_zone = time_zone
        self.planted: tuple[Planted, ...] = ()
        self.keeps_all = False
        self._advance = advance
        self._tables = {resource: _Table() for resource in fields}
        self._lock = RLock()

    def records(self, resource: str) -> list[Record]:
        """Every record of a resource visible now, by ascending id."""
        with self._lock:
            table = self._table(resource)
            return [_decode(table.bodies[identity]) for identity in table.ids]

    def record(self, resource: str, identity: int) -> Record:
        """One record by its id; KeyError when there is none."""
        record: Record = _decode(self._table(resource).bodies[identity])
        return record

    def ids(self, resource: str) -> list[int]:
        """The ids of a resource, ascending."""
        with self._lock:
            return self._table(resource).ids.copy()

    def ids_since(self, resource: str, moment: str) -> list[int]:
        """The ids of records updated at a moment (`2026-11-22 09:30:00`) or after it, ascending."""
        day = moment[:10]
        with self._lock:
            table = self._table(resource)
            near = [identity for identity in table.ids if table.day_of[identity] >= day]
            return [one for one in near if table.day_of[one] > day or _updated(table.bodies[one]) >= moment]

    def count(self, resource: str) -> int:
        """How many records a resource has now."""
        return len(self._table(resource).ids)

    def put(self, resource: str, record: Mapping[str, object], *, body: bytes | None = None) -> None:
        """Add a record or replace the one of the same id; `body` is served in its place where JSON cannot say it."""
        identity = int(str(record["id"]))
        day = str(record.get("last_updated") or "")[:10]
        encoded = encode(record) if body is None else body
        with self._lock:
            self._table(resource).put(identity, encoded, day, said=None if body is None else _said(body))

    def delete(self, resource: str, identity: int | str) -> None:
        """Remove a record, if it is there."""
        with self._lock:
            self._table(resource).delete(int(identity))

    def move_to(self, now: datetime) -> None:
        """Move the clock on and make the changes of the time passed; back in time is a ConfigurationError."""
        with self._lock:
            if now < self.now:
                facts = {"now": self.now.isoformat(), "asked": now.isoformat()}
                raise ConfigurationError("the simulator's clock only moves on", facts=facts)
            if self._advance:
                self._advance(self, self.now, now)
            self.now = now

    def page(self, resource: str, filters: Mapping[str, str], number: int) -> tuple[int, bytes]:
        """How many records match the filters, and the JSON array of the page of this number, counted from 1."""
        with self._lock:
            table = self._table(resource)
            matching = _select(table, filters)
            start = (number - 1) * self.page_size
            bodies = [table.bodies[identity] for identity in matching[start : start + self.page_size]]
        return len(matching), b"[" + b",".join(bodies) + b"]" if bodies else b""

    def _table(self, resource: str) -> _Table:
        if resource not in self._tables:
            raise ConfigurationError(f'the simulator has no resource "{resource}"')
        return self._tables[resource]


def encode(value: object) -> bytes:
    """JSON in UTF-8; in ASCII where the text is no Unicode (lone surrogates)."""
    try:
        return _encode(value)
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()


def _said(body: bytes) -> str | None:
    """The id in a body that was given apart; None where none can be read, so that it is asked for by its place."""
    try:
        return str(json.loads(body)["id"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _updated(body: bytes) -> str:
    return str(_decode(body).get("last_updated"))


def _select(table: _Table, filters: Mapping[str, str]) -> list[int]:
    remaining = dict(filters)
    chosen = table.ids
    if "id" in remaining:
        chosen = table.places_of(remaining.pop("id"))
    if len(remaining.get("last_updated", "")) == len("2026-11-23"):
        on_day = table.days.get(remaining.pop("last_updated"), set())
        chosen = sorted(on_day.intersection(chosen)) if chosen is not table.ids else sorted(on_day)
    for name, value in remaining.items():
        fragment = encode(name) + b":" + encode(value)
        chosen = [identity for identity in chosen if fragment in table.bodies[identity]]
    return chosen
