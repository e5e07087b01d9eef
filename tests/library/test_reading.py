"""`planlake.open_lake`, `Lake` and `Answer`: what a lake answers with, and what is said where it cannot."""

import resource
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path

import pytest

import planlake
from cli.conftest import FIRST, SECOND, small_council
from conftest import feeding
from planlake.lake.lake import catalogue_file

COUNT = "select count(*) as n from fees"


@pytest.fixture
def lake(demo):
    return planlake.open_lake(demo.file)


def raised(call, kind=planlake.ConfigurationError):
    with pytest.raises(kind) as caught:
        call()
    return caught.value.lines()


# ---------------------------------------------------------------- opening


def test_a_lake_is_named_by_its_file_its_folder_a_variable_or_the_working_folder(demo, monkeypatch):
    opened = [planlake.open_lake(place) for place in (demo.file, str(demo.file), demo.file.parent, "demo-lake")]
    monkeypatch.chdir(demo.file.parent)
    opened.append(planlake.open_lake())
    monkeypatch.chdir("/")
    monkeypatch.setenv("PLANLAKE_CONFIG", str(demo.file))
    opened.append(planlake.open_lake())
    assert {lake.file for lake in opened} == {demo.file}
    assert [lake.sql(COUNT).rows() for lake in opened] == [[{"n": 378}]] * len(opened)


def test_a_lake_is_called_by_its_file_and_its_environment_and_shows_no_key(lake):
    assert (lake.environment, lake.day, lake.as_of("2026-11-21").day) == ("local", None, date(2026, 11, 21))
    assert repr(lake).startswith("Lake(file=")
    assert "key" not in repr(lake)


def test_a_lake_that_was_never_loaded_says_so_and_nothing_is_made(tmp_path):
    (tmp_path / "planlake.yaml").write_text("tables: {daily: [fees]}\n")
    assert raised(lambda: planlake.open_lake(tmp_path)) == [
        f"Error: nothing was loaded yet (catalogue={tmp_path.resolve()}/lake/catalog.db)",
        "hint: planlake run",
    ]
    assert [file.name for file in tmp_path.iterdir()] == ["planlake.yaml"]


def test_a_configuration_there_is_none_of_is_named(tmp_path):
    said = raised(lambda: planlake.open_lake(tmp_path / "demo-lake"))
    assert said[0] == f"Error: no configuration found (file={tmp_path}/demo-lake)"


def test_an_environment_there_is_none_of_is_named_with_those_there_are(demo):
    said = raised(lambda: planlake.open_lake(demo.file, environment="locl"))
    assert said == ['Error: no environment and no preview is called "locl"', "hint: did you mean local?"]


def test_a_setting_there_is_none_of_is_named_with_the_nearest(demo):
    said = raised(lambda: planlake.open_lake(demo.file, settings={"query_second": 1}))
    assert said[0].startswith("Error: unknown key: settings.query_second ")
    assert "query_seconds" in said[1]


def test_a_lake_that_was_copied_is_told_of(own_demo, tmp_path):
    copy = shutil.copytree(own_demo.folder, tmp_path / "copy")
    with pytest.warns(UserWarning, match="this lake was made at") as warned:
        copied = planlake.open_lake(copy / "demo-lake")
    assert warned[0].filename == __file__
    assert copied.sql(COUNT).rows() == [{"n": 378}]
    shutil.rmtree(own_demo.folder / "demo-lake")
    said = raised(lambda: planlake.open_lake(copy / "demo-lake"), planlake.LakeError)
    assert "recover --here" in said[-1]


# ---------------------------------------------------------------- answers


def test_an_answer_is_the_same_in_every_form(lake):
    answer = lake.sql("select id, name, enabled, last_updated from wards order by id limit 3")
    assert len(answer) == 3
    assert answer.columns == ("id", "name", "enabled", "last_updated")
    assert answer.rows() == answer.arrow().to_pylist()
    assert [str(kind) for kind in answer.arrow().schema.types] == ["int32", "string", "bool", "timestamp[us]"]
    assert answer.notes == ()


def test_columns_of_one_name_are_numbered(lake):
    answer = lake.sql("select 1 as n, 2 as n, 3 as n_2")
    assert answer.rows() == [{"n": 1, "n_3": 2, "n_2": 3}]


