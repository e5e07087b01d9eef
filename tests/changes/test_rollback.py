"""Setting tables back to a day or a run: data and bookmark together, and forward again."""

from datetime import date, datetime, timedelta

import pytest

from commands import typed_in_process
from conftest import feeding, table_of, written_config
from flow.killing import Killed
from flow.tables import COLUMNS, columns_with
from flow.tables import numbered as thing
from planlake.changes import rollback as undoing
from planlake.changes.maintain import maintain
from planlake.changes.rebuild import rebuild
from planlake.changes.rollback import rollback, undo
from planlake.lake.open_lake import open_lake
from planlake.lake.tables.version_summary import bookmark
from planlake.report.status import status
from planlake.simulator.dataset import Dataset

FIRST = datetime.fromisoformat("2026-11-10T03:00:00")
TABLES = ("things", "others")
DATA = "id, last_updated, amount, name"


def declared(more="", tables=TABLES, **types):
    """YAML of daily tables; types given here are laid over the usual ones."""
    columns = columns_with(**types)
    known = "".join(f"  {name}: {{columns: {{{columns}}}}}\n" for name in (*TABLES, "late"))
    return f"source: tascomi\nresources:\n{known}tables: {{daily: [{', '.join(tables)}]}}\n{more}"


def day(number):
    return FIRST + timedelta(days=number)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """Two tables of 20 records, loaded on four days; each day brings a change and a new record to each."""
    data = Dataset(dict.fromkeys((*TABLES, "late"), COLUMNS), now=FIRST)
    with feeding(data, tmp_path_factory.mktemp("loaded"), declared()) as made:
        for name in (*TABLES, "late"):
            for identity in range(1, 21):
                data.put(name, thing(identity, day(-3)))
        made.run_at(day(0).isoformat())
        for number in (1, 2, 3):
            change(made, number)
            made.run_at(day(number).isoformat())
        yield made, made.remembered()


@pytest.fixture
def feed(loaded):
    made, set_back_to_loaded = loaded
    set_back_to_loaded()
    return made


def change(feed, number, **more):
    """What the vendor's users do on the day before a run."""
    at = day(number) - timedelta(hours=10)
    for name in TABLES:
        feed.data.put(name, thing(1, at, name=f"of day {number}", **more))
        feed.data.put(name, thing(100 + number, at, **more))


@pytest.fixture
def typed(monkeypatch, capfd):
    """Run a command in this process."""
    return lambda *arguments: typed_in_process(monkeypatch, capfd, arguments)


def yes(_):
    return True


def set_back(feed, target, *tables, zone="refined"):
    return rollback(feed.config, tables, target, zone=zone, confirm=yes)


def shown(feed, table="things", as_of=None):
    return feed.rows(f"select {DATA} from {table} order by id", as_of)


def everything(feed, table="things"):
    """All rows of a table, with all that is known of them."""
    return {
        name: feed.rows(f"select * from {name}_{table} order by all") for name in ("increment", "current", "history")
    } | {"view": feed.rows(f"select * from {table} order by id")}


def bookmarks(feed, table="things"):
    lake = open_lake(feed.config)
    return tuple(bookmark(lake.find("refined", f"{kind}_{table}")) for kind in ("increment", "current"))


def requests(feed):
    return feed.rows("select count(*)::int as n from api_requests where event in ('page', 'provisional')")[0]["n"]


# ---------------------------------------------------------------- the data stays, code or catalogue was wrong


def test_tables_go_back_to_a_day_with_their_bookmarks_and_the_next_run_applies_the_same_records(feed):
    before, at_day_1 = everything(feed), shown(feed, as_of="2026-11-11")
    found = set_back(feed, date(2026, 11, 11))
    assert {one.published for one in status(feed.config).tables} == {"20261111"}
    assert {one.resource: (one.batches, one.versions, one.is_kept) for one in found} == dict.fromkeys(
        TABLES, ((3, 4), 2, True)
    )
    assert bookmarks(feed) == (2, 2)
    assert shown(feed) == at_day_1
    assert {row["snapshot_date"] for row in feed.rows("select snapshot_date from things")} == {"20261111"}
    asked = requests(feed)
    result = feed.run_at((day(3) + timedelta(hours=2)).isoformat())
    assert result.exit_code == 0
    after = everything(feed)
    assert after == before
    assert requests(feed) - asked == 2  # today again, provisionally


