"""A lost or damaged catalogue: everything it knew is in the warehouse still."""

import json
import shutil
import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
from pyiceberg.catalog import MetastoreCatalog

from commands import typed_in_process
from flow.killing import Killed
from lake.things import DAY_2, DAY_3, put, things_loaded
from planlake.changes.forget import forget
from planlake.changes.previews import create
from planlake.changes.recover import recover
from planlake.changes.rollback import rollback
from planlake.errors import ConfigurationError, ConflictError, LakeError
from planlake.lake.lake import catalogue_file, lock_beside
from planlake.lake.open_lake import open_lake
from planlake.lake.pointing import number_of
from planlake.lake.repair import register_tables as recovery
from planlake.lake.state.lock import hold_for_writing
from planlake.lake.tables.data_files import data_files
from planlake.lake.tables.format import FORMAT_PROPERTY


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("loaded")
    with things_loaded(folder, [f"name {identity}" for identity in range(1, 6)]) as made:
        put(made, 1, "later", "2026-11-17 09:00:00")
        made.run_at(DAY_2)
        yield made, made.remembered()


def everything(feed):
    names = ("things", "increment_things", "api_requests", "runs", "published", "checks")
    return {name: feed.rows(f"select * from {name} order by all") for name in names}


def lose(feed):
    catalogue_file(feed.config).unlink()


def damage(feed):
    catalogue_file(feed.config).write_bytes(b"no database" * 100)


def damage_within(feed):
    """A file that opens, with one page of its tables overwritten."""
    with catalogue_file(feed.config).open("r+b") as file:
        file.seek(4096)
        file.write(b"x" * 4096)


@pytest.mark.parametrize("harm", [lose, damage_within])
def test_every_table_is_known_again_with_all_its_versions_and_runs_go_on(feed, harm):
    before, as_of = everything(feed), feed.rows("select * from things order by id", as_of="2026-11-17")
    harm(feed)
    found, aside = recover(feed.config)
    assert {one.table: one.rows for one in found}["current_things"] == 5
    assert (aside is not None) == (harm is not lose)
    assert everything(feed) == before
    assert feed.rows("select * from things order by id", as_of="2026-11-17") == as_of
    put(feed, 2, "latest", "2026-11-18 09:00:00")
    assert feed.run_at(DAY_3).exit_code == 0
    assert feed.rows("select name from things where id = 2") == [{"name": "latest"}]


def test_a_catalogue_that_knows_everything_is_left_alone(feed):
    before = feed.snapshots()
    assert recover(feed.config) == ([], None)
    assert feed.snapshots() == before


def test_a_catalogue_that_somebody_has_locked_is_left_alone(feed):
    file, before = catalogue_file(feed.config), feed.snapshots()
    with closing(sqlite3.connect(file)) as other:
        other.execute("begin exclusive")
        with pytest.raises(LakeError, match="the lake's catalogue cannot be used: database is locked") as raised:
            recover(feed.config)
    assert raised.value.state == "Nothing was changed"
    assert list(file.parent.glob("*.damaged-*")) == []
    assert feed.snapshots() == before


def test_while_a_run_writes_the_lake_even_a_damaged_catalogue_is_left_alone(feed):
    damage(feed)
    file = catalogue_file(feed.config)
    before = file.read_bytes()
    with hold_for_writing(lock_beside(file), 0), pytest.raises(ConflictError, match="another run is writing this lake"):
        recover(feed.config)
    assert file.read_bytes() == before
    assert list(file.parent.glob("*.damaged-*")) == []


def test_what_was_written_last_counts_of_two_files_with_one_number(feed):
    folder = feed.config.folder / "lake/tascomi-refined-zone/current_things/metadata"
    newest = max(folder.glob("*.metadata.json"))
    number = newest.name.split("-")[0]
    older = max(one for one in folder.glob("*.metadata.json") if not one.name.startswith(number))
    (folder / f"{number}-ffffffff-left-by-a-crash.metadata.json").write_bytes(older.read_bytes())
    before = everything(feed)
    lose(feed)
    recover(feed.config)
    assert everything(feed) == before


def test_a_damaged_catalogue_says_what_helps_and_it_does(feed, monkeypatch, capfd):
    damage(feed)
    file = feed.config.folder / "planlake.yaml"
    said = typed_in_process(monkeypatch, capfd, ("sql", "select * from things", "--config", file))
    assert (said.status, len(said.errors)) == (3, 1)
    said = typed_in_process(monkeypatch, capfd, ("recover", "--config", file))
    assert said.status == 0
    assert "the damaged catalogue is kept as" in said.err
    assert typed_in_process(monkeypatch, capfd, ("sql", "select * from things", "--config", file)).status == 0


