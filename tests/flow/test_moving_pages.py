"""A reading against a list that changes between its requests, without HTTP: thousands of sequences in seconds.

Up to three records come or go at any place, requests overlap, and the reading may be killed and resumed. More changes
can cancel each other out within a reading so that no answer shows them: of those `flow/ingest/test_moving_sets.py` has
a few hundred, and the rolling audit finds what they hide. `PLANLAKE_SOAK=1` (`make soak`) tries ten times as many.
"""

import os
import random
from bisect import insort
from datetime import datetime

import pytest

from planlake.flow.ingest.prepare_readings import resume_reading
from planlake.flow.ingest.window_reading import Reading
from planlake.lake.state.ledger import FULL, LedgerPage
from planlake.sources.dialect import Totals
from planlake.sources.records import Records

NOW = datetime(2026, 11, 17, 3)  # noqa: DTZ001 - own instants are UTC without zone
SEQUENCES = 20_000 if os.environ.get("PLANLAKE_SOAK", "0") != "0" else 2_000


class Moving:
    """A list in the order of its ids, what of it stood the whole time, and what was shown of it."""

    def __init__(self, chance, *, as_text):
        self.chance, self.order, self.clock = chance, str if as_text else int, 1.0
        self.per_page, step = chance.choice([2, 3, 4]), chance.choice([1, 2, 5, 9])
        self.ids = sorted(range(100, 100 + step * chance.randrange(2, 24), step), key=self.order)
        self.stood, self.shown, self.changes = set(self.ids), set(), chance.choice([1, 2, 3])
        self.how_often = chance.choice([0.1, 0.3, 0.6])

    def move(self):
        if not self.changes or self.chance.random() > self.how_often:
            return
        self.changes -= 1
        if self.ids and self.chance.random() < 0.5:
            gone = self.ids.pop(self.chance.randrange(len(self.ids)))
            self.stood.discard(gone)
        elif (new := self.chance.randrange(90, 320)) not in self.ids:
            insort(self.ids, new, key=self.order)
            self.stood.discard(new)

    def page(self, number):
        found = self.ids[(number - 1) * self.per_page : number * self.per_page]
        self.shown.update(found)
        said = Totals(len(self.ids), self.per_page, number) if found else None
        same = [True] * len(found)
        return said, Records(ids=[str(one) for one in found], hashes=["#"] * len(found), regular=same, deleted=same)

    def tick(self):
        self.clock += 1
        return self.clock


def asked(moving, reading, numbers, at_once):
    """Ask for pages as `fetch` does: some at once, answered in any order, the last page alone."""
    for start in range(0, len(numbers), at_once):
        together = numbers[start : start + at_once]
        started = {number: moving.tick() for number in together}
        answers = {}
        for number in moving.chance.sample(together, len(together)):
            moving.move()
            answers[number] = (moving.page(number), moving.tick())
        for number in together:
            (said, records), ended = answers[number]
            reading.note(number, said, records, "", (started[number], ended))


def read(moving, reading, at_once, *, pages=10**9):
    """Carry a reading to its end, or through its first pages only."""
    asked(moving, reading, [reading.first_page], 1)
    number, in_turn = reading.first_page + 1, 1 if reading.window != FULL or reading.has_text_ids else at_once
    while number <= min(reading.last_page, pages) and not reading.vanished:
        some = [one for one in range(number, number + in_turn) if one < reading.last_page] or [number]
        asked(moving, reading, some, in_turn)
        number = some[-1] + 1
    if pages < reading.last_page:
        return
    for _ in range(100):
        if again := reading.to_ask_again():
            others = [one for one in again if one < reading.last_page]
            asked(moving, reading, others, at_once)
            asked(moving, reading, [one for one in again if one not in others], 1)
        elif between := reading.ids_to_look_for():
            for one in between:
                moving.move()
                moving.shown.update({int(one)}.intersection(moving.ids))
                reading.alone.note(int(one), is_answered=True, is_found=int(one) in moving.ids)
        elif repeats := reading.repeats_to_confirm():
            for one in repeats:
                reading.confirm(one, [one] if int(one) in moving.ids else [], 1)
        else:
            return
    raise AssertionError("it never ends")


def as_in_the_ledger(reading):
    """What the ledger has of the pages of a reading that was killed."""
    return {
        page: LedgerPage(FULL, page, NOW, one[-1].records, one[-1].total, str(one[-1].ids[0]), str(one[-1].ids[-1]))
        for page, one in reading.readings.items()
    }


@pytest.mark.parametrize("kind", ["a day", "full", "text ids", "killed"])
def test_what_stood_the_whole_time_was_shown_by_every_reading_that_is_called_whole(kind):
    whole = 0
    for seed in range(SEQUENCES):
        chance = random.Random(f"{kind} {seed}")
        moving = Moving(chance, as_text=kind == "text ids")
        window = "2026-11-16" if kind == "a day" else FULL
        reading = Reading(window, NOW, moving.per_page, has_text_ids=kind == "text ids")
        at_once = chance.choice([1, 2, 4])
        if kind == "killed":
            read(moving, reading, at_once, pages=chance.randrange(1, 5))
            reading = resume_reading(Reading(FULL, NOW, moving.per_page), as_in_the_ledger(reading))
        read(moving, reading, at_once)
        if not reading.verdict():
            whole += 1
            assert moving.stood <= moving.shown, seed
    assert whole > SEQUENCES * 0.9