def test_a_run_can_be_named_and_the_version_before_the_last(feed):
    states = {number: shown(feed, as_of=str(day(number).date())) for number in range(4)}
    set_back(feed, "last-good", "things")
    assert shown(feed) == states[2]
    assert shown(feed, "others") == states[3]
    set_back(feed, 2, "things")
    assert shown(feed) == states[1]
    assert set_back(feed, 2, "things") == []


def test_days_after_the_target_show_the_target_and_days_before_it_what_they_showed(feed):
    states = {number: shown(feed, as_of=str(day(number).date())) for number in range(4)}
    set_back(feed, date(2026, 11, 11))
    for number in range(4):
        assert shown(feed, as_of=str(day(number).date())) == states[min(number, 1)]


def test_every_version_that_is_undone_counts_also_one_that_brought_no_batch(feed):
    rebuild(feed.config, ["things"])

    def counted(target):
        found = rollback(feed.config, [], target, confirm=lambda _: False)
        return {one.resource: (one.batches, one.versions) for one in found}

    assert counted(date(2026, 11, 11)) == {"things": ((3, 4), 3), "others": ((3, 4), 2)}
    assert counted("last-good")["things"] == ((), 1)
    assert counted(4) == {"things": ((), 1)}
    set_back(feed, 4)
    assert counted(date(2026, 11, 11)) == {"things": ((3, 4), 2), "others": ((3, 4), 2)}
    undo(feed.config, confirm=yes)
    assert counted(0) == {"things": ((1, 2, 3, 4), 5), "others": ((1, 2, 3, 4), 4)}


# ---------------------------------------------------------------- the data was wrong


def test_a_bad_load_is_as_if_it_had_never_been_once_the_vendor_has_mended_it(feed):
    good = {name: shown(feed, name) for name in TABLES}
    change(feed, 4, amount="-1")
    feed.run_at(day(4).isoformat())
    assert shown(feed) != good["things"]
    set_back(feed, date(2026, 11, 13), zone="all")
    assert {name: shown(feed, name) for name in TABLES} == good
    change(feed, 4)
    feed.run_at((day(4) + timedelta(hours=2)).isoformat())
    rows = shown(feed)
    assert [row["name"] for row in rows if row["id"] == 1] == ["of day 4"]
    assert {row["amount"] for row in rows} == {row["id"] + 0.5 for row in rows}
    batches = feed.rows("select distinct batch::int as batch from increment_things order by 1")
    assert [row["batch"] for row in batches] == [1, 2, 3, 4, 6]
    raw = feed.rows("select max(batch)::int as last, count(distinct batch)::int as n from api_responses")
    assert raw == [{"last": 6, "n": 6}]
    assert -1.0 not in {row["amount"] for row in feed.rows("select amount from history_things")}


def test_a_first_load_that_was_bad_is_read_again_in_full(feed):
    set_back(feed, 0, "things", zone="all")
    assert shown(feed) == []
    assert bookmarks(feed) == (0, 0)
    result = table_of(feed.run_at((day(3) + timedelta(hours=2)).isoformat()), "things")
    assert (result.ingest.closed, result.ingest.records) == (("full",), 23)
    assert len(shown(feed)) == 23


def test_going_back_far_and_then_less_far_loses_no_record(feed, typed):
    before = everything(feed)
    set_back(feed, date(2026, 11, 11))
    assert set_back(feed, date(2026, 11, 13)) == []
    assert set_back(feed, 4) == []
    said = typed("rollback", "--to", "2026-11-13", "--config", feed.config.folder / "planlake.yaml")
    assert "hint: planlake undo" in said.err
    feed.run_at((day(3) + timedelta(hours=2)).isoformat())
    assert everything(feed) == before


