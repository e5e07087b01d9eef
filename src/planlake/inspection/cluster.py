"""Looks whether Spark can do the work: it starts, its executors have this Planlake, and they reach the warehouse."""

import platform
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pyiceberg.io import FileIO

from planlake.config import Config
from planlake.engines.spark import UNIT_MEGABYTES, SparkEngine
from planlake.errors import LakeError, PlanlakeError
from planlake.flow.open_run import spark_of
from planlake.inspection.finding import Finding, failed
from planlake.lake.aws.file_access import FileAccess

STARTS, EXECUTORS = "Spark", "executors"


@dataclass(frozen=True, slots=True)
class Look:
    """What an executor is asked: to read what the driver wrote, to write an answer; nothing if `given` is empty."""

    given: str
    answer: str
    access: FileAccess


@dataclass(frozen=True, slots=True)
class Seen:
    """An executor: the machine, its Python, and what it could not do with the warehouse."""

    machine: str
    python: str
    trouble: str = ""


def look(unit: Look) -> Seen:
    """Carried out on an executor."""
    machine, python = platform.node(), platform.python_version()
    if not unit.given:
        return Seen(machine, python)
    io = unit.access.io
    try:
        with io.new_input(unit.given).open() as stream:
            word = stream.read()
    except Exception as error:
        return Seen(machine, python, f"cannot read {unit.given}: {_of(error)}")
    try:
        with io.new_output(unit.answer).create(overwrite=True) as stream:
            stream.write(word)
    except Exception as error:
        return Seen(machine, python, f"cannot write {unit.answer}: {_of(error)}")
    return Seen(machine, python)


def _of(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]


def examine_cluster(config: Config, warehouse: str, access: FileAccess) -> Iterator[Finding]:
    """Whether Spark starts, and what its executors have and can; a warehouse that is not made yet is not asked for."""
    if config.settings.engine == "local" and not config.spark.master:
        return
    spark = spark_of(config)
    try:
        version, workers, share = spark.session.version, spark.workers, spark.share
    except PlanlakeError as error:
        yield failed(STARTS, error)
        yield Finding(EXECUTORS, "skipped", "needs Spark")
        return
    memory = f"with {share * UNIT_MEGABYTES:,.0f} MB for each"
    yield Finding(STARTS, "ok", f"{version} starts; {workers} units at a time, {memory}")
    yield _executors(spark, workers, warehouse, access)


def _executors(spark: SparkEngine, workers: int, warehouse: str, access: FileAccess) -> Finding:
    is_made = "://" in warehouse or Path(warehouse).is_dir()
    io, mark = access.io, f"{warehouse}/planlake-doctor-{uuid.uuid4()}"
    given = f"{mark}.txt" if is_made else ""
    looks = [Look(given, f"{mark}-{number}.txt", access) for number in range(workers)]
    try:
        if given:
            with io.new_output(given).create() as stream:
                stream.write(b"planlake doctor")
        seen = list(spark.map(look, looks))
        trouble = next((f"{one.machine} {one.trouble}" for one in seen if one.trouble), "")
        if not trouble and given:
            trouble = next((f"{one.answer} was written and is not here" for one in looks if not _is_there(io, one)), "")
    except PlanlakeError as error:
        return failed(EXECUTORS, error)
    except OSError as error:
        return failed(EXECUTORS, LakeError("the warehouse cannot be written from here", facts={"why": error}))
    finally:
        for one in (given, *(look.answer for look in looks)):
            _delete(io, one)
    if trouble:
        advice = "executors open the warehouse by their own role and must see the same place: docs/deploy/spark.md"
        return Finding(EXECUTORS, "failed", trouble, advice, 3)
    machines, pythons = {one.machine for one in seen}, {one.python for one in seen}
    did = "read and wrote the warehouse" if given else "the warehouse is not made yet: not tried"
    where = f"on {len(machines)} machine{'s' * (len(machines) != 1)}, Python {', '.join(sorted(pythons))}"
    return Finding(EXECUTORS, "ok", f"{where}, this planlake; {did}")


def _is_there(io: FileIO, one: Look) -> bool:
    return not one.given or io.new_input(one.answer).exists()


def _delete(io: FileIO, place: str) -> None:
    with suppress(OSError):
        if place:
            io.delete(place)
