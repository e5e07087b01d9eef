"""A second source by configuration alone: real records over two days, compared with a reading of the files."""

import csv
import gzip
import json
import os
from datetime import datetime
from pathlib import Path

import pytest

from cli.test_secrets import searched
from commands import planlake, typed_in_process
from conftest import feeding
from oracle import BAD, cast, real_records
from planlake.simulator.choose import speech
from planlake.simulator.open_data import open_data
from planlake.sources.catalogue import load_catalogue

DATA = Path(os.environ.get("PLANLAKE_TEST_DATA", "../shared/data")) / "planning-open-data"
FIRST, SECOND, LATER = "2021-04-20T03:00:00", "2021-07-17T03:00:00", "2021-07-17T05:00:00"
TABLES = ("repd", "iom_decisions", "iom_addresses")
SETTINGS = """\
source: public_register
tables: {daily: [repd, iom_decisions], weekly: [iom_addresses]}
settings: {look_back_days: 120, audit_days: 0}
"""
SOME = {  # of each file so many rows that a test is quick
    "repd": lambda row: int(row["Ref ID"]) % 4 == 0,
    "iom_addresses": lambda row: int(row["address_id"]) % 50 == 0,
    "iom_": lambda row: row["source_year"] == "2021",
}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder of the published files, each with some of its rows."""
    if not DATA.is_dir():
        pytest.skip(f"NO REAL DATA at {DATA.resolve()}: set PLANLAKE_TEST_DATA to the folder of planning-open-data")
    folder = tmp_path_factory.mktemp("some") / "planning-open-data"
    folder.mkdir()
    for file in DATA.glob("*.csv.gz"):
        wanted = next(choose for name, choose in SOME.items() if file.name.startswith(name))
        with gzip.open(file, "rt", encoding="utf-8", newline="") as source:
            reader = csv.DictReader(source)
            if "weekly" in file.name:
                continue
            rows = [row for row in reader if wanted(row)]
        with gzip.open(folder / file.name, "wt", encoding="utf-8", newline="") as target:
            writer = csv.DictWriter(target, reader.fieldnames)
            writer.writeheader()
            writer.writerows(rows)
    return folder


@pytest.fixture(scope="module")
def two_days(files, tmp_path_factory):
    """A lake after two days, and the snapshots of its tables before a third run on the second day."""
    data = open_data(datetime.fromisoformat(FIRST), files.parent)
    folder = tmp_path_factory.mktemp("register")
    with feeding(data, folder, SETTINGS, speech("public_register")) as feed:
        feed.monkeypatch.delenv("TASCOMI_PUBLIC_KEY")
        feed.first, feed.second = feed.run_at(FIRST), feed.run_at(SECOND)
        feed.before = feed.snapshots()
        feed.third = feed.run_at(LATER)
        yield feed


def expected(files, name):
    """What is held after both days by the files: all of the first, and of the second what changed since."""
    first, second = (real_records(files, name, datetime.fromisoformat(moment)) for moment in (FIRST, SECOND))
    is_whole = name == "iom_addresses"
    newer = [one for one in second if is_whole or (one["last_updated"] or "") >= FIRST[:10]]
    held = {int(one["id"]): one for one in (*first, *newer)}
    types = load_catalogue("public_register").resource(name).columns
    names = {"id": "reference", "last_updated": "modified"}
    return {
        identity: {names.get(column, column): value for column, value in typed(record, types, names).items()}
        for identity, record in held.items()
    }


def typed(record, types, names):
    cells = {column: cast(value, types.get(names.get(column, column), "text")) for column, value in record.items()}
    return {column: None if value is BAD else value for column, value in cells.items()}


@pytest.mark.parametrize("name", TABLES)
def test_every_cell_is_what_the_published_files_say(two_days, files, name):
    wanted = expected(files, name)
    held = {row["reference"]: row for row in two_days.rows(f"select * from {name}")}
    assert len(held) > 200
    assert held.keys() == wanted.keys()
    columns = wanted[next(iter(wanted))].keys()
    assert {identity: {name: row[name] for name in columns} for identity, row in held.items()} == wanted


def test_all_is_well_and_the_second_day_took_one_reading_of_each_table(two_days):
    assert [result.exit_code for result in (two_days.first, two_days.second, two_days.third)] == [0, 0, 0]
    asked = """select distinct resource, "window", regexp_extract(url, 'modified_since=([^&]*)', 1) as since
               from api_requests where run = 2 and event = 'page' and resource <> 'iom_addresses' order by 1"""
    assert [tuple(row.values()) for row in two_days.rows(asked)] == [
        ("iom_decisions", "2021-04-20", "2021-04-20T00%3A00%3A00"),
        ("repd", "2021-04-20", "2021-04-20T00%3A00%3A00"),
    ]


def test_every_day_is_closed_and_every_reading_equals_the_total_it_was_told(two_days):
    query = """select count(distinct "window") filter (where "window" <> 'full') as days,
                   count(*) filter (where records <> total_results) as unequal
               from api_requests where event = 'closed' and resource = 'repd'"""
    assert two_days.rows(query) == [{"days": 88, "unequal": 0}]


def test_another_run_on_the_same_day_changes_nothing(two_days):
    changed = {name for name, snapshot in two_days.snapshots().items() if two_days.before.get(name) != snapshot}
    assert {name for name in changed if name.startswith("refined.") or name == "raw.api_responses"} == set()


def test_from_the_command_line_it_takes_a_name_an_address_and_a_token(two_days, tmp_path):
    file = tmp_path / "planlake.yaml"
    file.write_text(f'api: {{base_url: "{two_days.simulator.url}", token: "${{REGISTER_TOKEN}}"}}\n{SETTINGS}')
    wrong = "a-token-of-somebody-else"
    said = planlake("run", "iom_decisions", "--config", file, REGISTER_TOKEN=wrong, PLANLAKE_NOW=SECOND)
    assert (said.status, said.errors) == (
        3,
        ["Error: the API refuses our token: it is wrong or has expired (status=401)"],
    )
    right = speech("public_register").token
    done = planlake("run", "iom_decisions", "--config", file, REGISTER_TOKEN=right, PLANLAKE_NOW=SECOND)
    assert done.status == 0, done.err
    doctor = planlake("doctor", "--config", file, REGISTER_TOKEN=right, PLANLAKE_NOW=SECOND)
    assert (doctor.status, "the token was found" in doctor.out) == (0, True)
    words = "".join(each.out + each.err for each in (said, done, doctor))
    assert [secret for secret in (wrong, right) if secret in words] == []
    found, looked = searched(tmp_path, {wrong.encode(), right.encode()})
    assert (found, looked > 10) == ([], True)


# ---------------------------------------------------------------- tried out first


@pytest.fixture
def register(files, tmp_path, monkeypatch, capfd):
    """A lake without tables beside the API on the first day, and what types a command and wants it to end well."""
    data = open_data(datetime.fromisoformat(FIRST), files.parent)
    with feeding(data, tmp_path, SETTINGS, speech("public_register")) as feed:
        feed.monkeypatch.delenv("TASCOMI_PUBLIC_KEY")
        feed.monkeypatch.setenv("PLANLAKE_NOW", FIRST)

        def typed(*arguments, status=0):
            said = typed_in_process(monkeypatch, capfd, (*arguments, "--config", tmp_path / "planlake.yaml"))
            assert said.status == status, said.err
            return said

        feed.typed = typed
        yield feed


def test_a_table_is_tried_run_in_the_preview_and_promoted_and_so_are_the_days_after_it(register, files):
    found = json.loads(register.typed("try", "repd", "--env", "R1", "--json").out)
    total = len(register.data.ids("repd"))
    assert (found["pages"], found["total"], found["problems"]) == ([1, 2, 4, 6, 8], total, [])
    assert found["records"] == found["new"] == 4 * 200 + total % 200
    register.typed("run", "--env", "R1", "repd")
    register.typed("env", "promote", "R1", "--yes")
    assert register.rows("select count(*) as n from repd") == [{"n": total}]
    register.data.move_to(datetime.fromisoformat(SECOND))
    register.monkeypatch.setenv("PLANLAKE_NOW", SECOND)
    again = json.loads(register.typed("try", "repd", "--env", "R2", "--json").out)
    assert (again["held_before"], again["new"] > 0, again["problems"]) == (total, True, [])
    register.typed("run", "--env", "R2", "repd")
    register.typed("env", "promote", "R2", "--yes")
    wanted = expected(files, "repd")
    held = {row["reference"]: row for row in register.rows("select * from repd")}
    columns = wanted[next(iter(wanted))].keys()
    assert {identity: {name: row[name] for name in columns} for identity, row in held.items()} == wanted
    asked = """select distinct "window" from api_requests where event = 'page' and "window" <> 'full'"""
    assert register.rows(asked) == [{"window": "2021-04-20"}]


def test_a_try_that_the_api_refuses_leaves_no_preview_behind(register):
    register.monkeypatch.setenv("PLANLAKE_API_TOKEN", "a-token-of-somebody-else")
    said = register.typed("try", "repd", "--env", "R1", status=3)
    assert said.errors == ["Error: the API refuses our token: it is wrong or has expired (status=401)"]
    register.monkeypatch.delenv("PLANLAKE_API_TOKEN")
    assert "api.token is missing" in register.typed("try", "repd", "--env", "R1", status=2).err
    assert "R1" not in register.typed("env", "list").out
    register.monkeypatch.setenv("PLANLAKE_API_TOKEN", speech("public_register").token)
    register.typed("env", "create", "R1")
    register.monkeypatch.setenv("PLANLAKE_API_TOKEN", "a-token-of-somebody-else")
    register.typed("try", "repd", "--env", "R1", status=3)
    assert "R1" in register.typed("env", "list").out  # it was there before


def test_the_simulators_page_documents_the_columns_that_its_api_sends(register):
    said = register.typed("drift", "--docs", f"{register.simulator.url}/documentation.html", "--json")
    assert json.loads(said.out) == []
