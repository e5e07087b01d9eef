"""The DAGs of docs/deploy/airflow.md in a real Airflow, which `make test-airflow` installs."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from cli.conftest import FIRST, small_council
from cli.test_blocks import blocks_of
from commands import PROGRAM, environment
from conftest import feeding
from planlake.simulator.app import PRIVATE_KEY, PUBLIC_KEY
from planlake.simulator.faults import Rule

ROOT = Path(__file__).parents[2]
AIRFLOW = os.environ.get("PLANLAKE_TEST_AIRFLOW")  # its Python
TABLES = """\
tables: {daily: [fees, users], weekly: [wards]}
settings: {attempts: 1}
notify: {webhook: "${HOOK}", pages: https://intranet.example/planlake/, on: [late]}
"""
OTHERS = """
from datetime import timedelta

for name, file in (("unreachable", "LAKE/unreachable.yaml"), ("misconfigured", "LAKE/misconfigured.yaml")):
    keys = {"TASCOMI_PUBLIC_KEY": "a", "TASCOMI_PRIVATE_KEY": "b"}
    own = {"program": "LAKE/planlake", "variables": keys, "retries": 1, "retry_delay": timedelta(0)}
    globals().update(planlake_dags(file, name=name, **own))
"""


@pytest.fixture(scope="module")
def airflow(tmp_path_factory):
    """What Airflow made of the page's two files, and of two lakes that cannot be run; and all that it wrote."""
    if AIRFLOW is None:
        pytest.skip("Airflow is not installed: make test-airflow installs it")
    lake, home, dags = (tmp_path_factory.mktemp(name) for name in ("lake", "home", "dags"))
    with feeding(small_council(), lake, TABLES) as feed:
        feed.fail(Rule(resource="users", status=503, times=None))
        write_program(lake)
        write_others(lake)
        shutil.copy(ROOT / "deploy/airflow/planlake_dag.py", dags)
        places = {"/srv/lake/planlake.yaml": lake / "planlake.yaml", "/opt/planlake/bin/planlake": lake / "planlake"}
        for number, block in enumerate(blocks_of("docs/deploy/airflow.md", "python")):
            text = re.sub("|".join(places), lambda found: str(places[found[0]]), block)
            more = OTHERS.replace("LAKE", str(lake)) if number == 0 else ""
            (dags / f"of_the_page_{number}.py").write_text(text + more)
        connection = json.dumps({"conn_type": "generic", "login": PUBLIC_KEY, "password": PRIVATE_KEY})
        of_airflow = {"AIRFLOW_HOME": home, "AIRFLOW__CORE__DAGS_FOLDER": dags, "AIRFLOW_CONN_TASCOMI": connection}
        of_airflow["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
        said = lake / "said.txt"
        with said.open("w") as stream:
            told = subprocess.run(
                [AIRFLOW, ROOT / "tests/dags/in_airflow.py", dags, lake / "result.json"],
                env=environment(PLANLAKE_NOW=FIRST, PYTHONPATH="", HOOK="https://hook.example/", **of_airflow),
                stdout=stream, stderr=subprocess.STDOUT, timeout=300, check=False,
            )  # fmt: skip
        assert told.returncode == 0, said.read_text()
    written = "".join(one.read_text(errors="replace") for one in home.rglob("*") if one.is_file())
    return json.loads((lake / "result.json").read_text()) | {"said": said.read_text(), "written": written}


def write_program(folder):
    """The program of this checkout, for whom no variable of Python's is set."""
    file = folder / "planlake"
    file.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}/src" exec {PROGRAM} "$@"\n')
    file.chmod(0o755)


def write_others(folder):
    lists = "tables: {daily: [fees]}\n"
    nobody = 'api: {base_url: "http://127.0.0.1:1/rest/v1"}\n'
    (folder / "unreachable.yaml").write_text(f"{nobody}{lists}settings: {{attempts: 1}}\n")
    (folder / "misconfigured.yaml").write_text(f"{nobody}{lists}settings: {{atempts: 1}}\n")


def test_airflow_reads_the_files_and_each_table_is_a_task(airflow):
    ours = {name: list(dag["tasks"]) for name, dag in airflow["dags"].items() if name.startswith("planlake_")}
    assert ours == {"planlake_daily": ["fees", "users"], "planlake_weekly": ["wards"]}
    assert airflow["dags"]["planlake_daily"] == {
        "tasks": {
            table: {
                "kind": "PlanlakeRun",
                "pool": "planlake",
                "outlets": [f"planlake://planlake/{table}"],
                "retries": 3,
            }
            for table in ("fees", "users")
        },
        "catchup": False,
        "max_active_runs": 1,
    }


def test_a_table_is_run_to_its_end_and_its_output_says_what_became_of_it(airflow):
    fees = airflow["tried"]["planlake_daily"]["fees"]
    assert (fees["state"], fees["try"]) == ("success", 1)
    given = {name: fees["given"][name] for name in ("day", "table", "outcome", "received", "rows", "page")}
    page = "https://intranet.example/planlake/tables/fees.html"
    assert given == {
        "day": "2026-11-20", "table": "fees", "outcome": "loaded", "received": 70, "rows": 70, "page": page,
    }  # fmt: skip
    assert airflow["tried"]["planlake_weekly"]["wards"]["given"]["outcome"] == "loaded"
    assert '"run ended"' in airflow["said"].replace('\\"', '"')


def test_a_run_that_left_a_table_open_fails_its_task_at_once_and_no_other(airflow):
    users = airflow["tried"]["planlake_daily"]["users"]
    assert (users["state"], users["try"], users["given"]["outcome"]) == ("failed", 1, "open")
    assert "users is open; planlake status says why and what to do" in airflow["said"]


def test_what_never_began_is_tried_again_and_a_wrong_configuration_is_not(airflow):
    unreachable, wrong = (airflow["tried"][f"{name}_daily"]["fees"] for name in ("unreachable", "misconfigured"))
    assert (unreachable["state"], unreachable["try"], unreachable["given"]) == ("failed", 2, None)
    assert (wrong["state"], wrong["try"], wrong["given"]) == ("failed", 1, None)
    assert "the API cannot be reached" in airflow["said"]
    assert "atempts" in airflow["said"]


def test_the_sensor_finds_what_was_published_and_others_follow(airflow):
    assert {name: one["state"] for name, one in airflow["tried"]["report_at_five"].items()} == {
        **dict.fromkeys(("fees", "wards", "send_report"), "success")
    }
    assert airflow["tried"]["report_after_fees"]["send_report"]["state"] == "success"


def test_the_asset_of_a_table_is_updated_where_its_task_succeeds(airflow):
    assert airflow["updated"] == ["planlake://planlake/fees", "planlake://planlake/wards"]


def test_the_private_key_is_in_no_log_and_not_in_the_database(airflow):
    assert PRIVATE_KEY not in airflow["said"] + airflow["written"]
    assert re.search(r"TASCOMI_PRIVATE_KEY\W+?\*\*\*", airflow["written"])  # the place where it would be
