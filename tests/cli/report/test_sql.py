"""`planlake sql` and `planlake tables`: what is in the lake, in every format, and what is wrong with a query."""

import contextlib
import csv
import fcntl
import io
import json
import os
import pty
import re
import struct
import subprocess
import termios
from pathlib import Path
from typing import get_args

import pyarrow.parquet as pq
import pytest

from commands import PROGRAM, environment, planlake
from planlake.engines.type_words import word_of_declared, word_of_sql
from planlake.lake.tables.columns import IMPORT_COLUMNS, TABLES
from planlake.sources.catalogue import ColumnType

QUERY = "select id, last_updated, submit_date from fees order by id limit 3"
SNAPSHOT = ["snapshot_year", "snapshot_month", "snapshot_day", "snapshot_date"]


def rows_of(said):
    assert said.status == 0, said.err
    return json.loads(said.out)


@pytest.fixture
def piped(typed, monkeypatch, lake):
    """`planlake sql` with these queries on standard input."""

    def said(queries, *options):
        monkeypatch.setattr("sys.stdin", io.StringIO(queries))
        return typed("sql", *options, "--config", lake)

    return said


# ---------------------------------------------------------------- formats


def test_a_table_is_drawn_for_people(typed, lake):
    said = typed("sql", QUERY, "--config", lake)
    assert (said.status, said.err) == (0, "")
    assert "last_updated" in said.out
    assert len([line for line in said.out.splitlines() if line.startswith("│")]) == 5


def test_csv_is_on_standard_output_alone(lake):
    said = planlake("sql", QUERY, "--format", "csv", "--config", lake)
    assert (said.status, said.err) == (0, "")
    rows = list(csv.DictReader(io.StringIO(said.out)))
    assert list(rows[0]) == ["id", "last_updated", "submit_date"]
    assert len(rows) == 3


def test_json_is_a_list_of_objects_with_the_same_cells(typed, lake):
    rows = rows_of(typed("sql", QUERY, "--format", "json", "--config", lake))
    cells = list(csv.DictReader(io.StringIO(typed("sql", QUERY, "--format", "csv", "--config", lake).out)))
    assert [str(row["id"]) for row in rows] == [row["id"] for row in cells]
    assert [row["last_updated"][:19] for row in rows] == [row["last_updated"][:19] for row in cells]


def test_json_stays_json_where_numbers_are_none(typed, lake):
    said = typed("sql", "select 'nan'::double as x, 'infinity'::double as y", "--format", "json", "--config", lake)

    def refuse(name):
        raise AssertionError(f"{name} is no JSON")

    assert json.loads(said.out, parse_constant=refuse) == [{"x": None, "y": None}]


def test_columns_of_the_same_name_are_all_in_the_json(typed, lake):
    rows = rows_of(typed("sql", "select 1 as a, 2 as a", "--format", "json", "--config", lake))
    assert sorted(rows[0].values()) == [1, 2]


def test_parquet_is_a_file_that_reads(lake):
    command = [PROGRAM, "sql", QUERY, "--format", "parquet", "--config", str(lake)]
    done = subprocess.run(command, capture_output=True, check=True, timeout=60, env=environment())
    table = pq.read_table(io.BytesIO(done.stdout))
    assert table.column_names == ["id", "last_updated", "submit_date"]
    assert table.num_rows == 3
    assert str(table.schema.field("last_updated").type) == "timestamp[us]"


def test_a_format_that_is_none_is_refused(typed, lake):
    said = typed("sql", QUERY, "--format", "jsn", "--config", lake)
    assert said.status == 2
    assert "did you mean json" in said.err


def test_a_reader_that_leaves_early_is_no_error(lake):
    command = [PROGRAM, "sql", "select * from range(500000)", "--format", "csv", "--config", str(lake)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()) as process:
        assert process.stdout.readline() == b'"range"\n'
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=60) == 0


# ---------------------------------------------------------------- mistakes in a query


