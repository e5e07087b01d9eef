"""Today: the state in words first, each failure with its cause and its command, and no page that ends in nothing."""

import contextlib
import re

import pytest

from flow.ingest.served import fill, record
from planlake.changes.rollback import rollback
from planlake.errors import PlanlakeError
from planlake.report.pages.figures.lake_facts import open_facts
from planlake.report.pages.figures.runs import runs
from planlake.report.pages.figures.today import today
from planlake.runs.plan import Selection
from planlake.runs.run import run
from planlake.simulator.faults import Rule

from ..conftest import DAYS


def seen(feed):
    with open_facts(feed.config) as facts:
        return today(facts)


def test_where_all_is_well_it_is_green_and_says_so_in_one_line(feed, written):
    found = seen(feed)
    assert (found.light, found.answer, found.summary) == (
        "green",
        "Everything is there",
        "all 3\u00a0tables are complete, with the changes up to 15\u00a0November 2026",
    )
    assert (found.sentences, found.in_trouble, len(found.complete), found.last_run.run) == ((), (), 3, 2)
    text = written()
    assert "<h1>Everything is there</h1>" in text
    assert "Green: all 3\u00a0tables are complete" in text
    assert '<a href="change.html">what changed</a>' in text


def test_pages_that_failed_are_said_first_with_since_when_why_and_the_command(feed, written):
    feed.fail(Rule(resource="others", status=503, times=None))
    feed.run_at(DAYS[3])
    found = seen(feed)
    assert (found.light, found.summary) == ("red", "1 of 3\u00a0tables needs somebody")
    (sentence,) = found.sentences
    assert sentence.startswith("others is from Monday, because ")
    assert "503" in sentence
    assert [(one.table, one.state, one.commands) for one in found.in_trouble] == [
        ("others", "failed", ("planlake run others",))
    ]
    text = written(typed=lambda command: command.replace("planlake", "planlake --called"))
    assert text.index("Red: ") < text.index("2\u00a0tables are complete")
    assert "<code>planlake --called run others</code>" in text


def test_a_table_that_a_check_holds_is_said_with_what_the_check_found_and_no_value(feed, written):
    for identity in range(101, 130):
        feed.data.put(
            "things", record(identity, "2026-11-16 12:00:00", amount="Planted" if identity % 2 else "Plantedvalue")
        )
    feed.run_at(DAYS[2])
    (sentence,) = seen(feed).sentences
    assert sentence.startswith(
        "things is from yesterday, because a check holds it: 29 of 29 values of amount do not cast"
    )
    assert "Planted" not in written()


def test_an_empty_lake_says_what_to_do(feed, tmp_path, written):
    text = (feed.config.folder / "planlake.yaml").read_text()
    other = feed.config.model_copy(update={"folder": tmp_path / "other"})
    assert text
    with open_facts(other) as facts:
        found = today(facts)
    assert (found.light, found.answer) == ("grey", "Nothing is loaded yet")


def test_a_run_that_was_killed_is_shown(feed, written, monkeypatch):
    def killed(*_, **__):
        raise SystemExit

    monkeypatch.setattr("planlake.flow.operations_records.append_operations", killed)
    feed.monkeypatch.setenv("PLANLAKE_NOW", DAYS[2])
    fill(feed.data, "things", 2, "2026-11-16 12:00:00", start=41)
    with pytest.raises(SystemExit):
        run(feed.config, Selection())
    monkeypatch.undo()
    found = seen(feed)
    assert (found.light, found.answer) == ("red", "Not everything is there")
    assert "was killed" in re.sub(r"\s+", " ", written())


def test_what_was_taken_back_is_told(feed):
    rollback(feed.config, ["things"], 1, confirm=lambda _: True)
    (told,) = seen(feed).corrections
    assert (told.run, told.what, told.tables) == (3, "rolled back", ("things",))


def test_after_a_rollback_each_command_has_its_own_box_and_the_sentences_are_whole(feed, written):
    feed.monkeypatch.setenv("PLANLAKE_NOW", DAYS[1])
    rollback(feed.config, ["things"], 1, confirm=lambda _: True)
    assert seen(feed).corrections[0].said == "things was rolled back to run 1, zone refined"
    assert seen(feed).sentences[0].startswith("things is from yesterday, because it was rolled back to run 1")
    text = written()
    assert "<code>planlake undo</code>" in text
    assert "<code>planlake rollback things --to 1 --zone all</code>" in text


def test_tables_of_which_nothing_is_known_for_one_cause_stand_in_one_row(feed, written):
    feed.fail(*(Rule(resource=name, reset=True, times=None) for name in ("*", "things", "others")))
    feed.monkeypatch.setenv("PLANLAKE_NOW", DAYS[2])
    with contextlib.suppress(PlanlakeError):
        run(feed.config, Selection())
    found = seen(feed)
    assert [[one.state for one in row] for row in found.folded] == [["not known"] * 3]
    assert found.summary == "3 of 3\u00a0tables not known to be complete"
    assert found.sentences[0].startswith("others and things are not known to be complete: ")
    assert "<summary>3\u00a0tables</summary>" in written()


def test_the_last_run_shown_is_one_that_asked_the_api(feed):
    run(feed.config, Selection(step="trust"))
    assert seen(feed).last_run.run == 2


def test_a_run_of_few_tables_names_them_and_one_that_finished_says_what_is_in_trouble(feed, written):
    feed.fail(Rule(resource="others", status=503, times=None))
    feed.run_at(DAYS[2])
    assert "finished, 1\u00a0table in trouble" in written()
    assert "Run 3 read others and things alone" in written()
    feed.fail()
    feed.run_at(DAYS[3], "things")
    assert "Run 4 read things alone" in written()
    with open_facts(feed.config) as facts:
        assert [one.ended for one in runs(facts).runs] == [
            "finished",
            "finished, 1 table in trouble",
            *["finished"] * 2,
        ]
