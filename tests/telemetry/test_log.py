"""What is told of a run while it goes on: the lines of its log, and what never stands in one."""

import json
import sys
from datetime import UTC, datetime

import pytest

from commands import typed_in_process
from conftest import feeding, written_config
from planlake.changes.maintain import maintain
from planlake.changes.rebuild import rebuild
from planlake.changes.recover import recover
from planlake.changes.rollback import rollback, undo
from planlake.config import load_config
from planlake.simulator.dataset import Dataset
from planlake.simulator.faults import Rule

COLUMNS = {"id": "integer", "last_updated": "timestamp", "name": "text"}
SETTINGS = """
source: tascomi
resources:
  things: {columns: {id: integer, last_updated: timestamp, name: text}}
  people: {columns: {id: integer, last_updated: timestamp, name: text}, personal: [name]}
tables: {daily: [things, people]}
settings: {attempts: 1}
"""
DAYS = ("2026-11-17T03:00:00", "2026-11-18T03:00:00", "2026-11-19T03:00:00")
JANE = "Jane Doe of 1 Mare Street"


@pytest.fixture
def feed(tmp_path):
    data = Dataset({"things": COLUMNS, "people": COLUMNS}, now=datetime.fromisoformat(DAYS[0]))
    with feeding(data, tmp_path, SETTINGS) as made:
        for table in ("things", "people"):
            made.data.put(table, {"id": "1", "last_updated": "2026-11-16 09:00:00", "name": JANE})
        yield made


@pytest.fixture
def told(capfd):
    """The lines of the log since it was last asked for, each a dictionary."""

    def read():
        return [json.loads(line) for line in capfd.readouterr().err.splitlines() if line.startswith("{")]

    return read


def steps(lines):
    return {(line["table"], line["step"]): line for line in lines if line["event"] == "step ended"}


def test_a_run_tells_when_it_starts_how_each_step_of_each_table_ends_and_how_it_ends(feed, told):
    before = datetime.now(UTC)
    result = feed.run_at(DAYS[0])
    lines = told()
    assert [lines[0]["event"], lines[-1]["event"]] == ["run started", "run ended"]
    assert {line["run"] for line in lines} == {result.run}
    assert {line["level"] for line in lines} == {"info"}
    found = steps(lines)
    assert set(found) == {(table, s) for table in ("things", "people") for s in ("ingest", "refine", "snapshot")}
    for line in found.values():
        assert (line["outcome"], line["rows"]) == ("done", 1)
        assert line["bytes"] > 0
        assert line["seconds"] >= 0
    assert lines[-1]["outcome"] == "finished"
    times = [datetime.fromisoformat(line["timestamp"]) for line in lines]
    assert times == sorted(times)
    assert before <= times[0] <= times[-1] <= datetime.now(UTC)  # the machine's time, whatever PLANLAKE_NOW says
    assert times[0].utcoffset().total_seconds() == 0


def test_the_hash_of_the_configuration_is_told_once_in_a_run_and_is_that_of_its_history(feed, told):
    feed.run_at(DAYS[0])
    hashes = [line["configuration"] for line in told() if "configuration" in line]
    assert hashes == [row["configuration_hash"] for row in feed.rows("select distinct configuration_hash from runs")]


def test_how_lines_are_written_makes_no_other_configuration(feed):
    feed.run_at(DAYS[0])
    quiet = SETTINGS.replace("attempts: 1", "attempts: 1, log: off")
    feed.config = written_config(feed.simulator, feed.config.folder, quiet)
    feed.run_at(DAYS[1])
    assert len(feed.rows("select distinct configuration_hash from runs")) == 1


def test_a_table_that_could_not_be_read_is_a_warning_with_its_reason_and_the_others_go_on(feed, told):
    feed.fail(Rule(resource="things", status=404, times=None))
    feed.run_at(DAYS[0])
    lines = told()
    line = steps(lines)["things", "ingest"]
    assert (line["level"], line["outcome"], line["message"]) == ("warning", "open", "full: page 1: status 404")
    assert ("things", "refine") not in steps(lines)
    assert steps(lines)["people", "snapshot"]["outcome"] == "done"
    assert (lines[-1]["level"], lines[-1]["troubled"]) == ("warning", ["things"])


def test_a_version_that_is_held_back_is_told_with_the_check_that_holds_it(feed, told):
    own = "checks: [{table: things, name: no Jane, rows: \"name like 'Jane%'\", holds: true}]\n"
    feed.config = written_config(feed.simulator, feed.config.folder, SETTINGS + own)
    feed.run_at(DAYS[0], "things")
    line = steps(told())["things", "snapshot"]
    assert (line["level"], line["outcome"]) == ("warning", "held")
    assert line["message"] == "1 rows where name like 'Jane%'"
    assert "rows" not in line


def test_a_run_that_ends_for_want_of_the_api_says_so_as_an_error(feed, told):
    feed.fail(Rule(times=None, reset=True))
    with pytest.raises(Exception, match="the API"):
        feed.run_at(DAYS[0])
    last = told()[-1]
    assert (last["event"], last["level"], last["outcome"]) == ("run ended", "error", "failed")
    assert "the API" in last["message"]


