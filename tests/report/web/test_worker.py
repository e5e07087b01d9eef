"""Queries of the ui are carried out in a process of its own, within limits, and show nothing personal."""

import csv
import io
import os
import re
import subprocess
import sys
import zipfile
from datetime import datetime
from pathlib import Path
from threading import Event, Thread

import openpyxl
import psutil
import pyarrow.parquet as pq
import pytest

from planlake.config_sections import Email, Lineage, Notify
from planlake.lake.lake import catalogue_file
from planlake.report.query import fetch, open_for_queries
from planlake.report.web import worker, worker_process
from planlake.report.web.frames import Request, Setup
from planlake.report.web.worker import QueryError, answer, download, open_workers, tables
from report.web.conftest import KEYS

ENDLESS = "with recursive t(n) as (select 1 union all select n + 1 from t) select max(n) from t"
WHOLLY_PERSONAL = "contacts"


@pytest.fixture(scope="module")
def workers(config):
    with open_workers(config) as opened:
        yield opened


def allowing(config, **ui):
    """The same configuration with other limits of the ui."""
    return config.model_copy(update={"ui": config.ui.model_copy(update=ui)})


# ---------------------------------------------------------------- answers


def test_an_answer_has_columns_with_types_and_rows_of_texts_numbers_and_none(workers):
    found = answer(
        workers,
        """select 7 as whole, 1.5::double as part, 'a' as word, null::varchar as nothing, true as yes,
           date '2026-11-27' as day, timestamp '2026-11-27 03:00:00' as moment, 9007199254740993 as large,
           'nan'::double as none, 1.10::decimal(4, 2) as price, [1, 2] as list""",
    )
    assert found.rows == (
        (7, 1.5, "a", None, "true", "2026-11-27", "2026-11-27 03:00:00", "9007199254740993", "nan", "1.10", "[1, 2]"),
    )
    kinds = {one.name: one.type for one in found.columns}
    assert (kinds["whole"], kinds["part"], kinds["word"], kinds["yes"]) == ("integer", "double", "text", "boolean")
    assert (kinds["day"], kinds["moment"], found.is_cut) == ("date", "timestamp", False)
    assert found.seconds > 0


def test_values_stand_for_question_marks(workers):
    found, _ = worker.ask(workers, Request("select ?::text || ?", None, 10, ("'; drop", 2)))
    assert found.rows == (("'; drop2",),)


def test_a_table_is_shown_as_of_a_day(workers):
    before, now = (answer(workers, "select count(*) from applications", as_of=day) for day in ("2026-11-20", None))
    assert 0 < before.rows[0][0] <= now.rows[0][0]
    assert before.notes == ("applications as of 2026-11-20: as published on 2026-11-20",)
    with pytest.raises(QueryError, match="is not a date"):
        answer(workers, "select 1", as_of="yesterday")


@pytest.mark.parametrize(
    ("query", "said", "place"),
    [
        ("select id,\n  nosuch from fees", 'no column is called "nosuch"', (2, 3)),
        ("select id\nfrom nosuch", 'no table is called "nosuch"', (2, 6)),
        ("select a.id from fees a join wards w on w.id = a.idd", '"a" has no column "idd"', (1, 50)),
        ("select 'a.idd' from fees a\nwhere a.\"idd\" = 1", '"a" has no column "idd"', (2, 9)),
        ("select nofunc(id) from fees", "no function is called nofunc", (1, 8)),
        ("select 'é', from from x", "syntax error", (1, 18)),
        ("select 'é', id = 'x' from fees", "Could not convert", (1, 18)),
    ],
)
def test_a_mistake_is_named_with_its_place(workers, query, said, place):
    with pytest.raises(QueryError, match=re.escape(said)) as raised:
        answer(workers, query)
    assert (raised.value.line, raised.value.column) == place
    assert raised.value.hint or "convert" in said


def test_columns_are_suggested_of_the_table_that_lacks_one(workers):
    with pytest.raises(QueryError) as raised:
        answer(workers, "select w.id from fees f join wards w on w.id = f.payment_method_ids")
    assert raised.value.hint.startswith("did you mean payment_method_id")
    with pytest.raises(QueryError) as raised:
        answer(workers, "with a as (select 1 as id) select a.idd from a")
    assert raised.value.hint == "planlake tables lists what can be queried"


