"""Nothing is deleted that does not lie below a table's own folder, and nothing is left where others might read it."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from conftest import written_config
from lake.things import SETTINGS, put, things_loaded
from planlake.changes.forget import forget
from planlake.changes.maintain import maintain
from planlake.changes.previews import create, remove
from planlake.engines import spill
from planlake.errors import LakeError
from planlake.lake.tables.local_folders import lying_below
from planlake.runs.plan import Selection
from planlake.runs.run import run

INCREMENT = "tascomi-refined-zone/increment_things"
NAMES = ("first", "second", "third")


def yes(_):
    return True


@pytest.fixture
def feed(tmp_path):
    with things_loaded(tmp_path / "here", NAMES) as made:
        yield made


def made_old(*folders):
    for folder in folders:
        for path in folder.rglob("*"):
            os.utime(path, (0, 0), follow_symlinks=False)


def held(folder):
    """Everything in a folder, with what it holds or where it leads."""
    return {
        path.relative_to(folder): path.readlink() if path.is_symlink() else path.read_bytes()
        for path in folder.rglob("*")
        if path.is_symlink() or path.is_file()
    }


def elsewhere(folder):
    """Files of somebody else's, some of which look like ours."""
    folder.mkdir()
    for name in ("theirs.parquet", "00001-theirs.metadata.json", "theirs.txt"):
        (folder / name).write_text("theirs")
    return folder


def names(feed):
    return [row["name"] for row in feed.rows("select name from things order by id")]


# ---------------------------------------------------------------- links


def test_housekeeping_follows_no_link_and_deletes_what_lies_beside_it(feed, tmp_path):
    theirs, lake = elsewhere(tmp_path / "theirs"), feed.config.folder / "lake"
    data = lake / INCREMENT / "data"
    (data / "folder").symlink_to(theirs)
    (data / "file.parquet").symlink_to(theirs / "theirs.parquet")
    (data / "gone.parquet").symlink_to(tmp_path / "nowhere")
    (data / "same.parquet").hardlink_to(theirs / "theirs.txt")
    (data / "left-by-a-crash.parquet").write_text("ours")
    (lake / "tascomi-refined-zone/current_things/data/others").symlink_to(data)
    made_old(lake, theirs)
    before = held(theirs), held(lake)
    maintain(feed.config)
    assert held(theirs) == before[0]
    gone = {str(path) for path in before[1].keys() - held(lake).keys()}
    assert gone == {f"{INCREMENT}/data/left-by-a-crash.parquet", f"{INCREMENT}/data/same.parquet"}
    assert names(feed) == list(NAMES)


def test_of_a_table_whose_folder_is_a_link_nothing_is_deleted_and_it_is_read(feed, tmp_path):
    place = feed.config.folder / "lake" / INCREMENT
    place.rename(tmp_path / "moved")
    place.symlink_to(tmp_path / "moved")
    (tmp_path / "moved/data/old.parquet").write_text("whose is this")
    made_old(tmp_path / "moved")
    before = held(tmp_path / "moved")
    maintain(feed.config)
    assert held(tmp_path / "moved") == before
    assert len(feed.rows("select * from increment_things")) == 3


def test_a_warehouse_that_is_a_link_is_looked_after_like_any_other(tmp_path):
    (tmp_path / "big").mkdir()
    (tmp_path / "here").mkdir()
    (tmp_path / "here/lake").symlink_to(tmp_path / "big")
    with things_loaded(tmp_path / "here", NAMES) as feed:
        (tmp_path / "big" / INCREMENT / "data/left.parquet").write_text("ours")
        made_old(tmp_path / "big")
        maintain(feed.config)
        assert not (tmp_path / "big" / INCREMENT / "data/left.parquet").exists()
        assert forget(feed.config, "things", "1", confirm=yes)
        assert names(feed) == list(NAMES[1:])


def test_forgetting_refuses_what_it_could_not_delete(feed, tmp_path):
    data = feed.config.folder / "lake" / INCREMENT / "data"
    file = next(data.iterdir())
    file.rename(tmp_path / file.name)
    file.symlink_to(tmp_path / file.name)
    before = held(feed.config.folder / "lake" / INCREMENT)
    with pytest.raises(LakeError, match="files of a table are behind a link") as refused:
        forget(feed.config, "things", "1", confirm=yes)
    assert refused.value.state == "Nothing was changed"
    assert held(feed.config.folder / "lake" / INCREMENT) == before
    file.unlink()
    (tmp_path / file.name).rename(file)
    assert forget(feed.config, "things", "1", confirm=yes)
    assert names(feed) == list(NAMES[1:])


def test_dropping_a_preview_leaves_what_its_links_lead_to(feed, tmp_path):
    theirs = elsewhere(tmp_path / "theirs")
    create(feed.config, "ticket")
    put(feed, 1, "changed", "2026-11-16 10:00:00")
    run(feed.config, Selection(tables=("things",), is_full=True), environment="ticket")
    (own,) = (feed.config.folder / "lake").glob("preview-ticket--*refined-zone")
    (own / "link").symlink_to(theirs)
    (own / "increment_things/data/link").symlink_to(theirs)
    before = held(theirs)
    remove(feed.config, "ticket", confirm=yes)
    assert held(theirs) == before
    assert not own.exists()
    assert names(feed) == list(NAMES)


