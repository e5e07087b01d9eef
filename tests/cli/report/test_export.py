"""`planlake export`: the same values as `planlake sql` shows, in a DuckDB file or in Parquet, whole or not at all."""

import json
import os
import shutil
import sqlite3
from contextlib import closing
from datetime import date, datetime

import duckdb
import pyarrow.parquet as pq
import pytest

from conftest import feeding
from engines.nasty import NASTY
from planlake.config import load_config
from planlake.errors import ConfigurationError, LakeError
from planlake.report.exports import export as library
from planlake.report.exports.duckdb_file import file_name
from planlake.report.query import open_views
from planlake.simulator.dataset import Dataset
from querying import answer

COLUMNS = "id: integer, last_updated: timestamp, amount: double, whole: long, flag: boolean, at: timestamp, name: text"
SETTINGS = f"""
resources: {{things: {{columns: {{{COLUMNS}}}}}}}
tables: {{daily: [things]}}
settings: {{uncastable_percent: 100}}
"""
DAY_1, DAY_2 = "2026-11-17T03:00:00", "2026-11-18T03:00:00"
ODD = (rb'"a\ud800b"', rb'"a\u0000b"', '"é\U0001f333"'.encode(), b'""', b"null")
KEYS = b'"a\\"b": "quote", "a/b": "slash", "Name": "case", "\\u0001": "control", " ": "space"'


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """The configuration file of a lake with every nasty text, loaded on two days."""
    folder = tmp_path_factory.mktemp("odd")
    data = Dataset({"things": {"id": "integer", "last_updated": "timestamp"}}, now=datetime.fromisoformat(DAY_1))
    changed = "2026-11-16 09:00:00"
    for number, text in enumerate(NASTY):
        record = {"id": str(number), "last_updated": changed, **dict.fromkeys(("amount", "whole", "flag", "at"), text)}
        data.put("things", {**record, "name": text})
    for number, text in enumerate(ODD, start=1000):
        body = b'{"id": "%d", "last_updated": "%s", "name": %s, %s}' % (number, changed.encode(), text, KEYS)
        data.put("things", {"id": str(number), "last_updated": changed}, body=body)
    with feeding(data, folder, SETTINGS) as feed:
        assert feed.run_at(DAY_1).exit_code == 0
        data.put("things", {"id": "1", "last_updated": "2026-11-17 09:00:00", "name": "later"})
        assert feed.run_at(DAY_2).exit_code == 0
    return folder / "planlake.yaml"


def shown(file, query, as_of=None):
    with open_views(load_config(file), as_of=as_of) as views:
        return answer(views, query)


def in_duckdb(path, query):
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.sql(query).to_arrow_table()


ALL = "from things order by id"


@pytest.mark.parametrize("as_of", [None, "2026-11-17"])
def test_a_duckdb_file_holds_the_same_values_and_types_as_a_query_shows(typed, odd, tmp_path, as_of):
    out = tmp_path / "planning.duckdb"
    said = typed("export", "--out", out, "--config", odd, *(["--as-of", as_of] if as_of else []))
    assert (said.status, said.errors) == (0, [])
    wanted, found = shown(odd, ALL, date.fromisoformat(as_of) if as_of else None), in_duckdb(out, ALL)
    assert found.schema == wanted.schema
    assert found.equals(wanted)
    assert found.num_rows == len(NASTY) + len(ODD)
    assert ("later" in found["name"].to_pylist()) == (as_of is None)
    assert {"a\ufffdb", "a\0b", "", None} <= set(found["name"].to_pylist())
    assert list(tmp_path.iterdir()) == [out]
    about = in_duckdb(out, "from planlake_export").to_pylist()
    published = "20261117" if as_of else "20261118"
    assert [(one["table"], one["rows"], one["published"], str(one["as_of"])) for one in about] == [
        ("things", found.num_rows, published, str(as_of))
    ]
    assert about[0]["environment"] == "local"


