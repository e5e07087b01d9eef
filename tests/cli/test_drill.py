"""A drill: whatever breaks at night, what is printed says what it is and leads back to a lake that equals the API.

At most two commands to understand, with the first one, and at most three to repair, as they are printed; what is
outside of Planlake is mended by hand once it was named.
"""

import errno
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import pytest
from pyiceberg.io.pyarrow import PyArrowFile

from cli.drilling import Drill
from commands import typed_in_process
from conftest import feeding
from flow.ingest.served import DAY_1, DAY_2, DAY_3, fill, record, served, settings_of
from flow.killing import Killed
from planlake.config import load_config
from planlake.lake.lake import catalogue_file, lock_beside
from planlake.lake.open_lake import open_lake
from planlake.lake.state.lock import hold_for_writing
from planlake.lake.tables.data_files import data_files
from planlake.runs import table_run as running
from planlake.simulator.app import PRIVATE_KEY

SETTINGS = settings_of(["things"], ["codes"], lease_wait_seconds=0.1, uncastable_cells=5)


@dataclass(frozen=True)
class Fault:
    """What is done to a lake, or around it; `cause` is what must be printed of it.

    `mend` is done outside of Planlake as soon as that is read; `first` is the command that is given first. `lost` is
    what must be printed where something is lost for good.
    """

    harm: Callable
    cause: str
    mend: Callable | None = None
    first: tuple[str, ...] = ("run",)
    lost: str = ""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    data = served(["things", "codes"], page_size=50, now=DAY_1)
    fill(data, "things", 40)
    fill(data, "codes", 5)
    with feeding(data, tmp_path_factory.mktemp("drill") / "project", SETTINGS) as made:
        assert made.run_at(DAY_1).exit_code == 0
        fill(data, "things", 3, "2026-11-17 12:00:00", start=39)
        assert made.run_at(DAY_2).exit_code == 0
        fill(data, "things", 3, "2026-11-18 12:00:00", start=41)
        yield made, made.remembered()


@pytest.fixture
def drill(loaded, monkeypatch, capfd):
    made, set_back = loaded
    made.config.folder.mkdir(exist_ok=True)  # where the drill before moved it away
    set_back()
    at(made, DAY_3)
    with ExitStack() as stack:
        found = Drill(made, lambda *words: typed_in_process(monkeypatch, capfd, words))
        found.stack, found.monkeypatch = stack, monkeypatch
        yield found


def at(feed, now):
    feed.monkeypatch.setenv("PLANLAKE_NOW", now)
    feed.data.move_to(datetime.fromisoformat(now))


# ---------------------------------------------------------------- around the lake


def stop(drill):
    drill.feed.simulator.stop()
    drill.is_down = True
    drill.stack.callback(lambda: drill.is_down and start(drill))


def start(drill):
    drill.feed.simulator.start()
    drill.is_down = False


def set_key(value):
    return lambda drill: drill.monkeypatch.setenv("TASCOMI_PRIVATE_KEY", value)


def reset_key(drill):
    set_key(PRIVATE_KEY)(drill)


def misspelt(before, after):
    return lambda drill: drill.rewrite(before, after)


def other_council(drill):
    """The address of another council's API, which has other records of the same tables."""
    data = served(["things", "codes"], page_size=50, now=DAY_3)
    fill(data, "things", 90, start=500)
    fill(data, "codes", 9, start=500)
    made = drill.stack.enter_context(feeding(data, drill.folder.parent / "other", SETTINGS))
    drill.stack.callback(shutil.rmtree, drill.folder.parent / "other")
    drill.other = made.simulator.url
    drill.rewrite(drill.feed.simulator.url, drill.other)


def own_council(drill):
    drill.rewrite(drill.other, drill.feed.simulator.url)


def spoil(drill):
    for identity in range(1, 31):
        drill.feed.data.put("things", record(identity, "2026-11-18 13:00:00", amount="n/a"))


def correct(drill):
    """The API's keepers mend the values; the next day it is asked again."""
    for identity in range(1, 31):
        drill.feed.data.put("things", record(identity, "2026-11-19 02:00:00"))


def kill(drill):
    done = running.refine

    def killing(*_, **__):
        raise Killed

    drill.monkeypatch.setattr(running, "refine", killing)
    with pytest.raises(Killed):
        drill.feed.run_at(DAY_3)
    drill.monkeypatch.setattr(running, "refine", done)


