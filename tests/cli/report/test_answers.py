"""Answers as JSON, CSV and Parquet hold every value, and go where they can be written or say that they do not."""

import csv
import io
import json
import os
import subprocess
import sys
from datetime import date, datetime, time
from decimal import Decimal

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commands import PROGRAM, environment
from planlake.cli.report.answers import write_answer
from planlake.cli.report.export import PLACES
from planlake.lake.views.query import Answer
from planlake.report.printable_rows import unique

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
NUMBERS = st.floats(width=64)
KINDS = {
    "text": (pa.string(), TEXTS),
    "long": (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    "double": (pa.float64(), NUMBERS),
    "boolean": (pa.bool_(), st.booleans()),
    "day": (pa.date32(), st.dates()),
    "moment": (pa.timestamp("us"), st.datetimes()),
    "time": (pa.time64("us"), st.times()),
    "money": (pa.decimal128(9, 2), st.decimals(-9999999, 9999999, places=2)),
    "list": (pa.list_(pa.float64()), st.lists(NUMBERS | st.none(), max_size=3)),
    "object": (
        pa.struct({"a": pa.list_(pa.string()), "b": pa.float64()}),
        st.fixed_dictionaries({"a": st.lists(TEXTS, max_size=2) | st.none(), "b": NUMBERS | st.none()}),
    ),
}
PLAIN = [name for name in KINDS if name not in ("list", "object")]


def columns(names):
    """Up to three columns of so many rows, with names that may be equal."""
    kinds = st.lists(st.sampled_from(names), min_size=1, max_size=3)

    def filled(chosen):
        rows = st.lists(st.tuples(*(KINDS[name][1] | st.none() for name in chosen)), max_size=4)
        return st.tuples(st.just(chosen), st.lists(TEXTS, min_size=len(chosen), max_size=len(chosen)), rows)

    return kinds.flatmap(filled)


def table_of(found):
    kinds, names, rows = found
    arrays = [pa.array([row[place] for row in rows], KINDS[kind][0]) for place, kind in enumerate(kinds)]
    return pa.table(arrays, names=names)


def written(rows, form):
    """What an answer is in this format, in bytes."""
    with pytest.MonkeyPatch.context() as patched:
        stream = io.TextIOWrapper(io.BytesIO(), "utf-8", newline="\n")
        patched.setattr(sys, "stdout", stream)
        with duckdb.connect() as connection:
            pieces = (piece for piece in rows.to_batches(max_chunksize=2))
            write_answer(Answer(rows.schema, pieces, connection), form, limit=100)
        stream.flush()
        return stream.buffer.getvalue()


def as_json(value):
    if isinstance(value, float):
        return value if abs(value) < float("inf") else None
    if isinstance(value, list):
        return [as_json(one) for one in value]
    if isinstance(value, dict):
        return {name: as_json(one) for name, one in value.items()}
    return str(value) if isinstance(value, date | time | Decimal) else value


@settings(deadline=None, max_examples=60)
@given(columns(list(KINDS)))
def test_json_holds_what_plain_python_says(found):
    kinds, names, rows = found
    expected = [dict(zip(unique(names), map(as_json, row), strict=True)) for row in rows]
    assert json.loads(written(table_of(found), "json")) == expected
    assert all(len(row) == len(kinds) for row in expected)


READ = {
    "text": str,
    "long": int,
    "double": float,
    "boolean": lambda text: {"true": True, "false": False}[text],
    "day": date.fromisoformat,
    "moment": datetime.fromisoformat,
    "time": time.fromisoformat,
    "money": Decimal,
}


@settings(deadline=None, max_examples=60)
@given(columns(PLAIN))
def test_csv_holds_what_plain_python_says(found):
    kinds, names, rows = found
    text = written(table_of(found), "csv").decode()
    head, *lines = csv.reader(io.StringIO(text, newline=""))
    assert head == names
    got = [
        [READ[kind](cell) if cell else None for kind, cell in zip(kinds, line or [""], strict=True)] for line in lines
    ]
    expected = [[None if value == "" else value for value in row] for row in rows]
    assert [list(map(comparable, row)) for row in got] == [list(map(comparable, row)) for row in expected]


def comparable(value):
    return repr(value) if isinstance(value, float) else value


@settings(deadline=None)
@given(st.lists(st.sampled_from(["a", "a_2", "a_3", "a_2_2", "b", ""]), max_size=8))
def test_names_are_made_different_without_taking_any_others(names):
    made = unique(names)
    assert len(set(made)) == len(names) == len(made)
    assert [new for new, old in zip(made, names, strict=True) if new != old and new in names] == []


ODD = [
    ("date '12026-01-01'", "12026-01-01"),
    ("date '0044-03-15 (BC)'", "0044-03-15 (BC)"),
    ("'infinity'::date", "infinity"),
    ("'-infinity'::timestamp", "-infinity"),
    ("'infinity'::timestamptz", "infinity"),
    ("interval '1 month 2 days'", "1 month 2 days"),
    ("timestamp_ns '2026-01-01 00:00:00.123456789'", "2026-01-01 00:00:00.123456789"),
    ("170141183460469231731687303715884105727::hugeint", "170141183460469231731687303715884105727"),
    ("'\\x00\\xff'::blob", "\\x00\\xFF"),
    ("'a'::enum('a', 'b')", "a"),
    ("union_value(number := 1)", "1"),
    ("12::varint", "12"),
]


@pytest.mark.parametrize(("sql", "text"), ODD, ids=[sql for sql, _ in ODD])
def test_what_python_has_no_word_for_is_written_as_duckdb_writes_it(sql, text):
    rows = duckdb.sql(f"select {sql} as one").to_arrow_table()
    assert json.loads(written(rows, "json")) == [{"one": text}]
    assert next(csv.reader(io.StringIO(written(rows, "csv").decode().partition("\n")[2]))) == [text]
    assert text in written(rows, "table").decode()
    nested = duckdb.sql(f"select [{sql}] as list, {{'deep': [{sql}]}} as object").to_arrow_table()
    assert json.loads(written(nested, "json")) == [{"list": [text], "object": {"deep": [text]}}]


def test_numbers_that_are_none_are_null_however_deep_they_lie():
    rows = duckdb.sql("select ['nan'::double, 1.5] as l, {'a': ['-inf'::float]} as s, map{'k': 'nan'::double} as m")
    assert json.loads(written(rows.to_arrow_table(), "json")) == [
        {"l": [None, 1.5], "s": {"a": [None]}, "m": [["k", None]]}
    ]


def test_parts_of_a_list_are_the_right_ones_where_rows_were_cut():
    rows = duckdb.sql("select * from (values ([1, 2]), (null), ([3]), ([4, 5])) t(l)").to_arrow_table().slice(1, 2)
    assert json.loads(written(rows, "json")) == [{"l": None}, {"l": [3]}]


@pytest.mark.parametrize("form", ["json", "csv", "table"])
def test_a_query_of_a_lake_is_answered_so_too(typed, lake, form):
    query = "select interval 1 day as i, date '12026-01-01' as d, 'infinity'::timestamp as t, fee from fees limit 1"
    said = typed("sql", "--format", form, query, "--config", lake)
    assert (said.status, said.errors) == (0, [])
    assert all(text in said.out for text in ("1 day", "12026-01-01", "infinity"))


# ---------------------------------------------------------------- where it goes


def piped(lake, *arguments, shell, stdin=b"", **variables):
    """Run a command through the shell, which sets its streams up: exit status, what came out, what was said."""
    command = ["sh", "-c", f'exec "$@" {shell}', "sh", PROGRAM, *arguments, "--config", str(lake)]
    done = subprocess.run(
        command, input=stdin, capture_output=True, env=environment(**variables), timeout=60, check=False
    )
    return done.returncode, done.stdout, done.stderr.decode()


needs_full = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")  # noqa: PTH110


@needs_full
@pytest.mark.parametrize("arguments", [("tables",), ("sql", "select * from fees"), ("tables", "--json")], ids=str)
def test_a_full_disk_behind_standard_output_is_said(lake, arguments):
    status, _, said = piped(lake, *arguments, shell="> /dev/full")
    assert (status, said.count("Error:")) == (3, 1)
    assert said.startswith("Error: the output cannot be written: No space left on device\n")


@needs_full
@pytest.mark.parametrize("form", ["csv", "json", "parquet"])
def test_a_full_disk_is_said_whatever_is_written(lake, form):
    query = "select range as n, repeat('text', 100) as t from range(5000)"
    status, _, said = piped(lake, "sql", "--format", form, query, shell="> /dev/full")
    assert (status, said.count("Error:")) == (3, 1)
    assert "the output cannot be written" in said


def test_streams_that_are_closed_are_no_trouble(lake):
    for arguments in (("tables",), ("sql", "select 1"), ("sql", "--format", "csv", "select 1"), ("check", "--json")):
        assert piped(lake, *arguments, shell=">&-") == (0, b"", "")
    assert piped(lake, "tables", shell="2>&-")[0] == 0
    assert piped(lake, "sql", "select 1 as one", "--format", "csv", shell="<&- 2>&-")[:2] == (0, b'"one"\n1\n')
    assert piped(lake, "sql", shell="<&-")[0] == 0
    assert piped(lake, "sql", "select no_such", shell="2> /dev/full")[0] == 2


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_screen_with_few_characters_shows_all_the_same(lake, encoding):
    query = "select 'Łódź 日本' as \"naïve\", 1 as n"
    status, out, said = piped(lake, "sql", query, shell="", PYTHONIOENCODING=encoding)
    assert (status, said) == (0, "")
    shown = out.decode(encoding)
    assert "\\u0141" in shown
    assert "|" in shown
    status, out, said = piped(lake, "sql", "--format", "json", query, shell="", PYTHONIOENCODING=encoding)
    assert (status, json.loads(out.decode(encoding))) == (0, [{"naïve": "Łódź 日本", "n": 1}])
    assert piped(lake, "tables", shell="", PYTHONIOENCODING=encoding)[0] == 0
    assert piped(lake, "sql", "--format", "csv", query, shell="", PYTHONIOENCODING=encoding)[1] == (
        '"naïve","n"\n"Łódź 日本",1\n'.encode()
    )


def test_a_query_that_is_no_utf_8_is_refused(lake):
    for variables in ({}, {"PYTHONUTF8": "1"}, {"LC_ALL": "C.UTF-8"}):
        status, _, said = piped(lake, "sql", shell="", stdin="select 'café';".encode("latin-1"), **variables)
        assert (status, said.splitlines()[0]) == (2, "Error: the query is not UTF-8 text")
    status, _, said = piped(lake, "sql", os.fsdecode(b"select 'caf\xe9'"), shell="")
    assert (status, said.splitlines()[0]) == (2, "Error: the query is not UTF-8 text")


def test_parquet_says_what_it_cannot_hold_and_holds_the_rest(lake):
    query = "select 1 as a, date '12026-01-01' as d, ['nan'::double] as l"
    status, out, _ = piped(lake, "sql", "--format", "parquet", query, shell="")
    assert (status, pq.read_table(io.BytesIO(out)).column_names) == (0, ["a", "d", "l"])
    status, _, said = piped(lake, "sql", "--format", "parquet", "select interval 1 day as i", shell="")
    assert (status, said.startswith("Error: Parquet cannot hold this answer")) == (2, True)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("fees.json", 'planlake sql --config {file} --format json "select * from TABLE" > {out}'),
        ("fees.ods", PLACES),
    ],
)
def test_a_name_that_ends_like_a_file_of_another_kind_makes_no_folder(typed, lake, tmp_path, name, hint):
    out = tmp_path / name
    said = typed("export", "fees", "--out", out, "--config", lake)
    assert (said.status, said.errors) == (2, [f"Error: an export cannot be written as {out.suffix[1:]} (out={out})"])
    assert f"hint: {hint.format(file=lake, out=out)}\n" in said.err
    assert not out.exists()
    assert typed("export", "fees", "--out", tmp_path / "of.2026-11-21", "--config", lake).status == 0
    assert (tmp_path / "of.2026-11-21").is_dir()
