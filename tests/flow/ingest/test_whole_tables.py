"""Tables read whole: only real changes become versions, and a deletion is believed only when it is proven."""

from datetime import date

import pytest

from conftest import feeding, table_of
from flow.ingest.served import asked, assert_equal, fill, held, record, served, settings_of, shown, versions
from flow.ingest.spoiling import HEADERS, HTML
from planlake.runs.plan import Selection
from planlake.runs.run import run
from planlake.simulator.faults import Rule

NULL = {
    "status": 200,
    "body": b"null",
    "headers": dict.fromkeys(HEADERS, "1"),
}
SUNDAYS = [f"2026-11-{day:02}T10:00:00" for day in (1, 8, 15, 22, 29)]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """A weekly table without `last_updated` and a daily one, pages of five, loaded on a Sunday."""
    data = served(["wards_", "things"], page_size=5, now="2026-11-01T10:00:00")
    with feeding(data, tmp_path_factory.mktemp("loaded"), settings_of(["things"], ["wards_"])) as made:
        fill(data, "wards_", 40)
        fill(data, "things", 40, "2026-10-20 09:00:00")
        made.run_at(SUNDAYS[0])
        yield made, made.remembered()


def deleted(feed, table="wards_"):
    query = f"select id from current_{table} where is_deleted order by id"
    return [row["id"] for row in feed.rows(query)]


def rename(feed, identity, name, table="wards_"):
    feed.data.put(table, {**feed.data.record(table, identity), "name": name})


# ---------------------------------------------------------------- changes


def test_a_table_is_due_once_since_the_last_sunday(feed):
    feed.simulator.requests.clear()
    feed.run_at("2026-11-02T10:00:00")
    feed.run_at("2026-11-07T23:00:00")
    assert asked(feed, "wards_") == []
    feed.run_at("2026-11-10T10:00:00")
    assert len(asked(feed, "wards_")) == 9  # nothing came behind the last, which is full
    feed.simulator.requests.clear()
    feed.run_at("2026-11-14T10:00:00")
    assert asked(feed, "wards_") == []
    feed.run_at("2026-11-15T00:30:00")
    assert len(asked(feed, "wards_")) == 9


def test_only_what_really_changed_becomes_a_version(feed):
    rename(feed, 7, "new name")
    fill(feed.data, "wards_", 1, start=41)
    feed.data.put("wards_", dict(reversed(feed.data.record("wards_", 9).items())))
    result = table_of(feed.run_at(SUNDAYS[1]), "wards_")
    assert (result.ingest.records, result.ingest.stored, result.refine.rows) == (41, 2, 2)
    assert versions(feed, "wards_") == 42
    assert_equal(feed, "wards_")


def test_a_week_without_changes_writes_no_row(feed):
    before = feed.snapshots()
    result = table_of(feed.run_at(SUNDAYS[1]), "wards_")
    assert (result.outcome, result.ingest.records, result.ingest.stored) == ("unchanged", 40, 0)
    after = feed.snapshots()
    assert after["raw.api_responses"] == before["raw.api_responses"]
    assert after["refined.increment_wards_"] == before["refined.increment_wards_"]


def test_a_record_without_an_id_that_stays_as_it_is_is_kept_once(feed):
    feed.data.put("wards_", {"id": "90"}, body=b'{"name": "no id"}')
    feed.run_at(SUNDAYS[1])
    feed.run_at(SUNDAYS[2])
    assert feed.rows("select count(*)::int as n from rejected where resource = 'wards_'") == [{"n": 1}]


# ---------------------------------------------------------------- deletions


@pytest.mark.parametrize("table", ["wards_", "things"])
def test_what_is_no_longer_shown_is_asked_for_alone_and_then_deleted(feed, table):
    for identity in (3, 40):
        feed.data.delete(table, identity)
    feed.simulator.requests.clear()
    result = feed.run_at(SUNDAYS[1], table, is_full=True)
    assert (result.exit_code, table_of(result, table).ingest.deleted) == (0, 2)
    assert [window for window, _ in asked(feed, table) if window.startswith("id")] == ["id 3", "id 40"]
    assert deleted(feed, table) == [3, 40]
    assert_equal_without_deleted(feed, table)
    history = (
        f"select id, is_deleted, valid_to is null as is_last from history_{table} where id = 3 order by valid_from"
    )
    assert [tuple(row.values()) for row in feed.rows(history)] == [(3, False, False), (3, True, True)]
    tombstones = feed.rows(f"select count(*)::int as n from api_responses where resource = '{table}' and is_deleted")
    assert tombstones == [{"n": 2}]


def assert_equal_without_deleted(feed, table):
    assert held(feed, table) == shown(feed.data, table)


