"""Where a command's time goes: a table of busy seconds by function, from py-spy's samples.

A sample counts for the innermost function of Planlake (file and function) on its stack, of every thread that works.
Native code (DuckDB, Arrow) is counted where Planlake calls it. Being watched stretches a run and DuckDB's own threads
are not seen: read these as shares. Exact figures per step are what `run.py --profile` prints before them.
"""

import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

RATE = 200
FRAME = re.compile(r"^(\S+) \((?:.*/)?(planlake/\S+?)(?::\d+)?\)$")


def profiled(command: Sequence[str], *, environment: Mapping[str, str], samples: Path, title: str) -> None:
    """Run a command under py-spy and print what it was busy with."""
    if shutil.which("py-spy") is None:
        raise SystemExit("--profile needs py-spy: pip install py-spy")
    spy = ["py-spy", "record", "--format", "raw", "--rate", str(RATE), "--threads", "--output", str(samples)]
    subprocess.run([*spy, "--", *command], env={**os.environ, **environment}, check=True, capture_output=True)
    print(f"\n{title}: busy seconds by the innermost function of Planlake, as shares only")
    for place, count in by_place(samples.read_text()).most_common(25):
        print(f"{count / RATE:8.2f}  {place}")


def by_place(text: str) -> Counter[str]:
    """Samples by function, from lines of `frame;frame;frame count`."""
    found: Counter[str] = Counter()
    for line in text.splitlines():
        stack, _, count = line.rpartition(" ")
        places = [match for frame in stack.split(";") if (match := FRAME.match(frame))]
        found[f"{places[-1][2]} {places[-1][1]}" if places else "start-up, imports, the event loop"] += int(count)
    return found
