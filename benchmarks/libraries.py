"""What the libraries alone take of a day on a table of 766 columns: the floor under every design that uses them.

    python benchmarks/libraries.py

CPU seconds, the best of several: importing, writing and reading Parquet, what DuckDB takes to plan such a file, and an
Iceberg commit. Of Planlake only the schema of `current_applications` is used, and the SQL that names its columns.
"""

import io
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.schema import Schema

from planlake.engines.duckdb.reading import rows_sql
from planlake.lake.tables.columns import REFINED_OWN, schema_of
from planlake.lake.tables.commits import commit
from planlake.lake.tables.parquet import write_file
from planlake.sources.catalogue import load_catalogue

REPEATS = 5
FILLED = 0.12  # of the cells, as in the benchmark's applications
IMPORTS = ("pyarrow.parquet, pyarrow.compute", "duckdb", "aiohttp", "sqlalchemy.orm", "pyiceberg.catalog.sql")


def best(work: Callable[[], object]) -> float:
    """CPU seconds of the quickest of several calls."""
    found = []
    for _ in range(REPEATS):
        started = time.process_time()
        work()
        found.append(time.process_time() - started)
    return min(found)


def importing(modules: str) -> float:
    """CPU seconds of importing modules in a process of its own, without the interpreter's start and end."""
    program = f"import time; s = time.process_time(); import {modules}; print(time.process_time() - s)"
    runs = [subprocess.run([sys.executable, "-c", program], check=True, capture_output=True) for _ in range(REPEATS)]
    return min(float(run.stdout) for run in runs)


def wide_schema() -> Schema:
    columns = load_catalogue("tascomi").resources["applications"].columns
    return schema_of({**columns, **REFINED_OWN}, {})


def wide_rows(schema: pa.Schema, count: int) -> pa.Table:
    """So many rows, a part of whose cells is filled."""
    chance = Random(1)
    values = {
        "bool": lambda: chance.random() < 0.5,
        "int32": lambda: chance.randrange(10**6),
        "int64": lambda: chance.randrange(10**9),
        "double": chance.random,
        "timestamp[us]": lambda: chance.randrange(10**15),
        "large_string": lambda: f"{chance.getrandbits(60):x} ".join("abc"),
    }

    def column(field: pa.Field) -> pa.Array:
        make = values[str(field.type)]
        cells = [make() if field.name == "id" or chance.random() < FILLED else None for _ in range(count)]
        return pa.array(cells, field.type)

    return pa.table([column(field) for field in schema], schema=schema)


def written(rows: pa.Table) -> bytes:
    file = io.BytesIO()
    options = {"compression": "zstd", "compression_level": 1, "use_dictionary": False, "store_schema": False}
    pq.write_table(rows, file, write_statistics=["id"], **options)
    return file.getvalue()


def show(what: str, seconds: float) -> None:
    print(f"{what:75s} {seconds * 1000:7.1f} ms", flush=True)


def measure_parquet(schema: pa.Schema, counts: Sequence[int]) -> None:
    for count in counts:
        rows = wide_rows(schema, count)
        file = written(rows)
        show(f"Parquet: write {len(schema)} columns x {count} rows", best(lambda rows=rows: written(rows)))
        show(
            f"Parquet: read {len(schema)} columns x {count} rows",
            best(lambda file=file: pq.ParquetFile(io.BytesIO(file)).read(use_threads=False)),
        )


def measure_lake(schema: Schema, folder: Path) -> None:
    """A commit, and planning a query over a file of the table."""
    catalog = SqlCatalog("floor", uri=f"sqlite:///{folder}/catalog.db", warehouse=f"file://{folder}/warehouse")
    catalog.create_namespace("n")
    table = catalog.create_table("n.wide", schema)
    file = write_file(table, wide_rows(schema_to_pyarrow(table.schema()), 100))
    show("Iceberg: commit a file to a table of 766 columns", best(lambda: commit(table, add=[file])))
    path = file.file_path.removeprefix("file://")
    with duckdb.connect() as connection:
        plain = f"select * from read_parquet('{path}') limit 0"
        show("DuckDB: plan a query over that file", best(lambda: connection.sql(plain).to_arrow_table()))
        by_id = f"select * from {rows_sql([file], table.schema())} limit 0"
        show("DuckDB: the same, columns named by field id", best(lambda: connection.sql(by_id).to_arrow_table()))


def main() -> None:
    for modules in IMPORTS:
        show(f"import {modules}", importing(modules))
    schema = wide_schema()
    measure_parquet(schema_to_pyarrow(schema), (1, 1024, 2048))
    with TemporaryDirectory() as folder:
        measure_lake(schema, Path(folder))


if __name__ == "__main__":
    main()