def test_a_record_that_only_the_list_does_not_show_is_not_deleted(feed):
    """It is missing from every page, and the request for it alone answers it."""
    hidden = feed.data.page

    def page(resource, filters, number):
        if resource == "wards_" and "id" not in filters:
            body = feed.data._tables["wards_"].bodies.pop(3)
            feed.data._tables["wards_"].ids.remove(3)
            try:
                return hidden(resource, filters, number)
            finally:
                feed.data._tables["wards_"].bodies[3] = body
                feed.data._tables["wards_"].ids.insert(2, 3)
        return hidden(resource, filters, number)

    feed.data.page = page
    result = feed.run_at(SUNDAYS[1])
    assert table_of(result, "wards_").ingest.deleted == 0
    assert deleted(feed) == []
    assert 3 in held(feed, "wards_")


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 500},
        {"status": 404},
        {"status": 200, "body": HTML},
        {"status": 202, "body": HTML},
        {"reset": True},
        NULL,
    ],
    ids=["500", "404", "firewall page", "firewall challenge with 202", "reset", "null with headers"],
)
def test_a_deletion_whose_proof_fails_is_not_believed(feed, fault):
    feed.data.delete("wards_", 3)
    feed.fail(Rule(resource="wards_", query={"id": "3"}, times=None, **fault))
    feed.run_at(SUNDAYS[1])
    assert 3 in held(feed, "wards_")
    feed.fail()
    assert feed.run_at(SUNDAYS[2]).exit_code == 0
    assert deleted(feed) == [3]


def test_a_reading_that_is_not_complete_deletes_nothing(feed):
    feed.data.delete("wards_", 3)
    feed.fail(Rule(resource="wards_", query={"page": "5"}, status=404, times=None))
    assert feed.run_at(SUNDAYS[1]).exit_code == 1
    assert 3 in held(feed, "wards_")
    feed.fail()
    feed.run_at(SUNDAYS[2])
    assert deleted(feed) == [3]


def test_more_deletions_than_the_limit_are_held_back_and_named(feed):
    for identity in (3, 4, 5):  # 7.5 % of 40
        feed.data.delete("wards_", identity)
    result = feed.run_at(SUNDAYS[1])
    assert (result.exit_code, table_of(result, "wards_").ingest.held_back) == (1, 3)
    message = "3 of 40 records held are not in the API's answer any more (7.5 %, believed up to 5 %)"
    assert (table_of(result, "wards_").outcome, table_of(result, "wards_").message) == ("held", message)
    assert deleted(feed) == []
    settings = feed.config.settings.model_copy(update={"deletion_limit_percent": 50})
    feed.config = feed.config.model_copy(update={"settings": settings})
    assert feed.run_at(SUNDAYS[2]).exit_code == 0
    assert deleted(feed) == [3, 4, 5]


def test_exactly_the_limit_is_not_held_back(feed):
    for identity in (3, 4):  # 5 % of 40
        feed.data.delete("wards_", identity)
    assert feed.run_at(SUNDAYS[1]).exit_code == 0
    assert deleted(feed) == [3, 4]


def test_a_record_that_reappears_is_there_again(feed):
    body = feed.data.record("wards_", 3)
    feed.data.delete("wards_", 3)
    feed.run_at(SUNDAYS[1])
    assert deleted(feed) == [3]
    feed.data.put("wards_", body)
    feed.run_at(SUNDAYS[2])
    assert deleted(feed) == []
    assert_equal(feed, "wards_")
    feed.data.delete("wards_", 3)
    feed.run_at(SUNDAYS[3])
    assert deleted(feed) == [3]
    flags = feed.rows("select is_deleted from history_wards_ where id = 3 order by valid_from")
    assert [row["is_deleted"] for row in flags] == [False, True, False, True]


def test_a_deleted_record_is_not_asked_for_every_week(feed):
    feed.data.delete("wards_", 3)
    feed.run_at(SUNDAYS[1])
    feed.simulator.requests.clear()
    feed.run_at(SUNDAYS[2])
    assert not [window for window, _ in asked(feed, "wards_") if window.startswith("id")]


def test_a_record_of_a_daily_table_that_reappears_under_its_day_is_there_again(feed):
    feed.data.delete("things", 3)
    feed.run_at(SUNDAYS[1], "things", is_full=True)
    assert deleted(feed, "things") == [3]
    feed.data.put("things", record(3, "2026-11-09 12:00:00", name="back"))
    feed.run_at("2026-11-10T10:00:00")
    assert deleted(feed, "things") == []
    assert_equal(feed, "things")


def test_ids_that_are_written_with_leading_zeros_are_no_deletions(feed):
    for identity in range(1, 41):
        feed.data.put("wards_", {"id": str(identity)}, body=b'{"id": "%03d", "name": "padded"}' % identity)
    result = feed.run_at(SUNDAYS[1])
    assert table_of(result, "wards_").ingest.held_back == 0
    assert deleted(feed) == []


# ---------------------------------------------------------------- empty answers


