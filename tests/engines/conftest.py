"""Both engines behind one call: a table of texts and the types its columns shall have, in; the typed table, out."""

import os
import shutil
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from planlake.engines.duckdb import casting as duckdb
from planlake.engines.duckdb.connection import connected

Cast = Callable[[pa.Table, Mapping[str, str]], pa.Table]


def must_have_spark() -> None:
    """Skip the test without pyspark or Java; fail it where nothing may be skipped, as in CI."""
    java = Path(os.environ["JAVA_HOME"], "bin/java") if "JAVA_HOME" in os.environ else "java"
    missing = [
        name for name, found in (("pyspark", find_spec("pyspark")), ("Java", shutil.which(java))) if found is None
    ]
    if missing:
        reason = f"NO SPARK: {' and '.join(missing)} absent; the casts are not compared with Spark's"
        pytest.fail(reason) if os.environ.get("PLANLAKE_NOTHING_SKIPPED") else pytest.skip(reason)


@pytest.fixture(scope="session")
def spark():
    """One session for all tests of a process: starting one takes seconds."""
    must_have_spark()
    from planlake.engines.spark import local_session  # noqa: PLC0415 - pyspark may be absent

    with local_session(cores=2, memory_megabytes=1024) as session:
        yield session


@pytest.fixture(scope="session")
def cast_by_duckdb() -> Cast:
    def cast(texts, types):
        with connected(500) as connection:
            return duckdb.cast_columns(connection, texts, types)

    return cast


@pytest.fixture(scope="session")
def cast_by_spark(spark, tmp_path_factory) -> Cast:
    """Texts go to Spark as Parquet and come back as Parquet, as in a lake; each row finds its place by its number."""
    from planlake.engines.spark import cast_columns  # noqa: PLC0415 - pyspark may be absent

    def cast(texts, types):
        folder = tmp_path_factory.mktemp("spark")
        numbers = pa.array(range(texts.num_rows), pa.int32())
        pq.write_table(texts.append_column("row number", numbers), folder / "texts.parquet")
        read = spark.read.parquet(str(folder / "texts.parquet"))
        cast_columns(read, types).write.parquet(str(folder / "typed"))
        return pq.read_table(folder / "typed").sort_by("row number").drop_columns("row number")

    return cast


@pytest.fixture(params=["duckdb", pytest.param("spark", marks=pytest.mark.spark)])
def cast_texts(request) -> Cast:
    """Each of the engines in turn."""
    return request.getfixturevalue(f"cast_by_{request.param}")
