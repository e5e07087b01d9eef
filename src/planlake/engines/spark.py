"""The engine of a cluster: units run on Spark's executors, with the very function that the local engine runs.

A unit travels pickled, as the only row of a job of its own, and what it came to comes back as a row. So units end one
by one, in any order, and no executor's trouble is another's. Spark reads and writes nothing itself.
"""

import os
import pickle
import re
import shutil
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from threading import Lock
from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa

from planlake.engines.engine import Done, Unit
from planlake.engines.without_pandas import let_pandas_in
from planlake.errors import ConfigurationError, LakeError, PlanlakeError
from planlake.version import __version__

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

OF_UNIT, OF_RESULT = "unit binary", "result binary"
WAITING = 2  # units handed to Spark beyond its cores, so that none of them waits for the driver
MOST_WORKERS = 512  # each unit that is handed over is waited for by a thread of the driver
# What a unit takes at most where memory and batch have their default settings: measured, see docs/deploy/spark.md.
UNIT_MEGABYTES = 1000
LEAST_SHARE, MOST_SHARE = 0.1, 4.0
LONGEST = 300  # signs of what Spark says
PATIENCE_SECONDS = 120  # until it is looked whether there is any executor
PAGE = "docs/deploy/spark.md"
UNPUBLISHED = "Nothing of this table was published; planlake maintain removes the files that were written for nothing"
STARTED_BY_SPARK = "PYSPARK_GATEWAY_PORT"  # a variable that spark-submit sets: it says the master too
_starting = Lock()


@dataclass(frozen=True, slots=True)
class SparkEngine:
    """Units on the executors of a session that is started with the first of them.

    `master` is empty where `spark-submit` or the platform says it; `settings` are Spark's own.
    """

    master: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    packages: tuple[str, ...] = ()

    @property
    def workers(self) -> int:
        """How many units the executors carry out side by side: their cores, or those they may grow to."""
        with _answering():
            conf = self.session.sparkContext.getConf()
            most = conf.get("spark.dynamicAllocation.maxExecutors", "")
            if conf.get("spark.dynamicAllocation.enabled", "false") == "true" and most.isdigit():
                return min(MOST_WORKERS, max(1, int(most) * _cores(conf)))
            return min(MOST_WORKERS, max(1, int(self.session.sparkContext.defaultParallelism)))

    @property
    def share(self) -> float:
        """How large a unit may be, 1 being what the settings say: by the memory that an executor has for each core."""
        with _answering():
            conf = self.session.sparkContext.getConf()
            if conf.get("spark.executor.pyspark.memory", ""):  # it limits addresses, of which DuckDB takes many more
                message = "spark.executor.pyspark.memory is set, under which DuckDB cannot work"
                raise ConfigurationError(message, hint="leave it out: units go by spark.executor.memory and cores")
            memory = megabytes_of(conf.get("spark.executor.memory", "1g")) / _cores(conf)
            return min(MOST_SHARE, max(LEAST_SHARE, memory / UNIT_MEGABYTES))

    @property
    def session(self) -> "SparkSession":
        """Spark's session of this process, started where there is none."""
        with _starting:
            return _session(self.master, tuple(sorted(self.settings.items())), self.packages)

    def map(self, work: Callable[[Unit], Done], units: Sequence[Unit]) -> Iterator[Done]:
        """What the work gives for each unit, in the order of the units; the first error is raised and ends the rest.

        A unit's own error is raised as it is. A LakeError says what Spark itself could not do.
        """
        if not units:
            return
        session, waiting, group = self.session, iter(units), f"planlake-{uuid.uuid4()}"
        with ThreadPoolExecutor(self.workers + WAITING, thread_name_prefix="spark-unit") as pool:
            begun: list[tuple[Unit, Future[Done]]] = []
            try:
                for unit in waiting:
                    begun.append((unit, pool.submit(_carry_out, session, group, work, unit)))
                    if len(begun) > self.workers:
                        yield _result(session, *begun[0])
                        begun.pop(0)
                while begun:
                    yield _result(session, *begun[0])
                    begun.pop(0)
            finally:
                is_left = [not one.cancel() and not one.done() for _, one in begun]
                if any(is_left):  # those of this table only: others run beside it
                    with suppress(Exception):  # what goes wrong here would hide what went wrong
                        session.sparkContext.cancelJobGroup(group)


def megabytes_of(size: str) -> float:
    """Spark's way to say how much: `8g`, `512m`, `1024` (megabytes)."""
    found = re.fullmatch(r"(\d+)\s*([kmgt]?)b?", size.strip().lower())
    if found is None:
        return float(UNIT_MEGABYTES)
    return float(found[1]) * {"k": 2**-10, "": 1, "m": 1, "g": 2**10, "t": 2**20}[found[2]]


