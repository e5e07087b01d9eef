"""Every fault while the last closed day is counted again: what came in late is in the table after the next run.

Each at one of two requests, in turns; `PLANLAKE_SOAK=1` (`make soak`) tries each at both.
"""

import os

import pytest

from conftest import feeding, table_of
from flow.ingest.served import DAY_1, DAY_2, DAY_3, DAY_4, assert_equal, fill, served, settings_of
from flow.ingest.spoiling import FAULTS, HARMLESS, PAGE_SIZE, cases, label

pytestmark = pytest.mark.slow  # a table for every fault, four runs
STAGES = {"counted": "1", "behind": "3"}  # the one request of a recount, and the last page read when it grew
IS_SOAK = os.environ.get("PLANLAKE_SOAK", "0") != "0"
CASES = cases(STAGES, is_whole=IS_SOAK)
LATE = "2026-11-17 20:00:00"


@pytest.fixture(scope="module")
def matrix(tmp_path_factory):
    """A lake with a table for every fault: a closed day has grown, and the day it is counted again the API fails."""
    tables = [case.table for case in CASES]
    data = served(tables, page_size=PAGE_SIZE)
    with feeding(data, tmp_path_factory.mktemp("recount"), settings_of(tables, concurrency=16)) as feed:
        feed.run_at(DAY_1)
        grow(data, 4, "2026-11-17 09:00:00", 5)
        assert feed.run_at(DAY_2).exit_code == 0
        grow(data, 3, LATE, 9)
        feed.fail(*(rule(case) for case in CASES))
        failing = feed.run_at(DAY_3)
        right = {case.table for case in CASES if is_right(feed, case.table)}
        feed.fail()
        yield feed, failing, right, feed.run_at(DAY_4)


def grow(data, count, changed, start):
    for case in CASES:
        fill(data, case.table, count, changed, start=start)


def rule(case):
    return case.rule(FAULTS, page=STAGES[case.stage], last_updated="2026-11-17")


def is_right(feed, table):
    try:
        assert_equal(feed, table)
    except AssertionError:
        return False
    return True


@pytest.mark.parametrize("case", CASES, ids=label)
def test_a_recount_that_fails_is_named_unless_the_rows_are_right(matrix, case):
    _, failing, right, _ = matrix
    result = table_of(failing, case.table)
    assert "internal error" not in result.message
    if case.table not in right:
        assert result.outcome in ("open", "failed") or "2026-11-17" in result.message
        assert result.is_troubled


@pytest.mark.parametrize("case", CASES, ids=label)
def test_what_came_in_late_is_there_after_the_next_run(matrix, case):
    feed, _, _, after = matrix
    assert table_of(after, case.table).outcome in ("loaded", "unchanged", "up to date")
    assert_equal(feed, case.table)


@pytest.mark.parametrize("case", [case for case in CASES if case.fault in HARMLESS], ids=label)
def test_what_is_only_odd_is_taken_in_the_recount_itself(matrix, case):
    _, _, right, _ = matrix
    assert case.table in right
