"""The measurement: a full load, the day after it, a day with changes anywhere, and ingestion beside its floor.

    python benchmarks/run.py                  # everything; writes benchmarks/results/latest.json, prints the table
    python benchmarks/run.py --repeat 3       # the quickest of three, on a machine that others use
    python benchmarks/run.py --profile        # where the time of the full load and of the day goes (needs py-spy)

Every result is checked with `planlake sql` before its figures count. Ratios within one run rule; seconds differ from
machine to machine and hour to hour.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from breakdown import profiled
from measure import Measurement, best, measured
from planlake.sources.catalogue import load_catalogue
from records import CHANGED_APPLICATIONS, DAY, NEW_DOCUMENTS, SIZES, changed_ids, full_ids, is_bad
from report import write_results

HERE = Path(__file__).parent
WORK = HERE / "work"
LAKE, KEPT, LOG = WORK / "lake", WORK / "lake-full", WORK / "log.txt"
PLANLAKE = [sys.executable, "-c", "from planlake.cli.main import main; main()"]
NOW = {"full": "2026-11-23T03:00:00", "day": "2026-11-24T03:00:00", "scattered": "2026-11-24T03:00:00"}
CONFIGURATION = """\
api: {base_url: "${BENCHMARK_URL}", public_key: "${BENCHMARK_KEY}", private_key: "${BENCHMARK_KEY}"}
tables: {daily: [applications, documents]}
"""
COUNTS = """
select (select count(*) from current_applications), (select count(*) from current_documents),
    (select count(*) from increment_applications), (select count(*) from increment_documents),
    (select count(distinct id) from applications), (select count(distinct id) from documents),
    (select count(*) from applications where last_updated::date = date '2026-11-23'),
    (select count(*) from documents where last_updated::date = date '2026-11-23'),
    (select count(*) from uncastable)"""


@contextmanager
def serving(state: str) -> Iterator[str]:
    """The address of a server process that shows this state."""
    command = [sys.executable, str(HERE / "serve.py"), "--state", state, "--pages", str(WORK / "pages")]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield server.stdout.readline().strip() if server.stdout else ""
    finally:
        server.terminate()
        server.wait()


def environment(state: str, url: str) -> dict[str, str]:
    return {
        "PLANLAKE_CONFIG": str(WORK / "planlake.yaml"),
        "PLANLAKE_NOW": NOW[state],
        "BENCHMARK_URL": url,
        "BENCHMARK_KEY": "not checked",
    }


def load(state: str, *arguments: str) -> Measurement:
    """One `planlake run` against the server of a state."""
    with serving(state) as url:
        command = [*PLANLAKE, "run", *arguments]
        return measured(command, folder=LAKE, environment=environment(state, url), log=LOG)


def check(state: str) -> None:
    """A measurement of a wrong result is worth nothing: compare counts with what was served."""
    command = [*PLANLAKE, "sql", "--format", "csv", COUNTS]
    variables = {**os.environ, **environment(state, "http://127.0.0.1:9/rest/v1")}
    answer = subprocess.run(command, env=variables, capture_output=True, text=True, check=True)
    found = [int(figure) for figure in answer.stdout.splitlines()[1].split(",")]
    if found != expected(state):
        raise SystemExit(f"{state}: the lake holds {found}, it should hold {expected(state)}")


def expected(state: str) -> list[int]:
    """What COUNTS must answer after a state was loaded."""
    applications, documents = SIZES["applications"], SIZES["documents"]
    bad = sum(is_bad("applications", identity) for identity in full_ids("applications"))
    if state == "full":
        return [applications, documents, applications, documents, applications, documents, 0, 0, bad]
    changed, new = CHANGED_APPLICATIONS, NEW_DOCUMENTS
    bad += sum(is_bad("applications", identity) for identity in changed_ids("applications", state))
    total = documents + new
    return [applications, total, applications + changed, total, applications, total, changed, new, bad]


def full_loads(repeat: int) -> Measurement:
    """Full loads into an empty lake; the last one is kept as the state the days start from."""
    found = []
    for _ in range(repeat):
        shutil.rmtree(LAKE, ignore_errors=True)
        found.append(load("full"))
        check("full")
    keep()
    return best(found)


def days(state: str, repeat: int) -> Measurement:
    """The day of a state, each time from the same full load, restored to the same place."""
    found = []
    for _ in range(repeat):
        restore()
        found.append(load(state))
        check(state)
    return best(found)


def keep() -> None:
    shutil.rmtree(KEPT, ignore_errors=True)
    shutil.copytree(LAKE, KEPT)


def restore() -> None:
    shutil.rmtree(LAKE, ignore_errors=True)
    shutil.copytree(KEPT, LAKE)


def ingest_beside_floor(repeat: int) -> tuple[Measurement, Measurement]:
    """Ingestion alone and the bare client in turns, against the same server."""
    ingests, floors = [], []
    with serving("full") as url:
        variables = environment("full", url)
        for _ in range(repeat):
            for folder in (LAKE, WORK / "floor"):
                shutil.rmtree(folder, ignore_errors=True)
            bare = [sys.executable, str(HERE / "floor_fetch.py"), url, str(WORK / "floor")]
            floors.append(measured(bare, folder=WORK / "floor", environment=variables, log=LOG))
            ingest = [*PLANLAKE, "run", "--step", "ingest"]
            ingests.append(measured(ingest, folder=LAKE, environment=variables, log=LOG))
    return best(ingests), best(floors)


def bare(state: str) -> Measurement:
    """The bare prototype's load of a state, into a folder of its own."""
    types = {name: dict(load_catalogue("tascomi").resources[name].columns) for name in SIZES}
    (WORK / "types.json").write_text(json.dumps(types))
    with serving(state) as url:
        command = [sys.executable, str(HERE / "bare.py"), url, str(WORK / "bare"), str(WORK / "types.json")]
        command += [] if state == "full" else [str(DAY)]
        return measured(command, folder=WORK / "bare", environment=environment(state, url), log=LOG)


