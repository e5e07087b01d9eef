"""`planlake.plan` and `planlake.run`: what they give, what they raise, and that they work in a notebook."""

import asyncio
import os
import signal
import threading
from datetime import date

import pytest

import planlake
from cli.conftest import FEW_TABLES, FIRST, small_council
from conftest import feeding
from planlake.event_loop import run_to_end
from planlake.simulator.faults import Rule


@pytest.fixture
def feed(tmp_path):
    """An empty lake of two tables beside a running simulator, on the first day."""
    with feeding(small_council(), tmp_path, FEW_TABLES) as running:
        running.monkeypatch.setenv("PLANLAKE_NOW", FIRST)
        running.monkeypatch.setenv("PLANLAKE_LOG", "off")
        yield running


def raised(call, kind=planlake.ConfigurationError):
    with pytest.raises(kind) as caught:
        call()
    return caught.value.lines()


def test_a_plan_is_what_the_run_does(feed):
    folder = feed.config.folder
    steps = planlake.plan(folder)
    assert [(one.table, one.step) for one in steps if one.windows] == [("fees", "ingest"), ("wards", "ingest")]
    done = planlake.run(folder)
    assert (done.exit_code, done.troubled, done.run, done.run_date) == (0, [], 1, date(2026, 11, 20))
    assert [(one.table, one.outcome) for one in done.tables] == [("fees", "loaded"), ("wards", "loaded")]
    assert not [
        one for one in planlake.plan(folder, "wards", cadence="weekly") if one.step == "snapshot" and one.windows
    ]


def test_tables_are_named_alone_or_together_and_by_their_cadence(feed):
    folder = feed.config.folder
    assert {one.table for one in planlake.plan(folder, "fees")} == {"fees"}
    assert {one.table for one in planlake.plan(folder, ["fees", "titles"])} == {"fees", "titles"}
    assert {one.table for one in planlake.plan(folder, cadence="weekly")} == {"wards"}


def test_the_environment_is_that_of_the_lake(feed):
    planlake.run(feed.config.folder, "wards", environment="local")
    assert len(planlake.open_lake(feed.config.folder, environment="local").table("wards")) == 21


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"tables": "wadrs"}, ['Error: no resource is called "wadrs"', "hint: did you mean wards"]),
        ({"cadence": "dayly"}, ['Error: no cadence is called "dayly"', "hint: did you mean daily?"]),
        ({"settings": {"attempts": 0}}, ["Error: settings.attempts: must be a whole number", "hint: "]),
        ({"environment": "stg"}, ['Error: no environment and no preview is called "stg"', "hint: "]),
    ],
)
def test_a_word_there_is_none_of_is_named(feed, arguments, said):
    shown = raised(lambda: planlake.run(feed.config.folder, **arguments))
    assert all(line.startswith(start) for line, start in zip(shown, said, strict=True)), shown
    assert feed.simulator.requests == []


def test_a_tables_own_trouble_is_part_of_the_result(feed):
    feed.fail(Rule(resource="fees", status=500, times=None))
    done = planlake.run(feed.config.folder)
    assert (done.exit_code, done.troubled) == (1, ["fees"])
    fees, wards = done.tables
    assert (fees.outcome, wards.outcome, fees.snapshot, wards.snapshot.rows) == ("open", "loaded", None, 21)
    assert "could not be read" in fees.message


def test_an_api_that_is_gone_ends_the_run(feed):
    feed.simulator.stop()
    said = raised(lambda: planlake.run(feed.config.folder), planlake.SourceUnreachable)
    assert said[0].startswith("Error: the API cannot be reached")


def test_keys_that_are_refused_end_the_run(feed):
    feed.monkeypatch.setenv("TASCOMI_PRIVATE_KEY", "another")
    raised(lambda: planlake.run(feed.config.folder), planlake.SourceRefused)


# ---------------------------------------------------------------- in a notebook, whose loop runs already


def test_a_run_works_where_a_loop_is_running(feed):
    async def cell():
        return planlake.run(feed.config.folder)

    assert asyncio.run(cell()).exit_code == 0
    assert len(planlake.open_lake(feed.config.folder).table("wards")) == 21


def test_an_error_comes_out_of_the_other_thread_as_it_is(feed):
    feed.simulator.stop()

    async def cell():
        return planlake.run(feed.config.folder)

    with pytest.raises(planlake.SourceUnreachable):
        asyncio.run(cell())


def test_the_interrupt_button_of_a_notebook_ends_the_work_before_it_ends_the_wait():
    begun, ended = threading.Event(), []

    async def work():
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("cleaned up")

    async def cell():
        run_to_end(work())

    def press():
        begun.wait(10)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=press).start()
    loop = asyncio.new_event_loop()  # asyncio.run would hear the signal itself; a notebook does not
    try:
        with pytest.raises(KeyboardInterrupt):
            loop.run_until_complete(cell())
    finally:
        loop.close()
    assert ended == ["cleaned up"]