@pytest.mark.parametrize(
    ("query", "message", "hint"),
    [
        pytest.param("select * from applicatons", 'no table is called "applicatons"', "applications", id="no table"),
        pytest.param("select * from site_visits", '"site_visits" was not loaded yet', "site_visits", id="unloaded"),
        pytest.param(
            'select * from "tascomi-refined-zon".fees', "tascomi-refined-zon", "did you mean", id="no database"
        ),
        pytest.param("selec 1", "syntax error", "", id="syntax"),
        pytest.param("select nothing from fees", 'no column is called "nothing"', "", id="no column"),
        pytest.param(
            "select last_updatd from fees",
            'no column is called "last_updatd"',
            'did you mean "last_updated"',
            id="misspelt",
        ),
        pytest.param("select f.amont from fees f", '"f" has no column "amont"', "", id="no column of a table"),
        pytest.param("select g.id from fees", 'the query names no table "g"', 'did you mean "fees"', id="no alias"),
        pytest.param("select foo(id) from fees", "no function is called foo", 'did you mean "', id="no function"),
        pytest.param("select sum('a') from fees group", "syntax error", "", id="no end"),
        pytest.param("select 1; select 2", "one query at a time; these are 2", "", id="two statements"),
        pytest.param("", "there is no query, only blanks or comments", "", id="nothing"),
        pytest.param("drop table applications", "only queries that read", "", id="drop"),
        pytest.param("delete from fees", "only queries that read", "", id="delete"),
        pytest.param("copy (select 1) to 'out.csv'", "only queries that read", "", id="copy"),
        pytest.param("attach 'x.db'", "only queries that read", "", id="attach"),
        pytest.param("select 1; drop table fees", "", "", id="drop behind a query"),
        pytest.param("select * from fees where id = 'x'", "", "", id="a value of another type"),
    ],
)
def test_a_query_that_is_wrong_is_one_line_and_exit_2(typed, lake, query, message, hint):
    said = typed("sql", query, "--config", lake)
    assert (said.status, said.out) == (2, "")
    assert len(said.errors) == 1
    assert len(said.err.splitlines()) <= 2
    assert message in said.errors[0]
    assert hint in said.err
    assert not re.search("(Binder|Parser|Catalog|Conversion) Error|Candidate", said.err)
    assert len(rows_of(typed("sql", "select id from fees", "--format", "json", "--config", lake))) > 70


@pytest.mark.parametrize(
    ("query", "message", "hint"),
    [
        pytest.param(
            'with newest as (select 1) select * from newest, "tascomi-refined-zon".fees',
            'no database is called "tascomi-refined-zon"',
            "did you mean",
            id="with",
        ),
        pytest.param(
            "with a as (select 1), b as (select * from a) select * from b, A, applicatons",
            'no table is called "applicatons"',
            "applications",
            id="with, of each other",
        ),
        pytest.param(
            "with recursive n(i) as (select 1 union all select i + 1 from n where i < 3) select * from n, zz.fees",
            'no database is called "zz"',
            "one of",
            id="with, recursive",
        ),
        pytest.param(
            'select a.id from "tascomi-refined-zon".applications a join fees f using (id)',
            'no database is called "tascomi-refined-zon"',
            "did you mean",
            id="aliases",
        ),
        pytest.param(
            "select * from (with inner_one as (select 1) select * from inner_one), inner_one",
            'no table is called "inner_one"',
            "one of",
            id="with, outside its place",
        ),
        pytest.param(
            'select * from lake."tascomi-refined-zone".fees',
            "a table is named by its database and its name",
            "leave",
            id="three names",
        ),
        pytest.param("select * from information_schema.tables", "is not part of the lake", "show tables", id="schema"),
        pytest.param("select * from duckdb_settings()", "duckdb_settings() is not allowed", "", id="function"),
        pytest.param("pragma table_info('fees')", "only queries that read", "describe TABLE", id="pragma"),
        pytest.param("explain select 1", "only queries that read", "EXPLAIN is not supported", id="explain"),
        pytest.param("pivot fees on id", "only queries that read", "select * from (pivot", id="pivot"),
        pytest.param("\\d fees", "only queries that read", "describe TABLE", id="as in psql"),
        pytest.param(".tables", "only queries that read", "show tables", id="as in sqlite"),
        pytest.param("show variables", "SHOW variables is not supported", "SHOW TABLES", id="show variables"),
        pytest.param("show nothing", 'no table is called "nothing"', "one of", id="show of no table"),
        pytest.param("select * from (show tables)", "stand alone", "", id="show inside a query"),
        pytest.param("select 1 --" + "x" * 100_000, "too long: 100,011 characters", "", id="long"),
        pytest.param("select " + "(" * 3_000 + "1" + ")" * 3_000, "", "", id="deep"),
        pytest.param("select " + "[" * 900 + "1" + "]" * 900, "", "", id="deep lists"),
        pytest.param("show tables from nowhere", 'no database is called "nowhere"', "one of", id="show of no database"),
    ],
)
def test_the_culprit_is_named(typed, lake, query, message, hint):
    said = typed("sql", query, "--config", lake)
    assert (said.status, said.out, len(said.errors)) == (2, "", 1)
    assert message in said.errors[0]
    assert hint in said.err