def measure_all(repeat: int) -> None:
    """Planlake and the prototype in turns, so that a machine that is slow for a while is slow for both."""
    planlake: dict[str, list[Measurement]] = {"full": [], "increment": [], "scattered": []}
    prototype: dict[str, list[Measurement]] = {"full": [], "increment": [], "scattered": []}
    for _ in range(repeat):
        shutil.rmtree(WORK / "bare", ignore_errors=True)
        prototype["full"].append(bare("full"))
        planlake["full"].append(full_loads(1))
        for name, state in (("increment", "day"), ("scattered", "scattered")):
            prototype[name].append(bare(state))
            planlake[name].append(days(state, 1))
    found = {name: best(measurements) for name, measurements in planlake.items()}
    found["ingest"], floor = ingest_beside_floor(repeat)
    systems = {
        "planlake": found,
        "bare": {name: best(measurements) for name, measurements in prototype.items()},
        "floor": {"ingest": floor},
    }
    write_results(HERE / "results" / "latest.json", systems, repeat)


def profile_all() -> None:
    """Each step as a run of its own, with exact figures; then py-spy's view of the whole."""
    for state in ("full", "day"):
        if state == "full":
            shutil.rmtree(LAKE, ignore_errors=True)
        else:
            keep()
        print(f"\n{state}, step by step (each starts anew: about 1 s)")
        for step in ("ingest", "refine", "snapshot"):
            print(f"  {step:10s}", load(state, "--step", step).rounded(), flush=True)
        check(state)
    for state in ("full", "day"):
        shutil.rmtree(LAKE, ignore_errors=True) if state == "full" else restore()
        with serving(state) as url:
            profiled(
                [*PLANLAKE, "run"], environment=environment(state, url), samples=WORK / f"{state}.txt", title=state
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=1, help="run everything so often and keep the quickest")
    parser.add_argument("--profile", action="store_true", help="show where the time goes instead")
    parser.add_argument("--keep", action="store_true", help="leave the lake and the rendered pages in place")
    given = parser.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    (WORK / "planlake.yaml").write_text(CONFIGURATION)
    try:
        profile_all() if given.profile else measure_all(given.repeat)
    finally:
        if not given.keep:
            shutil.rmtree(WORK)


if __name__ == "__main__":
    main()
