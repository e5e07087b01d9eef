"""Both engines make the same tables, cell by cell: of the demo's records, and of the benchmark's at a twentieth.

Of the demo's weekly tables three, as they are all alike: Spark takes as long for one of ten rows as for a large one.
"""

import os
import subprocess
import sys
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from conftest import feeding
from engines.two_engines import assert_equal, contents, needs_spark
from planlake.cli.setup.demo import DAILY
from planlake.cli.setup.demo import WEEKLY as ALL_WEEKLY
from planlake.config import load_config
from planlake.runs.plan import Selection
from planlake.runs.run import run
from planlake.simulator.choose import dataset

pytestmark = needs_spark
BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
WEEKLY = ALL_WEEKLY[:3]
DAYS = ("2026-11-23T03:00:00", "2026-11-24T03:00:00")
# One table after the other: a relation is checked against what the other table shows at that moment.
OF_DEMO = f"""\
source: tascomi
tables: {{daily: [{", ".join(DAILY)}], weekly: [{", ".join(WEEKLY)}]}}
settings: {{engine: ENGINE, table_concurrency: 1}}
"""
OF_BENCHMARK = """\
api: {base_url: "URL", public_key: "${BENCHMARK_KEY}", private_key: "${BENCHMARK_KEY}"}
tables: {daily: [applications, documents]}
settings: {audit_days: 0, engine: ENGINE}
"""


def demo(folder, engine):
    """Every table of the demo after its first day, and after its second."""
    data = dataset("tascomi", now=datetime.fromisoformat(DAYS[0]))
    data.keeps_all = True
    with feeding(data, folder, OF_DEMO.replace("ENGINE", engine)) as feed:
        for day in DAYS:
            result = feed.run_at(day, *DAILY, *WEEKLY)
            assert {one.outcome for one in result.tables} <= {"loaded", "unchanged"}, result
            yield contents(feed.config)


@contextmanager
def serving(state):
    """The benchmark's server, with a twentieth of its records."""
    command = [sys.executable, str(BENCHMARKS / "serve.py"), "--state", state]
    variables = {**os.environ, "BENCHMARK_SCALE": "0.05"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=variables) as server:
        try:
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


def benchmark(folder, engine, monkeypatch):
    """Its two tables after the full load, and after the day."""
    monkeypatch.setenv("BENCHMARK_KEY", "not checked")
    folder.mkdir()
    for state, day in zip(("full", "day"), DAYS, strict=True):
        with serving(state) as url:
            text = OF_BENCHMARK.replace("URL", url).replace("ENGINE", engine)
            (folder / "planlake.yaml").write_text(text)
            monkeypatch.setenv("PLANLAKE_NOW", day)
            config = load_config(folder / "planlake.yaml")
            assert run(config, Selection()).exit_code == 0
        yield contents(config)


def agree(here, there, *, least):
    here, there = list(here), list(there)  # one after the other: each sets the clock
    assert len(here) == len(there) == len(DAYS)
    for one, other in zip(here, there, strict=True):
        assert_equal(one, other)
        assert sum(len(rows) for _, rows in one.values()) >= least


def test_the_demos_tables_are_equal_after_both_days(runs_on_spark, tmp_path):
    agree(demo(tmp_path / "here", "local"), demo(tmp_path / "there", "spark"), least=8_000)


def test_the_benchmarks_tables_are_equal_after_the_full_load_and_the_day(runs_on_spark, tmp_path, monkeypatch):
    here, there = (benchmark(tmp_path / engine, engine, monkeypatch) for engine in ("local", "spark"))
    agree(here, there, least=22_000)
