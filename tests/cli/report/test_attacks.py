"""SQL that people write only reads, and only the tables it names: on the connection itself, and through every command.

The lake is compared byte for byte. The file of attacks is read from PLANLAKE_TEST_DATA; PLANLAKE_SOAK=1 tries
all of it, what only takes time and memory included, and each of our own at every kind of file.
"""

import csv
import hashlib
import io
import os
import socket
import time
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from cli.conftest import FEW_TABLES, FIRST, SECOND, small_council
from cli.report.attacks import SECRET, Places, own_attacks
from commands import planlake
from conftest import feeding
from planlake.config import load_config
from planlake.engines.duckdb.locked import locked
from planlake.errors import LakeError, PlanlakeError
from planlake.lake.tables.data_files import data_files, row_count
from planlake.lake.views.conditions import counting
from planlake.lake.views.query import answer_query
from planlake.lake.views.views import Views
from planlake.lake.warehouse import file_opener
from planlake.report.query import open_for_queries
from planlake.report.web.worker import answer, open_workers

IS_SOAK = os.environ.get("PLANLAKE_SOAK", "0") != "0"
ATTACKS = Path(os.environ.get("PLANLAKE_TEST_DATA", "../shared/data")) / "sql-attacks.csv"
TAKES_LONG = ("use", "crash")
planted_frame = pa.table({"a": [SECRET]})


def digest(folder):
    """Every file and link below a folder, with its bytes."""
    return {
        str(one.relative_to(folder)): "link" if one.is_symlink() else hashlib.sha256(one.read_bytes()).hexdigest()
        for one in sorted(folder.rglob("*"))
        if one.is_symlink() or one.is_file()
    }


@pytest.fixture(scope="module")
def visited():
    """A port on this machine that notes who comes."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        yield listening


@pytest.fixture(scope="module")
def attacked(tmp_path_factory, visited):
    """The configuration of a loaded lake, and its places, with secrets in it and beside it."""
    root = tmp_path_factory.mktemp("attacked")
    with feeding(small_council(), root, FEW_TABLES) as feed:
        assert [feed.run_at(FIRST).exit_code, feed.run_at(SECOND).exit_code] == [0, 0]
    lake, outside = root / "lake", root / "outside"
    for folder in (outside, root / "lake-secret", lake / "raw/data", lake / "refined/fees/data"):
        folder.mkdir(parents=True)
    (outside / "secret.txt").write_text(SECRET)
    (outside / "secret.csv").write_text(f"a\n{SECRET}\n")
    (root / "lake-secret/s.txt").write_text(SECRET)
    (lake / "link.txt").symlink_to(outside / "secret.txt")
    for file in (lake / "raw/data/r.parquet", lake / "refined/fees/data/f.parquet"):
        duckdb.execute(f"copy (select '{SECRET}' as api_response) to '{file}'")
    for file in (outside / "o.duckdb", lake / "in.duckdb"):
        with duckdb.connect(str(file)) as connection:
            connection.execute(f"create table t as select '{SECRET}' as a")
    named = {name: next(lake.rglob(f"{name}*/data/*.parquet")) for name in ("current_fees", "api_responses")}
    raw, metadata = named["api_responses"], next(lake.rglob("current_fees*/metadata/*.json"))
    secrets = (outside / "secret.csv", lake / "link.txt", lake / "catalog.db", raw, "/proc/self/environ")
    port = visited.getsockname()[1]
    places = Places(
        lake, outside, port, lake / "catalog.db", named["current_fees"], raw, metadata, tuple(map(str, secrets))
    )
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("PLANTED", SECRET)
        yield root / "planlake.yaml", places


@pytest.fixture(scope="module")
def attacks(attacked):
    """Statements by name: those of this folder, and those of the file."""
    found = own_attacks(attacked[1], 5 if IS_SOAK else 2)
    if not ATTACKS.is_file():
        return found
    rows = [row for row in rows_of_attacks() if row["group"] not in TAKES_LONG]
    return found | {f"{row['group']}: {row['name']}": attacked[1].fill(row["statement"]) for row in rows}


def rows_of_attacks():
    """The file's rows; a cell of it is larger than the csv module takes by itself, here and nowhere else."""
    before = csv.field_size_limit(10**9)
    try:
        with ATTACKS.open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))
    finally:
        csv.field_size_limit(before)


