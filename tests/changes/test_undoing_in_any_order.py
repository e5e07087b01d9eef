"""Rollback, undo, rebuild, promote, run and housekeeping in any order: every table shows what plain Python says.

Five tables of one lake go through a sequence each: two examples are 10 sequences (PLANLAKE_SOAK=1: three hundred).
"""

import os
import tempfile
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from conftest import feeding
from planlake.changes.maintain import maintain
from planlake.changes.previews import create, promote, remove
from planlake.changes.rebuild import rebuild
from planlake.changes.rollback import rollback, undo
from planlake.errors import QualityError
from planlake.runs.plan import Selection
from planlake.runs.run import run
from planlake.simulator.dataset import Dataset

TABLES = tuple(f"table_{letter}" for letter in "abcde")
COLUMNS = {"id": "integer", "last_updated": "timestamp", "name": "text", "code": "integer"}
FIRST = datetime.fromisoformat("2026-11-02T03:00:00")
PREVIEW = "trying"
EXAMPLES = 60 if os.environ.get("PLANLAKE_SOAK") else 2
SETTINGS = (
    "source: tascomi\nresources:\n"
    + "".join(f"  {name}: {{columns: {{{', '.join(map(': '.join, COLUMNS.items()))}}}}}\n" for name in TABLES)
    + f"tables: {{daily: [{', '.join(TABLES)}]}}\n"
    + "settings: {merge_after_files: 2, expire_after_versions: 2, uncastable_percent: 100}\n"
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
    """What the five tables and a preview must show, and what the last action is taken back to."""

    tables: dict[str, Told] = field(default_factory=lambda: {name: Told() for name in TABLES})
    before: dict[str, Told] | None = None
    preview: dict[str, State] | None = None
    moved: set[str] = field(default_factory=set)
    ran_since: bool = False

    def act(self, *names):
        self.before, self.ran_since = {name: deepcopy(self.tables[name]) for name in names}, False

    def promote(self, names, day):
        for name in names:
            told = self.tables[name]
            told.shown = told.received = told.days[day] = self.preview.pop(name)

    def run(self, vendor, day):
        self.moved, self.ran_since = set(self.preview or ()), True
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
        for name, told in self.before.items():
            if self.ran_since:  # what a run brought since then counts still
                told.received = self.tables[name].received
            self.tables[name] = told
        self.before = None


def is_changed_by_rollback(told, day, zone):
    """Whether a rollback finds anything to do."""
    return told.as_of(day) is not told.shown or any(one > day for one in told.days)


changes = st.lists(st.tuples(st.sampled_from(TABLES), st.integers(1, 6)), max_size=8)
KINDS = ("rollback", "undo", "try", "promote", "run", "rebuild", "undo", "rollback", "maintain", "next day", "drop")
actions = st.tuples(
    st.sampled_from(KINDS),
    st.sampled_from(TABLES),
    st.integers(0, 3),
    st.sampled_from(["refined", "all"]),
    st.sampled_from(["raw", "increments"]),
)
steps = st.lists(st.tuples(changes, actions), min_size=4, max_size=7)


def shown(feed, name, as_of=None, environment=None):
    return {row["id"]: row["name"] for row in feed.rows(f"select id, name from {name}", as_of, environment)}


def assert_every_cell_that_did_not_cast_is_told(feed, name):
    rows = f"(select * rename (import_request_id as request_id, import_position as position) from increment_{name})"
    null = f"select request_id, position from {rows} where code is null"
    told = f"""select request_id, position from uncastable
        where resource = '{name}' and batch <= (select max(batch) from {rows})"""
    assert feed.rows(f"{told} order by all") == feed.rows(f"{null} order by all"), name


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
            code = f"no {self.count}" if self.count % 2 else str(self.count)
            record = {"id": str(identity), "last_updated": at.isoformat(" "), "name": text, "code": code}
            self.feed.data.put(name, record)
            self.vendor[name][identity] = text

    def run(self):
        self.now += timedelta(minutes=10)
        assert self.feed.run_at(self.now.isoformat()).exit_code == 0
        self.told.run(self.vendor, self.now.date())

    def next_day(self):
        self.now = datetime.combine(self.now.date() + timedelta(days=1), FIRST.time())

    def act(self, action):
        kind, name, back, zone, origin = action
        self.now += timedelta(minutes=10)
        self.feed.monkeypatch.setenv("PLANLAKE_NOW", self.now.isoformat())
        today = self.now.date()
        if kind == "run":
            self.run()
        elif kind == "next day":
            self.next_day()
        elif kind == "maintain":
            maintain(self.feed.config)
        elif kind == "undo" and self.told.before is not None:
            event("an action was taken back")
            undo(self.feed.config, confirm=lambda _: True)
            self.told.undo()
        elif kind == "rebuild":
            self.told.act(name)
            rebuild(self.feed.config, [name], origin=origin)
            self.told.rebuild(name, origin, today)
        elif kind == "rollback":
            day = today - timedelta(days=back)
            before = deepcopy(self.told.tables[name])
            if rollback(self.feed.config, [name], day, zone=zone, confirm=lambda _: True):
                self.told.before, self.told.ran_since = {name: before}, False
                self.told.roll_back(name, day, zone, today)
        else:
            self.preview(kind, name)

    def preview(self, kind, name):
        told, config = self.told, self.feed.config
        if kind == "promote" and not told.preview:
            self.preview("try", name)
        if kind == "try":
            if told.preview is None:
                create(config, PREVIEW)
                told.preview, told.moved = {}, set()
            self.feed.data.move_to(max(self.now, self.feed.data.now))
            assert run(config, Selection(tables=(name,)), environment=PREVIEW).exit_code == 0
            told.preview[name] = dict(self.vendor[name])
        elif kind == "promote" and told.preview:
            before = {name: deepcopy(told.tables[name]) for name in told.preview}
            try:
                promoted = {one.table for one in promote(config, PREVIEW, [], confirm=lambda _: True)}
            except QualityError:
                event("a promotion was refused")
                assert before == {name: told.tables[name] for name in told.preview}
                return
            event(f"{len(promoted)} tables were promoted")
            assert promoted <= before.keys() - told.moved
            told.before, told.ran_since = {name: before[name] for name in promoted}, False
            told.promote(promoted, self.now.date())
        elif kind == "drop" and told.preview is not None:
            remove(config, PREVIEW, confirm=lambda _: True)
            told.preview = None

    def check(self):
        if self.told.preview is not None:
            for name in TABLES:
                expected = self.told.preview.get(name, self.told.tables[name].shown)
                assert shown(self.feed, name, environment=PREVIEW) == expected, f"{name} in the preview"
        for name, told in self.told.tables.items():
            assert shown(self.feed, name) == told.shown, name
            assert_every_cell_that_did_not_cast_is_told(self.feed, name)
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
        for identity in (1, 2):
            lake.change([(name, identity) for name in TABLES])
            lake.run()
            lake.next_day()
        for pairs, action in sequence:
            lake.change(pairs)
            lake.act(action)
        lake.check()
        lake.run()
        lake.check()
