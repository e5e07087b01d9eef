"""Measures the report of a large, old lake: 73 tables over 400 days, each day read, recounted and checked.

    python benchmarks/pages.py [--tables 73] [--days 400] [FOLDER]

The tables are loaded once from the simulator; what the ledger, the runs, the checks and the findings would hold after
so many days is written straight into these tables. Promised are a report within 10 s of CPU and pages below 900 kB.
"""

import argparse
import os
import shutil
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter, process_time

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table

from planlake.config import Config, load_config
from planlake.lake.open_lake import open_lake
from planlake.lake.tables.commits import commit
from planlake.lake.tables.parquet import write_file
from planlake.report.pages.write import write_report
from planlake.runs.plan import Selection
from planlake.runs.run import run
from planlake.simulator.app import PRIVATE_KEY, PUBLIC_KEY
from planlake.simulator.choose import dataset
from planlake.simulator.server import Simulator
from planlake.sources.catalogue import load_catalogue

BEGIN = datetime(2025, 10, 24, 3, tzinfo=UTC)
SECONDS, BYTES, ROWS = 10.0, 900_000, 20
# Rows of `days`: a table on a day, `day` counted from 1. One in 97 is open, one in 311 given up.
LEDGER = """
    select (day * 500 + place * 6 + step)::bigint as request_id, run, resource, batch, event, 200 as status,
        strftime(began - to_days(1), '%Y-%m-%d') as "window", case when event in ('page', 'recount') then 1 end as page,
        1 as attempts, (day * 7 + place) % 900 as records, (day + place) % 40 as stored, 4096 as bytes,
        (day * 7 + place) % 900 as total_results, 50 as results_per_page, 0.2 as seconds,
        case when is_bad and event = 'page' then 'status 503' end as error, began as requested_at
    from days cross join (values (0, 'page'), (1, 'recount'), (2, 'settled'), (3, 'closed'), (4, 'gap')) e(step, event)
    where case event when 'gap' then is_gap when 'page' then true else not is_bad end"""
OF_RUN = """run, began as started_at, began + to_seconds(400) as ended_at, strftime(began, '%Y%m%d') as run_date,
    300 + (day * 37) % 200 as seconds, 'x' as configuration_hash, '1.0.0' as version"""
RUNS = f"""
    select {OF_RUN}, if(is_bad, 'open', 'loaded') as outcome, resource, 3 as requests, 40 as records, 9 as stored,
        if(is_bad, '1 of 2 windows open, first 2026-01-01: page 1: status 503', null) as message,
        9 as refined, 1000 as current_rows, batch, 9000 as bytes from days
    union all by name select distinct {OF_RUN}, 'finished' as outcome from days"""
CHECKS = """
    select run, resource, batch, began as checked_at, "check", if((day + place) % 50 = 0, 'warning', 'ok') as verdict,
        (day * place % 100) / 10.0 as figure, 5.0 as "limit"
    from days cross join (values ('casts'), ('complete'), ('unique'), ('rows')) as checks("check")"""
UNCASTABLE = """
    select run, resource, batch, 'x' as id, 'column_' || (place % 5) as "column", 'value' as raw_value,
        'timestamp' as wanted_type from days where day % 3 = 0"""
DRIFT = """
    select run, resource, 'column_' || day as "column", 'undeclared' as what, began as noticed_at
    from days where day % 40 = 0"""
PUBLISHED = """
    select resource, strftime(began, '%Y%m%d') as snapshot_date, run, batch, version as snapshot_id, 1000 as rows,
        began as published_at from days"""
FILLED = {
    ("raw", "api_requests"): LEDGER,
    ("operations", "runs"): RUNS,
    ("operations", "checks"): CHECKS,
    ("operations", "published"): PUBLISHED,
    ("operations", "drift"): DRIFT,
    ("operations", "uncastable"): UNCASTABLE,
}