@pytest.mark.parametrize("zone", ["refined", "all"])
def test_of_two_runs_on_one_day_both_are_undone(feed, zone):
    good = shown(feed)
    change(feed, 4, amount="-1")
    feed.run_at(day(4).isoformat())
    at = day(4) + timedelta(hours=1)
    feed.data.put("things", thing(2, at, name="later that day"))
    feed.run_at((at + timedelta(hours=1)).isoformat())
    set_back(feed, date(2026, 11, 13), zone=zone)
    assert shown(feed, as_of="2026-11-14") == shown(feed) == good
    assert {row["snapshot_date"] for row in feed.rows("select snapshot_date from things")} == {"20261113"}
    for name in TABLES:
        feed.data.put(name, thing(1, day(4) - timedelta(hours=10), name="of day 4"))
        feed.data.put(name, thing(104, day(4) - timedelta(hours=10)))
    feed.run_at(day(5).isoformat())
    assert -1.0 not in {row["amount"] for row in shown(feed)} or zone == "refined"
    set_back(feed, "last-good")
    assert shown(feed) == good
    increment = {row["batch"] for row in feed.rows("select distinct batch::int as batch from increment_things")}
    assert increment == {1, 2, 3, 4}


def test_a_type_that_was_wrong_from_the_first_load_is_mended_after_going_back_before_it(feed):
    set_back(feed, 0)
    feed.data.put("things", thing(2, day(3), amount="about 7"))
    feed.config = written_config(feed.simulator, feed.config.folder, declared(amount="text"))
    assert feed.run_at((day(3) + timedelta(hours=2)).isoformat()).exit_code == 0
    assert feed.rows("select amount from things where id in (1, 2) order by id") == [
        {"amount": "1.5"},
        {"amount": "about 7"},
    ]


def test_a_resource_nobody_knows_any_more_holds_up_no_other(feed):
    feed.config = written_config(feed.simulator, feed.config.folder, declared(tables=(*TABLES, "late")))
    feed.run_at(day(4).isoformat())
    text = declared().replace("  late: {", "  later: {")
    feed.config = written_config(feed.simulator, feed.config.folder, text)
    assert {one.resource for one in set_back(feed, date(2026, 11, 11))} == set(TABLES)


# ---------------------------------------------------------------- taking it back


@pytest.mark.parametrize("zone", ["refined", "all"])
def test_undo_brings_versions_tags_and_batches_back(feed, zone):
    before = everything(feed)
    days = {number: shown(feed, as_of=str(day(number).date())) for number in range(4)}
    set_back(feed, date(2026, 11, 11), zone=zone)
    undo(feed.config, confirm=yes)
    assert everything(feed) == before
    assert {number: shown(feed, as_of=str(day(number).date())) for number in range(4)} == days
    assert bookmarks(feed) == (4, 4)
    change(feed, 4)
    assert feed.run_at(day(4).isoformat()).exit_code == 0
    assert [row["name"] for row in shown(feed) if row["id"] == 1] == ["of day 4"]


def test_undo_after_a_run_in_between_loses_nothing_that_run_brought(feed):
    set_back(feed, date(2026, 11, 11), zone="all")
    change(feed, 4)
    feed.run_at(day(4).isoformat())
    expected = shown(feed)
    undo(feed.config, confirm=yes)
    feed.run_at((day(4) + timedelta(hours=2)).isoformat())
    assert shown(feed) == expected


def test_an_undo_whose_versions_are_gone_says_so_and_changes_nothing(feed, typed):
    set_back(feed, date(2026, 11, 11), zone="all")
    for number in (4, 20, 60):
        change(feed, number)
        feed.run_at(day(number).isoformat())
    maintain(feed.config)
    before = everything(feed)
    said = typed("undo", "--config", feed.config.folder / "planlake.yaml")
    assert said.status == 2
    assert "the earlier versions are no longer kept" in said.err
    assert everything(feed) == before
    assert feed.rows("select count(*)::int as n from api_requests where event = 'restored'") == [{"n": 0}]


