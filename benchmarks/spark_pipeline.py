"""The four stages our users run today, as the playbook describes them, in plain PySpark 3.5 on two cores.

python benchmarks/spark_pipeline.py FOLDER TYPES.json IMPORT_DATE

Rewritten from the playbook's description. Its first job, the API ingestion, is not measured: its pages lie landed
in FOLDER/api-responses/<resource>/import_year=.../import_date=..., one row per record, its JSON as text. Then

1. parse: the schema is inferred from the JSON of the import date, every column becomes text (`parsed/`); checked are
   uniqueness of (id, import_date) and completeness of the key;
2. recast: each column that is not text is cast, one after the other;
3. increment: what was cast is written, partitioned by import date (`increment/`);
4. snapshot: of the increments since the last snapshot the latest version of each id; yesterday's full copy without
   those ids, and them, are today's full copy (`snapshot/`); checked is uniqueness of id.

Favours: one Spark application for all stages (in life each is a job that starts its own), the day's increments only
(in life those of the day before are read again), no crawlers between, Spark's own defaults otherwise.
"""

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.types import StringType, StructField, StructType

IMPORT_PARTITIONS = ("import_year", "import_month", "import_day", "import_date")
SNAPSHOT_PARTITIONS = ("snapshot_year", "snapshot_month", "snapshot_day", "snapshot_date")
SPARK_TYPES = {"integer": "int", "long": "bigint", "float": "double", "double": "double"}
SPARK_TYPES.update(boolean="boolean", timestamp="timestamp")
COMPLETE = {"applications": "application_reference_number"}


def session() -> SparkSession:
    """Spark on two cores, days and instants as text keeps them."""
    return (
        SparkSession.builder.master("local[2]")
        .appName("tascomi")
        .config("spark.driver.memory", "4g")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.sources.partitionColumnTypeInference.enabled", "false")
        .config("spark.sql.sources.partitionOverwriteMode", "dynamic")
        .getOrCreate()
    )


class Tables:
    """The folders of one resource, and what is read from and written to them."""

    def __init__(self, spark: SparkSession, folder: Path, resource: str) -> None:
        self.spark, self.folder, self.resource = spark, folder, resource

    def path(self, zone: str) -> Path:
        """The folder of a zone."""
        return self.folder / zone / self.resource

    def read(self, zone: str) -> DataFrame:
        """Everything in a zone; what is not asked for is left out by its partition."""
        return self.spark.read.parquet(str(self.path(zone)))

    def write(self, rows: DataFrame, zone: str, partitions: tuple[str, ...]) -> None:
        """Rows into the partitions they lie in, in place of what was there."""
        rows.write.mode("overwrite").partitionBy(*partitions).parquet(str(self.path(zone)))


def require(rows: DataFrame, *, unique: tuple[str, ...], complete: str) -> None:
    """The checks of the playbook: no key twice, and hardly any missing."""
    one = rows.groupBy(*unique).count().agg(F.max("count")).first()
    counted = rows.agg(F.count(F.lit(1)), F.count(complete)).first()
    if one is None or counted is None or one[0] != 1 or counted[1] < 0.99 * counted[0]:
        sys.exit(f"checks failed: {unique} {one}, {complete} {counted}")


def parse(tables: Tables, import_date: str) -> None:
    """Stage 1: JSON to columns of text, by the schema that the JSON itself shows."""
    landed = tables.read("api-responses").where(F.col("import_date") == import_date)
    landed = landed.where(F.col("import_api_status_code") == "200")
    if landed.count() == 0:
        return
    place = landed.columns.index(tables.resource)
    inferred = tables.spark.read.json(landed.rdd.map(lambda row: row[place])).schema
    texts = StructType([StructField(field.name, StringType()) for field in inferred.fields])
    others = [name for name in landed.columns if name != tables.resource]
    rows = landed.withColumn("record", F.from_json(tables.resource, texts)).select(*others, "record.*")
    require(rows, unique=("id", "import_date"), complete=COMPLETE.get(tables.resource, "id"))
    tables.write(rows, "parsed", IMPORT_PARTITIONS)


def recast(rows: DataFrame, types: Mapping[str, str]) -> DataFrame:
    """Stage 2: one column after the other to its type."""
    for kind, spark_type in SPARK_TYPES.items():
        for column, wanted in types.items():
            if wanted == kind:
                rows = rows.withColumn(column, F.col(column).cast(spark_type))
    return rows


def increment(tables: Tables, types: Mapping[str, str], import_date: str) -> None:
    """Stage 3: the typed rows of the import date."""
    rows = tables.read("parsed").where(F.col("import_date") == import_date)
    if rows.count() > 0:
        tables.write(recast(rows, types), "increment", IMPORT_PARTITIONS)


def latest(rows: DataFrame) -> DataFrame:
    """The latest version of each id; one that was never updated counts as old."""
    never = F.to_timestamp(F.lit("2020-01-01 00:00:00"))
    order = (F.coalesce("last_updated", never).desc(), F.col("import_date").desc())
    ranked = rows.withColumn("rank", F.row_number().over(Window.partitionBy("id").orderBy(*order)))
    return ranked.where(F.col("rank") == 1).drop("rank")


def dated(rows: DataFrame, date: str) -> DataFrame:
    """The rows as of a day."""
    for name, value in zip(SNAPSHOT_PARTITIONS, (date[:4], date[4:6], date[6:], date), strict=True):
        rows = rows.withColumn(name, F.lit(value))
    return rows


def snapshot(tables: Tables, import_date: str) -> None:
    """Stage 4: a full copy of the table as it is today."""
    increments = tables.read("increment")
    if not tables.path("snapshot").exists():
        rows = latest(increments)
    else:
        copies = tables.read("snapshot")
        newest = copies.agg(F.max("snapshot_date")).first()
        date = newest[0] if newest else ""
        changed = latest(increments.where(F.col("import_date") > date))
        yesterday = copies.where(F.col("snapshot_date") == date).drop(*SNAPSHOT_PARTITIONS)
        rows = yesterday.join(changed, "id", "left_anti").unionByName(changed)
    rows = dated(rows, import_date)
    require(rows, unique=("id",), complete=COMPLETE.get(tables.resource, "id"))
    tables.write(rows, "snapshot", SNAPSHOT_PARTITIONS)


def main() -> None:
    folder, described, import_date = sys.argv[1:]
    spark = session()
    for resource, types in json.loads(Path(described).read_text()).items():
        tables = Tables(spark, Path(folder), resource)
        parsed = time.perf_counter()
        parse(tables, import_date)
        cast = time.perf_counter()
        increment(tables, types, import_date)
        copied = time.perf_counter()
        snapshot(tables, import_date)
        ended = time.perf_counter()
        seconds = f"parse {cast - parsed:.1f}, recast {copied - cast:.1f}, snapshot {ended - copied:.1f}"
        print(f"{resource} {import_date}: {seconds}", flush=True)
    end(spark)


def end(spark: SparkSession) -> None:
    """Stop Spark and wait for its JVM, a child of this process whose CPU time would count for nobody otherwise."""
    gateway = spark.sparkContext._gateway
    spark.stop()
    gateway.shutdown()
    gateway.proc.stdin.close()
    gateway.proc.wait()


if __name__ == "__main__":
    main()
