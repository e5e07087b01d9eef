"""A night of 73 tables, as people have it every night, by Planlake and by dlt: most tables have not changed.

    python benchmarks/night.py                         # Monday's changes, in the night to Tuesday: the daily tables
    python benchmarks/night.py --sunday                # Saturday's, in the night to Sunday: code lists are due too
    python benchmarks/night.py --before ../older/src   # an older Planlake in the same turns
    python benchmarks/night.py --scale 0.05 --repeat 1 # to see it work

All resources of the catalogue (sizes and changes: `night_source.py`) are loaded in full once; then the night is run
from that load five times in turns, and medians are shown. After every load rows and distinct ids of all tables are
compared with what was served, and some records of three tables that changed cell by cell. dlt asks for the day before
and Planlake, as every night, for today so far too; neither reads an audit.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb

from measure import Measurement, measured, median
from night_source import Table, tables, text
from planlake.sources.catalogue import load_catalogue
from run import existing_folder
from systems import BENCH_PYTHON, HERE, LOG, PLANLAKE, WORK
from verify import plain, typed

CELLS_OF = ("applications", "documents", "fees")  # a process for each, so not of all twelve that changed
MONDAY, SATURDAY = date(2026, 11, 23), date(2026, 11, 28)
CONFIGURATION = """\
api: {{base_url: "${{BENCHMARK_URL}}", public_key: "${{BENCHMARK_KEY}}", private_key: "${{BENCHMARK_KEY}}"}}
tables: {{daily: [{daily}], weekly: [{weekly}]}}
settings: {{audit_days: 0}}
"""


@dataclass(frozen=True)
class Lake:
    """What one system keeps: `sources` are those of a Planlake, None of dlt."""

    name: str
    sources: Path | None
    tables: Mapping[str, Table]
    day: date
    is_sunday: bool

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return WORK / f"night-{self.name}"

    def load(self, state: str, url: str) -> Measurement:
        """Load a state; the night on top of the full load that was kept aside."""
        kept = WORK / f"night-{self.name}-full"
        shutil.rmtree(self.folder, ignore_errors=True)
        if state == "full":
            self.folder.mkdir(parents=True)
        else:
            shutil.copytree(kept, self.folder)
        self._describe()
        command = self._dlt(state, url) if self.sources is None else self._planlake("run")
        figures = measured(command, folder=self.folder, environment=self._variables(state, url), log=LOG)
        self.verify(state, url)
        if state == "full":
            shutil.rmtree(kept, ignore_errors=True)
            shutil.copytree(self.folder, kept)
        return figures

    def _describe(self) -> None:
        daily = [name for name, table in self.tables.items() if table.is_daily]
        weekly = [name for name in self.tables if name not in daily]
        for file, names in (("all", self.tables), ("daily", daily), ("weekly", weekly)):
            types = {name: dict(load_catalogue("tascomi").resources[name].columns) for name in names}
            (self.folder / f"{file}.json").write_text(json.dumps(types))
        text_of = CONFIGURATION.format(daily=", ".join(daily), weekly=", ".join(weekly))
        (self.folder / "planlake.yaml").write_text(text_of)

    def _planlake(self, *words: str) -> list[str]:
        return [*PLANLAKE, words[0], "--config", str(self.folder / "planlake.yaml"), *words[1:]]

    def _dlt(self, state: str, url: str) -> list[str]:
        described = {name: str(self.folder / f"{name}.json") for name in ("all", "daily", "weekly")}
        asked = [described["all"]] if state == "full" else [described["daily"], str(self.day)]
        if state == "night" and self.is_sunday:
            asked.append(described["weekly"])
        return [BENCH_PYTHON, str(HERE / "dlt_pipeline.py"), url, str(self.folder), *asked]

    def _variables(self, state: str, url: str) -> dict[str, str]:
        day = self.day if state == "full" else self.day + timedelta(days=1)
        own = {"PYTHONPATH": str(self.sources)} if self.sources else {}
        return {"PLANLAKE_NOW": f"{day}T03:00:00", "BENCHMARK_URL": url, "BENCHMARK_KEY": "not checked", **own}

    def verify(self, state: str, url: str) -> None:
        """Compare the tables with what was served; a wrong result ends the measurement."""
        counts = " union all ".join(
            f"select '{name}' as name, count(*) as rows, count(distinct id) as ids from {self._named(name)}"
            for name in self.tables
        )
        found = {row["name"]: (row["rows"], row["ids"]) for row in self._answer(counts, state, url)}
        expected = {name: (table.rows(state),) * 2 for name, table in self.tables.items()}
        if found != expected:
            wrong = {name: (found.get(name), wanted) for name, wanted in expected.items() if found.get(name) != wanted}
            sys.exit(f"{self.name}, {state}: rows and ids found, and served: {wrong}")
        for name in CELLS_OF:
            self._verify_cells(self.tables[name], state, url)

    def _verify_cells(self, table: Table, state: str, url: str) -> None:
        ids = sorted({table.held[0], *table.changed[:2], *(table.new[:2] if state == "night" else [])})
        query = f"select * from {self._named(table.name)} where id in ({', '.join(map(str, ids))})"
        by_id = {row["id"]: row for row in self._answer(query, state, url)}
        for identity in ids:
            served = typed(table.name, json.loads(text(table, identity, self.day, state=state)))
            for column, value in served.items():
                if plain(by_id[identity].get(column)) != value:
                    held = by_id[identity].get(column)
                    sys.exit(f"{self.name}, {state}: {table.name} {identity} {column}: {held!r}, served {value!r}")

    def _named(self, table: str) -> str:
        return table if self.sources else f"refined.{table}"

    def _answer(self, query: str, state: str, url: str) -> list[dict[str, object]]:
        file = self.folder / "answer.parquet"
        if self.sources:
            command = self._planlake("sql", "--format", "parquet", query)
            variables = {**os.environ, **self._variables(state, url)}
            file.write_bytes(subprocess.run(command, check=True, stdout=subprocess.PIPE, env=variables).stdout)
        else:
            database, copy = str(self.folder / "tascomi.duckdb"), f"copy ({query}) to '{file}' (format parquet)"
            script = f"import duckdb; duckdb.connect({database!r}, read_only=True).execute({copy!r})"
            subprocess.run([BENCH_PYTHON, "-c", script], check=True)
        answer = duckdb.sql(f"from read_parquet('{file}')").to_arrow_table().to_pylist()
        file.unlink()
        return answer


@contextmanager
def serving(day: date, scale: float) -> Iterator[str]:
    """The address of the server, which makes its records first."""
    command = [sys.executable, str(HERE / "night_source.py"), "--day", str(day), "--scale", str(scale)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield server.stdout.readline().strip().removesuffix("/rest/v1") if server.stdout else ""
    finally:
        server.terminate()
        server.wait()


def measure(lakes: Sequence[Lake], repeat: int, url: str) -> dict[str, dict[str, Measurement]]:
    """The full load of each, then the nights in turns."""
    found = {lake.name: {"full": lake.load("full", f"{url}/full/rest/v1")} for lake in lakes}
    for name, figures in found.items():
        print(f"{name:9s} full load {figures['full'].rounded()}", flush=True)
    nights: dict[str, list[Measurement]] = {lake.name: [] for lake in lakes}
    for _ in range(repeat):
        for lake in lakes:
            nights[lake.name].append(lake.load("night", f"{url}/night/rest/v1"))
            print(f"{lake.name:9s} night     {nights[lake.name][-1].rounded()}", flush=True)
    return {name: {**figures, "night": median(nights[name])} for name, figures in found.items()}


def tell(found: Mapping[str, Mapping[str, Measurement]]) -> None:
    """The figures, and the ratios to Planlake's night."""
    print("| | | wall s | CPU s | peak MB | written MB |\n|---|---|---|---|---|---|")
    for task in ("full", "night"):
        for name, figures in found.items():
            print(f"| {task} | {name} | {' | '.join(map(str, figures[task].rounded().values()))} |")
    for name in found.keys() - {"planlake"}:
        theirs, ours = found[name]["night"], found["planlake"]["night"]
        wall, cpu = theirs.wall_s / ours.wall_s, theirs.cpu_s / ours.cpu_s
        print(f"the night: {name}'s wall time to Planlake's {wall:.2f}, CPU {cpu:.2f}")


