"""Status: trouble first, a sentence each with since when and the next command; nothing is called well that is not."""

import json
from datetime import date

import pytest

from commands import typed_in_process
from conftest import feeding
from flow.ingest.served import fill, record, served, settings_of
from planlake.changes.forget import forget
from planlake.changes.rollback import rollback, undo
from planlake.config import SqlCheck
from planlake.engines.duckdb.connection import connected_to_read
from planlake.lake.open_lake import open_to_read
from planlake.report.check_history import check_histories
from planlake.report.pages.figures.days import days_of_tables
from planlake.report.pages.figures.lake_facts import open_facts
from planlake.report.pages.figures.today import today
from planlake.report.status import of_tables as status_of_tables
from planlake.report.status import status, status_of
from planlake.report.troubles import AGAIN, Trouble, hints_shown
from planlake.runs.reconcile import reconcile
from planlake.simulator.faults import Rule

from .conftest import DAYS


@pytest.fixture
def typed(feed, monkeypatch, capfd):
    monkeypatch.setenv("COLUMNS", "80")
    file = feed.config.folder / "planlake.yaml"
    return lambda *words: typed_in_process(monkeypatch, capfd, (words[0], "--config", file, *words[1:]))


def said(feed):
    return [(one.kind, one.sentence, one.next_command) for one in status(feed.config).troubles]


def at(feed, day):
    feed.monkeypatch.setenv("PLANLAKE_NOW", day)


def test_where_all_is_well_every_table_is_complete_and_the_exit_status_is_0(feed, typed):
    reconcile(feed.config, ["things"], is_deep=True)
    found = status(feed.config)
    assert (found.troubles, [one.is_complete for one in found.tables]) == ((), [True, True, True])
    shown = typed("status")
    assert (shown.status, shown.out.count("= complete")) == (0, 3)
    assert max(map(len, shown.out.splitlines())) <= 80
    told = json.loads(typed("status", "--json").out)
    assert (told["is_well"], told["troubles"], len(told["tables"])) == (True, [], 3)


def test_an_api_that_does_not_answer_is_the_first_thing_said_with_since_when(feed, typed):
    feed.fail(
        Rule(resource="*", reset=True, times=None),
        *(Rule(resource=t, reset=True, times=None) for t in ("things", "others", "wards_")),
    )
    for day in DAYS[2:4]:
        with pytest.raises(Exception, match="cannot be reached"):
            feed.run_at(day)
    kind, sentence, command = said(feed)[0]
    assert (kind, command) == ("last run", "planlake doctor")
    assert sentence.startswith("the last run (4 of 18 November) failed: the API cannot be reached")
    assert sentence.endswith("2 in a row did not end well, since 17 November (run 3)")
    shown = typed("status")
    assert shown.status == 1
    assert shown.out.splitlines()[0].startswith("! the last run (4 of 18 November) failed")
    assert shown.out.splitlines()[1].startswith("hint: planlake doctor --config ")
    assert (shown.out.count("= complete"), shown.out.count("? not known")) == (0, 3)
    feed.fail()
    assert feed.run_at(DAYS[4]).exit_code == 0
    assert said(feed) == []


def test_a_table_that_a_check_holds_is_said_to_be_held_with_the_day_it_began(feed, typed):
    for identity in range(101, 130):
        feed.data.put("things", record(identity, "2026-11-16 12:00:00", amount="n/a"))
    feed.run_at(DAYS[2])
    feed.run_at(DAYS[3])
    kind, sentence, command = said(feed)[0]
    assert (kind, command) == ("held", "planlake check things")
    assert sentence.startswith("things: held since 17 November (run 3, 2 runs): 29 of 29 values of amount do not cast")
    assert sentence.endswith("people see the last good version, of 16 November")
    shown = typed("status")
    assert (shown.status, shown.out.count("= complete")) == (1, 2)
    assert "! held" in shown.out
    assert "things" in typed("check").out


FOREIGN = {
    "a page nobody has": (Rule(resource="others", status=404, times=None), "status 404"),
    "a firewall": (Rule(resource="others", body=b"<html><title>Access denied</title></html>", times=None), "HTML page"),
    "a redirect": (Rule(resource="others", status=302, times=None), "status 302"),
}


@pytest.mark.parametrize("what", FOREIGN)
def test_where_something_else_answers_the_doctor_is_asked_by_run_and_status(feed, typed, what):
    rule, seen = FOREIGN[what]
    feed.fail(rule)
    at(feed, DAYS[2])
    ran = typed("run")
    assert (ran.status, seen in ran.out) == (1, True)
    assert "hint: planlake doctor" in ran.err
    ((kind, sentence, command),) = said(feed)
    assert (kind, seen in sentence, command) == ("open", True, "planlake doctor")


