"""Runs: what ran, how long it took, what it received and what it cost the API."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby, islice

from planlake.report.pages import words
from planlake.report.pages.figures.lake_facts import LakeFacts
from planlake.report.run_history import BROKEN, PastRun, every_run

SHOWN, DRAWN, MONTHS = 60, 30, 13
WELL = ("finished", "nothing to do")


@dataclass(frozen=True, slots=True)
class TableOfRun:
    """What the last run did to one table."""

    table: str
    outcome: str
    message: str
    requests: int | None
    records: int | None
    stored: int | None
    rows: int | None
    seconds: float | None


@dataclass(frozen=True, slots=True)
class MonthOfCalls:
    """What was asked of the API in one month, by London's calendar; `month` is its first day."""

    month: date
    runs: int
    requests: int
    records: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Runs:
    """The last run table by table, the last runs (newest first), and the API's calls by month (newest first)."""

    answer: str
    last: PastRun | None
    tables: tuple[TableOfRun, ...]
    up_to_date: int
    runs: tuple[PastRun, ...]
    drawn: tuple[PastRun, ...]
    not_shown: int
    months: tuple[MonthOfCalls, ...]


def runs(facts: LakeFacts) -> Runs:
    """Every run that is recorded or left something, the last of them in detail."""
    found = every_run(facts.lake, facts.connection, ("runs", "api_requests"))
    loads = [one for one in found if one.outcome in (*WELL, *BROKEN, "under way")]
    last = loads[0] if loads else None
    tables = _tables(facts, last.run) if last else []
    done = tuple(one for one in tables if one.outcome != "up to date")
    drawn = tuple(reversed([one for one in loads if one.seconds is not None][:DRAWN]))
    left = max(0, len(found) - SHOWN)
    months = tuple(_months(found))
    return Runs(_answer(last), last, done, len(tables) - len(done), tuple(found[:SHOWN]), drawn, left, months)


def _answer(last: PastRun | None) -> str:
    if last is None:
        return "Nothing has run yet"
    if last.outcome == "under way":
        return f"Run {last.run} is under way"
    if last.is_broken:
        said = {"failed": "failed", "killed": "was killed", "stopped": "was stopped"}.get(last.outcome, "did not end")
        return f"Run {last.run} {said}"
    if not last.troubled:
        return f"Run {last.run} went well"
    return f"Run {last.run} ended, and {words.counted(last.troubled, 'table was', 'tables were')} in trouble"


def _tables(facts: LakeFacts, run: int) -> list[TableOfRun]:
    query = """
        select resource, outcome, coalesce(message, ''), requests, records, stored, current_rows, seconds from runs
        where run = ? and resource is not null
        order by outcome not in ('open', 'held', 'failed'), seconds desc nulls last, resource"""
    return [TableOfRun(*row) for row in facts.ask(query, [run])]


def _months(found: Sequence[PastRun]) -> Iterator[MonthOfCalls]:
    """What all runs asked of the API, by the months in which they began, newest first."""
    asked = [(words.in_london(one.started_at).date().replace(day=1), one) for one in found if one.started_at]
    asked = sorted((pair for pair in asked if pair[1].requests), key=lambda pair: pair[0], reverse=True)
    for month, pairs in islice(groupby(asked, key=lambda pair: pair[0]), MONTHS):
        some = [one for _, one in pairs]
        requests, records, size = (sum(getattr(one, name) for one in some) for name in ("requests", "records", "bytes"))
        yield MonthOfCalls(month, len(some), requests, records, size)