def test_a_name_of_a_query_of_its_own_may_be_that_of_a_table(typed, lake):
    query = "with fees as (select id from fees limit 3) select count(*) as n from fees"
    assert rows_of(typed("sql", query, "--format", "json", "--config", lake)) == [{"n": 3}]


# ---------------------------------------------------------------- what there is


def test_show_tables_lists_everything_that_can_be_queried(typed, lake):
    listed = rows_of(typed("tables", "--json", "--config", lake))
    wanted = [{name: row[name] for name in ("database", "table", "kind")} for row in listed]
    for query in ("show tables", "SHOW ALL TABLES;", "describe"):
        assert rows_of(typed("sql", query, "--format", "json", "--config", lake)) == wanted
    drawn = typed("sql", "show tables", "--config", lake)
    assert [row["table"] for row in wanted if f" {row['table']} " not in drawn.out] == []
    one = "dataplatform-stg-tascomi-operations"
    of_one = rows_of(typed("sql", f'show tables from "{one.upper()}"', "--format", "json", "--config", lake))
    assert of_one == [row for row in wanted if row["database"] == one]


def test_show_databases_lists_them(typed, lake):
    rows = rows_of(typed("sql", "show databases", "--format", "json", "--config", lake))
    assert [row["database"].removeprefix("dataplatform-stg-tascomi-") for row in rows] == [
        "raw-zone",
        "refined-zone",
        "trusted-zone",
        "operations",
    ]


@pytest.mark.parametrize(
    "query", ["describe fees", "show fees", 'describe "dataplatform-stg-tascomi-refined-zone".fees']
)
def test_a_table_is_described_with_the_types_that_tables_lists(typed, lake, query):
    rows = rows_of(typed("sql", query, "--format", "json", "--config", lake))
    listed = rows_of(typed("tables", "fees", "--json", "--config", lake))
    assert {row["column_name"]: word_of_sql(row["column_type"]) for row in rows} == {
        row["column"]: row["type"] for row in listed
    }


def test_a_table_is_summarized(typed, lake):
    rows = rows_of(typed("sql", "summarize fees", "--format", "json", "--config", lake))
    assert {row["count"] for row in rows} == {rows[0]["count"]}
    assert rows[0]["count"] > 70


def test_a_day_that_is_none_is_refused(typed, lake):
    said = typed("sql", QUERY, "--as-of", "21.11.2026", "--config", lake)
    assert (said.status, said.errors) == (2, ['Error: --as-of is not a day: "21.11.2026"'])


# ---------------------------------------------------------------- days


