"""The casts behind one call: a table of texts and the types wanted, in; the typed table, out."""

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pyarrow as pa
import pytest

from engines.on_executors import MARKED
from planlake.engines.duckdb.casting import cast_columns
from planlake.engines.duckdb.connection import connected
from planlake.engines.spark import SparkEngine

MASTER = "local-cluster[2,1,1024]"  # two executors: Java processes of this machine, with a worker of Python each
TESTS = Path(__file__).parents[1]
# Java processes of a minute, and often killed: to optimise what they run costs more than it gains.
SHORT_LIVED = dict.fromkeys(
    ("spark.driver.extraJavaOptions", "spark.executor.extraJavaOptions"), "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
)


def of_spark(marks):
    """The settings of a session whose executors import the tests and leave marks."""
    paths = os.pathsep.join((str(TESTS), *sys.path))
    return {**SHORT_LIVED, "spark.executorEnv.PYTHONPATH": paths, f"spark.executorEnv.{MARKED}": str(marks)}


@pytest.fixture(scope="session")
def cast_texts() -> Callable[[pa.Table, Mapping[str, str]], pa.Table]:
    def cast(texts, types):
        with connected(500) as connection:
            return cast_columns(connection, texts, types)

    return cast


@pytest.fixture(scope="session")
def marks(tmp_path_factory):
    return tmp_path_factory.mktemp("marks")


@pytest.fixture(scope="session")
def spark(marks):
    """One engine for all: a session takes longer to start than all of these units."""
    engine = SparkEngine(MASTER, of_spark(marks))
    engine.session.sparkContext.setLogLevel("OFF")
    yield engine
    engine.session.stop()


@pytest.fixture
def unmarked(marks):
    for mark in marks.iterdir():
        mark.unlink()


@pytest.fixture
def runs_on_spark(spark, unmarked, monkeypatch):
    """Runs that are told to use Spark use the one session."""
    monkeypatch.setattr("planlake.flow.open_run.SparkEngine", lambda *_: spark)
