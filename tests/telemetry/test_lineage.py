"""OpenLineage: what a run sends, to a file and to an address, read back through the classes of the official client."""

import json
import sys
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pkgutil import iter_modules

import pytest

from conftest import feeding, written_config
from planlake.changes.previews import create
from planlake.changes.rebuild import rebuild
from planlake.errors import ConfigurationError
from planlake.lake.open_lake import open_lake
from planlake.runs.plan import Selection
from planlake.runs.run import run
from planlake.simulator.dataset import Dataset
from planlake.simulator.faults import Rule

pytest.importorskip("openlineage.client", reason="OpenLineage's client is not installed")
import openlineage.client.generated as generated_facets
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState

from planlake.telemetry import lineage
from planlake.telemetry.log import Log
from planlake.telemetry.reporter import Reporter, report_step
from planlake.telemetry.steps import StepEnd

COLUMNS = {"id": "integer", "last_updated": "timestamp", "name": "text"}
SETTINGS = """
source: tascomi
resources: {things: {columns: {id: integer, last_updated: timestamp, name: text}}}
tables: {daily: [things]}
settings: {attempts: 1}
"""
DAYS = ("2026-11-17T03:00:00", "2026-11-18T03:00:00")
KEY = "lineage-key-of-the-council-77aa"


@pytest.fixture
def feed(tmp_path):
    with feeding(Dataset({"things": COLUMNS}, now=datetime.fromisoformat(DAYS[0])), tmp_path, SETTINGS) as made:
        made.data.put("things", {"id": "1", "last_updated": "2026-11-16 09:00:00", "name": "first"})
        configured(made, "{to: file:events.jsonl}")
        yield made


def configured(feed, place, more=""):
    feed.config = written_config(feed.simulator, feed.config.folder, f"{SETTINGS}lineage: {place}\n{more}")


def events(feed):
    lines = (feed.config.folder / "events.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def by_step(found):
    """The last event of each step, by the step's name."""
    return {event["job"]["name"].partition(".")[2]: event for event in found}


def facet_classes():
    """The client's facets, by the address of their schema."""
    modules = [
        import_module(f"openlineage.client.generated.{one.name}") for one in iter_modules(generated_facets.__path__)
    ]
    kinds = {kind for module in modules for kind in vars(module).values() if hasattr(kind, "_get_schema")}
    return {kind._get_schema(): kind for kind in kinds}


def read_back(event):
    """The same event in the client's classes, which check what they are given; facets must have all their fields."""
    kinds = facet_classes()

    def facets(found):
        for facet in (found or {}).values():
            kind = kinds[facet["_schemaURL"]]
            names = {field.name for field in kind.__attrs_attrs__}
            assert set(facet) <= names
            kind(**{name: value for name, value in facet.items() if name[0] != "_"}, producer=facet["_producer"])
        return found

    def dataset(kind, found, own):
        return kind(found["namespace"], found["name"], facets=facets(found["facets"]), **{own: facets(found[own])})

    return RunEvent(
        eventType=RunState(event["eventType"]),
        eventTime=event["eventTime"],
        run=Run(event["run"]["runId"], facets(event["run"]["facets"])),
        job=Job(event["job"]["namespace"], event["job"]["name"], facets(event["job"]["facets"])),
        inputs=[dataset(InputDataset, one, "inputFacets") for one in event["inputs"]],
        outputs=[dataset(OutputDataset, one, "outputFacets") for one in event["outputs"]],
        producer=event["producer"],
    )


@contextmanager
def receiving(status=201, *, is_silent=False):
    """A server on this machine that takes events, or never answers; what it was sent, as path, key and event."""
    received, release = [], threading.Event()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append((self.path, self.headers.get("Authorization"), json.loads(body)))
            if is_silent:
                release.wait(30)
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", received
    finally:
        release.set()
        server.shutdown()
        thread.join()
        server.server_close()


def warnings(capfd):
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines() if line.startswith("{")]
    return [line["message"] for line in lines if line["event"] == "lineage incomplete"]


def test_each_step_of_a_table_is_two_events_that_the_client_reads_back(feed):
    feed.run_at(DAYS[0])
    found = events(feed)
    assert [(one["job"]["name"], one["eventType"]) for one in found] == [
        (f"things.{step}", state) for step in ("ingest", "refine", "snapshot") for state in ("START", "COMPLETE")
    ]
    assert len({one["run"]["runId"] for one in found}) == 3
    assert {one["job"]["namespace"] for one in found} == {"planlake-local"}
    for one in found:
        assert read_back(one).run.runId == one["run"]["runId"]
        assert "/client/python" not in json.dumps(one)
    times = [datetime.fromisoformat(one["eventTime"]) for one in found]
    assert times == sorted(times)
    assert (datetime.now(UTC) - times[0]).days == 0


