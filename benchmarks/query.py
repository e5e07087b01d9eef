"""What a query costs, beside another version of Planlake: one process for each, in turns.

    python benchmarks/query.py [SOURCES [ROUNDS]]

SOURCES is the `src` folder of the other version (`git worktree add` makes one); without it this version runs alone. The
table has 200,000 rows of 40 columns in four files, and is made in a temporary folder. Medians are printed.
"""

import os
import resource
import statistics
import subprocess
import sys
import time
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa

from planlake.config import load_config
from planlake.lake.lake import open_environment
from planlake.lake.tables.columns import REFINED_OWN, schema_of
from planlake.lake.tables.commits import commit
from planlake.lake.tables.parquet import write_file
from planlake.lake.tables.version_summary import bookmark_properties

ROWS, FILES, TEXTS = 200_000, 4, 28
VENDOR = {"id": "integer", "last_updated": "timestamp", **{f"text_{number}": "text" for number in range(TEXTS)}}
QUERIES = {
    "one row of no table": "select 1",
    "count": "select count(*) from measured",
    "group": "select text_1, count(*), max(text_2) from measured group by 1 order by 2 desc limit 5",
    "range of ids": "select text_3 from measured where id between 150000 and 150010",
    "filter on texts": "select count(*) from measured where text_4 like '%99%' and text_5 > 'v5'",
    "all columns of 100": "select * from measured limit 100",
    "the whole table": "select * from measured",
}


def make_lake(folder: Path) -> Path:
    """The configuration of a lake that shows one table."""
    columns = ", ".join(f"{name}: {kind}" for name, kind in VENDOR.items())
    file = folder / "planlake.yaml"
    file.write_text(f"resources: {{measured: {{columns: {{{columns}}}}}}}\ntables: {{daily: [measured]}}\n")
    lake = open_environment(load_config(file))
    table = lake.create("refined", "current_measured", schema_of({**VENDOR, **REFINED_OWN}), bookmarked=True)
    size = ROWS // FILES
    files = [write_file(table, rows(part * size, size, table.schema().as_arrow())) for part in range(FILES)]
    commit(table, add=files, properties=bookmark_properties(1, 1, date(2026, 11, 20)))
    return file


def rows(first: int, size: int, schema: pa.Schema) -> pa.Table:
    ids = range(first, first + size)

    def cells(name: str, kind: pa.DataType) -> list[object]:
        if name == "id":
            return list(ids)
        if name == "is_deleted":
            return [False] * size
        if pa.types.is_timestamp(kind):
            return [datetime(2026, 11, 20)] * size  # noqa: DTZ001 - stored without a zone
        if pa.types.is_integer(kind):
            return [1] * size
        salt = sum(map(ord, name))
        return [f"v{number * salt % 9973}" for number in ids]

    return pa.table({field.name: pa.array(cells(field.name, field.type), field.type) for field in schema})


def timed(command: list[str], sources: Path) -> tuple[float, float]:
    """Wall and CPU seconds of one process."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    variables = {**os.environ, "PYTHONPATH": str(sources)}
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=variables)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    own = Path(__file__).parent.parent / "src"
    versions = {"before": Path(sys.argv[1]).resolve(), "now": own} if len(sys.argv) > 1 else {"now": own}
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 7
    with TemporaryDirectory() as folder:
        file = make_lake(Path(folder))
        for what, query in QUERIES.items():
            layout = ["--format", "csv"] if what == "the whole table" else []
            program = "from planlake.cli.main import program; program()"
            command = [sys.executable, "-c", program, "sql", *layout, "--config", str(file), query]
            found: dict[str, list[tuple[float, float]]] = {name: [] for name in versions}
            for _ in range(rounds):
                for name, sources in versions.items():
                    found[name].append(timed(command, sources))
            shown = [
                f"{name} {statistics.median(w for w, _ in figures):.3f} s wall, "
                f"{statistics.median(c for _, c in figures):.3f} s CPU"
                for name, figures in found.items()
            ]
            print(f"{what:20s} {'; '.join(shown)}", flush=True)


if __name__ == "__main__":
    main()
