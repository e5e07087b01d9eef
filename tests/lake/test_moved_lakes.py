"""A lake that is not where it was made: moved, copied, seen at two paths, or with a warehouse that is mistyped."""

import shutil
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pytest

from commands import typed_in_process
from conftest import Feed
from flow.killing import Killed
from lake.things import DAY_2, DAY_3, put, things_loaded
from planlake.changes.forget import forget
from planlake.changes.maintain import maintain
from planlake.changes.previews import create, promote
from planlake.changes.rebuild import rebuild
from planlake.changes.recover import recover
from planlake.changes.rollback import rollback, undo
from planlake.config import load_config
from planlake.errors import LakeError
from planlake.lake.lake import ZONES, catalogue_file
from planlake.lake.open_lake import open_lake, open_to_read
from planlake.lake.repair import register_tables as recovery
from planlake.runs import run as running
from planlake.runs.plan import Selection
from planlake.runs.reconcile import reconcile
from planlake.runs.run import run

PREVIEW = "trial"
DAY_4 = "2026-11-20T03:00:00"


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """Loaded on two days, with a preview that ran on the second."""
    with things_loaded(
        tmp_path_factory.mktemp("made") / "project", [f"name {number}" for number in range(1, 6)]
    ) as made:
        put(made, 1, "later", "2026-11-17 09:00:00")
        made.run_at(DAY_2)
        create(made.config, PREVIEW)
        put(made, 2, "tried", "2026-11-17 20:00:00")
        made.monkeypatch.setenv("PLANLAKE_NOW", "2026-11-18T09:00:00")
        run(made.config, Selection(tables=("things",)), environment=PREVIEW)
        yield made, made.remembered()


@pytest.fixture
def feed(loaded):
    made, set_back = loaded
    made.config.folder.mkdir(exist_ok=True)
    set_back()
    return made


@dataclass
class Moved:
    """A lake beside another: what `feed` has, in another folder."""

    feed: Feed
    folder: Path

    @property
    def config(self):
        return load_config(self.folder / "planlake.yaml")

    def run_at(self, now):
        return replace(self.feed, config=self.config).run_at(now)

    def rows(self, query, **more):
        reading = replace(self.feed, config=self.config)
        try:
            return reading.rows(query, **more)
        finally:
            reading.close()

    def lake(self):
        return self.folder / "lake"


@pytest.fixture
def copy(feed, tmp_path):
    return Moved(feed, shutil.copytree(feed.config.folder, tmp_path / "copy"))


@pytest.fixture
def moved(feed, tmp_path):
    """The only one there is: the original is gone."""
    folder = tmp_path / "moved"
    shutil.copytree(feed.config.folder, folder)
    shutil.rmtree(feed.config.folder)
    return Moved(feed, folder)


def bytes_of(folder):
    return {
        path: path.read_bytes()
        for path in Path(folder).rglob("*")
        if path.is_file() and path.suffix not in (".lock", ".holder")
    }


def data_of(lake):
    return {path: content for path, content in bytes_of(lake.lake()).items() if path.suffix == ".parquet"}


def shown(lake, **more):
    return [row["name"] for row in lake.rows("select name from things order by id", **more)]


def everything(lake):
    names = (
        "things",
        "history_things",
        "increment_things",
        "api_requests",
        "api_responses",
        "runs",
        "published",
        "checks",
    )
    found = {name: lake.rows(f"select * from {name} order by all") for name in names}
    found["yesterday"] = lake.rows("select * from things order by id", as_of="2026-11-17")
    found["tried"] = lake.rows("select * from things order by id", environment=PREVIEW)
    return found


def yes(_):
    return True


WRITING = {
    "run": lambda config: run(config, Selection()),
    "maintain": maintain,
    "forget": lambda config: forget(config, "things", "3", confirm=yes),
    "forget, shown": lambda config: forget(config, "things", "3", confirm=None),
    "rollback": lambda config: rollback(config, ["things"], date(2026, 11, 17), confirm=yes),
    "undo": lambda config: undo(config, confirm=yes),
    "rebuild": lambda config: rebuild(config, ["things"]),
    "reconcile": lambda config: reconcile(config, ["things"]),
    "create": lambda config: create(config, "another"),
    "promote": lambda config: promote(config, PREVIEW, [], confirm=yes),
    "run in a preview": lambda config: run(config, Selection(), environment=PREVIEW),
    "recover": recover,
}


