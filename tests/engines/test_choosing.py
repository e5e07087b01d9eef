"""Which engine does a table's work, how large its units are there, and what is said where Spark is not there.

Nothing here needs Spark: where it is started a stand-in says what Spark would.
"""

import pickle
import sys
from threading import Event, Lock
from types import ModuleType, SimpleNamespace

import pytest

from commands import typed_in_process
from conftest import feeding
from flow.ingest.served import COLUMNS, DAY_1, PATIENCE, fill, served
from planlake.cli import job
from planlake.cli.runs.spark_job import without_platform
from planlake.config import Spark
from planlake.engines import choosing, spark
from planlake.engines.choosing import Engines
from planlake.engines.local import LocalEngine
from planlake.engines.spark import SparkEngine, megabytes_of
from planlake.errors import ConfigurationError, LakeError

SETTINGS = f"""\
source: tascomi
resources:
  numbered: {{columns: {{{COLUMNS}}}}}
  lettered: {{columns: {{{COLUMNS}}}}}
tables: {{daily: [numbered, lettered]}}
settings: {{{PATIENCE}, engine: auto}}
spark: {{from_megabytes: 2}}
"""


@pytest.fixture
def typed(monkeypatch, capfd):
    def said(*arguments):
        left = typed_in_process(monkeypatch, capfd, arguments)
        return left.status, left.out, left.err

    return said


@pytest.fixture
def without_pyspark(monkeypatch):
    spark._started.cache_clear()
    monkeypatch.setitem(sys.modules, "pyspark", None)
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    monkeypatch.setattr("planlake.flow.open_run.is_installed", lambda: False)


@pytest.fixture
def saying(monkeypatch):
    """A session with these settings and so many cores."""

    def session(cores=2, **conf):
        settings = {name.replace("_", "."): value for name, value in conf.items()}
        context = SimpleNamespace(getConf=lambda: settings, defaultParallelism=cores)
        monkeypatch.setattr(spark, "_session", lambda *_: SimpleNamespace(sparkContext=context))
        return SparkEngine()

    return session


@pytest.mark.parametrize(
    ("said", "megabytes"), [("8g", 8192), ("512m", 512), ("1024", 1024), ("1t", 2**20), ("2048k", 2), ("1 GB", 1024)]
)
def test_spark_says_how_much_memory_in_its_own_way(said, megabytes):
    assert megabytes_of(said) == megabytes


def test_units_are_as_large_as_the_memory_an_executor_has_for_a_core(saying):
    assert saying().share == pytest.approx(1.024)  # Spark's default is 1g
    assert saying(**{"spark.executor.memory": "14g", "spark.executor.cores": "4"}).share == pytest.approx(3.584)
    assert saying(**{"spark.executor.memory": "2g", "spark.executor.cores": "4"}).share == pytest.approx(0.512)
    assert saying(**{"spark.executor.memory": "2g", "spark.executor.cores": "4", "spark.task.cpus": "4"}).share > 2
    assert saying(**{"spark.master": "local-cluster[2,2,1024]"}).share == pytest.approx(0.512)
    assert saying(**{"spark.executor.memory": "200g"}).share == 4
    assert saying(**{"spark.executor.memory": "10m"}).share == 0.1
    with pytest.raises(ConfigurationError, match="memory is set, under which DuckDB cannot work"):
        _ = saying(**{"spark.executor.pyspark.memory": "2g"}).share


def test_as_many_units_are_handed_over_as_there_are_cores_or_may_be(saying):
    assert saying(7).workers == 7
    grows = {"spark.dynamicAllocation.enabled": "true", "spark.executor.cores": "4"}
    assert saying(2, **grows, **{"spark.dynamicAllocation.maxExecutors": "10"}).workers == 40
    assert saying(2, **grows).workers == 2
    assert saying(5000).workers == 512


def test_auto_is_spark_from_so_many_megabytes_of_files_on():
    engines = Engines("auto", spark_from_megabytes=2, has_spark=True)
    sizes = [0, 1, 2 * 2**20 - 1, 2 * 2**20, 2**40]
    assert [engines.name_for(size) for size in sizes] == ["local", "local", "local", "spark", "spark"]
    assert {Engines("spark").name_for(size) for size in sizes} == {"spark"}
    assert {Engines("auto", has_spark=False).name_for(size) for size in sizes} == {"local"}
    assert {Engines("local").name_for(size) for size in sizes} == {"local"}


@pytest.fixture
def feed(tmp_path, monkeypatch):
    """Two tables, of which one has more than two "megabytes", and a Spark that is this machine."""
    data = served(["numbered", "lettered"], page_size=20, now=DAY_1)
    fill(data, "numbered", 400)
    fill(data, "lettered", 3)
    monkeypatch.setattr("planlake.flow.open_run.SparkEngine", lambda *_: LocalEngine())
    monkeypatch.setattr(choosing, "MEGABYTE", 3_000)
    monkeypatch.setattr("planlake.flow.open_run.is_installed", lambda: True)
    with feeding(data, tmp_path, SETTINGS) as made:
        monkeypatch.setenv("PLANLAKE_NOW", DAY_1)
        yield made