@pytest.mark.parametrize("table", ["wards_", "things"])
def test_another_api_read_in_full_is_no_complete_table(feed, table):
    before = list(feed.data.records(table))
    for identity in feed.data.ids(table):
        feed.data.delete(table, identity)
    fill(feed.data, table, 20, start=1000)
    feed.run_at(DAYS[7], table, is_full=True)
    kinds = [kind for kind, sentence, _ in said(feed) if sentence.startswith(table)]
    assert kinds == ["held"]
    (trouble,) = (one for one in status(feed.config).troubles if table in one.tables)
    assert trouble.hints[0] == "planlake doctor"
    assert trouble.hints[1].startswith(f"planlake run {table} --full --accept-deletions, if this is the right API")
    for identity in feed.data.ids(table):
        feed.data.delete(table, identity)
    for one in before:
        feed.data.put(table, one)
    feed.run_at(DAYS[8])
    assert [kind for kind, sentence, _ in said(feed) if table in sentence] == []
    assert [(one.check, one.verdict) for one in check_histories(feed.config, [table]) if one.verdict == "held"] == []


def test_an_api_that_fails_once_today_was_read_is_told_by_run_status_and_page_until_it_answers(feed, typed):
    for _ in range(2):  # the second counts the day before again
        feed.run_at(DAYS[2])
    feed.fail(Rule(resource="things", status=500, times=None))
    ran = typed("run")
    told = "things: the API was asked again for 17 November and did not answer in full: page 1: status 500; "
    assert (ran.status, told in ran.err) == (0, True)
    assert ran.err.split("; the next run asks again\n")[1].startswith("hint: planlake doctor --config ")
    found = status(feed.config)
    assert (found.is_well, [one.tables for one in found.unanswered]) == (True, [("things",)])
    shown = typed("status")
    assert (shown.status, shown.out.startswith(told)) == (0, True)
    assert shown.out.splitlines()[1].startswith("hint: planlake doctor --config ")
    assert json.loads(typed("status", "--json").out)["notes"] == list(found.told)
    assert not status_of_tables(found, ["others"]).unanswered
    with open_facts(feed.config, None) as facts:
        assert today(facts).notes == found.told
    feed.fail()
    typed("run")
    assert status(feed.config).told == ()


def test_rows_the_api_does_not_have_any_more_are_counted_and_said(feed):
    feed.data.delete("things", 1)
    feed.run_at(DAYS[9])  # a week after the last count
    (trouble,) = said(feed)
    assert trouble[0] == "too many"
    assert trouble[1] == ("things: 1 row more than the API has: 32 were held when the API had 31 on 24 November")
    assert trouble[2] == "planlake reconcile things --deep --repair"
    feed.run_at(DAYS[10], "things", is_full=True)
    assert said(feed) == []


@pytest.mark.parametrize("is_larger", [True, False])
def test_a_count_that_differs_by_more_than_is_believed_sends_to_the_doctor_first(feed, is_larger):
    """It may be another API that answers, and a repair would bring its rows."""
    if is_larger:
        fill(feed.data, "others", 20, "2026-11-10 09:00:00", start=500)  # of a day that is read already
    else:
        for identity in range(1, 11):
            feed.data.delete("others", identity)
    reconcile(feed.config, ["others"])
    (trouble,) = status(feed.config).troubles
    assert trouble.kind == ("missing" if is_larger else "too many")
    assert trouble.hints == (
        "planlake doctor",
        "planlake reconcile others --deep --repair, if the right API answers",
    )


def test_rows_that_came_since_the_last_count_are_no_surplus_and_not_yet_proven(feed, typed):
    fill(feed.data, "things", 5, "2026-11-16 12:00:00", start=200)
    feed.run_at(DAYS[2])
    assert said(feed) == []
    things = status(feed.config).tables[0]
    assert (things.held, things.total, things.since, things.is_complete) == (37, 30, 7, False)
    shown = typed("status")
    assert (shown.status, shown.out.count("= complete"), shown.out.count("= complete, 7 newer")) == (0, 3, 1)


@pytest.mark.parametrize("is_deep", [False, True])
def test_the_count_that_is_shown_is_the_newest(feed, typed, is_deep):
    fill(feed.data, "things", 5, "2026-11-16 12:00:00", start=200)
    feed.run_at(DAYS[2])
    reconcile(feed.config, ["things"], is_deep=is_deep)
    things = status(feed.config).tables[0]
    assert (things.held, things.total, str(things.counted_at)[:10], things.is_complete) == (37, 37, "2026-11-17", True)


def test_a_page_that_fails_for_days_is_open_since_the_first_of_them(feed):
    feed.fail(Rule(resource="others", status=500, times=None))
    feed.run_at(DAYS[2])
    feed.run_at(DAYS[3])
    ((kind, sentence, command),) = said(feed)
    assert (kind, command) == ("open", "planlake run others")
    assert sentence.startswith("others: failed since 17 November: ")
    assert "status 500" in sentence


