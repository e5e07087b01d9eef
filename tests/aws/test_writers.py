"""Several writers of one lake on S3, at once and killed: nothing is lost, nothing doubled, run numbers are unique.

`PLANLAKE_SOAK=1` (`make soak`) makes it 200 runs in pairs, 20 kills and 2 x 100 commits.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest

from conftest import feeding
from flow.ingest.served import DAY_1, DAY_2, fill, served, settings_of
from planlake.lake.open_lake import open_lake
from planlake.report.query import open_views
from querying import answer

IS_SOAK = os.environ.get("PLANLAKE_SOAK", "0") != "0"
PAIRS, KILLS, COMMITS = (100, 20, 100) if IS_SOAK else (1, 2, 10)
# A run with a lease of three seconds, so that a test need not wait for a minute after each kill.
RUN = """
import sys
from pathlib import Path
from planlake.lake.state import lease
lease.SECONDS, lease.RENEWED_AFTER, lease.MARGIN, lease.PAUSE_SECONDS = 3, 0.5, 1, 0.1
from planlake.config import load_config
from planlake.runs.plan import Selection
from planlake.runs.run import run
print(run(load_config(Path(sys.argv[1])), Selection(is_full=True)).exit_code)
"""
# Forgets the record 7, and stands still where it is about to delete what nothing refers to.
FORGET = """
import os, signal, sys
from pathlib import Path
from planlake.changes import forget as changes
from planlake.lake.state import lease
lease.SECONDS, lease.RENEWED_AFTER, lease.MARGIN, lease.PAUSE_SECONDS = 3, 0.5, 1, 0.1
from planlake.config import load_config
plain = changes.delete_unreferenced
def paused(*given):
    changes.delete_unreferenced = plain
    print("about to delete", flush=True)
    os.kill(os.getpid(), signal.SIGSTOP)
    return plain(*given)
changes.delete_unreferenced = paused
changes.forget(load_config(Path(sys.argv[1])), "things", "7", confirm=lambda _: True)
"""
COMMIT = """
import sys
from pathlib import Path
from planlake.config import load_config
from planlake.errors import ConflictError
from planlake.lake.open_lake import open_lake
from planlake.lake.tables.commits import commit
lake, done = open_lake(load_config(Path(sys.argv[1]))), 0
while done < int(sys.argv[2]):
    lake.loaded.clear()
    table = lake.find("refined", "current_things")
    count = int(table.current_snapshot().summary.additional_properties.get("count", 0))
    try:
        commit(table, properties={"count": str(count + 1)})
    except ConflictError:
        continue
    done += 1
"""


@pytest.fixture
def feed(stand_ins, bucket, tmp_path, request):
    data = served(["things"], page_size=20, now=DAY_1)
    fill(data, "things", 50)
    place = json.dumps({"type": "glue", "properties": stand_ins.properties})
    prefix = f"{request.node.name[:20].lower().replace('_', '-').replace('[', '-')}-"
    more = (
        f'environments: {{aws: {{catalog: {place}, warehouse: "s3://{bucket}/{prefix}/", database_prefix: {prefix}}}}}'
    )
    settings = settings_of(["things"]).replace("settings: {", "settings: {lease_wait_seconds: 60, ")
    with feeding(data, tmp_path, f"{settings}\n{more}\n") as made:
        made.monkeypatch.setenv("PLANLAKE_NOW", DAY_1)
        made.monkeypatch.setenv("PLANLAKE_LOG", "off")
        yield made


def begun(feed, script, *arguments):
    command = [sys.executable, "-c", script, str(feed.config.folder / "planlake.yaml"), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(process):
    out, err = process.communicate(timeout=300)
    assert (process.returncode, out.strip()) == (0, "0"), err[-3000:]


def asked(feed, query):
    with open_views(feed.config) as views:
        return answer(views, query).to_pylist()


def assert_all_there_once(feed, records):
    rows = asked(feed, "select id, name from things order by id")
    assert [row["id"] for row in rows] == list(range(1, records + 1))
    runs = [row["run"] for row in asked(feed, "select run from runs where resource is null")]
    assert len(runs) == len(set(runs))
    lake = open_lake(feed.config)
    raw = lake.find("raw", "api_responses").scan().to_arrow()
    keys = list(zip(raw["resource"].to_pylist(), raw["batch"].to_pylist(), raw["record_hash"].to_pylist(), strict=True))
    assert len(keys) == len(set(keys))
    return runs


def test_runs_in_pairs_take_turns(feed):
    for number in range(PAIRS):
        pair = [begun(feed, RUN), begun(feed, RUN)]
        for one in pair:
            ended(one)
        fill(feed.data, "things", 5, "2026-11-17 02:30:00", start=1, name=f"in pair {number}")
    assert len(assert_all_there_once(feed, 50)) == 2 * PAIRS


def test_runs_that_are_killed_at_any_moment_are_made_up_for(feed):
    chance = random.Random(19 if not IS_SOAK else None)
    ended(begun(feed, RUN))
    feed.monkeypatch.setenv("PLANLAKE_NOW", DAY_2)
    for number in range(KILLS):
        fill(feed.data, "things", 6, "2026-11-17 09:00:00", start=1 + number, name=f"before kill {number}")
        running = begun(feed, RUN)
        time.sleep(chance.uniform(0.8, 4.0))
        running.kill()
        running.communicate()
        ended(begun(feed, RUN))
        rows = asked(feed, f"select count(*) as n from things where name = 'before kill {number}'")
        assert rows[0]["n"] == 6
    assert_all_there_once(feed, 50)


def test_who_lost_the_lake_before_it_deletes_leaves_all_files_of_who_took_it_over(feed):
    ended(begun(feed, RUN))
    feed.monkeypatch.setenv("PLANLAKE_NOW", DAY_2)
    late = begun(feed, FORGET)
    assert late.stdout.readline() == "about to delete\n"
    fill(feed.data, "things", 6, "2026-11-17 09:00:00", start=1, name="taken over")
    ended(begun(feed, RUN))
    late.send_signal(signal.SIGCONT)
    _, err = late.communicate(timeout=120)
    assert "this run does not hold the lake any more" in err
    for table in ("things where name = 'taken over'", "api_responses where api_response like '%taken over%'"):
        assert asked(feed, f"select count(*) as n from {table}")[0]["n"] == 6
    assert asked(feed, "select count(*) as n from things")[0]["n"] == 50


def test_commits_of_two_processes_are_all_counted(feed):
    ended(begun(feed, RUN))
    both = [begun(feed, COMMIT, str(COMMITS)) for _ in range(2)]
    for one in both:
        _, err = one.communicate(timeout=600)
        assert one.returncode == 0, err[-2000:]
    summary = open_lake(feed.config).find("refined", "current_things").current_snapshot().summary
    assert summary.additional_properties["count"] == str(2 * COMMITS)
