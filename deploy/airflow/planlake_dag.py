"""Planlake in Airflow 3: a DAG for each cadence of planlake.yaml, a task for each table, and a sensor for "published".

Copy this file into the folder of DAGs, beside one that calls `planlake_dags`. docs/deploy/airflow.md shows it and
says why it is made so. Planlake is not imported: it lies in an environment of its own and is called as a command.
"""

import json
import os
import signal
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any
from zoneinfo import ZoneInfo

import yaml
from airflow.sdk import DAG, Asset, BaseOperator, BaseSensorOperator, CronTriggerTimetable
from airflow.sdk.exceptions import AirflowException, AirflowFailException

LONDON = "Europe/London"
WEEKDAYS = {"daily": "*", "weekly": "sun"}  # weekly tables are due when they were not read since the last Sunday
OF_PYTHON = ("PYTHONPATH", "PYTHONHOME")  # Airflow's own, which another environment must not see
FOR_GOOD = (2, 4)  # the configuration, a defect: another try ends the same
NOT_WELL = ("held", "failed", "left alone")  # what a model may be
START = datetime(2026, 1, 1, tzinfo=UTC)


def planlake_dags(file: str | Path, *, name: str = "planlake", at: str = "03:00", **of_tasks: Any) -> dict[str, DAG]:  # noqa: ANN401
    """The DAGs of a planlake.yaml by their ids: `planlake_daily` and `planlake_weekly`, where it has such tables.

    `at` is an hour of London's. `of_tasks` are arguments of each task: `program`, `environment` and `variables` of
    `PlanlakeRun`, and any of Airflow's own, such as `retries` or `on_failure_callback`.
    """
    hour = datetime.strptime(at, "%H:%M").time()  # noqa: DTZ007 - an hour of any day
    if hour.hour == 1:
        raise ValueError(f"{at} comes twice on one night of October and not at all on one of March")
    arguments = {"pool": "planlake", "retries": 3, "retry_delay": timedelta(minutes=10), **of_tasks}
    dags = {}
    for cadence, tables in tables_of(file).items():
        when = CronTriggerTimetable(f"{hour.minute} {hour.hour} * * {WEEKDAYS[cadence]}", timezone=LONDON)
        dag = DAG(f"{name}_{cadence}", schedule=when, start_date=START, catchup=False, max_active_runs=1)
        for table in tables:
            followed = [Asset(f"planlake://{name}/{table}")]
            PlanlakeRun(task_id=table, dag=dag, table=table, file=str(file), outlets=followed, **arguments)
        dags[dag.dag_id] = dag
    return dags


def tables_of(file: str | Path) -> dict[str, list[str]]:
    """The tables of a planlake.yaml, by cadence."""
    lists = _configuration(file).get("tables") or {}
    found = {cadence: list(lists.get(cadence) or ()) for cadence in WEEKDAYS}
    if not any(found.values()):
        raise ValueError(f"{file} names no table; planlake add TABLE puts one into it")
    return {cadence: tables for cadence, tables in found.items() if tables}


def page_of(file: str | Path, table: str) -> str:
    """The address of a table's own page; empty where `notify: pages:` of a planlake.yaml does not say it."""
    pages = str((_configuration(file).get("notify") or {}).get("pages") or "")
    return f"{pages.rstrip('/')}/tables/{table}.html" if pages.startswith("http") else ""


def _configuration(file: str | Path) -> dict[str, Any]:
    return yaml.safe_load(Path(file).read_text(encoding="utf-8")) or {}