def lake_of(folder: Path, tables: int) -> Config:
    """A lake of so many tables, a few records in each, loaded on the first day."""
    names = list(load_catalogue("tascomi").resources)[:tables]
    data = dataset("tascomi", now=BEGIN.replace(tzinfo=None), sizes=dict.fromkeys(names, ROWS))
    os.environ |= {"TASCOMI_PUBLIC_KEY": PUBLIC_KEY, "TASCOMI_PRIVATE_KEY": PRIVATE_KEY}
    os.environ["PLANLAKE_NOW"] = BEGIN.isoformat()
    with Simulator(data) as simulator:
        file = folder / "planlake.yaml"
        listed = ", ".join(names)
        file.write_text(
            f"api: {{base_url: {simulator.url}}}\ntables: {{daily: [{listed}]}}\nsettings: {{log: 'off'}}\n"
        )
        config = load_config(file)
        run(config, Selection())
    return config


def fill(config: Config, days: int) -> None:
    """What so many days would have left in the ledger and the tables of operations."""
    lake = open_lake(config)
    versions = {name: lake.shown("refined", f"current_{name}") for name in config.tables.daily}
    shown = {name: table.current_snapshot().snapshot_id for name, table in versions.items() if table is not None}
    with duckdb.connect() as connection:
        named = pa.table({"place": range(len(shown)), "resource": list(shown), "version": list(shown.values())})
        connection.register("named", named)
        connection.execute(f"""
            create table days as select *, (day + 1)::bigint as run, (day + 1)::bigint as batch,
                timestamp '{BEGIN:%Y-%m-%d %H:%M:%S}' + to_days(day) as began,
                (day * 73 + place) % 97 = 0 as is_bad, (day * 73 + place) % 311 = 0 as is_gap
            from named cross join range(1, {days}) as numbers(day)""")
        for place, query in FILLED.items():
            table = lake.find_or_create_built_in_table(*place)
            rows = connection.sql(f"select * from ({query}) order by resource nulls first").to_arrow_table()
            files = _written(table, _as(rows, schema_to_pyarrow(table.schema())))
            commit(table, add=files)
            print(f"{place[1]}: {rows.num_rows:,} rows in {len(files)} files")


def _written(table: Table, rows: pa.Table) -> list[DataFile]:
    """The rows as files: one, or where the table is kept by resource one for each."""
    if not table.spec().fields:
        return [write_file(table, rows)]
    names = pc.unique(rows["resource"]).to_pylist()
    return [write_file(table, rows.filter(pc.equal(rows["resource"], name)), partition=(name,)) for name in names]


def _as(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """Rows with all columns of a table, those that they lack empty."""
    columns = [
        rows[field.name].cast(field.type) if field.name in rows.column_names else pa.nulls(rows.num_rows, field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)


def main() -> int:
    """Make the lake, write its report, print what it took and how large its pages are; 1 where a promise fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=int, default=73)
    parser.add_argument("--days", type=int, default=400)
    parser.add_argument("folder", type=Path, nargs="?")
    asked = parser.parse_args()
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="planlake-pages-"))
    folder.mkdir(parents=True, exist_ok=True)
    config = lake_of(folder, asked.tables)
    fill(config, asked.days)
    os.environ["PLANLAKE_NOW"] = (BEGIN + timedelta(days=asked.days - 1, hours=6)).isoformat()
    began, busy = perf_counter(), process_time()
    made = write_report(config, folder / "report")
    seconds, wall = process_time() - busy, perf_counter() - began
    sizes = {file.relative_to(folder / "report"): file.stat().st_size for file in (folder / "report").rglob("*.html")}
    print(f"{asked.tables} tables, {asked.days} days: {made.files} files in {seconds:.1f} s of CPU, {wall:.1f} s")
    for file, size in sorted(sizes.items(), key=lambda one: -one[1])[:5]:
        print(f"{file}: {size / 1000:,.0f} kB")
    if not asked.folder:
        shutil.rmtree(folder)
    return int(seconds > SECONDS or max(sizes.values()) > BYTES)


if __name__ == "__main__":
    sys.exit(main())
