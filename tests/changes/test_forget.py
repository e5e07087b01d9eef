"""Forgetting: nothing of a person is left in any file, and everything else is as it was."""

import copy
import json
import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from uuid import uuid4

import pytest
from pyiceberg.serializers import ToOutputFile

from changes.remains import remains
from commands import typed_in_process
from conftest import feeding, written_config
from flow.killing import Killed
from planlake.changes import forget as forgetting
from planlake.changes.forget import forget, forget_in
from planlake.changes.maintain import maintain
from planlake.changes.rebuild import rebuild
from planlake.changes.rollback import rollback, undo
from planlake.checks.examples import without_values
from planlake.flow.open_run import open_for_writing
from planlake.lake.forgetting import rewrite as rewriting
from planlake.lake.lake import ZONES, Lake
from planlake.lake.open_lake import open_lake
from planlake.report.query import open_views
from planlake.runs.reconcile import reconcile
from planlake.telemetry.progress import ignore
from querying import answer
from report.showing import Showing

FIRST = datetime.fromisoformat("2026-11-10T03:00:00")
NUMBER, TEXT, REFUSED = 904417733, "K/Zb 9Qx?ü", "no-number-Zq"  # the ids of three persons
TRACES = {  # what to look for: parts of texts, whole numbers
    ("things", str(NUMBER)): (("Wilhelmina",), (NUMBER,)),
    ("people", TEXT): (("Ottokar", TEXT, "K%2FZb%209Qx"), ()),
    ("things", REFUSED): (("Adelgunde", REFUSED), ()),
}
TABLES = ("things", "people")


def declared(amount="double", more=""):
    return f"""
source: tascomi
resources:
  things:
    columns: {{id: integer, last_updated: timestamp, amount: {amount}, kind: text, name: text}}
    accepted: {{kind: [usual]}}
  people: {{columns: {{id: text, last_updated: timestamp, age: integer, name: text}}, personal: ["*"]}}
tables: {{daily: [things, people]}}
settings: {{deletion_limit_percent: 100}}
{more}"""


@dataclass
class Served:
    """The records of one resource in the order of their places."""

    places: dict = field(default_factory=dict)

    def put(self, place, identity, at, **more):
        changed = at.isoformat(" ", "seconds")
        self.places[place] = {"id": str(identity), "last_updated": changed, "kind": "usual", "name": "a name", **more}

    def records(self, filters):
        day = filters.get("last_updated", "")
        found = [self.places[place] for place in sorted(self.places)]
        found = [one for one in found if one["last_updated"].startswith(day)]
        return [one for one in found if filters.get("id", one.get("id")) == one.get("id")]


def day(number):
    return FIRST + timedelta(days=number)


DAYS = [str(day(number).date()) for number in range(6)]


def run(feed, number, hours=0, **more):
    assert feed.run_at((day(number) + timedelta(hours=hours)).isoformat(), **more).exit_code in (0, 1)


def build(feed):
    """Six days that leave behind of three persons whatever a record can leave behind."""
    things, people = feed.data.shown["things"], feed.data.shown["people"]
    things.put(0, NUMBER, day(-3), name="Wilhelmina the first", amount="7")
    for place in range(1, 8):
        things.put(place, place, day(-3), amount=f"{place}.5")
    things.put(9, REFUSED, day(-3), name="Adelgunde", amount="Adelgunde's")
    for place, identity in enumerate(("a", TEXT, "b")):
        people.put(place, identity, day(-3), age="30", name="Ottokar" if identity == TEXT else "somebody")
    run(feed, 0)
    things.put(
        0, f"0{NUMBER}", day(0), name="Wilhelmina the second", amount="Wilhelmina pounds", kind="Wilhelmina kind"
    )
    people.put(1, TEXT, day(0), name="Ottokar", age="Ottokar's age")
    run(feed, 1)
    things.put(0, NUMBER, day(1), name="Wilhelmina the third", amount="8", extra="Wilhelmina's extra")
    things.put(2, 2, day(1), extra="another's")
    things.put(4, 4, day(1), amount="1,5")
    run(feed, 2)
    rollback(feed.config, [], day(1).date(), zone="all", confirm=yes)
    run(feed, 2, hours=2)
    feed.config = written_config(feed.simulator, feed.config.folder, declared(amount="text"))
    things.put(3, 3, day(2), name="three, changed")
    run(feed, 3)
    things.put(0, NUMBER, day(3), name="Wilhelmina on the same day", amount="8")
    run(feed, 3, hours=2)
    maintain(feed.config)  # lets the first version of that day go
    del things.places[0], people.places[1]
    run(feed, 4, is_full=True)
    things.put(0, NUMBER, day(4), name="Wilhelmina the last", amount="9")
    things.put(8, 8, day(4))
    people.places[7] = {"last_updated": f"{day(4)}", "name": "Kunigunde", "age": "1"}
    run(feed, 5)
    folder = feed.config.folder / "lake/tascomi-raw-zone/api_responses/data"
    shutil.copy(max(folder.iterdir(), key=lambda file: file.stat().st_size), folder / "left-by-a-crash.parquet")


