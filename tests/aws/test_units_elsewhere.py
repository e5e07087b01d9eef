"""Units of a lake on S3 are carried out by processes that know nothing of it: by their role, no key is sent along."""

import json
import pickle
import subprocess
import sys

import pytest

from aws.stand_ins import KEY, SECRET
from conftest import feeding
from engines.two_engines import assert_equal, contents
from flow.ingest.served import DAY_1, DAY_2, fill, served, settings_of
from planlake.engines.local import LocalEngine
from planlake.runs.plan import Selection
from planlake.runs.run import run

ELSEWHERE = """\
import pickle, sys
work, units = pickle.load(sys.stdin.buffer)
pickle.dump([work(unit) for unit in units], sys.stdout.buffer)
"""


def test_another_process_reads_and_writes_the_tables_by_what_a_unit_says_and_its_own_role(
    stand_ins, bucket, tmp_path, monkeypatch
):
    given = []

    def elsewhere(engine, work, units):
        given.append(pickle.dumps((work, list(units))))
        done = subprocess.run([sys.executable, "-c", ELSEWHERE], input=given[-1], capture_output=True, check=True)
        yield from pickle.loads(done.stdout)

    data = served(["things"], page_size=20, now=DAY_1)
    fill(data, "things", 50)
    keys = {"s3.access-key-id": KEY, "s3.secret-access-key": SECRET}
    catalog = {"type": "glue", "properties": {**stand_ins.properties, **keys}}
    there = {"catalog": catalog, "warehouse": f"s3://{bucket}/elsewhere/", "database_prefix": "elsewhere-"}
    places = json.dumps({"here": {}, "aws": there})
    with feeding(data, tmp_path, f"{settings_of(['things'])}\nenvironments: {places}\n") as feed:
        for day in (DAY_1, DAY_2):
            feed.monkeypatch.setenv("PLANLAKE_NOW", day)
            assert run(feed.config, Selection(), environment="here").exit_code == 0
            with monkeypatch.context() as apart:
                apart.setattr(LocalEngine, "map", elsewhere)
                assert run(feed.config, Selection(), environment="aws").exit_code == 0
            fill(data, "things", 5, "2026-11-17 09:00:00", start=3, name="changed")
        assert_equal(*(contents(feed.config, place) for place in ("here", "aws")))
    assert len(given) > 3
    assert not any(SECRET.encode() in one for one in given)


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    monkeypatch.setenv("PLANLAKE_LOG", "off")
