"""Rollback, undo, rebuild, run and housekeeping in any order: every table always shows what plain Python says.

Five tables of one lake go through a sequence each: ten examples are fifty sequences (PLANLAKE_SOAK=1: three hundred).
"""

import os
import tempfile
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from conftest import feeding
from planlake.flow.maintain import maintain
from planlake.flow.rebuild import rebuild
from planlake.flow.rollback import rollback, undo
from planlake.simulator.dataset import Dataset

TABLES = tuple(f"table_{letter}" for letter in "abcde")
COLUMNS = {"id": "integer", "last_updated": "timestamp", "name": "text"}
FIRST = datetime.fromisoformat("2026-11-02T03:00:00")
EXAMPLES = 60 if os.environ.get("PLANLAKE_SOAK") else 10
SETTINGS = (
    "source: tascomi\nresources:\n"
    + "".join(f"  {name}: {{columns: {{id: integer, last_updated: timestamp, name: text}}}}\n" for name in TABLES)
    + f"tables: {{daily: [{', '.join(TABLES)}]}}\nsettings: {{merge_after_files: 2, expire_after_versions: 2}}\n"
)

State = dict[int, str]


@dataclass
class Told:
    """What one table must show: now, and on each day; and what the newest batch that counts would show."""

    shown: State = field(default_factory=dict)
    days: dict[date, State] = field(default_factory=dict)
    received: State = field(default_factory=dict)

    def as_of(self, day: date) -> State:
        known = [one for one in self.days if one <= day]
        return self.days[max(known)] if known else {}


@dataclass
class Told5:
    """What the five tables must show, and what the last action can be taken back to."""

    tables: dict[str, Told] = field(default_factory=lambda: {name: Told() for name in TABLES})
    before: tuple[str, Told] | None = None

    def act(self, name):
        self.before = (name, deepcopy(self.tables[name]))

    def run(self, vendor, day):
        for name, told in self.tables.items():
            told.shown = told.received = dict(vendor[name])
            told.days[day] = told.shown

    def roll_back(self, name, day, zone, today):
        told = self.tables[name]
        target = told.as_of(day)
        told.days = {one: state for one, state in told.days.items() if one <= day}
        told.shown = target
        if zone == "all":
            told.received = target

    def rebuild(self, name, origin, today):
        told = self.tables[name]
        if origin == "raw":
            told.shown = told.received
        told.days[today] = told.shown

    def undo(self):
        name, told = self.before
        self.tables[name], self.before = told, None


def is_changed_by_rollback(told, day, zone):
    """Whether a rollback finds anything to do."""
    return told.as_of(day) is not told.shown or any(one > day for one in told.days)


changes = st.lists(st.tuples(st.sampled_from(TABLES), st.integers(1, 6)), max_size=8)
actions = st.one_of(
    st.just(("run",)),
    st.tuples(st.just("rollback"), st.sampled_from(TABLES), st.integers(0, 4), st.sampled_from(["refined", "all"])),
    st.tuples(st.just("rebuild"), st.sampled_from(TABLES), st.sampled_from(["raw", "increments"])),
    st.just(("undo",)),
    st.just(("maintain",)),
    st.just(("next day",)),
)
steps = st.lists(st.tuples(changes, actions), min_size=3, max_size=6)


def shown(feed, name, as_of=None):
    rows = feed.rows(f"select id, name from {name}", str(as_of) if as_of else None)
    return {row["id"]: row["name"] for row in rows}


class Lake:
    """A lake, the vendor's records and the clock."""

    def __init__(self, feed):
        self.feed, self.now, self.count = feed, FIRST, 0
        self.vendor = {name: {} for name in TABLES}
        self.told = Told5()

    def change(self, pairs):
        for name, identity in pairs:
            self.count += 1
            text, at = f"change {self.count}", self.now - timedelta(minutes=5)
            self.feed.data.put(name, {"id": str(identity), "last_updated": at.isoformat(" "), "name": text})
            self.vendor[name][identity] = text

    def run(self):
        self.now += timedelta(minutes=10)
        assert self.feed.run_at(self.now.isoformat()).exit_code == 0
        self.told.run(self.vendor, self.now.date())

    def act(self, action):
        kind, *more = action
        self.now += timedelta(minutes=10)
        self.feed.monkeypatch.setenv("PLANLAKE_NOW", self.now.isoformat())
        today = self.now.date()
        if kind == "run":
            self.run()
        elif kind == "next day":
            self.now = datetime.combine(today + timedelta(days=1), FIRST.time())
        elif kind == "maintain":
            maintain(self.feed.config)
        elif kind == "undo" and self.told.before is not None:
            undo(self.feed.config, confirm=lambda _: True)
            self.told.undo()
        elif kind == "rebuild":
            self.told.act(more[0])
            rebuild(self.feed.config, [more[0]], origin=more[1])
            self.told.rebuild(*more, today)
        elif kind == "rollback":
            name, back, zone = more
            day = today - timedelta(days=back)
            before = deepcopy(self.told.tables[name])
            if rollback(self.feed.config, [name], day, zone=zone, confirm=lambda _: True):
                self.told.before = (name, before)
                self.told.roll_back(name, day, zone, today)

    def check(self):
        for name, told in self.told.tables.items():
            assert shown(self.feed, name) == told.shown, name
            for number in range((self.now.date() - FIRST.date()).days + 1):
                day = FIRST.date() + timedelta(days=number)
                assert shown(self.feed, name, as_of=day) == told.as_of(day), (name, day)


@settings(
    max_examples=EXAMPLES,
    derandomize=not os.environ.get("PLANLAKE_SOAK"),
    deadline=None,
    phases=[Phase.generate] if not os.environ.get("PLANLAKE_SHRINK") else [Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)
@given(steps)
def test_tables_show_what_they_claim_whatever_is_done_to_them(sequence):
    data = Dataset(dict.fromkeys(TABLES, COLUMNS), now=FIRST)
    with tempfile.TemporaryDirectory() as folder, feeding(data, Path(folder), SETTINGS) as feed:
        lake = Lake(feed)
        lake.change([(name, identity) for name in TABLES for identity in (1, 2)])
        lake.run()
        for pairs, action in sequence:
            lake.change(pairs)
            lake.act(action)
        lake.check()
        lake.run()
        lake.check()
