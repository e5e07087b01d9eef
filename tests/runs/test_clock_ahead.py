"""A run with the clock ahead: said as what it is, by every command that writes, and a way back that loses nothing."""

from datetime import datetime, timedelta

import pytest

from commands import typed_in_process
from conftest import feeding
from flow.ingest.served import assert_equal, fill, served, settings_of
from planlake.changes.forget import forget
from planlake.changes.maintain import maintain
from planlake.changes.previews import create, promote
from planlake.changes.rebuild import rebuild
from planlake.changes.rollback import rollback, undo
from planlake.errors import ConfigurationError, PlanlakeError
from planlake.flow.future_dated_runs import FutureRuns
from planlake.report.status import status
from planlake.runs.plan import Selection
from planlake.runs.reconcile import reconcile
from planlake.runs.run import run
from planlake.simulator.faults import Rule

FIRST, SECOND, NOW, NEXT, LATER = (f"2026-11-{day}T10:00:00" for day in (15, 16, 17, 18, 21))
AHEAD = {"three days": "2026-11-20T10:00:00", "a year": "2027-11-20T10:00:00"}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    data = served(["things", "wards_"], page_size=50, now=FIRST)
    with feeding(data, tmp_path_factory.mktemp("loaded"), settings_of(["things"], ["wards_"])) as made:
        fill(data, "things", 30, "2026-11-10 09:00:00")
        fill(data, "wards_", 10)
        made.run_at(FIRST)
        fill(data, "things", 2, "2026-11-15 12:00:00", start=31)
        made.run_at(SECOND)
        yield made, made.remembered()


def run_ahead(feed, moment, **how):
    """A run whose clock is ahead of everybody's: the API's time goes on as it does."""
    now = feed.data.now
    feed.data.move_to = lambda _: None
    try:
        return feed.run_at(moment, **how)
    finally:
        del feed.data.move_to
        assert feed.data.now == now
        feed.monkeypatch.setenv("PLANLAKE_NOW", NOW)


@pytest.fixture
def typed(feed, monkeypatch, capfd):
    file = feed.config.folder / "planlake.yaml"
    return lambda command, *words: typed_in_process(monkeypatch, capfd, (command, *words, "--config", file))


COMMANDS = {
    "run": lambda feed: feed.run_at(NOW),
    "reconcile": lambda feed: reconcile(feed.config, ["things"]),
    "rollback of what the same records make": lambda feed: rollback(feed.config, [], 2, confirm=lambda _: True),
    "rollback of one table": lambda feed: rollback(feed.config, ["things"], 2, zone="all", confirm=lambda _: True),
    "rollback to the run that was ahead": lambda feed: rollback(feed.config, [], 3, zone="all", confirm=lambda _: True),
    "undo": lambda feed: undo(feed.config, confirm=lambda _: True),
    "rebuild": lambda feed: rebuild(feed.config, ["things"]),
    "maintain": lambda feed: maintain(feed.config),
    "forget": lambda feed: forget(feed.config, "things", "3", confirm=lambda _: True),
    "env create": lambda feed: create(feed.config, "A-1"),
}


def test_every_command_that_writes_says_what_it_is_and_the_way_back(feed):
    run_ahead(feed, AHEAD["three days"])
    for name, command in COMMANDS.items():
        with pytest.raises(ConfigurationError) as raised:
            command(feed)
        assert (
            raised.value.message
            == "the clock stands before a run that counts: run 3 began 3 days after what the clock says now"
        ), name
        assert raised.value.hint == "planlake rollback --to 2 --zone all", name


@pytest.mark.parametrize("ahead", AHEAD)
def test_the_way_back_as_printed_loses_no_day_and_no_record(feed, typed, ahead):
    run_ahead(feed, AHEAD[ahead])
    fill(feed.data, "things", 3, "2026-11-17 12:00:00", start=50)
    fill(feed.data, "things", 3, "2026-11-19 12:00:00", start=60)
    feed.monkeypatch.setenv("PLANLAKE_NOW", NOW)
    refused = typed("run")
    assert (refused.status, "Traceback" in refused.err) == (2, False)
    words = refused.err.splitlines()[-1].removeprefix("hint: planlake ").split()
    assert typed(words[0], *words[1:], "--yes").status == 0
    for day in (NOW, NEXT, LATER):
        assert feed.run_at(day).exit_code == 0
    assert_equal(feed, "things", "wards_")
    found = status(feed.config)
    assert found.troubles == ()
    assert [one.gaps for one in found.tables] == [(), ()]
    assert [one.published for one in found.tables] == ["20261121", "20261115"]
    assert feed.run_at("2026-11-22T10:00:00").exit_code == 0


