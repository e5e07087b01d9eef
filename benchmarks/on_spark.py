"""A full load of applications by each engine: seconds, CPU by kind of process, and the memory of Spark's executors.

    make test-spark SPARKS=3.5                                        # installs PySpark
    PYTHONPATH=src:.venv-spark/3.5 python benchmarks/on_spark.py      # 200,000 x 752, on local-cluster[2,1,1024]
    PYTHONPATH=src:.venv-spark/3.5 python benchmarks/on_spark.py --applications 2000 --engines local,spark --day

The tables of both engines are compared row by row where both are asked for. An executor is a Java process and the
workers of Python below it; the largest sum of their resident memory that was seen is told, twenty times a second.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from threading import Event, Thread

import duckdb
import psutil

from systems import HERE, PLANLAKE, WORK, environment, serving

MASTER = "local-cluster[2,1,1024]"
CONFIGURATION = """\
api: {{base_url: "${{BENCHMARK_URL}}", public_key: "${{BENCHMARK_KEY}}", private_key: "${{BENCHMARK_KEY}}"}}
tables: {{daily: [applications]}}
settings: {{audit_days: 0, engine: {engine}}}
spark: {spark}
"""


class Watch(Thread):
    """Looks at a process and all below it while it runs: the largest executor, the largest worker, CPU by kind."""

    def __init__(self, process: psutil.Process) -> None:
        super().__init__(daemon=True)
        self.process, self.is_over = process, Event()
        self.executor_mb = self.worker_mb = self.driver_mb = 0.0
        self.cpu: dict[int, tuple[str, float]] = {}

    def run(self) -> None:
        """Look until told to stop."""
        while not self.is_over.wait(0.05):
            try:
                self.look()
            except psutil.Error:
                continue

    def look(self) -> None:
        """Once."""
        memory: dict[int, float] = defaultdict(float)
        own = self.process.memory_info().rss / 2**20
        self.driver_mb = max(self.driver_mb, own)
        self.note(self.process, "driver")
        for one in self.process.children(recursive=True):
            try:
                rss, line = one.memory_info().rss / 2**20, " ".join(one.cmdline())
                if "CoarseGrainedExecutorBackend" in line:
                    memory[one.pid] += rss
                    self.note(one, "executor's Java")
                elif "pyspark.daemon" in line:
                    java = next((up.pid for up in one.parents() if "java" in up.name()), 0)
                    memory[java] += rss
                    self.worker_mb = max(self.worker_mb, rss)
                    self.note(one, "workers")
                else:
                    self.note(one, "driver's Java")
            except psutil.Error:
                continue
        self.executor_mb = max(self.executor_mb, *memory.values(), 0)

    def note(self, process: psutil.Process, kind: str) -> None:
        """The CPU it had so far."""
        times = process.cpu_times()
        self.cpu[process.pid] = kind, times.user + times.system

    def cpu_by_kind(self) -> dict[str, float]:
        """Seconds of CPU of each kind of process."""
        found: dict[str, float] = defaultdict(float)
        for kind, seconds in self.cpu.values():
            found[kind] += seconds
        return {kind: round(seconds, 1) for kind, seconds in found.items()}


def load(engine: str, state: str, url: str, master: str) -> dict[str, object]:
    """One run, watched."""
    folder = WORK / f"on-{engine}"
    paths = os.pathsep.join(path for path in (str(HERE.parent / "src"), *sys.path) if path)
    settings = {"spark.executorEnv.PYTHONPATH": paths}
    spark = json.dumps({"master": master, "settings": settings})
    (folder / "planlake.yaml").write_text(CONFIGURATION.format(engine=engine, spark=spark))
    variables = {**os.environ, **environment(state, url), "PYTHONPATH": paths, "PLANLAKE_LOG": "off"}
    started = time.monotonic()
    command = [*PLANLAKE, "run", "--json", "--config", str(folder / "planlake.yaml")]
    process = subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, text=True)
    watch = Watch(psutil.Process(process.pid))
    watch.start()
    said, _ = process.communicate()
    watch.is_over.set()
    assert process.returncode == 0, said
    return {
        "engine": engine,
        "state": state,
        "wall_s": round(time.monotonic() - started, 1),
        "cpu_s": watch.cpu_by_kind(),
        "driver_mb": round(watch.driver_mb),
        "executor_mb": round(watch.executor_mb),
        "worker_mb": round(watch.worker_mb),
    }


def differences(engines: list[str]) -> int:
    """How many rows of the view only one of both engines has."""
    files = []
    for engine in engines:
        file = WORK / f"on-{engine}.parquet"
        command = [*PLANLAKE, "sql", "--config", str(WORK / f"on-{engine}" / "planlake.yaml"), "--format", "parquet"]
        of_one_run = "import_datetime, import_timestamp, import_api_url_requested"
        query = f"select * exclude ({of_one_run}) from applications"
        variables = {**os.environ, **environment("day", "http://127.0.0.1/rest/v1")}
        file.write_bytes(subprocess.run([*command, query], check=True, stdout=subprocess.PIPE, env=variables).stdout)
        files.append(file)
    one, other = (f"(select * from read_parquet('{file}'))" for file in files)
    count = (
        f"select count(*) from ((from {one} except all from {other}) union all (from {other} except all from {one}))"
    )
    return duckdb.sql(count).fetchall()[0][0]


def main() -> None:
    """Measure, and print a line for each load."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--applications", type=int, default=200_000)
    parser.add_argument("--engines", default="spark")
    parser.add_argument("--master", default=MASTER)
    parser.add_argument("--day", action="store_true", help="the day after the full load too")
    asked = parser.parse_args()
    engines = asked.engines.split(",")
    for engine in engines:
        shutil.rmtree(WORK / f"on-{engine}", ignore_errors=True)
        (WORK / f"on-{engine}").mkdir(parents=True)
    for state in ("full", "day") if asked.day else ("full",):
        for engine in engines:
            with serving(state, "--applications", str(asked.applications)) as url:
                print(json.dumps(load(engine, state, url, asked.master)), flush=True)
    if len(engines) == 2:
        print(f"{differences(engines)} rows differ")


if __name__ == "__main__":
    main()
