"""A run with the clock ahead: said as what it is, by every command that writes, and a way back that loses nothing."""

import pytest

from commands import typed_in_process
from conftest import feeding
from flow.ingest.served import assert_equal, fill, served, settings_of
from planlake.changes.forget import forget
from planlake.changes.maintain import maintain
from planlake.changes.previews import create
from planlake.changes.rebuild import rebuild
from planlake.changes.rollback import rollback, undo
from planlake.errors import ConfigurationError, PlanlakeError
from planlake.report.status import status
from planlake.runs.reconcile import reconcile
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


@pytest.fixture
def feed(loaded):
    made, set_back = loaded
    set_back()
    return made


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
            == "the clock stands before the last run: run 3 began 3 days after what the clock says now"
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
        assert raised.value.hint == "planlake rollback --to 0 --zone all"
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
