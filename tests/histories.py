"""Random histories of small tables, and what must be held of them: plain Python, nothing of Planlake's own.

A history is a list of steps. A step moves the clock on, changes what the API shows of every table, and reads it (which
may be killed on the way). `Shown` is one resource as the API shows it, `Past` what must be held of it: every version
received, oldest first. To add an action, give it a name in `ACTIONS` and a method of that name on `Shown`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from hypothesis import strategies as st

from oracle import BAD, Record, canonical, cast

TYPES = {"name": "text", "amount": "double", "flag": "boolean", "at": "timestamp"}
NUMBERS = ("7", "1", "2", "3", "80", "250001", "2000000001", "0", "-5", "9")
TEXTS = ("7", "007", "K1", "k1", "O'Brien", "a b&c=d%", "Größe/é", "#1", "7.0", "+7")
FIRST_DAY = date(2026, 10, 22)  # a Thursday; on the Sunday after it the clocks go back
TIMES = ("00:30", "03:00", "14:00", "23:30")
OLD = "2026-09-01 08:00:00"

# ---------------------------------------------------------------- what the API shows


@dataclass
class Shown:
    """One resource as the API shows it: records by place, in the order of their places."""

    name: str
    key: str = "id"
    changed: str = "last_updated"
    ids: tuple[str, ...] = NUMBERS
    places: dict[tuple[int, int], Record] = field(default_factory=dict)
    gone: dict[int, Record] = field(default_factory=dict)

    def records(self, filters: Mapping[str, str]) -> list[Record]:
        """What is answered to equality filters; a filter of one day is answered with all its hours."""
        return [
            record
            for _, record in sorted(self.places.items())
            if all(
                (record.get(name) or "")[: 10 if name == self.changed else None] == value
                for name, value in filters.items()
            )
        ]

    def act(self, action: str, who: int, what: int, now: datetime) -> None:
        getattr(self, action)(who % len(self.ids), what, f"{now - timedelta(hours=1):%Y-%m-%d %H:%M:%S}")

    def _made(self, who: int, what: int, changed: str | None) -> Record:
        made = {self.key: self.ids[who], "name": f"name {what}", "amount": f"{what}.5", "flag": "tf"[what % 2]}
        return {**made, "at": f"2026-01-0{1 + what % 3}", **({self.changed: changed} if self.changed else {})}

    def _put(self, who: int, **cells: str | None) -> None:
        self.places[who, 0] = {**self.places[who, 0], **cells}

    def put(self, who: int, what: int, changed: str) -> None:
        self.places[who, 0] = self._made(who, what, changed)

    def put_back_dated(self, who: int, what: int, changed: str) -> None:
        self.places[who, 0] = self._made(who, what, OLD)

    def put_undated(self, who: int, what: int, changed: str) -> None:
        self.places[who, 0] = self._made(who, what, None)

    def put_with_a_date_that_does_not_cast(self, who: int, what: int, changed: str) -> None:
        self.places[who, 0] = self._made(who, what, changed[:10] + " 25:00:00")

    def change_without_its_date(self, who: int, what: int, changed: str) -> None:
        if (who, 0) in self.places:
            self._put(who, name=f"other {what}")

    def touch(self, who: int, what: int, changed: str) -> None:
        if (who, 0) in self.places and self.changed:
            self._put(who, **{self.changed: changed})

    def spoil_a_cell(self, who: int, what: int, changed: str) -> None:
        if (who, 0) in self.places:
            spoilt = (("amount", "n/a"), ("flag", "perhaps"), ("at", "2026-02-30"), ("amount", ""))[what % 4]
            self._put(who, **dict([spoilt]), **({self.changed: changed} if self.changed else {}))

    def delete(self, who: int, what: int, changed: str) -> None:
        if who and (who, 0) in self.places:  # one record always stays: an empty reading is a failure
            self.gone[who] = self.places[who, 0]
            self.places = {place: record for place, record in self.places.items() if place[0] != who}

    def bring_back(self, who: int, what: int, changed: str) -> None:
        if who in self.gone and (who, 0) not in self.places:
            self.places[who, 0] = self.gone[who]
            if what % 2:
                self.touch(who, what, changed)

    def repeat(self, who: int, what: int, changed: str) -> None:
        if (who, 0) in self.places:
            self.places[who, 1 + what % 2] = dict(reversed(self.places[who, 0].items()))

    def contradict(self, who: int, what: int, changed: str) -> None:
        if (who, 0) in self.places:
            date_ = (changed, self.places[who, 0].get(self.changed), None, OLD)[what % 4]
            self.places[who, (-1, 1)[what % 2]] = self._made(who, what + 100, date_)

    def stop_repeating(self, who: int, what: int, changed: str) -> None:
        self.places = {place: record for place, record in self.places.items() if place[0] != who or not place[1]}

    def add_a_column(self, who: int, what: int, changed: str) -> None:
        if (who, 0) in self.places:
            self._put(who, **{f"extra {what % 3}": str(what)}, **({self.changed: changed} if self.changed else {}))

    def drop_a_column(self, who: int, what: int, changed: str) -> None:
        gone = ("name", "at", "extra 0", "extra 1")[what % 4]
        for place, record in self.places.items():
            self.places[place] = {key: value for key, value in record.items() if key != gone}


ACTIONS = (
    *("put", "put", "put", "put_back_dated", "put_undated", "put_with_a_date_that_does_not_cast", "touch", "delete"),
    *("change_without_its_date", "spoil_a_cell", "delete", "bring_back", "bring_back", "repeat", "contradict"),
    *("contradict", "stop_repeating", "add_a_column", "drop_a_column"),
)

# ---------------------------------------------------------------- what must be held


@dataclass(frozen=True)
class Version:
    """One record as received, and where; a deletion has no page."""

    identity: str
    record: Record
    batch: int
    page: int | None
    position: int
    day: date
    is_deleted: bool = False


@dataclass
class Past:
    """What must be held of one resource: every version received; `published` is how many a day showed, by day."""

    key: str
    changed: str
    types: Mapping[str, str]
    versions: list[Version] = field(default_factory=list)
    published: dict[date, int] = field(default_factory=dict)
    told_on: list[date] = field(default_factory=list)
    told: int = 0
    records: int = 0

    def receive(self, batch: int, day: date, answers: Iterable[tuple[int | None, str, list[Record]]]) -> None:
        """One reading: answers in order, each a page's number, the id asked for alone, and its records.

        Exact repeats are one version, the last of them; versions of an id are kept where one differs from what is held.
        """
        arriving: dict[tuple[str, str], Version] = {}
        for page, asked, records in answers:
            found = [Version(self.identity(one), one, batch, page, at, day) for at, one in enumerate(records)]
            self.records += len(found)
            if asked and not records:
                found = [Version(self.identity({self.key: asked}), {self.key: asked}, batch, None, 0, day, True)]
                self.records += 1
            for version in found:
                self.repeated(arriving, version)
        held = self.held()
        differing = {one.identity for one in arriving.values() if _content(one) != held.get(one.identity)}
        self.versions += [version for version in arriving.values() if version.identity in differing]

    @staticmethod
    def repeated(arriving: dict[tuple[str, str], Version], version: Version) -> None:
        """The later of exact repeats takes the place of the earlier one."""
        arriving.pop((version.identity, _content(version)), None)
        arriving[version.identity, _content(version)] = version

    def publish(self, day: date, *, is_told: bool) -> None:
        """What was received is shown from now on; a run that is killed may not come to tell the day."""
        self.published[day] = len(self.versions)
        if is_told and (not self.told_on or len(self.versions) > self.told):
            self.told_on.append(day)
            self.told = len(self.versions)

    def identity(self, record: Record) -> str:
        text = record[self.key] or ""
        return str(int(text)) if self.types[self.key] == "integer" else text

    def held(self) -> dict[str, str | None]:
        """The content of the latest version by id; None where a batch nobody published says two things of an id."""
        shown = self.published[max(self.published)] if self.published else 0
        found: dict[str, str | None] = {identity: _content(one) for identity, one in latest(self, shown).items()}
        for identity, won in latest(self).items():
            said = {
                _content(one) for one in self.versions[shown:] if (one.identity, one.batch) == (identity, won.batch)
            }
            if said:
                found[identity] = _content(won) if len(said) == 1 else None
        return found

    def rank(self, version: Version) -> tuple:
        """The order of rule 3: batch, then the later last_updated (null is oldest), page and position."""
        changed = self.cell(version, self.changed) if self.changed else None
        return (
            version.batch,
            changed is not None,
            changed or datetime.min,  # noqa: DTZ901 - compared with naive ones only
            version.page or 0,
            version.position,
            self.versions.index(version),
        )

    def in_order(self, identity: str, until: int | None = None) -> list[Version]:
        """The versions of an id, oldest first, the one that wins last."""
        return sorted((one for one in self.versions[:until] if one.identity == identity), key=self.rank)

    def cell(self, version: Version, column: str) -> object:
        value = cast(version.record.get(column), self.types.get(column, "text"))
        return None if value is BAD else value

    def columns(self) -> list[str]:
        """Every column: declared ones and the keys seen."""
        seen = {key: None for version in self.versions for key in version.record}
        return list(dict.fromkeys([*self.types, *seen]))

    def row(self, version: Version, columns: Iterable[str]) -> tuple:
        """A row's cells, then its batch, page, day and whether it is deleted."""
        cells = (self.cell(version, column) for column in columns)
        return (*cells, version.batch, version.page, f"{version.day:%Y%m%d}", version.is_deleted)

    def uncastable(self) -> list[tuple]:
        return [
            (version.batch, version.identity, column, version.record[column], wanted)
            for version in self.versions
            for column, wanted in self.types.items()
            if cast(version.record.get(column), wanted) is BAD
        ]

    def until(self, day: date, *, is_published: bool) -> int:
        """How many versions count as of a day: those published by then, or those received by its end."""
        shown = [one for one in self.published if one <= day]
        if is_published and shown:
            return self.published[max(shown)]
        return sum(version.day <= day for version in self.versions)