def test_a_path_lies_below_a_warehouse_where_no_link_leads_to_it(tmp_path):
    (tmp_path / "real/db/table").mkdir(parents=True)
    (tmp_path / "lake").symlink_to("real")
    (tmp_path / "real/linked").symlink_to("db")
    (tmp_path / "real/up").symlink_to("..")
    lake = str(tmp_path / "lake")
    good = [f"{lake}/db/table/a", f"{lake}/db/b", f"{lake}/c"]
    bad = [
        f"{lake}/linked/table/a",
        f"{lake}/up/real/db/b",
        f"{lake}/../other",
        str(tmp_path / "other/x"),
        f"{lake}/up",
    ]
    assert lying_below(lake, [*bad, *good]) == good


# ---------------------------------------------------------------- who may look in


@pytest.mark.parametrize(("readers", "mode"), [("", 0o700), ("group", 0o750), ("everyone", 0o755)])
def test_folders_of_a_lake_are_made_for_those_the_settings_name(feed, tmp_path, readers, mode):
    more = f"\n  lake_readers: {readers}" if readers else ""
    text = SETTINGS.replace("settings: {lease_wait_seconds: 0}", f"settings:\n  lease_wait_seconds: 0{more}")
    places = 'environments: {local: {catalog: {uri: "sqlite:///deep/one/catalog.db"}, warehouse: deep/two}}\n'
    config = written_config(feed.simulator, tmp_path / "new", text + places)
    run(config, Selection())
    deep = tmp_path / "new/deep"
    assert {path.name: path.stat().st_mode & 0o777 for path in deep.iterdir()} == {"one": mode, "two": mode}
    assert {path.stat().st_mode & 0o777 for path in (deep / "two").iterdir()} == {mode}
    (deep / "one").chmod(0o711)
    run(config, Selection())
    assert (deep / "one").stat().st_mode & 0o777 == 0o711


# ---------------------------------------------------------------- what does not fit into memory


PROGRAM = """
import sys
from planlake.engines.duckdb.connection import connected
from planlake.engines.spill import spill_folder
with connected(64) as connection:
    (spill_folder() / "duckdb_temp_storage.tmp").write_text("Jane Doe")
    print(spill_folder(), flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """A folder for temporary files of this test's processes, of which this is one."""
    spill.delete_own()
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield folder
    spill.delete_own()
    monkeypatch.setattr(tempfile, "tempdir", None)


def begun():
    """A process that works with DuckDB until its input ends, and its folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    return process, Path(process.stdout.readline().strip())


def grow_old(*folders):
    for folder in folders:
        os.utime(folder, (time.time() - 3600,) * 2)


def test_each_process_has_a_folder_of_its_own_that_goes_with_it_or_with_the_next(temporary):
    (killed, left), (alive, kept), (ended, done) = begun(), begun(), begun()
    try:
        assert len({left, kept, done}) == 3
        assert {folder.parent for folder in (left, kept, done)} == {temporary}
        assert {folder.stat().st_mode & 0o777 for folder in (left, kept, done)} == {0o700}
        ended.communicate("")
        assert not done.exists()
        os.kill(killed.pid, signal.SIGKILL)
        killed.wait()
        assert (left / "duckdb_temp_storage.tmp").exists()
        grow_old(left, kept)
        own = spill.spill_folder()
        assert sorted(temporary.iterdir()) == sorted([kept, own])
        assert spill.spill_folder() == own
    finally:
        for process in (killed, alive, ended):
            process.stdin.close()
            process.wait()


def test_what_is_somebody_elses_or_leads_elsewhere_stays_and_disturbs_nobody(temporary, tmp_path, monkeypatch):
    theirs = elsewhere(tmp_path / "theirs")
    (temporary / "planlake-duckdb-abcdefgh").mkdir()
    (temporary / "planlake-duckdb-linked01").symlink_to(theirs)
    (temporary / "planlake-duckdb-of-mine").mkdir()
    (temporary / "planlake-duckdb").symlink_to(theirs)
    grow_old(temporary / "planlake-duckdb-abcdefgh", temporary / "planlake-duckdb-of-mine")
    before = held(theirs), sorted(temporary.iterdir())
    with monkeypatch.context() as patched:
        patched.setattr(os, "getuid", lambda: -1)
        spill.sweep_spilled()
    assert (held(theirs), sorted(temporary.iterdir())) == before
    spill.sweep_spilled()
    assert held(theirs) == before[0]
    assert {path.name for path in temporary.iterdir()} == {path.name for path in before[1]} - {
        "planlake-duckdb-abcdefgh"
    }


def test_what_earlier_versions_left_is_deleted_once_it_is_old(temporary):
    folder = temporary / "planlake-duckdb"
    folder.mkdir()
    for name in ("duckdb_temp_storage_S64K-0.tmp", "young.tmp"):
        (folder / name).write_text("Jane Doe")
    os.utime(folder / "duckdb_temp_storage_S64K-0.tmp", (0, 0))
    spill.sweep_spilled()
    assert [file.name for file in folder.iterdir()] == ["young.tmp"]
    os.utime(folder / "young.tmp", (0, 0))
    spill.sweep_spilled()
    assert not folder.exists()


def test_who_is_forgotten_is_in_no_temporary_file_of_a_process_that_is_gone(feed, temporary):
    process, left = begun()
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    grow_old(left)
    forget(feed.config, "things", "1", confirm=yes)
    assert not left.exists()