def test_tables_that_nobody_read_for_long_are_stale_the_weekly_one_later(feed):
    at(feed, DAYS[3])
    assert said(feed) == []
    at(feed, DAYS[4])
    ((kind, sentence, command),) = said(feed)
    assert (kind, command) == ("stale", "planlake run things others")
    assert sentence == "things and others: last published on 16 November, 3 days ago, and it is read daily"
    at(feed, "2026-12-01T10:00:00")
    assert ("stale", "planlake run wards_") in [(kind, command) for kind, _, command in said(feed)]


def test_a_lake_in_which_nothing_ran_says_only_that(tmp_path, monkeypatch, capfd):
    data = served(["things", "others"], now=DAYS[0])
    with feeding(data, tmp_path, settings_of(["things", "others"])) as made:
        assert said(made) == [("not loaded", "nothing was loaded yet", "planlake run")]
        file = made.config.folder / "planlake.yaml"
        shown = typed_in_process(monkeypatch, capfd, ("status", "--config", file))
        assert (shown.status, shown.out.count("- not loaded")) == (1, 2)


def test_a_table_that_is_configured_and_was_never_loaded_is_said(feed):
    tables = feed.config.tables.model_copy(update={"daily": ("things", "others", "fees")})
    feed.config = feed.config.model_copy(update={"tables": tables})
    assert said(feed) == [("not loaded", "fees: never loaded", "planlake run fees")]


def test_a_table_that_is_loaded_and_not_configured_any_more_is_told_and_no_trouble(feed):
    feed.config = feed.config.model_copy(
        update={"tables": feed.config.tables.model_copy(update={"daily": ("things",)})}
    )
    found = status(feed.config)
    assert found.is_well
    assert found.notes == ("others: loaded but not configured: runs update it only when named",)


class Counting:
    """A connection that notes what it is asked."""

    def __init__(self, connection):
        self.connection, self.asked = connection, []

    def execute(self, query, *values):
        self.asked.append(query)
        return self.connection.execute(query, *values)

    def __getattr__(self, name):
        return getattr(self.connection, name)


def test_as_many_questions_are_asked_however_many_tables_there_are_and_the_ledger_is_read_once(feed):
    asked = []
    for daily in (("things",), ("things", "others")):
        tables = feed.config.tables.model_copy(update={"daily": daily})
        config = feed.config.model_copy(update={"tables": tables})
        with connected_to_read(200) as connection:
            counting = Counting(connection)
            assert len(status_of(config, open_to_read(config), counting).tables) == len(daily) + 1
        asked.append(len(counting.asked))
        assert sum("/api_requests/" in query for query in counting.asked) == 1
    assert asked[0] == asked[1]


TARGETS = {"2026-11-15": date(2026, 11, 15), "1": 1, "last-good": "last-good"}
SPOKEN = {"2026-11-15": "15 November", "1": "run 1", "last-good": "the version before the last"}


@pytest.mark.parametrize("target", TARGETS)
def test_a_table_that_was_rolled_back_says_so_and_what_each_way_on_means(feed, typed, target):
    rollback(feed.config, ["things"], TARGETS[target], confirm=lambda _: True)
    (trouble,) = status(feed.config).troubles
    assert trouble.kind == "rolled back"
    assert trouble.sentence == (
        f"things: rolled back to {SPOKEN[target]} (run 3); people see the last good version, of 15 November; "
        "the next run applies the same records again"
    )
    assert trouble.hints == (
        "planlake undo, which takes the rollback back",
        f"planlake rollback things --to {target} --zone all, after the undo, if the records were wrong",
        "planlake run things, which applies the same records again",
    )
    shown = typed("status")
    assert (shown.status, shown.out.count("hint: "), "~ undone" in shown.out) == (1, 3, True)
    feed.run_at(DAYS[2])
    assert said(feed) == []


def test_a_table_whose_records_were_voided_says_that_the_next_run_asks_again_and_misses_no_rows(feed):
    reconcile(feed.config, ["things"])
    rollback(feed.config, ["things"], 1, zone="all", confirm=lambda _: True)
    (trouble,) = status(feed.config).troubles
    assert trouble.sentence == (
        "things: rolled back to run 1 (run 4); people see the last good version, of 15 November; "
        "the next run asks the API again for what came since"
    )
    assert trouble.hints == ("planlake run things", "planlake undo, which takes the rollback back")
    feed.run_at(DAYS[2])
    assert said(feed) == []


@pytest.mark.parametrize("zone", ["refined", "all"])
def test_a_rollback_that_was_taken_back_is_not_told_of(feed, zone):
    rollback(feed.config, [], 1, zone=zone, confirm=lambda _: True)
    undo(feed.config, confirm=lambda _: True)
    assert said(feed) == []