@pytest.fixture
def unharmed(attacked, visited):
    """At the end the lake, and what lies beside it, is byte for byte as it was, and nobody was called."""
    root = attacked[0].parent
    before = digest(root)
    yield
    assert digest(root) == before
    with pytest.raises(BlockingIOError):
        visited.accept()


def leaks(shown, places):
    """Whether what came out of a query is nothing that the table it names has."""
    return SECRET in shown or str(places.lake.parent) in shown or "SQLite format" in shown or "PAR1" in shown


def carried_out(asked, statement):
    """What a statement gives on a locked connection with the view of fees, nothing having looked at it before."""
    with locked(file_opener(asked.lake), asked.limits) as room:
        views = Views(asked.lake, asked.resources, room.connection, asked.texts_of, called=room.files.name_of)
        room.files.keep([views.define("", "fees")])
        try:
            return str(room.connection.execute(statement).fetchall())
        except duckdb.Error as error:
            return f"refused: {str(error).splitlines()[-1]}"


def test_the_file_of_attacks_is_there():
    if not ATTACKS.is_file():
        pytest.skip(
            f"NO FILE OF ATTACKS at {ATTACKS.resolve()}: set PLANLAKE_TEST_DATA to the folder of sql-attacks.csv"
        )
    assert ATTACKS.stat().st_size > 1_000_000


# They change the database of this one query, which is in memory, or nothing.
HARMLESS = ("write: replace a view for the next reader", "write: drop a view")


def test_nothing_is_written_or_read_on_the_connection_itself(attacked, attacks, unharmed):
    config, places = attacked
    asked = open_for_queries(load_config(config))
    assert carried_out(asked, "select count(*) from fees where id is not null")[2:4] > "70"
    given = {name: carried_out(asked, statement) for name, statement in attacks.items()}
    assert len(given) > 100
    assert [name for name, shown in given.items() if leaks(shown, places)] == []
    done = [name for name, shown in given.items() if name.startswith("write") and not shown.startswith("refused")]
    assert set(done) <= set(HARMLESS)


def test_the_command_refuses_each_and_says_so_in_a_line(attacked, attacks, typed, unharmed):
    config, _ = attacked
    for name, statement in attacks.items():
        said = typed("sql", statement, "--config", config)
        assert (said.status, said.out, len(said.errors)) == (2, "", 1), name
        assert "Traceback" not in said.err, name
        assert SECRET not in said.err, name


def test_the_prompt_and_a_day_are_no_way_round(attacked, attacks, typed, monkeypatch, unharmed):
    config, _ = attacked
    chosen = [one for name, one in attacks.items() if name.startswith(("write: inside with", "read: text"))]
    monkeypatch.setattr("sys.stdin", io.StringIO(";\n".join(chosen) + ";\n"))
    said = typed("sql", "--config", config)
    assert (said.status, said.out) == (2, "")
    assert len(said.errors) >= len(chosen) > 10
    for statement in chosen[:4]:
        assert typed("sql", statement, "--as-of", "2026-11-20", "--config", config).status == 2


def test_the_process_that_answers_for_the_ui_is_no_way_round(attacked, attacks, unharmed):
    config, _ = attacked
    with open_workers(load_config(config)) as workers:
        assert answer(workers, "select count(*) from fees").rows[0][0] >= 70
        for name, statement in attacks.items():
            with pytest.raises(PlanlakeError) as raised:
                answer(workers, statement)
            assert SECRET not in f"{raised.value} {raised.value.hint}", name
        assert answer(workers, "select count(*) from fees").rows[0][0] >= 70