def test_the_tables_that_can_be_asked_are_listed_with_their_columns(workers):
    found = tables(workers)
    assert ("id", "integer") in found["dataplatform-stg-tascomi-refined-zone.fees"]
    assert "dataplatform-stg-tascomi-operations.runs" in found
    assert [name for name in found if "raw-zone" in name] == ["dataplatform-stg-tascomi-raw-zone.api_requests"]
    assert found["dataplatform-stg-tascomi-trusted-zone.fees_as_set"] == [("id", "integer"), ("word", "text")]


STARTED = """
import sys
from pathlib import Path

from planlake.config import load_config
from planlake.report.web.worker import answer, open_workers

with open_workers(load_config(Path(sys.argv[1])), None) as workers:
    answer(workers, "select 1")
    print("ready", flush=True)
    answer(workers, "select max(levenshtein(repeat('ab', 200000), repeat('ba', 200000)))")
"""


def test_a_worker_ends_with_whoever_started_it_in_the_middle_of_a_query_too(lake):
    command = [sys.executable, "-c", STARTED, str(lake)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, **KEYS}) as one:
        try:
            one.stdout.readline()
            workers = psutil.Process(one.pid).children()
            assert workers
        finally:
            one.kill()
    gone, left = psutil.wait_procs(workers, timeout=30)
    assert (len(gone), left) == (len(workers), [])


def test_a_defect_ends_the_answer_and_not_the_process(config, monkeypatch):
    monkeypatch.setattr(worker_process, "fetch", lambda *_, **__: 1 / 0)
    setup = Setup(config.model_dump_json(), None, hides_personal=True, seconds=10)
    found, content = worker_process.answered(config, setup, Request("select 1"))
    assert (found.trouble.exit_code, "ZeroDivisionError" in found.trouble.message, content) == (4, True, b"")


# ---------------------------------------------------------------- limits


def test_a_thousand_rows_are_shown_and_it_is_said_that_there_are_more(workers):
    found = answer(workers, "select * from range(1001)")
    assert (len(found.rows), found.is_cut, found.notes) == (1000, True, ())
    assert not answer(workers, "select * from range(1000)").is_cut
    assert len(answer(workers, "select * from range(9)", max_rows=5).rows) == 5


def test_an_answer_has_eight_megabytes_at_most(workers):
    found = answer(workers, "select repeat('x', 1000000) from range(20)")
    assert (len(found.rows), found.is_cut) == (7, True)
    with pytest.raises(QueryError, match="one row of the answer has more than 8 MB"):
        answer(workers, "select repeat('x', 9000000)")


def test_a_query_that_takes_too_long_is_interrupted_and_the_next_is_answered(config):
    with open_workers(allowing(config, seconds=0.3)) as workers:
        with pytest.raises(QueryError, match=r"longer than 0\.3 seconds") as raised:
            answer(workers, ENDLESS)
        assert "ui.seconds" in raised.value.hint
        [process] = workers.waiting
        assert answer(workers, "select 1").rows == ((1,),)
        assert workers.waiting == [process]


def test_a_process_that_heeds_no_interrupt_is_ended_and_another_takes_its_place(config, monkeypatch):
    with open_workers(allowing(config, seconds=100)) as workers:
        [process] = workers.waiting
        monkeypatch.setattr(worker, "SECONDS_OF_GRACE", -99)
        with pytest.raises(QueryError, match="the query was stopped: it took longer than 100 seconds"):
            answer(workers, ENDLESS)
        assert process.program.poll() is not None
        monkeypatch.undo()
        assert answer(workers, "select 1").rows == ((1,),)


def test_a_query_can_be_stopped(config):
    with open_workers(allowing(config, seconds=100)) as workers:
        begun = []

        def stop(kill):
            begun.append(Thread(target=kill))
            begun[0].start()

        with pytest.raises(QueryError, match="was stopped before it had an answer"):
            answer(workers, ENDLESS, started=stop)
        assert answer(workers, "select 1").rows == ((1,),)


def test_a_process_that_died_while_it_waited_is_passed_over(config):
    with open_workers(config) as workers:
        [process] = workers.waiting
        process.program.kill()
        process.program.wait()
        assert answer(workers, "select 1").rows == ((1,),)