def test_a_table_rolled_back_for_days_is_said_to_be_that_and_no_more(feed):
    rollback(feed.config, ["things"], 1, confirm=lambda _: True)
    at(feed, DAYS[6])
    assert [kind for kind, sentence, _ in said(feed) if "things" in sentence] == ["rolled back"]


def test_what_was_refused_or_forgotten_is_not_missing(feed):
    feed.data.put("wards_", {"id": "90"}, body=b'{"name": "no id"}')
    feed.run_at(DAYS[7])
    assert said(feed) == []
    forget(feed.config, "wards_", "3", confirm=lambda _: True)
    assert said(feed) == []


def test_a_cell_that_is_still_null_is_not_called_well_the_day_after(feed):
    feed.data.put("things", record(101, "2026-11-16 12:00:00", amount="n/a"))
    feed.run_at(DAYS[2])
    fill(feed.data, "things", 1, "2026-11-17 12:00:00", start=300)
    feed.run_at(DAYS[3])
    newest = {(one.check, one.column): (one.verdict, one.message) for one in check_histories(feed.config, ["things"])}
    assert newest["casts", "amount"] == (
        "warning",
        "1 value of amount did not cast in earlier runs and is still NULL",
    )
    assert ("casts", "") not in newest
    feed.run_at(DAYS[4])
    assert feed.rows(
        "select verdict from checks where resource = 'things' and \"check\" = 'casts' order by run desc limit 1"
    ) == [{"verdict": "warning"}]
    feed.data.put("things", record(101, "2026-11-18 12:00:00", amount="3.5"))
    feed.run_at(DAYS[5])
    newest = {(one.check, one.column): one.verdict for one in check_histories(feed.config, ["things"])}
    assert (newest["casts", ""], ("casts", "amount") in newest) == ("ok", False)


def test_a_record_that_is_still_refused_is_not_called_well_the_day_after(feed):
    feed.data.put("things", {"id": "90", "last_updated": "2026-11-16 12:00:00"}, body=b'{"name": "no id"}')
    feed.run_at(DAYS[2])
    fill(feed.data, "things", 1, "2026-11-17 12:00:00", start=300)
    feed.run_at(DAYS[3])
    newest = {one.check: (one.verdict, one.message) for one in check_histories(feed.config, ["things"])}
    assert newest["rejected"] == ("warning", "1 records of earlier runs are still refused")


def test_a_check_keeps_its_result_until_it_is_made_again_and_one_that_is_no_more_is_not_shown(feed):
    own = (SqlCheck(table="things", name="no fives", rows="id = 305", holds=True),)
    strict, lenient = feed.config.model_copy(update={"checks": own}), feed.config
    fill(feed.data, "things", 10, "2026-11-16 12:00:00", start=300)
    feed.config = strict
    feed.run_at(DAYS[2])
    newest = {one.check: one.verdict for one in check_histories(feed.config, ["things"])}
    assert newest["no fives"] == "held"
    feed.config = lenient
    feed.run_at(DAYS[3])
    feed.run_at(DAYS[4])  # brings nothing new: what was checked of the rows shown still counts
    newest = {one.check: one.verdict for one in check_histories(feed.config, ["things"])}
    assert "no fives" not in newest
    assert {newest[check] for check in ("casts", "complete", "unique", "rows dropped", "freshness")} == {"ok"}


def test_no_run_is_named_while_the_place_of_the_lake_refuses_every_run():
    place, table = Trouble("place", "two histories", "planlake recover"), Trouble("stale", "old", AGAIN, ("wards",))
    assert [hints for _, hints in hints_shown([place, table])] == [("planlake recover",), ()]


def test_the_calendar_says_of_each_day_what_the_page_says_and_what_to_do(feed, typed):
    feed.fail(Rule(resource="others", status=503, times=None))
    feed.run_at(DAYS[2])
    said = typed("status", "--calendar", "--days", "4")
    assert (said.status, said.err) == (0, "")
    lines = said.out.splitlines()
    assert lines[0].split() == ["2026-11-14", "to", "2026-11-17"]
    drawn = {line.split()[0]: line.split(maxsplit=1)[1].lstrip() for line in lines[3:6]}
    assert drawn == {"things": "##/", "others": "#x/", "wards_": "o"}
    assert lines[6] == "# complete; o read in full; x failed; / open"
    assert lines[7].startswith("others, 2026-11-16: failed, 0 of 1 page, 0 records, tried ")
    assert lines[8].startswith("hint: planlake run --config ")
    told = json.loads(typed("status", "--calendar", "--days", "4", "--json").out)
    with open_facts(feed.config) as facts:
        page = {table: {str(one.day): one.state for one in row} for table, row in days_of_tables(facts, 4).items()}
    assert told == page
    assert typed("status", "nosuch", "--calendar").status == 2
