"""Writes measurements, by system and task, as a JSON file for machines and a table for people."""

import json
import os
import platform
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from measure import Measurement
from records import CHANGED_APPLICATIONS, NEW_DOCUMENTS, SIZES
from systems import AIRBYTE, BENCH_PYTHON, SINGER

PACKAGES = ("planlake", "duckdb", "pyarrow", "pyiceberg", "pyiceberg-core", "msgspec", "aiohttp")
PEERS = {  # by system: its Python, and what to name
    "dlt": (BENCH_PYTHON, ("dlt",)),
    "airbyte": (AIRBYTE, ("airbyte", "airbyte-cdk")),
    "singer": (SINGER, ("singer-sdk", "target-duckdb")),
    "spark": (BENCH_PYTHON, ("pyspark",)),
}
BEGIN, END = "<!-- results -->", "<!-- end of results -->"
SYSTEMS = {
    "planlake": "Planlake",
    "before": "Planlake before",
    "floor": "the floor",
    "dlt": "dlt",
    "airbyte": "PyAirbyte",
    "singer": "a Singer tap to target-duckdb",
    "spark": "Spark, from landed pages",
}
TASKS = {
    "full": "full load",
    "increment": "the day, 90 % of the changed ids in the newest 5 %",
    "scattered": "a day, changed ids anywhere",
    "ingest": "ingestion of the full load alone",
}
BARE_CLIENT = "a bare aiohttp client writing the same bytes"


@dataclass(frozen=True)
class Results:
    """What was measured: figures by system and task, how large a full copy of the tables is, how often each ran."""

    systems: Mapping[str, Mapping[str, Measurement]]
    copies: Mapping[str, float]
    repeats: Mapping[str, int]


@dataclass(frozen=True)
class Ratio:
    """A figure that was promised: it must be at least or at most the limit."""

    what: str
    value: float
    limit: float
    is_least: bool

    def as_record(self) -> dict[str, object]:
        """The figure as results are kept."""
        holds = self.value >= self.limit if self.is_least else self.value <= self.limit
        wanted = f"{'>=' if self.is_least else '<='} {self.limit:g}"
        return {"what": self.what, "value": round(self.value, 3), "must_be": wanted, "holds": holds}


def ratios(results: Results) -> Iterator[Ratio]:
    """Every promised figure that can be made of what was measured."""
    found, ours = results.systems, results.systems.get("planlake")
    if ours is None:
        return
    wall = [("full", "dlt", 3.5), ("full", "spark", 18), ("increment", "spark", 100), ("increment", "dlt", 1.3)]
    for task, system, limit in wall:
        if system in found:
            value = found[system][task].wall_s / ours[task].wall_s
            yield Ratio(f"{TASKS[task].split(',')[0]}: {system}'s wall time to Planlake's", value, limit, is_least=True)
    if "floor" in found:
        value = ours["full"].cpu_s / found["floor"]["full"].cpu_s
        yield Ratio("full load: Planlake's CPU to the floor's", value, 1.5, is_least=False)
        value = ours["increment"].wall_s / found["floor"]["increment"].wall_s
        yield Ratio("the day: Planlake's wall time to the floor's", value, 1, is_least=False)
    if "before" in found:
        yield from _beside_before(ours, found["before"])
    peak = max(figures.peak_mb for figures in ours.values())
    yield Ratio("peak memory in MB, largest of all loads", peak, 1000, is_least=False)
    day = ours["increment"].written_mb
    load = ours["full"].written_mb
    yield Ratio("the day: bytes written to those of the full load", day / load, 0.1, is_least=False)
    for system, size in results.copies.items():
        title = f"the day: bytes written to a full copy of the tables ({system}'s, {size:.1f} MB)"
        yield Ratio(title, day / size, 0.1, is_least=False)


