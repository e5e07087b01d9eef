"""Previews show another environment's tables, keep what is run there apart, and are promoted or dropped whole."""

from datetime import date, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from conftest import feeding, table_of
from flow.killing import Killed, killed
from planlake.changes import promote as promoting
from planlake.changes.forget import forget
from planlake.changes.maintain import maintain
from planlake.changes.previews import create, differences, environments, promote, remove
from planlake.changes.rebuild import rebuild
from planlake.changes.rollback import rollback, undo
from planlake.config import Catalog, load_config
from planlake.errors import ConfigurationError, QualityError
from planlake.flow.open_run import open_for_writing
from planlake.lake.lake import ZONES
from planlake.lake.open_lake import open_lake
from planlake.lake.previews import drop_preview
from planlake.lake.previews import own_tables as previews
from planlake.lake.previews.own_tables import drop_own_tables
from planlake.runs.plan import Selection
from planlake.runs.run import run
from planlake.simulator.dataset import Dataset
from planlake.telemetry.progress import ignore

COLUMNS = {"id": "integer", "last_updated": "timestamp", "amount": "double", "name": "text"}
FIRST = datetime.fromisoformat("2026-11-10T03:00:00")
TABLES = ("things", "others")
NAME = "DPP-426"


def declared(more="", **types):
    listed = ", ".join(f"{name}: {kind}" for name, kind in {**COLUMNS, **types}.items())
    known = "".join(f"  {name}: {{columns: {{{listed}}}, personal: [name]}}\n" for name in (*TABLES, "new_ones"))
    return f"source: tascomi\nresources:\n{known}tables: {{daily: [{', '.join(TABLES)}]}}\n{more}"


def day(number):
    return FIRST + timedelta(days=number)


def thing(identity, changed, **more):
    at = changed.isoformat(" ", "seconds")
    return {"id": str(identity), "last_updated": at, "amount": f"{identity}.5", "name": f"name {identity}", **more}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """Two tables loaded on two days, and one that is not configured."""
    data = Dataset(dict.fromkeys((*TABLES, "new_ones"), COLUMNS), now=FIRST)
    with feeding(data, tmp_path_factory.mktemp("loaded"), declared()) as made:
        for name in (*TABLES, "new_ones"):
            for identity in range(1, 8):
                data.put(name, thing(identity, day(-3)))
        made.run_at(day(0).isoformat())
        change(made, 1)
        made.run_at(day(1).isoformat())
        yield made, made.remembered()


def change(feed, number, *tables):
    for name in tables or TABLES:
        feed.data.put(name, thing(1, day(number) - timedelta(hours=10), name=f"of day {number}"))
        feed.data.put(name, thing(100 + number, day(number) - timedelta(hours=10)))


def run_in(feed, moment, *tables, environment=NAME, **more):
    feed.monkeypatch.setenv("PLANLAKE_NOW", moment.isoformat())
    feed.data.move_to(max(moment, feed.data.now))
    result = run(feed.config, Selection(tables=tables, **more), environment=environment)
    assert result.exit_code == 0, result
    return result


def rows(feed, query, environment=None, as_of=None):
    return feed.rows(query, as_of, environment)


def shown(feed, table="things", environment=None, as_of=None):
    return rows(feed, f"select id, last_updated, amount, name from {table} order by id", environment, as_of)


def everything(feed, table="things", environment=None):
    """All rows of a table and of its history, but for what says which run and request brought them."""
    of_runs = "import_datetime, import_timestamp, import_api_url_requested, import_request_id"
    return {
        name: rows(feed, f"select * exclude ({of_runs}) from {name}_{table} order by all", environment)
        for name in ("increment", "current")
    } | {"view": shown(feed, table, environment)}


def state(feed, environment=None):
    """Of every table its current version and the tags that are no pins."""
    lake = open_lake(feed.config, environment)
    tables = {f"{zone}.{name}": lake.find(zone, name) for zone in ZONES for name in lake.names(zone)}
    return {
        name: (
            table.metadata.current_snapshot_id,
            len(table.metadata.snapshots),
            sorted(tag for tag in table.refs() if not tag.startswith("preview-")),
        )
        for name, table in tables.items()
    }


def pins(feed):
    lake = open_lake(feed.config)
    found = {name: lake.find(zone, name).refs() for zone in ZONES for name in lake.names(zone)}
    return {name: sorted(tag for tag in refs if tag.startswith("preview-")) for name, refs in found.items()}


