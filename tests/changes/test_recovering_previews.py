"""Previews after a catalogue was lost or restored, and previews whose files somebody deleted."""

import re
import shutil
from datetime import date, timedelta
from pathlib import Path

import pytest

from changes.test_previews import (
    NAME,
    TABLES,
    Killed,
    change,
    day,
    everything,
    files,
    loaded,
    pins,
    run_in,
    shown,
    state,
    thing,
    yes,
)
from commands import typed_in_process
from planlake.changes import promote as promoting
from planlake.changes.forget import forget
from planlake.changes.maintain import maintain
from planlake.changes.previews import create, environments, promote, remove
from planlake.changes.rebuild import rebuild
from planlake.changes.recover import recover
from planlake.changes.rollback import rollback
from planlake.errors import LakeError
from planlake.flow.open_run import open_for_writing
from planlake.lake.lake import catalogue_file
from planlake.lake.open_lake import open_lake
from planlake.lake.previews import drop_preview
from planlake.lake.previews import own_tables as previews
from planlake.lake.previews.own_tables import add_own_tables, drop_own_tables
from planlake.telemetry.progress import ignore

__all__ = ["loaded"]  # fixtures
OTHER = "other"


@pytest.fixture(scope="module")
def with_previews(loaded):
    """Two previews, each with a table of its own, that were run on the same day."""
    made, set_back = loaded
    set_back()
    create(made.config, NAME)
    create(made.config, OTHER)
    change(made, 2)
    run_in(made, day(2), "things")
    run_in(made, day(2), "others", environment=OTHER)
    return made, made.remembered()


@pytest.fixture
def tried(with_previews):
    made, set_back = with_previews
    set_back()
    return made


@pytest.fixture
def typed(tried, monkeypatch, capfd):
    """Run a command on this lake in this process."""
    file = tried.config.folder / "planlake.yaml"
    return lambda *arguments: typed_in_process(monkeypatch, capfd, [*arguments, "--config", file])


def lose(feed):
    catalogue_file(feed.config).unlink()


def folder(feed, name=NAME, zone="operations"):
    return Path(feed.config.folder, "lake", f"preview-{name}--tascomi-{zone}")


def shown_everywhere(feed, *environments):
    return {(name, one): everything(feed, name, one) for name in TABLES for one in environments}


def all_pins(feed):
    return {tag for tags in pins(feed).values() for tag in tags}


# ---------------------------------------------------------------- a lost catalogue


def test_after_a_lost_catalogue_previews_are_known_again_with_all_that_is_their_own(tried):
    before, listed = shown_everywhere(tried, None, NAME, OTHER), environments(tried.config)
    pinned, there = all_pins(tried), state(tried, NAME)
    lose(tried)
    found, _ = recover(tried.config)
    assert {one.done for one in found} == {"registered"}
    assert f"preview-{NAME}--tascomi-refined-zone" in {one.database for one in found}
    assert (environments(tried.config), all_pins(tried), state(tried, NAME)) == (listed, pinned, there)
    assert shown_everywhere(tried, None, NAME, OTHER) == before
    forget(tried.config, "things", "3", confirm=yes)
    views = {one: shown(tried, environment=one) for one in (NAME, OTHER)}
    expected = {one: [row for row in before["things", one]["view"] if row["id"] != 3] for one in (NAME, OTHER)}
    assert views == expected
    change(tried, 3)
    run_in(tried, day(3))
    assert 103 in {row["id"] for row in shown(tried, environment=NAME)}
    promote(tried.config, NAME, [], confirm=yes)
    remove(tried.config, NAME, confirm=yes)
    remove(tried.config, OTHER, confirm=yes)
    assert 103 in {row["id"] for row in shown(tried)}
    assert all_pins(tried) == set()


def test_of_a_table_that_a_preview_left_and_entered_again_the_later_one_is_known_again(feed, monkeypatch):
    change(feed, 2)
    run_in(feed, day(2), environment=None)
    create(feed.config, NAME)
    run_in(feed, day(2) + timedelta(minutes=5), "things")
    rebuild(feed.config, ["things"], environment=NAME)
    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(previews, "remove_pins", lambda *_: (_ for _ in ()).throw(Killed()))
        with open_for_writing(feed.config, NAME, ignore) as opened:
            drop_own_tables(opened.lake, ["things"], run=opened.run)
    with open_for_writing(feed.config, NAME, ignore) as opened:  # the base is as it was when it was entered first
        add_own_tables(opened.lake, ["things"], run=opened.run)
    names = ("current_things", "increment_things")
    before = [open_lake(feed.config, NAME).find("refined", name).metadata_location for name in names]
    assert all("/00000-" in place for place in before)
    lose(feed)
    recover(feed.config)
    assert [open_lake(feed.config, NAME).find("refined", name).metadata_location for name in names] == before


def test_a_table_that_a_preview_left_is_not_known_again(tried):
    promote(tried.config, NAME, [], confirm=yes)
    lose(tried)
    recover(tried.config)
    assert open_lake(tried.config, NAME).names("refined") == []
    assert maintain(tried.config)
    assert shown_everywhere(tried, NAME) == {(name, NAME): everything(tried, name) for name in TABLES}


