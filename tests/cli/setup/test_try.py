"""`planlake try`: a sample of a resource in a preview, what it says of the whole, and what a run makes of it."""

import json
from datetime import datetime

import pytest

from conftest import feeding, written_config
from planlake.config import load_config
from planlake.flow.ingest.load_sample import spread
from planlake.report.query import open_views
from planlake.runs.plan import Selection
from planlake.runs.run import run
from planlake.simulator.dataset import Dataset
from planlake.simulator.faults import Rule
from querying import answer

NOW, NAME = "2026-11-20T03:00:00", "T-1"
COLUMNS = {"id": "integer", "last_updated": "timestamp", "amount": "double", "name": "text"}
TABLES = (
    "good", "misdeclared", "stray", "odd_ids", "hollow", "empty", "still", "large_and_still", "incomplete", "checked",
    "loaded", "in_utc", "undeclared_utc",
)  # fmt: skip
PLAIN = "id: integer, last_updated: timestamp, amount: double"
SETTINGS = f"""
source: tascomi
resources:
  good: {{columns: {{{PLAIN}, name: text}}}}
  odd_ids: {{columns: {{{PLAIN}, name: text}}}}
  empty: {{columns: {{{PLAIN}}}}}
  still: {{columns: {{{PLAIN}}}}}
  large_and_still: {{columns: {{{PLAIN}}}}}
  loaded: {{columns: {{{PLAIN}, name: text}}}}
  misdeclared:
    columns: {{id: integer, last_updated: timestamp, amount: integer, name: timestamp}}
    personal: [name]
  stray: {{columns: {{{PLAIN}}}}}
  hollow: {{columns: {{id: integer, amount: double, absent: boolean}}, changed: ""}}
  incomplete: {{columns: {{{PLAIN}}}, complete: amount}}
  checked:
    columns: {{{PLAIN}, name: text, ward_id: integer, loaded_id: integer}}
    accepted: {{name: [name 1]}}
    relations: {{ward_id: wards, loaded_id: loaded}}
  in_utc: {{columns: {{{PLAIN.replace("timestamp", "timestamp_utc")}}}}}
  undeclared_utc: {{columns: {{id: integer}}}}
tables: {{daily: [loaded], weekly: [still]}}
checks:
  - {{name: no large amounts, table: checked, rows: amount > 3, holds: true}}
  - {{name: no names, table: incomplete, rows: name is null}}
"""


def record(identity, day="2025-01-01", **more):
    return {
        "id": str(identity),
        "last_updated": f"{day} 10:00:00",
        "amount": f"{identity}.5",
        "name": f"n {identity}",
    } | more


def in_utc(number):
    """A record that says when it changed with the zone UTC; every third changed this week."""
    return record(number, last_updated=f"{2025 + (not number % 3)}-11-18T10:00:00Z")


def served(now=NOW):
    """Resources that each have something about them."""
    data = Dataset(dict.fromkeys(TABLES, COLUMNS), now=datetime.fromisoformat(now))
    for number in range(1, 261):
        day = f"2026-11-{13 + number % 7}" if number > 220 else "2026-11-01" if number > 200 else "2025-01-01"
        data.put("good", record(number, day))
    for number in range(1, 61):
        data.put("misdeclared", record(number))
        data.put("stray", record(number, amount="n/a" if number == 7 else "1.5"))
        identity = number - 1 if number in (5, 9) else f"no number {number}" if number > 57 else number
        odd = record(number, id=str(identity), amount="2.5", name="the same")
        data.put("odd_ids", record(number), body=json.dumps(odd).encode())
        data.put("hollow", {"id": str(number), "amount": None, "extra": None, "whole": str(number), "name": "n"})
        data.put("incomplete", record(number, amount=None if number % 2 else "1"))
        data.put("checked", record(number, ward_id="1", loaded_id="999", name="name 1" if number > 2 else "name 2"))
        data.put("loaded", record(number))
        data.put("in_utc", record(number), body=json.dumps(in_utc(number)).encode())
        data.put("undeclared_utc", record(number), body=json.dumps(in_utc(number)).encode())
    for number in range(1, 1301):
        data.put("large_and_still", record(number))
        if number <= 100:
            data.put("still", record(number, "2026-11-19" if number == 1 else "2020-01-01"))
    return data


@pytest.fixture(scope="module")
def council(tmp_path_factory):
    """A lake with one table, beside an API with many."""
    with feeding(served(), tmp_path_factory.mktemp("tried"), SETTINGS) as feed:
        assert feed.run_at(NOW).exit_code == 0
        feed.file = feed.config.folder / "planlake.yaml"
        yield feed