def test_the_steps_of_one_run_have_one_parent_and_those_of_the_next_another(feed):
    for day in DAYS:
        feed.run_at(day)
    parents = {}
    for one in events(feed):
        tags = {tag["key"]: tag["value"] for tag in one["run"]["facets"].get("tags", {"tags": []})["tags"]}
        if tags:
            parents.setdefault(tags["run"], set()).add(one["run"]["facets"]["parent"]["run"]["runId"])
    assert sorted(parents) == ["1", "2"]
    assert [len(found) for found in parents.values()] == [1, 1]
    assert parents["1"] != parents["2"]


def test_what_one_step_writes_is_what_the_next_one_reads_from_the_api_to_current(feed):
    feed.run_at(DAYS[0])
    done = by_step(events(feed))
    place = lambda one: (one["namespace"], one["name"])  # noqa: E731
    chain = [place(done[step][side][0]) for step in ("ingest", "refine", "snapshot") for side in ("inputs", "outputs")]
    address = feed.simulator.url.removesuffix("/rest/v1")
    lake = open_lake(feed.config)
    tables = [("raw", "api_responses"), ("refined", "increment_things"), ("refined", "current_things")]
    where = [("file", lake.find(*one).location()) for one in tables]
    assert chain == [(address, "/rest/v1/things"), where[0], where[0], where[1], where[1], where[2]]
    names = [done[step]["outputs"][0]["facets"]["symlinks"]["identifiers"][0]["name"] for step in done]
    assert names == [f"{lake.database(zone)}.{name}" for zone, name in tables]
    only = {"partitions": [{"dimensions": {"resource": "things"}}], "type": "partition"}
    assert done["ingest"]["outputs"][0]["outputFacets"]["subset"]["outputCondition"] == only
    assert done["refine"]["inputs"][0]["inputFacets"]["subset"]["inputCondition"] == only


def test_a_trusted_table_says_which_tables_it_reads_by_views_too(feed):
    folder = feed.config.folder / "models"
    folder.mkdir()
    (folder / "seen.sql").write_text("--\n--\n-- kind: view\nselect id from refined.history_things\n")
    (folder / "first.sql").write_text("--\n--\n-- checks: {unique: [id]}\nselect id from refined.things\n")
    (folder / "last.sql").write_text("select f.id from trusted.first f join trusted.seen s on s.id = f.id\n")
    feed.run_at(DAYS[0])
    found = {one["job"]["name"]: one for one in events(feed) if one["eventType"] == "COMPLETE"}
    lake = open_lake(feed.config)

    def at(name, side):
        return [(one["namespace"], one["name"]) for one in found[f"trusted.{name}.trust"][side]]

    def places(*tables):
        return [("file", lake.find(*one).location()) for one in tables]

    assert at("first", "inputs") == places(("refined", "current_things"))
    assert at("first", "outputs") == at("last", "inputs")[:1] == places(("trusted", "first"))
    assert at("last", "inputs")[1:] == places(("refined", "increment_things"))
    written = found["trusted.first.trust"]
    assert [one["name"] for one in written["outputs"][0]["facets"]["schema"]["fields"]] == ["id"]
    assert written["outputs"][0]["outputFacets"]["outputStatistics"]["rowCount"] == 1
    assert [one["status"] for one in written["run"]["facets"]["test"]["tests"]] == ["pass"]
    read_back(written)
    (folder / "first.sql").write_text("--\n--\n-- checks: {unique: [id]}\nselect 1 as id from range(2)\n")
    create(feed.config, "tried")
    run(feed.config, Selection(step="trust"), environment="tried")
    last = events(feed)[-1]
    assert (last["job"]["name"], last["eventType"]) == ("trusted.first.trust", "FAIL")
    assert last["run"]["facets"]["errorMessage"]["message"] == "1 rows repeat a id"
    (folder / "first.sql").write_text("select id from refined.things union all select id from refined.things\n")
    run(feed.config, Selection(step="trust"), environment="tried")
    found = {one["job"]["name"]: one for one in events(feed) if one["eventType"] == "COMPLETE"}
    assert at("first", "inputs") == places(("refined", "current_things"))  # of the base
    assert at("last", "inputs")[0] == at("first", "outputs")[0] != places(("trusted", "first"))[0]


