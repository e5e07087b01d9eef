"""What a day costs as a lake grows: in rows, and in days.

    python benchmarks/growth.py                       # both, full size
    python benchmarks/growth.py --only rows           # the same day on the full tables and on tables twice the size
    python benchmarks/growth.py --only days           # the same day after 400 daily commits and after 10

Twice the size: older records go before the same ones, so that the day changes the same ids. Days: a small table is
loaded and runs a day at a time, in one process, PLANLAKE_NOW moved on; every day changes ten applications and brings
twenty documents. The lake with few commits is loaded in full so late that both end on the same day with the same rows.
The day measured is a process of its own, on a copy of each lake, in turns; compared are medians of CPU time.
"""

import argparse
import json
import os
import shutil
import statistics
from collections.abc import Callable, Mapping

LIMITS = {"rows": 1.15, "days": 1.3}


def main() -> None:
    given = arguments()
    os.environ["BENCHMARK_SCALE"] = str(given.scale)  # before the records are imported, here and in every process
    import growing  # noqa: PLC0415
    from systems import HERE, WORK  # noqa: PLC0415

    WORK.mkdir(parents=True, exist_ok=True)
    measures: Mapping[str, Callable[[], growing.Pair]] = {
        "rows": growing.in_rows,
        "days": lambda: growing.in_days(few=given.few, many=given.days),
    }
    results: dict[str, object] = {"scale": given.scale, "repeats": given.repeat}
    for name in given.only.split(","):
        pair = measures[name]()
        small, large = pair.cpu_in_turns(given.repeat)
        ratio = statistics.median(large) / statistics.median(small)
        results[name] = {"small_cpu_s": small, "large_cpu_s": large, "ratio": round(ratio, 3)}
        results[name] |= {"must_be": f"<= {LIMITS[name]}", "holds": ratio <= LIMITS[name]}
        print(f"{pair.what}: {small} and {large} CPU s, {ratio:.3f} times, at most {LIMITS[name]}", flush=True)
    if given.scale == 1 and given.only == "rows,days" and given.days == 400:
        (HERE / "results" / "growth.json").write_text(json.dumps(results, indent=2) + "\n")
    if not given.keep:
        shutil.rmtree(WORK)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="rows,days", choices=("rows,days", "rows", "days"))
    parser.add_argument("--repeat", type=int, default=5, help="how often the day is measured on each")
    parser.add_argument("--scale", type=float, default=1.0, help="times as many records (rows only)")
    parser.add_argument("--days", type=int, default=400, help="daily commits of the old lake")
    parser.add_argument("--few", type=int, default=10, help="daily commits of the young lake")
    parser.add_argument("--keep", action="store_true", help="leave lakes and rendered records in place")
    return parser.parse_args()


if __name__ == "__main__":
    main()
