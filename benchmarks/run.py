"""The measurement: Planlake, the floor, dlt, PyAirbyte, a Singer tap and the Spark pipeline, in turns, same records.

    python benchmarks/run.py                           # everything; writes results/latest.json and the table in README
    python benchmarks/run.py --only planlake,floor     # some systems; printed, and written to work/ only
    python benchmarks/run.py --repeat 5                # medians of five; the slow ones' once, unless --repeat-slow
    python benchmarks/run.py --before ../older/src     # an older Planlake too (`git worktree add ../older COMMIT`)
    python benchmarks/run.py --scale 0.05              # a twentieth of the records, to see whether all of it works
    python benchmarks/run.py --profile                 # where Planlake's time goes (needs py-spy)

Every result is compared with what was served before its figures count: rows, ids, rows of the day, and some records
cell by cell. Ratios within one run rule; seconds differ from machine to machine and hour to hour.
"""

import argparse
import os
import shutil
from pathlib import Path

SYSTEMS = ("floor", "planlake", "dlt", "singer", "airbyte", "spark")
SLOW = ("airbyte", "spark")  # a quarter and half an hour


def main() -> None:
    given = arguments()
    os.environ["BENCHMARK_SCALE"] = str(given.scale)  # before the records are imported, here and in every process
    if given.before:
        os.environ["BENCHMARK_BEFORE"] = str(given.before)
    import measuring  # noqa: PLC0415

    measuring.write_inputs()
    try:
        if given.profile:
            measuring.profile_all()
        else:
            repeats = dict.fromkeys(given.only, given.repeat) | dict.fromkeys(SLOW, given.repeat_slow)
            names = [*given.only, *(["before"] if given.before else [])]
            measuring.measure_all({name: repeats.get(name, given.repeat) for name in names}, is_whole=is_whole(given))
    finally:
        if not given.keep:
            shutil.rmtree(measuring.WORK)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(SYSTEMS), help="systems, with commas between")
    parser.add_argument("--repeat", type=int, default=1, help="run everything so often and keep the medians")
    parser.add_argument("--before", type=existing_folder, help="the `src` of an older Planlake, measured in turns too")
    parser.add_argument("--repeat-slow", type=int, default=1, help="the same for Spark and PyAirbyte")
    parser.add_argument("--scale", type=float, default=1.0, help="times as many records, and changes of a day")
    parser.add_argument("--profile", action="store_true", help="show where Planlake's time goes instead")
    parser.add_argument("--keep", action="store_true", help="leave lakes and rendered records in place")
    given = parser.parse_args()
    given.only = given.only.split(",")
    if unknown := set(given.only) - set(SYSTEMS):
        parser.error(f"no system is called {min(unknown)}: {', '.join(SYSTEMS)}")
    return given


def existing_folder(text: str) -> Path:
    folder = Path(text).resolve()
    if not (folder / "planlake" / "__init__.py").exists():
        raise argparse.ArgumentTypeError(f"{folder} holds no planlake")
    return folder


def is_whole(given: argparse.Namespace) -> bool:
    """Whether the figures are those to be kept: all systems, full size."""
    return set(given.only) == set(SYSTEMS) and given.scale == 1 and not given.before


if __name__ == "__main__":
    main()