def keep(found: Mapping[str, Mapping[str, Measurement]], night: str) -> None:
    """Write the figures beside those of other nights."""
    file = HERE / "results" / "night.json"
    kept = json.loads(file.read_text()) if file.exists() else {}
    kept[night] = {name: {task: each.rounded() for task, each in tasks.items()} for name, tasks in found.items()}
    file.write_text(json.dumps(kept, indent=2) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=5, help="how often the night is run")
    parser.add_argument("--scale", type=float, default=1.0, help="times as many rows in the large tables")
    parser.add_argument("--sunday", action="store_true", help="the night on which the weekly tables are due")
    parser.add_argument("--before", type=existing_folder, help="the `src` of an older Planlake, measured in turns too")
    given = parser.parse_args()
    day, served = (SATURDAY if given.sunday else MONDAY), tables(given.scale)
    versions = {"planlake": HERE.parent / "src", **({"before": given.before} if given.before else {}), "dlt": None}
    lakes = [Lake(name, sources, served, day, given.sunday) for name, sources in versions.items()]
    WORK.mkdir(parents=True, exist_ok=True)
    with serving(day, given.scale) as url:
        found = measure(lakes, given.repeat, url)
    tell(found)
    if given.scale == 1 and given.repeat >= 5:
        keep(found, "sunday" if given.sunday else "monday")
    for place in WORK.glob("night-*"):
        shutil.rmtree(place)


if __name__ == "__main__":
    main()