def test_what_a_library_says_of_a_personal_table_is_not_told(feed, told, monkeypatch):
    def broken(*_, **__):
        raise ValueError(f"cannot convert {JANE}")

    monkeypatch.setattr("planlake.runs.table_run.refine", broken)
    feed.run_at(DAYS[0])
    lines = told()
    found = steps(lines)
    assert found["people", "refine"]["message"] == "internal error: ValueError: no message"
    assert found["things", "refine"]["message"] == "internal error: ValueError: no message"  # nobody can take it back
    kept = feed.rows("select message from runs where resource = 'things'")
    assert JANE in kept[0]["message"]  # nobody said that its names are people's
    assert {found[table, "refine"]["level"] for table in ("people", "things")} == {"error"}
    assert JANE not in json.dumps([line for line in lines if line.get("table") != "things"])


def test_a_value_of_a_personal_column_that_does_not_cast_is_in_no_line(feed, told):
    retyped = SETTINGS.replace("name: text}, personal", "name: integer}, personal")
    feed.config = written_config(feed.simulator, feed.config.folder, retyped)
    for number in range(2, 40):
        feed.data.put("people", {"id": str(number), "last_updated": "2026-11-16 09:00:00", "name": JANE})
    feed.run_at(DAYS[0])
    lines = told()
    assert steps(lines)["people", "refine"]["outcome"] == "held"
    assert "do not cast" in steps(lines)["people", "refine"]["message"]
    assert JANE not in json.dumps(lines)


def test_what_else_changes_a_lake_is_told_at_its_end(feed, told):
    feed.run_at(DAYS[0], "things")
    feed.data.put("things", {"id": "1", "last_updated": "2026-11-17 09:00:00", "name": "later"})
    feed.run_at(DAYS[1], "things")
    told()
    rollback(feed.config, ["things"], 1, confirm=lambda _: True)
    undo(feed.config, confirm=lambda _: True)
    rebuild(feed.config, ["things"])
    maintain(feed.config)
    recover(feed.config)
    lines = told()
    ended = [line for line in lines if line["event"] != "step ended"]
    assert [line["event"] for line in ended] == ["rolled back", "undone", "rebuilt", "maintained", "recovered"]
    assert [line.get("run") for line in ended] == [3, 4, 5, 6, None]
    assert [line["tables"] for line in ended[:3]] == [["things"]] * 3
    assert len({line["configuration"] for line in ended[:3]}) == 1
    steps_ended = [(line["table"], line["step"]) for line in lines if line["event"] == "step ended"]
    assert steps_ended == [("things", step) for step in ("rollback", "undo", "refine", "snapshot")]


def test_a_rollback_that_is_not_confirmed_tells_nothing(feed, told):
    feed.run_at(DAYS[0], "things")
    told()
    rollback(feed.config, ["things"], 0, confirm=lambda _: False)
    assert told() == []


def test_on_a_terminal_only_what_needs_a_look_is_written_as_text(feed, capfd, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    feed.fail(Rule(resource="things", status=404, times=None))
    feed.run_at(DAYS[0])
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 2
    assert 'level=warning event="step ended" run=1 table=things step=ingest outcome=open' in lines[0]
    assert 'level=warning event="run ended" run=1' in lines[1]


@pytest.mark.parametrize(
    ("flag", "variable", "in_file", "start"),
    [
        pytest.param(None, None, None, '{"timestamp": ', id="default"),
        pytest.param(None, None, "off", "", id="file"),
        pytest.param(None, "text", "off", "timestamp=", id="variable"),
        pytest.param("json", "text", "off", '{"timestamp": ', id="flag"),
    ],
)
def test_a_flag_wins_over_a_variable_that_wins_over_the_file(
    tmp_path, monkeypatch, capfd, flag, variable, in_file, start
):
    file = tmp_path / "planlake.yaml"
    file.write_text(f"settings: {{log: {in_file}}}\n" if in_file else "{source: tascomi}\n")
    if variable:
        monkeypatch.setenv("PLANLAKE_LOG", variable)
    left = typed_in_process(monkeypatch, capfd, (*(["--log", flag] if flag else []), "maintain", "--config", file))
    assert left.status == 0
    shown = (left.log + left.err).replace("0 tables maintained, 0.0 MB freed; every row is still there\n", "")
    assert shown.startswith(start)
    assert bool(shown) == bool(start)


def test_a_form_that_there_is_not_is_refused(tmp_path, monkeypatch, capfd):
    file = tmp_path / "planlake.yaml"
    file.write_text("{source: tascomi}\n")
    left = typed_in_process(monkeypatch, capfd, ("--log", "xml", "maintain", "--config", file))
    assert left.status == 2
    assert "settings.log" in left.errors[0]


def test_standard_error_that_nobody_reads_any_more_stops_no_run(feed, monkeypatch):
    class Gone:
        def isatty(self):
            return False

        def write(self, _):
            raise BrokenPipeError

        flush = write

    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", Gone())
        assert feed.run_at(DAYS[0]).exit_code == 0


def test_log_off_in_yaml_is_a_word(tmp_path):
    file = tmp_path / "planlake.yaml"
    file.write_text("settings: {log: off}\n")
    assert load_config(file).settings.log == "off"
