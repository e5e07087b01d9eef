"""What is known of a run that could not say how it ended: killed, stopped, on a full disk, refused, under way."""

import os
from contextlib import suppress

import pytest

from commands import typed_in_process
from conftest import feeding
from flow.ingest.served import fill, served, settings_of
from planlake.changes.forget import forget
from planlake.changes.maintain import maintain
from planlake.changes.previews import create
from planlake.changes.rebuild import rebuild
from planlake.changes.rollback import rollback, undo
from planlake.engines.file_locks import lock_file
from planlake.errors import ConfigurationError, LakeError, with_causes
from planlake.lake.aws.errors import aws_trouble
from planlake.lake.rest_errors import rest_trouble
from planlake.report.run_history import past_runs
from planlake.report.status import status
from planlake.runs.reconcile import reconcile

DAYS = [f"2026-11-{day}T03:00:00" for day in range(17, 26)]


class Killed(BaseException):
    """A process that ends at once: nothing of it is carried out any more, and nobody is told."""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    data = served(["things"], page_size=50, now=DAYS[0])
    with feeding(data, tmp_path_factory.mktemp("loaded"), settings_of(["things"])) as made:
        fill(data, "things", 5)
        made.run_at(DAYS[0])
        fill(data, "things", 2, "2026-11-17 09:00:00")
        made.run_at(DAYS[1])
        yield made, made.remembered()


def outcomes(feed, environment=None):
    return [(one.run, one.outcome) for one in past_runs(feed.config, environment=environment)]


def killed(monkeypatch, command, *, at):
    """Carry out a command that is killed when it calls this for the first time: its process says nothing any more."""
    with monkeypatch.context() as patch:

        def die(*_, **__):
            raise Killed

        patch.setattr(at, die)
        with suppress(Killed):
            command()


