"""Records come, go and change between the pages of readings: what stood the whole time is never lost unseen.

Each table of a lake is a sequence of its own. Totals may stay equal all the while. There are 30 sequences, and with
`PLANLAKE_SOAK=1` (`make soak`) 1,000.
"""

import os
import random

import pytest

from conftest import feeding, table_of
from flow.ingest.served import DAY_1, DAY_2, held, record, served, settings_of, shown

pytestmark = pytest.mark.slow
IS_SOAK = os.environ.get("PLANLAKE_SOAK", "0") != "0"
TABLES = 25 if IS_SOAK else 15
LAKES = 20 if IS_SOAK else 1
PAGE = 4
QUIET = [f"2026-11-{day}T03:00:00" for day in (19, 20, 21)]


class Moves:
    """What happens to the tables between two requests: at most one thing, and never the same of two tables."""

    def __init__(self, data, names, seed, *, now):
        self.data, self.now = data, now
        self.chances = {name: random.Random(f"{seed} {name}") for name in names}
        self.how_often = {name: chance.choice([0.1, 0.3, 0.6]) for name, chance in self.chances.items()}
        self.stood = {name: {one["id"]: one for one in data.records(name)} for name in names}
        self.left = dict.fromkeys(names, 40)

    def __call__(self, data, resource, filters, number):
        chance = self.chances.get(resource)
        if chance is None or "id" in filters or chance.random() > self.how_often[resource] or not self.left[resource]:
            return
        self.left[resource] -= 1
        for action in chance.choice([["delete"], ["insert"], ["delete", "insert"], ["change"], ["change", "come"]]):
            getattr(self, action)(resource, chance)

    def delete(self, table, chance):
        if ids := self.data.ids(table):
            gone = chance.choice(ids)
            self.data.delete(table, gone)
            self.stood[table].pop(str(gone), None)

    def insert(self, table, chance):
        self._put(table, max(self.data.ids(table), default=0) + chance.choice([1, 3]), self.now)

    def come(self, table, chance):
        """A record comes late into the day that is read, anywhere among the others."""
        self._put(table, chance.randrange(1, 400), "2026-11-17 22:00:00")

    def change(self, table, chance):
        """A record is changed again, so that it leaves the day that is read."""
        if ids := self.data.ids(table):
            self._put(table, chance.choice(ids), self.now)

    def _put(self, table, identity, changed):
        self.data.put(table, record(identity, changed, name=f"moved at {changed}, {len(self.stood[table])}"))
        self.stood[table].pop(str(identity), None)


def filled(data, names, seed, changed):
    for name in names:
        chance = random.Random(f"{seed} {name} at the start")
        step, count = chance.choice([1, 1, 3, 7]), chance.randrange(3, 45)
        for identity in range(1, count * step, step):
            data.put(name, record(identity + chance.choice([0, 0, step // 2]), changed, name=f"of {changed}"))


def lost(feed, name, stood):
    """Records that stood the whole time and are not held as they are."""
    has = held(feed, name)
    return {one for one, cells in stood.items() if has.get(int(one), {}).get("name") != cells["name"]}


def assert_nothing_lost(feed, result, moves):
    loaded = [name for name in moves.stood if table_of(result, name).outcome != "open"]
    assert {name: found for name in loaded if (found := lost(feed, name, moves.stood[name]))} == {}
    return loaded


@pytest.mark.parametrize("seed", range(LAKES))
@pytest.mark.parametrize("kind", ["full", "day"])
def test_what_stands_while_others_move_is_held_and_three_quiet_runs_load_everything(tmp_path, seed, kind):
    names = [f"moving_{number}" for number in range(TABLES)]
    settings = settings_of(
        names,
        concurrency=1 if (seed + (kind == "full")) % 2 else 4,
        audit_days=1,
        deletion_limit_percent=100,
        dropped_rows_percent=100,
    )
    with feeding(served(names, page_size=PAGE), tmp_path, settings) as feed:
        if kind == "full":
            filled(feed.data, names, seed, "2026-11-10 09:00:00")
            begun = DAY_1
        else:
            filled(feed.data, names, seed, "2026-11-10 09:00:00")
            feed.run_at(DAY_1)
            filled(feed.data, names, f"{seed} again", "2026-11-17 09:00:00")
            begun = DAY_2
        moves = Moves(feed.data, names, f"{seed} {kind}", now=begun.replace("T", " "))
        feed.data.on_page = moves
        result = feed.run_at(begun)
        feed.data.on_page = None
        loaded = assert_nothing_lost(feed, result, moves)
        assert loaded
        for quiet in QUIET:
            result = feed.run_at(quiet)
        assert [one.table for one in result.tables if one.outcome == "open"] == []
        assert [name for name in names if held(feed, name) != shown(feed.data, name)] == []
