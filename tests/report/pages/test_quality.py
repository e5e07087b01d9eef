"""Quality and Drift: what does not hold, the worst first, counted as plain Python counts, and no value."""

import json
from collections import Counter
from dataclasses import replace
from datetime import datetime

import pytest

from flow.ingest.served import fill, record
from planlake.checks.documentation import GONE_COLUMN, MENDED, RETYPED
from planlake.report.check_history import CheckHistory
from planlake.report.pages import words
from planlake.report.pages.figures.drift import Difference, _open, drift
from planlake.report.pages.figures.lake_facts import open_facts
from planlake.report.pages.figures.quality import _badness, figure_said, quality, trend_said, why_said
from planlake.sources.catalogue import catalogue_of

from ..conftest import DAYS

SCRIPT = '"><script>document.title="x"</script>'


@pytest.fixture
def troubled(feed):
    """The lake after a day that a check holds, one that warns, a record without an id, and a key nobody declared."""
    for identity in range(101, 130):
        feed.data.put("things", record(identity, "2026-11-16 12:00:00", amount="Planted"))
    fill(feed.data, "others", 60, "2026-11-16 12:00:00", start=100)
    feed.data.put("others", record(101, "2026-11-16 12:00:00", amount="Planted", **{SCRIPT: "Planted"}))
    of_nobody = {"id": None, "last_updated": "2026-11-16 12:00:00", "name": "Planted"}
    feed.data.put("others", {**of_nobody, "id": "999"}, body=json.dumps(of_nobody).encode())
    feed.run_at(DAYS[2])
    return feed


@pytest.fixture
def found(troubled):
    with open_facts(troubled.config) as facts:
        return quality(facts)


def test_checks_that_hold_come_before_those_that_warn_each_with_its_trend(troubled, found):
    worst = found.not_well[0]
    assert (worst.table, worst.check, worst.column, worst.verdict) == ("things", "casts", "amount", "held")
    assert worst.figure == 100
    assert found.answer.startswith("1\u00a0check holds a table back")
    assert [one.verdict for one in found.not_well] == sorted(
        (one.verdict for one in found.not_well), key="warning".__eq__
    )
    rows = troubled.rows("select * from checks where resource = 'others' and \"check\" = 'rejected' order by run")
    (rejected,) = [one for one in found.not_well if (one.table, one.check) == ("others", "rejected")]
    assert list(rejected.figures) == [one["figure"] for one in rows]
    assert len(found.not_well) + sum(number for _, number in found.well) == found.checks


def test_what_did_not_cast_and_was_rejected_is_counted_by_column_and_reason(troubled, found):
    cells = Counter((one["resource"], one["column"]) for one in troubled.rows("select * from uncastable"))
    assert {(one.table, one.column): one.cells for one in found.not_cast} == cells
    assert cells == {("things", "amount"): 29, ("others", "amount"): 1}
    assert [(one.table, one.reason, one.records) for one in found.rejected] == [("others", "no id", 1)]


def test_no_value_stands_on_either_page(troubled, written):
    for file in ("quality.html", "drift.html", "tables/others.html"):
        text = written(file)
        assert "Planted" not in text
        assert SCRIPT not in text
    assert "&lt;script&gt;" in written("drift.html")


def test_one_that_holds_comes_before_one_that_is_farther_beyond_its_limit():
    def check(verdict, figure):
        return CheckHistory("t", "casts", "", verdict, figure, 1, "", datetime(2026, 1, 1), [figure], [verdict])  # noqa: DTZ001

    found = sorted([check("warning", 90), check("held", 2), check("warning", 95), check("held", 3)], key=_badness)
    assert [(one.verdict, one.figure) for one in found] == [("held", 3), ("held", 2), ("warning", 95), ("warning", 90)]


def test_figures_are_written_as_what_they_are():
    def check(name, *figures):
        return CheckHistory("t", name, "", "ok", figures[-1], 1, "", datetime(2026, 1, 1), figures, ["ok"])  # noqa: DTZ001

    assert figure_said(check("casts", 6.0), 6.0) == words.percent(0.06)
    assert figure_said(check("complete", 0.94), 0.94) == words.percent(0.94)
    assert figure_said(check("rejected", 1200), 1200) == "1,200"
    assert trend_said(check("rejected", 1, 4, 2)) == "2 now, between 1 and 4 in 3 runs"
    assert trend_said(check("rejected", 1, 4)) == "4 now, 1 in the run before"
    assert trend_said(check("rejected", 4, 4)) == "4 in both runs"
    assert trend_said(check("rejected", 1)) == "1 in the one run that made the check"


def test_a_lake_without_checks_says_what_makes_them(feed, tmp_path):
    with open_facts(feed.config.model_copy(update={"folder": tmp_path / "other"})) as facts:
        assert quality(facts).answer == "No check was made yet"
        assert drift(facts).answer == "The vendor sends what was declared"


def test_a_key_that_nobody_declared_is_open_until_somebody_does(troubled):
    with open_facts(troubled.config) as facts:
        found = drift(facts)
    assert [(one.table, one.column, one.what) for one in found.recent] == [("others", SCRIPT, "undeclared")]
    assert found.open == ()  # what was noticed lately is said once
    assert (found.still, found.settled) == (found.recent, ())
    assert found.answer == "1\u00a0difference is open"
    declared = {"others": {**troubled.config.resources["others"]}}
    declared["others"]["columns"] = {**declared["others"]["columns"], SCRIPT: "text"}
    resources = {**troubled.config.resources, **declared}
    with open_facts(troubled.config.model_copy(update={"resources": resources})) as facts:
        found = drift(facts)
    assert found.answer == "The vendor sends what was declared"
    assert (found.still, found.settled) == ((), found.recent)


def test_what_is_mended_or_sent_again_is_open_no_more_and_each_side_is_told_by_itself(feed):
    noticed = [  # the newest first
        *(("a", "x", "sent again"), ("a", "x", RETYPED), ("a", "x", "vanished")),
        *(("a", "y", MENDED), ("a", "y", GONE_COLUMN), ("a", "z", "vanished"), ("a", "z", "undeclared")),
    ]
    told = [Difference(*one, "", datetime(2026, 11, 1), 1) for one in noticed]  # noqa: DTZ001
    found = _open(told, catalogue_of(feed.config))
    assert [(one.column, one.what) for one in found] == [("x", RETYPED), ("z", "vanished")]


def test_a_warning_under_its_limit_says_why_it_is_there(troubled, found):
    warned = next(one for one in found.not_well if one.verdict == "warning" and one.check == "casts")
    warned = replace(warned, figure=warned.limit)
    assert why_said(warned) == "Under the limit, so nothing is held back; the values are NULL until they are corrected."
    assert why_said(replace(warned, figure=warned.limit + 1)) == ""


def test_columns_that_fail_one_check_stand_in_one_row_with_one_command(found):
    def check(table, name, column, verdict):
        return CheckHistory(table, name, column, verdict, 90, 1, "", datetime(2026, 1, 1), [90], [verdict])  # noqa: DTZ001

    bad = [check("a", "casts", "x", "held"), check("a", "casts", "y", "held"), check("a", "rejected", "", "held")]
    bad += [check("b", "casts", "x", "held"), check("a", "casts", "z", "warning")]
    rows = replace(found, not_well=tuple(bad)).rows
    assert [([each.column for each in row.results], row.command) for row in rows] == [
        (["x", "y"], "planlake check a"),
        ([""], ""),
        (["x"], "planlake check b"),
        (["z"], ""),
    ]