def yes(_):
    return True


@contextmanager
def built(folder):
    with feeding(Showing(TABLES, page_size=3), folder, declared()) as feed:
        feed.data.shown = {name: Served() for name in TABLES}
        build(feed)
        yield feed


@pytest.fixture(scope="module")
def pristine(tmp_path_factory):
    """The lake as it was built, and a copy of its folder."""
    folder = tmp_path_factory.mktemp("forget")
    with built(folder / "here") as made:
        shutil.copytree(folder / "here/lake", folder / "copy")
        yield made, folder / "copy", copy.deepcopy(made.data.shown)


@pytest.fixture
def feed(pristine):
    """The lake as it was built."""
    made, kept, shown = pristine
    shutil.rmtree(made.config.folder / "lake")
    shutil.copytree(kept, made.config.folder / "lake")
    made.data.shown = copy.deepcopy(shown)
    made.monkeypatch.setenv("PLANLAKE_NOW", day(5).isoformat())
    return made


@pytest.fixture
def typed(monkeypatch, capfd):
    """Run a command in this process."""
    return lambda *arguments: typed_in_process(monkeypatch, capfd, arguments)


def left(feed, who, *more):
    texts, numbers = TRACES[who]
    return remains(feed.config.folder, (*texts, *more), numbers)


OTHERS = {  # of the ledger without what may name somebody
    "api_responses": "*",
    "api_requests": "* exclude (first_id, last_id, url)",
    **dict.fromkeys(("uncastable", "rejected", "published", "journal", "drift"), "*"),
    "checks": "* exclude message",
}


def everything(feed, who=(None, None)):
    """All that can be queried, tables on every day, but for a person and for the forgetting itself."""
    found = {}
    for as_of in (None, *DAYS):
        with open_views(feed.config, as_of=date.fromisoformat(as_of) if as_of else None) as views:
            for name in TABLES:
                for view in (name, f"history_{name}", *((f"increment_{name}", f"current_{name}") if not as_of else ())):
                    rows = answer(views, f"select * from {view} order by all").to_pylist()
                    found[view, as_of] = [row for row in rows if (name, str(row["id"])) != who]
            for name, columns in OTHERS.items() if not as_of else ():
                rows = answer(views, f"select {columns} from {name} order by all").to_pylist()
                found[name] = [row for row in rows if named(row) != who]
    return found | {"runs": feed.rows("select * from runs where outcome <> 'forgotten' order by all")}


def named(row):
    """Whom a row of Planlake's own tables is about, as `TRACES` has it."""
    return row.get("resource"), (row.get("record_id") or row.get("id") or "").lstrip("0")


def metadata(feed):
    """What the versions of all tables are, apart from the files they consist of."""
    lake, found = open_lake(feed.config), {}
    for zone in ZONES:
        for name in lake.names(zone):
            held = lake.find(zone, name).metadata
            versions = [
                (one.snapshot_id, one.parent_snapshot_id, one.sequence_number, one.timestamp_ms, one.schema_id)
                for one in held.snapshots
            ]
            own = [
                {key: value for key, value in one.summary.additional_properties.items() if key.startswith("planlake.")}
                for one in held.snapshots
            ]
            last = held.last_sequence_number, held.current_snapshot_id, held.current_schema_id
            found[name] = versions, own, held.refs, held.snapshot_log, held.schemas, held.properties, last
    return found


def assert_every_version_says_what_it_holds(feed):
    lake = open_lake(feed.config)
    for zone in ZONES:
        for name in lake.names(zone):
            table = lake.find(zone, name)
            for version in table.metadata.snapshots:
                said = version.summary.additional_properties
                files = list(table.scan(snapshot_id=version.snapshot_id).plan_files())
                assert len(table.scan(snapshot_id=version.snapshot_id).to_arrow()) == int(said["total-records"])
                assert len(files) == int(said["total-data-files"])
                assert sum(one.file.file_size_in_bytes for one in files) == int(said["total-files-size"])


# ---------------------------------------------------------------- nothing is left, everything else is