def test_housekeeping_in_between_takes_nothing_an_undo_needs(feed):
    for number in (10, 25, 42, 60):
        change(feed, number)
        feed.run_at(day(number).isoformat())
    maintain(feed.config)
    days = [str(day(number).date()) for number in (3, 10, 25, 42, 60)]
    before, then = everything(feed), {one: shown(feed, as_of=one) for one in days}
    tags = set(open_lake(feed.config).find("refined", "current_things").refs())
    set_back(feed, day(3).date())
    maintain(feed.config)
    undo(feed.config, confirm=yes)
    assert everything(feed) == before
    assert {one: shown(feed, as_of=one) for one in days} == then
    now = set(open_lake(feed.config).find("refined", "current_things").refs())
    assert {tag for tag in now if tag.startswith("day-")} >= {tag for tag in tags if tag.startswith("day-")}


def test_nothing_to_take_back_is_said(feed, typed):
    said = typed("undo", "--config", feed.config.folder / "planlake.yaml")
    assert (said.status, "there is nothing to take back" in said.err) == (2, True)
    set_back(feed, date(2026, 11, 11))
    undo(feed.config, confirm=yes)
    assert typed("undo", "--config", feed.config.folder / "planlake.yaml").status == 2


# ---------------------------------------------------------------- what may have happened in between


def test_columns_that_came_since_are_gone_and_come_again(feed):
    at = day(4) - timedelta(hours=10)
    feed.data.put("things", {**thing(1, at), "colour": "red"})
    feed.run_at(day(4).isoformat())
    before = everything(feed)
    set_back(feed, date(2026, 11, 12))
    assert "colour" not in feed.rows("select * from things limit 1")[0]
    feed.run_at((day(4) + timedelta(hours=2)).isoformat())
    after = everything(feed)
    assert after == before


def test_a_column_that_was_retyped_since_has_its_old_type_until_the_next_run(feed):
    feed.config = written_config(feed.simulator, feed.config.folder, declared(amount="text"))
    feed.run_at(day(4).isoformat())
    before = shown(feed)
    assert before[0]["amount"] == "1.5"
    set_back(feed, date(2026, 11, 12))
    assert shown(feed)[0]["amount"] == 1.5
    feed.run_at((day(4) + timedelta(hours=2)).isoformat())
    assert shown(feed) == before


def test_a_table_that_was_not_there_yet_is_empty_then(feed):
    feed.config = written_config(feed.simulator, feed.config.folder, declared(tables=(*TABLES, "late")))
    feed.run_at(day(4).isoformat())
    before = everything(feed, "late")
    found = set_back(feed, date(2026, 11, 12))
    assert {one.resource: one.rows_to for one in found} == {"things": 22, "others": 22, "late": 0}
    assert shown(feed, "late") == []
    feed.run_at((day(4) + timedelta(hours=2)).isoformat())
    assert everything(feed, "late") == before


def test_a_day_whose_version_is_gone_is_worked_out_and_the_preview_says_so(feed):
    states = {3: shown(feed)}
    settings = feed.config.settings.model_copy(
        update={"keep_days": 2, "keep_month_ends": 0, "expire_after_versions": 1}
    )
    feed.config = feed.config.model_copy(update={"settings": settings})
    for number in range(4, 45):
        if number % 8 == 4:
            change(feed, number)
            feed.run_at(day(number).isoformat())
            states[number] = shown(feed)
    before = everything(feed)
    found = set_back(feed, day(4).date())
    assert {one.resource: one.is_kept for one in found} == dict.fromkeys(TABLES, False)
    assert shown(feed) == states[4]
    assert bookmarks(feed) == (5, 5)
    assert shown(feed, as_of=str(day(20).date())) == states[4]
    undo(feed.config, confirm=yes)
    assert everything(feed) == before
    set_back(feed, day(12).date(), zone="all")
    feed.run_at((day(44) + timedelta(hours=2)).isoformat())
    assert shown(feed) == states[44 - (44 - 4) % 8]


# ---------------------------------------------------------------- killed half way, shown, asked


