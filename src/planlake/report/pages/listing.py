"""The pages there are, in the order in which people go through them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from planlake.report.pages.figures.catalogue import catalogue
from planlake.report.pages.figures.change import change
from planlake.report.pages.figures.completeness import completeness
from planlake.report.pages.figures.drift import drift
from planlake.report.pages.figures.lake_facts import LakeFacts
from planlake.report.pages.figures.planning import has_planning, planning
from planlake.report.pages.figures.quality import quality
from planlake.report.pages.figures.runs import runs
from planlake.report.pages.figures.today import today


def _always(_: LakeFacts) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Page:
    """A page: its file, its name in the navigation, its template, what fills it, and whether this lake has it."""

    file: str
    name: str
    template: str
    figures: Callable[[LakeFacts], object]
    is_there: Callable[[LakeFacts], bool] = _always


PAGES = (
    Page("index.html", "Today", "today.html", today),
    Page("completeness.html", "Completeness", "completeness.html", completeness),
    Page("catalogue.html", "Catalogue", "catalogue.html", catalogue),
    Page("quality.html", "Quality", "quality.html", quality),
    Page("drift.html", "Drift", "drift.html", drift),
    Page("runs.html", "Runs", "runs.html", runs),
    Page("change.html", "Change", "change.html", change),
    Page("planning.html", "Planning", "planning.html", planning, has_planning),
)


def pages_of(facts: LakeFacts) -> list[Page]:
    """The pages that this lake has."""
    return [page for page in PAGES if page.is_there(facts)]


def file_of_day(day: date) -> str:
    """Where the page lies that says what a day changed."""
    return f"change/{day}.html"


def file_of_table(name: str) -> str:
    """Where the page of a table lies."""
    return f"tables/{name}.html"