@pytest.fixture(scope="module")
def verdicts():
    """What was said of each resource: tried once for all tests."""
    return {}


@pytest.fixture
def tried(council, typed, verdicts):
    """The verdict on a resource, and how the command ended."""

    def found(table, *more, status=0, is_anew=False):
        if is_anew or (table, more) not in verdicts:
            verdicts[table, more] = typed("try", table, "--env", NAME, "--json", "--config", council.file, *more)
        said = verdicts[table, more]
        assert said.status == status, said.err
        return {**json.loads(said.out), "err": said.err}

    return found


@pytest.fixture
def feed(tmp_path):
    """The same where a test may change everything."""
    with feeding(served(), tmp_path, SETTINGS) as made:
        made.file = tmp_path / "planlake.yaml"
        made.monkeypatch.setenv("PLANLAKE_NOW", NOW)
        yield made


def columns(found):
    return {one["column"]: one for one in found["columns"]}


def checks(found):
    return {(one["check"], one["column"]): (one["verdict"], one["message"]) for one in found["checks"]}


def rows(config, query, environment=None):
    with open_views(config, environment=environment) as views:
        return answer(views, query).to_pylist()


# ---------------------------------------------------------------- the verdict


def test_a_resource_that_was_never_loaded_is_sampled_evenly_and_would_load_well(council, tried):
    found = tried("good", "--pages", "3")
    assert (found["pages"], found["total_pages"], found["total"], found["problems"]) == ([1, 3, 6], 6, 260, [])
    # pages 1, 3 and 6 hold 110 records; the days add the 30 of page 5 that changed
    assert (found["records"], found["new"], found["held_before"]) == (140, 140, 0)
    assert {one["verdict"] for one in found["columns"]} == {"ok"}
    assert {name: one["fits"] for name, one in columns(found).items()} == COLUMNS
    assert {check for (check, _), (verdict, _) in checks(found).items() if verdict != "ok"} == {
        "freshness",
        "deletions",
    }
    assert checks(found)["deletions", ""] == ("not reached", "a sample does not show deletions")
    assert found["err"].splitlines()[-1] == f"hint: planlake run --config {council.file} --env {NAME} good"
    assert f"hint: planlake add --config {council.file} good --cadence daily" in found["err"]
    shown = rows(council.config, "select count(*) as n, max(amount) as amount from good", NAME)
    assert shown == [{"n": 140, "amount": 260.5}]


def test_pages_are_spread_from_the_first_to_the_last():
    assert list(spread(100, 5)) == [1, 25, 50, 75, 100]
    assert [list(spread(last, 5)) for last in (1, 4, 5, 6)] == [[1], [1, 2, 3, 4], [1, 2, 3, 4, 5], [1, 2, 3, 4, 6]]
    assert [list(spread(9, number)) for number in (1, 2)] == [[1], [1, 9]]


def test_types_that_values_contradict_would_hold_the_table_and_personal_values_stay_hidden(tried):
    found = tried("misdeclared", status=1)
    amount, name = columns(found)["amount"], columns(found)["name"]
    assert (amount["declared"], amount["fits"], amount["bad"], amount["verdict"]) == (
        "integer", "double", 60, "would hold",
    )  # fmt: skip
    assert (name["declared"], name["fits"], name["example"]) == ("timestamp", "text", "[personal, 3 characters]")
    assert 'amount: 60 of 60 values are not integer, "1.5" for example' in found["err"]
    assert [problem.split(":")[0] for problem in found["problems"]] == ["amount", "name"]
    assert checks(found)["unique", ""] == ("not reached", "")
    assert "n 1" not in json.dumps(found)


def test_what_is_too_little_to_hold_a_sample_but_would_hold_the_whole_is_foreseen(council, tried):
    assert columns(tried("stray", is_anew=True))["amount"]["verdict"] == "some do not cast"
    for number in range(1, 3001):  # 2 % of 3,000 records do not cast: 4 in a sample of 200
        council.data.put("stray", record(number, amount="n/a" if number % 50 == 1 else "1.5"))
    found = tried("stray", "--pages", "4", status=1)
    assert (columns(found)["amount"]["bad"], columns(found)["amount"]["verdict"]) == (4, "would hold")
    assert checks(found)["casts", "amount"][0] == "warning"


