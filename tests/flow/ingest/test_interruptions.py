"""Runs that are stopped: killed, interrupted, out of disk, without a lake to write, or meeting another run."""

import os
import random
import resource
import signal
import subprocess
import time
from contextlib import contextmanager
from datetime import date, timedelta

import pytest

from commands import PROGRAM, environment, planlake
from conftest import feeding, table_of, written_config
from flow.ingest.served import DAY_1, DAY_2, assert_equal, fill, held, served, settings_of, shown, versions
from planlake.simulator.app import PRIVATE_KEY, PUBLIC_KEY
from planlake.simulator.faults import Rule

SOAK = int(os.environ.get("PLANLAKE_SOAK", "0"))
KILLS = 50 if SOAK else 2
KEYS = {"TASCOMI_PUBLIC_KEY": PUBLIC_KEY, "TASCOMI_PRIVATE_KEY": PRIVATE_KEY}
SLOW = Rule(delay=0.4, times=None)


@pytest.fixture
def feed(tmp_path):
    """A daily table, a weekly one, and pages of two."""
    data = served(["things", "wards_"])
    with feeding(data, tmp_path / "lake", settings_of(["things"], ["wards_"], concurrency=2)) as made:
        fill(data, "things", 21)
        fill(data, "wards_", 5)
        made.folder = tmp_path / "lake"
        yield made


def started(feed, now, *arguments, folder=None, **options):
    """A run in a process of its own."""
    file = (folder or feed.folder) / "planlake.yaml"
    command = [PROGRAM, "run", *arguments, "--config", str(file)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, env=environment(PLANLAKE_NOW=now, **KEYS), **pipes, **options)


def has_asked(feed, count):
    """Wait until the API was asked so many times."""
    give_up = time.monotonic() + 20
    while len(feed.simulator.requests) < count and time.monotonic() < give_up:
        time.sleep(0.01)


def state_of(feed, config=None):
    """What counts: the latest rows, and every version that was ever received."""
    feed.config = config or feed.config
    found = {}
    for table in ("things", "wards_"):
        found[table] = held(feed, table)
        query = (
            f"select id, record_hash, is_deleted, count(*)::int as n from increment_{table} group by all order by all"
        )
        found[f"increment_{table}"] = feed.rows(query)
        doubled = f"select count(*) - count(distinct id) as n from current_{table}"
        assert feed.rows(doubled) == [{"n": 0}]
    return found


# ---------------------------------------------------------------- kill -9


@pytest.mark.slow
def test_runs_that_are_killed_at_any_moment_end_in_the_tables_of_an_undisturbed_run(feed, tmp_path):
    calm = written_config(feed.simulator, tmp_path / "calm", settings_of(["things"], ["wards_"]))
    seed = random.randrange(10**6)
    chance, kills, day, disturbed = random.Random(seed), 0, date(2026, 11, 16), feed.config
    feed.fail(Rule(delay=0.02, times=None))
    while kills < KILLS:
        day += timedelta(days=1)
        now, changed = f"{day}T03", f"{day} 01:00:00"
        fill(feed.data, "things", 7, changed, start=chance.randrange(1, 30), name=f"of {now}")
        fill(feed.data, "wards_", 1, start=chance.randrange(1, 9), name=f"of {now}")
        if chance.random() < 0.3:
            feed.data.delete("wards_", feed.data.ids("wards_")[-1])
        full = ["--full"] if chance.random() < 0.4 else []
        for number in range(chance.randrange(1, 4)):
            process = started(feed, f"{now}:0{number}:00", *full)
            has_asked(feed, len(feed.simulator.requests) + 1)
            time.sleep(chance.random() ** 2 * 1.2)  # most early: a quick machine ends a run in a third of a second
            if process.poll() is None:
                process.kill()
                kills += 1
            process.communicate()
        done = started(feed, f"{now}:10:00", *full)
        _, said = done.communicate(timeout=60)
        assert done.returncode in (0, 1), said
        feed.config = calm
        feed.run_at(f"{now}:10:00", *(("things", "wards_") if full else ()), is_full=bool(full))
        assert state_of(feed, disturbed)["things"] == state_of(feed, calm)["things"], f"seed {seed}, {now}"
        assert_equal(feed, "things")
    mended, undisturbed = state_of(feed, disturbed), state_of(feed, calm)
    assert mended["wards_"] == undisturbed["wards_"], f"seed {seed}"
    assert {(one["id"], one["record_hash"]) for one in mended["increment_things"]} == {
        (one["id"], one["record_hash"]) for one in undisturbed["increment_things"]
    }
    lost, doubled = counted(mended["increment_things"], undisturbed["increment_things"])
    print(f"{kills} kills: {lost} lost, {doubled} doubled")  # noqa: T201
    assert (lost, doubled) == (0, 0)


