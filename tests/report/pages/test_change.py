"""Change: what each day added, changed and deleted, counted from the versions received and equal to the runs' sums."""

from collections import Counter
from datetime import date

import pytest

from flow.ingest.served import fill, record
from planlake.report.pages.figures.change import change, changes_by_day, changes_of, shade
from planlake.report.pages.figures.kept import KEPT_FILE, Kept, read_kept
from planlake.report.pages.figures.lake_facts import open_facts
from planlake.report.pages.write import write_report
from planlake.simulator.faults import Rule
from planlake.sources.catalogue import catalogue_of

from ..conftest import DAYS


def counted(feed, table):
    """Of each day what `changes_of` says."""
    with open_facts(feed.config) as facts:
        found = changes_of(facts, catalogue_of(feed.config).resource(table))
    return {day.day: tuple(counts) for day, *counts in found}


def by_hand(feed, table):
    """The same in plain Python, from every version in the order in which they came."""
    found, gone = {}, {}
    query = f"select id, is_deleted, import_date from increment_{table} order by batch, page_number, import_position"
    for row in feed.rows(query):
        counts = found.setdefault(int(row["import_date"][-2:]), Counter())
        kind = "deleted" if row["is_deleted"] else "added" if gone.get(row["id"], True) else "changed"
        counts[kind] += 1
        gone[row["id"]] = row["is_deleted"]
    return {day: tuple(counts[kind] for kind in ("added", "changed", "deleted")) for day, counts in found.items()}


@pytest.fixture
def changed(feed):
    """The lake after a day with new and changed records, one on which some went, and one on which one came back."""
    fill(feed.data, "things", 5, "2026-11-16 09:00:00", start=28)  # 28 to 32 are there, and change
    fill(feed.data, "things", 3, "2026-11-16 10:00:00", start=50)
    feed.run_at(DAYS[2])
    feed.data.delete("wards_", 2)
    feed.run_at(DAYS[7])
    feed.data.put("wards_", record(2, "2026-11-23 09:00:00"))
    feed.run_at(DAYS[9], "wards_", is_full=True)
    return feed


def test_each_day_has_what_plain_python_counts(changed):
    assert counted(changed, "things") == by_hand(changed, "things")
    assert counted(changed, "things")[17] == (3, 5, 0)
    assert counted(changed, "wards_") == by_hand(changed, "wards_")
    assert counted(changed, "wards_")[22] == (0, 0, 1)


def test_a_record_that_comes_back_is_added_again(changed):
    assert counted(changed, "wards_")[24] == (1, 0, 0)


def test_the_sum_is_what_the_runs_added(changed):
    for table in ("things", "others", "wards_"):
        (sums,) = changed.rows(f"select sum(refined)::bigint as refined from runs where resource = '{table}'")
        assert sum(sum(counts) for counts in counted(changed, table).values()) == sums["refined"]


def test_the_newest_day_is_shown_first_and_each_day_leads_to_its_neighbours(changed):
    with open_facts(changed.config) as facts:
        found, newest = changes_by_day(facts), change(facts)
    assert list(found) == [date(2026, 11, day) for day in (24, 22, 17, 16, 15)]
    assert (newest.day, newest.later, newest.earlier) == (date(2026, 11, 24), None, date(2026, 11, 22))
    assert found[date(2026, 11, 17)].answer == "3\u00a0records were added, 5 changed and 0 deleted"
    (line,) = found[date(2026, 11, 17)].tables
    assert (line.table, line.added, line.changed, line.deleted, line.rows) == ("things", 3, 5, 0, 35)
    assert {one.table: sum(one.shades) > 0 for one in newest.years} == {"things": True, "others": True, "wards_": True}


def test_days_have_pages_that_lead_to_each_other(changed, written):
    text = written("change/2026-11-22.html")
    assert 'href="../change/2026-11-24.html"' in text
    assert 'href="../change/2026-11-17.html"' in text
    assert 'href="change/2026-11-22.html"' in written("change.html")


def test_where_nothing_came_the_page_says_what_to_do(feed, tmp_path):
    with open_facts(feed.config.model_copy(update={"folder": tmp_path / "other"})) as facts:
        assert change(facts).answer == "Nothing was received yet"


def test_shades_are_darker_the_more_came():
    assert [shade(count, 10_000) for count in (0, 1, 10, 500, 10_000)] == [0, 1, 2, 3, 4]
    assert [shade(count, 1) for count in (0, 1)] == [0, 4]


def test_figures_of_versions_are_kept_for_the_next_report_and_of_old_ones_no_more(feed, tmp_path, monkeypatch):
    write_report(feed.config, tmp_path / "out")
    kept = read_kept(tmp_path / "out")
    assert (len(kept.profiles), len(kept.changes)) == (3, 3)
    with monkeypatch.context() as patched:
        patched.setattr("planlake.report.pages.figures.columns._counted", None)
        patched.setattr("planlake.report.pages.figures.change.rows_sql", lambda *_, **__: "nothing_that_is_there")
        write_report(feed.config, tmp_path / "out")
    fill(feed.data, "things", 1, "2026-11-16 09:00:00", start=70)
    feed.run_at(DAYS[2])
    write_report(feed.config, tmp_path / "out")
    after = read_kept(tmp_path / "out")
    assert (len(after.profiles), len(after.profiles.keys() & kept.profiles.keys())) == (3, 2)
    (tmp_path / "out" / KEPT_FILE).write_text("{]")
    assert read_kept(tmp_path / "out") == Kept()


def test_the_newest_day_says_which_tables_are_older_and_the_days_before_it_do_not(feed, written):
    fill(feed.data, "others", 2, "2026-11-16 10:00:00", start=50)
    feed.fail(Rule(resource="things", status=503, times=None))
    feed.run_at(DAYS[2])
    text = written("change.html")
    assert text.index("things is from yesterday, because ") < text.index("<table")
    assert "things is from yesterday, because " in written("change/2026-11-17.html")
    assert "things is from" not in written("change/2026-11-16.html")