def test_ids_that_come_twice_and_ids_that_are_none_are_counted(tried):
    found = tried("odd_ids")
    assert found["keys"] == {"column": "id", "records": 58, "repeated": 2, "unusable": 3, "would_hold": False}
    assert checks(found)["repeats", ""][0] == "ok"  # exact repeats are kept once
    assert checks(found)["rejected", ""] == ("warning", "3 of 58 records were refused")


def test_columns_that_are_empty_absent_or_undeclared_are_told_apart(tried):
    found = columns(tried("hollow"))
    verdicts = {name: one["verdict"] for name, one in found.items()}
    assert verdicts == {
        "id": "ok", "amount": "empty", "absent": "not sent", "extra": "empty", "name": "undeclared",
        "whole": "undeclared",
    }  # fmt: skip
    assert (found["whole"]["fits"], found["amount"]["fits"], found["amount"]["filled"]) == ("integer", "", 0)


def test_a_resource_without_records_is_called_empty_and_loads_well(council, typed):
    said = typed("try", "empty", "--env", NAME, "--config", council.file)
    assert (said.status, said.errors) == (0, [])
    assert "= empty: the API has no record" in said.out
    assert "there are no records to judge by" in said.out
    assert rows(council.config, "select id, amount from empty", NAME) == []


def test_checks_of_the_catalogue_and_ones_own_are_tried_and_those_that_cannot_be_are_named(tried):
    found = tried("checked", status=1)
    assert found["problems"] == ["58 rows where amount > 3"]
    assert checks(found)["no large amounts", ""] == ("held", "58 rows where amount > 3")
    assert checks(found)["accepted values", "name"] == ("not reached", "")
    assert checks(found)["relations", "ward_id"] == ("not reached", "wards is not loaded")
    incomplete = tried("incomplete", status=1)
    assert incomplete["problems"] == ["amount is filled in 30 of 60 rows"]
    assert checks(incomplete)["no names", ""] == ("not reached", "name is null")


def test_every_check_that_runs_make_of_a_table_is_listed_and_why_it_was_not_made(feed, typed):
    feed.run_at("2026-11-18T03:00:00", "loaded")
    feed.data.put("loaded", record(61, "2026-11-18"))
    feed.run_at(NOW, "loaded")
    made = {row["check"] for row in feed.rows('select "check" from checks')}
    found = checks(json.loads(typed("try", "loaded", "--env", NAME, "--json", "--config", feed.file).out))
    assert made == {check for check, _ in found}
    assert found["freshness", ""] == ("not reached", "a sample is not published")
    assert found["casts", ""] == ("not reached", "nothing in the sample is new")


def test_columns_that_are_all_as_declared_are_one_line_where_they_are_many(council, typed, monkeypatch):
    monkeypatch.setattr("planlake.cli.setup.try_.SHOWN_COLUMNS", 3)
    said = typed("try", "loaded", "--env", NAME, "--config", council.file)
    assert "loaded in T-1: 60 of 60 records: all columns are as declared; --json lists them all" in said.err
    assert "for example" not in said.out


def test_what_is_expected_of_values_and_relations_is_looked_at(council, tried):
    for number in range(1, 61):
        council.data.put("checked", record(number, amount="1", loaded_id="999", name=f"name {min(number, 2)}"))
    found = checks(tried("checked", is_anew=True))
    assert found["accepted values", "name"][0] == "warning"
    assert found["relations", "loaded_id"] == ("warning", "60 rows have a loaded_id that is not in loaded")
    assert found["no large amounts", ""][0] == "ok"


# ---------------------------------------------------------------- cadence and size


def test_the_cadence_follows_from_what_changed_on_the_last_days(tried):
    good, still, large = (
        tried("good", "--pages", "3")["changes"],
        tried("still")["changes"],
        tried("large_and_still")["changes"],
    )
    assert (good["proposal"], good["why"]) == ("daily", "something changed on 7 of the last 7 days")
    assert good["by_day"]["2026-11-19"] == 6
    assert sum(good["by_day"].values()) == 40
    assert (still["proposal"], still["why"]) == ("weekly", "something changed on 1 of the last 7 days")
    assert (large["proposal"], large["calls"]) == ("daily", {"daily": 21.0, "weekly": 26.0})
    hollow = tried("hollow")["changes"]
    assert (hollow["proposal"], hollow["by_day"], hollow["ages"]) == ("weekly", {}, {})