def test_parquet_files_hold_the_same_values_and_say_what_they_are(typed, odd, tmp_path, monkeypatch):
    monkeypatch.setenv("PLANLAKE_NOW", "2026-11-19T03:00:00")
    out = tmp_path / "out"
    said = typed("export", "things", "history_things", "THINGS", "--out", out, "--config", odd, "--json")
    about = json.loads(said.out)
    assert about == json.loads((out / "planlake_export.json").read_text())
    assert [(one["table"], one["file"]) for one in about["tables"]] == [
        ("things", "things.parquet"),
        ("history_things", "history_things.parquet"),
    ]
    assert (about["exported_at"], about["as_of"], about["source"]) == ("2026-11-19 03:00:00", None, "tascomi")
    for one, order in zip(about["tables"], ("id", "id, batch"), strict=True):
        found = pq.read_table(out / one["file"])
        assert found.num_rows == one["rows"]
        wanted = shown(odd, f"from {one['table']} order by {order}")
        assert found.schema.types == wanted.schema.types
        in_order = found.sort_by([(name, "ascending") for name in order.split(", ")])
        assert in_order.cast(wanted.schema).equals(wanted)  # a column without NULLs says so
        assert found.num_columns == one["columns"]
    assert sorted(entry.name for entry in out.iterdir()) == [
        "history_things.parquet",
        "planlake_export.json",
        "things.parquet",
    ]


def test_a_duckdb_file_says_what_its_tables_hold_and_its_columns_mean(typed, lake, tmp_path):
    out = tmp_path / "planning.duckdb"
    names = ("applications", "history_fees", "runs")
    assert typed("export", *names, "--out", out, "--config", lake).status == 0
    query = "select table_name, column_name, comment from duckdb_columns() where comment is not null"
    rows = [row.values() for row in in_duckdb(out, query).to_pylist()]
    said = {(table, column): text for table, column, text in rows}
    assert said["applications", "admin_officer_id"].startswith("perhaps: Which user")
    assert said["applications", "application_stage"].endswith("10 = DECISION ISSUED, 11 = UNDER APPEAL.")
    assert said["history_fees", "valid_from"] == "When it was received, UTC."
    assert {table for table, _ in said} == {"applications", "history_fees"}
    query = "select table_name, comment from duckdb_tables() where comment is not null"
    tables = {row["table_name"]: row["comment"] for row in in_duckdb(out, query).to_pylist()}
    assert tables.keys() == {*names}
    assert tables["history_fees"].startswith("Every version of fees")


def test_every_loaded_table_is_exported_by_default_under_its_own_name(typed, lake, tmp_path):
    said = typed("export", "--out", tmp_path / "all.duckdb", "--config", lake)
    assert said.status == 0
    names = in_duckdb(tmp_path / "all.duckdb", "select table_name from information_schema.tables order by 1")
    loaded = ["applications", "asset_constraints", "contacts", "fees", "wards"]
    assert names["table_name"].to_pylist() == sorted([*loaded, "planlake_export"])
    assert "applications" in said.out


def test_an_older_duckdb_could_read_the_file(odd, typed, tmp_path):
    typed("export", "--out", tmp_path / "a.duckdb", "--config", odd)
    with duckdb.connect() as connection:
        connection.execute(f"attach '{tmp_path / 'a.duckdb'}' as x (read_only)")
        tags = connection.execute("select tags from duckdb_databases() where database_name = 'x'").fetchall()[0][0]
    assert tags["storage_version"] == "v1.0.0+"


# ---------------------------------------------------------------- places that are taken


@pytest.mark.parametrize("out", ["a.duckdb", "folder"])
def test_an_earlier_export_is_replaced_only_when_told(typed, odd, tmp_path, out):
    path = tmp_path / out
    command = ("export", "--out", path, "--config", odd)
    typed(*command, "--as-of", "2026-11-17")

    def is_later():
        if path.is_dir():
            return "later" in pq.read_table(path / "things.parquet")["name"].to_pylist()
        return "later" in in_duckdb(path, "from things")["name"].to_pylist()

    refused = typed(*command)
    assert (refused.status, refused.errors) == (2, [f"Error: {path} is there already"])
    assert "--force" in refused.err
    assert not is_later()
    assert typed(*command, "--force").status == 0
    assert is_later()
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_with_other_files_is_never_replaced(typed, odd, tmp_path):
    (tmp_path / "out").mkdir()
    command = ("export", "--out", tmp_path / "out", "--config", odd)
    assert typed(*command).status == 0  # an empty folder is no export of anybody's
    (tmp_path / "out/mine.txt").write_text("mine")
    said = typed(*command, "--force")
    assert (said.status, said.errors) == (2, [f"Error: {tmp_path / 'out'} holds other files (for example=mine.txt)"])
    assert (tmp_path / "out/mine.txt").read_text() == "mine"


