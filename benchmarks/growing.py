"""Pairs of lakes that differ in one thing, and the CPU time of the same day on each of them."""

import asyncio
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from measure import measured
from planlake.config import load_config
from planlake.runs.plan import Selection
from planlake.runs.run import run
from records import CHANGED_APPLICATIONS, DAY, FIRST_ID, NEW_DOCUMENTS, PAGE_SIZE, SIZES, record
from serve import NOTHING, Connection, head
from systems import LOG, PLANLAKE, WORK, environment, planlake_answer, serving, write_configuration

APPLICATIONS, DOCUMENTS = 2_000, 5_000  # of the small table; as many documents on the first day
CHANGED, NEW = 10, 20  # a day
COUNTS = """select (select count(*) from applications), (select count(*) from documents),
    (select count(*) from applications where last_updated::date = date '{day}'),
    (select count(*) from documents where last_updated::date = date '{day}')"""


@dataclass(frozen=True)
class Pair:
    """Two lakes in folders of `work/`, and a day that is served the same to both.

    `expected` is what each must hold afterwards: rows of both tables, and rows last updated on the day.
    """

    what: str
    names: tuple[str, str]
    server: Callable[[], AbstractContextManager[str]]
    now: str
    day: date
    expected: tuple[list[int], list[int]]

    def cpu_in_turns(self, repeat: int) -> tuple[list[float], list[float]]:
        """CPU seconds of the day on each lake, in turns, each time on a fresh copy in the lake's own place."""
        found: tuple[list[float], list[float]] = ([], [])
        for name in self.names:
            shutil.rmtree(WORK / f"{name}-before", ignore_errors=True)
            shutil.copytree(WORK / name, WORK / f"{name}-before")
        with self.server() as url:
            for _ in range(repeat):
                for place, name in enumerate(self.names):
                    found[place].append(self._one(name, url, self.expected[place]))
        return found

    def _one(self, name: str, url: str, expected: list[int]) -> float:
        shutil.rmtree(WORK / name)
        shutil.copytree(WORK / f"{name}-before", WORK / name)
        file = WORK / name / "planlake.yaml"
        variables = {**environment("day", url), "PLANLAKE_NOW": self.now}
        command = [*PLANLAKE, "run", "--config", str(file)]
        figures = measured(command, folder=WORK / name, environment=variables, log=LOG)
        answer = planlake_answer(COUNTS.format(day=self.day), "csv", file).decode()
        if [int(number) for number in answer.splitlines()[1].split(",")] != expected:
            sys.exit(f"{name}: {answer} is not {expected}")
        return round(figures.cpu_s, 2)


def in_rows() -> Pair:
    """The full tables and tables twice their size, loaded."""
    twice = [word for resource, size in SIZES.items() for word in (f"--{resource}", str(2 * size))]
    names = ("rows-once", "rows-twice")
    for name, arguments in zip(names, ([], twice), strict=True):
        shutil.rmtree(WORK / name, ignore_errors=True)
        file = write_configuration(name, SIZES)
        with serving("full", *arguments) as url:
            command = [*PLANLAKE, "run", "--config", str(file)]
            measured(command, folder=WORK / name, environment=environment("full", url), log=LOG)
    expected = tuple(
        [times * SIZES["applications"], times * SIZES["documents"] + NEW_DOCUMENTS, CHANGED_APPLICATIONS, NEW_DOCUMENTS]
        for times in (1, 2)
    )
    return Pair(
        "the day on the tables and on tables twice the size",
        names,
        lambda: serving("day"),
        environment("day", "")["PLANLAKE_NOW"],
        DAY,
        (expected[0], expected[1]),
    )


@cache
def text(resource: str, identity: int) -> str:
    """One record as it was at first."""
    return record(resource, identity)