def test_a_run_says_in_one_line_which_engine_did_which_tables(feed, typed):
    status, out, err = typed("run", "--config", feed.config.folder / "planlake.yaml")
    assert status == 0, err
    (line,) = [line for line in (out + err).splitlines() if line.startswith("engine auto")]
    assert line.startswith("engine auto, Spark's from 2 MB of files to read: numbered (")
    assert line.endswith(" MB) on Spark, 1 table on this machine (at most 0 MB)")


def test_a_run_of_small_tables_only_says_that_too(feed, typed):
    status, out, err = typed("run", "lettered", "--config", feed.config.folder / "planlake.yaml")
    assert status == 0, err
    assert "engine auto, Spark's from 2 MB of files to read: 1 table on this machine (at most 0 MB)" in out + err


def test_no_line_where_the_engine_is_named(feed, typed):
    _, out, err = typed("run", "--engine", "local", "--config", feed.config.folder / "planlake.yaml")
    assert "engine" not in out + err.replace("planlake", "")


def test_an_engine_that_there_is_not_is_refused(feed, typed):
    status, _, err = typed("run", "--engine", "sparc", "--config", feed.config.folder / "planlake.yaml")
    assert status == 2
    assert 'no engine is called "sparc"' in err
    assert "spark" in err


def test_without_pyspark_the_way_to_it_is_told_and_no_data_is_lost(without_pyspark, tmp_path, typed, monkeypatch):
    data = served(["numbered"], page_size=20, now=DAY_1)
    fill(data, "numbered", 3)
    settings = SETTINGS.replace(", lettered]", "]").replace("auto", "spark")
    with feeding(data, tmp_path, settings) as feed:
        monkeypatch.setenv("PLANLAKE_NOW", DAY_1)
        file = feed.config.folder / "planlake.yaml"
        status, out, err = typed("run", "--config", file)
        assert status == 2
        assert "the engine spark needs pyspark, which is not installed" in err
        assert not feed.simulator.requests  # nothing is read before that is said
        status, out, err = typed("run", "--engine", "auto", "--config", file)
        assert status == 0, out + err
        assert "engine auto, Spark is not installed: 1 table on this machine" in out + err
        status, out, err = typed("doctor", "--config", file)
        assert status == 2
        assert "hint: pip install 'planlake[spark]'" in out + err
        status, out, err = typed("run", "--engine", "local", "--config", file)
        assert status == 0, out + err
        assert len(feed.rows("select id from numbered")) == 3


def test_what_glue_adds_to_the_arguments_is_left_out():
    given = ["--JOB_NAME", "daily", "fees", "--TempDir=s3://x", "--job-bookmark-option", "job-bookmark-disable"]
    assert without_platform([*given, "--env", "stg", "--JOB_RUN_ID"]) == ["fees", "--env", "stg"]


def test_spark_job_is_run_on_spark_and_its_file_is_there(typed, monkeypatch):
    status, out, _ = typed("spark-job", "--file")
    assert status == 0
    assert out.strip() == job.__file__
    status, _, err = typed("spark-job", "--JOB_NAME", "daily", "--cadence", "hourly", "fees")
    assert (status, err.splitlines()[0]) == (2, 'Error: no cadence is called "hourly"')
    monkeypatch.setattr(sys, "argv", ["job.py", "--JOB_NAME", "daily", "fees"])
    monkeypatch.setattr(job, "planlake", lambda: sys.exit(0))
    job.main()
    assert sys.argv == ["planlake", "run", "--engine", "spark", "fees"]
    monkeypatch.setattr(job, "planlake", lambda: sys.exit(3))
    with pytest.raises(SystemExit):
        job.main()


class Builder:
    """Says which master it was given."""

    def __init__(self):
        self.given = {}

    def appName(self, _):  # noqa: N802 - Spark's own name
        return self

    def master(self, name):
        self.given["master"] = name
        return self

    def config(self, name, value):
        self.given[name] = value
        return self

    def getOrCreate(self):  # noqa: N802
        if "spark.broken" in self.given:
            raise RuntimeError("line one\njava.lang.Exception: no room\n\tat org.apache")
        return Session(self.given, sparkContext=SimpleNamespace(setLogLevel=lambda _: None))


class Session(dict):
    """What was given to the builder, as a session."""

    def __init__(self, given, **attributes):
        super().__init__(given)
        self.__dict__.update(attributes)


@pytest.fixture
def builder(monkeypatch):
    made, module = Builder(), ModuleType("pyspark.sql")
    module.SparkSession = SimpleNamespace(builder=made)
    monkeypatch.setitem(sys.modules, "pyspark", ModuleType("pyspark"))
    monkeypatch.setitem(sys.modules, "pyspark.sql", module)
    monkeypatch.delenv("PYSPARK_GATEWAY_PORT", raising=False)
    spark._started.cache_clear()
    yield made
    spark._started.cache_clear()