def test_as_of_a_day_shows_what_was_published_then_and_says_so(typed, lake):
    counts = {}
    for day in ("2026-11-20", "2026-11-21"):
        query = "select count(*) as n, max(snapshot_date) as day from fees"
        said = typed("sql", query, "--as-of", day, "--format", "json", "--config", lake)
        counts[day] = rows_of(said)[0]
        assert f"fees as of {day}: as published on 2026-11-2" in said.err
    assert counts["2026-11-20"] == {"n": 70, "day": "20261120"}
    assert counts["2026-11-21"]["n"] > 70
    assert counts["2026-11-21"]["day"] == "20261121"


@pytest.mark.parametrize("table", ["fees", "current_fees", "increment_fees", "history_fees"])
def test_as_of_a_day_before_the_first_run_shows_no_rows_and_says_why(typed, lake, table):
    query = f"select count(*) as n from {table}"
    said = typed("sql", query, "--as-of", "2026-11-01", "--format", "json", "--config", lake)
    assert rows_of(said) == [{"n": 0}]
    assert said.err.splitlines() == ["fees as of 2026-11-01: nothing was loaded by then, the first on 2026-11-20"]


# ---------------------------------------------------------------- the prompt


def test_queries_from_standard_input_are_answered_one_after_another(lake):
    said = planlake("sql", "--format", "csv", "--config", lake, stdin="select 1 as one;\nselect\n2 as two;\nselect 3")
    assert (said.status, said.err) == (0, "")
    assert re.findall(r"^\d$", said.out, re.MULTILINE) == ["1", "2", "3"]


def test_a_mistake_at_the_prompt_is_one_line_and_the_next_query_is_answered(piped):
    said = piped("select * from wrads;\nselect 2 as two;\n", "--format", "csv")
    assert said.out == '"two"\n2\n'
    assert len(said.errors) == 1
    assert "did you mean wards" in said.err


def test_a_mistake_in_queries_that_are_piped_in_shows_in_the_exit_status(piped):
    assert piped("select * from wrads;\nselect 2;\n").status == 2


def test_a_semicolon_inside_a_text_or_within_a_line_ends_no_query_too_early(piped):
    said = piped("select ';' as one\n, ';\n' as two;\nselect 3 as three; select 4 as four;\n", "--format", "csv")
    assert said.err == ""
    assert re.findall(r'^"(one|three|four)"', said.out, re.MULTILINE) == ["one", "three", "four"]


@pytest.mark.parametrize("word", ["quit", "exit", "QUIT;", ".quit", ".exit", "\\q", "  quit  "])
def test_who_leaves_in_the_words_of_another_prompt_leaves(piped, word):
    said = piped(f"select 1 as one;\n{word}\nselect 2 as two;\n", "--format", "csv")
    assert (said.status, said.out, said.err) == (0, '"one"\n1\n', "")


@pytest.mark.parametrize("word", ["help", "HELP;", "?", ".help", "\\?", "\\h"])
def test_help_is_shown_and_the_next_query_answered(piped, word):
    said = piped(f"{word}\nselect 2 as two;\n", "--format", "csv")
    assert (said.status, said.out) == (0, '"two"\n2\n')
    assert "quit      leaves" in said.err


@pytest.mark.parametrize("word", ["\\d", "\\dt", ".tables", "tables", "show tables;"])
def test_the_tables_are_listed_in_the_words_of_other_prompts(piped, word):
    said = piped(f"{word}\nselect 2 as two;\n", "--format", "csv")
    assert (said.status, said.err) == (0, "")
    assert '"fees"' in said.out
    assert said.out.endswith('"two"\n2\n')


@pytest.mark.parametrize("word", ["\\d fees", "\\d fees;", ".schema fees"])
def test_the_columns_of_a_table_are_listed_in_the_words_of_other_prompts(piped, word):
    said = piped(f"{word}\nselect 2 as two;\n", "--format", "csv")
    assert (said.status, said.err, '"last_updated"' in said.out) == (0, "", True)
    assert said.out.endswith('"two"\n2\n')


@pytest.mark.parametrize("word", ["\\watch", ".mode csv", "\\copy fees"])
def test_an_unknown_command_swallows_no_query(piped, word):
    said = piped(f"{word}\nselect 2 as two;\n", "--format", "csv")
    assert (said.out, len(said.errors), "hint: help" in said.err) == ('"two"\n2\n', 1, True)


