"""What a night costs (docs/deploy/cost.md): by the run history and the configuration's prices, each table its share."""

import json

import pytest

from commands import typed_in_process
from conftest import feeding
from flow.ingest.served import DAY_1, DAY_2, DAY_3, fill, served, settings_of
from planlake.config_sections import Cost
from planlake.errors import ConfigurationError
from planlake.inspection.costs import night_cost
from planlake.runs.plan import Selection
from planlake.runs.run import run


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    data = served(["things", "codes"], page_size=10, now=DAY_1)
    with feeding(data, tmp_path_factory.mktemp("costs"), settings_of(["things"], ["codes"])) as made:
        fill(data, "things", 40, "2026-11-10 09:00:00")
        fill(data, "codes", 5, "2026-11-10 09:00:00")
        made.run_at(DAY_1)
        fill(data, "things", 2, "2026-11-20 09:00:00", start=41)
        made.run_at(DAY_2)
        yield made, made.remembered()


def counted(feed):
    """Requests, seconds and bytes by run and table, by the ledger and the runs row by row."""
    ledger = feed.rows(
        "select run, resource, event, seconds from api_requests where event not in ('closed', 'audited')"
    )
    return [(row["run"], row["resource"], row["seconds"] or 0) for row in ledger]


def test_a_mean_night_is_what_the_runs_say_and_the_tables_shares_make_up_its_money(feed):
    prices = Cost(vcpus=2, gigabytes=8, vcpu_hour=36, gigabyte_hour=4.5, workers=3, dpu_hour=60, currency="GBP")
    found = night_cost(feed.config.model_copy(update={"cost": prices}))
    runs = feed.rows("select run, seconds from runs where resource is null order by run")
    rows = feed.rows("select run, resource, requests, bytes from runs where resource is not null")
    billed = [max(row["seconds"], 60) for row in runs]
    assert (found.nights, found.currency) == (2, "GBP")
    assert found.seconds == pytest.approx(sum(row["seconds"] for row in runs) / 2)
    assert found.fargate == pytest.approx(sum(billed) / 3600 * 108 / 2)
    assert found.glue == pytest.approx(sum(billed) / 3600 * 180 / 2)
    assert found.earlier_minute == pytest.approx((21 * 4 + 16 * 2) * 60 / 60)
    asked, tables = counted(feed), {one.table: one for one in found.tables}
    for name, one in tables.items():
        assert one.requests == sum(row["requests"] or 0 for row in rows if row["resource"] == name) / 2
        assert one.received == sum(row["bytes"] or 0 for row in rows if row["resource"] == name) / 2
        assert one.seconds == pytest.approx(sum(taken for _, table, taken in asked if table == name) / 2)
        shares = [
            sum(taken for number, table, taken in asked if (number, table) == (row["run"], name))
            / sum(taken for number, _, taken in asked if number == row["run"])
            * max(row["seconds"], 60)
            for row in runs
        ]
        assert one.fargate == pytest.approx(sum(shares) / 3600 * 108 / 2)
        assert one.written > 0
    assert sum(one.glue for one in tables.values()) == pytest.approx(found.glue)


def test_a_night_is_all_that_ran_on_a_day(feed, monkeypatch):
    one_night = night_cost(feed.config)
    monkeypatch.setenv("PLANLAKE_NOW", DAY_3)
    for table in ("things", "codes", "things"):
        run(feed.config, Selection(tables=(table,)))
    found = night_cost(feed.config)
    assert (one_night.nights, found.nights) == (2, 3)
    asked = feed.rows("select run from runs group by run having sum(requests) > 0")
    each = 60 / 3600 * 2 * 0.44  # no run is longer than what is billed at the least
    assert len(asked) > 3
    assert found.glue == pytest.approx(len(asked) * each / 3)


def test_only_runs_that_asked_the_api_count(feed):
    before = night_cost(feed.config)
    run(feed.config, Selection(step="trust"))
    assert night_cost(feed.config) == before


def test_a_lake_without_runs_says_what_to_do(feed, tmp_path):
    with pytest.raises(ConfigurationError, match="no run has asked the API yet") as raised:
        night_cost(feed.config.model_copy(update={"folder": tmp_path / "other"}))
    assert raised.value.hint == "planlake run"


def test_the_command_shows_it_in_80_columns_and_as_json(feed, monkeypatch, capfd):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("PLANLAKE_NOW", DAY_3)
    file = feed.config.folder / "planlake.yaml"
    said = typed_in_process(monkeypatch, capfd, ("plan", "--cost", "--config", file))
    assert (said.status, said.err) == (0, "")
    assert max(map(len, said.out.splitlines()[:8])) <= 80
    assert "on Glue: " in said.out
    told = json.loads(typed_in_process(monkeypatch, capfd, ("plan", "--cost", "--json", "--config", file)).out)
    assert {one["table"] for one in told["tables"]} == {"things", "codes"}


def test_a_window_is_closed_after_the_seconds_that_passed_also_by_a_clock_that_was_moved(feed):
    (longest,) = feed.rows("select max(seconds) as seconds from api_requests where event = 'closed'")
    (whole,) = feed.rows("select max(seconds) as seconds from runs where resource is null")
    assert 0 <= longest["seconds"] <= whole["seconds"]