@pytest.mark.parametrize("who", TRACES, ids=["a number", "a text", "a refused id"])
def test_nothing_of_a_person_is_left_in_any_file_and_everything_else_is_as_it_was(feed, who):
    rows = feed.rows("select resource, record_id, record_hash from api_responses where not is_deleted")
    hashes = [row["record_hash"] for row in rows if named(row) == who]
    places = {name.split("/")[2] for name, _, _ in left(feed, who)}
    assert places >= {"api_responses", "api_requests", "uncastable"}
    before, versions = everything(feed, who), metadata(feed)
    found = forget(feed.config, *who, confirm=yes)
    assert {one.table for one in found} >= {"api_responses", "api_requests"}
    assert left(feed, who, *hashes) == []
    assert everything(feed, who) == everything(feed) == before
    after = metadata(feed)
    assert {name: after[name] for name in versions if name != "runs"} == {
        name: versions[name] for name in versions if name != "runs"
    }
    assert_every_version_says_what_it_holds(feed)


def test_messages_and_requests_that_named_a_person_stay_without_the_name(feed):
    query = """select message from checks where message like '%for example%' order by run, message"""
    asked = "select count(*)::int as n from api_requests where {} = '[forgotten]'"
    before = [row["message"] for row in feed.rows(query)]
    forget(feed.config, "things", str(NUMBER), confirm=yes)
    after = [row["message"] for row in feed.rows(query)]
    assert any("Wilhelmina" in text for text in before)
    for value in ("Wilhelmina kind", "Wilhelmina pounds"):
        before = [text.replace(value, "[forgotten]") for text in before]
    assert before == after
    assert any('"1,5"' in text for text in after)
    assert {column: feed.rows(asked.format(column))[0]["n"] > 0 for column in ("first_id", "last_id")} == {
        "first_id": True,
        "last_id": True,
    }
    urls = [row["url"] for row in feed.rows("select url from api_requests where event = 'check'")]
    assert sorted(url.partition("?")[2] for url in urls) == ["id=K%2FZb%209Qx%3F%C3%BC&page=1", "id=[forgotten]&page=1"]


def test_a_record_without_an_id_is_named_by_its_hash(feed):
    rows = feed.rows("select record_hash from api_responses where record_id is null")
    assert len(rows) == 1
    forget(feed.config, "people", f"#{rows[0]['record_hash']}", confirm=yes)
    assert remains(feed.config.folder, ("Kunigunde", rows[0]["record_hash"])) == []


def test_findings_that_hide_the_id_go_by_their_place(tmp_path):
    columns = "columns: {id: integer, last_updated: timestamp, name: text}, personal: [name]"
    settings = f"source: tascomi\nresources: {{staff: {{{columns}}}}}\ntables: {{daily: [staff]}}\n"
    with feeding(Showing(("staff",), page_size=3), tmp_path, settings) as feed:
        feed.data.shown = {"staff": Served()}
        for place, identity in enumerate(("1", "Balthasar", "Melchior")):
            feed.data.shown["staff"].put(place, identity, day(-3))
        run(feed, 0)
        count = "select (select count(*)::int from rejected) as refused, (select count(*)::int from uncastable) as bad"
        assert feed.rows(count) == [{"refused": 2, "bad": 2}]
        assert forget(feed.config, "staff", "Balthasar", confirm=yes)
        assert feed.rows(count) == [{"refused": 1, "bad": 1}]
        places = "select position from rejected union all select position from uncastable"
        assert feed.rows(places) == [{"position": 2}, {"position": 2}]


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        pytest.param('1 values, "Otto" for example', '1 values, "[forgotten]" for example', id="in quotes"),
        pytest.param('"Otto, who lives in a..." for example', '"[forgotten]" for example', id="shortened"),
        pytest.param("1 kinds, Otto for example", "1 kinds, [forgotten] for example", id="bare"),
        pytest.param("internal error: X: Otto!", "internal error: X: [forgotten]", id="a library's"),
        pytest.param("3 rows of Otto were refused", "3 rows of Otto were refused", id="a word like any other"),
    ],
)
def test_a_message_shows_no_value_of_the_person(message, shown):
    assert without_values(message, ["Otto", "Otto, who lives in a house"]) == shown


# ---------------------------------------------------------------- the lake goes on


