"""The returns of a generated council, 20,000 applications over five years, equal a count in plain Python.

They are PS1 and PS2, the measures of speed and quality, and the planning guarantee.
"""

from collections import Counter
from datetime import date

import pytest

from flow.trust.councils import NOW, council, lake_with
from flow.trust.counted_returns import (
    BANDS,
    LARGE,
    LINES,
    cases_of,
    enforcement,
    guarantee,
    ps1,
    ps2,
    quality,
    quarters_between,
    speed,
)
from planlake.report.query import open_views
from planlake.runs.plan import Selection
from planlake.runs.run import run
from querying import answer

TODAY = date.fromisoformat(NOW[:10])
COLUMNS = (
    *("total", "granted", "refused", *(name for _, name in BANDS), "over_52"),
    *("agreed", "in_agreed_time", "in_time", "in_statutory_time"),
)
READ = ("ps1", "ps2", "speed", "quality", "guarantee", "left_out")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def records():
    return council(applications=20_000, years=5)


@pytest.fixture(scope="module")
def cases(records):
    return cases_of(records)


@pytest.fixture(scope="module")
def quarters(cases):
    return quarters_between(min(case.valid for case in cases if case.valid), TODAY)


@pytest.fixture(scope="module")
def returns(records, tmp_path_factory):
    """The rows of each return, as a run built them."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        config = lake_with(records, tmp_path_factory.mktemp("council"), monkeypatch)
        result = run(config, Selection(step="trust"))
        assert {one.outcome for one in result.models} == {"built"}
        with open_views(config) as views:
            return {name: answer(views, f"from trusted.return_{name}").to_pylist() for name in READ}


@pytest.fixture(scope="module")
def ps2_counted(cases):
    return ps2(cases)


@pytest.fixture(scope="module")
def ps1_counted(cases, quarters, records):
    return ps1(cases, quarters, TODAY) + enforcement(records)


def test_the_council_has_decisions_on_every_line_and_in_every_column(ps2_counted, quarters):
    assert {line for _, line in ps2_counted} == {*LINES.values(), *LARGE.values(), "Total"}
    whole = sum((figures for (_, line), figures in ps2_counted.items() if line == "Total"), Counter())
    assert min(whole[column] for column in COLUMNS) > 20
    assert len(quarters) == 21
    assert whole["total"] > 5_000


def test_every_figure_of_ps2_equals_the_count(returns, ps2_counted, quarters):
    found = {(row["quarter"], row["line"]): {column: row[column] for column in COLUMNS} for row in returns["ps2"]}
    assert len(found) == len(returns["ps2"])
    assert {quarter for quarter, line in found if line == "Total"} == {*quarters}
    assert found == {key: {column: figures[column] for column in COLUMNS} for key, figures in ps2_counted.items()}


def test_shares_of_ps2_are_of_its_own_figures(returns):
    for row in returns["ps2"]:
        assert row["in_time_percent"] == pytest.approx(100 * row["in_time"] / row["total"])
        assert row["in_statutory_time_percent"] == pytest.approx(100 * row["in_statutory_time"] / row["total"])


def test_the_council_has_something_in_every_part_of_ps1(ps1_counted):
    lines = {(part, line) for _, part, line in ps1_counted}
    assert Counter(part for part, _ in lines) == {
        "work": 7,
        "delegated": 2,
        "council": 2,
        "environment": 1,
        "enforcement": 7,
        "prior approvals": 8,
    }
    assert ps1_counted[date(2024, 1, 1), "work", "decided"] > 100


def test_every_figure_of_ps1_equals_the_count(returns, ps1_counted, quarters):
    found = {(row["quarter"], row["part"], row["line"]): row["count"] for row in returns["ps1"]}
    assert len(found) == len(returns["ps1"])
    assert {quarter for quarter, *_ in found} == {*quarters}
    assert {key: count for key, count in found.items() if count} == {
        key: count for key, count in ps1_counted.items() if key[0] in quarters and count
    }


def test_what_is_on_hand_at_the_end_of_a_quarter_is_on_hand_when_the_next_one_begins(returns):
    work = {(row["quarter"], row["line"]): row["count"] for row in returns["ps1"] if row["part"] == "work"}
    ends = [count for (_, line), count in sorted(work.items()) if line == "on hand at end"]
    starts = [count for (_, line), count in sorted(work.items()) if line == "on hand at start"]
    assert starts[1:] == ends[:-1]


def test_every_figure_of_speed_equals_the_count(returns, cases, quarters):
    found = {(row["window_end"], row["measure"]): (row["decisions"], row["in_time"]) for row in returns["speed"]}
    assert found == speed(cases, quarters)


def test_every_figure_of_quality_equals_the_count(returns, cases, quarters, records):
    counted = quality(cases, quarters, records)
    found = {(row["window_end"], row["measure"]): (row["decisions"], row["overturned"]) for row in returns["quality"]}
    assert found == counted
    assert sum(overturned for _, overturned in counted.values()) > 20


def test_every_case_past_the_guarantee_is_counted(returns, cases, records):
    counted = guarantee(cases, records, TODAY)
    assert {row["application_id"]: (row["last_day"], row["is_due"]) for row in returns["guarantee"]} == counted
    assert 100 < sum(is_due for _, is_due in counted.values()) < len(counted) - 100


def test_every_application_that_is_no_case_is_listed_once_with_a_reason(returns, cases, records):
    listed = [row["application_id"] for row in returns["left_out"]]
    assert len({*listed}) == len(listed)
    left_out = {int(one["id"]) for one in records["applications"]} - {int(case.id) for case in cases}
    assert left_out
    assert left_out <= {*listed}
    assert all(row["reason"] for row in returns["left_out"])