def test_status_and_doctor_say_it_too(feed, typed):
    run_ahead(feed, AHEAD["a year"])
    shown = typed("status")
    assert shown.status == 1
    assert shown.out.startswith("! run 3 began 368 days after what the clock says now, so that nothing may be written")
    assert shown.out.splitlines()[1].startswith("hint: planlake rollback")
    assert "planlake backfill" not in shown.out  # the days it took for gaps are taken back with it
    assert [one.gaps for one in status(feed.config).tables] == [(), ()]
    looked = typed("doctor")
    assert (looked.status >= 2, "run 3 began 368 days" in looked.out) == (True, True)


def test_a_run_ahead_that_the_api_refused_stands_in_nobodys_way(feed):
    """That is what happens most: a signature is good for a minute."""
    feed.fail(*(Rule(resource=table, status=401, times=None) for table in ("things", "wards_")))
    with pytest.raises(PlanlakeError):
        run_ahead(feed, AHEAD["a year"])
    feed.fail()
    assert feed.run_at(NOW).exit_code == 0
    assert status(feed.config).troubles == ()


@pytest.mark.parametrize("is_open", [True, False])
def test_a_first_run_ahead_is_taken_back_whether_it_ended_or_not(tmp_path, is_open):
    data = served(["things"], page_size=5, now=NOW)
    with feeding(data, tmp_path, settings_of(["things"])) as made:
        fill(data, "things", 30, "2026-11-10 09:00:00")
        if is_open:
            made.fail(Rule(resource="things", query={"page": "4"}, status=404, times=None))
        run_ahead(made, AHEAD["a year"])
        made.fail()
        with pytest.raises(ConfigurationError) as raised:
            made.run_at(NOW)
        assert raised.value.hint == "mend PLANLAKE_NOW"  # to go back before the first run is to lose every table
        assert "`planlake rollback --to 0 --zone all` empties every table" in raised.value.state
        rollback(made.config, [], 0, zone="all", confirm=lambda _: True)
        fill(data, "things", 2, "2026-11-17 12:00:00", start=50)
        for day in (NOW, NEXT):
            assert made.run_at(day).exit_code == 0
        assert_equal(made, "things")


def test_where_a_variable_moves_the_clock_that_is_named(feed):
    run_ahead(feed, AHEAD["three days"])
    with pytest.raises(ConfigurationError) as raised:
        feed.run_at(NOW)
    assert "mend PLANLAKE_NOW" in raised.value.state


# ---------------------------------------------------------------- what counts decides, whatever ran since


def hint_of(said):
    """The words of the last hint that was printed, without the program's name and its configuration."""
    lines = [line for line in said.everything.splitlines() if line.startswith("hint: planlake ")]
    words = lines[-1].removeprefix("hint: planlake ").split()
    return [word for word in words if word != "--config" and not word.endswith(".yaml")]


def follow(typed, said):
    """Give the command of the last hint as it was printed."""
    return typed(*hint_of(said), "--yes")


def run_in_preview(feed, now):
    """A run in the preview x with its clock at a moment, and the clock right again."""
    feed.monkeypatch.setenv("PLANLAKE_NOW", now)
    assert run(feed.config, Selection(), environment="x").exit_code == 0
    feed.monkeypatch.setenv("PLANLAKE_NOW", NOW)


def loses_nothing(feed):
    """Whether every day that comes is read."""
    fill(feed.data, "things", 3, "2026-11-17 12:00:00", start=50)
    fill(feed.data, "things", 3, "2026-11-19 12:00:00", start=60)
    for day in (NOW, NEXT, LATER):
        assert feed.run_at(day).exit_code == 0
    assert_equal(feed, "things", "wards_")
    return status(feed.config).is_well


def test_to_take_the_way_back_back_makes_the_lake_stand_ahead_again(feed, typed):
    run_ahead(feed, AHEAD["three days"])
    assert follow(typed, typed("run")).status == 0
    taken_back = typed("undo", "--yes")
    assert taken_back.status == 0
    assert "! run 3 began 3 days after what the clock says now" in taken_back.err
    assert typed("run").status == 2
    assert typed("doctor").status >= 2
    assert (typed("status").status, status(feed.config).troubles[0].kind) == (1, "clock")
    assert follow(typed, taken_back).status == 0
    assert loses_nothing(feed)


