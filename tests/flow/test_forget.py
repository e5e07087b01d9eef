"""Forgetting: nothing of a person is left in any file, and everything else is as it was."""

import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from commands import typed_in_process
from conftest import feeding, written_config
from planlake.errors import ConfigurationError
from planlake.flow import forget as forgetting
from planlake.flow.forget import forget
from planlake.flow.maintain import maintain
from planlake.flow.rollback import rollback, undo
from planlake.lake.files import bookmark
from planlake.lake.lake import open_lake

from .remains import remains
from .showing import Showing

FIRST = datetime.fromisoformat("2026-11-10T03:00:00")
NUMBER, TEXT, REFUSED = 904417733, "K/Zb 9Qx?ü", "no-number-Zq"  # the ids of three persons
TRACES = {  # what to look for: parts of texts, whole numbers
    ("things", str(NUMBER)): (("Wilhelmina",), (NUMBER,)),
    ("people", TEXT): (("Ottokar", TEXT, "K%2FZb%209Qx"), ()),
    ("things", REFUSED): (("Adelgunde", REFUSED), ()),
}
TABLES = ("things", "people")


def declared(amount="double", more=""):
    return f"""
source: tascomi
resources:
  things:
    columns: {{id: integer, last_updated: timestamp, amount: {amount}, kind: text, name: text}}
    accepted: {{kind: [usual]}}
  people: {{columns: {{id: text, last_updated: timestamp, age: integer, name: text}}, personal: ["*"]}}
tables: {{daily: [things, people]}}
settings: {{deletion_limit_percent: 100}}
{more}"""


@dataclass
class Served:
    """The records of one resource in the order of their places."""

    places: dict = field(default_factory=dict)

    def put(self, place, identity, at, **more):
        changed = at.isoformat(" ", "seconds")
        self.places[place] = {"id": str(identity), "last_updated": changed, "kind": "usual", "name": "a name", **more}

    def records(self, filters):
        day = filters.get("last_updated", "")
        found = [self.places[place] for place in sorted(self.places)]
        return [one for one in found if one["last_updated"].startswith(day) and filters.get("id", one["id"]) == one["id"]]


def day(number):
    return FIRST + timedelta(days=number)


DAYS = [str(day(number).date()) for number in range(6)]


def run(feed, number, hours=0, **more):
    assert feed.run_at((day(number) + timedelta(hours=hours)).isoformat(), **more).exit_code in (0, 1)


def build(feed):
    """Six days that leave behind of three persons whatever a record can leave behind."""
    things, people = feed.data.shown["things"], feed.data.shown["people"]
    things.put(0, NUMBER, day(-3), name="Wilhelmina the first", amount="7")
    for place in range(1, 8):
        things.put(place, place, day(-3), amount=f"{place}.5")
    things.put(9, REFUSED, day(-3), name="Adelgunde", amount="Adelgunde's")
    for place, identity in enumerate(("a", TEXT, "b")):
        people.put(place, identity, day(-3), age="30", name="Ottokar" if identity == TEXT else "somebody")
    run(feed, 0)
    things.put(0, f"0{NUMBER}", day(0), name="Wilhelmina the second", amount="Wilhelmina pounds", kind="Wilhelmina kind")
    things.put(1, 1, day(0), amount="1,5")
    people.put(1, TEXT, day(0), name="Ottokar", age="Ottokar's age")
    run(feed, 1)
    things.put(0, NUMBER, day(1), name="Wilhelmina the third", amount="8", extra="Wilhelmina's extra")
    things.put(2, 2, day(1), extra="another's")
    run(feed, 2)
    rollback(feed.config, [], day(1).date(), confirm=lambda _: True)
    run(feed, 2, hours=2)
    feed.config = written_config(feed.simulator, feed.config.folder, declared(amount="text"))
    things.put(3, 3, day(2), name="three, changed")
    run(feed, 3)
    maintain(feed.config)
    del things.places[0], people.places[1]
    run(feed, 4, is_full=True)
    things.put(0, NUMBER, day(4), name="Wilhelmina the last", amount="9")
    things.put(8, 8, day(4))
    run(feed, 5)


@contextmanager
def built(folder):
    with feeding(Showing(TABLES, page_size=3), folder, declared()) as feed:
        feed.data.shown = {name: Served() for name in TABLES}
        build(feed)
        yield feed


@pytest.fixture
def feed(tmp_path):
    with built(tmp_path) as made:
        yield made


def yes(_):
    return True


def test_x(feed):
    import time
    for k,(texts,numbers) in TRACES.items():
        r=remains(feed.config.folder, texts, numbers)
        seen={}
        for f,w,x in r: seen.setdefault((f.split("/")[2] if f.count("/")>2 else f, w),0); seen[(f.split("/")[2] if f.count("/")>2 else f, w)]+=1
        print(k,seen)
    print(feed.rows('select "check", "column", message from checks where verdict <> \'ok\''))
    print(feed.rows("select * from rejected"), feed.rows("select * from uncastable"), feed.rows("select first_id, last_id, url from api_requests"))
    t=time.time()
    for k,(texts,numbers) in TRACES.items():
        print(forget(feed.config, *k, confirm=yes))
        print(k, remains(feed.config.folder, texts, numbers))
    print(time.time()-t)
