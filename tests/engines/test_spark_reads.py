"""What we commit is read alike by Spark with the Iceberg runtime, by pyiceberg's own scan and by DuckDB.

Every kind of table: 766 columns, a column that got another type, text ids, versions under a tag, a forgotten record,
what a merge of small files left. Of Spark 3.5 alone: no Iceberg runtime for 4.x comes as a package.
"""

import importlib.util
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from conftest import feeding
from engines.conftest import SHORT_LIVED
from engines.two_engines import needs_spark
from flow.ingest.served import COLUMNS, DAY_1, DAY_2, DAY_3, FIELDS, LETTERED, PATIENCE, fill, record, served
from planlake.changes.forget import forget
from planlake.changes.maintain import maintain
from planlake.config import load_config
from planlake.engines.duckdb.connection import connected
from planlake.engines.duckdb.reading import rows_sql
from planlake.lake.open_lake import open_lake
from planlake.lake.tables.data_files import data_files
from planlake.lake.views.dialects import SPARK
from planlake.report.query import open_views
from planlake.report.stored_views import stored_views
from planlake.runs.plan import Selection
from planlake.runs.run import run
from querying import answer

RUNTIME = importlib.util.find_spec("snowpark_connect_deps_iceberg") if importlib.util.find_spec("pyspark") else None
JAR = "iceberg-spark-runtime-3.5_2.12-1.10.2.jar"
NO_RUNTIME = pytest.mark.skipif(RUNTIME is None, reason="there is no Iceberg runtime for this Spark")
pytestmark = [needs_spark, NO_RUNTIME]
WIDE = ", ".join(f"c{number}: {kind}" for number, kind in enumerate(("text", "double", "timestamp", "boolean") * 186))
SETTINGS = f"""\
source: tascomi
resources:
  numbered: {{columns: {{{COLUMNS}}}}}
  lettered: {{columns: {{{LETTERED}}}}}
  wide: {{columns: {{{COLUMNS}, {WIDE}}}}}
tables: {{daily: [numbered, lettered, wide]}}
settings: {{{PATIENCE}, concurrency: 1, table_concurrency: 1, uncastable_percent: 100}}
"""
KINDS = {  # of each kind of table, one at least
    *("raw.api_responses", "raw.api_requests", "operations.runs", "operations.checks", "operations.uncastable"),
    *("refined.increment_numbered", "refined.current_numbered", "refined.increment_wide", "refined.current_wide"),
    *("refined.increment_lettered", "refined.current_lettered"),
}


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    """Three days of three tables; one column got another type, a record is forgotten, small files are merged."""
    tables = ["numbered", "lettered", "wide"]
    data = served(tables, page_size=20, now=DAY_1)
    data.fields = {"numbered": FIELDS, "lettered": FIELDS | {"id": "text"}, "wide": FIELDS}
    for table in tables:
        fill(data, table, 60)
        data.put(table, {**record(61), "amount": "no number", "c1": "2.5", "c2": "2026-11-16 09:30:00", "c3": "t"})
    folder = tmp_path_factory.mktemp("read")
    with feeding(data, folder, SETTINGS) as feed:
        feed.run_at(DAY_1)
        for table in tables:
            fill(data, table, 5, "2026-11-17 09:00:00", start=3, name="changed")
        feed.run_at(DAY_2)
        file = folder / "planlake.yaml"
        file.write_text(
            file.read_text().replace(f"numbered: {{columns: {{{COLUMNS}}}", f"numbered: {{columns: {{{other()}}}")
        )
        config = load_config(file)
        feed.monkeypatch.setenv("PLANLAKE_NOW", DAY_3)
        assert run(config, Selection(recasts=True)).exit_code == 0
        assert forget(config, "numbered", "7", confirm=lambda _: True)
        maintain(config)
        yield config


def other():
    """The columns with a type that is another one."""
    assert "amount: double" in COLUMNS
    return COLUMNS.replace("amount: double", "amount: text")


@pytest.fixture(scope="module")
def lake(config):
    return open_lake(config)


@pytest.fixture(scope="module")
def reader():
    from pyspark.sql import SparkSession  # noqa: PLC0415 - only this suite has it

    jar = Path(RUNTIME.submodule_search_locations[0]) / "jars" / JAR
    builder = SparkSession.builder.master("local[1]").appName("reading").config("spark.jars", str(jar))
    for name, value in SHORT_LIVED.items():
        builder = builder.config(name, value)
    for name in ("spark.driver.host", "spark.driver.bindAddress"):
        builder = builder.config(name, "127.0.0.1")
    session = builder.config("spark.ui.enabled", "false").config("spark.sql.session.timeZone", "UTC").getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


