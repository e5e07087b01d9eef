"""What dbt and SQLMesh take to run one small model, beside DuckDB reading through our views; see docs/decisions/0034.

    python benchmarks/model_runners.py DBT_ENVIRONMENT SQLMESH_ENVIRONMENT

Each is a virtual environment of its own with dbt-core and dbt-duckdb, or SQLMesh. The model joins two tables of 1,000
and 20 rows; all have the same rows and the same check of a unique id. CPU seconds, the best of five processes each.
Then a row is there twice, so that the check fails, and what a reader sees afterwards is printed.
"""

import os
import resource
import subprocess
import sys
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pyarrow as pa

from planlake.config import load_config
from planlake.lake.lake import open_environment
from planlake.lake.tables.columns import REFINED_OWN, schema_of
from planlake.lake.tables.commits import commit
from planlake.lake.tables.parquet import write_file
from planlake.lake.tables.version_summary import bookmark_properties, day_tag
from planlake.lake.views.parse_query import parse_query
from planlake.report.query import open_views

REPEATS, ROWS, DAY = 5, 1_000, date(2026, 11, 29)
NOON = datetime(2026, 11, 29, 12)  # noqa: DTZ001 - stored without a zone
TABLES = {
    "applications": {"id": "integer", "application_type_id": "integer", "received_date": "timestamp"},
    "application_types": {"id": "integer", "name": "text"},
}
MODEL = """select a.id as application_id, t.name as application_type,
  date_trunc('week', a.received_date) as received_report_week, 1 as counter_application
from {}applications a left join {}application_types t on t.id = a.application_type_id"""
LONG = (
    "with decided as (\n  select * from applications\n)\nselect\n{}\nfrom decided a\n{}where a.id in (\n"
    "  select id from users\n)"
).format(
    ",\n".join(f"  coalesce(a.c{n}, t{n % 6}.c{n}, 'é') as c{n}" for n in range(45)),
    "".join(f"left join table_{n} t{n} on t{n}.id = a.id\n" for n in range(6)),
)
QUIET = {
    "DO_NOT_TRACK": "1",
    "SQLMESH__DISABLE_ANONYMIZED_ANALYTICS": "true",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
}
DBT = {
    "dbt_project.yml": "{name: m, profile: m, model-paths: [models]}",
    "profiles.yml": "m: {target: t, outputs: {t: {type: duckdb, path: rows.duckdb}}}",
    "models/trusted.sql": "{{ config(materialized='table') }}\n" + MODEL.format("main.", "main."),
    "models/trusted.yml": "models: [{name: trusted, columns: [{name: application_id, data_tests: [unique]}]}]",
}
SQLMESH = {
    "config.yaml": "gateways: {g: {connection: {type: duckdb, database: rows.duckdb}}}\n"
    "model_defaults: {dialect: duckdb}\n",
    "models/trusted.sql": "MODEL (name m.trusted, kind FULL, audits (unique_values(columns := (application_id))));\n"
    + MODEL.format("main.", "main."),
}


def cpu_of(command: Sequence[str | Path], folder: Path, *, succeeds: bool = True) -> float:
    """CPU seconds of a process and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=folder, env={**os.environ, **QUIET}, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if (done.returncode == 0) != succeeds:
        sys.exit(f"{command} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def show(what: str, command: Sequence[str | Path], folder: Path) -> None:
    print(f"{what:48s} {min(cpu_of(command, folder) for _ in range(REPEATS)):6.2f} CPU s", flush=True)


def rows(table: str, schema: pa.Schema) -> pa.Table:
    count = ROWS if table == "applications" else 20
    made = {"id": range(1, count + 1), "application_type_id": [n % 20 + 1 for n in range(count)]}
    made |= {"received_date": [NOON] * count, "name": [f"type {n}" for n in range(count)]}
    made |= {"is_deleted": [False] * count}
    cells = {field.name: list(made.get(field.name, [None] * count)) for field in schema}
    return pa.table(cells, schema=pa.schema([pa.field(field.name, field.type) for field in schema]))


def write_files(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    with duckdb.connect() as connection:
        connection.execute(
            f"attach '{folder}/rows.duckdb' as file (storage_version 'v1.0.0'); use file"
        )  # for SQLMesh's DuckDB 1
        for table, columns in TABLES.items():
            held = rows(table, schema_of(columns, {}).as_arrow())  # noqa: F841 - DuckDB finds it by its name
            connection.execute(f"create table {table} as select * from held")
    return folder


def make_lake(folder: Path) -> None:
    """A lake that shows the tables, at `folder`."""
    folder.mkdir()
    listed = "".join(
        f"  {name}: {{columns: {{{', '.join(f'{c}: {k}' for c, k in kinds.items())}}}}}\n"
        for name, kinds in TABLES.items()
    )
    (folder / "planlake.yaml").write_text(f"resources:\n{listed}tables: {{daily: [applications, application_types]}}\n")
    lake = open_environment(load_config(folder / "planlake.yaml"))
    for name, kinds in TABLES.items():
        table = lake.create("refined", f"current_{name}", schema_of({**kinds, **REFINED_OWN}, {}), bookmarked=True)
        file = write_file(table, rows(name, table.schema().as_arrow()))
        commit(table, add=[file], properties=bookmark_properties(1, 1, DAY))


def run_model() -> None:
    """The model on the lake of this folder: read through the views, checked, and committed with bookmark and tag."""
    config = load_config(Path("planlake.yaml"))
    with open_views(config) as views:
        for name in TABLES:
            views.define("", name)
        views.connection.execute(f"create temp table made as {MODEL.format('', '')}")
        twice = views.connection.execute("select count(*) - count(distinct application_id) from made").fetchall()
        made = views.connection.sql("from made").to_arrow_table()
    if twice[0][0]:
        sys.exit("an id is there twice")
    lake = open_environment(config)
    kinds = {
        "application_id": "integer",
        "application_type": "text",
        "received_report_week": "timestamp",
        "counter_application": "integer",
    }
    table = lake.find("trusted", "trusted") or lake.create("trusted", "trusted", schema_of(kinds, {}), bookmarked=True)
    files = [write_file(table, made.cast(table.schema().as_arrow()))]
    commit(table, add=files, remove=None, properties=bookmark_properties(1, 1, DAY), tag=day_tag(DAY))


def parsing(python: Path) -> None:
    """What finding the tables of a model of about 60 lines takes, by sqlglot and by DuckDB."""
    program = f"""import time; s = time.process_time(); import sqlglot; i = time.process_time(); q = {LONG!r}