def test_the_master_of_spark_submit_wins_over_the_one_of_the_file(builder, monkeypatch):
    assert SparkEngine("local[2]").session["master"] == "local[2]"
    assert builder.given["spark.driver.host"] == "127.0.0.1"
    spark._started.cache_clear()
    builder.given.clear()
    monkeypatch.setenv("PYSPARK_GATEWAY_PORT", "1")
    assert "master" not in SparkEngine("local[2]", {"spark.x": "1"}).session
    assert builder.given["spark.x"] == "1"


def test_a_spark_that_does_not_start_is_one_sentence(builder):
    with pytest.raises(ConfigurationError) as raised:
        _ = SparkEngine(settings={"spark.broken": "1"}).session
    assert raised.value.lines() == [
        "Error: Spark does not start (Spark says=java.lang.Exception: no room)",
        "hint: planlake doctor, or --engine local",
    ]
    builder.given.clear()  # it would start now: what went wrong is said again and not tried for every table
    with pytest.raises(ConfigurationError, match="Spark does not start"):
        _ = SparkEngine(settings={"spark.broken": "1"}).session


class Away(dict):
    """A Spark whose process is gone."""

    @property
    def sparkContext(self):  # noqa: N802
        raise ConnectionRefusedError(111, "Connection refused")


def test_a_spark_that_is_gone_is_no_trouble_of_the_disk(monkeypatch):
    monkeypatch.setattr(spark, "_session", lambda *_: Away())
    for ask in (lambda: SparkEngine().workers, lambda: SparkEngine().share):
        with pytest.raises(LakeError, match="Spark does not answer") as raised:
            ask()
        assert raised.value.hint == "planlake doctor"


def test_units_that_nobody_does_are_told_after_a_while(monkeypatch, saying):
    monkeypatch.setattr(spark, "PATIENCE_SECONDS", 0.05)
    is_over = Event()
    engine = saying(**{"spark.executor.cores": "2"})
    context = engine.session.sparkContext
    context.master = "spark://me:secret@host:7077"
    context._jsc = SimpleNamespace(sc=lambda: SimpleNamespace(getExecutorMemoryStatus=lambda: {"driver": 1}))
    context._jsc.sc = lambda: SimpleNamespace(getExecutorMemoryStatus=lambda: SimpleNamespace(size=lambda: 1))
    context.cancelJobGroup = lambda _: is_over.set()
    context.getConf = lambda: {"spark.executor.cores": "2"}
    monkeypatch.setattr(spark, "_carry_out", lambda *_: is_over.wait(20))
    with pytest.raises(LakeError, match="no executor of Spark came within") as raised:
        list(engine.map(str, [1]))
    assert is_over.is_set()
    assert "secret" not in str(raised.value)
    assert "spark.executor.cores=2" in str(raised.value)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (KeyboardInterrupt(), "KeyboardInterrupt: "),
        (SystemExit(3), "SystemExit: 3"),
        (LakeError("damaged", facts={"lock": Lock()}, state="kept", hint="planlake recover"), "damaged (lock="),
    ],
    ids=["ctrl-c", "exit", "a fact that cannot be sent"],
)
def test_whatever_a_unit_raises_comes_back(error, said):
    given = pickle.dumps((spark.__version__, pickle.dumps((raising, error_named(error)))))
    is_well, back = pickle.loads(spark._done(given))
    assert not is_well
    assert str(back).startswith(said)
    if isinstance(error, LakeError):
        assert (type(back), back.state, back.hint) == (LakeError, "kept", "planlake recover")


def error_named(error):
    return type(error).__name__


def raising(name):
    """As a unit that raises this."""
    if name == "LakeError":
        raise LakeError("damaged", facts={"lock": Lock()}, state="kept", hint="planlake recover")
    raise KeyboardInterrupt if name == "KeyboardInterrupt" else SystemExit(3)


def test_what_spark_says_is_cut_to_what_happened_and_shows_no_password():
    texts = {
        "An error occurred while calling None.org.apache.spark.api.java.JavaSparkContext.\n"
        ": org.apache.spark.SparkException: Could not parse Master URL: 'spark://me:hush@h'\n\tat org.apache": (
            "org.apache.spark.SparkException: Could not parse Master URL: 'spark://...@h'"
        ),
        "Job aborted: Lost task\njava.io.EOFException\n: Python worker exited unexpectedly (crashed)": (
            "Python worker exited unexpectedly (crashed)"
        ),
    }
    for text, said in texts.items():
        assert spark._said(RuntimeError(text)) == said


def test_settings_of_spark_may_be_numbers_and_yes():
    given = Spark(settings={"spark.executor.cores": 4, "spark.speculation": True, "spark.executor.memory": "8g"})
    assert dict(given.settings) == {
        "spark.executor.cores": "4",
        "spark.speculation": "true",
        "spark.executor.memory": "8g",
    }


def test_an_executor_without_its_python_is_told_what_to_set():
    error = RuntimeError('Job aborted: java.io.IOException: Cannot run program "./environment/bin/python": error=2')
    found = spark._of_spark(error, 1)
    assert found.message == "an executor of Spark has no Python"
    assert "--archives" in found.hint