def test_a_file_that_is_no_earlier_export_is_never_replaced(typed, odd, tmp_path):
    for name in ("lake.db", "thesis.txt", "planlake.yaml"):
        file = tmp_path / name
        if name == "lake.db":  # as the catalogue of a lake is kept
            with closing(sqlite3.connect(file)) as catalogue:
                catalogue.execute("create table mine (a text)")
        else:
            file.write_text("mine, of many pages")
        before = file.read_bytes()
        said = typed("export", "--out", file, "--format", "duckdb", "--force", "--config", odd)
        assert (said.status, said.errors) == (2, [f"Error: {file} is not an earlier export"])
        assert "--force replaces earlier exports alone" in said.err
        assert file.read_bytes() == before


def test_a_duckdb_file_with_tables_of_ones_own_is_never_replaced(typed, odd, tmp_path):
    mine, exported = tmp_path / "mine.duckdb", tmp_path / "a.duckdb"
    assert typed("export", "--out", exported, "--config", odd).status == 0
    for file in (mine, exported):
        with duckdb.connect(str(file)) as connection:
            connection.execute("create view notes as select 1 as mine")
    whole = [f"Error: {mine} is not an earlier export"]
    added = [f"Error: {exported} holds other tables (for example=notes)"]
    for file, errors in ((mine, whole), (exported, added)):
        said = typed("export", "--out", file, "--force", "--config", odd)
        assert (said.status, said.errors) == (2, errors)
        assert in_duckdb(file, "from notes").to_pylist() == [{"mine": 1}]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["thigns", "--out", "a.duckdb"], 'no table is called "thigns"', id="a table"),
        pytest.param(["fees", "--out", "a.duckdb"], '"fees" was not loaded yet', id="a table that was not loaded"),
        pytest.param(["--out", "a", "--format", "duckdbb"], 'no format is called "duckdbb"', id="a format"),
        pytest.param(["--out", "a", "--as-of", "x"], "--as-of is not a day", id="a day"),
        pytest.param(["--out", "absent/a.duckdb"], "there is no folder", id="a folder"),
        pytest.param(["--out", ".", "--format", "duckdb"], "is a folder", id="a file that is a folder"),
    ],
)
def test_what_cannot_be_exported_is_one_line_and_leaves_nothing(typed, odd, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    said = typed("export", *arguments, "--config", odd)
    assert (said.status, said.out, len(said.errors)) == (2, "", 1)
    assert message in said.errors[0]
    assert list(tmp_path.iterdir()) == []


def test_before_the_first_run_there_is_nothing_to_export(typed, tmp_path):
    typed("init", "--config", tmp_path / "planlake.yaml")
    said = typed("export", "--out", tmp_path / "a.duckdb", "--config", tmp_path / "planlake.yaml")
    assert (said.status, said.errors) == (2, ["Error: nothing was loaded yet"])
    assert not (tmp_path / "a.duckdb").exists()


# ---------------------------------------------------------------- exports that do not end


@pytest.mark.parametrize("out", ["a.duckdb", "folder", "a.xlsx", "a.sqlite"])
@pytest.mark.parametrize(
    ("trouble", "raised"),
    [
        pytest.param(duckdb.IOException("no space left"), LakeError, id="no space"),
        pytest.param(duckdb.OutOfMemoryException("too little"), LakeError, id="no memory"),
        pytest.param(KeyboardInterrupt(), KeyboardInterrupt, id="Ctrl-C"),
        pytest.param(ConfigurationError("taken"), ConfigurationError, id="a place taken meanwhile"),
    ],
)
def test_an_export_that_does_not_end_leaves_the_earlier_one(odd, tmp_path, monkeypatch, out, trouble, raised):
    path = tmp_path / out
    kind = path.suffix[1:] or "parquet"
    config = load_config(odd)
    library.export(config, [], library.ExportTarget(path, kind), as_of=date(2026, 11, 17))
    before = {entry: entry.read_bytes() for entry in tmp_path.rglob("*") if entry.is_file()}

    def fail(*_):
        raise trouble

    monkeypatch.setattr(library, "_take_place", fail)
    with pytest.raises(raised):
        library.export(config, [], library.ExportTarget(path, kind, replaces=True))
    assert {entry: entry.read_bytes() for entry in tmp_path.rglob("*") if entry.is_file()} == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("kind", ["csv", "xlsx", "sqlite", "duckdb", "parquet", "gpkg"])
def test_an_export_that_is_stopped_half_way_leaves_nothing_behind(odd, tmp_path, kind):
    def stop(_):
        raise KeyboardInterrupt

    for path in (tmp_path / f"a.{kind}", tmp_path / "folder"):
        target = library.ExportTarget(path, kind if path.suffix else "parquet")
        with pytest.raises(KeyboardInterrupt):
            library.export(load_config(odd), [], target, notify=stop)
        assert [*tmp_path.iterdir()] == []


def test_progress_of_each_table_ends_with_all_of_it(odd, tmp_path):
    events = []
    target = library.ExportTarget(tmp_path / "a.duckdb", "duckdb")
    library.export(load_config(odd), ["things", "current_things"], target, notify=events.append)
    last = {event.table: (event.done, event.total) for event in events}
    assert last == {"things": (100, 100), "current_things": (100, 100)}
    assert all(event.step == "export" for event in events)


def test_names_that_no_file_may_have_are_written_so_that_they_are_told_apart():
    taken = set()
    names = [file_name(name, taken) for name in ("a/b", "a:b", "A/B", "../x", "a\0b")]
    assert names == ["a%2Fb.parquet", "a%3Ab.parquet", "A%2FB_2.parquet", "..%2Fx.parquet", "a%00b.parquet"]


def test_an_export_replaces_no_link_and_nothing_that_is_no_ordinary_file(typed, odd, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "to-pipe").symlink_to("pipe")
    (tmp_path / "round").symlink_to("round")
    for name in ("pipe", "to-pipe", "round", "n" * 300):
        for form in ("duckdb", "parquet"):
            said = typed("export", "--out", tmp_path / name, "--format", form, "--force", "--config", odd)
            assert (said.status, len(said.errors)) == (2, 1), name
    assert (tmp_path / "pipe").is_fifo()
    for name, place in (("linked.duckdb", "new.duckdb"), ("linked", "")):
        (tmp_path / name).symlink_to(elsewhere / place)
        for more in ((), ("--force",)):
            assert typed("export", "--out", tmp_path / name, *more, "--config", odd).status == 0
        assert (tmp_path / name).is_symlink()
        (elsewhere / "new.duckdb").unlink(missing_ok=True)
    assert {one.name for one in elsewhere.iterdir()} >= {"things.parquet"}
    assert {one.name for one in tmp_path.iterdir()} == {
        "elsewhere",
        "pipe",
        "to-pipe",
        "round",
        "linked",
        "linked.duckdb",
    }


@pytest.mark.parametrize("name", ["a?b.duckdb", "a%20b.duckdb", "a'b\"c.duckdb", "*[x].duckdb", f"{'n' * 240}.duckdb"])
def test_every_sign_of_an_exports_name_stands_for_itself(typed, odd, tmp_path, name):
    for more in ((), ("--force",)):
        said = typed("export", "--out", tmp_path / name, *more, "--config", odd)
        assert (said.status, said.errors) == (0, [])
    assert [one.name for one in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["fees.duckdb", "fees"])
def test_an_export_into_a_table_of_the_lake_is_refused(typed, lake, name):
    folder = next((lake.parent / "lake").glob("*refined*/current_fees/data"))
    said = typed("export", "fees", "--out", folder / name, "--config", lake)
    assert (said.status, "is inside the lake" in said.err) == (2, True), said.everything
    assert not (folder / name).exists()


def test_an_export_that_a_full_disk_broke_off_says_so(odd, tmp_path, monkeypatch):
    def fail(*_):
        raise duckdb.Error('IO Error: Detached database "export" ... CHECKPOINT failed')

    monkeypatch.setattr(library, "_take_place", fail)
    monkeypatch.setattr(library.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, 4096))
    with pytest.raises(LakeError, match=r"the disk of .* is full") as raised:
        library.export(load_config(odd), [], library.ExportTarget(tmp_path / "a.duckdb", "duckdb"))
    assert "was left as it was" in raised.value.state
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("out", ["/dev/stdout", "-"])
def test_an_export_to_a_stream_is_refused_with_what_to_do(typed, lake, out):
    said = typed("export", "--out", out, "--config", lake)
    assert (said.status, "not a stream" in said.err, "planlake sql" in said.err) == (2, True, True)
