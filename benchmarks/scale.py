"""First loads of large tables: how much time and memory they take, one process each.

    python benchmarks/scale.py                                               # 200,000 x 752 and 2,000,000 x 40
    python benchmarks/scale.py --applications 40000 --documents 0            # one table, another size

The server makes the records while it sends them, by putting new ids into rendered ones, so that no disk fills: 200,000
applications are 5.6 GB of pages. Rows, ids and cells that do not cast are counted before figures count.
"""

import argparse
import json
import shutil
import sys

from measure import Measurement, measured
from records import FIRST_ID, SIZES, full_ids, is_bad
from report import machine
from systems import HERE, LOG, PLANLAKE, WORK, environment, planlake_answer, serving, write_configuration

LIMIT_MB = 1_200
DEFAULTS = {"applications": 200_000, "documents": 2_000_000}
COUNTS = "select count(*), count(distinct id), min(id), max(id), (select count(*) from uncastable) from {resource}"


def load(resource: str, size: int) -> Measurement:
    """One `planlake run` of one table into an empty lake, its result counted."""
    name = f"scale-{resource}"
    folder = WORK / name
    shutil.rmtree(folder, ignore_errors=True)
    file = write_configuration(name, [resource])
    with serving("full", f"--{resource}", str(size)) as url:
        command = [*PLANLAKE, "run", "--config", str(file)]
        figures = measured(command, folder=folder, environment=environment("full", url), log=LOG)
    answer = planlake_answer(COUNTS.format(resource=resource), "csv", file).decode()
    found = [int(number) for number in answer.splitlines()[1].split(",")]
    if found != expected(resource, size):
        sys.exit(f"{resource}: rows, ids, lowest, highest, uncastable are {found}, not {expected(resource, size)}")
    shutil.rmtree(folder)
    return figures


def expected(resource: str, size: int) -> list[int]:
    """What COUNTS must answer: ids end with the last rendered one, and rendered records come round again."""
    stop, rendered = full_ids(resource).stop, full_ids(resource)
    bad = [place for place, identity in enumerate(rendered) if is_bad(resource, identity)]
    whole, rest = divmod(size, len(rendered))
    uncastable = whole * len(bad) + sum(place >= len(rendered) - rest for place in bad)
    return [size, size, stop - size, stop - 1, uncastable]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for resource, size in DEFAULTS.items():
        most = FIRST_ID[resource] + SIZES[resource] - 1
        parser.add_argument(f"--{resource}", type=int, default=size, help=f"how many; 0 none, at most {most}")
    given = parser.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    results: dict[str, object] = {"machine": machine(), "limit_mb": LIMIT_MB}
    for resource in DEFAULTS:
        size = getattr(given, resource)
        if size:
            figures = load(resource, size).rounded()
            results[resource] = {"rows": size, **figures, "holds": figures["peak_mb"] <= LIMIT_MB}
            print(f"{resource:13s} {size:9d}  {figures}  peak at most {LIMIT_MB} MB: {figures['peak_mb'] <= LIMIT_MB}")
    if all(getattr(given, resource) == size for resource, size in DEFAULTS.items()):
        (HERE / "results" / "scale.json").write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