@pytest.mark.parametrize(("zone", "name"), [("raw", "api_requests"), ("refined", "current_things")])
def test_a_lake_of_a_newer_version_is_refused_before_any_table_is_registered(feed, zone, name):
    with open_lake(feed.config).find(zone, name).transaction() as transaction:
        transaction.set_properties({FORMAT_PROPERTY: "99"})
    lose(feed)
    with pytest.raises(LakeError, match="this lake was written by a newer version of Planlake") as raised:
        recover(feed.config)
    assert raised.value.state == "Nothing was changed"
    assert open_lake(feed.config).catalog.list_namespaces() == []


# ---------------------------------------------------------------- a catalogue that knows an older version


def metadata_folder(feed, table="tascomi-refined-zone/current_things"):
    return feed.config.folder / "lake" / table / "metadata"


def places(feed):
    """Where the catalogue says that each table's newest version is, of no preview."""
    sql = "select table_name, metadata_location from iceberg_tables where table_namespace like 'tascomi-%'"
    with closing(sqlite3.connect(catalogue_file(feed.config))) as connection:
        return dict(connection.execute(sql))


def said(found):
    return {one.table: one.said for one in found}


def backed_up(feed):
    """The catalogue as it is now; what is returned restores it."""
    file = catalogue_file(feed.config)
    kept = file.read_bytes()
    return lambda: file.write_bytes(kept)


def shown(feed):
    return feed.rows("select id, name from things order by id")


@pytest.mark.parametrize("is_deleted", [False, True])
def test_a_catalogue_restored_from_a_backup_is_brought_up_to_date(feed, is_deleted):
    older, restore = places(feed), backed_up(feed)
    put(feed, 2, "latest", "2026-11-18 09:00:00")
    feed.run_at(DAY_3)
    before, newer = everything(feed), places(feed)
    restore()
    if is_deleted:  # as housekeeping does with metadata files that are many commits old
        (metadata_folder(feed) / older["current_things"].rpartition("/")[2]).unlink()
        with pytest.raises(LakeError, match="the catalogue names a metadata file that is not there") as raised:
            shown(feed)
        assert raised.value.hint == "planlake recover"
    found, aside = recover(feed.config)
    assert (aside, places(feed), everything(feed)) == (None, newer, before)
    numbers = {name: tuple(map(number_of, (older[name], newer[name]))) for name in newer}
    moved = {name: (first, last) for name, (first, last) in numbers.items() if first != last}
    told = {name: f"brought up to date from {first} to {last}" for name, (first, last) in moved.items()}
    if is_deleted:
        told["current_things"] = f"brought up to date: it is at {moved['current_things'][1]} now"
    assert said(found) == told
    assert {"api_responses", "api_requests", "increment_things", "current_things", "runs"} <= moved.keys()
    assert not any(one.is_trouble for one in found)
    assert recover(feed.config) == ([], None)
    put(feed, 3, "last", "2026-11-19 09:00:00")
    assert feed.run_at("2026-11-20T03:00:00").exit_code == 0
    assert [row["name"] for row in shown(feed)] == ["later", "latest", "last", "name 4", "name 5"]


def all_backed_up(feed):
    """The whole lake as it is now; what is returned lays it over what came since, and deletes nothing."""
    lake, restore = feed.config.folder / "lake", backed_up(feed)
    kept = shutil.copytree(lake, feed.config.folder / "kept", dirs_exist_ok=True)

    def lay_over():
        shutil.copytree(kept, lake, dirs_exist_ok=True)
        restore()

    return lay_over


@pytest.mark.parametrize("commits", [22, 45])  # logs that overlap and name the old file; logs that do not
def test_of_files_laid_over_newer_ones_the_newest_count_though_their_logs_do_not_name_the_known(feed, commits):
    lay_over = all_backed_up(feed)
    table = open_lake(feed.config).find("refined", "current_things")
    for count in range(commits):
        with table.transaction() as transaction:
            transaction.set_properties(count=str(count))
    newest = places(feed)
    lay_over()
    found, _ = recover(feed.config)
    assert [(one.table, one.is_trouble) for one in found] == [("current_things", False)]
    assert places(feed) == newest
    assert recover(feed.config) == ([], None)


