"""What models can call: working days, the day of the run and settings."""

import random
from bisect import bisect_left, bisect_right
from datetime import date, timedelta

import duckdb
import pyarrow as pa
import pytest

from planlake.engines.duckdb.macros import define_macros

CHRISTMAS = (date(2026, 12, 25), date(2026, 12, 26), date(2026, 12, 28))


def macros(closing_days=CHRISTMAS, settings=None):
    connection = duckdb.connect()
    define_macros(connection, closing_days=closing_days, day=date(2026, 11, 30), settings=settings or {})
    return connection


def value(connection, query):
    return connection.execute(f"select {query}").fetchall()[0][0]


def counted(one, other, working):
    """How many of the sorted days `working` lie from one day to the other, in plain Python."""
    first, last = sorted((one, other))
    days = bisect_right(working, last) - bisect_left(working, first)
    return days if one <= other else -days


def test_working_days_agree_with_counting_day_by_day_for_10_000_pairs_in_both_orders():
    chance = random.Random(22)
    span = [date(2000, 1, 1) + timedelta(number) for number in range((date(2030, 12, 31) - date(2000, 1, 1)).days + 1)]
    closed = frozenset(chance.sample(span, 400))
    working = [day for day in span if day.weekday() < 5 and day not in closed]
    pairs = [(chance.choice(span), chance.choice(span)) for _ in range(9_000)]
    pairs += [(day, day + timedelta(chance.randint(-12, 12))) for day in chance.sample(span[12:-12], 1_000)]
    connection = macros(closed)
    connection.register("pairs", pa.table({"one": [one for one, _ in pairs], "other": [other for _, other in pairs]}))
    found = [days for (days,) in connection.execute("select working_days(one, other) from pairs").fetchall()]
    assert found == [counted(one, other, working) for one, other in pairs]
    assert min(found) < -5_000
    assert max(found) > 5_000


@pytest.mark.parametrize(
    ("from_date", "to_date", "days"),
    [
        ("2026-12-24", "2026-12-24", 1),
        ("2026-12-24", "2026-12-29", 2),  # Thursday to Tuesday; Friday and Monday are closed
        ("2026-12-25", "2026-12-28", 0),
        ("2026-12-29", "2026-12-24", -2),
        ("2026-11-30", "2027-02-05", 48),  # ten weeks of five days, less two that are closed
        ("1899-12-25", "1899-12-29", 5),  # years before and after those with closing days
        ("2099-06-01", "2099-06-07", 5),
        ("2025-12-25", "2025-12-26", 2),
    ],
)
def test_working_days_count_both_ends_and_leave_closed_days_out(from_date, to_date, days):
    assert value(macros(), f"working_days(date '{from_date}', date '{to_date}')") == days


def test_working_days_ignore_the_time_of_day():
    assert value(macros(), "working_days(timestamp '2026-11-23 23:59', timestamp '2026-11-24 00:01')") == 2


@pytest.mark.parametrize("dates", ["null, date '2026-11-30'", "date '2026-11-30', null", "null, null"])
def test_working_days_of_a_missing_date_are_null(dates):
    assert value(macros(), f"working_days({dates})") is None


def test_without_closing_days_only_weekends_are_left_out():
    assert value(macros(()), "working_days(date '2026-12-21', date '2027-01-03')") == 10


def test_working_days_are_an_integer_that_no_query_joins_anything_for():
    connection = macros()
    assert value(connection, "typeof(working_days(date '2026-12-21', date '2027-01-03'))") == "INTEGER"
    plan = connection.execute(
        "explain select working_days(d, d + 3) from (select date '2026-01-01' + i::integer as d from range(9) days(i))"
    ).fetchall()[0][1]
    assert "JOIN" not in plan


def test_the_day_of_the_run_is_a_date():
    assert value(macros(), "run_day()") == date(2026, 11, 30)


def test_macros_can_be_defined_anew():
    connection = macros()
    define_macros(connection, closing_days=(), day=date(2026, 12, 1), settings={"days": "8"})
    assert value(
        connection, "[run_day()::varchar, setting('days', '5'), working_days(date '2026-12-25', run_day())::varchar]"
    ) == [
        "2026-12-01",
        "8",
        "-19",
    ]


def test_a_setting_is_text_and_its_default_holds_where_it_is_not_set():
    connection = macros(settings={"days": "8", "o'clock": "it's"})
    assert value(
        connection, "[setting('days', 5), setting('weeks', 5), setting('o''clock', ''), setting('x', null)]"
    ) == [
        "8",
        "5",
        "it's",
        None,
    ]


@pytest.mark.parametrize("kind", ["number", "count"])
@pytest.mark.parametrize("text", ["-3", "NaN", "inf", "twelve", "60%", ""])
def test_a_number_that_is_none_is_an_error_that_names_the_setting(kind, text):
    with pytest.raises(duckdb.Error, match=r"the setting months is a .*number"):
        value(macros(settings={"months": text}), f"{kind}_setting('months', 12)")


def test_a_number_may_be_nothing_or_a_part_and_a_count_is_whole():
    connection = macros(settings={"none": "0", "part": "12.5", "whole": "24"})
    names = ("none", "part", "whole", "unset")
    assert [value(connection, f"number_setting('{name}', 7)") for name in names] == [0, 12.5, 24, 7]
    assert [value(connection, f"count_setting('{name}', 7)") for name in names[2:]] == [24, 7]
    for name in names[:2]:
        with pytest.raises(duckdb.Error, match=f"the setting {name} is a whole number of 1 or more"):
            value(connection, f"count_setting('{name}', 7)")


def test_a_setting_without_any_is_its_default():
    assert value(macros(), "setting('days', 5)") == "5"