def test_outputs_have_columns_version_rows_and_bytes_where_something_was_written(feed):
    feed.run_at(DAYS[0])
    done = by_step(events(feed))
    current = done["snapshot"]["outputs"][0]
    fields = {field["name"]: field["type"] for field in current["facets"]["schema"]["fields"]}
    assert (fields["id"], fields["last_updated"], fields["name"]) == ("int", "timestamp", "string")
    assert current["facets"]["version"]["datasetVersion"] == str(feed.snapshots()["refined.current_things"])
    assert current["outputFacets"]["outputStatistics"]["rowCount"] == 1
    assert current["outputFacets"]["outputStatistics"]["size"] > 0
    read = done["ingest"]["inputs"][0]["inputFacets"]["inputStatistics"]
    assert (read["rowCount"], read["size"] > 0) == (1, True)
    tests = {one["name"]: one["status"] for one in done["snapshot"]["run"]["facets"]["test"]["tests"]}
    assert tests == {"unique id": "pass", "rows dropped": "pass"}
    feed.run_at(DAYS[1])
    later = by_step(events(feed))
    for step in ("refine", "snapshot"):
        assert later[step]["eventType"] == "COMPLETE"
        assert set(later[step]["outputs"][0]["facets"]) == {"symlinks"}
        assert later[step]["outputs"][0]["outputFacets"]["outputStatistics"]["rowCount"] == 0


def test_a_step_that_failed_and_one_that_is_held_say_why(feed):
    feed.fail(Rule(status=404, times=None))
    feed.run_at(DAYS[0])
    last = events(feed)[-1]
    assert (last["job"]["name"], last["eventType"]) == ("things.ingest", "FAIL")
    assert last["run"]["facets"]["errorMessage"]["message"] == "full: page 1: status 404"
    feed.fail()
    own = "checks: [{table: things, name: no first, rows: \"name = 'first'\", holds: true}]\n"
    configured(feed, "{to: file:events.jsonl}", own)
    feed.run_at(DAYS[0])
    last = events(feed)[-1]
    assert (last["job"]["name"], last["eventType"]) == ("things.snapshot", "FAIL")
    assert last["run"]["facets"]["errorMessage"]["message"] == "1 rows where name = 'first'"
    (own_test,) = [one for one in last["run"]["facets"]["test"]["tests"] if one["name"] == "no first"]
    assert (own_test["status"], own_test["severity"], own_test["actual"]) == ("fail", "error", "1")
    assert "outputStatistics" not in last["outputs"][0]["outputFacets"]
    read_back(last)


def test_a_step_that_ctrl_c_stops_is_aborted(feed):
    ended = []
    reporter = Reporter(Log("off"), begin=lambda *_: ended.append)
    with pytest.raises(KeyboardInterrupt), report_step(reporter, "things", "refine"):
        raise KeyboardInterrupt
    assert [(type(one), one.outcome) for one in ended] == [(StepEnd, "stopped")]
    assert lineage_state("stopped") == RunState.ABORT


def lineage_state(outcome):
    return import_module("planlake.telemetry.lineage_events").STATES[outcome]


def test_a_rebuild_sends_its_steps_too(feed):
    feed.run_at(DAYS[0])
    before = len(events(feed))
    rebuild(feed.config, ["things"])
    assert [(one["job"]["name"], one["eventType"]) for one in events(feed)[before:]] == [
        (f"things.{step}", state) for step in ("refine", "snapshot") for state in ("START", "COMPLETE")
    ]


@pytest.mark.parametrize(("path", "asked"), [("", "/api/v1/lineage"), ("/own/path", "/own/path")])
def test_an_address_is_sent_the_same_events_with_the_key_that_nothing_else_shows(feed, capfd, path, asked):
    feed.monkeypatch.setenv("MARQUEZ_KEY", KEY)
    with receiving() as (address, received):
        configured(feed, f'{{to: "{address}{path}", key: "${{MARQUEZ_KEY}}", namespace: planning}}')
        assert feed.run_at(DAYS[0]).exit_code == 0
    assert [(place, key) for place, key, _ in received] == [(asked, f"Bearer {KEY}")] * 6
    sent = [event for _, _, event in received]
    assert {one["job"]["namespace"] for one in sent} == {"planning"}
    for one in sent:
        read_back(one)
    printed = capfd.readouterr()
    shown = [printed.out, printed.err, repr(feed.config), feed.config.model_dump_json(), json.dumps(sent)]
    assert [text for text in shown if KEY in text] == []


def test_the_variable_of_the_key_wins_over_its_place(feed):
    feed.monkeypatch.setenv("PLANLAKE_LINEAGE_KEY", KEY)
    with receiving() as (address, received):
        configured(feed, f'{{to: "{address}", key: "file:absent"}}')
        feed.run_at(DAYS[0])
    assert received[0][1] == f"Bearer {KEY}"


