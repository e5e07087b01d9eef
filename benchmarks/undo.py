"""How long it takes to undo a bad load, and what a preview costs.

    python benchmarks/undo.py                   # 21 tables: 3 of 20,000 x 752, 18 of 200,000 x 40; then 73 small ones
    python benchmarks/undo.py --scale 0.05       # a twentieth of the rows, to see it work

The bad load is a day of changes to every table. `planlake rollback --to DAY --zone all` undoes it, a process of its own
and so with its start-up; rows of every table and the bookmarks are compared with those before. `planlake undo` brings
it back, and `rollback` without batches undoes it again. Then, on a lake of all 73 resources: `planlake env create`, a
run of one table in the preview, `env diff`, `env promote`, `env drop`.
"""

import argparse
import json
import os
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from measure import Measurement, measured

LIMITS = {"rollback of 21 tables, --zone all": 5.0, "env create on 73 tables": 2.0}
WIDE, NARROW = 3, 18


def main() -> None:
    given = arguments()
    os.environ["BENCHMARK_SCALE"] = str(given.scale)  # before the records are imported, here and in every process
    figures = {**undoing(), **previewing()}
    results = {name: figure.rounded() for name, figure in figures.items()}
    for name, figure in results.items():
        limit = f" (at most {LIMITS[name]:g})" if name in LIMITS else ""
        print(f"{name}: {figure['wall_s']} s wall{limit}, {figure['cpu_s']} s CPU, {figure['written_mb']} MB written")
    if given.scale == 1:
        from systems import HERE  # noqa: PLC0415

        (HERE / "results" / "undo.json").write_text(json.dumps(results, indent=2) + "\n")


def undoing() -> dict[str, Measurement]:
    """A bad load of 21 tables, undone, brought back and undone again."""
    from systems import LOG, PLANLAKE, WORK, environment, planlake_answer, serving, write_configuration  # noqa: PLC0415

    tables = [f"applications_{n}" for n in range(1, WIDE + 1)] + [f"documents_{n}" for n in range(1, NARROW + 1)]
    folder = WORK / "undo"
    shutil.rmtree(folder, ignore_errors=True)
    file = write_configuration("undo", tables)
    file.write_text(file.read_text() + "resources:\n" + "".join(map(declared, tables)))

    def carry_out(state: str, *words: str) -> Measurement:
        with serving(state) as url:
            command = [*PLANLAKE, *words, "--config", str(file)]
            return measured(command, folder=folder, environment=environment(state, url), log=LOG)

    def held() -> bytes:
        counts = " union all ".join(
            f"select '{name}' as name, count(*) as n, max(batch) as batch, max(last_updated) as at from {name}"
            for name in tables
        )
        return planlake_answer(counts, "csv", file)

    found = {"load of 21 tables": carry_out("full", "run")}
    before = held()
    found["the bad day"] = carry_out("day", "run")
    bad = held()
    if bad == before:
        sys.exit("the day changed nothing")
    back = ("rollback", "--to", "2026-11-23", "--yes")
    found["rollback of 21 tables, --zone all"] = carry_out("day", *back, "--zone", "all")
    if held() != before:
        sys.exit("the tables are not as they were")
    found["undo of 21 tables"] = carry_out("day", "undo", "--yes")
    if held() != bad:
        sys.exit("the tables are not as they were after the day")
    found["rollback of 21 tables, --zone refined"] = carry_out("day", *back)
    found["the run after it, the same raw again"] = carry_out("day", "run")
    if held() != bad:
        sys.exit("the same raw gave something else")
    shutil.rmtree(folder)
    return found


def declared(table: str) -> str:
    """A resource of another name with the columns of a known one."""
    from planlake.sources.catalogue import load_catalogue  # noqa: PLC0415

    columns = load_catalogue("tascomi").resources[table.rpartition("_")[0]].columns
    listed = ", ".join(f"{name}: {kind}" for name, kind in columns.items())
    return f"  {table}: {{columns: {{{listed}}}}}\n"


def previewing() -> dict[str, Measurement]:
    """A preview of a lake of all resources."""
    from start_up import NOW, lake_of_all_tables  # noqa: PLC0415
    from systems import LOG, PLANLAKE  # noqa: PLC0415

    steps = {
        "env create on 73 tables": ("env", "create", "trying"),
        "a run of one table in it": ("run", "--env", "trying", "enforcement_breaches", "--full"),
        "env diff": ("env", "diff", "trying"),
        "env promote": ("env", "promote", "trying", "--yes"),
        "env drop": ("env", "drop", "trying", "--yes"),
    }
    found = {}
    with TemporaryDirectory() as folder, lake_of_all_tables(Path(folder)) as file:
        for name, words in steps.items():
            command = [*PLANLAKE, *words, "--config", str(file)]
            variables = {"PLANLAKE_NOW": NOW.replace("T03", "T05")}
            found[name] = measured(command, folder=Path(folder), environment=variables, log=LOG)
    return found


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="times as many records")
    return parser.parse_args()


if __name__ == "__main__":
    main()
