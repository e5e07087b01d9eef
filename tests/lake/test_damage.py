"""Files of tables that are gone, empty, cut off or overwritten: named by doctor, told by what meets them, repaired."""

import itertools
import json
import os
import random
import shlex
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyiceberg.manifest import clear_manifest_cache

from commands import planlake, typed_in_process
from lake.things import DAY_2, DAY_3, put, things_loaded
from planlake.changes.rebuild import rebuild
from planlake.changes.recover import recover
from planlake.lake.lake import catalogue_file
from planlake.lake.open_lake import open_lake
from planlake.lake.pointing import number_of
from planlake.lake.tables.data_files import data_files
from planlake.runs.reconcile import reconcile

TABLES = {
    "current": ("refined", "current_things"),
    "increment": ("refined", "increment_things"),
    "records": ("raw", "api_responses"),
    "ledger": ("raw", "api_requests"),
    "runs": ("operations", "runs"),
    "checks": ("operations", "checks"),
    "published": ("operations", "published"),
}
HARMS = {
    "gone": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "cut off": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "garbled": lambda path: path.write_bytes(b"\x00garbled\xff" * (path.stat().st_size // 9)),
    "overwritten": lambda path: path.write_bytes(path.read_bytes()[:-200] + b"\xfe" * 200),
    "a page": lambda path: path.write_text("<html>this is no file</html>"),
}
KINDS = ("metadata", "list", "manifest", "data")


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    with things_loaded(tmp_path_factory.mktemp("loaded"), [f"name {number}" for number in range(1, 6)]) as made:
        put(made, 1, "later", "2026-11-17 09:00:00")
        made.run_at(DAY_2)
        yield made, made.remembered()


@pytest.fixture
def feed(loaded):
    made, set_back = loaded
    set_back()
    clear_manifest_cache()
    return made


@pytest.fixture
def typed(feed, monkeypatch, capfd):
    file = feed.config.folder / "planlake.yaml"

    def type_in(*words):
        clear_manifest_cache()  # as a process of its own has none
        named = words if "--config" in words else (*words, "--config", file)
        return typed_in_process(monkeypatch, capfd, named)

    return type_in


def file_of(feed, table, kind):
    found = open_lake(feed.config).find(*TABLES[table])
    version = found.current_snapshot()
    manifest = version.manifests(found.io)[0]
    places = {
        "metadata": found.metadata_location,
        "list": version.manifest_list,
        "manifest": manifest.manifest_path,
        "data": data_files(found)[0].file_path,
    }
    return Path(places[kind])


def troubles(typed):
    """What doctor says of the lake: the sentences, and the commands it advises."""
    found = json.loads(typed("doctor", "--json").out)
    ours = [one for one in found if one["check"] in ("lake catalogue", "warehouse", "tables")]
    bad = [one for one in ours if one["verdict"] == "failed"]
    return [one["seen"] for one in bad], [shlex.split(one["advice"])[1:] for one in bad]


def repaired(typed):
    """Give the commands as advised until doctor has nothing to say of the lake; how many that took."""
    given = []
    while advised := troubles(typed)[1]:
        assert len(given) < 4, (given, troubles(typed))
        given.append(advised[0])
        said = typed(*advised[0])
        assert said.status in (0, 1), said.everything
        assert "internal error" not in said.everything
    return given


def shown(feed):
    feed.close()
    return [row["name"] for row in feed.rows("select name from things order by id")]


IS_SOAK = os.environ.get("PLANLAKE_SOAK", "0") != "0"
EVERY = list(itertools.product(TABLES, KINDS, HARMS))
# A kind of harm for each file of each table, every kind of file with every harm; all of them in the soak.
SOME = [
    (table, kind, [*HARMS][(row + 2 * column) % len(HARMS)])
    for row, table in enumerate(TABLES)
    for column, kind in enumerate(KINDS)
]


@pytest.mark.parametrize(("table", "kind", "harm"), EVERY if IS_SOAK else SOME)
def test_a_damaged_file_is_named_and_the_printed_commands_bring_everything_back(feed, typed, table, kind, harm):
    HARMS[harm](file_of(feed, table, kind))
    put(feed, 2, "last", "2026-11-18 09:00:00")
    assert any(TABLES[table][1] in one for one in troubles(typed)[0]), troubles(typed)
    for words in (("sql", f"select * from {TABLES[table][1]}"), ("status",), ("run",)):
        said = typed(*words)
        assert said.status in (0, 1, 3), said.everything
        assert "please report it" not in said.everything
        assert "internal error" not in said.everything
    assert len(repaired(typed)) <= 2
    assert feed.run_at(DAY_3).exit_code == 0
    assert shown(feed) == ["later", "last", "name 3", "name 4", "name 5"]
    assert troubles(typed) == ([], [])


@pytest.mark.parametrize("seed", range(8 if IS_SOAK else 3))
@pytest.mark.parametrize("kind", ["list", "manifest"])
def test_a_list_of_files_full_of_noise_is_damaged_and_no_defect(feed, typed, kind, seed):
    """Lengths read out of noise are negative, or larger than any memory: pyiceberg fails with SystemError then."""
    file_of(feed, "current", kind).write_bytes(random.Random(seed).randbytes(2000))
    for words in (("status",), ("doctor",), ("sql", "select * from things"), ("maintain",), ("run",)):
        said = typed(*words)
        assert said.status in (0, 1, 3), said.everything
        assert "inside Planlake" not in said.everything
    assert len(repaired(typed)) <= 2
    assert shown(feed) == ["later", "name 2", "name 3", "name 4", "name 5"]


@pytest.mark.parametrize("kind", ["list", "manifest"])
def test_a_length_far_beyond_a_list_of_files_kills_nobody(feed, kind):
    """Half a gigabyte by the header of a file of ten bytes: the compiled decoder reads on into foreign memory."""
    file_of(feed, "current", kind).write_bytes(b"Obj\x01" + b"\x02" + b"\x80\x80\x80\x80\x04")
    said = planlake("status", "--config", feed.config.folder / "planlake.yaml")
    assert said.status == 1, said.everything
    assert "lists of files of current_things are gone or damaged" in said.out


@pytest.mark.parametrize("kind", ["list", "manifest", "data"])
@pytest.mark.parametrize("table", ["current", "increment"])
def test_a_query_says_which_table_is_damaged_and_which_command_repairs_it(feed, typed, table, kind):
    HARMS["garbled"](file_of(feed, table, kind))
    said = typed("sql", f"select * from {TABLES[table][1]}")
    assert (said.status, said.errors[0].startswith("Error: ")) == (3, True), said.everything
    assert f"of {TABLES[table][1]} are gone or damaged" in said.errors[0]
    assert "hint: planlake rebuild " in said.err


def test_a_run_does_not_call_a_version_good_that_cannot_be_read(feed, typed):
    HARMS["gone"](file_of(feed, "current", "data"))
    put(feed, 2, "last", "2026-11-18 09:00:00")
    said = typed("run")
    assert (said.status, "still shows its last good version" in said.err) == (1, False)
    assert "things is damaged: data files of current_things are gone or damaged" in said.err
    assert "hint: planlake rebuild " in said.err


def test_a_text_that_damage_made_no_text_is_not_carried_on(feed, typed):
    file = file_of(feed, "current", "data")
    before, held = file.read_bytes(), pq.ParquetFile(file).read()
    texts, place = held["name"].combine_chunks(), held.column_names.index("name")
    noise = [None, texts.buffers()[1], pa.py_buffer(texts.buffers()[2].to_pybytes().replace(b"name", b"\xff\xfeme"))]
    pq.write_table(
        held.set_column(place, held.schema.field("name"), pa.StringArray.from_buffers(len(texts), noise[1], noise[2])),
        file, compression="zstd", compression_level=19, write_statistics=False, store_schema=False,
        use_dictionary=False,
    )  # fmt: skip
    written = file.read_bytes()
    footer = len(written) - 8 - int.from_bytes(written[-8:-4], "little")
    file.write_bytes(written[:footer] + bytes(len(before) - len(written)) + written[footer:])  # as long as it was
    put(feed, 2, "last", "2026-11-18 09:00:00")
    said = typed("run")
    assert (said.status, "things is damaged: data files of current_things are gone or damaged" in said.err) == (1, True)
    assert repaired(typed)
    assert typed("run").status == 0
    assert "last" in shown(feed)


def test_a_run_that_has_nothing_to_do_names_files_that_are_gone(feed, typed):
    HARMS["cut off"](file_of(feed, "increment", "data"))
    said = typed("run")
    assert (said.status, "data files of increment_things are gone or damaged" in said.err) == (1, True)


def test_a_rebuild_of_what_cannot_be_read_says_that_its_rows_before_are_unknown(feed, typed):
    for file in data_files(open_lake(feed.config).find(*TABLES["current"])):
        Path(file.file_path).unlink()
    said = typed("rebuild", "things")
    assert said.status == 0
    assert said.out.splitlines()[-2].split() == ["things", "unknown", "5", "unknown", "unknown", "unknown"]
    (made,) = rebuild(feed.config, ["things"])
    assert (made.rows_before, made.rows_after, made.changed) == (5, 5, 0)


@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize("kind", ["list", "manifest"])
def test_a_rebuild_counts_the_rows_of_its_own_version_beside_damaged_earlier_ones(feed, typed, kind, harm):
    HARMS[harm](file_of(feed, "current", kind))
    said = typed("rebuild", "things")
    assert said.out.splitlines()[-2].split() == ["things", "unknown", "5", "unknown", "unknown", "unknown"]


@pytest.mark.parametrize("table", ["records", "ledger"])
def test_what_raw_lost_is_asked_for_again_and_all_is_made_of_raw_once_more(feed, typed, table):
    for file in data_files(open_lake(feed.config).find(*TABLES[table])):
        Path(file.file_path).unlink()
    said = typed("recover")
    assert (said.status, "are lost; the next run asks for their windows again" in " ".join(said.out.split())) == (
        1,
        True,
    )
    assert feed.run_at(DAY_3).exit_code == 0
    (made,) = rebuild(feed.config, ["things"])
    assert (made.trouble, shown(feed)) == ("", ["later", "name 2", "name 3", "name 4", "name 5"])
    received = feed.rows("select distinct record_id from api_responses order by 1")
    assert [row["record_id"] for row in received] == ["1", "2", "3", "4", "5"]
    (difference,) = reconcile(feed.config, ["things"], is_deep=True)
    assert difference.is_equal
    assert recover(feed.config) == ([], None)


def test_a_damaged_version_of_an_earlier_day_is_let_go_and_housekeeping_goes_on(feed, typed):
    table = open_lake(feed.config).find("refined", "current_things")
    older = table.snapshot_by_id(table.current_snapshot().parent_snapshot_id)
    Path(older.manifest_list).unlink()
    for path in Path(feed.config.folder, "lake").rglob("*"):
        os.utime(path, (time.time() - 7200,) * 2)  # so that housekeeping looks at them
    assert "lists of earlier versions of current_things are gone" in troubles(typed)[0][0]
    said = typed("maintain")
    assert (said.status, "please report it" in said.err) == (3, False), said.everything
    assert typed("recover").status == 1
    assert typed("maintain").status == 0
    assert shown(feed) == ["later", "name 2", "name 3", "name 4", "name 5"]


@pytest.mark.parametrize("table", ["current", "increment", "records", "ledger", "runs"])
def test_a_table_whose_metadata_files_are_all_gone_is_made_anew(feed, typed, table):
    runs = feed.rows("select * from runs order by all")
    for path in file_of(feed, table, "metadata").parent.glob("*"):
        path.unlink()
    assert len(repaired(typed)) <= 2
    if table == "runs":
        assert [row for row in feed.rows("select * from runs order by all") if row in runs] == runs
    put(feed, 2, "last", "2026-11-18 09:00:00")
    assert feed.run_at(DAY_3).exit_code == 0
    (made,) = rebuild(feed.config, ["things"])
    assert (made.trouble, shown(feed)) == ("", ["later", "last", "name 3", "name 4", "name 5"])
    (difference,) = reconcile(feed.config, ["things"], is_deep=True)
    assert difference.is_equal


@pytest.mark.parametrize("is_lost", [False, True])
@pytest.mark.parametrize("table", ["records", "current"])
def test_recovery_takes_the_newest_though_a_file_of_every_version_is_gone(feed, typed, table, is_lost):
    """An older version that is whole would lose all that came since."""
    first = min(
        data_files(open_lake(feed.config).find(*TABLES[table])), key=lambda one: Path(one.file_path).stat().st_mtime
    )
    newest = file_of(feed, table, "metadata")
    Path(first.file_path).unlink()
    if is_lost:
        catalogue_file(feed.config).unlink()
    else:
        newest.unlink()
    found, _ = recover(feed.config)
    assert any(one.table == TABLES[table][1] and one.is_trouble for one in found)
    numbers = {one.table: one.number_to for one in found if one.number_to is not None}
    assert numbers[TABLES[table][1]] >= number_of(str(newest)) - (not is_lost)
    assert len(repaired(typed)) <= 1
    assert feed.run_at(DAY_3).exit_code == 0
    rebuild(feed.config, ["things"])
    assert shown(feed) == ["later", "name 2", "name 3", "name 4", "name 5"]


@pytest.mark.parametrize("table", ["records", "current", "increment", "checks", "published"])
def test_a_file_that_is_gone_is_named_by_status_and_run_with_what_mends_it_and_recover_says_one_thing(
    feed, typed, table
):
    file = file_of(feed, table, "data")
    file.unlink()
    said = typed("status")
    cannot_tell = table == "published"  # which status itself reads
    assert said.status == (3 if cannot_tell else 1), said.everything
    assert (file.name in said.everything, "= complete" in said.out) == (True, False)
    mends = "planlake rebuild" if table in ("current", "increment") else "planlake recover"
    assert f"hint: {mends}" in said.everything
    if table == "records":
        said = typed("run")
        assert (said.status, file.name in said.everything, f"hint: {mends}" in said.everything) == (1, True, True)
    if mends == "planlake rebuild":
        assert typed("rebuild", "things").status == 0
    else:
        told = json.loads(typed("recover", "--json").out)
        said_of = [one["said"] for one in told["tables"] if one["table"] == TABLES[table][1]]
        assert len(said_of) == 1, said_of
        assert "are lost" in said_of[0]
    said = typed("status")
    assert "never loaded" not in said.everything
    assert typed("run").status == 0
    assert (typed("status").status, troubles(typed)) == (0, ([], []))


def test_a_damaged_table_does_not_stop_status(feed, typed):
    HARMS["garbled"](file_of(feed, "current", "data"))
    said = typed("status")
    assert said.status == 1, said.everything
    assert "! things: damaged: data files of current_things" in said.out
    assert "hint: planlake rebuild " in said.out
    rows = {one["table"]: one for one in json.loads(typed("status", "--json").out)["tables"]}
    assert (rows["things"]["held"], rows["things"]["trouble"]) == (None, "damaged")


def test_recover_says_of_files_that_are_gone_what_makes_them_again(feed, typed):
    file_of(feed, "current", "data").unlink()
    said = typed("recover")
    assert said.status == 1, said.everything
    [hint] = [line for line in said.err.splitlines() if line.startswith("hint")]
    assert hint.startswith("hint: planlake rebuild ")
    assert typed("rebuild", "things").status == 0
    assert shown(feed) == ["later", "name 2", "name 3", "name 4", "name 5"]


def test_a_check_that_cannot_be_carried_out_is_named_by_status_and_doctor(feed, typed):
    file = feed.config.folder / "planlake.yaml"
    before = file.read_text()
    try:
        file.write_text(before + "checks: [{table: things, name: mine, rows: 'nope < 0'}]\n")
        said = typed("status")
        assert said.status == 1
        sentence = "! things: a check cannot be carried out: no column is called"
        assert sentence in said.out and "check=mine" in said.out, said.everything
        [found] = [one for one in json.loads(typed("doctor", "--json").out) if one["check"] == "own checks"]
        assert (found["verdict"], "nope" in found["seen"]) == ("failed", True)
        file.write_text(before + "checks: [{table: things, name: mine, rows: 'id < 0'}]\n")
        assert typed("status").status == 0
        [found] = [one for one in json.loads(typed("doctor", "--json").out) if one["check"] == "own checks"]
        assert found["verdict"] == "ok"
    finally:
        file.write_text(before)