def test_a_record_that_was_forgotten_does_not_come_back_with_files_laid_over_newer_ones(feed):
    lay_over = all_backed_up(feed)
    forget(feed.config, "things", "3", confirm=lambda _: True)
    newest = places(feed)
    lay_over()
    found, _ = recover(feed.config)
    assert (places(feed), [one for one in found if one.is_trouble]) == (newest, [])
    assert [row["id"] for row in shown(feed)] == [1, 2, 4, 5]
    assert recover(feed.config) == ([], None)


def written_and_killed(monkeypatch, table, action):
    """Carry out an action that is killed between writing a metadata file of this table and its commit."""
    written = MetastoreCatalog._write_metadata

    def write(metadata, io, metadata_path, *more, **others):
        written(metadata, io, metadata_path, *more, **others)
        if metadata_path.split("/")[-3] == table:
            raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(MetastoreCatalog, "_write_metadata", staticmethod(write))
        action()


@pytest.mark.parametrize("table", ["api_responses", "api_requests", "increment_things", "current_things", "published"])
def test_what_a_killed_run_wrote_last_is_taken_over_and_the_next_run_ends_with_the_right_tables(
    feed, monkeypatch, table
):
    put(feed, 2, "latest", "2026-11-18 09:00:00")
    written_and_killed(monkeypatch, table, lambda: feed.run_at(DAY_3))
    found, _ = recover(feed.config)
    assert [one.table for one in found] == [table]
    put(feed, 3, "last", "2026-11-19 09:00:00")
    assert feed.run_at("2026-11-20T03:00:00").exit_code == 0
    assert [row["name"] for row in shown(feed)] == ["later", "latest", "last", "name 4", "name 5"]
    versions = "select id, last_updated, name from increment_things group by all having count(*) > 1"
    assert feed.rows(versions) == []
    requests = "select request_id from api_requests where event = 'page' group by all having count(*) > 1"
    assert feed.rows(requests) == []


def test_what_was_written_before_a_later_commit_and_never_committed_is_left_alone(feed, monkeypatch):
    put(feed, 2, "wrong", "2026-11-18 09:00:00")
    written_and_killed(monkeypatch, "current_things", lambda: feed.run_at(DAY_3))
    rollback(feed.config, ["things"], date(2026, 11, 18), zone="all", confirm=lambda _: True)
    before = everything(feed)
    assert [row["name"] for row in shown(feed)][1] == "name 2"
    assert recover(feed.config) == ([], None)
    assert everything(feed) == before


def test_a_file_that_does_not_follow_what_the_catalogue_knows_is_left_alone(feed):
    """Such as one that somebody wrote whose commit was refused, as another came first."""
    newest = max(metadata_folder(feed).glob("*.metadata.json"))
    other = json.loads(newest.read_text())
    other["metadata-log"], other["last-updated-ms"] = other["metadata-log"][:-1], other["last-updated-ms"] + 10**9
    newest.with_name(f"{newest.name[:5]}-ffffffff.metadata.json").write_text(json.dumps(other))
    before = places(feed)
    assert recover(feed.config) == ([], None)
    assert places(feed) == before


def test_of_two_histories_every_table_gets_the_longer(feed, monkeypatch):
    """Such as where the run on a restored catalogue was killed before its first commit."""
    restore = backed_up(feed)
    for day, at in enumerate((DAY_3, "2026-11-20T03:00:00"), start=18):
        put(feed, 2, "latest", f"2026-11-{day} 09:00:00")
        feed.run_at(at)
    newest = places(feed)
    restore()
    written_and_killed(monkeypatch, "api_responses", lambda: feed.run_at("2026-11-21T03:00:00"))
    told = {one.table: one.said for one in recover(feed.config)[0] if one.is_trouble}
    assert places(feed) == newest
    (said,) = told.values()
    assert (*told, said.partition("; ")[2]) == (
        "api_responses",
        f"{number_of(newest['api_responses']) - 1} belongs to another history: planlake maintain deletes it",
    )
    assert recover(feed.config) == ([], None)