@pytest.mark.parametrize("how", ["no data", "null", "all gone"])
def test_an_empty_answer_to_a_full_reading_is_a_failure_where_anything_is_held(feed, how):
    before = held(feed, "wards_")
    if how == "all gone":
        for identity in feed.data.ids("wards_"):
            feed.data.delete("wards_", identity)
    else:
        status, body = (202, b"") if how == "no data" else (200, b"null")
        feed.fail(Rule(resource="wards_", status=status, body=body, times=None))
    result = feed.run_at(SUNDAYS[1])
    assert (result.exit_code, table_of(result, "wards_").outcome) == (1, "open")
    assert held(feed, "wards_") == before


def test_an_empty_answer_to_a_day_is_an_empty_day(feed):
    feed.monkeypatch.setenv("PLANLAKE_NOW", "2026-11-05T10:00:00")
    result = run(feed.config, Selection(tables=("things",), backfill=(date(2026, 11, 2),)))
    assert result.exit_code == 0


# ---------------------------------------------------------------- another API answers


def other_records(feed, table, count):
    """Serve other records in the place of all there were, as a wrong address does."""
    for identity in feed.data.ids(table):
        feed.data.delete(table, identity)
    fill(feed.data, table, count, start=1000)


def served_again(feed, table, before):
    for identity in feed.data.ids(table):
        feed.data.delete(table, identity)
    for one in before:
        feed.data.put(table, one)


@pytest.mark.parametrize("table", ["wards_", "things"])
def test_another_api_read_in_full_holds_the_table_and_nothing_of_it_counts(feed, table):
    before, shown_before = list(feed.data.records(table)), held(feed, table)
    bookmarks = feed.snapshots()[f"refined.increment_{table}"]
    other_records(feed, table, 38)
    result = feed.run_at(SUNDAYS[1], table, is_full=True)
    done = table_of(result, table)
    assert (result.exit_code, done.outcome, done.ingest.held_back, done.ingest.closed) == (1, "held", 40, ())
    assert done.message == "40 of 40 records held are not in the API's answer any more (100 %, believed up to 5 %)"
    query = f"from checks where resource = '{table}' and \"check\" = 'deletions' order by run desc limit 1"
    assert feed.rows(f'select verdict, figure, "limit" {query}') == [{"verdict": "held", "figure": 100.0, "limit": 5.0}]
    assert (held(feed, table), feed.snapshots()[f"refined.increment_{table}"]) == (shown_before, bookmarks)
    served_again(feed, table, before)
    assert feed.run_at("2026-11-10T10:00:00").exit_code == 0
    assert feed.run_at(SUNDAYS[2], table, is_full=True).exit_code == 0
    assert_equal(feed, table)


def test_many_deletions_are_believed_once_they_are_accepted(feed):
    for identity in (3, 4, 5):
        feed.data.delete("wards_", identity)
    feed.run_at(SUNDAYS[1])
    feed.monkeypatch.setenv("PLANLAKE_NOW", "2026-11-08T11:00:00")
    result = run(feed.config, Selection(tables=("wards_",), is_full=True, accepts_deletions=True))
    done = table_of(result, "wards_")
    assert (result.exit_code, done.outcome, done.ingest.deleted) == (0, "loaded", 3)
    told = [(one.check, one.verdict) for one in done.checks if one.verdict != "ok"]
    assert told == [("deletions", "warning")]
    assert deleted(feed) == [3, 4, 5]
    assert_equal_without_deleted(feed, "wards_")


def test_a_held_reading_is_begun_anew_and_not_gone_on_with(feed):
    other_records(feed, "wards_", 38)
    feed.run_at(SUNDAYS[1])
    feed.simulator.requests.clear()
    assert table_of(feed.run_at("2026-11-09T10:00:00"), "wards_").outcome == "held"
    assert len(asked(feed, "wards_")) >= 8


@pytest.mark.parametrize("is_first", [True, False])
def test_a_reading_that_goes_on_at_another_api_brings_no_record_of_the_first(feed, is_first):
    """Where nothing is shown yet each of them is asked for alone; else the reading is begun again."""
    if is_first:
        feed.data.put("things", record(41))
        feed.config = feed.config.model_copy(update={"folder": feed.config.folder / "anew"})
    before = list(feed.data.records("things"))
    other_records(feed, "things", 40)
    feed.fail(Rule(resource="things", query={"page": "8"}, status=404, times=None))
    assert table_of(feed.run_at(SUNDAYS[1], "things", is_full=True), "things").outcome == "open"
    feed.fail()
    served_again(feed, "things", before)
    result = table_of(feed.run_at("2026-11-08T12:00:00", "things"), "things")
    assert result.outcome == ("loaded" if is_first else "held")
    assert feed.run_at("2026-11-09T10:00:00", "things", is_full=not is_first).exit_code == 0
    assert_equal(feed, "things")