@pytest.mark.parametrize("act", WRITING.values(), ids=WRITING)
def test_whatever_writes_a_copy_is_refused_and_the_original_stays_byte_for_byte(feed, copy, act):
    feed.run_at(DAY_3)
    original, own = bytes_of(feed.config.folder), bytes_of(copy.folder)
    with pytest.raises(
        LakeError, match=f"this lake was made at {feed.config.folder}/lake and is at {copy.lake()}"
    ) as raised:
        act(copy.config)
    assert (raised.value.state, raised.value.hint) == ("Nothing was changed", "planlake recover --here")
    assert bytes_of(feed.config.folder) == original
    assert bytes_of(copy.folder) == own


def test_a_copy_is_made_whole_with_all_days_previews_and_undo_and_the_original_is_untouched(feed, copy, monkeypatch):
    before = everything(feed)
    feed.close()
    original = bytes_of(feed.config.folder)
    data = data_of(copy)
    found, _ = recover(copy.config, is_moved=True)
    assert {one.done for one in found} == {"moved here"}
    assert not any(one.is_trouble for one in found)
    assert bytes_of(feed.config.folder) == original
    assert data_of(copy) == data
    assert recover(copy.config) == ([], None)
    folder, hidden = feed.config.folder, feed.config.folder.with_name("hidden")
    folder.rename(hidden)
    assert everything(copy) == before
    assert shown(copy) == ["later", "name 2", "name 3", "name 4", "name 5"]
    assert shown(copy, environment=PREVIEW)[1] == "tried"
    put(feed, 3, "last", "2026-11-18 09:00:00")
    assert copy.run_at(DAY_3).exit_code == 0
    rollback(copy.config, ["things"], date(2026, 11, 17), confirm=yes)
    assert shown(copy)[0] == "name 1"
    undo(copy.config, confirm=yes)
    assert shown(copy) == ["later", "tried", "last", "name 4", "name 5"]
    forget(copy.config, "things", "4", confirm=yes)
    maintain(copy.config)
    rebuild(copy.config, ["things"])
    assert shown(copy) == ["later", "tried", "last", "name 5"]
    assert bytes_of(hidden) == {hidden / path.relative_to(folder): content for path, content in original.items()}


def test_a_moved_lake_is_told_by_recover_which_lowers_no_table(moved):
    before = catalogue_file(moved.config).read_bytes()
    with pytest.raises(LakeError, match="this lake was made at") as raised:
        recover(moved.config)
    assert raised.value.hint == "planlake recover --here"
    assert catalogue_file(moved.config).read_bytes() == before
    with pytest.raises(LakeError, match="this lake was made at") as raised:
        open_to_read(moved.config)
    recover(moved.config, is_moved=True)
    assert shown(moved) == ["later", "name 2", "name 3", "name 4", "name 5"]
    assert shown(moved, as_of="2026-11-17") == [f"name {number}" for number in range(1, 6)]


def test_a_killed_repair_is_finished_by_the_next_and_nothing_is_written_in_between(moved, monkeypatch):
    registered, count = recovery._register, 0

    def killing(choice):
        nonlocal count
        count += 1
        if count == 4:
            raise Killed
        registered(choice)

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(recovery, "_register", killing)
        recover(moved.config, is_moved=True)
    with pytest.raises(LakeError, match="this lake was made at"):
        run(moved.config, Selection())
    with pytest.raises(LakeError, match="this lake was made at"):
        recover(moved.config)
    recover(moved.config, is_moved=True)
    assert shown(moved) == ["later", "name 2", "name 3", "name 4", "name 5"]
    assert recover(moved.config) == ([], None)


def test_a_lake_is_moved_twice(moved, tmp_path):
    before = None
    for name in ("once", "twice"):
        recover(moved.config, is_moved=True)
        before = before or everything(moved)
        moved.folder = moved.folder.rename(tmp_path / name)
    recover(moved.config, is_moved=True)
    assert everything(moved) == before
    assert moved.run_at(DAY_3).exit_code == 0