def _cores(conf: Any) -> int:  # noqa: ANN401 - Spark's own class
    """How many units an executor carries out at once."""
    master = re.fullmatch(r"local-cluster\[\s*\d+\s*,\s*(\d+)\s*,.*", conf.get("spark.master", ""))
    cores = int(conf.get("spark.executor.cores", "") or (master[1] if master else 1))
    return max(1, cores // int(conf.get("spark.task.cpus", "1")))


class SparkFailedError(Exception):
    """What Spark or the way to it raised, never a unit of ours."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


@contextmanager
def _answering() -> Iterator[None]:
    """Turn what Spark says when it is asked for something into a sentence."""
    try:
        yield
    except PlanlakeError:
        raise
    except Exception as error:
        raise _gone(error) from None


def _gone(error: Exception) -> LakeError:
    """Its process ended, or it never found its cluster; the next time it is started anew."""
    _started.cache_clear()
    return LakeError("Spark does not answer", facts={"Spark says": _said(error)}, hint="planlake doctor")


def _result(session: "SparkSession", unit: object, done: Future[Done]) -> Done:
    while True:
        try:
            return done.result(timeout=PATIENCE_SECONDS)
        except SparkFailedError as failure:
            raise _of_spark(failure.error, unit) from None  # the Java trace helps nobody who reads this
        except TimeoutError:
            if done.done():  # the unit's own
                raise
            _check_executors(session)


def _check_executors(session: "SparkSession") -> None:
    """Raise a LakeError where units wait and there is nobody to do them."""
    with _answering():
        context: Any = session.sparkContext
        others = context._jsc.sc().getExecutorMemoryStatus().size() - 1
        is_here = context.master.startswith("local") and not context.master.startswith("local-cluster")
        if others or is_here:
            return
        conf = context.getConf()
        asked = {name: conf.get(name, "") for name in ("spark.executor.cores", "spark.executor.memory")}
    facts = {
        "master": _without_password(str(context.master)),
        **{name: value for name, value in asked.items() if value},
    }
    message = f"no executor of Spark came within {PATIENCE_SECONDS} seconds"
    raise LakeError(message, facts=facts, state=UNPUBLISHED, hint="planlake doctor")


def _cannot_import(name: str | None) -> ConfigurationError:
    return ConfigurationError(
        f"an executor of Spark cannot import {name}",
        state=UNPUBLISHED,
        hint=f"install planlake {__version__} where executors run; {PAGE} shows how",
    )


def _of_spark(error: Exception, unit: object) -> PlanlakeError:
    said = _said(error)
    if isinstance(error, ConnectionError) or "stopped SparkContext" in said:
        return _gone(error)
    if missing := re.search(r"No module named '([\w.]+)'", said):
        return _cannot_import(missing[1])
    if said.startswith("Cannot run program"):
        hint = f"PYSPARK_PYTHON must name a Python of the executors, often by --archives: {PAGE}"
        return ConfigurationError("an executor of Spark has no Python", facts={"Spark says": said}, hint=hint)
    facts = {"unit": _name_of(unit), "Spark says": said}
    return LakeError("Spark could not carry out a unit of work", facts=facts, state=UNPUBLISHED, hint="planlake doctor")


def _name_of(unit: object) -> str:
    """What a unit is about: its work and the place it writes to, or the table it reads."""
    raw, target = getattr(unit, "raw", None), getattr(unit, "target", None)
    about = getattr(target, "location", "") or getattr(raw, "resource", "") or str(unit)[:LONGEST]
    return f"{type(unit).__name__} of {about}" if raw or target else about


def _said(error: Exception) -> str:
    """What of Spark's message says what happened: why a worker ended, else the last error that it quotes."""
    text = _without_password(str(error))
    ended = re.search(r"(Python worker exited unexpectedly|ExecutorLostFailure|Cannot run program)[^\n]*", text)
    quoted = re.findall(r"(?:\w+\.)*\w*(?:Error|Exception): [^\n]+", text)
    return (ended[0] if ended else (quoted or [" ".join(text.split())])[-1])[:LONGEST]


def _without_password(text: str) -> str:
    return re.sub(r"//[^/@\s]*@", "//...@", text)


def _carry_out(session: "SparkSession", group: str, work: Callable[[Unit], Done], unit: Unit) -> Done:
    """One unit as one job of one task; which Spark does again where an executor is lost."""
    with suppress(Exception):  # of this thread; a Spark that is gone says so below
        session.sparkContext.setJobGroup(group, "planlake", interruptOnCancel=True)
    row = [(pickle.dumps((__version__, pickle.dumps((work, unit)))),)]
    try:
        done = session.createDataFrame(row, OF_UNIT).coalesce(1).mapInArrow(_on_executor, OF_RESULT).collect()
    except Exception as error:
        raise SparkFailedError(error) from None
    is_well, result = pickle.loads(bytes(done[0][0]))  # noqa: S301 - what our own worker wrote
    if not is_well:
        raise result
    return cast("Done", result)


def _on_executor(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """What a task does: its unit, by the function that came with it."""
    for batch in batches:
        for given in batch["unit"].to_pylist():
            yield pa.record_batch({"result": pa.array([_done(given)], pa.binary())})


def _done(given: bytes) -> bytes:
    """The outcome, pickled; an error is one, as Spark would only repeat it and make a Java trace of it."""
    version, given = pickle.loads(given)  # noqa: S301 - what our own driver wrote
    if version != __version__:
        message = f"the driver has planlake {version}, an executor of Spark {__version__}"
        return pickle.dumps((False, ConfigurationError(message, hint=f"install planlake {version} there; see {PAGE}")))
    try:
        work, unit = pickle.loads(given)  # noqa: S301
        return pickle.dumps((True, work(unit)))
    except ModuleNotFoundError as error:
        return pickle.dumps((False, _cannot_import(error.name)))
    except BaseException as error:  # whoever ends a worker's Python ends no driver
        return pickle.dumps((False, _portable(error)))


def _portable(error: BaseException) -> Exception:
    """The error as it is where another process can have it, else its words."""
    words = RuntimeError(f"{type(error).__name__}: {error}")
    if not isinstance(error, Exception):
        return words
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301
    except Exception:
        if not isinstance(error, PlanlakeError):
            return words
        facts = {name: str(value) for name, value in error.facts.items()}
        return type(error)(error.message, facts=facts, state=error.state, hint=error.hint)
    return error


def _session(master: str, settings: tuple[tuple[str, str], ...], packages: tuple[str, ...]) -> "SparkSession":
    """The session of this process; what kept it from starting once is said again at once, not tried for each table."""
    started = _started(master, settings, packages)
    if isinstance(started, ConfigurationError):
        raise started
    return started


def not_installed() -> ConfigurationError:
    """What is said where PySpark is missing."""
    hint = "pip install 'planlake[spark]' (from a wheel: 'planlake-VERSION.whl[spark]'), or --engine local"
    return ConfigurationError("the engine spark needs pyspark, which is not installed", hint=hint)


def is_installed() -> bool:
    """Whether PySpark is there."""
    return find_spec("pyspark") is not None


@cache
def _started(
    master: str, settings: tuple[tuple[str, str], ...], packages: tuple[str, ...]
) -> "SparkSession | ConfigurationError":
    let_pandas_in()  # PySpark asks for it
    try:
        from pyspark.sql import SparkSession  # noqa: PLC0415 - only who works with Spark has it
    except ImportError:
        return not_installed()
    builder: Any = SparkSession.builder.appName("planlake")
    is_here = master.startswith("local") and STARTED_BY_SPARK not in os.environ
    if master and STARTED_BY_SPARK not in os.environ:
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        builder = builder.master(master)
        if is_here:  # its workers are processes of this machine and listen to nobody else
            os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
            settings = (*_LOOPBACK, *settings)
    if packages:
        builder = builder.config("spark.jars.packages", ",".join(packages))
    for name, value in (*_OURS, *settings):
        builder = builder.config(name, value)
    try:
        session = builder.getOrCreate()
        if is_here:  # what its Java processes say when they end is no news; what goes wrong with a unit we say
            session.sparkContext.setLogLevel("OFF")
        return cast("SparkSession", session)
    except Exception as error:
        facts = {"Spark says": _said(error)}
        if "JAVA_GATEWAY_EXITED" in str(error) and shutil.which("java") is None and "JAVA_HOME" not in os.environ:
            return ConfigurationError(
                "Spark needs Java, which was not found", hint="install Java 17, or --engine local"
            )
        return ConfigurationError("Spark does not start", facts=facts, hint="planlake doctor, or --engine local")


_OURS = (("spark.ui.showConsoleProgress", "false"), ("spark.task.maxFailures", "4"))
_LOOPBACK = (
    ("spark.driver.host", "127.0.0.1"),
    ("spark.driver.bindAddress", "127.0.0.1"),
    ("spark.ui.enabled", "false"),
)
