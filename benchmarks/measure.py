"""Measures a command: wall time, CPU, peak memory and the bytes it wrote into a folder.

CPU is user + system of the process and of all descendants it waited for (`wait4`): dlt waits for its workers, the Spark
script for its JVM, and the JVM for its Python workers. Peak memory is the larger of the kernel's own maximum of any one
of these processes (`ru_maxrss`; of Spark that is the JVM) and, where there are children, the sum over the process tree,
looked at every 50 ms. Processes younger than half a second are left out of that sum: between its making and its start a
process shows its parent's memory as its own, of a JVM gigabytes. Bytes written are the sizes of the files
that are new or changed in the folder afterwards: a DuckDB file counts whole where it was changed in place.
"""

import os
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import astuple, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

import psutil

MEGABYTE = 1e6
Result = TypeVar("Result")
GROWN_UP_SECONDS = 0.5


@dataclass(frozen=True)
class Measurement:
    """What one command cost."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    written_mb: float

    def rounded(self) -> dict[str, float]:
        """The figures as results are kept."""
        return {
            "wall_s": round(self.wall_s, 2),
            "cpu_s": round(self.cpu_s, 2),
            "peak_mb": round(self.peak_mb),
            "written_mb": round(self.written_mb, 1),
        }


def measured(command: Sequence[str], *, folder: Path, environment: Mapping[str, str], log: Path) -> Measurement:
    """Run a command to its end; one that fails ends the measurement, with its last words."""
    before = _files(folder)
    with log.open("ab") as output:
        started = time.perf_counter()
        process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=output, stderr=output)
        watched = _Tree(process.pid)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    watched.stop()
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{log.read_text()[-3000:]}")
    peak = max(usage.ru_maxrss * 1024, watched.peak)
    written = sum(size for file, (size, changed) in _files(folder).items() if before.get(file) != (size, changed))
    return Measurement(wall, usage.ru_utime + usage.ru_stime, peak / MEGABYTE, written / MEGABYTE)


def apart(function: Callable[..., Result], *arguments: object) -> Result:
    """What a function returns, in a process of its own: a command's peak begins with that of the one that starts it."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(function, *arguments).result()


def median(measurements: Sequence[Measurement]) -> Measurement:
    """The median of each figure over several runs of the same command."""
    return Measurement(*(statistics.median(figures) for figures in zip(*map(astuple, measurements), strict=True)))


def _files(folder: Path) -> dict[str, tuple[int, int]]:
    found = (file for file in folder.rglob("*") if file.is_file())
    return {str(file): ((status := file.stat()).st_size, status.st_mtime_ns) for file in found}


class _Tree:
    """Watches how much memory a process and its children hold together, for commands that have children."""

    def __init__(self, pid: int) -> None:
        self.peak = 0
        self._root = psutil.Process(pid)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.05):
            try:
                born_before = time.time() - GROWN_UP_SECONDS
                children = [each for each in self._root.children(recursive=True) if each.create_time() < born_before]
                if children:
                    self.peak = max(self.peak, sum(each.memory_info().rss for each in [self._root, *children]))
            except psutil.Error:  # one of them has just ended
                continue