def test_ages_are_shares_of_the_sampled_pages_alone(tried):
    ages = tried("good", "--pages", "3")["changes"]["ages"]  # the days bring 30 records that are of no page
    assert {age: round(share * 110, 3) for age, share in ages.items()} == {"7": 8, "30": 10, "365": 10}


@pytest.mark.parametrize("table", ["in_utc", "undeclared_utc"])
def test_ages_are_told_of_instants_that_say_they_are_utc(tried, table):
    ages = tried(table)["changes"]["ages"]
    assert {age: round(share * 60) for age, share in ages.items()} == {"7": 20, "30": 20, "365": 20}


def test_an_api_that_does_not_look_at_the_day_is_noticed(council, tried, monkeypatch):
    page = council.data.page
    monkeypatch.setattr(council.data, "page", lambda resource, _, number: page(resource, {}, number))
    assert tried("still", is_anew=True)["changes"]["why"].startswith("the API ignores last_updated")


def test_a_full_load_is_reckoned_from_the_pages_that_came(tried):
    expected = tried("large_and_still")["expected"]
    assert (expected["requests"], expected["error"]) == (26, "")
    assert expected["bytes"] == pytest.approx(1300 * 82, rel=0.1)
    assert expected["seconds"] > 0


def test_pages_that_do_not_come_are_named_and_the_rest_is_tried(council, tried, typed):
    council.fail(Rule(resource="good", query={"page": "6"}, status=404, times=None))
    said = typed("try", "good", "--env", NAME, "--json", "--config", council.file)
    council.fail()
    found = json.loads(said.out)
    assert said.status == 1
    assert found["pages"] == [1, 2, 3, 4]
    assert len(found["problems"]) == 1
    assert "page 6 of full did not come" in found["problems"][0]


# ---------------------------------------------------------------- where the sample goes


def test_the_preview_is_made_where_there_is_none_and_its_base_stays_as_it_is(feed, typed):
    run(feed.config, Selection())
    before = feed.snapshots()
    said = typed("try", "good", "--env", "NEW-1", "--config", feed.file)
    assert said.status == 0
    assert "NEW-1 is made: it shows the tables of local" in said.err
    assert feed.snapshots() == before
    assert "is made" not in typed("try", "good", "--env", "NEW-1", "--config", feed.file).err
    assert rows(feed.config, "select count(*) as n from good", "NEW-1") == [{"n": 240}]
    assert typed("env", "drop", "NEW-1", "--yes", "--config", feed.file).status == 0


def test_a_sample_is_not_promoted_and_a_run_reads_the_table_whole_in_its_place(feed, typed, tmp_path):
    file = ("--config", feed.file)
    assert typed("try", "good", "--pages", "2", "--env", NAME, *file).status == 0
    assert "good: only a sample was loaded" in typed("env", "diff", NAME, *file).err
    refused = typed("env", "promote", NAME, "--yes", *file)
    assert refused.status == 1
    assert "good cannot be promoted: only a sample was loaded" in refused.err
    assert f"hint: planlake run --config {feed.file} --env {NAME} good" in refused.err
    assert typed("run", "--env", NAME, "good", *file).status == 0
    assert typed("env", "promote", NAME, "--yes", *file).status == 0
    direct = written_config(feed.simulator, tmp_path / "direct", SETTINGS)
    run(direct, Selection(tables=("good",)))
    requests = 'event, "window", page, records, stored, batch, total_results'
    of_runs = "import_datetime, import_timestamp, import_request_id"
    for query in (
        "select * exclude (import_datetime, import_timestamp) from good order by id",
        f"select * exclude ({of_runs}) from increment_good order by all",
        f"select * exclude ({of_runs}) from current_good order by id",
        f"select {requests} from api_requests where resource = 'good' order by all",
        "select count(*) as n from api_responses where resource = 'good'",
        "select resource, snapshot_date, rows, batch from published where resource = 'good'",
        'select "column", raw_value from uncastable',
    ):
        assert rows(feed.config, query) == rows(direct, query), query


