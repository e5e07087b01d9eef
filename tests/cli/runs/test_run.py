"""`planlake plan` and `planlake run`: the same list, shown and carried out; what is said when something is wrong."""

import json
import re
import signal
import subprocess
import time
from datetime import UTC, date, datetime

import pytest

from commands import PROGRAM, environment, planlake, said
from planlake.cli.report.check import _show as show_checks
from planlake.cli.runs.run import show
from planlake.flow.results import RunResult, TableResult
from planlake.flow.trust.result import ModelResult
from planlake.report.check_history import CheckHistory
from planlake.simulator.app import PRIVATE_KEY, PUBLIC_KEY
from planlake.simulator.faults import Rule

WHEN = datetime(2026, 11, 20, tzinfo=UTC)
NOW, NEXT_DAY = "2026-11-20T03:00:00", "2026-11-21T03:00:00"
KEYS = {"TASCOMI_PUBLIC_KEY": PUBLIC_KEY, "TASCOMI_PRIVATE_KEY": PRIVATE_KEY}
UNREACHABLE = 'api: {base_url: "http://127.0.0.1:9/rest/v1"}\ntables: {daily: [fees, applications], weekly: [wards]}\n'


def requests_by_table(feed):
    found = {}
    for request in feed.simulator.requests:
        window = request.query.get("last_updated", "full")
        found.setdefault(request.path.removeprefix("/rest/v1/"), {}).setdefault(window, 0)
    return {table: list(windows) for table, windows in found.items()}


def planned(typed, feed, *options, events=("page", "provisional", "recount")):
    """The windows the plan says will be asked for, by table."""
    steps = json.loads(typed("plan", "--config", feed.file, "--json", *options).out)
    windows = {
        step["table"]: [window["name"] for window in step["windows"] if window["event"] in events]
        for step in steps
        if step["step"] == "ingest"
    }
    return {table: names for table, names in windows.items() if names}


def test_run_does_what_plan_says_and_nothing_else_on_the_first_day_and_the_next(typed, feed, at):
    for now in (NOW, NEXT_DAY):
        at(now)
        if now == NEXT_DAY:
            feed.data.move_to(feed.data.now.fromisoformat(now))
        wanted = planned(typed, feed)
        assert wanted
        whole = [table for table, windows in wanted.items() if windows == ["full"]]
        asked = [request.path.rpartition("/")[2] for request in feed.simulator.requests]
        assert sorted(asked) == sorted(whole)  # the first page of what is read whole, to tell its size
        feed.simulator.requests.clear()
        assert typed("run", "--config", feed.file).status == 0
        assert requests_by_table(feed) == wanted
        assert planned(typed, feed, events=("page",)) == {}
        feed.simulator.requests.clear()


def test_plan_writes_no_table(typed, feed, at):
    at(NOW)
    said = typed("plan", "--config", feed.file)
    assert said.status == 0
    assert re.search(r"fees +ingest +full +2 requests, \d+ kB, about \d+ s +never loaded", said.out)
    assert "2 tables are due" in said.err
    assert feed.snapshots() == {}


def test_a_second_run_on_the_same_day_says_that_there_is_nothing_to_do(typed, feed, at):
    at(NOW)
    assert typed("run", "--config", feed.file).status == 0
    before = feed.snapshots()
    feed.simulator.requests.clear()
    said = typed("run", "--config", feed.file)
    assert said.status == 0
    assert "nothing to do" in said.out + said.err
    assert {window for windows in requests_by_table(feed).values() for window in windows} <= {NOW[:10]}
    assert "nothing to do, 2 tables are up to date" in said.err
    alone = typed("run", "wards", "--config", feed.file)
    assert "nothing to do, 1 table is up to date" in alone.err
    assert "1 table is due" in typed("plan", "fees", "--config", feed.file).err
    changed = {name for name, snapshot in feed.snapshots().items() if before.get(name) != snapshot}
    assert changed <= {"operations.runs", "raw.api_requests"}


def test_the_tables_of_a_run_are_shown_on_standard_output(typed, feed, at):
    at(NOW)
    said = typed("run", "--config", feed.file)
    assert re.search(r"fees +\+ loaded +2 +70 +70 +70 +never loaded", said.out)
    assert "wards" in said.out
    assert said.err == ""


def test_a_run_as_json_is_one_document_with_the_exit_status(feed):
    said = planlake("run", "--config", feed.file, "--json", PLANLAKE_NOW=NOW, **KEYS)
    result = json.loads(said.out)
    assert said.status == result["exit_code"] == 0
    assert {table["table"]: table["outcome"] for table in result["tables"]} == {"fees": "loaded", "wards": "loaded"}
    assert result["tables"][0]["ingest"]["records"] == 70