def test_files_that_a_dropped_preview_left_to_its_base_make_no_preview(tried):
    tried.data.put("things", thing(9, day(3) - timedelta(hours=10), amount="much"))
    run_in(tried, day(3), "things")
    promote(tried.config, NAME, [], confirm=yes)
    remove(tried.config, NAME, confirm=yes)
    before = shown_everywhere(tried, None)
    assert [path.suffix for path in folder(tried).rglob("*") if path.is_file()] == [".parquet"]  # of what did not cast
    lose(tried)
    recover(tried.config)
    assert [one.name for one in environments(tried.config)] == ["local", OTHER]
    assert shown_everywhere(tried, None) == before
    forget(tried.config, "things", "3", confirm=yes)  # it takes no preview for lost
    assert shown(tried) == [row for row in before["things", None]["view"] if row["id"] != 3]


@pytest.mark.parametrize("calls", [1, 4, 5])
def test_a_preview_that_was_half_dropped_is_one_still_or_none_and_keeps_no_pin(tried, monkeypatch, calls):
    before, done, count = shown_everywhere(tried, None, OTHER), drop_preview._drop_database, 0

    def killing(*arguments):
        nonlocal count
        count += 1
        if count == calls:
            raise Killed
        return done(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(drop_preview, "_drop_database", killing)
        try:
            remove(tried.config, NAME, confirm=yes)
        except Killed:
            assert folder(tried).exists()
    lose(tried)
    recover(tried.config)
    is_left = calls <= 4
    assert [one.name for one in environments(tried.config)] == ["local", *([NAME] if is_left else ()), OTHER]
    if is_left:
        assert everything(tried, environment=NAME) == everything(tried)
        remove(tried.config, NAME, confirm=yes)
    assert not folder(tried).exists()
    assert all_pins(tried) == {f"preview-{OTHER}-of-others"}
    assert shown_everywhere(tried, None, OTHER) == before


def test_pins_of_a_preview_that_is_no_more_are_removed_and_told(tried):
    before = shown_everywhere(tried, None, OTHER)
    shutil.rmtree(folder(tried))
    lose(tried)
    found, _ = recover(tried.config)
    freed = {one.table for one in found if one.said == f"pins removed: there is no preview {NAME}"}
    assert freed == {"api_responses", "api_requests", "increment_things", "current_things"}
    assert all_pins(tried) == {f"preview-{OTHER}-of-others"}
    assert shown_everywhere(tried, None, OTHER) == before


# ---------------------------------------------------------------- an outdated catalogue


def test_a_preview_that_the_restored_catalogue_does_not_know_is_spared_by_forgetting(feed):
    kept = catalogue_file(feed.config).read_bytes()
    create(feed.config, NAME)
    change(feed, 2)
    run_in(feed, day(2), "things")
    there, before = files(feed), shown(feed, environment=NAME)
    catalogue_file(feed.config).write_bytes(kept)
    with pytest.raises(LakeError, match="but the catalogue does not know them") as raised:
        forget(feed.config, "things", "3", confirm=yes)
    assert (raised.value.hint, there - files(feed)) == ("planlake recover", set())
    catalogue_file(feed.config).write_bytes(kept)  # that it was refused has a row in runs
    found, _ = recover(feed.config)
    assert {one.done for one in found} == {"registered", "brought up to date"}
    assert shown(feed, environment=NAME) == before
    forget(feed.config, "things", "3", confirm=yes)
    assert shown(feed, environment=NAME) == [row for row in before if row["id"] != 3]


@pytest.mark.parametrize("then", ["left", "entered again", "dropped"])
def test_a_catalogue_of_before_a_promotion_is_brought_up_to_date_with_its_previews(tried, then):
    kept = catalogue_file(tried.config).read_bytes()
    promote(tried.config, NAME, [], confirm=yes)
    if then == "entered again":
        change(tried, 3)
        run_in(tried, day(3), "things")
    elif then == "dropped":
        remove(tried.config, NAME, confirm=yes)
    known = (None, OTHER) if then == "dropped" else (None, NAME, OTHER)
    before, pinned = shown_everywhere(tried, *known), all_pins(tried)
    catalogue_file(tried.config).write_bytes(kept)
    found, _ = recover(tried.config)
    assert [one.said for one in found if one.is_trouble] == (
        [f"lost: nothing of the preview is there; planlake env drop {NAME} removes it"] if then == "dropped" else []
    )
    if then == "dropped":
        remove(tried.config, NAME, confirm=yes)
    assert (shown_everywhere(tried, *known), all_pins(tried)) == (before, pinned)
    assert [one.name for one in environments(tried.config)][1:] == list(known[1:])
    maintain(tried.config)
    assert shown_everywhere(tried, *known) == before


def test_tables_that_a_preview_had_not_entered_when_it_was_killed_are_taken_out_and_told(tried, monkeypatch):
    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(previews, "write_event", lambda *_: (_ for _ in ()).throw(Killed()))
        with open_for_writing(tried.config, NAME, ignore) as opened:
            add_own_tables(opened.lake, ["others"], run=opened.run)
    found, _ = recover(tried.config)
    told = "taken out: the preview has no others of its own"
    assert {one.table: one.said for one in found} == {"current_others": told, "increment_others": told}
    assert open_lake(tried.config, NAME).names("refined") == ["current_things", "increment_things"]
    assert recover(tried.config) == ([], None)


# ---------------------------------------------------------------- files that somebody deleted


def without_anything(feed):
    for path in Path(feed.config.folder, "lake").glob(f"preview-{NAME}--*"):
        shutil.rmtree(path)


def without_metadata_of_a_table(feed):
    for path in folder(feed, zone="refined-zone").rglob("current_things/metadata/*.metadata.json"):
        path.unlink()


def without_lists_of_files(feed):
    for path in folder(feed, zone="raw-zone").rglob("*.avro"):
        path.unlink()


def without_rows_of_runs(feed):
    for path in folder(feed).rglob("runs/data/*.parquet"):
        path.unlink()


def with_metadata_cut_off(feed):
    for path in folder(feed, zone="refined-zone").rglob("current_things/metadata/*.metadata.json"):
        path.write_bytes(path.read_bytes()[:100])


def with_empty_lists_of_files(feed):
    for path in folder(feed, zone="refined-zone").rglob("*.avro"):
        path.write_bytes(b"")


HARMS = [
    with_metadata_cut_off,
    with_empty_lists_of_files,
    without_anything,
    without_metadata_of_a_table,
    without_lists_of_files,
    without_rows_of_runs,
]


@pytest.mark.parametrize("harm", HARMS)
def test_a_damaged_preview_is_listed_named_and_dropped_and_nothing_else_is_touched(tried, typed, harm):
    before = shown_everywhere(tried, None, OTHER)
    listed = environments(tried.config)
    harm(tried)
    (base, damaged, other) = environments(tried.config)
    assert (base, other) == (listed[0], listed[2])
    assert (damaged.name, damaged.tables, damaged.damage != "") == (NAME, (), True)
    said = typed("env", "list")
    assert (said.status, f"{NAME} is damaged, files of it are gone or cut off: " in said.err) == (0, True)
    assert re.search(f"hint: planlake env drop --config [^ ]+ {NAME}\n", said.err)
    for action in (
        lambda: maintain(tried.config),
        lambda: forget(tried.config, "things", "3", confirm=yes),
    ):
        with pytest.raises(LakeError, match=f"the preview {NAME} is damaged") as raised:
            action()
        assert raised.value.hint == f"planlake env drop {NAME}"
    assert rollback(tried.config, ["things"], date(2026, 11, 10), confirm=lambda _: False)
    said = typed("env", "drop", NAME)
    assert (said.status, f"{NAME} is gone" in said.err) == (0, True)
    assert [one.name for one in environments(tried.config)] == ["local", OTHER]
    assert not [path for path in files(tried) if f"preview-{NAME}--" in str(path)]
    assert all_pins(tried) == {f"preview-{OTHER}-of-others"}
    maintain(tried.config)
    assert shown_everywhere(tried, None, OTHER) == before


def test_a_command_of_a_damaged_preview_says_what_removes_it(tried, typed):
    shutil.rmtree(folder(tried))
    said = typed("sql", "select * from things", "--env", NAME)
    assert (said.status, len(said.errors)) == (3, 1)
    assert re.search(f"hint: planlake env drop --config [^ ]+ {NAME}\n", said.err)


def test_a_damaged_preview_is_dropped_though_its_promotion_was_killed(tried, monkeypatch):
    before = shown_everywhere(tried, None, OTHER)
    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(promoting, "apply_promotion", lambda *_: (_ for _ in ()).throw(Killed()))
        promote(tried.config, NAME, [], confirm=yes)
    shutil.rmtree(folder(tried))
    with pytest.raises(LakeError, match=f"the preview {NAME} is damaged"):
        rollback(tried.config, ["things"], date(2026, 11, 10), confirm=yes)
    remove(tried.config, NAME, confirm=yes)
    assert shown_everywhere(tried, None, OTHER) == before
    change(tried, 3)
    run_in(tried, day(3), environment=None)
    assert {row["id"] for row in shown(tried)} >= {101, 102, 103}


def test_what_the_base_took_over_is_spared_when_a_damaged_preview_is_dropped(tried):
    promote(tried.config, NAME, [], confirm=yes)
    before = shown_everywhere(tried, None, OTHER)
    without_rows_of_runs(tried)
    remove(tried.config, NAME, confirm=yes)
    assert shown_everywhere(tried, None, OTHER) == before


def test_what_the_base_took_over_is_spared_when_dropping_is_killed_at_the_end_and_repeated(tried, monkeypatch):
    promote(tried.config, NAME, [], confirm=yes)
    before = shown_everywhere(tried, None)

    def killing(preview, zone):
        if zone == "operations":
            raise Killed
        return storage(preview, zone)

    storage = drop_preview.database_storage
    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(drop_preview, "database_storage", killing)
        remove(tried.config, NAME, confirm=yes)
    remove(tried.config, NAME, confirm=yes)
    assert shown_everywhere(tried, None) == before
