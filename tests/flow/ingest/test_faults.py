"""Every fault at a stage of a first load: the rows are right, or the table is named and the next run mends it.

Each at one of the stages, in turns; `PLANLAKE_SOAK=1` (`make soak`) tries each at all.
"""

import os

import pytest

from conftest import feeding, table_of
from flow.ingest.served import assert_equal, fill, served, settings_of
from flow.ingest.spoiling import FAULTS, HARMLESS, PAGE_SIZE, STAGES, cases, label

pytestmark = pytest.mark.slow  # a table for every fault, two runs
IS_SOAK = os.environ.get("PLANLAKE_SOAK", "0") != "0"
CASES = cases(STAGES, is_whole=IS_SOAK)
MORNING, LATER = "2026-11-17T03:00:00", "2026-11-17T05:00:00"


@pytest.fixture(scope="module")
def matrix(tmp_path_factory):
    """A lake with a table for every fault and stage: the first run meets the fault as long as it asks, the next not."""
    tables = ["calm", *(case.table for case in CASES)]
    data = served(tables, page_size=PAGE_SIZE)
    fill(data, "calm", 11)
    for case in CASES:
        fill(data, case.table, case.records)
    with feeding(data, tmp_path_factory.mktemp("matrix"), settings_of(tables, concurrency=16)) as feed:
        feed.fail(*(case.rule(FAULTS) for case in CASES))
        first = feed.run_at(MORNING)
        published = {name.removeprefix("refined.current_") for name in feed.snapshots() if "current_" in name}
        right = {table for table in published if is_right(feed, table)}
        feed.fail()
        yield feed, first, published, right, feed.run_at(LATER)


def is_right(feed, table):
    try:
        assert_equal(feed, table)
    except AssertionError:
        return False
    return True


@pytest.mark.parametrize("case", CASES, ids=label)
def test_a_fault_that_stays_ends_in_the_right_rows_or_in_a_table_named_as_open(matrix, case):
    _, first, published, right, _ = matrix
    result = table_of(first, case.table)
    if case.table in published:
        assert case.table in right
        assert result.outcome == "loaded"
    else:
        assert (result.outcome, result.refine) == ("open", None)
        assert result.message
    assert "internal error" not in result.message


@pytest.mark.parametrize("case", CASES, ids=label)
def test_once_the_fault_is_gone_the_next_run_ends_as_if_it_had_never_been(matrix, case):
    feed, _, _, _, second = matrix
    assert table_of(second, case.table).outcome in ("loaded", "up to date", "unchanged")
    assert_equal(feed, case.table)
    count = feed.rows(f"select count(*)::int as n from increment_{case.table}")
    assert count == [{"n": case.records}]


@pytest.mark.parametrize("case", [case for case in CASES if case.fault in HARMLESS], ids=label)
def test_what_is_only_odd_is_loaded_at_once(matrix, case):
    _, first, _, right, _ = matrix
    assert table_of(first, case.table).outcome == "loaded"
    assert case.table in right


def test_a_table_that_is_well_is_published_beside_all_that_are_not(matrix):
    feed, first, _, right, second = matrix
    assert (first.exit_code, second.exit_code) == (1, 0)
    assert table_of(first, "calm").outcome == "loaded"
    assert "calm" in right
    assert_equal(feed, "calm")