def test_what_python_has_no_word_for_is_written_as_text(lake):
    assert lake.sql("select timestamp '12026-01-01 10:00' as t, 1 as n").rows() == [
        {"t": "12026-01-01 10:00:00", "n": 1}
    ]


def test_an_answer_without_rows_has_its_columns(lake):
    answer = lake.sql("select id from wards where false")
    assert (len(answer), answer.columns, answer.rows()) == (0, ("id",), [])


def test_a_table_may_be_named_with_its_database_and_is_only_ever_a_name(lake):
    assert len(lake.table("tascomi-refined-zone.current_fees")) == 378
    assert raised(lambda: lake.table("fees; drop table fees"))[0] == (
        'Error: no table is called "fees; drop table fees"'
    )


def test_what_is_printed_ends_with_the_notes_and_says_how_many_more_rows_there_are(lake):
    answer = lake.as_of("2026-11-21").sql("select id from fees order by id")
    assert repr(answer).splitlines()[-2:] == [
        "the first 20 of 377 rows",
        "fees as of 2026-11-21: as published on 2026-11-21",
    ]


def test_nothing_that_is_printed_moves_a_cursor(lake):
    assert "\x1b" not in repr(lake.sql("select 'a' || chr(27) || '[2J' as \"x\x1b[2J\""))


@pytest.mark.parametrize(("limit", "note"), [(0, True), (20, True), (21, False), (1000, False)])
def test_a_limit_takes_the_first_rows_and_says_whether_there_are_more(lake, limit, note):
    answer = lake.table("wards", limit=limit)
    assert len(answer) == min(limit, 21)
    assert answer.notes == ((f"only the first {limit} rows were asked for; there are more",) if note else ())


@pytest.mark.parametrize(
    ("query", "values"),
    [
        ("select id from wards where name = ?", ["Brownswood"]),
        ("select id from wards where name = $name", {"name": "Brownswood"}),
        ("select id from wards where id = any(?)", [[43, -1]]),
        ("with w as (select id, name from wards) select id from w where id < ? and name <> ?", [44, "'; drop table w"]),
    ],
)
def test_values_stand_beside_a_query(lake, query, values):
    assert lake.sql(query, values).rows() == [{"id": 43}]


@pytest.mark.parametrize("values", [None, [], [1, 2], {"other": 1}, [object()]])
def test_values_that_are_not_those_of_the_query_are_refused(lake, values):
    assert raised(lambda: lake.sql("select ? + 1", values))[0].startswith("Error: the query failed: ")


def test_a_limit_ends_a_query_that_has_no_end(lake):
    answer = lake.sql("select * from range(1000000000000)", limit=1)
    assert (len(answer), answer.notes) == (1, ("only the first row was asked for; there are more",))
    assert raised(lambda: lake.table("wards", limit=-1))[0] == "Error: limit is not a number of rows: -1"


# ---------------------------------------------------------------- what a user sees where there is no answer


def test_a_lake_that_was_closed_answers_nothing_any_more_and_its_answers_stay(lake):
    before = lake.as_of("2026-11-21")
    answer = lake.sql(COUNT)
    lake.close()
    for call in (lambda: lake.sql(COUNT), lambda: before.table("fees"), lambda: lake.as_of("2026-11-22").sql(COUNT)):
        assert raised(call) == ["Error: this lake was closed", "hint: planlake.open_lake() opens it again"]
    assert answer.rows() == [{"n": 378}]


def test_leaving_a_with_closes_the_lake(demo):
    with planlake.open_lake(demo.file) as lake:
        assert lake.sql(COUNT).rows() == [{"n": 378}]
    assert raised(lambda: lake.sql(COUNT))[0] == "Error: this lake was closed"


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("select * from feees", ['Error: no table is called "feees"', "hint: did you mean fees?"]),
        ("from site_visits", ['Error: "site_visits" was not loaded yet', "hint: planlake run site_visits"]),
        (
            "select nme from wards",
            ['Error: the query failed: no column is called "nme"', 'hint: did you mean "name"?'],
        ),
    ],
)
def test_a_table_or_column_there_is_none_of_is_named_with_what_is_meant(lake, query, said):
    shown = raised(lambda: lake.sql(query))
    assert shown[0] == said[0]
    assert shown[1].startswith(said[1].rstrip("?"))