def test_the_run_of_a_preview_lies_ahead_whatever_its_base_did_since(feed, typed):
    feed.monkeypatch.setenv("PLANLAKE_NOW", NOW)
    create(feed.config, "x")
    run_in_preview(feed, AHEAD["three days"])
    assert feed.run_at(NOW).exit_code == 0
    looked = typed("status", "--env", "x")
    assert looked.status == 1
    assert looked.out.startswith("! run 4 of x began 3 days after what the clock says now")
    assert typed("doctor", "--env", "x").status >= 2
    refused = typed("env", "promote", "x", "--yes")
    assert (refused.status, hint_of(refused)) == (2, ["rollback", "--env", "x", "--to", "3", "--zone", "all"])
    before = feed.snapshots()
    assert follow(typed, refused).status == 0
    assert feed.snapshots() == before  # of the base nothing was set back
    assert not [one for one in status(feed.config, "x").troubles if one.kind == "clock"]
    assert loses_nothing(feed)


def test_what_was_promoted_from_a_run_ahead_lies_ahead(feed, typed):
    feed.monkeypatch.setenv("PLANLAKE_NOW", NOW)
    create(feed.config, "x")
    run_in_preview(feed, AHEAD["three days"])
    feed.monkeypatch.setenv("PLANLAKE_NOW", AHEAD["three days"])
    promote(feed.config, "x", [], confirm=lambda _: True)
    feed.monkeypatch.setenv("PLANLAKE_NOW", NOW)
    refused = typed("run")
    assert (refused.status, hint_of(refused)) == (2, ["rollback", "--to", "2", "--zone", "all"])
    assert follow(typed, refused).status == 0
    assert loses_nothing(feed)


def test_in_a_preview_that_is_sound_the_run_of_its_base_is_named_and_the_way_back_of_its_base(feed, typed):
    feed.monkeypatch.setenv("PLANLAKE_NOW", NOW)
    create(feed.config, "x")
    run_in_preview(feed, NOW)
    run_ahead(feed, AHEAD["three days"])
    looked = typed("status", "--env", "x")
    assert looked.out.startswith("! run 5 of local began 3 days after what the clock says now")
    refused = typed("run", "--env", "x")
    assert (refused.status, hint_of(refused)) == (2, ["rollback", "--env", "local", "--to", "2", "--zone", "all"])
    assert looked.out.splitlines()[1] == refused.err.splitlines()[-1]
    assert follow(typed, refused).status == 0
    assert typed("run", "--env", "x").status == 0
    assert loses_nothing(feed)


def test_before_every_run_it_is_the_clock_that_is_wrong(feed, typed):
    feed.monkeypatch.setenv("PLANLAKE_NOW", "2026-11-01T10:00:00")
    refused = typed("run")
    assert (refused.status, refused.err.splitlines()[-1]) == (2, "hint: mend PLANLAKE_NOW")
    for command in ("status", "doctor", "plan"):
        looked = typed(command)
        assert looked.status > 0
        assert "mend PLANLAKE_NOW" in looked.everything
        assert "rollback" not in looked.everything
    feed.monkeypatch.setenv("PLANLAKE_NOW", NOW)
    assert loses_nothing(feed)


def test_nobody_sees_a_good_version_where_no_rows_are_shown(feed, typed):
    feed.monkeypatch.setenv("PLANLAKE_NOW", NOW)
    assert typed("rollback", "--to", "0", "--zone", "all", "--yes").status == 0
    looked = typed("status")
    assert "rolled back to run 0 (run 3); it shows no rows" in looked.out
    assert "last good version" not in looked.out


def test_a_plan_says_that_a_run_would_be_refused(feed, typed):
    run_ahead(feed, AHEAD["three days"])
    planned = typed("plan")
    assert planned.status == 1
    assert planned.err.startswith("! run 3 began 3 days after what the clock says now, so that nothing may be written")
    assert hint_of(planned) == hint_of(typed("run"))
    assert "due" not in planned.everything
    assert typed("plan", "--json").out == "[]\n"


SPANS = {
    "less than a minute": timedelta(seconds=20),
    "1 minute": timedelta(seconds=70),
    "20 minutes": timedelta(minutes=20),
    "1 hour": timedelta(minutes=59, seconds=50),
    "2 hours": timedelta(hours=1, minutes=50),
    "47 hours": timedelta(hours=47, minutes=10),
    "2 days": timedelta(hours=47, minutes=50),
    "3 days": timedelta(days=2, hours=23, minutes=50),
}


@pytest.mark.parametrize("words", SPANS)
def test_how_far_ahead_a_run_was_is_rounded(words):
    now = datetime(2026, 11, 17, 10)  # noqa: DTZ001 - own instants are UTC without zone
    ahead = FutureRuns(3, now + SPANS[words], now, first=3, before=2)
    assert ahead.said == f"run 3 began {words} after what the clock says now"