@pytest.mark.parametrize(
    "name", ["{OUTSIDE}/secret.csv", "/proc/self/environ", "{LAKE}/link.txt", 'x" from read_text(1)']
)
def test_a_file_is_no_table_for_other_commands_that_take_names(attacked, typed, tmp_path, name, unharmed):
    config, places = attacked
    for command in (["tables"], ["export", "--out", tmp_path / "out.duckdb"]):
        said = typed(*command, places.fill(name), "--config", config)
        assert said.status == 2
        assert not leaks(said.out, places)
        assert SECRET not in said.everything
    assert [*tmp_path.iterdir()] == []


# `{}` is a statement that writes or reads; they are conditions that nobody would write for another purpose.
CONDITIONS = (
    "true); {}; select (true",
    "id in ({})",
    "exists (with y as ({}) select 1)",
    "exists (select * from read_text('{OUTSIDE}/secret.txt'))",
    "exists (from '{OUTSIDE}/secret.csv')",
    "(select count(*) from enable_logging(storage='file', storage_path='{LAKE}/log')) = 0",
    "exists (select * from query('{}'))",
    "id in (select id from fees, fees.x)",
    "exists (select * from duckdb_views())",
    "exists (show tables)",
    "true) union all (select 5",
    "true) group by all having (true",
    "true -- ) \n) union all (select 5",
    "coalesce(true)) intersect (select 5",
)
# What DuckDB says of these while it reads rows holds a value of one.
OF_A_VALUE = ("timezone({}, now()) is not null", "{}::integer > 1", "error({})", "strptime({}, '%Y') is null")


def test_the_condition_of_a_check_is_no_way_round(attacked, unharmed):
    config, places = attacked
    asked = open_for_queries(load_config(config))
    table = asked.lake.find("refined", "current_fees")
    with counting(asked.lake, asked.limits, files=data_files(table), schema=table.schema(), name="fees") as count_where:
        assert count_where("fees.id is not null", {}) == row_count(table)
        for condition in CONDITIONS:
            copying = f"with x as (copy (select 1) to '{places.catalogue}' (format csv)) select 1"
            with pytest.raises(PlanlakeError, match="a check cannot be carried out"):
                count_where(places.fill(condition.replace("{}", copying)), {})


def test_no_value_of_a_row_is_in_what_is_said_of_a_condition(attacked):
    asked = open_for_queries(load_config(attacked[0]))
    table = asked.lake.find("refined", "current_fees")
    with counting(asked.lake, asked.limits, files=data_files(table), schema=table.schema(), name="fees") as count_where:
        for condition in OF_A_VALUE:
            with pytest.raises(PlanlakeError, match="a value of some row does not convert") as raised:
                count_where(condition.format("('Zebra ' || last_updated::varchar)"), {})
            assert "Zebra" not in str(raised.value)


def test_a_run_with_such_a_check_says_so_and_writes_nothing_of_it(tmp_path):
    condition = "exists (with x as (copy (select 1) to 'evil.csv' (format csv)) select 1)"
    own = f'checks: [{{table: fees, name: writes, rows: "{condition}", holds: true}}]\n'
    with feeding(small_council(), tmp_path, FEW_TABLES + own) as feed:
        result = feed.run_at(FIRST, "fees")
    assert "only queries that read are allowed" in result.tables[0].message
    assert [*tmp_path.rglob("evil*")] == []


# ---------------------------------------------------------------- how far a query may go

ENDLESS = "with recursive t(n) as (select 1 union all select n + 1 from t) select max(n) from t"


@pytest.mark.parametrize(
    "query",
    [
        pytest.param(ENDLESS, id="recursion"),
        pytest.param("select sum(a.range * b.range) from range(100000000) a, range(100000000) b", id="join"),
        pytest.param("select * from range(1000000000000)", id="rows"),
    ],
)
def test_a_query_that_takes_too_long_is_stopped_and_says_by_which_setting(attacked, query):
    asked = open_for_queries(load_config(attacked[0], flags={"query_seconds": 0.2}))
    with (
        pytest.raises(PlanlakeError, match=r"longer than 0\.2 seconds") as raised,
        answer_query(asked, query) as answer,
    ):
        sum(piece.num_rows for piece in answer.pieces)
    assert "query_seconds" in raised.value.hint


