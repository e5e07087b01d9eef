"""The systems that are measured: each loads a state and gives its figures, or the rows of the result.

Each keeps everything it writes in a folder of its own, `work/<name>`. A full load is kept aside, so that the day and
the scattered day both start from it, restored to the same place. Planlake and the floor run with this Python, dlt and
Spark with the one of `.venv-bench`, PyAirbyte and Singer with those of `.venv-bench-airbyte` and `.venv-bench-singer`
(BENCHMARK_PYTHON, BENCHMARK_AIRBYTE and BENCHMARK_SINGER name others). BENCHMARK_BEFORE, the `src` of an older
Planlake, adds the system `before`.
"""

import compileall
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path

from land import land
from measure import Measurement, apart, measured
from planlake.sources.catalogue import load_catalogue
from records import DAY, SIZES, UNDECLARED
from serve import RENDERED, render_all

HERE = Path(__file__).parent
WORK = HERE / "work"
LOG = WORK / "log.txt"
TYPES = WORK / "types.json"
DECLARED = WORK / "declared.json"  # those and the keys nobody declared, for systems that drop what is not in a schema
SOURCES = {"planlake": HERE.parent / "src"}  # of each Planlake, by the name of its system
if "BENCHMARK_BEFORE" in os.environ:
    SOURCES["before"] = Path(os.environ["BENCHMARK_BEFORE"])
BENCH_PYTHON = os.environ.get("BENCHMARK_PYTHON", str(HERE.parent / ".venv-bench" / "bin" / "python"))
AIRBYTE = os.environ.get("BENCHMARK_AIRBYTE", str(HERE.parent / ".venv-bench-airbyte" / "bin" / "python"))
SINGER = os.environ.get("BENCHMARK_SINGER", str(HERE.parent / ".venv-bench-singer" / "bin" / "python"))
# With a file, as the installed program: what has none DuckDB takes for a prompt, and draws progress into its answers.
AS_PROGRAM = "import __main__; __main__.__file__ = 'planlake'; from planlake.cli.main import program; program()"
PLANLAKE = [sys.executable, "-c", AS_PROGRAM]
NOW = {"full": "2026-11-23T03:00:00", "day": "2026-11-24T03:00:00", "scattered": "2026-11-24T03:00:00"}
IMPORTED = {"full": date(2026, 11, 23), "day": date(2026, 11, 24), "scattered": date(2026, 11, 24)}
CONFIGURATION = """\
api: {{base_url: "${{BENCHMARK_URL}}", public_key: "${{BENCHMARK_KEY}}", private_key: "${{BENCHMARK_KEY}}"}}
tables: {{daily: [{tables}]}}
settings: {{audit_days: 0}}
"""


@dataclass(frozen=True)
class System:
    """One system: how it loads a state, and where its latest rows are read (a DuckDB expression per resource).

    `variables` are those of its process alone.
    """

    name: str
    command: Callable[[str, str], Sequence[str]]
    rows: Callable[[str], str]
    prepare: Callable[[str], None] = lambda _: None
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Where everything of this system lies."""
        return WORK / self.name

    @property
    def kept(self) -> Path:
        """Where its full load is kept aside."""
        return WORK / f"{self.name}-full"

    def load(self, state: str) -> Measurement:
        """Load a state from the server; a full load into an empty folder, a day on top of the kept full load."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if state == "full":
            self.folder.mkdir(parents=True)
        else:
            shutil.copytree(self.kept, self.folder)
        self.prepare(state)
        with serving(state) as url:
            return self.measured(self.command(state, url), state, url)

    def measured(self, command: Sequence[str], state: str, url: str) -> Measurement:
        """What a command of this system costs."""
        variables = {**environment(state, url), **self.variables}
        return measured(command, folder=self.folder, environment=variables, log=LOG)

    def keep(self) -> None:
        """Put the full load aside."""
        shutil.rmtree(self.kept, ignore_errors=True)
        shutil.copytree(self.folder, self.kept)


def write_inputs() -> None:
    """What every system is told: the types of the catalogue.

    Planlake's modules are compiled first, as those of an installed package are; dlt's were when it was installed.
    """
    WORK.mkdir(parents=True, exist_ok=True)
    for sources in SOURCES.values():
        compileall.compile_dir(sources, quiet=1)
    types = {name: dict(load_catalogue("tascomi").resources[name].columns) for name in SIZES}
    TYPES.write_text(json.dumps(types))
    kept = {name: {**columns, **dict.fromkeys(UNDECLARED[name], "text")} for name, columns in types.items()}
    DECLARED.write_text(json.dumps(kept))


def write_configuration(name: str, tables: Mapping[str, object] | Sequence[str]) -> Path:
    """A planlake.yaml whose lake lies beside it."""
    file = WORK / name / "planlake.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(CONFIGURATION.format(tables=", ".join(tables)))
    return file


def environment(state: str, url: str) -> dict[str, str]:
    return {"PLANLAKE_NOW": NOW[state], "BENCHMARK_URL": url, "BENCHMARK_KEY": "not checked"}


