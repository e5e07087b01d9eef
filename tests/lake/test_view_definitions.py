"""The views that other engines are given answer as Planlake's own do, whatever was done to a lake before.

Athena's are translated to DuckDB's SQL and carried out on the same tables; there is no Athena here.
"""

import json
from contextlib import contextmanager

import pytest
import sqlglot

from commands import typed_in_process
from conftest import feeding
from flow.ingest.served import DAY_1, DAY_2, DAY_3, PATIENCE, TWO_KINDS, change_two_kinds, fill, record, two_kinds
from planlake.changes.forget import forget
from planlake.changes.maintain import maintain
from planlake.changes.previews import create, promote
from planlake.changes.rebuild import rebuild
from planlake.changes.rollback import rollback, undo
from planlake.engines.duckdb.connection import connected
from planlake.engines.duckdb.reading import rows_sql
from planlake.engines.sql import identifier
from planlake.lake.about_tables import OF_ITS_OWN
from planlake.lake.lake import ZONES
from planlake.lake.open_lake import open_lake
from planlake.lake.state.operations import published_dates
from planlake.lake.tables.columns import TABLES
from planlake.lake.tables.data_files import data_files
from planlake.lake.views.definitions import GAPS, SNAPSHOT_DATES
from planlake.report.query import open_views
from planlake.report.stored_views import stored_views
from planlake.runs.plan import Selection
from planlake.runs.run import run
from querying import answer

SETTINGS = f"{TWO_KINDS}settings: {{{PATIENCE}, rejected_percent: 100, uncastable_percent: 100}}\n"
# Functions of Athena that the translator leaves as they are.
IN_DUCKDB = ("create macro with_timezone(instant, zone) as timezone(zone, instant)",)
NUMBERED = ("tascomi-refined-zone", "numbered")


@pytest.fixture
def feed(tmp_path):
    data = two_kinds(60)
    data.put("numbered", {"id": 70}, body=b'{"id": 70, "name": null, "amount": 2, "new": {"in":["it",1]}, "id": 70}')
    data.put("lettered", {"id": 80}, body=b'{"id": "80", "name": true, "it\'s \\"odd\\"": "x"}')
    with feeding(data, tmp_path, SETTINGS) as made:
        yield made


def attached(lake, connection):
    """A connection that knows the tables of a lake by their names, as another engine does."""
    for one in (lake.base, lake):
        for zone in ZONES if one is not None else ():
            connection.execute(f"create schema if not exists {identifier(one.database(zone))}")
            for name in one.names(zone):
                table = one.find(zone, name)
                place = f"{identifier(one.database(zone))}.{identifier(name)}"
                connection.execute(
                    f"create view {place} as select * from {rows_sql(data_files(table), table.schema())}"
                )
    return connection


def in_duckdb(statement, dialect):
    return sqlglot.transpile(statement, read="athena", write="duckdb")[0] if dialect == "athena" else statement


def assert_alike(feed, environment=None):
    """Every view has the rows and columns that `planlake sql` shows, in each dialect that DuckDB can be told."""
    lake = open_lake(feed.config, environment)
    with open_views(feed.config, environment=environment) as views, connected(500) as connection:
        days = {one.database("operations"): published_dates(one, connection) for one in (lake.base, lake) if one}
        ours = {}
        for dialect in ("athena", "duckdb"):
            with viewed(feed.config, lake, dialect, environment) as (other, found):
                for one in found:
                    full_name = f"{identifier(one.database)}.{identifier(one.definition.name)}"
                    shown = other.sql(f"select * from {full_name}").to_arrow_table()
                    assert shown.column_names == [*one.definition.columns]
                    if one.definition.name == "snapshot_dates":
                        told = {row["resource"]: row["snapshot_date"] for row in shown.to_pylist()}
                        assert {name: days[one.database][name] for name in told} == told, dialect
                        if one.database == lake.database("operations"):
                            assert (
                                told.items()
                                <= {
                                    row["resource"]: row["snapshot_date"]
                                    for row in answer(views, "from snapshot_dates").to_pylist()
                                }.items()
                            )
                        continue
                    if full_name not in ours:
                        ours[full_name] = plain(answer(views, f"select * from {full_name}"))
                    assert plain(shown) == ours[full_name], (dialect, full_name)


@contextmanager
def viewed(config, lake, dialect, environment=None):
    """A connection with the tables of a lake and the views of a dialect."""
    with connected(500) as connection:
        attached(lake, connection)
        for statement in IN_DUCKDB if dialect == "athena" else ():
            connection.execute(statement)
        found = stored_views(config, dialect, environment=environment)
        for one in found:
            connection.execute(in_duckdb(one.statement, dialect))
        yield connection, found


