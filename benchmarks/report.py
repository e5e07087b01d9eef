"""Results for machines and for people: in go measurements by system and task, out come a JSON file and a table."""

import json
import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from measure import Measurement

Systems = Mapping[str, Mapping[str, Measurement]]
PACKAGES = ("planlake", "duckdb", "pyarrow", "pyiceberg", "pyiceberg-core", "msgspec", "aiohttp")
BEGIN, END = "<!-- results -->", "<!-- end of results -->"
TITLES = {
    ("planlake", "full"): "full load",
    ("planlake", "increment"): "the day, 90 % of the changed ids in the newest 5 %",
    ("planlake", "scattered"): "a day, changed ids anywhere",
    ("planlake", "ingest"): "ingestion of the full load alone",
    ("bare", "full"): "bare prototype, full load",
    ("bare", "increment"): "bare prototype, the day",
    ("bare", "scattered"): "bare prototype, changed ids anywhere",
    ("floor", "ingest"): "bare aiohttp client writing the same bytes",
}


def write_results(file: Path, systems: Systems, repeat: int) -> None:
    """Write the figures and where they were measured, also into the page for people, and print them."""
    results = {
        "systems": {
            system: {task: measurement.rounded() for task, measurement in tasks.items()}
            for system, tasks in systems.items()
        },
        "ingest_to_floor": round(systems["planlake"]["ingest"].wall_s / systems["floor"]["ingest"].wall_s, 2),
        "to_bare": {
            task: round(systems["planlake"][task].wall_s / measurement.wall_s, 2)
            for task, measurement in systems["bare"].items()
        },
        "best_of": repeat,
        "measured_at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": machine(),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
    }
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(results, indent=2) + "\n")
    told = "\n".join(text(results))
    page = file.parent.parent / "README.md"
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


def text(results: Mapping[str, Any]) -> list[str]:
    """The results for people, in Markdown."""
    lines = ["| | wall s | CPU s | peak MB | written MB |", "|---|---|---|---|---|"]
    for system, tasks in results["systems"].items():
        for task, figures in tasks.items():
            cells = [TITLES[system, task], *map(str, figures.values())]
            lines.append(f"| {' | '.join(cells)} |")
    machine, versions = results["machine"], results["versions"]
    return [
        *lines,
        "",
        "Planlake's wall time is, of the bare prototype's, "
        + ", ".join(f"{ratio} times ({task})" for task, ratio in results["to_bare"].items())
        + f"; of the bare client's {results['ingest_to_floor']} times.",
        f"Measured {results['measured_at']},",
        f"best of {results['best_of']}: {machine['processor']}, {machine['cores']} cores, {machine['memory_gb']} GB,",
        f"{machine['system']}; {', '.join(f'{name} {number}' for name, number in versions.items())}.",
    ]