def test_a_warehouse_that_moved_and_a_catalogue_that_was_lost(moved):
    """As a backup of the files alone, laid back elsewhere."""
    catalogue_file(moved.config).unlink()
    for act in (
        lambda: run(moved.config, Selection()),
        lambda: open_to_read(moved.config),
        lambda: recover(moved.config),
    ):
        with pytest.raises(LakeError, match="this lake was made at") as raised:
            act()
        assert raised.value.hint == "planlake recover --here"
    recover(moved.config, is_moved=True)
    assert shown(moved) == ["later", "name 2", "name 3", "name 4", "name 5"]
    assert shown(moved, environment=PREVIEW)[1] == "tried"


def test_a_catalogue_without_its_warehouse_is_told_and_what_lies_elsewhere_is_copied_when_asked_for(feed, copy):
    before = everything(feed)
    feed.close()
    for folder in copy.lake().glob("*--*"), copy.lake().glob("tascomi-*"):
        for path in folder:
            shutil.rmtree(path)
    original = bytes_of(feed.config.folder)
    with pytest.raises(LakeError, match="the catalogue says that the tables of this lake lie at") as raised:
        run(copy.config, Selection())
    assert raised.value.state == f"Nothing was changed; no table lies at {copy.lake()}"
    assert raised.value.hint.startswith(
        f"set warehouse to {feed.config.folder}/lake again; or give planlake recover --h"
    )
    recover(copy.config, is_moved=True)
    assert bytes_of(feed.config.folder) == original
    shutil.rmtree(feed.config.folder)
    assert everything(copy) == before


def test_what_a_copy_lacks_is_brought_from_where_it_still_is(feed, copy):
    """Such as where a copy was written to before: then its newest files lie with the original."""
    put(feed, 3, "last", "2026-11-18 09:00:00")
    feed.run_at(DAY_3)
    shutil.copy(catalogue_file(feed.config), catalogue_file(copy.config))
    recover(copy.config, is_moved=True)
    shutil.rmtree(feed.config.folder)
    assert shown(copy) == ["later", "tried", "last", "name 4", "name 5"]
    assert recover(copy.config) == ([], None)


def test_a_copy_of_a_catalogue_that_is_older_than_the_copied_files_gets_the_newest(feed, copy):
    put(feed, 3, "last", "2026-11-18 09:00:00")
    feed.run_at(DAY_3)
    shutil.copytree(feed.config.folder / "lake", copy.lake(), dirs_exist_ok=True, ignore=lambda *_: ["catalog.db"])
    shutil.rmtree(feed.config.folder)
    recover(copy.config, is_moved=True)
    assert shown(copy) == ["later", "tried", "last", "name 4", "name 5"]


def with_warehouse(lake, text):
    file = lake.folder / "planlake.yaml"
    kept = "\n".join(line for line in file.read_text().splitlines() if not line.startswith("environments"))
    file.write_text(f"{kept}\nenvironments: {{local: {{warehouse: {text}}}}}\n")


WAYS = ["./lake/", "{folder}/lake/", "../project/lake", "file://{folder}/lake", "file://{folder}/lake/"]


def test_a_warehouse_may_be_written_in_any_way_that_means_the_same_folder(feed):
    lake = Moved(feed, feed.config.folder)
    for way in WAYS:
        with_warehouse(lake, f'"{way.format(folder=lake.folder)}"')
        assert recover(lake.config) == ([], None)
        assert open_to_read(lake.config).find("refined", "current_things")
    put(feed, 3, "last", "2026-11-18 09:00:00")
    assert lake.run_at(DAY_3).exit_code == 0
    forget(lake.config, "things", "4", confirm=yes)
    maintain(lake.config)
    assert shown(lake) == ["later", "tried", "last", "name 5"]