def test_named_tables_alone_are_read_and_need_not_be_configured(typed, feed, at):
    at(NOW)
    assert typed("run", "titles", "fees", "--config", feed.file).status == 0
    assert set(requests_by_table(feed)) == {"titles", "fees"}


def test_a_cadence_or_a_step_narrows_the_run(typed, feed, at):
    at(NOW)
    assert set(planned(typed, feed, "--cadence", "weekly")) == {"wards"}
    assert typed("run", "fees", "--step", "ingest", "--config", feed.file).status == 0
    assert not [name for name in feed.snapshots() if name.startswith("refined.")]
    assert typed("run", "fees", "--step", "refine", "--config", feed.file).status == 0
    assert [name for name in feed.snapshots() if name.startswith("refined.")] == ["refined.increment_fees"]
    assert typed("run", "fees", "--step", "snapshot", "--config", feed.file).status == 0
    assert len(feed.rows("select * from fees")) == 70


@pytest.mark.parametrize(
    ("options", "message", "hint"),
    [
        pytest.param(["feees"], 'no resource is called "feees"', "did you mean fees", id="a table"),
        pytest.param(["--cadence", "dayly"], 'no cadence is called "dayly"', "did you mean daily", id="a cadence"),
        pytest.param(["--step", "refin"], 'no step is called "refin"', "did you mean refine", id="a step"),
        pytest.param(
            ["--env", "lokal"],
            'no environment and no preview is called "lokal"',
            "did you mean local",
            id="an environment",
        ),
    ],
)
@pytest.mark.parametrize("command", ["run", "plan"])
def test_a_misspelt_word_is_one_line_with_a_suggestion_and_exit_2(typed, feed, at, command, options, message, hint):
    at(NOW)
    said = typed(command, *options, "--config", feed.file)
    assert (said.status, said.out) == (2, "")
    assert len(said.errors) == 1
    assert message in said.errors[0]
    assert hint in said.err
    assert feed.simulator.requests == []


def test_an_engine_that_is_not_there_is_refused(typed, feed):
    said = typed("run", "--engine", "locla", "--config", feed.file)
    assert said.status == 2
    assert "did you mean local" in said.err


def test_an_api_that_cannot_be_reached_is_exit_3_with_one_clear_line(tmp_path):
    (tmp_path / "planlake.yaml").write_text(UNREACHABLE)
    said = planlake("run", folder=tmp_path, **KEYS)
    assert (said.status, said.out) == (3, "")
    assert said.errors == ["Error: the API cannot be reached: connection refused (base_url=http://127.0.0.1:9/rest/v1)"]
    assert said.err.splitlines()[1:] == ["Nothing was changed", "hint: planlake doctor"]


def test_wrong_keys_are_exit_3_with_one_clear_line(feed):
    said = planlake("run", "--config", feed.file, **KEYS | {"TASCOMI_PRIVATE_KEY": "mistyped-key"})
    assert said.status == 3
    assert len(said.errors) == 1
    assert "the keys are wrong" in said.errors[0]
    assert "mistyped-key" not in said.out + said.err


def test_a_table_that_cannot_be_read_whole_is_exit_1_and_holds_up_no_other(typed, feed, at):
    at(NOW)
    feed.fail(Rule(resource="fees", status=404, times=None))
    said = typed("run", "--config", feed.file)
    assert said.status == 1
    assert re.search(r"fees +x failed", said.out)
    assert re.search(r"wards +\+ loaded", said.out)
    assert "page 1: status 404" in re.sub(r"\s+", " ", said.out)
    assert "fees has no version yet; the next run asks again" in said.err
    assert "Traceback" not in said.err
    feed.fail()
    assert typed("run", "--config", feed.file).status == 0
    feed.fail(Rule(resource="fees", status=404, times=None))
    said = typed("run", "fees", "--full", "--config", feed.file)
    assert "fees still shows its last good version; the next run asks again" in said.err


def test_what_failed_is_the_first_row_of_a_run_and_of_its_history_by_the_word_of_status(typed, feed, at):
    at(NOW)
    feed.fail(Rule(resource="wards", status=500, times=None))
    ran = typed("run", "--config", feed.file)
    assert ran.err.splitlines()[-1] == f"hint: planlake run --config {feed.file} wards"
    for shown in (ran, typed("runs", "1", "--config", feed.file), typed("status", "--config", feed.file)):
        rows = re.findall(r"^(fees|wards)  .*", shown.out, re.MULTILINE)
        assert (rows, shown.out.count("x failed")) == (["wards", "fees"], 1)


