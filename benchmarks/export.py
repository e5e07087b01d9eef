"""What an export costs: 20,000 x 752 as a DuckDB file and as Parquet, one process each.

    python benchmarks/export.py                                              # BENCHMARK_SCALE=0.1 for a quick look

The lake is loaded first, not measured. Rows are counted before figures count.
"""

import os
import shutil
import subprocess
import sys

import duckdb

from measure import measured
from records import SIZES
from systems import LOG, PLANLAKE, WORK, environment, serving, write_configuration

RESOURCE = "applications"
OUTPUTS = {"a DuckDB file": "out.duckdb", "Parquet": "out"}


def main() -> None:
    name = "export"
    folder = WORK / name
    shutil.rmtree(folder, ignore_errors=True)
    file = write_configuration(name, [RESOURCE])
    with serving("full", f"--{RESOURCE}", str(SIZES[RESOURCE])) as url:
        variables = environment("full", url)
        command = [*PLANLAKE, "run", "--config", str(file)]
        subprocess.run(command, check=True, env={**os.environ, **variables}, stdout=subprocess.DEVNULL)
    for what, out in OUTPUTS.items():
        command = [*PLANLAKE, "export", "--out", str(folder / out), "--config", str(file)]
        figures = measured(command, folder=folder, environment=variables, log=LOG)
        rows = RESOURCE if out.endswith(".duckdb") else f"read_parquet('{folder / out / RESOURCE}.parquet')"
        with duckdb.connect(str(folder / out) if out.endswith(".duckdb") else ":memory:") as connection:
            found = connection.execute(f"select count(distinct id) from {rows}").fetchall()[0][0]
        if found != SIZES[RESOURCE]:
            sys.exit(f"{what}: {found} rows, not {SIZES[RESOURCE]}")
        print(f"{what:14s} {figures.rounded()}", flush=True)
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