class Calendar:
    """A small source that changes every day: what it shows depends on how many days have passed."""

    def __init__(self, first: date) -> None:
        self.first, self.passed = first, 0

    def changed(self, number: int) -> list[int]:
        """The applications that change on a day: some of the newest, and anywhere."""
        ids = range(FIRST_ID["applications"], FIRST_ID["applications"] + APPLICATIONS)
        places = [-1 - (number * 7 + step) % 100 for step in range(CHANGED - 1)]
        return sorted({ids[place] for place in [*places, (number * 37) % (APPLICATIONS - 100)]})

    def new(self, number: int) -> range:
        """The documents that a day brings."""
        first = FIRST_ID["documents"] + DOCUMENTS + number * NEW
        return range(first, first + NEW)

    def records(self, resource: str, day: date | None) -> list[str]:
        """All records as they are now, or those last updated on a day."""
        if day is not None:
            number = (day - self.first).days
            if not 0 <= number < self.passed:
                return []
            ids = self.changed(number) if resource == "applications" else self.new(number)
            return [updated(resource, identity, day) for identity in ids]
        touched = {
            identity: number
            for number in range(self.passed)
            for identity in (self.changed(number) if resource == "applications" else self.new(number))
        }
        size = APPLICATIONS if resource == "applications" else DOCUMENTS
        ids = sorted({*range(FIRST_ID[resource], FIRST_ID[resource] + size), *touched})
        days = {identity: self.first + timedelta(days=number) for identity, number in touched.items()}
        return [updated(resource, each, days[each]) if each in days else text(resource, each) for each in ids]

    def answer(self, target: str) -> Iterator[bytes]:
        """Everything to be sent for the address of a request."""
        address = urlsplit(target)
        query = parse_qs(address.query)
        resource, page = address.path.rpartition("/")[2], int(query.get("page", ["1"])[0])
        asked = query.get("last_updated")
        rows = self.records(resource, date.fromisoformat(asked[0]) if asked else None)
        shown = rows[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
        if not shown:
            yield NOTHING
            return
        body = f"[{','.join(shown)}]".encode()
        yield head(len(body), len(rows), page)
        yield body


def updated(resource: str, identity: int, day: date) -> str:
    """A record as a day left it: the instant of its last update is that day's."""
    before, key, after = text(resource, identity).partition('"last_updated":"')
    return f"{before}{key}{day}{after[len(str(day)) :]}"


@contextmanager
def showing(calendar: Calendar) -> Iterator[str]:
    """The address of a server, in a thread of this process, that shows a calendar."""
    loop = asyncio.new_event_loop()
    listening = loop.run_until_complete(loop.create_server(lambda: Connection(calendar), "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/rest/v1"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


def in_days(*, few: int, many: int) -> Pair:
    """Lakes of the same rows: one with few daily commits behind it, one with many."""
    names = ("days-few", "days-many")
    calendar = Calendar(DAY)
    for name, begun in zip(names, (many - few, 0), strict=True):
        _live_through(name, calendar, range(begun, many))
    calendar.passed = many + 1
    last = DAY + timedelta(days=many)
    after = [APPLICATIONS, DOCUMENTS + (many + 1) * NEW, len(calendar.changed(many)), NEW]
    return Pair(
        f"a day after {few} daily commits and after {many}",
        names,
        lambda: showing(calendar),
        f"{last + timedelta(days=1)}T03:00:00",
        last,
        (after, after),
    )


def _live_through(name: str, calendar: Calendar, days: range) -> None:
    """Load in full as a day begins, then run once after every day."""
    shutil.rmtree(WORK / name, ignore_errors=True)
    config = write_configuration(name, SIZES)
    with showing(calendar) as url:
        os.environ.update(environment("full", url))
        for number in [days.start - 1, *days]:
            calendar.passed = number + 1
            os.environ["PLANLAKE_NOW"] = f"{calendar.first + timedelta(days=number + 1)}T03:00:00"
            _run(config, name, number)


def _run(config: Path, name: str, number: int) -> None:
    before = time.process_time()
    result = run(load_config(config), Selection())
    if result.exit_code:
        sys.exit(f"{name}, day {number}: {result}")
    if number % 20 == 0:
        print(f"{name}: day {number}, {time.process_time() - before:.2f} CPU s, the server's among them", flush=True)