def files(feed):
    return {path for path in Path(feed.config.folder).rglob("*") if path.is_file() and "catalog.db" not in path.name}


def yes(_):
    return True


# ---------------------------------------------------------------- making one, and what it shows


def test_a_preview_shows_everything_of_its_base_and_making_it_touches_no_table(feed):
    before, there = state(feed), files(feed)
    create(feed.config, NAME)
    assert state(feed) == before
    assert {path.relative_to(feed.config.folder).parts[1] for path in files(feed) - there} == {
        f"preview-{NAME}--tascomi-operations"
    }
    for query in (
        "select * from things order by id",
        "select * from history_things order by all",
        'select * from "tascomi-refined-zone".others order by id',
        'select * from "tascomi-raw-zone".things order by all',
        'select * from "tascomi-raw-zone".api_response_things order by all',
        "select * from api_requests order by request_id",
        "select * from published order by all",
        "select * from gaps",
    ):
        assert rows(feed, query, NAME) == rows(feed, query), query
    assert shown(feed, environment=NAME, as_of=date(2026, 11, 10)) == shown(feed, as_of=date(2026, 11, 10))
    assert [(one.name, one.base, one.tables) for one in environments(feed.config)][1:] == [(NAME, "local", ())]


def test_a_run_in_a_preview_changes_nothing_of_its_base_but_a_pin(feed):
    create(feed.config, NAME)
    before, told = state(feed), {name: everything(feed, name) for name in TABLES}
    change(feed, 2)
    result = run_in(feed, day(2), "things")
    assert table_of(result, "things").outcome == "loaded"
    assert state(feed) == before
    assert {name: everything(feed, name) for name in TABLES} == told
    pin = f"preview-{NAME}-of-things"
    assert {name for name, tags in pins(feed).items() if tags == [pin]} == {
        "api_responses",
        "api_requests",
        "increment_things",
        "current_things",
    }
    assert {row["id"]: row["name"] for row in shown(feed, environment=NAME)}[1] == "of day 2"
    assert shown(feed, "others", NAME) == shown(feed, "others")
    assert [row["snapshot_date"] for row in rows(feed, "select distinct snapshot_date from things", NAME)] == [
        "20261112"
    ]
    assert [row["snapshot_date"] for row in rows(feed, "select distinct snapshot_date from others", NAME)] == [
        "20261111"
    ]


def test_a_preview_and_its_base_end_alike_when_both_read_the_same(feed):
    create(feed.config, NAME)
    change(feed, 2)
    run_in(feed, day(2))
    run_in(feed, day(2), environment=None)
    for name in TABLES:
        assert everything(feed, name, NAME) == everything(feed, name)
    change(feed, 3)
    run_in(feed, day(3), environment=None)
    run_in(feed, day(3))
    for name in TABLES:
        assert everything(feed, name, NAME) == everything(feed, name)


def test_a_table_that_nobody_loaded_before_is_tried_and_promoted(feed):
    create(feed.config, NAME)
    before = state(feed)
    run_in(feed, day(1) + timedelta(hours=1), "new_ones")
    assert state(feed) == before
    assert len(shown(feed, "new_ones", NAME)) == 7
    with pytest.raises(ConfigurationError, match="was not loaded yet"):
        shown(feed, "new_ones")
    tried, there = everything(feed, "new_ones", NAME), files(feed)
    (promoted,) = promote(feed.config, NAME, [], confirm=yes)
    assert (promoted.table, promoted.is_new, promoted.rows_to, promoted.batches) == ("new_ones", True, 7, 1)
    assert everything(feed, "new_ones") == tried
    assert not any(path.suffix == ".parquet" and "things" in str(path) for path in files(feed) - there)
    remove(feed.config, NAME, confirm=yes)
    assert everything(feed, "new_ones") == tried
    result = run_in(feed, day(2), "new_ones", environment=None)  # the ledger came along: no first load again
    assert table_of(result, "new_ones").ingest.requests <= 3


# ---------------------------------------------------------------- promoting