def test_a_run_that_builds_models_alone_does_not_say_that_there_was_nothing_to_do(capsys):
    done = (TableResult("fees", "up to date"),)
    for models, is_nothing in ((), True), ((ModelResult("cases", "built", 3),), False):
        show(RunResult(4, date(2026, 11, 20), done, 1.0, models=models))
        told = capsys.readouterr()
        assert "1 table is up to date" in told.err
        assert (("nothing to do" in told.err), ("no data was changed" in told.err)) == (is_nothing, is_nothing)


def test_the_check_that_holds_a_table_is_shown_before_warnings(capsys):
    checks = [
        CheckHistory("fees", "casts", "", verdict, 1.0, 0.0, "", WHEN, (1.0,), (verdict,))
        for verdict in ("warning", "held")
    ]
    show_checks(checks, shows_all=False)
    assert re.findall(r"! warning|x held", capsys.readouterr().out) == ["x held", "! warning"]


def test_a_clock_before_the_last_run_is_refused(typed, feed, at):
    at(NEXT_DAY)
    assert typed("run", "wards", "--config", feed.file).status == 0
    at(NOW)
    said = typed("run", "wards", "--config", feed.file)
    assert said.status == 2
    assert "the clock stands before a run that counts" in said.errors[0]


def test_no_bars_are_drawn_where_there_is_no_terminal(feed):
    said = planlake("run", "--config", feed.file, PLANLAKE_NOW=NOW, **KEYS)
    assert "\x1b" not in said.out + said.err
    assert "\r" not in said.out + said.err
    assert said.err == ""


def test_ctrl_c_is_exit_130_keeps_what_was_committed_and_the_next_run_continues(typed, feed, at):
    at(NOW)
    assert typed("run", "wards", "--config", feed.file).status == 0
    feed.simulator.requests.clear()
    feed.fail(Rule(resource="fees", delay=20, times=None))
    command = [PROGRAM, "run", "fees", "--config", str(feed.file)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment(PLANLAKE_NOW=NOW, **KEYS)) as run:
        deadline = time.monotonic() + 20
        while not feed.simulator.requests and time.monotonic() < deadline:
            time.sleep(0.05)
        run.send_signal(signal.SIGINT)
        assert run.wait(timeout=15) == 130
        left = said(130, "", run.stderr.read())
    assert left.err.splitlines()[0] == "Stopped; everything committed so far is kept"
    assert "Traceback" not in left.err
    assert [(line["event"], line.get("step"), line.get("outcome")) for line in left.told] == [
        ("run started", None, None),
        ("step ended", "ingest", "stopped"),
        ("run ended", None, "stopped"),
    ]
    feed.fail()
    assert typed("run", "fees", "--config", feed.file).status == 0
    assert len(feed.rows("select * from fees")) == 70
    assert feed.rows("select count(*) > 0 as has_wards from wards") == [{"has_wards": True}]


def test_before_a_full_load_the_plan_tells_requests_size_and_time(feed, typed):
    steps = json.loads(typed("plan", "--config", feed.file, "--json").out)
    expected = {step["table"]: step["expected"] for step in steps if step["step"] == "ingest"}
    for name, estimate in expected.items():
        pages = max(1, -(-feed.data.count(name) // 50))
        assert (estimate["requests"], estimate["error"]) == (pages, ""), name
        assert estimate["bytes"] > 100 * feed.data.count(name)
        assert estimate["seconds"] > 0
    said = typed("plan", "--config", feed.file)
    assert re.search(r"requests, \d+ (kB|MB), about \d+ s", said.out)
    assert len(feed.simulator.requests) == 2 * len(expected)
    feed.run_at("2026-11-23T03:00:00")
    steps = json.loads(typed("plan", "--config", feed.file, "--json").out)
    assert {step["expected"] for step in steps} == {None}


def test_a_plan_without_an_api_is_shown_all_the_same_and_says_what_it_does_not_know(feed, typed):
    feed.file.write_text(feed.file.read_text().replace(feed.simulator.url, "http://127.0.0.1:9/rest/v1"))
    said = typed("plan", "--config", feed.file)
    assert said.status == 0
    assert "never loaded" in said.out
    assert "requests, size and time are not known: the API cannot be reached: connection refused" in said.err


def test_a_key_that_appears_later_is_told_and_those_of_the_first_load_are_not(feed, typed, at):
    at(NOW)
    assert "which nobody declared" not in typed("run", "fees", "--config", feed.file).err
    feed.data.move_to(feed.data.now.fromisoformat(NEXT_DAY))
    changed = feed.data.records("fees")[0] | {"last_updated": f"{NOW[:10]} 12:00:00", "green_belt": "yes"}
    feed.data.put("fees", changed)
    at(NEXT_DAY)
    said = typed("run", "fees", "--config", feed.file)
    assert "fees: 1 new column, which nobody declared, is kept as text: green_belt" in said.err
    assert feed.rows("select count(green_belt)::int as n from fees") == [{"n": 1}]
