"""Runs with models that are killed between any two of their commits: the next run ends with everything right."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import feeding
from flow.ingest.served import DAY_1, DAY_2, DAY_3, assert_equal, fill, served, settings_of, shown
from planlake.lake.open_lake import open_lake

SOAK = int(os.environ.get("PLANLAKE_SOAK", "0"))
KILLS = 3  # of each day, without PLANLAKE_SOAK; with it all there are
KILLED_RUN = Path(__file__).with_name("killed_run.py")
MODELS = {
    "lines": """\
-- One row for each thing.
--
-- checks: {unique: [id], complete: [id]}
select id, upper(name) as label, amount from refined.things
""",
    "by_ward": """\
-- Things of each ward.
--
-- checks: {unique: [ward], relations: {ward: refined.wards_.id}}
select w.id as ward, any_value(w.name) as name, count(l.id) as things, sum(l.amount) as total
from refined.wards_ w left join trusted.lines l on l.id % 5 = w.id % 5 group by w.id
""",
    "in_all": "select sum(things)::bigint as things, sum(total) as total from trusted.by_ward\n",
}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """A daily and a weekly table that three models stand on, one upon another; how the lake is before its first run."""
    data = served(["things", "wards_"], page_size=10)
    with feeding(data, tmp_path_factory.mktemp("killed"), settings_of(["things"], ["wards_"])) as made:
        fill(data, "things", 21)
        fill(data, "wards_", 5)
        (made.config.folder / "models").mkdir()
        for name, text in MODELS.items():
            (made.config.folder / f"models/{name}.sql").write_text(text)
        yield made, made.remembered()


def change(feed):
    """What is new on the second day: records, and another column of the first model."""
    fill(feed.data, "things", 7, "2026-11-17 09:00:00", start=18, name="changed")
    file = feed.config.folder / "models/lines.sql"
    file.write_text(file.read_text().replace("amount from", "amount, flag from"))


def killed(feed, now, point):
    """A run in a process of its own that is killed at a point; how many it passed where it was not."""
    feed.monkeypatch.setenv("PLANLAKE_NOW", now)
    command = [sys.executable, KILLED_RUN, feed.config.folder / "planlake.yaml", str(point)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == (-signal.SIGKILL if point else 0), done.stderr
    return 0 if point else int(done.stdout)


def versions(feed):
    """How many versions each trusted table has, of those that hold rows."""
    lake = open_lake(feed.config)
    return {name: len(lake.find("trusted", name).metadata.snapshots) for name in MODELS}


def assert_right(feed):
    """All tables are what the API shows, counted here in plain Python."""
    assert_equal(feed, "things", "wards_")
    things, wards = shown(feed.data, "things"), shown(feed.data, "wards_")
    lines = feed.rows("select id, label, amount from trusted.lines order by id")
    assert lines == [
        {"id": key, "label": one["name"].upper(), "amount": one["amount"]} for key, one in sorted(things.items())
    ]
    of_ward = {ward: [one for one in lines if one["id"] % 5 == ward % 5] for ward in wards}
    found = feed.rows("select ward, name, things, total from trusted.by_ward order by ward")
    assert found == [
        {"ward": ward, "name": wards[ward]["name"], "things": len(some), "total": sum(one["amount"] for one in some)}
        for ward, some in sorted(of_ward.items())
    ]
    total = sum(one["amount"] for one in lines)
    assert feed.rows("from trusted.in_all") == [{"things": len(things), "total": total}]


@pytest.mark.parametrize("day", [DAY_1, DAY_2])
def test_a_run_that_is_killed_between_any_two_commits_is_made_right_by_the_next(loaded, day):
    feed, set_back = loaded
    set_back()
    if day == DAY_2:
        feed.run_at(DAY_1)
        change(feed)
    at_first = feed.remembered()
    points = range(1, killed(feed, day, 0) + 1)
    assert_right(feed)
    undisturbed = versions(feed)
    seed = random.randrange(10**6)
    chosen = points if SOAK else random.Random(seed).sample(points, KILLS)
    for point in chosen:
        at_first()
        killed(feed, day, point)
        result = feed.run_at(day.replace("T03:00", "T03:30"))
        where = f"seed {seed}, killed at {point} of {len(points)}"
        assert result.exit_code == 0, where
        assert {one.outcome for one in result.models} <= {"built", "up to date"}, where
        assert_right(feed)
        assert versions(feed) == undisturbed, where
        assert {one.outcome for one in feed.run_at(DAY_3).models} == {"up to date"}, where
        assert versions(feed) == undisturbed, where
        if day == DAY_2:
            assert feed.rows("from trusted.in_all", as_of=DAY_1[:10]) == [{"things": 21, "total": 241.5}]
    print(f"{len(chosen)} kills at {len(points)} points of {day}")  # noqa: T201