def test_an_address_where_nobody_is_changes_nothing_but_one_warning(feed, capfd):
    configured(feed, "{to: 'http://127.0.0.1:9/events'}")
    result = feed.run_at(DAYS[0])
    assert (result.exit_code, result.tables[0].outcome) == (0, "loaded")
    assert warnings(capfd) == ["6 of 6 events did not arrive at http://127.0.0.1:9/events: ConnectionError"]


def test_an_address_that_refuses_is_named_with_its_status_and_never_with_the_key(feed, capfd):
    feed.monkeypatch.setenv("PLANLAKE_LINEAGE_KEY", KEY)
    with receiving(403) as (address, _):
        configured(feed, f'{{to: "{address}", key: "${{ABSENT}}"}}')
        assert feed.run_at(DAYS[0]).exit_code == 0
    assert warnings(capfd) == [f"6 of 6 events did not arrive at {address}: status 403"]


def test_a_key_that_cannot_be_sent_is_refused_and_not_shown(feed):
    feed.monkeypatch.setenv("PLANLAKE_LINEAGE_KEY", KEY + "\nX: y")
    configured(feed, '{to: "http://127.0.0.1:9", key: "${ABSENT}"}')
    with pytest.raises(ConfigurationError, match=r"what is kept for lineage\.key is neither a key") as raised:
        feed.run_at(DAYS[0])
    assert KEY not in "\n".join(raised.value.lines())


def test_an_address_that_never_answers_is_given_up_at_the_end(feed, capfd):
    feed.monkeypatch.setattr(lineage, "TIMEOUT_SECONDS", 0.2)
    feed.monkeypatch.setattr(lineage, "REST_SECONDS", 0.1)
    with receiving(is_silent=True) as (address, _):
        configured(feed, f'{{to: "{address}"}}')
        assert feed.run_at(DAYS[0]).exit_code == 0
    (said,) = warnings(capfd)
    assert f"of 6 events did not arrive at {address}: ReadTimeout" in said


@pytest.mark.parametrize("place", ["planlake.yaml", "lake/catalog.db", "own.txt"])
def test_events_are_never_put_behind_something_else(feed, place):
    feed.run_at(DAYS[0])
    file = feed.config.folder / place
    configured(feed, f"{{to: file:{place}}}")
    if not file.exists():
        file.write_text("mine")
    before = file.read_bytes()
    with pytest.raises(ConfigurationError, match="the file holds no events"):
        feed.run_at(DAYS[1])
    assert file.read_bytes() == before


def test_a_file_that_cannot_be_written_changes_nothing_but_one_warning(feed, capfd):
    configured(feed, "{to: file:absent/events.jsonl}")
    assert feed.run_at(DAYS[0]).exit_code == 0
    said = "6 of 6 events did not arrive at file:absent/events.jsonl: No such file or directory"
    assert warnings(capfd) == [said]


@pytest.mark.parametrize(
    ("place", "message"),
    [
        pytest.param("{to: events.jsonl}", "lineage.to: must be file:PATH or https", id="neither file nor address"),
        pytest.param(
            "{to: 'https://key:secret@host/'}", "lineage.to: must be file:PATH or https", id="a key in the address"
        ),
        pytest.param("{to: 'https://${NOWHERE}/'}", "the variable NOWHERE is not set", id="a variable that is not set"),
        pytest.param("{to: 'https://host/', key: abcdef}", "must say where the key is kept", id="a key itself"),
        pytest.param("{too: 'https://host/'}", "unknown key: lineage.too", id="a misspelt key"),
    ],
)
def test_a_place_that_is_none_is_refused_where_the_file_is_read(feed, place, message):
    with pytest.raises(ConfigurationError, match=message) as raised:
        configured(feed, place)
    assert "abcdef" not in str(raised.value)
    assert "key:secret" not in str(raised.value)


def test_a_key_that_is_nowhere_is_told_before_anything_is_done(feed):
    configured(feed, "{to: 'https://host/', key: '${NOWHERE}'}")
    with pytest.raises(ConfigurationError, match=r"lineage.key is missing; looked at variable PLANLAKE_LINEAGE_KEY"):
        feed.run_at(DAYS[0])
    assert feed.snapshots() == {}


def test_without_the_client_the_extra_is_named(feed):
    feed.monkeypatch.setitem(sys.modules, "openlineage.client.event_v2", None)
    feed.monkeypatch.delitem(sys.modules, "planlake.telemetry.lineage")
    feed.monkeypatch.delattr("planlake.telemetry.lineage")
    with pytest.raises(ConfigurationError) as raised:
        feed.run_at(DAYS[0])
    assert raised.value.hint == "pip install 'planlake[lineage]'"