def run_beside(drill):
    """Another run holds the lake."""
    drill.other = ExitStack()
    drill.other.enter_context(hold_for_writing(lock_beside(catalogue_file(drill.feed.config)), 0))
    drill.stack.callback(drill.other.close)


def end_other(drill):
    drill.other.close()


def clock(now):
    return lambda drill: drill.monkeypatch.setenv("PLANLAKE_NOW", now)


def run_ahead(drill):
    """A run whose clock is a year ahead of everybody's, and right again afterwards."""
    drill.monkeypatch.setenv("PLANLAKE_NOW", "2027-11-19T03:00:00")
    assert drill.type_in("run", "--config", drill.file).status in (0, 1)  # codes were not read for a year
    drill.monkeypatch.setenv("PLANLAKE_NOW", DAY_3)


# ---------------------------------------------------------------- the lake


def lose_catalogue(drill):
    catalogue_file(drill.feed.config).unlink()


def damage_catalogue(drill):
    catalogue_file(drill.feed.config).write_bytes(b"no database" * 100)


def damage_within(drill):
    with catalogue_file(drill.feed.config).open("r+b") as file:
        file.seek(4096)
        file.write(b"x" * 4096)


def metadata_file(drill, zone, name):
    return Path(open_lake(drill.feed.config).find(zone, name).metadata_location.removeprefix("file://"))


def of_metadata(harm, zone="refined", name="current_things"):
    return lambda drill: harm(metadata_file(drill, zone, name))


def of_data(harm, zone, name):
    """Do something to the largest data file of a table."""

    def harmed(drill):
        files = data_files(open_lake(drill.feed.config).find(zone, name))
        largest = max(files, key=lambda one: one.file_size_in_bytes)
        harm(Path(largest.file_path.removeprefix("file://")))

    return harmed


def lose(file):
    file.unlink()


def damage(file):
    file.write_bytes(b"\0" * file.stat().st_size)


def damage_beside(file):
    for one in file.parent.glob("*.metadata.json"):
        damage(one)


@contextmanager
def own_disk(drill):
    """The lake on a small disk of its own; yields whether there is one, as not everybody may mount it."""
    held = sum(file.stat().st_blocks * 512 for file in drill.lake.rglob("*"))
    kept = drill.folder.with_name("kept")
    shutil.copytree(drill.lake, kept)
    is_mounted = mounted("-t", "tmpfs", "-o", f"size={held + 4 * 2**20}", "none", drill.lake)
    try:
        shutil.copytree(kept, drill.lake, dirs_exist_ok=True)
        yield is_mounted
    finally:
        if is_mounted:
            subprocess.run(["umount", "--lazy", drill.lake], check=True)
        shutil.rmtree(kept)


def mounted(*words):
    try:
        return subprocess.run(["mount", *words], check=False, capture_output=True).returncode == 0
    except OSError:
        return False


@contextmanager
def refusing(number):
    """Nothing can be written, where there is no disk to make so."""

    def refused(*_, **__):
        raise OSError(number, os.strerror(number))

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(PyArrowFile, "create", refused)
        patched.setattr("planlake.inspection.doctor.TemporaryFile", refused)
        yield


def fill_disk(drill):
    if not drill.stack.enter_context(own_disk(drill)):
        drill.refused = drill.stack.enter_context(ExitStack())
        drill.refused.enter_context(refusing(errno.ENOSPC))
        return
    with suppress(OSError), (drill.lake / "somebody's file").open("wb", buffering=0) as file:
        while file.write(b"x" * 4096):
            pass


def make_room(drill):
    if hasattr(drill, "refused"):
        drill.refused.close()
    else:
        (drill.lake / "somebody's file").unlink()


def make_read_only(drill):
    if not drill.stack.enter_context(own_disk(drill)):
        drill.refused = drill.stack.enter_context(ExitStack())
        drill.refused.enter_context(refusing(errno.EROFS))
        return
    assert mounted("-o", "remount,ro", drill.lake)


def make_writable(drill):
    if hasattr(drill, "refused"):
        drill.refused.close()
    else:
        assert mounted("-o", "remount,rw", drill.lake)


def move(drill):
    moved = drill.folder.with_name("moved")
    shutil.rmtree(moved, ignore_errors=True)
    shutil.move(drill.folder, moved)
    work_in(drill, moved)


