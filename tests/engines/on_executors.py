"""Work that goes wrong on an executor, which must be able to import it."""

import os
import signal
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import psutil

from planlake.config import load_config
from planlake.errors import LakeError
from planlake.flow.refine.unit import refine_unit
from planlake.flow.snapshot.unit import snapshot_unit
from planlake.inspection.cluster import look
from planlake.runs.plan import Selection
from planlake.runs.run import run

MARKED = "PLANLAKE_TEST_MARKS"


def is_first(what):
    """Whether nobody did this before, on whatever executor."""
    try:
        os.close(os.open(Path(os.environ[MARKED]) / what, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


def lose_executor():
    """kill -9 of the Java process that this task's worker belongs to."""
    java = next(one for one in psutil.Process().parents() if "java" in one.name())
    java.kill()


def refine_and_lose_executor(unit):
    """The files are written, and then the executor is gone before it says so."""
    done = refine_unit(unit)
    if is_first("refine"):
        lose_executor()
    return done


def snapshot_and_lose_executor(unit):
    done = snapshot_unit(unit)
    if is_first("snapshot"):
        lose_executor()
    return done


def lose_driver(step):
    """kill -9 of the process that handed the unit out, once."""
    if is_first(f"{step} without driver"):
        os.kill(int((Path(os.environ[MARKED]) / "driver").read_text()), signal.SIGKILL)


def refine_and_lose_driver(unit):
    done = refine_unit(unit)
    lose_driver("refine")
    return done


def snapshot_and_lose_driver(unit):
    done = snapshot_unit(unit)
    lose_driver("snapshot")
    return done


def run_and_be_killed(configuration, step):
    """What the killed driver does, in a process of its own."""
    (Path(os.environ[MARKED]) / "driver").write_text(str(os.getpid()))
    work = {"refine": refine_and_lose_driver, "snapshot": snapshot_and_lose_driver}[step]
    setattr(import_module(f"planlake.flow.{step}.step"), f"{step}_unit", work)
    run(load_config(Path(configuration)), Selection())


def always_lose_executor(unit):
    lose_executor()


def fail(unit):
    raise LakeError("a file cannot be read", facts={"unit": unit}, hint="planlake recover")


def fail_unknown(unit):
    class OfThisFunctionError(Exception):  # which no other process can have
        pass

    raise OfThisFunctionError("odd")


def square(unit):
    return unit * unit, os.getpid(), os.environ.get("AWS_SECRET_ACCESS_KEY")


def look_elsewhere(unit):
    """As an executor does that does not see the driver's disk."""
    return look(replace(unit, given=f"{unit.given}.elsewhere"))


def need_nothing_there_is(unit):
    return import_module("nowhere_to_be_found")