for _ in range(20): t = {{x.name for x in sqlglot.parse_one(q, read='duckdb').find_all(sqlglot.exp.Table)}}
print(f'sqlglot {{sqlglot.__version__}}: import {{i - s:.3f}} CPU s, {{(time.process_time() - i) * 50:.1f}} ms')"""
    print(subprocess.run([python, "-c", program], capture_output=True, text=True, check=True).stdout.strip())
    with duckdb.connect() as connection:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
        for _ in range(100):
            found = parse_query(connection, LONG)
        each = (resource.getrusage(resource.RUSAGE_SELF).ru_utime - before) * 10
    print(f"parse_query: {each:.1f} ms a model of {LONG.count(chr(10)) + 1} lines, {len(found.tables)} tables")


def after_a_failure(what: str, command: Sequence[str | Path], folder: Path) -> None:
    """Send a row twice, so that the check fails, and say how many rows a reader of the model then sees."""
    python = Path(command[0]).with_name("python")
    schema = "m" if "sqlmesh" in what.lower() else "main"

    def tell(expression: str) -> str:
        """What DuckDB of that environment answers; this one may be too new for the file, or too old."""
        program = f"import duckdb; print(duckdb.connect('rows.duckdb').execute('{expression}').fetchone()[0])"
        return subprocess.run([python, "-c", program], cwd=folder, capture_output=True, text=True, check=True).stdout

    tell("insert into applications from applications limit 1")
    cpu_of(command, folder, succeeds=False)
    seen = tell(f"select count(*) from {schema}.trusted")
    print(f"{what}: after a failed check a reader sees {seen.strip()} rows, before {ROWS}")


def main(dbt: Path, sqlmesh: Path) -> None:
    dbt, sqlmesh = dbt.absolute() / "bin", sqlmesh.absolute() / "bin"
    program = [sys.executable, "-c", "from planlake.cli.main import program; program()"]
    own = [sys.executable, Path(__file__).absolute(), "--model"]
    with TemporaryDirectory() as name:
        lake, for_dbt, for_sqlmesh = Path(name) / "lake", Path(name) / "dbt", Path(name) / "sqlmesh"
        make_lake(lake)
        write_files(for_dbt, DBT)
        write_files(for_sqlmesh, SQLMESH)
        show("planlake --version", [*program, "--version"], lake)
        show("planlake plan", [*program, "plan"], lake)
        show("planlake: model, check, one Iceberg commit", own, lake)
        show("dbt --version", [dbt / "dbt", "--no-version-check", "--version"], for_dbt)
        build = [dbt / "dbt", "--no-version-check", "build"]
        cpu_of(build, for_dbt)  # the first parses all and keeps it
        show("dbt build: model and check", build, for_dbt)
        show("sqlmesh --version", [sqlmesh / "sqlmesh", "--version"], for_sqlmesh)
        plan = [sqlmesh / "sqlmesh", "plan", "--auto-apply", "--no-prompts"]
        cpu_of(plan, for_sqlmesh)
        show("sqlmesh run: nothing is due", [sqlmesh / "sqlmesh", "run"], for_sqlmesh)
        evaluate = [*plan, "--restate-model", "m.trusted"]  # run builds nothing before the next interval begins
        show("sqlmesh plan: model and check", evaluate, for_sqlmesh)
        after_a_failure("dbt", build, for_dbt)
        after_a_failure("SQLMesh", evaluate, for_sqlmesh)
    parsing(dbt / "python")


if __name__ == "__main__":
    if sys.argv[1:] == ["--model"]:
        run_model()
    elif len(sys.argv) == 3:
        main(*map(Path, sys.argv[1:]))
    else:
        sys.exit(__doc__)