@pytest.mark.parametrize("zone", ["refined", "all"])
@pytest.mark.parametrize("kill_at", range(5))
def test_a_rollback_that_is_killed_is_finished_by_whoever_comes_next(feed, monkeypatch, kill_at, zone):
    expected = {name: shown(feed, name, as_of="2026-11-11") for name in TABLES}
    calls = []

    def dying(name):
        real = getattr(undoing, name)

        def step(*arguments, **more):
            if len(calls) == kill_at:
                raise Killed
            calls.append(name)
            return real(*arguments, **more)

        return step

    with monkeypatch.context() as patched, pytest.raises(Killed):
        for name in ("_mark_batches", "restore_version", "write_entries"):
            patched.setattr(undoing, name, dying(name))
        set_back(feed, date(2026, 11, 11), zone=zone)
    if kill_at == 0:
        assert {name: bookmarks(feed, name) for name in TABLES} == dict.fromkeys(TABLES, (4, 4))
        return
    assert set_back(feed, date(2026, 11, 11), zone=zone) == []
    assert {name: shown(feed, name) for name in TABLES} == expected
    undo(feed.config, confirm=yes)
    assert {name: bookmarks(feed, name) for name in TABLES} == dict.fromkeys(TABLES, (4, 4))


def test_a_run_that_finishes_a_killed_rollback_asks_for_the_voided_days_at_once(feed, monkeypatch):
    good = shown(feed)

    def kill(*_arguments, **_more):
        raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(undoing, "_mark_batches", kill)
        set_back(feed, date(2026, 11, 11), zone="all")
    asked = requests(feed)
    feed.run_at((day(3) + timedelta(hours=2)).isoformat())
    assert requests(feed) - asked > 2 * len(TABLES)  # the days that are open again, beside today
    assert shown(feed) == good


def test_a_dry_run_shows_what_would_be_done_and_does_nothing(feed, typed):
    before, snapshots = everything(feed), feed.snapshots()
    said = typed("rollback", "--to", "2026-11-11", "--dry-run", "--config", feed.config.folder / "planlake.yaml")
    assert said.status == 0
    assert "No table was changed" in said.err
    line = next(line for line in said.out.splitlines() if "things" in line)
    assert line.split()[:7] == ["things", "2026-11-13", "(23", "rows)", "2026-11-11", "(21", "rows)"]
    assert feed.snapshots() == snapshots
    assert everything(feed) == before


DRY = [("rollback", "--to", "2026-11-12"), ("undo",), ("forget", "things", "5")]


@pytest.mark.parametrize("command", DRY, ids=[command[0] for command in DRY])
def test_a_dry_run_finishes_nothing_that_was_killed_and_says_who_does(feed, typed, monkeypatch, command):
    def kill(*_arguments, **_more):
        raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(undoing, "restore_version", kill)
        set_back(feed, date(2026, 11, 11), zone="all")
    before, file = feed.snapshots(), feed.config.folder / "planlake.yaml"
    said = typed(*command, "--dry-run", "--config", file)
    assert (said.status, said.out, feed.snapshots()) == (1, "", before)
    assert said.err.splitlines() == [
        "Error: rollback to 2026-11-11 was killed half way (tables=others, things)",
        "Nothing was changed; the next command that writes finishes it first",
        f"hint: planlake maintain --config {file}",
    ]
    assert typed("maintain", "--config", file).status == 0
    assert bookmarks(feed) == (2, 2)
    assert typed(*command, "--dry-run", "--config", file).status == 0
    undo(feed.config, confirm=yes)
    assert bookmarks(feed) == (4, 4)


def test_a_dry_run_shows_what_would_be_done_after_a_rebuild_that_was_killed(feed, typed, monkeypatch):
    def kill(*_arguments, **_more):
        raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr("planlake.changes.rebuild.snapshot", kill)
        rebuild(feed.config, ["things"])
    before = feed.snapshots()
    said = typed("rollback", "--to", "2026-11-11", "--dry-run", "--config", feed.config.folder / "planlake.yaml")
    assert (said.status, feed.snapshots()) == (0, before)
    assert [line.split()[0] for line in said.out.splitlines() if "2026-11-11" in line] == ["others", "things"]