def test_what_is_promoted_is_what_the_preview_showed_and_nothing_is_fetched_or_copied(feed):
    create(feed.config, NAME)
    change(feed, 2)
    run_in(feed, day(2))
    tried, history = everything(feed, environment=NAME), rows(feed, "select * from history_things order by all", NAME)
    requests, data = len(feed.simulator.requests), {path for path in files(feed) if "/data/" in str(path)}
    found = promote(feed.config, NAME, [], confirm=yes)
    assert [one.table for one in found] == ["others", "things"]
    assert len(feed.simulator.requests) == requests
    of_tables = {path for path in files(feed) if "/data/" in str(path) and "operations" not in str(path)}
    assert of_tables <= data
    assert everything(feed) == tried
    assert rows(feed, "select * from history_things order by all") == history
    assert {tag for tags in pins(feed).values() for tag in tags} == set()
    assert {row["snapshot_date"] for row in rows(feed, "select snapshot_date from things")} == {"20261112"}
    change(feed, 3)
    run_in(feed, day(3), environment=None)
    assert {row["id"] for row in shown(feed)} >= {1, 101, 102, 103}
    assert shown(feed, as_of=date(2026, 11, 12)) == tried["view"]


def test_after_a_promotion_the_preview_shows_its_base_again_and_can_be_used_anew(feed):
    create(feed.config, NAME)
    change(feed, 2)
    run_in(feed, day(2), "things")
    promote(feed.config, NAME, [], confirm=yes)
    change(feed, 3)
    run_in(feed, day(3), environment=None)
    assert everything(feed, environment=NAME) == everything(feed)
    change(feed, 4)
    run_in(feed, day(4), "things")
    assert 104 in {row["id"] for row in shown(feed, environment=NAME)}
    promote(feed.config, NAME, [], confirm=yes)
    assert 104 in {row["id"] for row in shown(feed)}


def test_a_promotion_is_refused_once_its_base_went_on_and_says_so(feed):
    create(feed.config, NAME)
    change(feed, 2)
    run_in(feed, day(2))
    run_in(feed, day(2) + timedelta(hours=1), "others", environment=None)
    before = state(feed)
    with pytest.raises(QualityError, match="others cannot be promoted: its base was read") as refused:
        promote(feed.config, NAME, [], confirm=yes)
    assert refused.value.state == "Nothing was promoted"
    assert state(feed) == before
    assert [one.table for one in promote(feed.config, NAME, ["things"], confirm=yes)] == ["things"]


@pytest.mark.parametrize("moved", ["rollback", "rebuild"])
def test_a_base_that_was_set_back_or_rebuilt_is_not_promoted_over(feed, moved):
    create(feed.config, NAME)
    change(feed, 2)
    run_in(feed, day(2), "things")
    if moved == "rollback":
        rollback(feed.config, ["things"], date(2026, 11, 10), confirm=yes)
    else:
        rebuild(feed.config, ["things"])
    with pytest.raises(QualityError, match="its base was refined, rebuilt or set back since"):
        promote(feed.config, NAME, [], confirm=yes)


def test_what_a_check_holds_back_is_not_promoted(feed):
    create(feed.config, NAME)
    for identity in (2, 3, 4, 5):
        feed.data.delete("things", str(identity))
    file = feed.config.folder / "planlake.yaml"
    lenient = "settings: {dropped_rows_percent: 100, deletion_limit_percent: 100}\n"
    strict, file_text = feed.config, file.read_text()
    file.write_text(file_text + lenient)
    feed.config = type(strict).model_validate(
        {**strict.model_dump(), "settings": {"dropped_rows_percent": 100, "deletion_limit_percent": 100}}
    )
    run_in(feed, day(2), "things", is_full=True)
    feed.config = strict
    with pytest.raises(QualityError, match="things cannot be promoted: 8 rows would become 4"):
        promote(feed.config, NAME, [], confirm=yes)


def test_a_new_column_and_a_retyped_one_are_promoted_and_older_days_stay_as_they_were(feed):
    before = shown(feed, as_of=date(2026, 11, 11))
    create(feed.config, NAME)
    feed.data.put("things", thing(9, day(2) - timedelta(hours=10), colour="red"))
    text = declared(amount="text")
    (feed.config.folder / "planlake.yaml").write_text(f'api: {{base_url: "{feed.simulator.url}"}}\n{text}')
    feed.config = load_config(feed.config.folder / "planlake.yaml")
    run_in(feed, day(2), "things")
    (found,) = differences(feed.config, NAME, [])
    assert (found.columns_added, found.retyped) == (("colour",), (("amount", "double", "string"),))
    tried = rows(feed, "select id, amount, colour from things order by id", NAME)
    promote(feed.config, NAME, [], confirm=yes)
    remove(feed.config, NAME, confirm=yes)
    assert rows(feed, "select id, amount, colour from things order by id") == tried
    assert shown(feed, as_of=date(2026, 11, 11)) == before
    change(feed, 3)
    run_in(feed, day(3), environment=None)
    assert {row["amount"] for row in rows(feed, "select amount from things where id = 9")} == {"9.5"}
    undone = undo_after_days(feed)
    assert undone == before