def test_going_back_and_forward_and_building_anew_work_and_bring_nobody_back(feed):
    who = ("things", str(NUMBER))
    forget(feed.config, *who, confirm=yes)
    for path in (feed.config.folder / "lake").rglob("*.*"):
        os.utime(path, (0, 0))
    maintain(feed.config)  # looks at what the metadata was within the last hour
    states = {number: feed.rows("select * from things order by id", DAYS[number]) for number in range(6)}
    rollback(feed.config, ["things"], day(1).date(), confirm=yes)
    assert feed.rows("select * from things order by id") == [
        {name: value for name, value in row.items() if name != "extra"} for row in states[1]
    ]
    undo(feed.config, confirm=yes)
    assert feed.rows("select * from things order by id") == states[5]
    assert not any(one.trouble for one in rebuild(feed.config, ["things"]))
    assert feed.rows("select * from things order by id") == states[5]
    del feed.data.shown["things"].places[0]
    feed.data.shown["things"].put(5, 5, day(5), name="five, changed")
    run(feed, 6)
    assert [row["name"] for row in feed.rows("select name from things where id = 5")] == ["five, changed"]
    maintain(feed.config)
    assert left(feed, who) == []


def test_whom_the_api_still_sends_is_missed_by_reconcile_and_comes_back_with_a_full_reading(feed):
    who = ("things", str(NUMBER))
    forget(feed.config, *who, confirm=yes)
    del feed.data.shown["things"].places[9]  # which is never held
    assert reconcile(feed.config, ["things"], is_deep=True)[0].missing == (str(NUMBER),)
    run(feed, 6, is_full=True)
    assert [row["name"] for row in feed.rows(f"select name from things where id = {NUMBER}")] == ["Wilhelmina the last"]
    forget(feed.config, *who, confirm=yes)
    del feed.data.shown["things"].places[0]
    assert left(feed, who) == []
    assert reconcile(feed.config, ["things"], is_deep=True)[0].is_equal
    run(feed, 7, is_full=True)
    assert left(feed, who) == []


# ---------------------------------------------------------------- killed, shared


def dying(patched, name, at, *, is_done):
    """Kill at the call of this number, before or after it does its work."""
    module, calls = (rewriting if name == "_commit" else forgetting), []
    real = getattr(module, name)

    def step(*arguments):
        calls.append(name)
        if len(calls) < at:
            return real(*arguments)
        if is_done:
            real(*arguments)
        raise Killed

    patched.setattr(module, name, step)


def shown(feed):
    """What users see of the tables, without the person's own rows, on some days."""
    rows = {day: feed.rows("select * from things order by id", day) for day in (None, DAYS[1], DAYS[2])}
    return {day: [row for row in found if row["id"] != NUMBER] for day, found in rows.items()}


@pytest.mark.parametrize(
    ("name", "at", "is_done"),
    [
        ("rewrite_without_rows", 9, True),
        ("_commit", 4, False),
        ("replace_in_versions", 9, True),
        ("trim_metadata_log", 4, True),
        ("delete_unreferenced", 5, True),
        ("write_row", 2, False),
    ],
)
def test_forgetting_that_is_killed_is_completed_by_the_same_command(feed, name, at, is_done):
    who, before = ("things", str(NUMBER)), shown(feed)
    with pytest.MonkeyPatch.context() as patched, pytest.raises(Killed):
        dying(patched, name, at, is_done=is_done)
        forget(feed.config, *who, confirm=yes)
    assert shown(feed) == before
    forget(feed.config, *who, confirm=yes)
    assert left(feed, who) == []
    assert shown(feed) == before
    noted = feed.rows("select run, state, rows::int as rows, salt from forgotten order by state")
    assert [row["state"] for row in noted] == ["done", "planned"]
    assert noted[0] == {**noted[1], "state": "done"}


def test_a_run_after_a_killed_forgetting_is_a_run_like_any_other(feed):
    who, before = ("things", str(NUMBER)), shown(feed)
    with pytest.MonkeyPatch.context() as patched, pytest.raises(Killed):
        dying(patched, "replace_in_versions", 7, is_done=True)
        forget(feed.config, *who, confirm=yes)
    del feed.data.shown["things"].places[0]
    run(feed, 6, is_full=True)
    rows = feed.rows("select * exclude (snapshot_day, snapshot_date) from things order by id")
    assert [row["id"] for row in rows] == [row["id"] for row in before[None]]
    maintain(feed.config)
    forget(feed.config, *who, confirm=yes)
    assert left(feed, who) == []


def shown_by(lake, prefix):
    """A lake of its own that shows the same versions: its metadata names the files of the other."""
    other = replace(lake, prefix=prefix, loaded={}, absent=set())
    for zone in ("raw", "refined", "operations"):
        other.catalog.create_namespace(other.database(zone))
        for name in lake.names(zone):
            theirs = lake.find(zone, name)
            location = f"{other.warehouses[zone]}/{other.database(zone)}/{name}"
            place = f"{location}/metadata/00000-{uuid4()}.metadata.json"
            changes = {"table_uuid": uuid4(), "location": location, "metadata_log": []}
            ToOutputFile.table_metadata(theirs.metadata.model_copy(update=changes), theirs.io.new_output(place))
            other.catalog.register_table((other.database(zone), name), place)
    return other


