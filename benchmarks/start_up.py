"""How long a command takes to answer: `planlake --help`, and a one-table query on a lake of all 73 tables.

    python benchmarks/start_up.py

Makes the lake with the API simulator in a temporary folder, then runs each command five times in a process of its own
and prints the best and the median.
"""

import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from planlake.config import load_config
from planlake.runs.plan import Selection
from planlake.runs.run import run
from planlake.simulator.app import PRIVATE_KEY, PUBLIC_KEY
from planlake.simulator.choose import dataset
from planlake.simulator.server import Simulator
from planlake.sources.catalogue import load_catalogue

REPEATS = 5
NOW = "2026-11-20T03:00:00"


@contextmanager
def lake_of_all_tables(folder: Path) -> Iterator[Path]:
    """The configuration of a lake that has all 73 resources, while their API can be asked."""
    names = ", ".join(load_catalogue("tascomi").resources)
    os.environ.update(TASCOMI_PUBLIC_KEY=PUBLIC_KEY, TASCOMI_PRIVATE_KEY=PRIVATE_KEY, PLANLAKE_NOW=NOW)
    with Simulator(dataset("tascomi", now=datetime.fromisoformat(NOW))) as simulator:
        file = folder / "planlake.yaml"
        file.write_text(f'api: {{base_url: "{simulator.url}"}}\ntables: {{daily: [{names}]}}\n')
        result = run(load_config(file), Selection())
        if result.exit_code or len(result.tables) != 73:
            sys.exit(f"the lake could not be made: {result}")
        yield file


def timed(command: list[str]) -> tuple[float, float]:
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def report(title: str, command: list[str]) -> None:
    times = [timed(command) for _ in range(REPEATS)]
    walls, cpus = zip(*times, strict=True)
    best, middle = f"{min(walls):.2f} s wall, {min(cpus):.2f} s CPU", f"{statistics.median(walls):.2f} s wall"
    print(f"{title}: best {best}; median {middle}")


def main() -> None:
    program = str(Path(sys.executable).with_name("planlake"))
    with TemporaryDirectory() as folder, lake_of_all_tables(Path(folder)) as file:
        report("planlake --help", [program, "--help"])
        query = "select count(*), max(snapshot_date) from applications"
        report("planlake sql on 73 tables", [program, "sql", "--config", str(file), query])


if __name__ == "__main__":
    main()