COMMANDS = {
    "run": lambda feed: feed.run_at(DAYS[2]),
    "reconcile": lambda feed: reconcile(feed.config, ["things"]),
    "rollback": lambda feed: rollback(feed.config, ["things"], 1, confirm=lambda _: True),
    "rebuild": lambda feed: rebuild(feed.config, ["things"], origin="raw"),
    "maintain": lambda feed: maintain(feed.config),
    "forget": lambda feed: forget(feed.config, "things", "3", confirm=lambda _: True),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_that_is_killed_has_a_row_that_says_so(feed, monkeypatch, command):
    killed(monkeypatch, lambda: COMMANDS[command](feed), at="planlake.flow.operations_records.append_operations")
    assert outcomes(feed)[:2] == [(3, "killed"), (2, "finished")]
    told = past_runs(feed.config, run=3)[0]
    assert str(told.started_at)[:10] in ("2026-11-18", "2026-11-19")
    feed.run_at(DAYS[3])
    assert outcomes(feed)[:3] == [(4, "finished"), (3, "killed"), (2, "finished")]
    rows = feed.rows("select outcome, message, resource from runs where run = 3")
    assert rows == [{"outcome": "killed", "message": "run 4 went on", "resource": None}]
    assert "nobody" in (feed.config.folder / "lake/catalog.db.lock.holder").read_text()


def test_what_was_killed_is_known_without_the_note_of_its_run_too(feed, monkeypatch):
    killed(monkeypatch, lambda: feed.run_at(DAYS[2]), at="planlake.runs.run.record_run")
    killed(monkeypatch, lambda: feed.run_at(DAYS[3]), at="planlake.runs.run.record_run")
    (feed.config.folder / "lake/catalog.db.lock.holder").unlink()
    assert outcomes(feed)[:3] == [(4, "killed"), (3, "killed"), (2, "finished")]
    feed.run_at(DAYS[4])
    assert outcomes(feed)[:4] == [(5, "finished"), (4, "killed"), (3, "killed"), (2, "finished")]


def test_the_first_command_of_all_that_is_killed_is_no_nothing(tmp_path, monkeypatch):
    data = served(["things"], page_size=50, now=DAYS[0])
    with feeding(data, tmp_path, settings_of(["things"])) as made:
        killed(monkeypatch, lambda: made.run_at(DAYS[0]), at="planlake.runs.run.plan")
        assert outcomes(made) == [(1, "killed")]
        made.run_at(DAYS[0])
        assert outcomes(made) == [(2, "finished"), (1, "killed")]


def test_a_run_that_is_under_way_is_not_taken_for_a_killed_one(feed):
    lock = feed.config.folder / "lake/catalog.db.lock"
    with lock.open("r+") as file:
        assert lock_file(file.fileno())
        note = f"run 3, process {os.getpid()}, since 2026-11-19 03:00:00 UTC\n"
        lock.with_name(f"{lock.name}.holder").write_text(note)
        assert outcomes(feed)[:2] == [(3, "under way"), (2, "finished")]
    assert outcomes(feed)[:2] == [(3, "killed"), (2, "finished")]


@pytest.mark.parametrize(
    ("error", "outcome"), [(KeyboardInterrupt(), "stopped"), (OSError(28, "No space left"), "failed")]
)
def test_what_breaks_a_command_off_is_written_down(feed, monkeypatch, error, outcome):
    with monkeypatch.context() as patch:

        def broken(*_, **__):
            raise error

        patch.setattr("planlake.changes.maintain.delete_orphans", broken)
        with suppress(BaseException):
            maintain(feed.config)
    assert outcomes(feed)[:2] == [(3, outcome), (2, "finished")]


def test_a_killed_run_is_told_of_in_good_words_with_the_one_command_that_goes_on(feed, monkeypatch, capfd):
    fill(feed.data, "things", 3, "2026-11-18 09:00:00", start=50)
    killed(monkeypatch, lambda: feed.run_at(DAYS[2]), at="planlake.runs.table_run.refine")
    kinds = {one.kind: one.sentence for one in status(feed.config).troubles}
    assert kinds["last run"] == "the last run (3 of 19 November) was killed; what it committed is kept"
    assert kinds.keys() == {"last run", "waiting"}
    shown = typed_in_process(monkeypatch, capfd, ("status", "--config", feed.config.folder / "planlake.yaml"))
    assert [line[:18] for line in shown.out.splitlines() if line.startswith("hint")] == ["hint: planlake run"]
    feed.run_at(DAYS[3])
    assert status(feed.config).troubles == ()


def test_what_broke_a_run_off_is_known_where_the_full_disk_took_no_row_of_it(feed, monkeypatch):
    with monkeypatch.context() as patch:

        def full(*_, **__):
            raise OSError(28, "No space left on device")

        patch.setattr("planlake.flow.operations_records.append_operations", full)
        with suppress(LakeError):
            feed.run_at(DAYS[2])
        seen = "the lake cannot be written: [Errno 28] No space left on device"
        assert next((one.outcome, one.message) for one in past_runs(feed.config)) == ("failed", seen)
        (trouble,) = (one for one in status(feed.config).troubles if one.kind == "last run")
        assert trouble.sentence == f"the last run (3 of 19 November) failed: {seen}"
        assert trouble.next_command == "planlake doctor"
    feed.run_at(DAYS[3])
    rows = [(one.run, one.outcome, one.message) for one in past_runs(feed.config)]
    assert rows[:2] == [(4, "finished", ""), (3, "failed", seen)]


def test_a_command_that_was_refused_is_no_run(feed):
    with pytest.raises(ConfigurationError):
        undo(feed.config, confirm=lambda _: True)
    rollback(feed.config, ["things"], 1, confirm=None)
    rollback(feed.config, ["things"], 1, confirm=lambda _: False)
    assert outcomes(feed)[0] == (2, "finished")


def test_a_run_killed_in_a_preview_is_one_of_that_preview(feed, monkeypatch):
    create(feed.config, "A-1")
    from planlake.runs.plan import Selection  # noqa: PLC0415
    from planlake.runs.run import run  # noqa: PLC0415

    killed(
        monkeypatch,
        lambda: run(feed.config, Selection(tables=("things",)), environment="A-1"),
        at="planlake.runs.run.record_run",
    )
    assert outcomes(feed, "A-1")[0][1] == "killed"
    assert "killed" not in [outcome for _, outcome in outcomes(feed)]
    feed.run_at(DAYS[3])
    assert outcomes(feed, "A-1")[0][1] == "killed"
    assert "killed" not in [outcome for _, outcome in outcomes(feed)]


def test_a_disk_that_knows_no_locks_is_named_and_nothing_is_written_there(feed, monkeypatch):
    def refused(*_):
        raise OSError(37, "No locks available")

    before = feed.snapshots()
    with monkeypatch.context() as patch, pytest.raises(LakeError, match="No locks available") as told:
        patch.setattr("portalocker.portalocker.LOCKER", refused)
        feed.run_at(DAYS[2])
    assert told.value.facts == {"file": feed.config.folder / "lake/catalog.db.lock"}
    assert feed.snapshots() == before


def test_an_error_that_is_raised_again_by_what_it_caused_has_an_end():
    try:
        try:
            try:
                raise OSError("the first")
            except OSError as error:
                raise ValueError("the second") from error
        except ValueError as error:
            raise error.__cause__ from None
    except OSError as error:
        assert [str(one) for one in with_causes(error)] == ["the first", "the second"]
        assert (aws_trouble(error), rest_trouble(error)) == (None, None)