@pytest.mark.parametrize("query", ["", "selec 1", "select 1; select 2", "drop table fees", "select '\ud800'"])
def test_what_is_no_query_that_reads_is_refused(lake, query):
    assert raised(lambda: lake.sql(query))[0].startswith("Error: ")


@pytest.mark.parametrize(
    "query",
    [
        "copy (select 1) to 'stolen.csv'",
        "select * from read_csv('demo-lake/planlake.yaml')",
        "select * from 'demo-lake/planlake.yaml'",
        "attach 'other.db'",
        "select getenv('HOME')",
    ],
)
def test_a_query_reaches_no_file_and_no_variable(lake, demo, query):
    raised(lambda: lake.sql(query))
    assert [file.name for file in demo.folder.iterdir()] == ["demo-lake"]


def test_a_query_that_takes_too_long_is_stopped(demo):
    lake = planlake.open_lake(demo.file, settings={"query_seconds": 0.2})
    assert raised(lambda: lake.sql("select count(*) from range(1000000) a, range(1000000) b")) == [
        "Error: the query failed: it took longer than 0.2 seconds",
        "hint: the setting query_seconds allows more",
    ]


@pytest.mark.parametrize("query", ["from range(100000000)", "select count(distinct range) from range(100000000)"])
def test_rows_and_queries_that_need_too_much_memory_are_stopped(demo, query):
    lake = planlake.open_lake(demo.file, settings={"query_memory_megabytes": 64})
    said = raised(lambda: lake.sql(query))
    assert said[0] == "Error: the query failed: it needs more memory than 64 MB"
    assert "query_memory_megabytes allows more" in said[1]


INTERRUPTED = """\
import os, signal, sys, threading
import planlake
lake = planlake.open_lake(sys.argv[1], settings={"query_seconds": 60})
threading.Timer(1, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    lake.sql("select count(*) from range(10000000) a, range(10000000) b")
except KeyboardInterrupt:
    print("stopped", lake.sql(sys.argv[2]).rows())
"""


def test_the_interrupt_button_stops_a_query_and_the_lake_answers_the_next(demo):
    program = [sys.executable, "-c", INTERRUPTED, str(demo.file), COUNT]
    said = subprocess.run(program, capture_output=True, text=True, timeout=120, check=False)
    assert said.stdout == "stopped [{'n': 378}]\n", said.stderr


def test_a_file_that_is_gone_is_named_with_what_to_do(own_demo):
    lake = planlake.open_lake(own_demo.file)
    for file in own_demo.folder.glob("demo-lake/lake/*refined-zone/current_fees/data/**/*.parquet"):
        file.unlink()
    said = raised(lambda: lake.table("fees"), planlake.LakeError)
    assert "hint: " in said[-1]
    assert lake.table("wards").rows()


def test_a_lake_that_is_gone_meanwhile_is_told_of(own_demo):
    lake = planlake.open_lake(own_demo.file)
    catalogue_file(lake._config).unlink()
    assert raised(lambda: lake.table("fees"), planlake.LakeError)[-1].startswith("hint: planlake recover")


# ---------------------------------------------------------------- days


@pytest.mark.parametrize(
    "day", ["2026-11-21", "20261121", date(2026, 11, 21), datetime.fromisoformat("2026-11-21T23:00")]
)
def test_a_day_is_a_date_or_its_text(lake, day):
    answer = lake.as_of(day).sql(COUNT)
    assert answer.rows() == [{"n": 377}]
    assert answer.notes == ("fees as of 2026-11-21: as published on 2026-11-21",)


def test_what_is_no_day_is_refused(lake):
    assert raised(lambda: lake.as_of("21.11.2026")) == [
        'Error: not a day: "21.11.2026"',
        'hint: lake.as_of("2026-11-22")',
    ]