def copy(drill):
    """A copy beside the original, which is worked with."""
    copied = drill.folder.with_name("copied")
    shutil.rmtree(copied, ignore_errors=True)
    shutil.copytree(drill.folder, copied)
    work_in(drill, copied)


def work_in(drill, folder):
    drill.feed = replace(drill.feed, config=load_config(folder / "planlake.yaml"))


FAULTS = {
    "the API is down": Fault(stop, "cannot be reached: connection refused", start),
    "wrong keys": Fault(set_key("mistyped"), "the keys are wrong", reset_key),
    "no key": Fault(set_key(""), "TASCOMI_PRIVATE_KEY", reset_key),
    "a wrong host": Fault(misspelt("127.0.0.1", "127.0.0.2"), "base_url=http://127.0.0.2", misspelt("0.2:", "0.1:")),
    "a wrong path": Fault(misspelt("rest/v1", "rest/v2"), "status 404.*|rest/v2", misspelt("rest/v2", "rest/v1")),
    "another council's API": Fault(
        other_council, "rest/v1 has 90 records of things", own_council, first=("run", "--full")
    ),
    "values held": Fault(spoil, "do not cast", correct),
    "killed": Fault(kill, "was killed", first=("status",)),
    "killed, and nobody looks": Fault(kill, ""),
    "a second run": Fault(run_beside, "another", end_other),
    "a table misspelt": Fault(
        misspelt("daily: [things", "daily: [thinsg"), "did you mean things", misspelt("thinsg", "things")
    ),
    "a key misspelt": Fault(misspelt("tables:", "tabels:"), "did you mean tables", misspelt("tabels:", "tables:")),
    "YAML broken": Fault(misspelt("weekly: [codes]", "weekly: [codes"), "line", misspelt("[codes", "[codes]")),
    "the warehouse misspelt": Fault(
        lambda drill: drill.file.write_text(drill.file.read_text() + "environments: {local: {warehouse: lkae/}}\n"),
        "set warehouse to",
        misspelt("lkae/", "lake/"),
    ),
    "the catalogue lost": Fault(lose_catalogue, "catalogue"),
    "the catalogue damaged": Fault(damage_catalogue, "catalogue"),
    "the catalogue damaged within": Fault(damage_within, "catalogue"),
    "metadata lost": Fault(of_metadata(lose), "metadata file"),
    "metadata damaged": Fault(of_metadata(damage), "metadata file"),
    "all metadata damaged": Fault(of_metadata(damage_beside), "metadata file"),
    "the ledger's metadata lost": Fault(of_metadata(lose, "raw", "api_requests"), "metadata file"),
    "the disk full": Fault(fill_disk, "make room on the disk", make_room),
    "read-only": Fault(make_read_only, "mount the disk", make_writable),
    "a data file lost": Fault(of_data(lose, "refined", "current_things"), "gone or damaged"),
    "a data file damaged": Fault(of_data(damage, "refined", "current_things"), "gone or damaged"),
    "an increment file lost": Fault(of_data(lose, "refined", "increment_things"), "gone or damaged"),
    "an increment file damaged": Fault(
        of_data(damage, "refined", "increment_things"), "gone or damaged", first=("doctor",)
    ),
    "a raw file lost": Fault(
        of_data(lose, "raw", "api_responses"), "gone or damaged", first=("doctor",), lost="rows are lost"
    ),
    "a raw file damaged": Fault(
        of_data(damage, "raw", "api_responses"), "gone or damaged", first=("doctor",), lost="rows are lost"
    ),
    "moved": Fault(move, "was made at"),
    "copied": Fault(copy, "was made at"),
    "the clock set back": Fault(clock("2026-11-10T03:00:00"), "clock stands before", clock(DAY_3)),
    "a run with the clock ahead": Fault(run_ahead, "clock stands before"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_is_printed_leads_back_to_a_lake_that_equals_the_api(drill, name):
    fault = FAULTS[name]
    fault.harm(drill)
    drill.way_out(fault.first, fault.cause, fault.mend)
    assert re.search(fault.cause, drill.printed), drill.printed
    assert re.search(fault.lost, drill.printed), drill.printed
    for command in (("reconcile", "--deep"), ("status",)):
        said = drill.type_in(*command, "--config", drill.file)
        assert said.status == 0, f"{drill.printed}\n{said.everything}"