def test_a_word_that_is_part_of_a_query_is_no_command(piped):
    said = piped("select 1 as\nquit\n, 2 as\nhelp\n;\n", "--format", "csv")
    assert (said.status, said.out, said.err) == (0, '"quit","help"\n1,2\n', "")
    assert piped("select 1\n\\q\n").out == ""


def test_no_query_at_all_is_no_mistake(piped):
    said = piped("")
    assert (said.status, said.out, said.err) == (0, "", "")


# ---------------------------------------------------------------- the playbook's four queries, as they stand

GENERATION = """\
WITH
generation AS (
    SELECT MAX({date}) AS last_{date}
        FROM "dataplatform-stg-tascomi-{table}"
)
SELECT g.*, a.*
    FROM "dataplatform-stg-tascomi-{table}" a
INNER JOIN generation g
ON a.{date} = g.last_{date}
ORDER BY a.import_datetime DESC
limit 10;
"""
GUIDE = Path(__file__).parents[4] / "shared/reference/playbook-adding-tascomi-tables.md"
LOADED = ["applications", "contacts", "asset_constraints", "fees", "wards"]


def as_it_stands(date, table):
    return GENERATION.format(date=date, table=table.replace(".", '"."'))


def test_the_queries_below_are_those_of_the_guide():
    if not GUIDE.is_file():
        pytest.skip(f"NOT COMPARED WITH THE GUIDE: {GUIDE.name} is absent")
    blocks = re.findall(r"```sql\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    given = [re.sub(r"[ \t]+$", "", block, flags=re.MULTILINE) for block in blocks]
    name = "<resource-name>"
    assert given == [
        as_it_stands("import_date", f"raw-zone.api_response_{name}"),
        as_it_stands("import_date", f"raw-zone.{name}"),
        as_it_stands("import_date", f"refined-zone.increment_{name}"),
        as_it_stands("snapshot_date", f"refined-zone.{name}"),
    ]


@pytest.mark.parametrize("resource", LOADED)
def test_query_1_2_4_shows_the_records_of_the_last_import_as_json(typed, lake, resource):
    query = as_it_stands("import_date", f"raw-zone.api_response_{resource}")
    rows = rows_of(typed("sql", query, "--format", "json", "--config", lake))
    assert 0 < len(rows) <= 10
    assert list(rows[0])[:3] == ["last_import_date", "page_number", resource]
    assert list(rows[0])[3:] == [name for name in IMPORT_COLUMNS if name != "page_number"]
    assert all(json.loads(row[resource])["id"] for row in rows)
    last = "20261120" if resource == "wards" else "20261121"
    assert {(row["last_import_date"], row["import_date"]) for row in rows} == {(last, last)}
    assert {row["import_api_status_code"] for row in rows} == {"200"}


@pytest.mark.parametrize("resource", LOADED)
def test_query_2_3_4_shows_the_parsed_records_of_the_last_import_as_text(typed, lake, resource):
    query = as_it_stands("import_date", f"raw-zone.{resource}")
    rows = rows_of(typed("sql", query, "--format", "json", "--config", lake))
    assert 0 < len(rows) <= 10
    assert next(iter(rows[0])) == "last_import_date"
    vendor = [name for name in rows[0] if name not in {*IMPORT_COLUMNS, "batch", "last_import_date"}]
    assert {type(row[name]) for row in rows for name in vendor} <= {str, type(None)}
    assert {"id", "last_updated"} <= set(vendor)


@pytest.mark.parametrize("resource", LOADED)
def test_query_3_2_4_shows_the_typed_increment_of_the_last_import(typed, lake, resource):
    query = as_it_stands("import_date", f"refined-zone.increment_{resource}")
    rows = rows_of(typed("sql", query, "--format", "json", "--config", lake))
    assert 0 < len(rows) <= 10
    assert next(iter(rows[0])) == "last_import_date"
    assert {type(row["id"]) for row in rows} == {str if resource == "asset_constraints" else int}
    assert list(rows[0]).count("import_datetime") == 1


@pytest.mark.parametrize("resource", LOADED)
def test_query_4_2_4_shows_the_latest_snapshot_typed_with_its_date_at_the_end(typed, lake, resource):
    query = as_it_stands("snapshot_date", f"refined-zone.{resource}")
    rows = rows_of(typed("sql", query, "--format", "json", "--config", lake))
    assert 0 < len(rows) <= 10
    assert next(iter(rows[0])) == "last_snapshot_date"
    assert list(rows[0])[-4:] == SNAPSHOT
    last = "20261120" if resource == "wards" else "20261121"
    assert {tuple(row[name] for name in SNAPSHOT) for row in rows} == {(last[:4], last[4:6], last[6:], last)}
    moments = [row["import_datetime"] for row in rows]
    assert moments == sorted(moments, reverse=True)


def test_the_snapshot_has_the_types_of_the_catalogue(typed, lake):
    listed = rows_of(typed("tables", "applications", "--json", "--config", lake))
    described = {row["column"]: row["type"] for row in listed}
    assert set(described.values()) == {"integer", "long", "double", "boolean", "timestamp", "text"}
    assert described["id"] == "integer"
    assert described["site_address_x"] == "long"
    assert described["in_time"] == "boolean"
    assert described["received_date"] == "timestamp"
    assert list(described)[-4:] == SNAPSHOT
    texts = rows_of(typed("tables", "asset_constraints", "--json", "--config", lake))
    vendor = [row["type"] for row in texts if row["column"] not in {*IMPORT_COLUMNS, "batch"}]
    assert set(vendor) == {"text"}


def test_what_a_catalogue_declares_has_the_words_that_a_query_is_told_in():
    words = {word_of_declared(kind) for kind in get_args(ColumnType)}
    assert words == {"integer", "long", "double", "boolean", "timestamp", "text"}


def test_the_day_filter_of_the_playbook_reads_the_latest_snapshot(typed, lake):
    query = "select count(*) as n from wards where snapshot_date = (select max(snapshot_date) from wards)"
    whole = rows_of(typed("sql", "select count(*) as n from wards", "--format", "json", "--config", lake))
    assert rows_of(typed("sql", query, "--format", "json", "--config", lake)) == whole


# ---------------------------------------------------------------- tables


def test_tables_lists_databases_tables_and_views_with_rows_and_dates(typed, lake):
    listed = rows_of(typed("tables", "--json", "--config", lake))
    found = {(row["database"], row["table"]): row for row in listed}
    refined, raw = "dataplatform-stg-tascomi-refined-zone", "dataplatform-stg-tascomi-raw-zone"
    for name in LOADED:
        for database, table, kind in (
            (raw, f"api_response_{name}", "view"),
            (raw, name, "view"),
            (refined, f"increment_{name}", "table"),
            (refined, f"current_{name}", "table"),
            (refined, name, "view"),
            (refined, f"history_{name}", "view"),
        ):
            assert found[database, table]["kind"] == kind
    assert found[refined, "current_wards"]["rows"] > 0
    assert (found[refined, "fees"]["published"], found[refined, "wards"]["published"]) == ("20261121", "20261120")
    assert {"2026-11-20", "2026-11-21"} <= set(typed("tables", "--config", lake).out.split())
    assert {table for (_, table) in found} >= {"api_responses", "api_requests", "runs", "published"}


def test_everything_tables_lists_can_be_queried(typed, piped, lake):
    listed = rows_of(typed("tables", "--json", "--config", lake))
    queries = "".join(f'select count(*) as n from "{row["database"]}"."{row["table"]}";\n' for row in listed)
    said = piped(queries, "--format", "csv")
    assert (said.status, said.err) == (0, "")
    assert len(re.findall(r'"n"\n\d+', said.out)) == len(listed)


def test_the_columns_of_a_table_are_listed_with_their_types(typed, lake):
    said = typed("tables", "fees", "--config", lake)
    assert said.status == 0
    assert re.search(r"last_updated +timestamp", said.out)
    assert re.search(r"snapshot_date +text", said.out)


def test_a_table_may_be_named_with_its_database(typed, lake):
    rows = rows_of(typed("tables", "dataplatform-stg-tascomi-raw-zone.fees", "--json", "--config", lake))
    assert {row["column"]: row["type"] for row in rows}["id"] == "text"


def test_a_misspelt_table_is_refused_with_the_nearest_names(typed, lake):
    said = typed("tables", "feees", "--config", lake)
    assert said.status == 2
    assert 'no table is called "feees"' in said.errors[0]
    assert "fees" in said.err.splitlines()[1]


def test_known_lists_every_resource_and_where_it_is_configured(typed, lake):
    rows = {row["resource"]: row for row in rows_of(typed("tables", "--known", "--json", "--config", lake))}
    assert len(rows) == 73
    assert (rows["fees"]["configured"], rows["wards"]["configured"], rows["titles"]["configured"]) == (
        "daily",
        "weekly",
        "",
    )
    assert rows["applications"]["columns"] == 751


def test_known_needs_no_lake(typed, tmp_path):
    (tmp_path / "planlake.yaml").write_text("tables: {daily: [fees]}\n")
    said = typed("tables", "--known", "--config", tmp_path / "planlake.yaml")
    assert said.status == 0
    assert list(tmp_path.iterdir()) == [tmp_path / "planlake.yaml"]


@pytest.mark.parametrize(("zone", "name"), sorted(TABLES))
def test_planlakes_own_tables_can_be_queried_before_anything_was_written_to_them(typed, lake, zone, name):
    said = typed("sql", f"select count(*) as n from {name}", "--env", "plain", "--format", "json", "--config", lake)
    assert rows_of(said) == [{"n": 0}]


# ---------------------------------------------------------------- what DuckDB would do otherwise


def test_is_null_finds_only_what_is_null_where_a_column_has_one_value_beside(feed, typed, at):
    feed.run_at("2026-11-23T03:00:00", "wards")
    where = "select resource, count(*) as rows from runs where resource is {} group by resource"
    found = {}
    for condition in ("null", "not null"):
        said = typed("sql", where.format(condition), "--format", "json", "--config", feed.file)
        found |= {row["resource"]: row["rows"] for row in rows_of(said)}
    assert found == {None: 1, "wards": 1}


@pytest.mark.parametrize("name", ["query", "views", "unknown", "connection"])
def test_a_name_in_a_query_is_never_a_variable_of_the_program(typed, lake, name):
    said = typed("sql", f"select * from {name}", "--config", lake)
    assert said.status == 2
    assert f'no table is called "{name}"' in said.err


def test_csv_holds_lists_and_structures_as_json(typed, lake):
    said = typed("sql", "select [1, null] as pair, {'a': 'x'} as packed", "--format", "csv", "--config", lake)
    assert (said.status, said.out) == (0, '"pair","packed"\n"[1,null]","{""a"":""x""}"\n')


def test_an_answer_is_as_wide_as_the_terminal_it_is_drawn_on(feed):
    """Of a terminal of 80 columns, which no variable tells; DuckDB draws for no fewer."""
    wide = ", ".join(f"{number} as column_{number}" for number in range(20))
    ours, theirs = pty.openpty()
    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    words = [PROGRAM, "sql", f"select {wide}", "--config", feed.config.folder / "planlake.yaml"]
    named = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    with subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=theirs, env=named) as program:
        os.close(theirs)
        said = b""
        with contextlib.suppress(OSError):  # Linux ends a terminal with an error
            while piece := os.read(ours, 65_536):
                said += piece
    os.close(ours)
    assert program.returncode == 0
    lines = said.decode().splitlines()
    assert "column_0" in lines[1]
    assert 60 < max(map(len, lines)) <= 80