def test_newer_files_are_told_where_the_restored_catalogue_was_written_before_it_was_recovered(feed):
    older, restore = places(feed), backed_up(feed)
    put(feed, 2, "latest", "2026-11-18 09:00:00")
    feed.run_at(DAY_3)
    newer = places(feed)
    restore()
    create(feed.config, "DPP-426")
    found, _ = recover(feed.config)
    assert {name: places(feed)[name] for name in older} == older
    moved = {name for name in newer if newer[name] != older[name]}
    assert {one.table for one in found if one.is_trouble} == moved
    (told,) = [one.said for one in found if one.table == "current_things"]
    first, last = number_of(older["current_things"]), number_of(newer["current_things"])
    assert told == (
        f"left alone at {first}; {last} is left out, as the lake was written since: "
        "restore the backup again to get it back, else planlake maintain deletes it"
    )
    restore()
    assert not any(one.is_trouble for one in recover(feed.config)[0])
    assert {name: places(feed)[name] for name in newer} == newer


@pytest.mark.parametrize("calls", [2, 4])
def test_a_killed_recovery_is_finished_by_the_next(feed, monkeypatch, calls):
    restore = backed_up(feed)
    put(feed, 2, "latest", "2026-11-18 09:00:00")
    feed.run_at(DAY_3)
    newer, registered, count = places(feed), recovery._register, 0
    restore()

    def killing(choice):
        nonlocal count
        count += 1
        if count == calls:
            raise Killed
        registered(choice)

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(recovery, "_register", killing)
        recover(feed.config)
    assert places(feed) != newer
    recover(feed.config)
    assert places(feed) == newer


def without_newest_file(feed, zone, name):
    """Delete the data file that the last commit added; the number of that commit's metadata file."""
    table = open_lake(feed.config).find(zone, name)
    before = table.snapshot_by_id(table.current_snapshot().parent_snapshot_id)
    there = {file.file_path for file in data_files(table, snapshot_id=before.snapshot_id)}
    (added,) = {file.file_path for file in data_files(table)} - there
    Path(added).unlink()
    return number_of(table.metadata_location)


def test_a_newer_version_whose_files_are_gone_is_not_taken_and_the_command_says_so(feed, monkeypatch, capfd):
    older, restore = places(feed), backed_up(feed)
    put(feed, 2, "latest", "2026-11-18 09:00:00")
    feed.run_at(DAY_3)
    newest = without_newest_file(feed, "refined", "current_things")
    restore()
    file = feed.config.folder / "planlake.yaml"
    told = typed_in_process(monkeypatch, capfd, ("recover", "--json", "--config", file))
    assert (told.status, told.errors) == (1, [])
    (left,) = [one for one in json.loads(told.out)["tables"] if one["is_trouble"]]
    known = number_of(older["current_things"])
    assert left == {
        "database": "tascomi-refined-zone",
        "table": "current_things",
        "rows": 5,
        "done": "left alone",
        "said": f"left alone at {known}; files of {newest} are gone or cut off",
        "number_from": known,
        "number_to": known,
        "is_trouble": True,
        "is_apart": False,
        "lacks_files": False,
    }
    assert places(feed)["current_things"] == older["current_things"]


@pytest.mark.parametrize(
    ("zone", "name"), [("raw", "api_requests"), ("refined", "increment_things"), ("refined", "current_things")]
)
def test_a_run_ends_with_the_right_tables_where_one_of_them_could_not_be_brought_up_to_date(feed, zone, name):
    restore = backed_up(feed)
    put(feed, 2, "latest", "2026-11-18 09:00:00")
    feed.run_at(DAY_3)
    newest = without_newest_file(feed, zone, name)
    restore()
    found, _ = recover(feed.config)
    assert [one.table for one in found if one.said.endswith(f"; files of {newest} are gone or cut off")] == [name]
    put(feed, 3, "last", "2026-11-19 09:00:00")
    assert feed.run_at("2026-11-20T03:00:00").exit_code == 0
    assert [row["name"] for row in shown(feed)] == ["later", "latest", "last", "name 4", "name 5"]


def test_a_metadata_file_that_was_not_written_to_its_end_is_passed_over(feed):
    newest = max(metadata_folder(feed).glob("*.metadata.json"))
    cut_off = newest.with_name(f"{int(newest.name.split('-')[0]) + 1:05}-cut-off.metadata.json")
    cut_off.write_bytes(newest.read_bytes()[:100])
    before = everything(feed)
    lose(feed)
    recover(feed.config)
    assert everything(feed) == before


