"""How long a command takes to answer on a lake of all 73 tables, beside another version of Planlake.

    python benchmarks/start_up.py [SOURCES [ROUNDS]]

SOURCES is the `src` folder of the other version (`git worktree add` makes one); without it this version runs alone.
Makes the lake with the API simulator in a temporary folder, then runs each command in a process of its own, the
versions in turns, after one turn that is not counted, and prints medians.
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

ROUNDS = 5
NOW = "2026-11-20T03:00:00"
PROGRAM = "from planlake.cli.main import program; program()"
COMMANDS = {
    "--help": ["--help"],
    "sql, one table": ["sql", "select count(*), max(snapshot_date) from applications"],
    "status": ["status"],
    "runs": ["runs"],
    "tables": ["tables"],
    "check": ["check"],
    "report": ["report", "--out", "report"],
}


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


def timed(command: list[str], sources: Path, folder: Path) -> tuple[float, float]:
    """Wall and CPU seconds of one process."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    variables = {**os.environ, "PYTHONPATH": str(sources)}
    variables.pop("PYTHONDONTWRITEBYTECODE", None)  # each version is compiled once, as an installed one is
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=variables, cwd=folder)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    own = Path(__file__).parent.parent / "src"
    versions = {"before": Path(sys.argv[1]).resolve(), "now": own} if len(sys.argv) > 1 else {"now": own}
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else ROUNDS
    with TemporaryDirectory() as place, lake_of_all_tables(Path(place)):
        for what, words in COMMANDS.items():
            found: dict[str, list[tuple[float, float]]] = {name: [] for name in versions}
            for _ in range(rounds + 1):
                for name, sources in versions.items():
                    found[name].append(timed([sys.executable, "-c", PROGRAM, *words], sources, Path(place)))
            middle = {
                name: [statistics.median(side) for side in zip(*figures[1:], strict=True)]
                for name, figures in found.items()
            }
            shown = [f"{name} {wall:.2f} s wall, {cpu:.2f} s CPU" for name, (wall, cpu) in middle.items()]
            ratios = [now / before for before, now in zip(*middle.values(), strict=True)] if len(middle) > 1 else []
            print(f"{what:16s} {'; '.join(shown)} {' '.join(f'{ratio:.2f} x' for ratio in ratios)}", flush=True)


if __name__ == "__main__":
    main()
