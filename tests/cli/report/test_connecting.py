"""docs/connect.md and docs/from-athena.md: every command, block and expression of them is carried out."""

import re
import shlex
from pathlib import Path

import duckdb
import pytest
import sqlglot

from cli.conftest import FIRST, TABLES, small_council
from conftest import feeding
from planlake.lake.views.query_errors import OF_ATHENA, plainly

DOCS = Path(__file__).parents[3] / "docs"
CONNECT, ATHENA = ((DOCS / name).read_text(encoding="utf-8") for name in ("connect.md", "from-athena.md"))
NUMBERS = "from (values (1), (2), (3)) as t(n)"
CODE = re.compile(r"`((?:[^`\\]|\\.)+)`")


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """A lake that was loaded once and has a model called as a table is; no test changes it."""
    folder = tmp_path_factory.mktemp("connecting")
    (folder / "models").mkdir()
    (folder / "models/fees.sql").write_text("-- Fees that were paid.\nselect * from refined.fees\n", encoding="utf-8")
    with feeding(small_council(), folder, TABLES) as feed:
        assert feed.run_at(FIRST).exit_code == 0
    return folder / "planlake.yaml"


def blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def rows_under(heading):
    """The code of each row of the table below a heading, and whether the row says that its left was not compared."""
    part = ATHENA.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("| `")]
    return [(CODE.findall(line), "(not compared)" in line) for line in lines]


FUNCTIONS, TYPES = rows_under("Functions"), rows_under("Types")


def test_the_commands_and_the_python_of_connecting_work_one_after_another(typed, lake, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PLANLAKE_CONFIG", str(lake))
    commands = [shlex.split(line, comments=True) for block in blocks(CONNECT, "sh") for line in block.splitlines()]
    assert [command[0] for command in commands] == ["planlake"] * 8
    for _, *arguments in commands:
        said = typed(*arguments)
        assert (said.status, said.errors) == (0, []), said.everything
    (block,) = blocks(CONNECT, "python")
    names = {}
    exec(block, names)
    lines = [line for line in block.splitlines() if line.startswith(("pd.", "duckdb.", "sqlite3."))]
    answers = [eval(line, names) for line in lines]
    assert len(answers) == 4
    assert len(answers[0]) == len(answers[1]) == answers[2][0][0] > 60
    assert answers[3][0] > 20


def asked(typed, lake, expression):
    """What `planlake sql` answers for an expression."""
    said = typed(
        "sql", f"select ({expression})::varchar as found {NUMBERS} limit 1", "--config", lake, "--format", "csv"
    )
    assert (said.status, said.errors) == (0, []), expression
    return said.out.splitlines()[1].strip('"')


@pytest.mark.parametrize(("codes", "is_alone"), FUNCTIONS, ids=[codes[0] for codes, _ in FUNCTIONS])
def test_both_sides_of_a_row_of_functions_give_what_stands_there(typed, lake, codes, is_alone):
    theirs, ours, gives = codes
    assert asked(typed, lake, ours) == gives
    if not is_alone:
        (turned,) = sqlglot.transpile(theirs, read="athena", write="duckdb")
        found = duckdb.sql(f"select ({turned})::varchar {NUMBERS} limit 1").fetchall()[0][0]
        assert found == gives
    assert theirs != ours


def test_a_function_of_athena_that_is_unknown_here_is_answered_with_its_name_here():
    first = re.compile(r"^(\w+)\(")
    rows = [(first.match(theirs), first.match(ours)) for (theirs, ours, _), _ in FUNCTIONS]
    names = {theirs[1]: ours[1] for theirs, ours in rows if theirs and ours and ours[1] != "string_agg"}
    known = {name for (name,) in duckdb.sql("select function_name from duckdb_functions()").fetchall()}
    assert {name: here for name, here in names.items() if name not in known} == OF_ATHENA
    for name, here in OF_ATHENA.items():
        with pytest.raises(duckdb.Error) as raised:
            duckdb.sql(f"select {name}(1, 2)")
        assert plainly(str(raised.value))[1].startswith(f"did you mean {here}? ")


def test_show_tables_in_a_database_is_answered_with_what_works_here(typed, lake):
    said = typed("sql", 'show tables in "tascomi-refined-zone"', "--config", lake)
    assert said.status == 2
    assert "hint: show tables, without a database, lists the tables of all" in said.err


@pytest.mark.parametrize(("codes", "_"), TYPES, ids=[codes[0] for codes, _ in TYPES])
def test_a_type_of_athena_is_called_here_as_the_table_says(codes, _):
    theirs, ours = codes
    (turned,) = sqlglot.transpile(f"cast(null as {theirs})", read="athena", write="duckdb")
    assert duckdb.sql(f"select typeof({turned})").fetchall()[0][0] == ours


def test_the_two_traps_are_as_the_page_says(typed, lake):
    assert asked(typed, lake, "7 / 2") == "3.5"
    assert asked(typed, lake, "regexp_replace('a1b2', '[0-9]', '')") == "ab2"


def test_the_whole_query_and_what_is_said_beside_it_run(typed, lake):
    theirs, ours = blocks(ATHENA, "sql")
    assert sqlglot.parse_one(theirs, read="athena")
    queries = [ours, "from fees limit 5", "select * exclude (the_geom) from asset_constraints", "summarize fees"]
    queries += ["select fee_type_id, count(*) from fees group by all", "show tables", "describe fees"]
    queries += ["from refined.fees limit 1", 'from "dataplatform-stg-tascomi-refined-zone"."fees" limit 1']
    queries += ["select valid_from, valid_to from history_fees limit 1", "from api_response_fees limit 1"]
    for query in queries:
        said = typed("sql", query, "--config", lake, "--format", "csv")
        assert (said.status, said.errors, len(said.out.splitlines()) > 1) == (0, [], True), query
    assert typed("sql", "--as-of", "2026-11-20", "from fees limit 1", "--config", lake).status == 0


def test_what_the_page_calls_the_same_is_known_here():
    names = re.findall(r"`(\w+)`", ATHENA.split("What differs")[0])
    assert len(names) > 8
    for name in names:
        known = duckdb.sql(f"select count(*) from duckdb_functions() where function_name = '{name}'").fetchall()[0][0]
        assert known or name in ("with", "coalesce", "try_cast"), name