def plain(rows):
    return sorted(json.dumps(row, sort_keys=True, default=str) for row in rows.to_pylist())


def test_views_answer_as_our_own_do_whatever_was_done_to_a_lake(feed):
    config = feed.config
    feed.run_at(DAY_1)
    assert_alike(feed)
    change_two_kinds(feed.data)
    feed.data.put("numbered", {**record(501, "2026-11-17 10:00:00"), "brand": "new on this day"})
    feed.run_at(DAY_2)
    assert_alike(feed)
    assert rollback(config, ["numbered"], "last-good", confirm=lambda _: True)
    assert_alike(feed)
    assert undo(config, confirm=lambda _: True)
    assert rollback(config, ["numbered"], "last-good", zone="raw", confirm=lambda _: True)
    assert_alike(feed)
    assert undo(config, confirm=lambda _: True)
    assert_alike(feed)
    rebuild(config, ["numbered"])
    assert_alike(feed)
    feed.monkeypatch.setenv("PLANLAKE_NOW", DAY_3)
    maintain(config)
    assert forget(config, "numbered", "7", confirm=lambda _: True)
    assert_alike(feed)
    create(config, "other")
    fill(feed.data, "lettered", 4, "2026-11-17 10:00:00", start=1, name="in a preview")
    assert run(config, Selection(("lettered",), is_full=True), environment="other").exit_code == 0
    assert_alike(feed, "other")
    assert promote(config, "other", [], confirm=lambda _: True)
    assert_alike(feed)


@pytest.mark.parametrize(
    ("place", "day"),
    [
        ("raw-zone.api_response_numbered", "import_date"),
        ("raw-zone.numbered", "import_date"),
        ("refined-zone.increment_numbered", "import_date"),
        ("refined-zone.numbered", "snapshot_date"),
    ],
)
def test_the_four_queries_of_the_guide_run_in_athena(loaded, place, day):
    zone, name = place.split(".")
    table = f'"tascomi-{zone}"."{name}"'
    query = f"""
        WITH
        generation AS (SELECT MAX({day}) AS last_day FROM {table})
        SELECT g.*, a.* FROM {table} a
        INNER JOIN generation g
        ON a.{day} = g.last_day
        ORDER BY a.import_datetime DESC
        limit 1000;"""
    with open_views(loaded.config) as views, viewed(loaded.config, open_lake(loaded.config), "athena") as (other, _):
        found = plain(other.sql(in_duckdb(query, "athena")).to_arrow_table())
        assert found == plain(answer(views, query))
    assert len(found) > 60


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """A lake of one day, with names and texts that SQL could stumble over."""
    data = two_kinds(60)
    for number, key in enumerate(("it's", 'say "so"', "back\\slash", "a`b", "a.b[0]", "Größe", "select", "$['x']"), 70):
        data.put("numbered", record(number, **{key: f"a text: {key}"}))
    with feeding(data, tmp_path_factory.mktemp("odd"), SETTINGS) as made:
        made.run_at(DAY_1)
        yield made


def test_views_find_keys_of_any_name(loaded):
    assert_alike(loaded)


def test_planlake_views_prints_statements_that_can_be_carried_out(loaded, monkeypatch, capfd):
    def typed(*arguments):
        file = loaded.config.folder / "planlake.yaml"
        return typed_in_process(monkeypatch, capfd, ["views", *arguments, "--config", file])

    said = typed("numbered", "--dialect", "duckdb")
    with connected(500) as connection:
        attached(open_lake(loaded.config), connection)
        connection.execute(said.out)
        assert connection.sql("select count(*) from " + ".".join(map(identifier, NUMBERED))).fetchall()[0][0] == 69
    assert "6 views" in said.err
    assert 'create or replace view "tascomi-refined-zone"."numbered" as' in typed("numbered").out
    assert "create or replace temporary view `raw_numbered` as" in typed("--dialect", "spark").out
    listed = json.loads(typed("--json", "lettered").out)
    assert [one["name"] for one in listed][-1] == "lettered"
    assert listed[-1]["columns"]["amount"] == "double"
    assert typed("--dialect", "presto").status == 2
    nobody = typed("appeals")
    assert (nobody.status, '"appeals" was not loaded yet' in nobody.err) == (2, True)


def test_every_table_says_what_it_holds(loaded):
    lake = open_lake(loaded.config)
    tables = [lake.find(zone, name) for zone in ZONES for name in lake.names(zone)]
    assert len(tables) > 8
    for table in tables:
        assert table.properties["comment"] == table.properties["Description"] != "", table.name()
    assert {name for _, name in TABLES} | {GAPS, SNAPSHOT_DATES} == {*OF_ITS_OWN}