def by_spark(reader, table, **options):
    frame = reader.read.format("iceberg").options(**options).load(table.metadata_location.removeprefix("file://"))
    return pa.Table.from_batches(frame._collect_as_arrow(), frame_schema(frame))  # toArrow comes with 4.0


def frame_schema(frame):
    from pyspark.sql.pandas.types import to_arrow_schema  # noqa: PLC0415

    return to_arrow_schema(frame.schema)


def by_duckdb(table):
    with connected(500) as connection:
        return connection.sql(f"select * from {rows_sql(data_files(table), table.schema())}").to_arrow_table()


def plain(rows):
    """The rows as plain values, in no order; a moment is one in UTC, with a zone or without."""

    def value(cell):
        return cell.astimezone(UTC).replace(tzinfo=None) if isinstance(cell, datetime) and cell.tzinfo else cell

    return sorted(repr([value(cell) for cell in row.values()]) for row in rows.to_pylist())


def kinds(rows):
    """Of each column its type in a word that all three have."""

    def kind(given):
        for is_such, word in (
            (pa.types.is_timestamp, "timestamp"),
            (pa.types.is_large_string, "string"),
            (pa.types.is_large_binary, "binary"),
        ):
            if is_such(given):
                return word
        return str(given)

    return [(field.name, kind(field.type)) for field in rows.schema]


def tables_of(lake):
    return {
        f"{zone}.{name}": table
        for zone in ("raw", "refined", "operations")
        for name in lake.names(zone)
        if (table := lake.find(zone, name)) is not None and table.current_snapshot() is not None
    }


def test_spark_pyiceberg_and_duckdb_read_the_same_of_every_kind_of_table(reader, lake):
    tables = tables_of(lake)
    assert tables.keys() >= KINDS
    assert max(len(table.schema().fields) for table in tables.values()) > 750
    for name, table in tables.items():
        here, there, scanned = by_duckdb(table), by_spark(reader, table), table.scan().to_arrow()
        assert kinds(there) == kinds(scanned), name
        assert there.num_rows == here.num_rows == scanned.num_rows, name
        assert plain(there) == plain(scanned), name
        assert plain(there) == plain(here.select(there.column_names)), name


def test_a_column_with_another_type_is_read_in_it(reader, lake):
    table = tables_of(lake)["refined.current_numbered"]
    rows = by_spark(reader, table)
    assert dict(kinds(rows))["amount"] == "string"
    assert "no number" in rows["amount"].to_pylist()


def test_a_forgotten_record_is_in_no_version_that_spark_reads(reader, lake):
    for name in ("refined.increment_numbered", "refined.current_numbered"):
        table = tables_of(lake)[name]
        for version in table.metadata.snapshots:
            rows = by_spark(reader, table, **{"snapshot-id": str(version.snapshot_id)})
            assert 7 not in rows["id"].to_pylist(), name


def test_a_days_version_is_read_by_its_tag(reader, lake):
    table = tables_of(lake)["refined.current_wide"]
    tags = [name for name, ref in table.metadata.refs.items() if ref.snapshot_ref_type == "tag"]
    assert len(tags) > 1
    read = {}
    for tag in tags:
        scanned = table.scan(snapshot_id=table.metadata.refs[tag].snapshot_id).to_arrow()
        read[tag] = plain(by_spark(reader, table, tag=tag))
        assert read[tag] == plain(scanned), tag
    assert len(set(map(tuple, read.values()))) > 1


def test_our_views_answer_in_spark_as_they_do_here(config, lake, reader):
    """Tables stand in for those of a catalogue, of which there is none here that Spark and pyiceberg share."""
    places = {}
    for name, table in tables_of(lake).items():
        zone, plain_name = name.split(".")
        frame = reader.read.format("iceberg").load(table.metadata_location.removeprefix("file://"))
        frame.createOrReplaceTempView(name.replace(".", "__"))
        places[SPARK.table(lake.database(zone), plain_name)] = name.replace(".", "__")
    with open_views(config) as views:
        for one in stored_views(config, "spark", names=("numbered", "lettered")):
            statement = one.statement.rstrip(";\n")
            for place, stand_in in places.items():
                statement = statement.replace(place, stand_in)
            reader.sql(statement)
            name = statement.split("`")[1]
            frame = reader.sql(f"select * from `{name}`")
            found = pa.Table.from_batches(frame._collect_as_arrow(), frame_schema(frame))
            assert found.column_names == [*one.definition.columns]
            if name != "snapshot_dates":
                ours = answer(views, f'select * from "{one.database}"."{one.definition.name}"')
                assert plain(found) == plain(ours), name