def files_of(lake: Lake, zone, name):
    return {one.file.file_path for one in lake.find(zone, name).scan().plan_files()}


def test_lakes_that_share_files_share_the_new_ones(feed):
    who = ("things", str(NUMBER))
    other = shown_by(open_lake(feed.config), "preview-x--")
    before = files_of(other, "refined", "increment_things")
    with open_for_writing(feed.config, None, ignore) as context:
        lakes = [context.lake, other]
        found = forget_in(context, lakes, context.catalogue.resource(who[0]), who[1], confirm=yes)
    assert [one.table for one in found[::2]] == [one.table for one in found[1::2]]
    assert left(feed, who) == []
    lake = open_lake(feed.config)
    for zone, name in (("refined", "increment_things"), ("refined", "current_things"), ("raw", "api_responses")):
        assert files_of(lake, zone, name) == files_of(other, zone, name)
        assert len(lake.find(zone, name).scan().to_arrow()) == len(other.find(zone, name).scan().to_arrow())
    assert files_of(other, "refined", "increment_things") != before


# ---------------------------------------------------------------- what is typed and shown


def test_an_id_that_is_not_held_is_an_error_and_nothing_changes(feed, typed):
    file, snapshots = feed.config.folder / "planlake.yaml", feed.snapshots()
    said = typed("forget", "things", "4711", "--config", file)
    assert (said.status, said.out) == (2, "")
    assert said.err.splitlines()[:2] == [
        "Error: nothing with that id is in the lake (resource=things)",
        "Nothing was changed",
    ]
    assert typed("forget", "thinks", "1", "--config", file).status == 2
    assert feed.snapshots() == snapshots


def test_given_again_after_its_last_step_it_says_that_nothing_is_held_and_is_no_error(feed, typed, monkeypatch):
    """As where it was killed at its very end: whoever gave it cannot know that it was done."""
    noted = forgetting.write_row

    def killed_after_done(lake, one, noted_at):
        noted(lake, one, noted_at)
        if one.state == "done":
            raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(forgetting, "write_row", killed_after_done)
        forget(feed.config, "things", f"00{NUMBER}", confirm=yes)
    assert forget(feed.config, "things", str(NUMBER), confirm=yes) == []
    said = typed("forget", "things", NUMBER, "--config", feed.config.folder / "planlake.yaml")
    assert (said.status, said.err.splitlines()[0]) == (0, "it is no longer in the lake")


def test_a_dry_run_shows_where_the_person_is_and_changes_nothing(feed, typed):
    file, snapshots = feed.config.folder / "planlake.yaml", feed.snapshots()
    said = typed("forget", "things", NUMBER, "--dry-run", "--config", file)
    assert said.status == 0
    assert "Nothing was changed" in said.err
    assert "erase it in the planning system first" in said.err
    rows = {line.split()[1]: line.split()[2:] for line in said.out.splitlines() if "tascomi-" in line}
    assert {"api_responses", "api_requests", "increment_things", "current_things", "checks"} == rows.keys()
    assert all(int(count) > 0 for count in (rows["current_things"][0], rows["api_responses"][2]))
    assert feed.snapshots() == snapshots


def test_what_is_noted_names_nobody(feed, typed):
    said = typed("forget", "things", NUMBER, "--json", "--config", feed.config.folder / "planlake.yaml")
    assert (said.status, json.loads(said.out)["done"]) == (0, True)
    assert str(NUMBER) not in said.out + said.err
    (row,) = feed.rows("select * from forgotten where state = 'done'")
    assert (row["resource"], row["tables"], len(row["id_hash"]), len(row["salt"])) == ("things", 5, 64, 32)
    runs = feed.rows("select resource, outcome from runs where outcome = 'forgotten' order by resource nulls first")
    assert runs == [{"resource": name, "outcome": "forgotten"} for name in (None, "things")]


def test_a_protected_environment_needs_a_yes(feed, typed):
    file = feed.config.folder / "planlake.yaml"
    text = file.read_text()
    try:
        file.write_text(f"{text}environments: {{prod: {{warehouse: lake/, protected: true}}}}\n")
        said = typed("forget", "things", NUMBER, "--config", file)
        assert (said.status, "this environment is protected" in said.err) == (2, True)
        assert left(feed, ("things", str(NUMBER)))
        assert typed("forget", "things", NUMBER, "--yes", "--config", file).status == 0
        assert left(feed, ("things", str(NUMBER))) == []
    finally:
        file.write_text(text)
