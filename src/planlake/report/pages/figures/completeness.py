"""Completeness: which days of which table are whole."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import get_args

from planlake.report.pages import words
from planlake.report.pages.figures.days import MOST_DAYS, WHOLE, DayState, TableDay, days_of_tables
from planlake.report.pages.figures.lake_facts import LakeFacts

DAYS_SHOWN, STRIP_DAYS, LISTED = 35, MOST_DAYS, 200
NOT_COUNTED: tuple[DayState, ...] = ("not due",)


@dataclass(frozen=True, slots=True)
class Spell:
    """Days of a table that follow each other and are alike: the state, the first and how many."""

    state: DayState
    first: date
    days: int


@dataclass(frozen=True, slots=True)
class YearOfTable:
    """A table's last 400 days in spells, and what they come to in a sentence."""

    table: str
    spells: tuple[Spell, ...]
    said: str


@dataclass(frozen=True, slots=True)
class Month:
    """A month at the head of the calendar: its name and how many of its days are shown."""

    name: str
    days: int


@dataclass(frozen=True, slots=True)
class Completeness:
    """The calendar of the last days and the list of those that are not whole; a year of each table in spells.

    `whole` of `due` table-days are complete; today, which is not over, and days that were not due are not counted.
    """

    answer: str
    whole: int
    due: int
    days: tuple[date, ...]
    months: tuple[Month, ...]
    calendar: tuple[tuple[str, tuple[TableDay, ...]], ...]
    others: tuple[TableDay, ...]
    not_listed: int
    years: tuple[YearOfTable, ...]

    @property
    def states(self) -> tuple[DayState, ...]:
        """The states of days that are not whole, which somebody may look for."""
        found = {one.state for _, days in self.calendar for one in days}
        return tuple(state for state in get_args(DayState) if state in found and state not in (*WHOLE, *NOT_COUNTED))


def completeness(facts: LakeFacts) -> Completeness:
    """The last 35 days of each table, and its last 400 in spells."""
    found = days_of_tables(facts, STRIP_DAYS)
    shown = {table: tuple(days[-DAYS_SHOWN:]) for table, days in found.items()}
    counted = [one for days in shown.values() for one in days if is_due(one, facts.today)]
    others = sorted(
        (one for one in counted if one.state not in WHOLE), key=lambda one: (one.day, one.table), reverse=True
    )
    days = tuple(one.day for one in next(iter(shown.values()), ()))
    return Completeness(
        _answer(others, len(counted), len(shown)),
        len(counted) - len(others),
        len(counted),
        days,
        months_of(days),
        tuple(shown.items()),
        tuple(others[:LISTED]),
        max(0, len(others) - LISTED),
        tuple(YearOfTable(table, spells_of(one), _year_said(one, facts.today)) for table, one in found.items()),
    )


def complete_up_to(facts: LakeFacts) -> date:
    """The day up to which nothing that was due in the last 35 days is missing of any table."""
    found = [one for days in days_of_tables(facts, DAYS_SHOWN).values() for one in days]
    missing = [one.day for one in found if is_due(one, facts.today) and one.state not in WHOLE]
    return min(missing, default=facts.today) - timedelta(days=1)


def is_due(one: TableDay, today: date) -> bool:
    """Whether a day counts: it is over, or something failed on it already, and it was to be read."""
    return one.state not in NOT_COUNTED and not (one.day == today and one.state == "open")


def months_of(days: Sequence[date]) -> tuple[Month, ...]:
    """The months of these days, in order."""
    return tuple(Month(name, len(list(some))) for name, some in groupby(days, key=lambda day: f"{day:%B %Y}"))


def spells_of(days: Sequence[TableDay]) -> tuple[Spell, ...]:
    """Days that follow each other, in spells of equal state."""
    grouped = ([*some] for _, some in groupby(days, key=lambda one: one.state))
    return tuple(Spell(some[0].state, some[0].day, len(some)) for some in grouped)


def _answer(others: Sequence[TableDay], due: int, tables: int) -> str:
    if not tables:
        return "No table is configured"
    if not due:
        return "Nothing is loaded yet"
    if bad := sum(one.state != "not asked" for one in others):
        return f"{words.counted(bad, 'day of a table is', 'days of tables are')} not whole"
    if others:
        return (
            f"All that was asked for is whole; {words.counted(len(others), 'day was', 'days were')} not asked for yet"
        )
    return "Every day is whole"


def _year_said(days: Sequence[TableDay], today: date) -> str:
    """What a year comes to: `398 of 400 days are whole; failed 26 November 2026`."""
    due = [one for one in days if is_due(one, today)]
    if not due:
        return "nothing was due"
    whole = sum(1 for one in due if one.state in WHOLE)
    bad = [one for one in spells_of(due) if one.state not in WHOLE]
    said = [
        f"{one.state} {words.day(one.first)}" + (f" and {one.days - 1} after" if one.days > 1 else "") for one in bad
    ]
    more = f" and {len(said) - 4} times more" if len(said) > 4 else ""
    return (
        f"{whole} of {words.counted(len(due), 'day is', 'days are')} whole"
        + "".join(f"; {one}" for one in said[-4:])
        + more
    )
