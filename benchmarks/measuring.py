"""Runs each system as often as asked, in rounds; figures count only once the result is proven.

Within a round every system loads the full table and both days before the next round begins, so that an hour in which
the machine is slow is slow for all.
"""

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from breakdown import profiled
from measure import MEGABYTE, Measurement, apart, measured, median
from records import CHANGED_APPLICATIONS, NEW_DOCUMENTS, SIZES, changed_ids, full_ids, is_bad
from report import Results, write_results
from systems import ALL, HERE, LOG, SOURCES, WORK, environment, planlake_answer, serving, write_inputs
from verify import verify

__all__ = ["WORK", "measure_all", "profile_all", "write_inputs"]

STATES = {"full": "full", "increment": "day", "scattered": "scattered"}  # what each task of the results loads
COUNTS = """
select (select count(*) from increment_applications), (select count(*) from increment_documents),
    (select count(*) from uncastable)"""
COPIES = {  # a full copy of both tables, as a system keeps it
    **{name: f"{name}/lake/**/current_*/data/**/*.parquet" for name in SOURCES},
    "floor": "floor/current/*/*.parquet",
    "spark": "spark/snapshot/**/*.parquet",
}


def measure_all(repeats: Mapping[str, int], *, is_whole: bool) -> None:
    """All systems in turns, then ingestion beside the bare client; the figures are written and printed."""
    found: dict[str, dict[str, list[Measurement]]] = {name: {} for name in repeats}
    copies: dict[str, float] = {}
    for number in range(max(repeats.values())):
        for name in [name for name, repeat in repeats.items() if number < repeat]:
            for task in STATES:
                figures = loaded(name, task)
                found[name].setdefault(task, []).append(figures)
                if task == "full" and name in COPIES:
                    copies[name] = sum(file.stat().st_size for file in WORK.glob(COPIES[name])) / MEGABYTE
    systems = {name: {task: median(figures) for task, figures in tasks.items()} for name, tasks in found.items()}
    if "planlake" in repeats and "floor" in repeats:
        systems["planlake"]["ingest"], systems["floor"]["ingest"] = ingest_beside_fetch(repeats["planlake"])
    write_results(Results(systems, copies, dict(repeats)), HERE if is_whole else WORK)


def loaded(name: str, task: str) -> Measurement:
    """One load of one system, verified; a wrong result ends the measurement."""
    system, state = ALL[name], STATES[task]
    figures = system.load(state)
    cells = sum(apart(verify, name, state, resource, system.rows(resource)) for resource in SIZES)
    if name in SOURCES:
        verify_findings(name, state)
    if task == "full":
        system.keep()
    print(f"{name:9s} {task:10s} {figures.rounded()}  rows right, {cells} cells compared", flush=True)
    return figures


def verify_findings(name: str, state: str) -> None:
    """Planlake also keeps every version received and names every cell that did not cast."""
    answer = planlake_answer(COUNTS, "csv", WORK / name / "planlake.yaml", by=name).decode()
    found = [int(number) for number in answer.splitlines()[1].split(",")]
    bad = sum(is_bad("applications", identity) for identity in full_ids("applications"))
    expected = [SIZES["applications"], SIZES["documents"], bad]
    if state != "full":
        bad += sum(is_bad("applications", identity) for identity in changed_ids("applications", state))
        expected = [SIZES["applications"] + CHANGED_APPLICATIONS, SIZES["documents"] + NEW_DOCUMENTS, bad]
    if found != expected:
        sys.exit(f"{name}, {state}: increments and uncastable cells are {found}, not {expected}")


def ingest_beside_fetch(repeat: int) -> tuple[Measurement, Measurement]:
    """Ingestion alone and the bare client in turns, against the same server."""
    ingests, fetches = [], []
    system, folder = ALL["planlake"], WORK / "fetched"
    with serving("full") as url:
        variables = environment("full", url)
        for _ in range(repeat):
            for old in (system.folder, folder):
                shutil.rmtree(old, ignore_errors=True)
            fetch = [sys.executable, str(HERE / "floor_fetch.py"), url, str(folder)]
            fetches.append(measured(fetch, folder=folder, environment=variables, log=LOG))
            system.prepare("full")
            ingest = [*system.command("full", url), "--step", "ingest"]
            ingests.append(system.measured(ingest, "full", url))
    shutil.rmtree(folder)
    return median(ingests), median(fetches)


def profile_all() -> None:
    """Planlake's steps, each as a run of its own, with exact figures; then py-spy's view of the whole."""
    system = ALL["planlake"]
    for state in ("full", "day"):
        if state == "full":
            shutil.rmtree(system.folder, ignore_errors=True)
            system.prepare(state)
        print(f"\n{state}, step by step (each starts a new process: about 1 s)")
        with serving(state) as url:
            for step in ("ingest", "refine", "snapshot"):
                command = [*system.command(state, url), "--step", step]
                figures = system.measured(command, state, url)
                print(f"  {step:10s}", figures.rounded(), flush=True)
        if state == "full":
            system.keep()
    for state in ("full", "day"):
        shutil.rmtree(system.folder)
        system.prepare(state) if state == "full" else shutil.copytree(system.kept, system.folder)
        with serving(state) as url:
            command, samples = system.command(state, url), Path(WORK / f"{state}.txt")
            profiled(command, environment={**environment(state, url), **system.variables}, samples=samples, title=state)