@contextmanager
def serving(state: str, *arguments: str) -> Iterator[str]:
    """The address of a server process that shows this state."""
    command = [sys.executable, str(HERE / "serve.py"), "--state", state, *arguments]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield server.stdout.readline().strip() if server.stdout else ""
    finally:
        server.terminate()
        server.wait()


def _day(state: str) -> list[str]:
    return [] if state == "full" else [str(DAY)]


def _planlake(name: str, _: str, __: str) -> list[str]:
    return [*PLANLAKE, "run", "--config", str(WORK / name / "planlake.yaml")]


def _floor(state: str, url: str) -> list[str]:
    return [sys.executable, str(HERE / "floor.py"), url, str(WORK / "floor"), str(TYPES), *_day(state)]


def _dlt(state: str, url: str) -> list[str]:
    return [BENCH_PYTHON, str(HERE / "dlt_pipeline.py"), url, str(WORK / "dlt"), str(TYPES), *_day(state)]


def _airbyte(state: str, url: str) -> list[str]:
    return [AIRBYTE, str(HERE / "airbyte_pipeline.py"), url, str(WORK / "airbyte"), str(DECLARED), *_day(state)]


def _configure_singer(state: str) -> None:
    day = {} if state == "full" else {"day": str(DAY)}
    tap, target = WORK / "singer" / "tap.json", WORK / "singer" / "target.json"
    tap.write_text(json.dumps({"types": str(DECLARED), **day}))
    target.write_text(json.dumps({"path": str(WORK / "singer" / "tascomi.duckdb"), "default_target_schema": "refined"}))


def _singer(_: str, url: str) -> list[str]:
    tap = [SINGER, str(HERE / "singer_tap.py"), "--config", str(WORK / "singer" / "tap.json"), "--config", "ENV"]
    target = [str(Path(SINGER).parent / "target-duckdb"), "--config", str(WORK / "singer" / "target.json")]
    piped = f"set -o pipefail; TAP_PLANNING_URL={shlex.quote(url)} {shlex.join(tap)} | {shlex.join(target)}"
    return ["bash", "-c", piped]


def _spark(state: str, _: str) -> list[str]:
    day = f"{IMPORTED[state]:%Y%m%d}"
    return [BENCH_PYTHON, str(HERE / "spark_pipeline.py"), str(WORK / "spark"), str(TYPES), day]


def _land_for_spark(state: str) -> None:
    apart(_landed, state)


def _landed(state: str) -> None:
    render_all(state, RENDERED)
    for resource in SIZES:
        land(resource, state, pages=RENDERED, folder=WORK / "spark" / "api-responses", day=IMPORTED[state])


def _configure_planlake(name: str, _: str) -> None:
    write_configuration(name, SIZES)


def planlake_answer(
    query: str, format_name: str, file: Path = WORK / "planlake" / "planlake.yaml", *, by: str = "planlake"
) -> bytes:
    """What `planlake sql` answers, of the view users query; `by` names the Planlake that is asked."""
    command = [*PLANLAKE, "sql", "--config", str(file), "--format", format_name, query]
    variables = {**os.environ, **environment("day", "http://127.0.0.1/rest/v1"), "PYTHONPATH": str(SOURCES[by])}
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, env=variables).stdout


def _planlake_rows(name: str, resource: str) -> str:
    file = WORK / f"{name}-{resource}.parquet"
    file.write_bytes(planlake_answer(f"select * from {resource}", "parquet", WORK / name / "planlake.yaml", by=name))
    return f"read_parquet('{file}')"


def _floor_rows(resource: str) -> str:
    return f"read_parquet('{WORK / 'floor' / 'current' / resource}/*.parquet')"


def _spark_rows(resource: str) -> str:
    copies = sorted((WORK / "spark" / "snapshot" / resource).glob("*/*/*/snapshot_date=*"))
    return f"read_parquet('{copies[-1]}/*.parquet')"


def _duckdb_rows(name: str, python: str, resource: str) -> str:
    file = WORK / f"{name}-{resource}.parquet"
    copy = f"copy (select * from refined.{resource}) to '{file}' (format parquet)"
    database = WORK / name / "tascomi.duckdb"
    script = f"import duckdb; duckdb.connect({str(database)!r}, read_only=True).execute({copy!r})"
    subprocess.run([python, "-c", script], check=True)
    return f"read_parquet('{file}')"


ALL = {
    system.name: system
    for system in (
        *(
            System(
                name,
                partial(_planlake, name),
                partial(_planlake_rows, name),
                partial(_configure_planlake, name),
                {"PYTHONPATH": str(sources)},
            )
            for name, sources in SOURCES.items()
        ),
        System("floor", _floor, _floor_rows),
        System("dlt", _dlt, partial(_duckdb_rows, "dlt", BENCH_PYTHON)),
        System("airbyte", _airbyte, partial(_duckdb_rows, "airbyte", AIRBYTE)),
        System("singer", _singer, partial(_duckdb_rows, "singer", SINGER), _configure_singer),
        System("spark", _spark, _spark_rows, _land_for_spark),
    )
}