def undo_after_days(feed):
    rollback(feed.config, ["things"], date(2026, 11, 11), confirm=yes)
    return shown(feed)


def test_a_promotion_is_taken_back_and_the_next_run_asks_for_those_days_again(feed):
    create(feed.config, NAME)
    before = {name: everything(feed, name) for name in TABLES}
    change(feed, 2)
    run_in(feed, day(2))
    run_in(feed, day(1) + timedelta(hours=25), "new_ones")
    tried = everything(feed, environment=NAME)
    promote(feed.config, NAME, [], confirm=yes)
    undo(feed.config, confirm=yes)
    assert {name: everything(feed, name) for name in TABLES} == before
    assert shown(feed, "new_ones") == []
    run_in(feed, day(2) + timedelta(hours=2), *TABLES, "new_ones", environment=None)
    assert shown(feed) == tried["view"]
    assert len(shown(feed, "new_ones")) == 7


@pytest.mark.parametrize(
    "stage", ["_add_rows", "_replace_rows", "_set_tables", "_copy_reports", "drop_own_tables", "write_entries"]
)
@pytest.mark.parametrize("calls", [1, 2])
def test_a_promotion_that_is_killed_is_finished_by_whoever_comes_next(feed, monkeypatch, stage, calls):
    create(feed.config, NAME)
    change(feed, 2)
    feed.data.put("things", thing(9, day(2) - timedelta(hours=10), amount="much"))
    run_in(feed, day(2))
    tried = {name: everything(feed, name, NAME) for name in TABLES}

    def promote_or_die():
        promote(feed.config, NAME, [], confirm=yes)
        raise Killed  # where a stage is called once only, nothing is left to be finished

    killed(monkeypatch, promoting, stage, promote_or_die, calls=calls)
    maintain(feed.config)
    if stage == "write_entries" and calls == 1:
        promote(feed.config, NAME, [], confirm=yes)
    assert {name: everything(feed, name) for name in TABLES} == tried
    assert {row["snapshot_date"] for name in TABLES for row in rows(feed, f"select snapshot_date from {name}")} == {
        "20261112"
    }
    assert [row["raw_value"] for row in rows(feed, "select raw_value from uncastable")] == ["much"]
    remove(feed.config, NAME, confirm=yes)
    assert {name: everything(feed, name) for name in TABLES} == tried
    assert {tag for tags in pins(feed).values() for tag in tags} == set()


# ---------------------------------------------------------------- looking and dropping


def test_a_difference_counts_what_changed_and_shows_cells_with_personal_ones_masked(feed):
    create(feed.config, NAME)
    feed.data.put("things", thing(1, day(2) - timedelta(hours=10), name="a person", amount="77"))
    feed.data.put("things", thing(50, day(2) - timedelta(hours=10)))
    run_in(feed, day(2), "things")
    (found,) = differences(feed.config, NAME, [])
    assert (found.table, found.rows_base, found.rows_preview) == ("things", 8, 9)
    assert (found.added, found.removed, found.changed) == (1, 0, 1)
    told = {(cell.id, cell.column): (cell.before, cell.after) for cell in found.sample}
    assert told["1", "amount"] == ("1.5", "77.0")
    assert told["1", "name"] == ("[personal, 8 characters]", "[personal, 8 characters]")
    assert found.files > 0
    assert not found.moved


def test_rows_are_counted_as_the_view_shows_them_without_what_was_deleted(feed, typed):
    create(feed.config, NAME)
    feed.data.delete("things", "5")
    settings = feed.config.settings.model_copy(update={"deletion_limit_percent": 100, "dropped_rows_percent": 100})
    feed.config = feed.config.model_copy(update={"settings": settings})
    run_in(feed, day(2), "things", is_full=True)
    assert rows(feed, "select count(*)::int as n from current_things where is_deleted", NAME) == [{"n": 1}]
    (found,) = differences(feed.config, NAME, [])
    assert (found.rows_base, found.rows_preview, found.removed) == (8, 7, 1)
    (promoted,) = promote(feed.config, NAME, [], confirm=yes)
    assert (promoted.rows_from, promoted.rows_to, len(shown(feed))) == (8, 7, 7)
    undo(feed.config, confirm=yes)
    assert len(shown(feed)) == 8
    run_in(feed, day(2) + timedelta(hours=1), "things", environment=None, is_full=True)
    create(feed.config, "again")
    change(feed, 3, "things")
    run_in(feed, day(3), "things", environment="again")
    line = next(line for line in typed("env", "diff", "again").out.splitlines() if "things" in line)
    assert line.split()[:6] == ["things", "7", "8", "1", "0", "1"]