HALF_A_COMMIT = """
import os, signal, sqlite3, sys
catalogue = sqlite3.connect(sys.argv[1], isolation_level=None)
catalogue.execute("pragma cache_size = 1")
catalogue.execute("begin immediate")
catalogue.execute("update iceberg_tables set metadata_location = 'nowhere'")
catalogue.execute("create table much as with recursive t(n) as (select 1 union all select n + 1 from t limit 2000)"
                  "select n, randomblob(1000) as much from t")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_writer_that_was_killed_in_its_commit_stops_no_query(config, workers):
    catalogue = catalogue_file(config)
    subprocess.run([sys.executable, "-c", HALF_A_COMMIT, str(catalogue)], check=False)
    journal = catalogue.with_name(f"{catalogue.name}-journal")
    assert journal.stat().st_size > 0
    assert answer(workers, "select count(*) > 0 from contacts").rows == (("true",),)
    assert not journal.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds a process to its memory")
def test_a_query_cannot_take_all_memory(config):
    limited = config.model_copy(update={"settings": config.settings.model_copy(update={"query_memory_megabytes": 100})})
    with open_workers(limited) as workers:
        with pytest.raises(QueryError, match=r"needs more memory than 100 MB"):
            answer(workers, "select length(repeat('x', 4000000000))")
        assert answer(workers, "select 1").rows == ((1,),)


def test_a_text_of_more_than_100_000_characters_is_no_query(workers):
    with pytest.raises(QueryError, match="the query is too long"):
        answer(workers, f"select '{'x' * 100_000}'")


def test_several_queries_are_answered_at_once(workers):
    found = []
    asking = [Thread(target=lambda: found.append(answer(workers, "select 1").rows)) for _ in range(5)]
    for one in asking:
        one.start()
    for one in asking:
        one.join()
    assert found == [((1,),)] * 5


def test_what_goes_on_when_the_ui_ends_is_stopped_and_what_waits_is_not_begun(config):
    told, begun = [], Event()

    def ask():
        try:
            answer(workers, ENDLESS, started=lambda _: begun.set())
        except QueryError as error:
            told.append(str(error))

    with open_workers(allowing(config, seconds=100)) as workers:
        asking = [Thread(target=ask) for _ in range(worker.MOST_AT_ONCE + 4)]
        for one in asking:
            one.start()
        begun.wait()
        processes = [one.program for one in workers.working]
    for one in asking:
        one.join()
    assert len(told) == len(asking)
    assert "planlake ui is ending, and this query was not begun" in told
    assert (workers.working, workers.waiting) == (set(), [])
    assert all(one.poll() is not None for one in processes)


def test_the_processes_end_with_the_ui(config):
    with open_workers(config) as workers:
        [process] = workers.waiting
        assert process.program.poll() is None
    assert process.program.poll() is not None


# ---------------------------------------------------------------- what it may know and show


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")
def test_the_process_has_no_key_of_the_api_nor_any_address_that_is_one(config, monkeypatch):
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    for name in ("HOOK", "MAIL_PASSWORD", "LINEAGE_KEY"):
        monkeypatch.setenv(name, "planted")
    mail = Email(to=["a@b.example"], sender="a@b.example", server="c:25", password="${MAIL_PASSWORD}")
    told = {"notify": Notify(slack="${HOOK}", email=mail), "lineage": Lineage(to="file:x", key="${LINEAGE_KEY}")}
    with open_workers(config.model_copy(update=told)) as workers:
        answer(workers, "select 1")
        [process] = workers.waiting
        told = Path(f"/proc/{process.program.pid}/environ").read_text(encoding="utf-8")
    assert "PATH=" in told
    assert os.environ["TASCOMI_PRIVATE_KEY"] == "planted-private-key"
    assert "planted" not in told


def test_nothing_personal_is_shown_in_any_table(workers, personal):
    found = tables(workers)
    for name in found:
        database, _, table = name.partition(".")
        rows = answer(workers, f'select * from "{database}"."{table}"').rows
        shown = {str(value) for row in rows for value in row}
        assert shown & personal == set(), name
    hidden = answer(workers, f"select email from {WHOLLY_PERSONAL} where email is not null limit 1").rows[0][0]
    assert re.fullmatch(r"\[personal, \d+ characters]", hidden)


@pytest.mark.parametrize(
    "query",
    [
        "select max(email) from contacts",
        "select count(*) from contacts where email like '%@%'",
        "select string_agg(email, ',') from contacts",
        "summarize contacts",
        "select * from history_contacts",
        "select * from increment_contacts",
        "select e::integer from (select email as e from contacts)",
        'select contacts from "dataplatform-stg-tascomi-raw-zone".contacts',
        "select api_response from api_responses",
        "select * from api_response_contacts",
        "select pg_get_viewdef(oid) from (select 1 as oid)",
        "select * from duckdb_views()",
        "select * from query('from contacts')",
    ],
)
def test_what_is_personal_cannot_be_asked_for_another_way(workers, personal, query):
    try:
        told = answer(workers, query)
        shown = str(told.rows)
        assert "@" not in shown
        assert told.rows == ((0,),) or "count" not in query
    except QueryError as error:
        shown = f"{error} {error.hint}"
        assert "@" not in shown
    assert [one for one in personal if one in shown] == []


def test_what_is_personal_is_shown_where_the_configuration_allows_it(config, personal):
    with open_workers(allowing(config, personal=True)) as workers:
        shown = {str(value) for row in answer(workers, f"select * from {WHOLLY_PERSONAL}").rows for value in row}
        assert len(shown & personal) > 50
        assert answer(workers, "select count(*) from api_responses").rows[0][0] > 100


# ---------------------------------------------------------------- files


def test_an_answer_is_downloaded_as_csv_and_parquet(workers):
    query = "select id, payment_method_id from fees order by id"
    shown = answer(workers, "select * from (values (1, '=1+1'), (2, null)) as t(a, b)")
    lines = list(csv.reader(io.StringIO(download(workers, query, format="csv").decode("utf-8-sig"))))
    rows = pq.read_table(io.BytesIO(download(workers, query, format="parquet")))
    assert lines[0] == ["id", "payment_method_id"] == rows.column_names
    assert len(lines) - 1 == rows.num_rows > 60
    assert shown.rows == ((1, "=1+1"), (2, None))


def test_in_excel_every_text_is_a_text_and_every_number_a_number(workers):
    query = """select 1 as a, '=1+1' as b, '0123' as c, 'http://a.example' as d, 9007199254740993 as e,
                      repeat('x', 40000) as f, null as g"""
    with zipfile.ZipFile(io.BytesIO(download(workers, query, format="xlsx"))) as book:
        sheet, about = (book.read(f"xl/worksheets/sheet{number}.xml").decode() for number in (1, 2))
        texts = book.read("xl/sharedStrings.xml").decode()
    assert "<f>" not in sheet
    assert "hyperlink" not in sheet
    assert 't="s"' in about
    assert [one for one in ("=1+1", "0123", "http://a.example", "9007199254740993") if f"{one}</t>" not in texts] == []
    assert "<v>1</v>" in sheet
    assert "1 text is longer" in texts


NESTED = """select [1, null] as listed, {'a': 'é"', 'd': date '2026-11-17'} as packed, map {'k': 1.5} as mapped,
                   null::integer[] as none, union_value(k := 1) as united"""


def test_lists_maps_and_structures_are_json_in_csv_and_excel(workers):
    rows = list(csv.reader(io.StringIO(download(workers, NESTED, format="csv").decode("utf-8-sig"))))
    assert rows[0] == ["listed", "packed", "mapped", "none", "united"]
    expected = ["[1,null]", '{"a":"é\\"","d":"2026-11-17"}', '{"k":1.5}', "", "1"]
    assert rows[1] == expected
    book = openpyxl.load_workbook(io.BytesIO(download(workers, NESTED, format="xlsx")))
    assert [one or "" for one in next(book["Rows"].iter_rows(min_row=2, values_only=True))] == expected


def test_days_and_moments_are_such_in_excel(workers):
    query = """select date '2026-11-17' as day, timestamp '2026-11-17 09:30:15' as moment, true as truth,
                      timestamp '0850-01-01 00:00:00' as old"""
    book = openpyxl.load_workbook(io.BytesIO(download(workers, query, format="xlsx")))
    found = next(book["Rows"].iter_rows(min_row=2, values_only=True))
    day, moment = map(datetime.fromisoformat, ("2026-11-17", "2026-11-17T09:30:15"))
    assert found == (day, moment, True, "0850-01-01 00:00:00")
    assert [one.number_format for one in book["Rows"][2]][:2] == ["yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss.000"]


def test_an_answer_that_is_too_large_for_a_file_is_refused_whole(workers):
    with pytest.raises(QueryError, match="more than 100,000 rows"):
        download(workers, "select * from range(100001)", format="xlsx")


def test_messages_have_no_examples_of_values(config, workers):
    query = "select message from checks where message like '%do not cast%' order by all"
    shown = [text for (text,) in answer(workers, query).rows]
    stored = fetch(open_for_queries(config), query).rows["message"].to_pylist()
    assert stored and all(text.endswith(" for example") for text in stored)
    assert shown == [text.rpartition(', "')[0] for text in stored]
