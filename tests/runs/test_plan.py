"""What is planned for a table: its stages in their order, which a run walks and `planlake plan` shows."""

from datetime import datetime

import pytest

from conftest import feeding
from flow.tables import put, settings_of, thing
from planlake.runs.plan import CountStage, IngestStage, RefineStage, Selection, SnapshotStage, steps_of
from planlake.runs.run import table_plans
from planlake.simulator.dataset import Dataset

FIRST, NEXT, A_WEEK_LATER = "2026-11-17T03:00:00", "2026-11-18T03:00:00", "2026-11-24T03:00:00"
ALL = [IngestStage, RefineStage, SnapshotStage]


@pytest.fixture
def feed(tmp_path):
    data = Dataset({"things": {"id": "integer"}}, now=datetime.fromisoformat(FIRST), page_size=2)
    with feeding(data, tmp_path, settings_of(["things"])) as made:
        put(made, 1, thing(1, "one"))
        yield made


def stages(feed, now, **selected):
    """The stages planned for the one table at a time."""
    feed.monkeypatch.setenv("PLANLAKE_NOW", now)
    [table] = table_plans(feed.config, Selection(**selected))
    assert table.table == "things"
    return table.stages


def kinds(*arguments, **selected):
    return [type(stage) for stage in stages(*arguments, **selected)]


def test_a_table_is_ingested_refined_and_shown_and_counted_once_a_week(feed):
    assert kinds(feed, FIRST) == ALL
    feed.run_at(FIRST)
    assert kinds(feed, NEXT) == ALL
    assert kinds(feed, A_WEEK_LATER) == [*ALL, CountStage]
    assert stages(feed, A_WEEK_LATER)[-1].why == "every 7 days"
    assert feed.run_at(A_WEEK_LATER).exit_code == 0
    assert kinds(feed, "2026-11-24T03:30:00") == ALL


def test_a_named_table_is_read_due_or_not_and_with_a_cadence_only_when_it_is_of_it_and_due(feed):
    tables = feed.config.tables.model_copy(update={"daily": (), "weekly": ("things",)})
    feed.config = feed.config.model_copy(update={"tables": tables})
    feed.run_at("2026-11-22T05:00:00")  # a Sunday
    monday, sunday = "2026-11-23T05:00:00", "2026-11-29T05:00:00"
    named = {"tables": ("things",)}
    assert [stages(feed, day, **named)[0].windows != () for day in (monday, sunday)] == [True, True]
    assert [stages(feed, day, **named, cadence="weekly")[0].windows != () for day in (monday, sunday)] == [False, True]
    assert table_plans(feed.config, Selection(**named, cadence="daily")) == []


def test_a_step_by_name_is_one_stage_and_a_recast_asks_the_api_for_nothing(feed):
    feed.run_at(FIRST)
    assert kinds(feed, NEXT, step="ingest") == [IngestStage]
    assert kinds(feed, NEXT, step="refine") == [RefineStage]
    assert kinds(feed, NEXT, step="snapshot") == [SnapshotStage]
    refining, showing = stages(feed, NEXT, recasts=True)
    assert (refining.rebuild, refining.why, showing.why) == ("if affected", *["recast where affected"] * 2)


def test_a_table_that_differed_when_it_was_counted_is_counted_until_it_is_read_in_full(feed):
    feed.run_at(FIRST)
    put(feed, 2, thing(2, "dated back"))  # on a day that is closed
    feed.run_at(A_WEEK_LATER)
    assert stages(feed, "2026-11-24T03:30:00")[-1] == CountStage("the API had 2 when 1 were held")
    assert [step.step for step in steps_of(table_plans(feed.config, Selection()))] == ["ingest", "refine", "snapshot"]