@pytest.mark.parametrize("size", [0, 100])
def test_a_metadata_file_that_the_catalogue_names_and_that_is_cut_off_is_told_and_the_one_before_is_taken(feed, size):
    put(feed, 2, "latest", "2026-11-18 09:00:00")
    feed.run_at(DAY_3)
    newest = max(metadata_folder(feed).glob("*.metadata.json"))
    newest.write_bytes(newest.read_bytes()[:size])
    with pytest.raises(LakeError, match="the catalogue names a metadata file that cannot be read") as raised:
        shown(feed)
    assert raised.value.hint == "planlake recover"
    number = number_of(str(newest))
    found, _ = recover(feed.config)
    assert [(one.table, one.said, one.is_trouble) for one in found] == [
        (
            "current_things",
            f"set back from {number} to {number - 1}, an older version; {number} cannot be read"
            "; it lacks 1 record of batch 3: planlake run things brings them",
            True,
        )
    ]
    put(feed, 3, "last", "2026-11-19 09:00:00")
    assert feed.run_at("2026-11-20T03:00:00").exit_code == 0
    assert [row["name"] for row in shown(feed)] == ["later", "latest", "last", "name 4", "name 5"]
    assert recover(feed.config) == ([], None)


def without_end(content):
    return content[:-10]


def header_of(content):
    """What comes before the rows of an Avro file: it ends with the mark that ends the file, too."""
    return content[: content.index(content[-16:]) + 16]


@pytest.mark.parametrize("is_lost", [False, True])
@pytest.mark.parametrize(
    ("kind", "cut"), [("list", lambda _: b""), ("list", header_of), ("manifest", without_end), ("data", without_end)]
)
def test_of_a_version_with_a_file_that_is_cut_off_recovery_tells_and_goes_on(feed, kind, cut, is_lost):
    table = open_lake(feed.config).find("refined", "current_things")
    number, version = number_of(table.metadata_location), table.current_snapshot()
    found = {
        "list": version.manifest_list,
        "manifest": version.manifests(table.io)[0].manifest_path,
        "data": next(iter(data_files(table))).file_path,
    }
    file = Path(found[kind])
    file.write_bytes(cut(file.read_bytes()))
    if is_lost:
        lose(feed)
    told = {one.table: one.said for one in recover(feed.config)[0] if one.is_trouble}
    gone = f"files of {number} are gone or cut off"
    assert told == {"current_things": f"{'registered' if is_lost else f'left alone at {number}'}; {gone}"}


@pytest.mark.parametrize("is_lost", [False, True])
def test_what_is_no_environment_is_not_recovered_by_itself(feed, is_lost):
    if is_lost:
        lose(feed)
    with pytest.raises(ConfigurationError, match="a preview is recovered with the environment it stands on") as raised:
        recover(feed.config, environment="DPP-426")
    assert (raised.value.state, raised.value.hint) == ("Nothing was changed", "planlake recover --env local")
    assert catalogue_file(feed.config).exists() == (not is_lost)


@pytest.mark.parametrize("table", ["current_things", "increment_things"])
def test_a_table_whose_newest_metadata_is_gone_is_said_to_be_older_and_what_it_lacks_is_brought_as_said(
    feed, monkeypatch, capfd, table
):
    put(feed, 2, "latest", "2026-11-18 09:00:00")
    feed.run_at(DAY_3)
    newest = max(metadata_folder(feed, f"tascomi-refined-zone/{table}").glob("*.metadata.json"))
    newest.unlink()
    number, file = number_of(str(newest)), feed.config.folder / "planlake.yaml"
    said = typed_in_process(monkeypatch, capfd, ("recover", "--config", file))
    flat = " ".join(said.out.split())
    assert (said.status, f"set back from {number} to {number - 1}, an older version; {number} is gone" in flat) == (
        1,
        True,
    )
    assert "it lacks 1 record of batch 3: planlake run things brings them" in flat
    assert typed_in_process(monkeypatch, capfd, ("run", "things", "--config", file)).status == 0
    assert [row["name"] for row in shown(feed)] == ["later", "latest", "name 3", "name 4", "name 5"]


def test_a_table_of_raw_whose_newest_metadata_is_gone_takes_its_rows_up_again(feed):
    before = everything(feed)
    newest = max(metadata_folder(feed, "tascomi-raw-zone/api_responses").glob("*.metadata.json"))
    newest.unlink()
    found, _ = recover(feed.config)
    assert [one.said for one in found if one.table == "api_responses" and one.done == "set back"] != []
    assert any("recovered" in one.said for one in found if one.table == "api_responses")
    assert everything(feed) == before