def counted(ours, theirs):
    """Versions that are missing, and versions that are there more often than undisturbed."""
    mine, other = (
        {(one["id"], one["record_hash"], one["is_deleted"]): one["n"] for one in rows} for rows in (ours, theirs)
    )
    lost = sum(max(0, count - mine.get(key, 0)) for key, count in other.items())
    return lost, sum(max(0, count - other.get(key, 0)) for key, count in mine.items())


@pytest.mark.slow
def test_a_first_load_that_is_killed_is_continued_by_the_next_run(feed):
    feed.fail(SLOW)
    process = started(feed, DAY_1)
    has_asked(feed, 8)
    process.kill()
    process.communicate()
    feed.fail()
    assert feed.run_at(DAY_2).exit_code == 0
    assert_equal(feed, "things", "wards_")
    assert versions(feed, "things") == 21


# ---------------------------------------------------------------- Ctrl-C


@pytest.mark.slow
@pytest.mark.parametrize("asked", [1, 5, 10])
def test_a_run_that_is_interrupted_says_so_and_the_next_one_continues(feed, asked):
    feed.fail(SLOW)
    process = started(feed, DAY_1)
    has_asked(feed, asked)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 130, said
    assert "Stopped; everything committed so far is kept" in said
    assert "Traceback" not in said
    feed.fail()
    assert feed.run_at("2026-11-17T04:00:00").exit_code == 0
    assert_equal(feed, "things", "wards_")


# ---------------------------------------------------------------- two runs at once


@pytest.mark.slow
def test_a_second_run_waits_for_the_first(feed):
    feed.fail(SLOW)
    first = started(feed, DAY_1)
    has_asked(feed, 3)
    second = started(feed, "2026-11-17T03:30:00")
    said = [process.communicate(timeout=60)[1] for process in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0], said
    assert_equal(feed, "things", "wards_")
    assert versions(feed, "things") == 21


@pytest.mark.slow
def test_a_second_run_that_may_not_wait_stops_and_says_who_holds_the_lake(feed):
    feed.fail(Rule(delay=1.5, times=None))  # so that the first one is still at it, however long a start takes
    first = started(feed, DAY_1)
    has_asked(feed, 3)
    file = feed.folder / "planlake.yaml"
    second = planlake(
        "run", "--config", file, PLANLAKE_NOW="2026-11-17T03:30:00", PLANLAKE_LEASE_WAIT_SECONDS="0.2", **KEYS
    )
    feed.fail()
    first.communicate(timeout=60)
    assert (first.returncode, second.status) == (0, 1), second.err
    assert "another run is writing this lake" in second.err
    assert f"process {first.pid}" in second.err
    assert_equal(feed, "things", "wards_")
    assert versions(feed, "things") == 21


# ---------------------------------------------------------------- a lake that cannot be written


@contextmanager
def mounted(folder, *options):
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["mount", *options, str(folder)], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("NO MOUNT: this test needs root and CAP_SYS_ADMIN")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)


def with_lake_in(feed, folder):
    """The configuration with its lake in another folder."""
    place = f'environments: {{local: {{catalog: {{uri: "sqlite:///{folder}/catalog.db"}}, warehouse: "{folder}"}}}}\n'
    settings = settings_of(["things"], ["wards_"], concurrency=2) + place
    feed.config = written_config(feed.simulator, feed.folder, settings)


def assert_says_it_clearly(process, said):
    assert process.returncode in (1, 3), said
    assert "Traceback" not in said
    assert "internal error" not in said
    assert "inside Planlake" not in said
    assert "written" in said or "No space" in said or "full" in said, said


