"""Units on Spark's executors: two Java processes with a worker of Python each, on this machine.

Skipped where PySpark or Java is not installed; `make test-spark` installs one and runs this.
"""

import json
import os
import pickle
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from conftest import feeding
from engines.conftest import MASTER, of_spark
from engines.on_executors import (
    MARKED,
    always_lose_executor,
    fail,
    fail_unknown,
    look_elsewhere,
    need_nothing_there_is,
    refine_and_lose_executor,
    snapshot_and_lose_executor,
    square,
)
from engines.two_engines import assert_equal, contents, needs_spark
from flow.ingest.served import DAY_1, DAY_2, PATIENCE, TWO_KINDS, change_two_kinds, two_kinds
from planlake.changes.maintain import maintain
from planlake.config import Config, Settings
from planlake.errors import ConfigurationError, LakeError
from planlake.inspection.cluster import examine_cluster
from planlake.lake.aws.file_access import FileAccess
from planlake.lake.open_lake import open_lake
from planlake.lake.tables.housekeeping import live_paths
from planlake.lake.tables.parquet import Target

pytestmark = needs_spark


def test_units_come_back_in_their_order_from_more_than_one_executor(spark):
    done = list(spark.map(square, range(40)))
    assert [result for result, *_ in done] == [number * number for number in range(40)]
    assert len({process for _, process, _ in done}) == 2
    assert os.getpid() not in {process for _, process, _ in done}


def test_an_error_of_a_unit_is_raised_as_it_is_without_javas_trace(spark):
    with pytest.raises(LakeError) as raised:
        list(spark.map(fail, ["applications: 3 files"]))
    assert raised.value.lines() == [
        "Error: a file cannot be read (unit=applications: 3 files)",
        "hint: planlake recover",
    ]
    with pytest.raises(RuntimeError, match="OfThisFunctionError: odd"):
        list(spark.map(fail_unknown, [1]))


def test_what_spark_cannot_do_is_one_sentence_with_the_unit(spark):
    with pytest.raises(LakeError) as raised:
        list(spark.map(always_lose_executor, ["applications: 3 files"]))
    said = raised.value.lines()
    assert said[0].startswith("Error: Spark could not carry out a unit of work (unit=applications: 3 files")
    assert "\tat " not in "".join(said)
    assert len(said[0]) < 600
    assert next(spark.map(square, [3]))[0] == 9  # there are executors again


def test_no_key_goes_along_to_an_executor():
    names = (
        "s3.access-key-id",
        "s3.secret-access-key",
        "s3.session-token",
        "adls.sas-token",
        "adls.sas",
        "uri",
        "auth",
    )
    keys = {**dict.fromkeys(names, "hush"), "s3.endpoint": "http://me:hush@proxy", "header.Authorization": "hush"}
    target = Target("s3://lake/t", FileAccess(tuple({**keys, "s3.region": "eu-west-2"}.items())), None, 0)
    given = pickle.loads(pickle.dumps(target))
    assert given.access.properties == (("s3.region", "eu-west-2"),)
    assert b"hush" not in pickle.dumps(target)


SETTINGS = f"""{TWO_KINDS}\
settings:
  {{
    {PATIENCE}, concurrency: 1, table_concurrency: 1,
    rejected_percent: 100, uncastable_percent: 100, batch_megabytes: 1, engine: ENGINE,
  }}
"""


@pytest.fixture
def engine_of_runs(runs_on_spark, monkeypatch):
    """Units of a few rows, so that there are many."""
    monkeypatch.setattr("planlake.flow.snapshot.ranges.UNIT_CELLS", 400)


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """What the local engine makes of the two days."""
    return two_days(tmp_path_factory.mktemp("local"), "local")


def two_days(folder, engine, before_second=lambda _: None, after=lambda _: None):
    """Every table after a first load and the day after it, with findings and checks."""
    data = two_kinds(90)
    with feeding(data, folder, SETTINGS.replace("ENGINE", engine)) as feed:
        first = feed.run_at(DAY_1)
        change_two_kinds(data)
        before_second(feed.config)
        second = feed.run_at(DAY_2)
        assert (first.exit_code, second.exit_code) == (0, 0), (first, second)
        after(feed.config)
        return contents(feed.config)


def test_both_engines_give_the_same_tables_findings_and_checks(engine_of_runs, here, tmp_path):
    there = two_days(tmp_path / "spark", "spark")
    assert_equal(here, there)
    assert len(here["refined.current_numbered"][1]) == 92
    assert len(here["operations.uncastable"][1]) == 2


def test_an_executor_that_is_killed_doubles_and_loses_nothing(engine_of_runs, here, monkeypatch, marks, tmp_path):
    """In `snapshot`; the test after the next one has one that is killed in `refine`."""
    monkeypatch.setattr("planlake.flow.snapshot.step.snapshot_unit", snapshot_and_lose_executor)
    there = two_days(tmp_path / "spark", "spark")
    assert (marks / "snapshot").exists()
    assert_equal(here, there)