def test_a_day_before_the_first_load_has_no_rows_and_a_warning_says_when_that_was(lake):
    note = "fees as of 2026-11-20: nothing was loaded by then, the first on 2026-11-21"
    for ask in (lambda day: day.table("fees"), lambda day: day.sql("from fees")):
        with pytest.warns(UserWarning, match=note) as warned:
            answer = ask(lake.as_of("2026-11-20"))
        assert warned[0].filename == __file__
        assert (len(answer), answer.columns, answer.notes) == (0, lake.table("fees").columns, (note,))


# ---------------------------------------------------------------- while others work


def test_a_lake_that_stays_open_shows_what_was_published_last(tmp_path):
    with feeding(small_council(), tmp_path, "tables: {daily: [fees], weekly: [wards]}\n") as feed:
        feed.run_at(FIRST)
        lake = planlake.open_lake(tmp_path)
        first = len(lake.table("increment_fees"))
        feed.run_at(SECOND)
        assert len(lake.table("increment_fees")) > first
        assert len(lake.as_of(FIRST[:10]).table("increment_fees")) == first


def test_nothing_is_held_open_between_two_questions(lake):
    def opened():
        for entry in Path("/proc/self/fd").iterdir():
            with suppress(FileNotFoundError):  # the one that reads the list is closed by now
                yield str(entry.readlink())

    if not Path("/proc/self/fd").is_dir():
        pytest.skip("NOT LOOKED AT: this machine does not tell which files are open")
    before = sorted(file for file in opened() if "demo-lake" in file)  # what the demo's runs left in this process
    lake.table("fees")
    assert sorted(file for file in opened() if "demo-lake" in file) == before


def test_questions_write_nothing(lake, demo):
    def files():
        return {file: file.stat().st_mtime_ns for file in demo.folder.rglob("*")}

    before = files()
    lake.table("fees")
    lake.as_of("2026-11-21").sql("show tables")
    assert files() == before


def test_threads_may_ask_at_once_and_the_limit_of_memory_goes_with_the_last(lake):
    limit = resource.getrlimit(resource.RLIMIT_AS)
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: lake.sql(COUNT).rows(), range(8)))
    assert found == [[{"n": 378}]] * 8
    assert resource.getrlimit(resource.RLIMIT_AS) == limit


# ---------------------------------------------------------------- pandas and polars


@pytest.mark.parametrize(("library", "form"), [("pandas", "df"), ("polars", "pl")])
def test_a_library_that_is_not_installed_is_named_with_how_to_install_it(lake, monkeypatch, library, form):
    monkeypatch.setitem(sys.modules, library, None)
    assert raised(getattr(lake.table("wards"), form)) == [
        f"Error: {form}() needs {library}, which is not installed",
        f"hint: pip install {library}; arrow() and rows() need nothing more",
    ]


KINDS = "select 9007199254740993 as n, true as b, 1.5::double as x, 'a' as s, timestamp '2026-11-21 10:00' as t"
WITH_NULLS = f"{KINDS} union all select null, null, null, null, null order by n nulls last"


def test_a_frame_of_pandas_keeps_whole_numbers_where_some_are_missing(lake):
    pandas = pytest.importorskip("pandas", reason="NOT TESTED: pandas is not installed")
    frame = lake.sql(WITH_NULLS).df()
    assert isinstance(frame, pandas.DataFrame)
    assert frame.shape == (2, 5)
    assert (frame["n"][0], frame["b"][0], frame["x"][0]) == (9007199254740993, True, 1.5)
    assert frame.isna().loc[1].all()
    assert [str(frame.dtypes[name]) for name in "nbxt"] == ["Int64", "boolean", "float64", "datetime64[us]"]


def test_a_frame_of_polars_has_the_same_cells(lake):
    polars = pytest.importorskip("polars", reason="NOT TESTED: polars is not installed")
    answer = lake.sql(WITH_NULLS)
    assert isinstance(answer.pl(), polars.DataFrame)
    assert answer.pl().to_dicts() == answer.rows()


def test_what_polars_cannot_hold_says_so(lake):
    pytest.importorskip("polars", reason="NOT TESTED: polars is not installed")
    said = raised(lake.sql("select interval 1 month as m").pl)
    assert said[0].startswith("Error: polars cannot hold this answer: ")
    assert said[1] == "hint: cast the column to text: x::varchar"
