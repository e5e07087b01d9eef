"""Faults that pass: asked again in the same run, they leave no trace but in the ledger."""

import pytest

from conftest import feeding, table_of
from flow.ingest.served import assert_equal, fill, ledger, served, settings_of
from flow.ingest.spoiling import FAULTS, PAGE_SIZE, PASSING, REPEATS, Case, label

pytestmark = pytest.mark.slow  # 44 tables in one run
ALL = FAULTS | REPEATS
SOME_STAGES = ("one_page", "middle")  # every stage is met by faults that stay
CASES = [Case(fault, stage) for fault in (*PASSING, *REPEATS) for stage in SOME_STAGES]
CASES.remove(Case("a record of another page in place of one", "one_page"))


@pytest.fixture(scope="module")
def matrix(tmp_path_factory):
    """A lake with a table for every fault and stage: each fault acts once."""
    tables = [case.table for case in CASES]
    data = served(tables, page_size=PAGE_SIZE)
    for case in CASES:
        fill(data, case.table, case.records)
    with feeding(data, tmp_path_factory.mktemp("passing"), settings_of(tables, concurrency=16)) as feed:
        feed.fail(*(case.rule(ALL, times=1) for case in CASES))
        yield feed, feed.run_at("2026-11-17T03:00:00")


@pytest.mark.parametrize("case", CASES, ids=label)
def test_a_fault_that_passes_is_mended_in_the_same_run(matrix, case):
    feed, result = matrix
    assert table_of(result, case.table).outcome == "loaded", table_of(result, case.table).message
    assert_equal(feed, case.table)
    assert feed.rows(f"select count(*)::int as n from increment_{case.table}") == [{"n": case.records}]


def test_the_ledger_knows_how_often_was_asked(matrix):
    feed, _ = matrix
    table = Case("503", "middle").table
    assert sorted(ledger(feed, table, "page, status, attempts", "event = 'page'")) == [
        (1, 200, 1),
        (2, 200, 2),
        (3, 200, 1),
        (4, 200, 1),
    ]
