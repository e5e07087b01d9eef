"""What the rolling audit costs a night: requests and seconds on 21 daily tables.

    python benchmarks/audit.py                   # 3 tables of 20,000 x 752, 18 of 200,000 x 40
    python benchmarks/audit.py --scale 0.05       # a twentieth of the rows, to see it work

The tables are loaded once. The night after, on which nothing changed, is run from the same load three times: without an
audit, with one of 28 days (the default), and with one of 28 days after a week in which nothing ran. Each is a process
of its own, and so with its start-up. Requests are counted in the ledger, those of the days apart from the audit's.
"""

import argparse
import json
import os
import shutil
from pathlib import Path

from measure import Measurement, measured

WIDE, NARROW = 3, 18
NIGHTS = {  # what PLANLAKE_NOW and PLANLAKE_AUDIT_DAYS are
    "a night without an audit": ("2026-11-24T03:00:00", "0"),
    "a night with an audit of 28 days": ("2026-11-24T03:00:00", "28"),
    "the same after seven nights without a run": ("2026-12-01T03:00:00", "28"),
}
REQUESTS = "select count(*) filter ({}) as n from api_requests where status is not null"


def main() -> None:
    given = arguments()
    os.environ["BENCHMARK_SCALE"] = str(given.scale)  # before the records are imported, here and in every process
    figures, requests = nights()
    results = {name: {**figure.rounded(), "requests": requests[name]} for name, figure in figures.items()}
    for name, figure in results.items():
        asked, audits = figure["requests"]["all"], figure["requests"]["audit"]
        print(f"{name}: {asked} requests, {audits} the audit's; {figure['wall_s']} s wall, {figure['cpu_s']} s CPU")
    if given.scale == 1:
        from systems import HERE  # noqa: PLC0415

        (HERE / "results" / "audit.json").write_text(json.dumps(results, indent=2) + "\n")


def nights() -> tuple[dict[str, Measurement], dict[str, dict[str, int]]]:
    """The full load and each night after it: what it cost, and its requests."""
    from systems import WORK, write_configuration  # noqa: PLC0415
    from undo import declared  # noqa: PLC0415

    tables = [f"applications_{n}" for n in range(1, WIDE + 1)] + [f"documents_{n}" for n in range(1, NARROW + 1)]
    folder, kept = WORK / "audit", WORK / "audit-full"
    for place in (folder, kept):
        shutil.rmtree(place, ignore_errors=True)
    file = write_configuration("audit", tables)
    file.write_text(file.read_text() + "resources:\n" + "".join(map(declared, tables)))
    load = "a full load"
    figures, requests = {load: run(file, "2026-11-23T03:00:00", "0")}, {load: asked(file)}
    shutil.copytree(folder, kept)
    for name, night in NIGHTS.items():
        shutil.rmtree(folder)
        shutil.copytree(kept, folder)
        figures[name] = run(file, *night)
        after = asked(file)
        requests[name] = {kind: number - requests[load][kind] for kind, number in after.items()}
    shutil.rmtree(folder)
    shutil.rmtree(kept)
    return figures, requests


def run(file: Path, now: str, audit_days: str) -> Measurement:
    """A run of everything that is due, while the API shows what it showed at the full load."""
    from systems import LOG, PLANLAKE, environment, serving  # noqa: PLC0415

    with serving("full") as url:
        variables = {**environment("full", url), "PLANLAKE_NOW": now, "PLANLAKE_AUDIT_DAYS": audit_days}
        return measured([*PLANLAKE, "run", "--config", str(file)], folder=file.parent, environment=variables, log=LOG)


def asked(file: Path) -> dict[str, int]:
    """How many requests the ledger holds, in all and of the audit."""
    from systems import planlake_answer  # noqa: PLC0415

    kinds = {"all": "true", "audit": "\"window\" = 'audit'"}
    found = {kind: planlake_answer(REQUESTS.format(where), "json", file) for kind, where in kinds.items()}
    return {kind: json.loads(answer)[0]["n"] for kind, answer in found.items()}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="times as many records")
    return parser.parse_args()


if __name__ == "__main__":
    main()
