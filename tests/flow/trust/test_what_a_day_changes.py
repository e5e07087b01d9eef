"""A model whose answer another day changes is built again on that day, however its query says so."""

import json

import duckdb
import pytest

from flow.ingest.served import DAY_1, DAY_2
from flow.trust.test_trust import built, modelled, outcomes, write
from planlake.flow.trust.inputs import OF_A_DAY, OF_A_MOMENT
from planlake.lake.views.parse_query import REFUSED_FUNCTIONS, names_in

OF_ITS_DAY = {
    "age": "select id, age(last_updated)::varchar as a from refined.numbered",
    "asked": "select get_current_timestamp() as a from refined.numbered",
    "begun": "select transaction_timestamp() as a from refined.numbered",
    "quoted": 'select "now"() as a from refined.numbered',
    "spaced": "select RUN_DAY () as a from refined.numbered",
    "word": "select current_date as a from refined.numbered",
    "condition": '-- X\n--\n-- checks: {conditions: {x: "a <= run_day()"}}\nselect run_day() as a',
}
OF_A_SNAPSHOT = {
    "first": "from refined.numbered",
    "table_of": "table refined.numbered",
    "chosen": "select columns(lambda c: c like 'snap' || '%') from refined.numbered",
    "rows": "select n::varchar as a from refined.numbered n",
    "named": "select numbered::varchar as a from refined.numbered",
    "numbered_ones": "select #1 as a from refined.numbered",
    "renamed": "select t.c1 from refined.numbered as t(c1)",
    "natural": "select l.id from refined.numbered natural join refined.lettered l",
    "using_day": "select l.id from refined.numbered join refined.lettered l using (snapshot_date)",
    "quoted_day": 'select "SNAPSHOT_date" as a from refined.numbered',
}
OF_NEITHER = {
    "counted_all": "select count(*) as n, max(amount * 2) as twice from refined.numbered",
    "between": "select id, age(last_updated, timestamp '2026-01-01')::varchar as a from refined.numbered",
    "aliased": "select n.id from refined.numbered n",
    "in_words": "select 'now() * current_date' as a from refined.numbered",
}


@pytest.fixture
def feed(tmp_path):
    with modelled(tmp_path) as made:
        yield made


def test_another_day_builds_what_says_it_and_nothing_else(feed):
    models = {**OF_ITS_DAY, **OF_A_SNAPSHOT, **OF_NEITHER}
    for name, text in models.items():
        write(feed, name, f"{text}\n")
    first = outcomes(feed.run_at(DAY_1))
    assert {name: first[name] for name in models} == dict.fromkeys(models, "built")
    again = outcomes(built(feed))
    assert {name: again[name] for name in models} == dict.fromkeys(models, "up to date")
    by_day = {name for name, outcome in outcomes(built(feed, DAY_2)).items() if outcome == "built"}
    assert by_day == set(OF_ITS_DAY)
    published = {name for name, outcome in outcomes(feed.run_at(DAY_2)).items() if outcome == "built"}
    assert published == set(OF_A_SNAPSHOT)


def test_every_function_of_duckdb_that_another_moment_changes_is_known():
    with duckdb.connect() as connection:
        found = connection.execute("""select distinct function_name from duckdb_functions()
            where function_type = 'scalar' and stability <> 'CONSISTENT'""").fetchall()
        # Of the session, of a query's own plan, or of sequences, which no model has.
        harmless = {"in_search_path", "currval", "nextval", "setval", "error", "stats", "vector_type"}
        unknown = {name for (name,) in found} - harmless - REFUSED_FUNCTIONS - OF_A_DAY
        assert {name for name in unknown if not name.startswith(OF_A_MOMENT)} == set()
        assert json.dumps(sorted(names_in(connection, "select LOWER(n.ID), 'x' from a.b n"))) == '["id", "lower"]'
        assert names_in(connection, "select n.ID.lower(), name.upper() from a.b n") == {"id", "lower", "name", "upper"}
        assert "*" in names_in(connection, "select n.to_json() as row from a.b n")