def _beside_before(ours: Mapping[str, Measurement], before: Mapping[str, Measurement]) -> Iterator[Ratio]:
    """The same work before: of CPU less, of the rest no more (memory and bytes vary a little by themselves)."""
    for task, cpu in (("full", 0.8), ("increment", 0.75), ("scattered", 0.75)):
        for figure, limit in (("cpu_s", cpu), ("wall_s", 1), ("peak_mb", 1.05), ("written_mb", 1.01)):
            value = getattr(ours[task], figure) / getattr(before[task], figure)
            yield Ratio(f"{TASKS[task]}: {figure} to that of before", value, limit, is_least=False)


def write_results(results: Results, folder: Path) -> None:
    """Write the figures and where they were measured into a folder, into its README where it has one, and print."""
    kept = {
        "systems": {
            system: {task: measurement.rounded() for task, measurement in tasks.items()}
            for system, tasks in results.systems.items()
        },
        "ratios": [ratio.as_record() for ratio in ratios(results)],
        "full_copy_mb": {system: round(size, 1) for system, size in results.copies.items()},
        "records": {**SIZES, "changed_applications": CHANGED_APPLICATIONS, "new_documents": NEW_DOCUMENTS},
        "medians_of": results.repeats,
        "measured_at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": machine(),
        "versions": versions(results.repeats),
    }
    file = folder / "results" / "latest.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(kept, indent=2) + "\n")
    told = "\n".join(text(kept))
    page = folder / "README.md"
    if page.exists():
        head, _, rest = page.read_text().partition(BEGIN)
        page.write_text(f"{head}{BEGIN}\n{told}\n{END}{rest.partition(END)[2]}")
    print(told)


def machine() -> dict[str, object]:
    """What the figures depend on; no name of the machine."""
    return {
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        "processor": _processor(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def _processor() -> str:
    known = Path("/proc/cpuinfo")
    lines = known.read_text().splitlines() if known.exists() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor()


def versions(systems: Mapping[str, int]) -> dict[str, str]:
    """What ran, as its own Python names it."""
    found = {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}
    for python, packages in [PEERS[name] for name in systems if name in PEERS]:
        script = f"from importlib.metadata import version; print(*[version(n) for n in {packages}])"
        answer = subprocess.run([python, "-c", script], check=True, capture_output=True, text=True)
        found.update(zip(packages, answer.stdout.split(), strict=True))
    if "spark" in systems:
        answer = subprocess.run(["java", "-version"], check=True, capture_output=True, text=True)
        found["java"] = answer.stderr.split('"')[1]
    return found


def text(kept: Mapping[str, Any]) -> list[str]:
    """The results for people, in Markdown."""
    lines = ["| | | wall s | CPU s | peak MB | written MB |", "|---|---|---|---|---|---|"]
    for task, title in TASKS.items():
        for system, tasks in kept["systems"].items():
            if task in tasks:
                name = BARE_CLIENT if (system, task) == ("floor", "ingest") else SYSTEMS[system]
                lines.append(f"| {title} | {name} | {' | '.join(map(str, tasks[task].values()))} |")
    lines += ["", "| promised | measured | must be | |", "|---|---|---|---|"]
    for ratio in kept["ratios"]:
        lines.append(
            f"| {ratio['what']} | {ratio['value']} | {ratio['must_be']} | {'holds' if ratio['holds'] else '**no**'} |"
        )
    machine, records = kept["machine"], kept["records"]
    return [
        *lines,
        "",
        f"{records['applications']} applications, {records['documents']} documents; a day changes"
        f" {records['changed_applications']} applications and brings {records['new_documents']} documents.",
        f"Measured {kept['measured_at']}, medians of "
        + ", ".join(f"{count} ({system})" for system, count in kept["medians_of"].items())
        + f": {machine['processor']}, {machine['cores']} cores, {machine['memory_gb']} GB,",
        f"{machine['system']}; {', '.join(f'{name} {number}' for name, number in kept['versions'].items())}.",
    ]