def test_a_lake_is_opened_by_a_link_to_its_folder(feed, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(feed.config.folder)
    lake = Moved(feed, link)
    assert lake.run_at(DAY_3).exit_code == 0
    forget(lake.config, "things", "4", confirm=yes)
    assert shown(lake) == ["later", "tried", "name 3", "name 5"]


def test_a_lake_that_moved_and_left_a_link_where_it_was_is_not_swept_by_the_old_names(feed, tmp_path):
    folder = feed.config.folder.rename(tmp_path / "moved")
    feed.config.folder.symlink_to(folder)
    lake = Moved(feed, folder)
    for act in (maintain, lambda config: forget(config, "things", "4", confirm=yes)):
        with pytest.raises(LakeError, match="this lake was made at"):
            act(lake.config)
    assert shown(lake) == ["later", "name 2", "name 3", "name 4", "name 5"]
    recover(lake.config, is_moved=True)
    feed.config.folder.unlink()
    assert shown(lake) == ["later", "name 2", "name 3", "name 4", "name 5"]


def test_one_folder_seen_at_two_paths_is_written_at_the_one_it_was_made_for(feed, tmp_path):
    """As on a host and in a container; a second name for a folder is made by a link of each file here."""
    other = Moved(feed, tmp_path / "container")
    shutil.copytree(feed.config.folder, other.folder, copy_function=lambda one, two: Path(two).hardlink_to(one))
    with pytest.raises(LakeError, match="this lake was made at"):
        other.run_at(DAY_3)
    assert feed.run_at(DAY_3).exit_code == 0


def test_a_lake_whose_zones_lie_apart_is_made_whole_with_each_at_its_place(feed, tmp_path):
    lake = Moved(feed, tmp_path / "apart")
    lake.folder.mkdir()
    shutil.copy(feed.config.folder / "planlake.yaml", lake.folder)
    with_warehouse(lake, "{raw: raw, refined: refined}")
    lake.run_at(DAY_3)
    before = lake.rows("select * from increment_things order by all")
    (lake.folder / "raw").rename(lake.folder / "elsewhere")
    with_warehouse(lake, "{raw: elsewhere, refined: refined}")
    with pytest.raises(LakeError, match="raw and is at "):
        rebuild(lake.config, ["things"])
    found, _ = recover(lake.config, is_moved=True)
    assert {one.table for one in found} == {"api_requests", "api_responses"}
    rebuild(lake.config, ["things"])
    after = lake.rows("select * from increment_things order by all")
    assert [row["record_hash"] for row in after] == [row["record_hash"] for row in before]


def test_a_mistyped_warehouse_is_told_and_no_folder_is_made_of_it(feed, monkeypatch, capfd):
    lake = Moved(feed, feed.config.folder)
    with_warehouse(lake, "lakee")
    file = lake.folder / "planlake.yaml"
    said = typed_in_process(monkeypatch, capfd, ("doctor", "--config", file))
    assert said.status == 3
    told = f"the catalogue says that the tables of this lake lie at {lake.lake()}; the warehouse is {lake.folder}/lakee"
    assert told in said.everything.replace("\n", " ") or told in said.err
    said = typed_in_process(monkeypatch, capfd, ("run", "--config", file))
    assert (said.status, told in said.err) == (3, True)
    assert not (lake.folder / "lakee").exists()
    with_warehouse(lake, "lake")
    assert lake.run_at(DAY_3).exit_code == 0


@pytest.mark.parametrize("is_mistyped", [True, False])
def test_status_says_first_that_a_lake_lies_elsewhere_and_queries_answer_with_a_remark(
    feed, copy, monkeypatch, capfd, is_mistyped
):
    lake = Moved(feed, feed.config.folder) if is_mistyped else copy
    if is_mistyped:
        with_warehouse(lake, "laek")
    file = lake.folder / "planlake.yaml"
    said = typed_in_process(monkeypatch, capfd, ("status", "--config", file))
    told = "the catalogue says that the tables of this lake lie at" if is_mistyped else "this lake was made at"
    assert (said.status, said.out.startswith(f"! {told}"), "= complete" in said.out) == (1, True, False), (
        said.everything
    )
    assert "planlake recover" in said.everything
    said = typed_in_process(monkeypatch, capfd, ("sql", "select name from things where id = 1", "--config", file))
    assert (said.status, "later" in said.out, f"! {told}" in said.err) == (0, True, True), said.everything


READING = [
    "runs",
    "runs 1",
    "tables",
    "tables things",
    "check",
    "plan",
    "views",
    "diagram --columns all",
    "advise",
    "env list",
]


@pytest.mark.parametrize("command", [*READING, "model list", "export things --out", "report --out"])
def test_every_command_that_reads_a_copy_says_once_that_it_is_one(copy, tmp_path, monkeypatch, capfd, command):
    file, out = copy.folder / "planlake.yaml", [tmp_path / "out"] if command.endswith("--out") else []
    said = typed_in_process(monkeypatch, capfd, (*command.split(), *out, "--config", file))
    assert (said.status, said.err.count("! this lake was made at ")) == (0, 1), said.everything
    assert f"hint: planlake recover --config {file} --here" in said.err


def test_the_printed_hint_works_as_it_is_printed(moved, monkeypatch, capfd):
    file = moved.folder / "planlake.yaml"
    for command in ("doctor", "sql", "run", "recover"):
        words = ("select * from things",) if command == "sql" else ()
        said = typed_in_process(monkeypatch, capfd, (command, *words, "--config", file))
        assert (said.status, f"hint: planlake recover --config {file} --here" in said.err) == (3, True)
    said = typed_in_process(monkeypatch, capfd, ("recover", "--config", file, "--here"))
    assert (said.status, "moved here; it was made at" in said.out) == (0, True)
    said = typed_in_process(monkeypatch, capfd, ("sql", "select name from things where id = 1", "--config", file))
    assert (said.status, "later" in said.out) == (0, True)


def test_a_lost_catalogue_stops_whatever_writes_and_reading_says_so_too(feed, monkeypatch, capfd):
    catalogue_file(feed.config).unlink()
    before = bytes_of(feed.config.folder)
    for act in (*(act for name, act in WRITING.items() if name != "recover"), open_to_read):
        with pytest.raises(LakeError, match="the catalogue does not know tables whose files lie in the ware") as raised:
            act(feed.config)
        assert raised.value.hint == "planlake recover"
    catalogue_file(feed.config).unlink()
    assert bytes_of(feed.config.folder) == {path: one for path, one in before.items() if path.name != "catalog.db"}
    file = feed.config.folder / "planlake.yaml"
    others = [(word,) for word in ("tables", "status", "plan", "runs", "check", "advise", "doctor")]
    for words in (("sql", "select * from things"), ("env", "list"), *others):
        said = typed_in_process(monkeypatch, capfd, (*words, "--config", file))
        assert (said.status, f"hint: planlake recover --config {file}" in said.err) == (3, True), words
    assert recover(feed.config)[1] is None
    assert shown(Moved(feed, feed.config.folder)) == ["later", "name 2", "name 3", "name 4", "name 5"]


def test_a_catalogue_that_knows_some_tables_only_stops_what_would_begin_others_anew(feed):
    lake = open_lake(feed.config)
    lake.catalog.drop_table((lake.database("refined"), "current_things"))
    with pytest.raises(LakeError, match="the catalogue does not know tables") as raised:
        feed.run_at(DAY_3)
    assert raised.value.facts["tables"] == "current_things"
    recover(feed.config)
    assert feed.run_at(DAY_3).exit_code == 0


def test_a_first_run_that_was_killed_before_its_first_commit_is_given_again(feed, tmp_path, monkeypatch):
    lake = Moved(feed, tmp_path / "first")
    lake.folder.mkdir()
    shutil.copy(feed.config.folder / "planlake.yaml", lake.folder)
    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(running, "record_published", lambda *_: (_ for _ in ()).throw(Killed()))
        lake.run_at(DAY_3)
    assert lake.run_at(DAY_3).exit_code == 0
    assert [zone for zone in ZONES if open_lake(lake.config).names(zone)] == ["raw", "refined", "operations"]


def test_a_mistyped_warehouse_that_is_made_the_lakes_gets_every_file_and_nothing_is_said_to_be_gone(
    feed, monkeypatch, capfd
):
    lake = Moved(feed, feed.config.folder)
    with_warehouse(lake, "laek")
    file = lake.folder / "planlake.yaml"
    said = typed_in_process(monkeypatch, capfd, ("recover", "--here", "--config", file))
    assert (said.status, "gone or cut off" in said.everything) == (0, False), said.everything
    shutil.rmtree(lake.lake() / "tascomi-refined-zone")
    assert shown(lake) == ["later", "name 2", "name 3", "name 4", "name 5"]
    assert shown(lake, as_of="2026-11-17")[0] == "name 1"
    shutil.rmtree(lake.folder / "laek")


def test_a_moved_table_with_files_that_are_gone_is_not_called_whole(moved):
    for file in moved.lake().glob("*refined*/current_things/data/**/*.parquet"):
        file.unlink()
    found, _ = recover(moved.config, is_moved=True)
    damaged = [one for one in found if one.lacks_files and not one.database.startswith("preview-")]
    assert [(one.table, one.done) for one in damaged] == [("current_things", "moved here, damaged")]
    assert "moved here;" not in damaged[0].said