def test_what_a_preview_drops_is_its_own(feed):
    there, before = files(feed), {name: everything(feed, name) for name in TABLES}
    create(feed.config, NAME)
    change(feed, 2)
    run_in(feed, day(2))
    remove(feed.config, NAME, confirm=yes)
    assert {name: everything(feed, name) for name in TABLES} == before
    assert not [path for path in files(feed) if "preview-" in str(path)]
    assert {path for path in there if "/data/" in str(path)} <= files(feed)
    assert {tag for tags in pins(feed).values() for tag in tags} == set()
    with pytest.raises(ConfigurationError, match="no environment and no preview is called"):
        shown(feed, environment=NAME)
    create(feed.config, NAME)
    assert shown(feed, environment=NAME) == shown(feed)


def test_a_drop_that_is_killed_is_finished_by_the_next(feed, monkeypatch):
    create(feed.config, NAME)
    change(feed, 2)
    run_in(feed, day(2))
    before = {name: everything(feed, name) for name in TABLES}
    for stage in ("_drop_database", "remove_pins", "drop_table"):
        with monkeypatch.context() as patched, pytest.raises(Killed):
            patched.setattr(drop_preview, stage, lambda *_, **__: (_ for _ in ()).throw(Killed()))
            remove(feed.config, NAME, confirm=yes)
    assert remove(feed.config, NAME, confirm=yes) is not None
    assert not [path for path in files(feed) if "preview-" in str(path)]
    assert {tag for tags in pins(feed).values() for tag in tags} == set()
    assert {name: everything(feed, name) for name in TABLES} == before


def test_entering_that_is_killed_is_begun_anew(feed, monkeypatch):
    create(feed.config, NAME)
    change(feed, 2)
    for stage in ("_pin", "_show_same", "_tell_same", "write_event"):
        with monkeypatch.context() as patched, pytest.raises(Killed):
            patched.setattr(previews, stage, lambda *_, **__: (_ for _ in ()).throw(Killed()))
            run_in(feed, day(2), "things")
    run_in(feed, day(2) + timedelta(minutes=5), environment=None)
    run_in(feed, day(2) + timedelta(minutes=10), "things")
    assert everything(feed, environment=NAME)["view"] == everything(feed)["view"]


def test_housekeeping_of_a_base_leaves_what_a_preview_stands_on(feed):
    create(feed.config, NAME)
    change(feed, 2)
    run_in(feed, day(2), "things")
    tried = everything(feed, environment=NAME)
    for number in range(3, 60, 8):
        change(feed, number)
        run_in(feed, day(number), environment=None)
        maintain(feed.config)
    assert everything(feed, environment=NAME) == tried
    maintain(feed.config, environment=NAME)
    assert everything(feed, environment=NAME) == tried


def test_setting_back_rebuilding_and_undoing_in_a_preview_stay_there(feed):
    create(feed.config, NAME)
    change(feed, 2)
    run_in(feed, day(2), "things")
    before, at_day_2 = state(feed), shown(feed, environment=NAME)
    rollback(feed.config, [], date(2026, 11, 11), confirm=yes, environment=NAME)
    assert shown(feed, environment=NAME) == shown(feed)
    undo(feed.config, confirm=yes, environment=NAME)
    assert shown(feed, environment=NAME) == at_day_2
    rebuild(feed.config, ["others"], environment=NAME)
    assert shown(feed, "others", NAME) == shown(feed, "others")
    assert state(feed) == before


