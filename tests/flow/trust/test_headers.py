"""What stands at the top of the shipped models: a comment, checks and the meaning of columns."""

import pytest

from flow.trust.shipped import LED_BY, NAMES, TABLES, build, failed, header_of, lake_of, text_of
from planlake.lake.views.parse_query import parse_query

ROWS = {table: [{"id": 1}] for table in TABLES if table != "contacts"}
ROWS["contacts"] = [{"id": 1, "contact_type_id": 1}, {"id": 2, "contact_type_id": 2}]


def test_these_are_the_models():
    assert set(NAMES) == set(LED_BY)


@pytest.mark.parametrize("name", NAMES)
def test_the_comment_of_a_model_is_one_to_three_sentences(name):
    comment, _ = header_of(name)
    assert 1 <= comment.count(". ") + comment.endswith(".") <= 3
    assert comment.endswith(".")


@pytest.mark.parametrize("name", NAMES)
def test_columns_that_a_model_makes_are_described_and_no_others(name):
    lake = lake_of(**ROWS)
    (made, *_) = build(lake, name)
    described = set(header_of(name)[1]["columns"])
    assert described <= set(made)
    worked_out = {
        column for column in made if column.startswith(("flag_", "days_", "counter_")) or column not in known()
    }
    assert {column for column in worked_out if not column.startswith("llpg_")} <= described


def known():
    return {column for types in TABLES.values() for column in types} | {"import_date", "snapshot_date"}


@pytest.mark.parametrize("name", NAMES)
def test_a_model_carries_the_columns_that_say_when_its_first_table_came(name):
    (made, *_) = build(lake_of(**ROWS), name)
    assert (made["import_date"], made["snapshot_date"]) == (f"of {LED_BY[name]}", "20261129")


@pytest.mark.parametrize("name", NAMES)
def test_a_model_that_holds_a_row_twice_is_held_by_its_own_checks(name):
    lake = lake_of(**ROWS)
    build(lake, name)
    lake.execute(f"insert into trusted.{name} from trusted.{name}")
    assert [what for what in failed(lake, name) if what.startswith("unique")] != []


@pytest.mark.parametrize("name", NAMES)
def test_a_model_is_a_query_that_planlake_can_read_and_names_each_table_with_its_schema(name):
    lake = lake_of(**ROWS)
    tables = parse_query(lake, text_of(name)).tables
    assert {schema for schema, _ in tables} <= {"refined", "trusted", "mapping"}
    assert ("refined", LED_BY[name]) in tables