def test_a_protected_environment_needs_a_yes(feed, typed, monkeypatch):
    environment = "environments: {prod: {warehouse: lake/, protected: true}}\n"
    feed.config = written_config(feed.simulator, feed.config.folder, declared(environment))
    file = feed.config.folder / "planlake.yaml"
    said = typed("rollback", "--to", "2026-11-11", "--config", file)
    assert (said.status, bookmarks(feed)) == (2, (4, 4))
    assert "this environment is protected" in said.err
    said = typed("rollback", "--to", "2026-11-11", "--yes", "--config", file)
    assert (said.status, bookmarks(feed)) == (0, (2, 2))
    assert typed("undo", "--config", file).status == 2
    assert typed("undo", "--yes", "--config", file).status == 0


@pytest.mark.parametrize("to", ["yesterday", "2026-13-01", "-3", "20261111"])
def test_a_target_that_is_none_is_said(feed, typed, to):
    said = typed("rollback", f"--to={to}", "--config", feed.config.folder / "planlake.yaml")
    assert (said.status, "is neither a day nor a run" in said.err) == (2, True) or to == "20261111"


# ---------------------------------------------------------------- deletions


def test_a_deletion_that_is_undone_with_its_batch_is_found_again_by_the_next_full_reading(feed):
    feed.data.delete("things", "5")
    feed.run_at(day(4).isoformat(), "things", is_full=True)
    assert 5 not in {row["id"] for row in shown(feed)}
    set_back(feed, date(2026, 11, 13), "things", zone="all")
    assert 5 in {row["id"] for row in shown(feed)}
    feed.run_at((day(4) + timedelta(hours=1)).isoformat(), "things")  # by days: a deletion is in none of them
    assert 5 in {row["id"] for row in shown(feed)}
    feed.run_at((day(4) + timedelta(hours=2)).isoformat(), "things", is_full=True)
    assert 5 not in {row["id"] for row in shown(feed)}
    assert feed.rows("select is_deleted from history_things where id = 5 order by valid_from")[-1] == {
        "is_deleted": True
    }


def test_a_deletion_that_was_false_is_gone_with_its_batch(feed):
    before = shown(feed)
    feed.data.delete("things", "5")
    feed.run_at(day(4).isoformat(), "things", is_full=True)
    feed.data.put("things", thing(5, day(-3)))
    set_back(feed, date(2026, 11, 13), "things", zone="all")
    feed.run_at((day(4) + timedelta(hours=1)).isoformat(), "things", is_full=True)
    assert shown(feed) == before
    assert [row["is_deleted"] for row in feed.rows("select is_deleted from history_things where id = 5")] == [False]


# ---------------------------------------------------------------- days whose versions are gone


def test_a_day_that_was_worked_out_is_what_later_days_show_whatever_older_version_is_kept(feed):
    settings = {"keep_days": 2, "keep_month_ends": 12, "expire_after_versions": 1}
    feed.config = feed.config.model_copy(update={"settings": feed.config.settings.model_copy(update=settings)})
    states = {}
    for number in (4, 12, 20, 28, 36, 44):  # the 20th day is a month's end
        change(feed, number)
        feed.run_at(day(number).isoformat())
        states[number] = shown(feed)
    assert {one.is_kept for one in set_back(feed, day(28).date())} == {False}
    for number in (28, 30, 40):
        assert shown(feed, as_of=str(day(number).date())) == states[28]
    assert shown(feed, as_of=str(day(20).date())) == states[20]
    found = rollback(feed.config, [], day(28).date(), zone="all", confirm=lambda _: False)
    assert {one.entry.batch_to for one in found} == {bookmarks(feed)[0]}


def test_taking_a_rebuild_back_leaves_a_table_alone_that_was_loaded_since(feed):
    told = rebuild(feed.config, ["things", "late"])
    assert {one.table: one.trouble for one in told} == {"things": "", "late": "it is not loaded yet"}
    feed.run_at((day(3) + timedelta(hours=1)).isoformat(), "late")
    undo(feed.config, confirm=yes)
    assert len(shown(feed, "late")) == 20