def test_drivers_that_are_killed_one_after_the_other_are_made_up_for_by_the_next_run(spark, here, marks, tmp_path):
    settings = of_spark(marks)

    def killed(config):
        file = config.folder / "planlake.yaml"
        file.write_text(f"{file.read_text()}spark: {json.dumps({'master': MASTER, 'settings': settings})}\n")
        variables = {
            **os.environ,
            "PYTHONPATH": settings["spark.executorEnv.PYTHONPATH"],
            MARKED: str(marks),
            "PLANLAKE_NOW": DAY_2,
        }
        for step in ("refine", "snapshot"):
            script = f"from engines.on_executors import run_and_be_killed; run_and_be_killed({str(file)!r}, {step!r})"
            left = subprocess.run([sys.executable, "-c", script], env=variables, capture_output=True, check=False)
            assert left.returncode == -signal.SIGKILL, left.stderr[-2000:]
            assert (marks / f"{step} without driver").exists()

    there = two_days(tmp_path / "spark", "spark", before_second=killed)
    assert_equal(refined(here), refined(there))


def refined(tables):
    """Without what says which run it was."""
    return {name: found for name, found in tables.items() if name.startswith("refined.")}


def test_what_tasks_wrote_twice_is_nobodys_and_maintain_removes_it(engine_of_runs, here, monkeypatch, marks, tmp_path):
    monkeypatch.setattr("planlake.flow.refine.step.refine_unit", refine_and_lose_executor)
    found = []

    def swept(config):
        assert (marks / "refine").exists()
        assert_equal(here, contents(config))
        nobodys = written(config) - referred(config)
        for file in written(config):
            os.utime(file, (0, 0))  # what is younger than an hour may be part of a commit to come
        maintain(config)
        found.append((nobodys, nobodys & written(config), referred(config) - written(config)))

    two_days(tmp_path / "spark", "spark", after=swept)
    ((nobodys, left, missing),) = found
    assert nobodys
    assert (left, missing) == (set(), set())


def referred(config):
    """The data files of every version of the refined tables."""
    lake, start = open_lake(config), datetime(2020, 1, 1, tzinfo=UTC)
    tables = [lake.find("refined", name) for name in lake.names("refined")]
    return {Path(path) for table in tables for path in live_paths(table, since=start) if path.endswith(".parquet")}


def written(config):
    return {file for file in (config.folder / "lake").rglob("*.parquet") if "refined" in str(file)}


def test_the_doctor_says_what_executors_have_and_reach(runs_on_spark, spark, monkeypatch, tmp_path):
    monkeypatch.setattr("planlake.inspection.cluster.spark_of", lambda _: spark)
    config = Config(settings=Settings(engine="spark"), folder=tmp_path)

    def said(warehouse):
        return {
            one.check: (one.verdict, one.seen, one.exit_code)
            for one in examine_cluster(config, str(warehouse), FileAccess())
        }

    tables = tmp_path / "lake"
    verdict, seen, _ = said(tables)["executors"]
    assert (verdict, "not made yet: not tried" in seen) == ("ok", True)
    tables.mkdir()
    found = said(tables)
    assert found["Spark"][0] == "ok"
    assert found["Spark"][1].startswith(spark.session.version)
    verdict, seen, _ = found["executors"]
    assert (verdict, "this planlake; read and wrote the warehouse" in seen) == ("ok", True)
    assert list(tables.iterdir()) == []  # it leaves nothing behind


def test_the_doctor_names_an_executor_that_does_not_reach_the_warehouse(runs_on_spark, spark, monkeypatch, tmp_path):
    monkeypatch.setattr("planlake.inspection.cluster.spark_of", lambda _: spark)
    monkeypatch.setattr("planlake.inspection.cluster.look", look_elsewhere)
    config = Config(settings=Settings(engine="spark"), folder=tmp_path)
    *_, last = examine_cluster(config, str(tmp_path), FileAccess())
    assert (last.check, last.verdict, last.exit_code) == ("executors", "failed", 3)
    assert "cannot read" in last.seen
    assert "docs/deploy/spark.md" in last.advice
    assert list(tmp_path.iterdir()) == []


def test_an_executor_with_another_planlake_does_nothing(spark, monkeypatch):
    monkeypatch.setattr("planlake.engines.spark.__version__", "0.0.1")
    with pytest.raises(ConfigurationError) as raised:
        list(spark.map(square, [1]))
    assert raised.value.message.startswith("the driver has planlake 0.0.1, an executor of Spark ")
    assert raised.value.hint.startswith("install planlake 0.0.1 there")


def test_an_executor_without_what_a_unit_needs_is_told_so(spark):
    with pytest.raises(ConfigurationError) as raised:
        list(spark.map(need_nothing_there_is, [1]))
    assert raised.value.message == "an executor of Spark cannot import nowhere_to_be_found"