def test_a_table_the_base_has_is_sampled_beside_what_it_holds(feed, typed):
    run(feed.config, Selection())
    feed.data.put("loaded", record(60, name="changed since"))
    feed.data.put("loaded", record(61))
    said = typed("try", "loaded", "--env", NAME, "--json", "--config", feed.file)
    found = json.loads(said.out)
    assert (found["held_before"], found["records"], found["new"], found["cadence"]) == (60, 61, 2, "daily")
    assert "planlake add" not in said.err
    assert rows(feed.config, "select count(*) as n from loaded", NAME) == [{"n": 61}]
    assert typed("env", "promote", NAME, "--yes", "--config", feed.file).status == 1
    assert typed("run", "--env", NAME, "loaded", "--config", feed.file).status == 0
    assert rows(feed.config, "select count(*) as n from loaded", NAME) == [{"n": 60}]  # no day says that they changed
    assert typed("run", "--env", NAME, "loaded", "--full", "--config", feed.file).status == 0
    assert typed("env", "promote", NAME, "--yes", "--config", feed.file).status == 0
    assert rows(feed.config, "select name from loaded where id >= 60 order by id") == [
        {"name": "changed since"},
        {"name": "n 61"},
    ]


def test_a_sample_that_was_interrupted_is_begun_anew(feed, typed, monkeypatch):
    from planlake.lake.state.landing import Arrivals  # noqa: PLC0415

    def stopped(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Arrivals, "land", stopped)
        assert typed("try", "good", "--env", NAME, "--config", feed.file).status == 130
    assert typed("try", "good", "--env", NAME, "--config", feed.file).status == 0


def test_a_table_that_was_run_in_the_preview_is_not_sampled_over(feed, typed):
    file = ("--config", feed.file)
    typed("env", "create", NAME, *file)
    assert typed("run", "--env", NAME, "good", *file).status == 0
    said = typed("try", "good", "--env", NAME, *file)
    assert (said.status, said.errors) == (2, [f"Error: good was run in this preview already (preview={NAME})"])
    assert rows(feed.config, "select count(*) as n from good", NAME) == [{"n": 260}]


def test_a_sample_goes_into_no_environment_others_use(feed, typed):
    said = typed("try", "good", "--env", "local", "--config", feed.file)
    assert (said.status, "local is not a preview" in said.err) == (2, True)
    assert typed("try", "god", "--env", NAME, "--config", feed.file).status == 2
    assert typed("try", "good", "--config", feed.file).status == 2
    assert "T-1" not in typed("env", "list", "--config", feed.file).out


# ---------------------------------------------------------------- as typed


def test_two_commands_and_one_line_take_a_resource_nobody_ingests_from_the_api_to_a_typed_table(feed, typed, at):
    """The table is one of the 25 that are documented and were never ingested."""
    from cli.conftest import FEW_TABLES, small_council  # noqa: PLC0415

    folder = feed.file.parent / "council"
    with feeding(small_council(NOW), folder, FEW_TABLES):
        at(NOW)
        file = folder / "planlake.yaml"
        assert load_config(file).tables.daily == ("fees",)
        before = file.read_text().splitlines()
        assert typed("run", "--config", file).status == 0
        assert typed("add", "site_visits", "--config", file).status == 0
        said = typed("try", "site_visits", "--env", "DPP-426", "--config", file)
        assert said.status == 0, said.err
        assert "> daily" in said.out or "> weekly" in said.out
        changed = [(old, new) for old, new in zip(before, file.read_text().splitlines(), strict=True) if old != new]
        assert len(changed) == 1
        assert "site_visits" in changed[0][1]
        shown = typed("sql", "--env", "DPP-426", "describe select * from site_visits", "--config", file)
        assert shown.status == 0
        assert "TIMESTAMP" in shown.out
        found = typed("check", "site_visits", "--env", "DPP-426", "--config", file)
        assert "= ok" in found.out
        assert typed("run", "site_visits", "--config", file).status == 0
        assert "20" in typed("sql", "select count(*) from site_visits", "--config", file).out


def test_what_the_columns_mean_is_shown_beside_the_verdict(typed, tmp_path, at):
    at(NOW)
    data = Dataset({"decision_levels": {"id": "integer", "name": "text"}}, now=datetime.fromisoformat(NOW))
    data.put("decision_levels", {"id": "1", "last_updated": "2025-01-01 10:00:00", "name": "Delegated"})
    with feeding(data, tmp_path, "source: tascomi\ntables: {weekly: [decision_levels]}\n"):
        arguments = ("try", "decision_levels", "--env", NAME, "--config", tmp_path / "planlake.yaml")
        said = typed(*arguments)
        found = json.loads(typed(*arguments, "--json").out)
    assert said.status == 0, said.err
    assert "Name of the level; 'Delegated' means decided by officers." in " ".join(said.out.split())
    meanings = {one["column"]: one["meaning"] for one in found["columns"]}
    assert meanings["name"].startswith("Name of the level")
