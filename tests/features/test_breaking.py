"""A scenario that passes whatever the product does proves nothing: with the product broken in its place, each fails.

All share a council; what a broken product left in a preview is dropped with it. Those that move the clock come last.
"""

from dataclasses import replace

import pyarrow as pa
import pytest
from pytest_bdd import scenario

from planlake.changes import previews as preview
from planlake.engines.duckdb import casting as duckdb
from planlake.flow.ingest import step as ingest
from planlake.flow.refine import step as refine
from planlake.flow.refine.parsing import RecordKeys
from planlake.flow.snapshot.result import SnapshotResult
from planlake.runs import table_run
from planlake.setup import try_table as try_out


def records_are_cut(monkeypatch):
    whole = ingest.raw_rows

    def cut(*arguments):
        rows = whole(*arguments)
        texts = pa.array(['{"id": "1"}'] * len(rows), rows.schema.field("api_response").type)
        return rows.set_column(rows.column_names.index("api_response"), "api_response", texts)

    monkeypatch.setattr(ingest, "raw_rows", cut)


def only_ids_are_parsed(monkeypatch):
    monkeypatch.setattr("planlake.lake.views.views.found_keys", lambda *_: ["id"])


def numbers_are_one_too_high(monkeypatch):
    cast = duckdb.cast_expression

    def too_high(column, type_name):
        return f"({cast(column, type_name)} + 1)::integer" if type_name == "integer" else cast(column, type_name)

    monkeypatch.setattr(duckdb, "cast_expression", too_high)


def later_versions_are_not_applied(monkeypatch):
    snapshot = table_run.snapshot

    def first_only(context, resource, **more):
        if context.lake.find("refined", f"current_{resource.name}") is None:
            return snapshot(context, resource, **more)
        return SnapshotResult(resource.name, 0)

    monkeypatch.setattr(table_run, "snapshot", first_only)


def differences_are_overlooked(monkeypatch):
    monkeypatch.setattr("planlake.inspection.documentation.differences", lambda *_: [])


def new_attributes_are_dropped(monkeypatch):
    monkeypatch.setattr(refine, "_keys_of_records", lambda *_: RecordKeys(("id", "last_updated")))


def rollback_does_nothing(monkeypatch):
    monkeypatch.setattr("planlake.changes.rollback._apply", lambda *_: None)


def added_and_removed_are_mixed_up(monkeypatch):
    compare = preview.compare_versions

    def mixed_up(*arguments, **more):
        found = compare(*arguments, **more)
        return replace(found, added=found.removed, removed=found.added)

    monkeypatch.setattr(preview, "compare_versions", mixed_up)


def every_value_is_taken_to_fit(monkeypatch):
    trials = try_out.column_trials

    def well(*arguments, **more):
        return [replace(one, fits=one.declared, bad=0, example="", verdict="ok") for one in trials(*arguments, **more)]

    monkeypatch.setattr(try_out, "column_trials", well)


def checks_of_ones_own_are_ignored(monkeypatch):
    monkeypatch.setattr("planlake.flow.snapshot.step.own_checks", lambda *_: iter(()))


BROKEN = {
    records_are_cut: (
        "4_1_api_ingestion.feature",
        "1.2.4 The answer of the API is there, of today, as JSON",
        "Expected: each record as the API has it",
    ),
    only_ids_are_parsed: (
        "4_2_parsing.feature",
        "2.3.4 The records of today are there, every column as text",
        "Expected: enforcement_id is 1 in every row, not None",
    ),
    numbers_are_one_too_high: (
        "4_3_recasting.feature",
        "3.2.4 The versions received today are there, typed",
        "Expected: enforcement_id is 1 in every row, not 2",
    ),
    later_versions_are_not_applied: (
        "4_4_snapshot.feature",
        "4.2.4 in section 4.3: today's snapshot is there, one row for each record, the latest",
        "Expected: 9 rows, not 8",
    ),
    added_and_removed_are_mixed_up: (
        "1_the_grand_scenario.feature",
        "The table is tried where nobody else is disturbed",
        "Expected: a row with table enforcement_outcomes, rows before, rows here 8, added 8, removed 0, changed 0",
    ),
    checks_of_ones_own_are_ignored: (
        "4_2_parsing.feature",
        "2.2.2 Nothing is pasted: what is one's own is a line of planlake.yaml",
        "Expected: exit status 1, not 0",
    ),
    differences_are_overlooked: (
        "2_other_scenarios.feature",
        "What the vendor changed in the documentation is found",
        "Expected: exit status 1, not 0",
    ),
    new_attributes_are_dropped: (
        "2_other_scenarios.feature",
        "A new attribute of a list of codes comes in by itself within the week",
        "Expected: the words 'district'",
    ),
    rollback_does_nothing: (
        "5_deployment_and_rollback.feature",
        "A table that turned out wrong is set back to an earlier day, the others stay, and that is taken back too",
        "Expected: 1 row fewer in enforcement_breaches than the API has",
    ),
    every_value_is_taken_to_fit: (
        "3_what_is_changed.feature",
        "What a table would be like is seen on a sample of it, before its name is in the file",
        "Expected: a row with column enforcement_id, declared integer, values fit text",
    ),
}


@pytest.fixture(autouse=True)
def dropped(council, person):
    """What was made in previews is dropped, and nothing is taken for seen to."""
    yield
    if "DPP-426" in council.made:
        person.type("planlake env drop DPP-426 --yes")
    council.made.clear()


@pytest.mark.parametrize("breaking", BROKEN, ids=lambda breaking: breaking.__name__)
def test_a_scenario_fails_where_the_product_is_broken_in_its_place(request, monkeypatch, breaking):
    feature, title, words = BROKEN[breaking]
    with monkeypatch.context() as broken, pytest.raises(pytest.fail.Exception) as failed:
        breaking(broken)
        scenario(feature, title)(lambda: None)(request, {})
    assert words in str(failed.value), str(failed.value)
