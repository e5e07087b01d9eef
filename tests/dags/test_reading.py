"""The DAG file without Airflow: what it reads, what it makes of a command's ending, and that a run ends with its task.

Names of Airflow are stand-ins that keep what they are given; `test_in_airflow.py` has the real ones.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from cli.conftest import FEW_TABLES, FIRST, small_council
from commands import typed_in_process
from conftest import feeding

FILE = Path(__file__).parents[2] / "deploy/airflow/planlake_dag.py"


class Kept:
    """Keeps what it is given."""

    log = logging.getLogger("task")

    def __init__(self, *given, **named):
        self.given = given
        self.dag_id = given[0] if given else ""
        vars(self).update(named)


class FailureError(Exception):
    """A failure that is tried again."""


class FinalError(Exception):
    """A failure that is not."""


@pytest.fixture(scope="module")
def dags():
    """The module of the file."""
    airflow, sdk, errors = (ModuleType(name) for name in ("airflow", "airflow.sdk", "airflow.sdk.exceptions"))
    vars(errors).update(AirflowException=FailureError, AirflowFailException=FinalError)
    kinds = ("DAG", "Asset", "BaseOperator", "BaseSensorOperator", "CronTriggerTimetable")
    vars(sdk).update({name: type(name, (Kept,), {}) for name in kinds})
    with pytest.MonkeyPatch.context() as monkeypatch:
        for one in (airflow, sdk, errors):
            monkeypatch.setitem(sys.modules, one.__name__, one)
        spec = spec_from_file_location("planlake_dag", FILE)
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
    return module


@pytest.fixture
def configured(tmp_path):
    def write(text):
        file = tmp_path / "planlake.yaml"
        file.write_text(text, encoding="utf-8")
        return file

    return write


@pytest.fixture
def program(tmp_path):
    """A program that ends as it is told, whatever it is asked."""

    def write(lines):
        file = tmp_path / "planlake"
        file.write_text(f"#!/bin/sh\n{lines}\n")
        file.chmod(0o755)
        return str(file)

    return write


def test_the_lists_of_a_configuration_are_read_by_cadence(dags, configured):
    both = configured("tables:\n  daily: [fees, appeals]  # a remark\n  weekly:\n    - wards\n")
    assert dags.tables_of(both) == {"daily": ["fees", "appeals"], "weekly": ["wards"]}
    assert dags.tables_of(configured("tables: {daily: , weekly: [wards]}")) == {"weekly": ["wards"]}
    for nothing in ("", "source: tascomi", "tables:", "tables: {daily: []}"):
        with pytest.raises(ValueError, match="names no table; planlake add TABLE puts one into it"):
            dags.tables_of(configured(nothing))


def test_an_hour_that_not_every_night_has_is_refused(dags, configured):
    with pytest.raises(ValueError, match="comes twice on one night of October"):
        dags.planlake_dags(configured(FEW_TABLES), at="01:30")


def test_a_cadence_is_a_dag_and_a_table_its_task(dags, configured, monkeypatch):
    made = []
    monkeypatch.setattr(dags, "PlanlakeRun", lambda **named: made.append(named))
    found = dags.planlake_dags(configured(FEW_TABLES), at="04:05", retries=1, program="/opt/bin/planlake")
    assert list(found) == ["planlake_daily", "planlake_weekly"]
    assert [dag.schedule.given for dag in found.values()] == [("5 4 * * *",), ("5 4 * * sun",)]
    assert {dag.schedule.timezone for dag in found.values()} == {"Europe/London"}
    assert [(one["dag"].dag_id, one["task_id"]) for one in made] == [
        ("planlake_daily", "fees"),
        ("planlake_weekly", "wards"),
    ]
    assert {(one["pool"], one["retries"], one["program"]) for one in made} == {("planlake", 1, "/opt/bin/planlake")}


def test_a_page_is_linked_where_the_configuration_says_where_pages_are(dags, configured):
    where = "notify: {slack: '${S}', pages: 'https://intranet.example/planlake/'}"
    assert dags.page_of(configured(where), "fees") == "https://intranet.example/planlake/tables/fees.html"
    assert dags.page_of(configured("notify: {pages: '${PAGES}'}"), "fees") == ""
    assert dags.page_of(configured(""), "fees") == ""


def test_the_output_says_what_a_run_did_to_the_table(dags, tmp_path, monkeypatch, capfd):
    with feeding(small_council(), tmp_path, FEW_TABLES):
        monkeypatch.setenv("PLANLAKE_NOW", FIRST)
        said = typed_in_process(monkeypatch, capfd, ["run", "fees", "--json", "--config", tmp_path / "planlake.yaml"])
    done = dags.summary_of(said.out, "")
    seconds = done.pop("seconds")
    assert (done.pop("requests") > 0, seconds > 0) == (True, True)
    told = {"run": 1, "day": "2026-11-20", "table": "fees", "outcome": "loaded", "models": {}, "page": ""}
    assert done == told | {"received": 70, "new": 70, "uncastable": 0, "rejected": 0, "rows": 70}


RAN = {
    "run": 3,
    "run_date": "2026-11-20",
    "seconds": 1.0,
    "models": [{"model": "report_fees", "outcome": "held"}],
    "tables": [{"table": "fees", "outcome": "open", "ingest": None, "refine": None, "snapshot": None}],
}
OUTPUT = f"echo '{json.dumps(RAN)}'"
ENDINGS = {
    "unreachable": (
        "echo Error: no answer >&2; echo hint: planlake doctor >&2; exit 3",
        FailureError,
        "planlake doctor$",
    ),
    "another run": ("echo Error: run 2 has it >&2; exit 1", FailureError, "^Error: run 2 has it$"),
    "killed": ("kill -9 $$", FailureError, "^planlake ended with -9 and said nothing$"),
    "configuration": ("echo Error: no table >&2; exit 2", FinalError, "no table"),
    "defect": ("echo Error: a defect >&2; exit 4", FinalError, "a defect"),
    "open": (f"{OUTPUT}; exit 1", FinalError, "fees is open; report_fees is held; planlake status says why"),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_never_began_is_tried_again_and_what_began_is_not(dags, program, configured, ending):
    lines, kind, told = ENDINGS[ending]
    pushed = {}
    task = dags.PlanlakeRun(table="fees", file=str(configured(FEW_TABLES)), program=program(lines))
    with pytest.raises(kind, match=told):
        task.execute({"ti": SimpleNamespace(xcom_push=pushed.__setitem__)})
    assert [one["outcome"] for one in pushed.values()] == (["open"] if ending == "open" else [])


def test_a_program_that_there_is_not_is_said(dags, configured):
    task = dags.PlanlakeRun(table="fees", file=str(configured(FEW_TABLES)), program="/nowhere/planlake")
    with pytest.raises(FinalError, match=r"^/nowhere/planlake cannot be started: No such file or directory$"):
        task.execute({})


def test_a_run_ends_with_its_task(dags, program, configured, monkeypatch):
    task = dags.PlanlakeRun(table="fees", file=str(configured("")), program=program("echo begun >&2; sleep 600"))
    monkeypatch.setattr(task, "log", SimpleNamespace(info=lambda *_: task.on_kill()), raising=False)
    with pytest.raises(FailureError, match="ended with -15"):
        task.execute({})


def test_a_task_gives_its_variables_and_not_the_paths_of_airflow(dags, program, configured, monkeypatch, caplog):
    monkeypatch.setenv("PYTHONPATH", "/airflow")
    lines = f'echo "$KEY $PYTHONPATH." "$@" >&2; {OUTPUT}'
    given = {"program": program(lines), "environment": "stg", "variables": {"KEY": "of the task"}}
    task = dags.PlanlakeRun(table="fees", file=str(configured("")), **given)
    with caplog.at_level("INFO"):
        assert task.execute({})["outcome"] == "open"
    assert caplog.messages == [f"of the task . run fees --json --config {task.file} --env stg"]


def test_the_sensor_waits_for_the_day_in_london(dags, program, configured):
    shown = json.dumps([{"resource": "fees", "snapshot_date": "20260701"}])
    midnight = {"dag_run": SimpleNamespace(run_after=datetime(2026, 7, 1, 23, 30, tzinfo=UTC))}  # 2 July in London
    for table, days, is_there in (("fees", 0, False), ("fees", 1, True), ("wards", 9, False)):
        given = {"file": str(configured("")), "program": program(f"echo '{shown}'"), "within_days": days}
        assert dags.PlanlakePublished(table=table, **given).poke(midnight) is is_there
    for status, kind in ((2, FinalError), (3, FailureError)):
        asked = dags.PlanlakePublished(table="fees", file="", program=program(f"echo Error: no >&2; exit {status}"))
        with pytest.raises(kind, match=r"^Error: no$"):
            asked.poke(midnight)
