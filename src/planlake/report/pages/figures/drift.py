"""Drift: what the vendor sends or documents that nobody declared, and what it no longer does."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from planlake.checks.documentation import MENDED
from planlake.flow.refine.result import NOTICED, SENT_AGAIN, UNDECLARED
from planlake.report.pages import words
from planlake.report.pages.figures.lake_facts import LakeFacts
from planlake.sources.catalogue import Catalogue, catalogue_of

RECENT_DAYS, LISTED = 30, 500


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference when it was noticed (UTC); `column` is empty where the table itself differs."""

    table: str
    column: str
    what: str
    detail: str
    noticed_at: datetime
    run: int


@dataclass(frozen=True, slots=True)
class Drift:
    """What was noticed in the last 30 days, and earlier and still differs; the newest first, each up to a number.

    `still` is all that still differs, whenever it was noticed; `settled` what was noticed lately and no longer does.
    """

    answer: str
    recent: tuple[Difference, ...]
    open: tuple[Difference, ...]
    recent_not_listed: int
    open_not_listed: int
    documented: int
    still: tuple[Difference, ...]
    settled: tuple[Difference, ...]


def drift(facts: LakeFacts) -> Drift:
    """Differences between the catalogue, the records and the vendor's page."""
    rows = facts.ask("""
        select resource, coalesce("column", ''), what, coalesce(detail, ''), noticed_at, run from drift
        order by run desc, noticed_at desc, resource, "column", what""")  # fmt: skip
    told = [Difference(*row) for row in rows]
    since = facts.now - timedelta(days=RECENT_DAYS)
    recent = [one for one in told if one.noticed_at >= since]
    still = _open(told, catalogue_of(facts.config))
    earlier = [one for one in still if one.noticed_at < since]
    sides = {_side(one) for one in still}
    (documented,) = facts.ask("select count(distinct resource) from documented")[0]
    return Drift(
        _answer(len(still)),
        tuple(recent[:LISTED]),
        tuple(earlier[:LISTED]),
        max(0, len(recent) - LISTED),
        max(0, len(earlier) - LISTED),
        documented,
        tuple(still),
        tuple(one for one in recent if _side(one) not in sides),
    )


def _open(told: list[Difference], catalogue: Catalogue) -> list[Difference]:
    """What was told last of each column, of records and of the page by itself, unless that says that all is well."""
    last: dict[tuple[str, str, bool], Difference] = {}
    for one in told:  # the newest first
        last.setdefault(_side(one), one)
    return [
        one
        for one in last.values()
        if one.what not in (SENT_AGAIN, MENDED) and not (one.what == UNDECLARED and _is_declared(one, catalogue))
    ]


def _side(one: Difference) -> tuple[str, str, bool]:
    """What a difference is about: a column, as the records have it or as the vendor's page does."""
    return one.table, one.column, one.what in NOTICED


def _is_declared(one: Difference, catalogue: Catalogue) -> bool:
    resource = catalogue.resources.get(one.table)
    return resource is not None and one.column in resource.columns


def _answer(still: int) -> str:
    if not still:
        return "The vendor sends what was declared"
    return f"{words.counted(still, 'difference is', 'differences are')} open"
