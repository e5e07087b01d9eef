"""Whoever is forgotten is in no version of a trusted table, whatever its model was when that was built."""

import duckdb
import pytest

from flow.ingest.served import DAY_1, DAY_2, DAY_3, change_two_kinds
from flow.trust.test_trust import MODELS, built, modelled, outcomes, write
from planlake.changes.drop_model import drop_model_table
from planlake.changes.forget import forget
from planlake.changes.previews import create
from planlake.lake.open_lake import open_lake

WHO = "somebody in particular"


@pytest.fixture
def feed(tmp_path):
    with modelled(tmp_path) as made:
        for name in MODELS:
            remove(made, name)
        made.data.put("numbered", {"id": 12, "last_updated": "2026-11-16 10:00:00", "name": WHO})
        yield made


def remove(feed, name):
    (feed.config.folder / f"models/{name}.sql").unlink()


def shown(feed, table):
    """The rows that hold them on the first day."""
    return feed.rows(f"from trusted.{table} where name = '{WHO}'", as_of=DAY_1[:10])


def held(feed):
    """The tables of the trusted zone with a file that holds them, one that nothing refers to any more too."""
    files = (feed.config.folder / "lake").rglob("*trusted*/*/data/*.parquet")
    query = "select count(*) from read_parquet(?) as file where file::varchar like ?"
    return {file.parts[-3] for file in files if duckdb.execute(query, [str(file), f"%{WHO}%"]).fetchall() != [(0,)]}


def forget_them(feed):
    assert forget(feed.config, "numbered", "12", confirm=lambda _: True)
    return held(feed)


def test_they_are_forgotten_where_a_preview_has_another_model_of_the_same_name(feed):
    write(feed, "swapped", "select name from refined.numbered\n")
    feed.run_at(DAY_1)
    create(feed.config, "tried")
    write(feed, "swapped", "select name from refined.lettered\n")
    built(feed, environment="tried")
    change_two_kinds(feed.data)
    feed.run_at(DAY_2)
    assert (len(shown(feed, "swapped")), held(feed)) == (1, {"swapped"})
    assert forget_them(feed) == set()
    assert shown(feed, "swapped") == []


@pytest.mark.parametrize("is_made_again", [False, True])
@pytest.mark.parametrize("kind", ["", "-- V\n--\n-- kind: view\n"])
def test_they_are_forgotten_where_a_model_was_dropped_through_which_they_came(feed, kind, is_made_again):
    write(feed, "first", "select name from refined.numbered\n")
    write(feed, "between", f"{kind}select name from trusted.first\n")
    write(feed, "last", "select name from trusted.between\n")
    feed.run_at(DAY_1)
    write(feed, "last", "select name from refined.lettered\n")
    remove(feed, "between")
    remove(feed, "first")
    feed.run_at(DAY_2)
    for name in ("first", "between") if not kind else ("first",):
        drop_model_table(feed.config, name, confirm=lambda _: True)
    if is_made_again:
        write(feed, "first", "select name from refined.lettered\n")
        write(feed, "between", f"{kind}select name from trusted.first\n")
        feed.run_at(DAY_3)
    assert (len(shown(feed, "last")), held(feed)) == (1, {"last"})
    assert forget_them(feed) == set()
    assert shown(feed, "last") == []


def test_what_never_came_from_the_table_keeps_its_days(feed):
    write(feed, "numbered", "select name from refined.lettered\n")  # called as the table, and not of it
    write(feed, "on_it", "select name from trusted.numbered\n")
    feed.run_at(DAY_1)
    before = {name: open_lake(feed.config).find("trusted", name).metadata.table_uuid for name in ("numbered", "on_it")}
    assert outcomes(feed.run_at(DAY_2))["on_it"] == "up to date"
    assert forget_them(feed) == set()
    assert before == {name: open_lake(feed.config).find("trusted", name).metadata.table_uuid for name in before}