def test_the_queries_of_the_file_that_only_take_time_or_memory_end_within_their_limits(attacked, unharmed):
    if not ATTACKS.is_file():
        pytest.skip(f"NO FILE OF ATTACKS at {ATTACKS.resolve()}")
    rows = [row for row in rows_of_attacks() if row["group"] in TAKES_LONG]
    limits = {"PLANLAKE_QUERY_SECONDS": "1", "PLANLAKE_QUERY_MEMORY_MEGABYTES": "500"}
    for row in rows if IS_SOAK else rows[:2]:
        said = planlake("sql", "--config", attacked[0], stdin=f"{row['statement']};\n", timeout=120, **limits)
        assert said.status in (0, 2), (row["name"], said)
        assert (said.status == 0) == (not said.errors), row["name"]
    assert len(rows) > 10


def test_they_end_in_the_process_of_the_ui_too_and_it_goes_on_answering(attacked, unharmed):
    if not ATTACKS.is_file():
        pytest.skip(f"NO FILE OF ATTACKS at {ATTACKS.resolve()}")
    rows = [row for row in rows_of_attacks() if row["group"] in TAKES_LONG]
    config = load_config(attacked[0], flags={"query_memory_megabytes": 500, "query_seconds": 1})
    with open_workers(config) as workers:
        for row in rows if IS_SOAK else rows[:4]:
            try:
                assert len(answer(workers, row["statement"]).rows) <= 1000
            except PlanlakeError as error:
                assert str(error).count("\n") == 0, row["name"]
        assert answer(workers, "select 1").rows == ((1,),)


def test_only_the_time_that_duckdb_takes_counts(attacked):
    asked = open_for_queries(load_config(attacked[0], flags={"query_seconds": 1.0}))
    with answer_query(asked, "select * from range(600000)") as answer:
        next(answer.pieces)
        time.sleep(1.2)
        assert sum(piece.num_rows for piece in answer.pieces) > 400_000


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("select list(repeat('x', 100000)) from range(1000000)", id="texts"),
        pytest.param("select length(repeat('x', 4000000000))", id="one text"),
    ],
)
def test_a_query_that_takes_too_much_memory_is_stopped_and_says_by_which_setting(attacked, query):
    said = planlake("sql", query, "--config", attacked[0], PLANLAKE_QUERY_MEMORY_MEGABYTES="100")
    assert (said.status, said.out) == (2, "")
    assert "needs more memory than 100 MB" in said.errors[0]
    assert "query_memory_megabytes" in said.err


def test_a_table_for_people_has_so_many_rows_at_most_and_says_so(attacked):
    query = "select * from range(1000000)"
    said = planlake("sql", query, "--config", attacked[0], PLANLAKE_QUERY_ROWS="100")
    assert (said.status, said.errors) == (0, [])
    assert "100 rows" in said.out
    assert "query_rows" in said.err
    whole = planlake("sql", query, "--format", "csv", "--config", attacked[0], PLANLAKE_QUERY_ROWS="100")
    assert (whole.status, whole.err, whole.out.count("\n")) == (0, "", 1_000_001)


def test_a_file_of_a_table_that_is_gone_or_cut_off_is_named(attacked):
    config, places = attacked
    asked = open_for_queries(load_config(config))
    kept = places.data_file.read_bytes()
    try:
        places.data_file.write_bytes(kept[:100])
        with pytest.raises(LakeError, match=places.data_file.name), answer_query(asked, "from current_fees") as answer:
            next(answer.pieces)
        places.data_file.unlink()
        with (
            pytest.raises(LakeError, match="cannot be read") as raised,
            answer_query(asked, "from current_fees") as answer,
        ):
            next(answer.pieces)
        assert places.data_file.name in str(raised.value)
    finally:
        places.data_file.write_bytes(kept)
