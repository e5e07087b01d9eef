"""`planlake advise`: which tables would better be read daily or weekly, from what the lake holds."""

import json
from datetime import date, datetime, timedelta

import pytest

from conftest import feeding
from planlake.simulator.dataset import Dataset

MONDAYS = [date(2026, 11, 2) + timedelta(days=7 * week) for week in range(3)]
COLUMNS = "{id: integer, last_updated: timestamp, name: text}"
DAILY, WEEKLY = ("busy", "still", "seldom", "dateless"), ("large", "lookup", "moving", "young")
DECLARED = "".join(f"  {name}: {{columns: {COLUMNS}}}\n" for name in (*DAILY, *WEEKLY) if name != "dateless")
SETTINGS = f"""
resources:
{DECLARED}
  dateless: {{columns: {{id: integer, name: text}}, changed: ""}}
tables: {{daily: [{", ".join(DAILY)}], weekly: [{", ".join(WEEKLY)}]}}
"""


def put(data, table, identity, day, name="a"):
    changed = {} if table == "dateless" else {"last_updated": f"{day} 10:00:00"}
    data.put(table, {"id": str(identity), **changed, "name": name})


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """The configuration file of a lake that was read on three Mondays."""
    fields = {name: {"id": "integer", "last_updated": "timestamp", "name": "text"} for name in (*DAILY, *WEEKLY)}
    fields["dateless"] = {"id": "integer", "name": "text"}
    data = Dataset(fields, now=datetime.fromisoformat("2026-11-02T03:00:00"))
    for table in (*DAILY, *WEEKLY):
        for number in range(1_160 if table == "large" else 10):
            put(data, table, number, "2020-01-01")
    folder = tmp_path_factory.mktemp("advised")
    with feeding(data, folder, SETTINGS) as feed:
        for monday in MONDAYS:
            for day in (monday - timedelta(days=number) for number in range(7, 0, -1)):
                if monday > MONDAYS[0]:
                    put(data, "moving", day.weekday(), day, str(day))
                    for number in range(60 if day.weekday() == 2 else 1):
                        put(data, "busy", 100 * day.weekday() + number, day, str(day))
            if monday == MONDAYS[1]:
                put(data, "seldom", 1, monday - timedelta(days=2), "b")
                put(data, "dateless", 1, None, "b")
            tables = [one for one in (*DAILY, *WEEKLY) if one != "young" or monday >= MONDAYS[1]]
            assert feed.run_at(f"{monday}T03:00:00", *tables).exit_code == 0
    return folder / "planlake.yaml"


@pytest.fixture
def advised(typed, file, monkeypatch):
    """The advice of each table the day after the last run, or on another."""

    def found(*arguments, now="2026-11-17T04:00:00"):
        monkeypatch.setenv("PLANLAKE_NOW", now)
        said = typed("advise", *arguments, "--json", "--config", file)
        assert said.status == 0, said.err
        return {one["table"]: one for one in json.loads(said.out)}

    return found


def test_a_daily_table_that_hardly_changes_is_proposed_for_weekly(advised):
    found = advised()
    assert {name: found[name]["proposal"] for name in DAILY} == {
        "busy": None,
        "still": "weekly",
        "seldom": "weekly",
        "dateless": "weekly",
    }
    assert (found["still"]["days"], found["still"]["changed_days"]) == (14, 0)
    assert (found["seldom"]["changed_days"], found["dateless"]["changed_days"]) == (1, 1)
    assert (found["busy"]["changed_days"], found["busy"]["changes"]) > (11, 20)
    assert found["still"]["other_calls"] == 1
    assert (found["dateless"]["calls"], found["dateless"]["other_calls"], found["dateless"]["saved"]) == (7, 1, 6)


def test_calls_of_a_daily_table_are_those_the_ledger_holds(advised, typed, file):
    query = """select count(*) as calls from api_requests where resource = 'still' and "window" <> 'full'
               and event in ('page', 'recount', 'provisional') and "window" between '2026-10-20' and '2026-11-16'"""
    calls = json.loads(typed("sql", query, "--format", "json", "--config", file).out)[0]["calls"]
    one = advised("still")["still"]
    assert calls >= 14
    assert one["calls"] == pytest.approx(7 * calls / 14)
    assert one["saved"] == pytest.approx(one["calls"] - 1)


def test_a_weekly_table_of_many_pages_is_proposed_for_daily_and_so_is_one_that_changes_all_the_time(advised):
    found = advised()
    assert {name: found[name]["proposal"] for name in WEEKLY} == {
        "large": "daily",
        "lookup": None,
        "moving": "daily",
        "young": None,
    }
    assert (found["large"]["calls"], found["large"]["other_calls"], found["large"]["saved"]) == (24, 21, 3)
    assert (found["moving"]["calls"], found["moving"]["saved"]) == (1, -20)


def test_without_enough_days_nothing_is_proposed_and_that_is_said(advised, typed, file):
    found = advised()
    assert found["young"]["days"] == 7
    assert found["young"]["why"] == "7 days are known, 14 are needed"
    later = advised(now="2026-12-10T03:00:00")  # of a lake that was left alone, few days of the period are known
    assert {one["proposal"] for one in later.values()} == {None}
    said = typed("advise", "young", "--config", file)
    assert "? 4 days are known, 14 are needed" in " ".join(said.out.split())
    assert "hint" not in said.err


def test_shares_of_records_by_age_are_shown(advised):
    assert advised("busy")["busy"]["recent"]["30"] == 0.88
    assert advised("moving")["moving"]["recent"] == {"7": 0.6, "30": 0.7, "365": 0.7}
    assert advised("dateless")["dateless"]["recent"] == {}


def test_the_proposal_is_printed_with_what_it_saves(typed, file, monkeypatch):
    monkeypatch.setenv("PLANLAKE_NOW", "2026-11-17T04:00:00")
    said = typed("advise", "large", "moving", "--config", file)
    assert said.status == 0
    assert "> daily: whole it takes 24 calls" in " ".join(said.out.split())
    assert "move large from weekly to daily in the configuration: it saves 3 calls a week" in said.err
    assert "move moving from weekly to daily in the configuration: it costs 20 more calls a week" in said.err


def test_before_the_first_run_no_day_is_known(typed, tmp_path):
    typed("init", "--config", tmp_path / "planlake.yaml")
    said = typed("advise", "--config", tmp_path / "planlake.yaml", "--json")
    assert said.status == 0
    assert {(one["days"], one["proposal"], one["calls"]) for one in json.loads(said.out)} == {(0, None, None)}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["bussy"], "did you mean busy", id="a name"),
        pytest.param(["fees"], '"fees" is not configured', id="a table that is not configured"),
        pytest.param(["--days", "3"], "14", id="too few days"),
    ],
)
def test_what_cannot_be_advised_on_is_refused(typed, file, arguments, message):
    said = typed("advise", *arguments, "--config", file)
    assert (said.status, said.out) == (2, "")
    assert message in said.err