@pytest.mark.slow
@pytest.mark.parametrize("size", ["40k", "150k", "300k"])
def test_a_full_disk_is_said_clearly_and_with_room_again_the_run_ends_well(feed, tmp_path, size):
    fill(feed.data, "things", 30, start=100, pad=os.urandom(15_000).hex())
    disk = tmp_path / "disk"
    with mounted(disk, "-t", "tmpfs", "-o", f"size={size}", "tmpfs"):
        with_lake_in(feed, disk)
        process = started(feed, DAY_1)
        _, said = process.communicate(timeout=60)
        assert_says_it_clearly(process, said)
        subprocess.run(["mount", "-o", "remount,size=50m", str(disk)], check=True)
        assert feed.run_at(DAY_2).exit_code == 0
        assert_equal(feed, "things", "wards_")


@pytest.mark.slow
def test_a_disk_that_fills_up_on_the_second_day_leaves_the_first_live(feed, tmp_path):
    disk = tmp_path / "disk"
    with mounted(disk, "-t", "tmpfs", "-o", "size=50m", "tmpfs"):
        with_lake_in(feed, disk)
        feed.run_at(DAY_1)
        before = held(feed, "things")
        fill(feed.data, "things", 30, "2026-11-17 12:00:00", start=100, pad=os.urandom(15_000).hex())
        used = sum(file.stat().st_blocks * 512 for file in disk.rglob("*"))
        (disk / "ballast").write_bytes(b"x" * (50 * 2**20 - used - 100_000))
        process = started(feed, DAY_2)
        _, said = process.communicate(timeout=60)
        assert_says_it_clearly(process, said)
        assert held(feed, "things") == before
        (disk / "ballast").unlink()
        assert feed.run_at("2026-11-18T05:00:00").exit_code == 0
        assert_equal(feed, "things", "wards_")


@pytest.mark.slow
@pytest.mark.parametrize("limit", [4_000, 20_000])
def test_files_that_may_not_grow_are_said_clearly_too(feed, limit):
    """What a quota does, without a mount: no file may become larger than the limit."""

    def limited():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    fill(feed.data, "things", 30, start=100, pad=os.urandom(15_000).hex())
    process = started(feed, DAY_1, preexec_fn=limited)
    _, said = process.communicate(timeout=60)
    assert process.returncode in (1, 3), said
    assert "Traceback" not in said
    assert "internal error" not in said
    assert "inside Planlake" not in said
    assert feed.run_at(DAY_2).exit_code == 0
    assert_equal(feed, "things", "wards_")


@pytest.mark.slow
def test_a_lake_that_may_only_be_read_is_said_in_one_line_and_still_answers(feed, tmp_path):
    disk = tmp_path / "disk"
    with mounted(disk, "-t", "tmpfs", "-o", "size=50m", "tmpfs"):
        with_lake_in(feed, disk)
        feed.run_at(DAY_1)
        fill(feed.data, "things", 3, "2026-11-17 12:00:00")
        subprocess.run(["mount", "--bind", str(disk), str(disk)], check=True)
        subprocess.run(["mount", "-o", "remount,bind,ro", str(disk)], check=True)
        process = started(feed, DAY_2)
        _, said = process.communicate(timeout=60)
        assert process.returncode == 3, said
        assert said.startswith("Error: the lake cannot be written")
        assert len(held(feed, "things")) == 21
        subprocess.run(["umount", "-l", str(disk)], check=True)
        assert feed.run_at("2026-11-18T05:00:00").exit_code == 0
        assert_equal(feed, "things", "wards_")


def test_a_lake_below_a_file_is_said_in_one_line(feed, tmp_path):
    (tmp_path / "file").write_text("no folder")
    with_lake_in(feed, tmp_path / "file" / "lake")
    done = planlake("run", "--config", feed.folder / "planlake.yaml", PLANLAKE_NOW=DAY_1, **KEYS)
    assert done.status == 3, done.err
    assert done.err.startswith("Error: the lake cannot be")
    assert "Traceback" not in done.err


def test_the_tables_of_this_module_are_what_the_api_shows(feed):
    result = feed.run_at(DAY_1)
    assert table_of(result, "things").outcome == "loaded"
    assert held(feed, "wards_") == shown(feed.data, "wards_")
