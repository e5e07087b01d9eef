"""Change: how many records each day added, changed and deleted, counted from every version that was received."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from planlake.engines.duckdb.reading import rows_sql
from planlake.engines.sql import identifier
from planlake.lake.tables.columns import latest_first
from planlake.lake.tables.data_files import data_files
from planlake.report.pages import words
from planlake.report.pages.figures.completeness import STRIP_DAYS
from planlake.report.pages.figures.kept import DayChange, unless_damaged
from planlake.report.pages.figures.lake_facts import LakeFacts
from planlake.report.pages.figures.today import rests_on
from planlake.sources.catalogue import Resource, catalogue_of

if TYPE_CHECKING:
    from pyiceberg.table import Table

DAYS_SHOWN = 35
LEVELS = 4


@dataclass(frozen=True, slots=True)
class TableChange:
    """What one day did to one table; `rows` is how many it has now, None where that is not known."""

    table: str
    added: int
    changed: int
    deleted: int
    rows: int | None

    @property
    def total(self) -> int:
        """All versions that came."""
        return self.added + self.changed + self.deleted


@dataclass(frozen=True, slots=True)
class YearOfChange:
    """A table's last 400 days in shades from 0 to 4, the oldest first, and what they come to in words."""

    table: str
    shades: tuple[int, ...]
    said: str


@dataclass(frozen=True, slots=True)
class Change:
    """What one day brought. `days` are those that have a page, the newest first, each with its number of versions.

    `day` is None where nothing was ever received. `cautions`, of the newest day, say which tables are not of today.
    """

    answer: str
    day: date | None
    days: tuple[tuple[date, int], ...]
    earlier: date | None
    later: date | None
    tables: tuple[TableChange, ...]
    years: tuple[YearOfChange, ...]
    cautions: tuple[str, ...] = ()


def change(facts: LakeFacts) -> Change:
    """What the newest day brought on which anything came."""
    return next(iter(changes_by_day(facts).values()), Change("Nothing was received yet", None, (), None, None, (), ()))


def changes_by_day(facts: LakeFacts) -> dict[date, Change]:
    """What each of the last 35 days brought on which anything came, the newest first."""
    found = {name: changes_of(facts, catalogue_of(facts.config).resource(name)) for name in facts.verdicts}
    first = facts.today - timedelta(days=DAYS_SHOWN - 1)
    totals: dict[date, int] = {}
    for days in found.values():
        for day, *counts in days:
            totals[day] = totals.get(day, 0) + sum(counts)
    newest = sorted(totals, reverse=True)
    shown = [day for day in newest if day >= first] or newest[:1]
    years = tuple(_year(name, days, facts.today) for name, days in found.items())
    picker = tuple((day, totals[day]) for day in shown)
    made = {}
    for place, day in enumerate(shown):
        tables = tuple(_tables(facts, found, day))
        earlier, later = shown[place + 1] if place + 1 < len(shown) else None, shown[place - 1] if place else None
        cautions = rests_on(facts, facts.verdicts) if later is None else ()
        made[day] = Change(_answer(tables), day, picker, earlier, later, tables, years, cautions)
    return made


def changes_of(facts: LakeFacts, resource: Resource) -> tuple[DayChange, ...]:
    """What each day did to a table on which anything came, the oldest first; London's days, of the requests.

    An id that comes first, or again after it was deleted, is added. The sum is the number of versions there are. Of a
    damaged table nothing is known.
    """
    table = facts.table("refined", f"increment_{resource.name}")
    version = table.current_snapshot() if table is not None else None
    if table is None or version is None:
        return ()
    place = f"{table.metadata.table_uuid}/{version.snapshot_id}"
    return unless_damaged(
        lambda: facts.kept.of(facts.kept.changes, place, lambda: _counted(facts, resource, table)), ()
    )


def _counted(facts: LakeFacts, resource: Resource, table: "Table") -> tuple[DayChange, ...]:
    order = latest_first(resource.changed, table.schema().column_names)
    needed = {resource.key, resource.changed, "batch", "page_number", "import_position", "import_request_id"}
    rows = rows_sql(data_files(table), table.schema(), columns={*needed, "is_deleted", "import_date"})
    query = f"""
        select import_date, count(*) filter (not is_deleted and was_gone),
            count(*) filter (not is_deleted and not was_gone), count(*) filter (is_deleted)
        from (select import_date, is_deleted, coalesce(lead(is_deleted) over (
                  partition by {identifier(resource.key)} order by {order}), true) as was_gone
              from {rows})
        group by import_date order by import_date"""
    return tuple(_day(*row) for row in facts.ask(query))


def _day(day: str, added: int, changed: int, deleted: int) -> DayChange:
    return datetime.strptime(day, "%Y%m%d").date(), added, changed, deleted  # noqa: DTZ007 - a day


def _tables(facts: LakeFacts, found: dict[str, tuple[DayChange, ...]], day: date) -> list[TableChange]:
    """The tables that a day changed, those first of which most came."""
    lines = [
        TableChange(name, added, changed, deleted, facts.verdicts[name].rows)
        for name, days in found.items()
        for of, added, changed, deleted in days
        if of == day
    ]
    return sorted(lines, key=lambda one: (-one.total, one.table))


def _answer(tables: Sequence[TableChange]) -> str:
    added, changed, deleted = (sum(getattr(one, what) for one in tables) for what in ("added", "changed", "deleted"))
    records = words.counted(added, "record was added", "records were added")
    return f"{records}, {words.number(changed)} changed and {words.number(deleted)} deleted"


def _year(name: str, days: Sequence[DayChange], today: date) -> YearOfChange:
    first = today - timedelta(days=STRIP_DAYS - 1)
    totals = {day: sum(counts) for day, *counts in days if day >= first}
    most = max(totals.values(), default=0)
    shades = tuple(shade(totals.get(first + timedelta(days=place), 0), most) for place in range(STRIP_DAYS))
    if not totals:
        return YearOfChange(name, shades, "nothing came")
    busiest = max(totals, key=lambda day: (totals[day], day))
    said = (
        f"{words.counted(sum(totals.values()), 'version', 'versions')} on "
        f"{words.counted(len(totals), 'day', 'days')}, most on {words.day(busiest)}: {words.number(totals[busiest])}"
    )
    return YearOfChange(name, shades, said)


def shade(count: int, most: int) -> int:
    """How dark a day is, from 0 to 4: each shade stands for as many times more as the one before it."""
    if count == 0 or most == 0:
        return 0
    if most == 1:
        return LEVELS
    return 1 + round((LEVELS - 1) * math.log(count) / math.log(most))