class _OnLake:
    """What tasks of a lake have in common: the table, planlake.yaml, the program, its environment and variables."""

    template_fields = ("variables",)

    def __init__(
        self,
        *,
        table: str,
        file: str,
        program: str = "planlake",
        environment: str | None = None,
        variables: Mapping[str, str] | None = None,
        **of_airflow: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(**of_airflow)
        self.table, self.file, self.program, self.environment = table, file, program, environment
        self.variables = dict(variables or {})

    def start(self, *words: str, **streams: Any) -> subprocess.Popen[str]:  # noqa: ANN401
        """Start a command of Planlake's, as the leader of a group that can be ended as one."""
        options = ("--env", self.environment) if self.environment else ()
        kept = {name: value for name, value in os.environ.items() if name not in OF_PYTHON}
        command = [self.program, *words, "--config", self.file, *options]
        try:
            return subprocess.Popen(  # noqa: S603
                command, env=kept | self.variables, text=True, errors="replace", start_new_session=True, **streams
            )
        except OSError as error:
            raise AirflowFailException(f"{self.program} cannot be started: {error.strerror}") from None


class PlanlakeRun(_OnLake, BaseOperator):
    """`planlake run TABLE`: its log becomes the task's, what became of the table the task's output.

    A run that could not begin, because the API or the lake is out of reach or another run has it, is tried again. One
    that did begin has settled what it could, and the next one asks again; its task fails at once.
    """

    def __init__(self, **more: Any) -> None:  # noqa: ANN401 - Airflow asks each of its operators to have one
        super().__init__(**more)
        self._process: subprocess.Popen[str] | None = None

    def execute(self, context: Mapping[str, Any]) -> dict[str, Any]:
        """Run the table; the output is there where it failed, too."""
        with TemporaryFile("w+", encoding="utf-8") as answer:
            status, said = self._run(answer)
            answer.seek(0)
            text = answer.read()
        if not text:
            sentence = " ".join(said) or f"planlake ended with {status} and said nothing"
            raise (AirflowFailException if status in FOR_GOOD else AirflowException)(sentence)
        done = summary_of(text, page_of(self.file, self.table))
        if status:
            context["ti"].xcom_push("return_value", done)
            raise AirflowFailException(trouble_of(done))
        return done

    def _run(self, answer: Any) -> tuple[int, list[str]]:  # noqa: ANN401
        """The exit status, and the lines in which the command said what is wrong."""
        process = self._process = self.start("run", self.table, "--json", stdout=answer, stderr=subprocess.PIPE)
        said: list[str] = []
        try:
            for line in process.stderr or ():
                self.log.info("%s", line.rstrip())
                if said or line.startswith("Error: "):
                    said.append(line.strip())
            return process.wait(), said
        finally:
            self.on_kill()  # a task that took too long ends here, too

    def on_kill(self) -> None:
        """End the run with its task: what it committed is kept, and the lake is free for the next."""
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)


def summary_of(answer: str, page: str) -> dict[str, Any]:
    """What `planlake run TABLE --json` says of its table, without any value of a record: Airflow keeps and shows it."""
    run = json.loads(answer)
    (table,) = run["tables"]
    read, refined, taken = (table[step] or {} for step in ("ingest", "refine", "snapshot"))
    return {
        "run": run["run"],
        "day": run["run_date"],
        "table": table["table"],
        "outcome": table["outcome"],
        "requests": read.get("requests"),
        "received": read.get("records"),
        "new": read.get("stored"),
        "uncastable": refined.get("uncastable"),
        "rejected": refined.get("rejected"),
        "rows": taken.get("rows"),
        "models": {model["model"]: model["outcome"] for model in run["models"]},
        "seconds": round(run["seconds"], 1),
        "page": page,
    }


def trouble_of(done: Mapping[str, Any]) -> str:
    """What is not well, in a sentence that quotes nothing; the log of the task says more."""
    models = [f"{model} is {outcome}" for model, outcome in done["models"].items() if outcome in NOT_WELL]
    told = "; ".join([f"{done['table']} is {done['outcome']}", *models])
    return f"run {done['run']} of {done['day']} needs a look: {told}; planlake status says why and what to do"


class PlanlakePublished(_OnLake, BaseSensorOperator):
    """Waits until a table shows the version of the DAG run's day in London, or of one of the `within_days` before it.

    It asks the lake, so it does not matter what runs Planlake. Between two looks it takes no worker's place.
    """

    def __init__(self, *, within_days: int = 0, **more: Any) -> None:  # noqa: ANN401
        super().__init__(**{"mode": "reschedule", "poke_interval": 300, "timeout": 12 * 3600, **more})
        self.within_days = within_days

    def poke(self, context: Mapping[str, Any]) -> bool:
        """Whether the table is published, as its `snapshot_date` says."""
        day = context["dag_run"].run_after.astimezone(ZoneInfo(LONDON)).date() - timedelta(days=self.within_days)
        query = "select resource, snapshot_date from snapshot_dates"
        asked = self.start("sql", query, "--format", "json", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        answer, said = asked.communicate()
        if asked.returncode:
            raise (AirflowFailException if asked.returncode in FOR_GOOD else AirflowException)(said.strip())
        shown = {row["resource"]: row["snapshot_date"] for row in json.loads(answer)}.get(self.table)
        self.log.info("%s shows %s, waited for is %s", self.table, shown or "nothing yet", f"{day:%Y%m%d}")
        return shown is not None and shown >= f"{day:%Y%m%d}"
