"""What it takes to build the shipped models of 100,000 applications of 752 columns: seconds and peak memory.

    .venv/bin/python benchmarks/models.py [ROWS]

Refined tables are written straight into a lake in a temporary folder; no API is asked. A process of its own builds
the models.
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.io.pyarrow import schema_to_pyarrow

from planlake.config import load_config
from planlake.lake.lake import Lake
from planlake.lake.open_lake import open_lake
from planlake.lake.tables.columns import REFINED_OWN, schema_of
from planlake.lake.tables.commits import commit
from planlake.lake.tables.parquet import write_file
from planlake.runs.plan import Selection
from planlake.runs.run import run
from planlake.setup.copy_models import copy_models
from planlake.sources.catalogue import Resource, load_catalogue

READ = ("applications", "application_types", "ps_development_codes", "contacts", "decision_levels", "decision_types")
ALSO_READ = ("users", "user_team_map", "user_teams", "dtf_locations")
OF_RETURNS = ("eias", "appeals", "appeal_decision", "enforcement_actions_taken", "action_types")
DAY = 86_400_000_000  # microseconds
FILLED_EACH = 4  # one column of four has values, as in real applications


def main() -> None:
    """Make the lake, then build the models in another process, or build them where a folder is named."""
    if len(sys.argv) > 2:
        build(Path(sys.argv[2]))
        return
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "planlake.yaml")
        file.write_text(f"source: tascomi\ntables: {{daily: [{', '.join((*READ, *ALSO_READ, *OF_RETURNS))}]}}\n")
        config = load_config(file)
        copy_models(config)
        lake, catalogue = open_lake(config), load_catalogue("tascomi")
        for name in (*READ, *ALSO_READ, *OF_RETURNS):
            fill(lake, catalogue.resource(name), rows if name == "applications" else min(rows, 500))
        subprocess.run([sys.executable, __file__, str(rows), folder], check=True)


def fill(lake: Lake, resource: Resource, rows: int) -> None:
    """Both refined tables of a resource with so many rows in one file."""
    kinds = {**{key: resource.type_of(key) for key in resource.columns}, **REFINED_OWN}
    for name in (f"increment_{resource.name}", f"current_{resource.name}"):
        table = lake.create("refined", name, schema_of(kinds), bookmarked=True)
        if name.startswith("current_"):
            made = values(schema_to_pyarrow(table.schema()), rows)
            commit(table, add=[write_file(table, made)], properties={"planlake.batch": "1", "planlake.run": "1"})


def values(schema: pa.Schema, rows: int) -> pa.Table:
    """Ids that count up, dates of ten years, texts of which there are few; most columns are empty."""
    numbers = pa.array(range(1, rows + 1), pa.int64())
    columns = []
    for place, field in enumerate(schema):
        if field.name == "id":
            column = numbers.cast(field.type)
        elif field.name == "is_deleted":
            column = pa.repeat(pa.scalar(value=False), rows)
        elif place % FILLED_EACH and not field.name.endswith(("_id", "_date")):
            column = pa.nulls(rows, field.type)
        elif pa.types.is_timestamp(field.type):
            days = pc.add(pc.multiply(pc.bit_wise_and(numbers, 2047), DAY), 1_420_070_400_000_000)
            column = days.cast(pa.timestamp("us"))
        elif pa.types.is_boolean(field.type):
            column = pc.equal(pc.bit_wise_and(numbers, 1), 0)
        else:
            column = pc.add(pc.bit_wise_and(numbers, 15), 1).cast(field.type)
        columns.append(column)
    return pa.Table.from_arrays(columns, schema=schema)


def build(folder: Path) -> None:
    """Build the models of a lake, and print what it took."""
    config = load_config(folder / "planlake.yaml")
    before, started = time.process_time(), time.perf_counter()
    result = run(config, Selection(step="trust"))
    took = time.perf_counter() - started
    for one in result.models:
        print(f"{one.model:22} {one.outcome:8} {one.rows or 0:>9,} rows {one.seconds:6.2f} s  {one.message[:80]}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"all: {took:.1f} s, {time.process_time() - before:.1f} s of CPU, peak {peak:,.0f} MB")


if __name__ == "__main__":
    main()
