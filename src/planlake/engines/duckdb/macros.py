"""What models can call besides DuckDB's own functions: `working_days`, `run_day`, and `setting` in three kinds."""

from collections.abc import Collection, Mapping
from datetime import date

from planlake.engines.duckdb.connection import Connection
from planlake.engines.sql import literal

KINDS = {  # how a text is read, NULL where it is none, and what it is called
    "number": ("list_first(list_filter([try_cast({} as double)], lambda one: one >= 0 and isfinite(one)))", "number"),
    "count": (
        "list_first(list_filter([try_cast({} as double)], lambda one: one between 1 and 1e9 and one % 1 = 0))::integer",
        "whole number of 1 or more",
    ),
    "day": ("try_cast({} as date)", "day"),
}
A_MONDAY = "DATE '0001-01-01'"  # the first day there is


def define_macros(
    connection: Connection, *, closing_days: Collection[date], day: date, settings: Mapping[str, str]
) -> None:
    """Define on the connection's database, in place of what was defined before:

    - `working_days(from_date, to_date)`: INTEGER, the days from one to the other, both counted, without Saturdays,
      Sundays and `closing_days`. The times of timestamps do not count. Where `to_date` is earlier, the days between
      are counted below zero, as Excel's NETWORKDAYS does. NULL where either is NULL.
    - `run_day()`: DATE, `day`.
    - `setting(name, default_value)`: VARCHAR, the value in `settings`, else the default.
    - `number_setting(name, default_value)`, `count_setting(...)` and `day_setting(...)`: the same as DOUBLE of 0 or
      more, INTEGER of 1 or more, and DATE. A value that is none is an error that names the setting.
    """
    _define_working_days(connection, closing_days)
    connection.execute(f"create or replace macro run_day() as DATE '{day}'")
    names, values = (", ".join(map(literal, texts)) for texts in (settings.keys(), settings.values()))
    connection.execute(f"""create or replace macro setting(name, default_value) as
        coalesce(map_extract_value(map([{names}]::varchar[], [{values}]::varchar[]), name), default_value::varchar)""")
    for kind, (read, said) in KINDS.items():
        value = read.format("setting(name, default_value)")
        connection.execute(f"""create or replace macro {kind}_setting(name, default_value) as
            coalesce({value}, error('the setting ' || name || ' is a {said}'))""")


def _define_working_days(connection: Connection, closing_days: Collection[date]) -> None:
    """By arithmetic alone, so that a query joins nothing for it: a wide table would be held in memory for a join."""
    first, counts, masks = _closed_by_month(closing_days)
    month = f"least(greatest((year(until) - {first}) * 12 + month(until), 0), {len(masks)})"
    until_in_month = "((1::bigint << day(until)) - 1)"
    monday = f"(until - {A_MONDAY})"
    connection.execute(f"""
        create or replace macro closing_days_until(until) as
            coalesce({counts}[{month}] + bit_count({masks}[{month}] & {until_in_month}), 0);
        create or replace macro working_days_until(until) as
            5 * ({monday} // 7) + least({monday} % 7 + 1, 5) - closing_days_until(until);
        create or replace macro working_days(from_date, to_date) as (
            case when from_date::date <= to_date::date then 1 when from_date::date > to_date::date then -1 end
            * (working_days_until(greatest(from_date::date, to_date::date))
               - working_days_until(least(from_date::date, to_date::date) - 1)))::integer""")


def _closed_by_month(closing_days: Collection[date]) -> tuple[int, list[int], list[int]]:
    """The first year, then for each month from its January: closed weekdays before it, and those in it as bits.

    The last entry is for every month after the last closing day.
    """
    weekdays = {day for day in closing_days if day.isoweekday() <= 5}
    first = min((day.year for day in weekdays), default=2000)
    last = max((day.year for day in weekdays), default=2000)
    masks = [0] * ((last - first + 1) * 12 + 1)
    for day in weekdays:
        masks[(day.year - first) * 12 + day.month - 1] |= 1 << (day.day - 1)
    counts = [0]
    for mask in masks[:-1]:
        counts.append(counts[-1] + mask.bit_count())
    return first, counts, masks