def test_a_record_that_is_forgotten_is_in_no_preview_nor_in_what_one_left_behind(feed):
    secret = "Ursula Nobody"
    feed.data.put("things", thing(7, day(1) - timedelta(hours=1), name=secret))
    create(feed.config, "dropped")
    run_in(feed, day(1) + timedelta(hours=1), "things", environment="dropped")
    promote(feed.config, "dropped", [], confirm=yes)
    remove(feed.config, "dropped", confirm=yes)
    create(feed.config, "promoted")
    change(feed, 2)
    feed.data.put("things", thing(7, day(2) - timedelta(hours=10), name=secret, amount="8"))
    run_in(feed, day(2), "things", environment="promoted")
    promote(feed.config, "promoted", [], confirm=yes)
    create(feed.config, NAME)
    feed.data.put("things", thing(7, day(3) - timedelta(hours=10), name=secret, amount="9"))
    run_in(feed, day(3), "things")
    before = {environment: shown(feed, environment=environment) for environment in (None, NAME, "promoted")}
    assert found_anywhere(feed, secret)
    forget(feed.config, "things", "7", confirm=yes, environment=NAME)
    assert not found_anywhere(feed, secret)
    for environment, rows_before in before.items():
        assert shown(feed, environment=environment) == [row for row in rows_before if row["id"] != 7]
    feed.data.delete("things", "7")
    change(feed, 4)
    run_in(feed, day(4), "things")
    promote(feed.config, NAME, [], confirm=yes)
    assert {row["id"] for row in shown(feed)} == {1, 2, 3, 4, 5, 6, 101, 102, 104}


def test_a_record_that_is_forgotten_is_not_in_the_files_of_a_table_that_a_preview_left(feed):
    secret = "Ursula Nobody"
    feed.data.put("new_ones", thing(77, day(0), name=secret))
    create(feed.config, NAME)
    run_in(feed, day(2), "new_ones")
    with open_for_writing(feed.config, NAME, ignore) as context:
        drop_own_tables(context.lake, ["new_ones"], run=context.run)
    assert found_anywhere(feed, secret)
    forget(feed.config, "new_ones", "77", confirm=yes)
    assert not found_anywhere(feed, secret)


def found_anywhere(feed, text):
    """Files of the lake that hold this text, in their bytes or in a column of theirs."""
    found = [path for path in files(feed) if text.encode() in path.read_bytes()]
    for path in files(feed):
        if path.suffix == ".parquet":
            table = pq.read_table(path)
            found += [path for column in table.columns if any(text in str(one) for one in column.to_pylist())]
    return found


# ---------------------------------------------------------------- as it is typed


def test_from_making_to_promoting_as_it_is_typed(feed, typed):
    feed.monkeypatch.setenv("PLANLAKE_NOW", day(1).isoformat())
    assert typed("env", "create", NAME).err.startswith(f"{NAME} shows the tables of local\n")
    said = typed("env", "create", NAME.lower())
    assert (said.status, said.errors) == (2, [f'Error: an environment or a preview is called "{NAME.lower()}" already'])
    assert typed("env", "create", "a--b").status == 2
    feed.monkeypatch.setenv("PLANLAKE_NOW", (day(1) + timedelta(hours=1)).isoformat())
    assert typed("run", "--env", NAME, "new_ones").status == 0
    assert "new_ones" in typed("env", "list").out
    said = typed("env", "diff", NAME)
    assert (said.status, "new_ones" in said.out) == (0, True)
    said = typed("env", "diff", NAME, "things")
    assert (said.status, said.errors) == (2, [f"Error: things was never run in this preview (preview={NAME})"])
    said = typed("env", "promote", NAME, "--dry-run")
    assert (said.status, "No table was changed" in said.err) == (0, True)
    assert typed("env", "promote", NAME).status == 0
    assert "7" in typed("sql", "select count(*) from new_ones").out
    assert "nothing to do" in typed("env", "promote", NAME).err
    assert typed("env", "drop", NAME).err.startswith(f"{NAME} is gone")
    said = typed("env", "drop", NAME)
    assert (said.status, said.errors) == (2, [f'Error: no environment and no preview is called "{NAME}"'])


@pytest.mark.parametrize("command", ["promote", "drop"])
def test_over_a_protected_environment_somebody_must_say_yes(feed, typed, command):
    file = feed.config.folder / "planlake.yaml"
    file.write_text(file.read_text() + "environments: {local: {protected: true}}\n")
    feed.monkeypatch.setenv("PLANLAKE_NOW", (day(1) + timedelta(hours=1)).isoformat())
    assert typed("env", "create", NAME).status == 0
    assert typed("run", "--env", NAME, "new_ones").status == 0
    said = typed("env", command, NAME)
    assert (said.status, said.errors) == (2, ["Error: this environment is protected"])
    assert typed("env", command, NAME, "--yes").status == 0


def test_a_preview_in_glue_has_a_name_in_small_letters(loaded):
    made, _ = loaded
    stg = made.config.environment().model_copy(update={"catalog": Catalog(type="glue")})
    config = made.config.model_copy(update={"environments": {"stg": stg}})
    with pytest.raises(ConfigurationError, match="lower case") as refused:
        create(config, NAME)
    assert refused.value.hint == "planlake env create dpp-426"
