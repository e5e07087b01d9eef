"""A table's own page: how it stands, each of its days, its versions and its runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from planlake.report.pages.figures.completeness import STRIP_DAYS
from planlake.report.pages.figures.days import TableDay, days_of_tables
from planlake.report.pages.figures.described import DescribedTable, described_tables
from planlake.report.pages.figures.lake_facts import LakeFacts
from planlake.report.status import TableStatus, cadences
from planlake.report.verdicts import Verdict
from planlake.sources.catalogue import Cadence, catalogue_of

RUNS_SHOWN = 60


@dataclass(frozen=True, slots=True)
class RunOfTable:
    """What one run did to the table; figures that it does not have are None."""

    run: int
    started_at: datetime
    outcome: str
    message: str
    records: int | None
    stored: int | None
    rows: int | None
    bytes: int | None
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Week:
    """Seven days from a Monday on, None before the first of which something is known and after today."""

    monday: date
    days: tuple[TableDay | None, ...]


@dataclass(frozen=True, slots=True)
class TablePage:
    """One table: how it stands, its weeks and its runs, the newest of both first."""

    table: str
    verdict: Verdict
    status: TableStatus
    cadence: Cadence
    key: str
    weeks: tuple[Week, ...]
    runs: tuple[RunOfTable, ...]
    not_shown: int
    described: DescribedTable


def table_pages(facts: LakeFacts, names: Sequence[str] = ()) -> dict[str, TablePage]:
    """The pages of these tables, of all configured ones where none is named."""
    days = days_of_tables(facts, STRIP_DAYS)
    runs = _runs(facts)
    statuses = {one.table: one for one in facts.status.tables}
    configured = {name: one for name, one in cadences(facts.config).items() if not names or name in names}
    described = described_tables(facts, list(configured))
    found = {}
    for name, cadence in configured.items():
        own = runs.get(name, [])
        found[name] = TablePage(
            name,
            facts.verdicts[name],
            statuses[name],
            cadence,
            catalogue_of(facts.config).resource(name).key,
            weeks_of(days[name]),
            tuple(own[:RUNS_SHOWN]),
            max(0, len(own) - RUNS_SHOWN),
            described[name],
        )
    return found


def weeks_of(days: Sequence[TableDay]) -> tuple[Week, ...]:
    """Days in weeks from Monday to Sunday, newest first, from the first of which something is known."""
    known = [one for one in days if one.state != "not due"]
    if not known:
        return ()
    by_day = {one.day: one for one in days}
    monday = _monday(days[-1].day)
    weeks = []
    while monday >= _monday(known[0].day):
        weeks.append(Week(monday, tuple(by_day.get(monday + timedelta(days=place)) for place in range(7))))
        monday -= timedelta(days=7)
    return tuple(weeks)


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _runs(facts: LakeFacts) -> dict[str, list[RunOfTable]]:
    """The runs of each table, the newest first."""
    found: dict[str, list[RunOfTable]] = {}
    query = """
        select resource, run, started_at, outcome, coalesce(message, ''), records, stored, current_rows, bytes, seconds
        from runs where resource is not null order by run desc"""
    for resource, *values in facts.ask(query):
        found.setdefault(resource, []).append(RunOfTable(*values))
    return found