def latest(past: Past, until: int | None = None) -> dict[str, Version]:
    """The version that wins, by id, of the first `until` ones received."""
    won: dict[str, Version] = {}
    for version in past.versions[:until]:
        if version.identity not in won or past.rank(version) > past.rank(won[version.identity]):
            won[version.identity] = version
    return won


def _content(version: Version) -> str:
    return "deleted" if version.is_deleted else canonical(version.record)


# ---------------------------------------------------------------- histories

Action = tuple[str, int, int]


@dataclass(frozen=True)
class Step:
    """The clock moves on by some days to a time, every table changes, and a run reads what it is asked to.

    `killed_at` is the commit at which it is killed (0: it is not), before that commit or after it; such a run is
    carried out again at once, or only by the next step.
    """

    days: int
    time: str
    reads: str
    killed_at: int
    is_committed: bool
    is_repeated: bool
    changes: tuple[tuple[Action, ...], ...]


def histories(tables: int, commits: int, more: int) -> st.SearchStrategy[list[Step]]:
    """Histories of several independent tables over three London days, with up to so many more steps."""
    action = st.tuples(st.sampled_from(ACTIONS), st.integers(0, 9), st.integers(0, 9))
    beginning = st.lists(st.tuples(st.just("put"), st.integers(0, 9), st.integers(0, 9)), min_size=3, max_size=8)

    def step(days: st.SearchStrategy[int], changes: st.SearchStrategy[list[Action]]) -> st.SearchStrategy[Step]:
        return st.builds(
            Step,
            days,
            st.sampled_from(TIMES),
            st.sampled_from(("due", "named", "full")),
            st.one_of(st.just(0), st.integers(1, commits)),
            st.booleans(),
            st.sampled_from((True, True, False)),
            st.tuples(*[changes.map(tuple)] * tables),
        )

    later = step(st.sampled_from((1, 1, 0, 2)), st.lists(action, max_size=5))
    next_day = step(st.just(1), st.lists(action, min_size=1, max_size=5))
    return st.tuples(step(st.just(0), beginning), next_day, next_day, st.lists(later, max_size=more)).map(
        lambda parts: [*parts[:3], *parts[3]]
    )
