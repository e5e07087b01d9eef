"""A run of a lake that is killed with SIGKILL at one point of its commits: `python killed_run.py planlake.yaml NUMBER`.

Each change of the catalogue has two points: before it, once all its files are written, and after it. Without a NUMBER
(0) none is killed, and how many there were is printed.
"""

import os
import signal
import sys
from pathlib import Path

from pyiceberg.catalog import MetastoreCatalog

from planlake.config import load_config
from planlake.lake.sqlite_catalogue import SqliteCatalogue
from planlake.runs.plan import Selection
from planlake.runs.run import run

CHANGES = ("create_namespace", "create_table", "drop_table", "_write_metadata", "commit_table")


def main():
    """Run, and be killed at the point of this number."""
    passed = 0

    def point():
        nonlocal passed
        passed += 1
        if passed == int(sys.argv[2]):
            os.kill(os.getpid(), signal.SIGKILL)

    for name in CHANGES:
        catalogue = (
            MetastoreCatalog if name == "_write_metadata" else SqliteCatalogue
        )  # which every catalogue writes by
        setattr(catalogue, name, _with_points(getattr(catalogue, name), name, point))
    run(load_config(Path(sys.argv[1])), Selection())
    print(passed)  # noqa: T201


def _with_points(change, name, point):
    def changed(*arguments, **more):
        if name != "_write_metadata":
            point()
        answered = change(*arguments, **more)
        point()
        return answered

    return staticmethod(changed) if name == "_write_metadata" else changed


if __name__ == "__main__":
    main()
