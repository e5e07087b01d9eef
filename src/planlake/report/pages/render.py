"""Turns the record of a page into HTML. All text is escaped, whoever it is from."""

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from planlake.report.pages import charts, drawings, words
from planlake.report.pages.figures.catalogue import Found
from planlake.report.pages.figures.planning import is_number
from planlake.report.pages.figures.quality import figure_said, trend_said, why_said

TEMPLATES = Path(__file__).parent / "templates"
STATIC = Path(__file__).parent / "static"
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'"
)
FILTERS = (
    words.number,
    words.figure,
    words.percent,
    words.size,
    words.duration,
    words.day,
    words.short_day,
    words.near_day,
    words.moment,
    words.utc,
    words.age,
    words.named,
    words.sentence,
    words.plainly,
)


@dataclass(frozen=True, slots=True)
class Site:
    """What all pages of one lake have in common.

    `made_at` is UTC without zone, `today` London's day; `data_as_of` is the newest day that was published, None before
    the first. `links` are file and name of each page, `tables` have a page each; `typed` writes a command as it was
    called, with its configuration and environment. What is `is_live` has no banner that says how old it is, and no
    policy of its own.
    """

    source: str
    environment: str
    version: str
    made_at: datetime
    today: date
    data_as_of: date | None
    links: Sequence[tuple[str, str]]
    typed: Callable[[str], str]
    tables: Collection[str] = ()
    is_live: bool = False


def page(template: str, record: object, site: Site, *, file: str) -> str:
    """The HTML of one page; `file` is its place, which links are relative to."""
    root = "../" * file.count("/")
    made = _environment().get_template(template)
    policy = "" if site.is_live else CONTENT_SECURITY_POLICY
    return made.render(page=record, site=site, file=file, root=root, policy=policy) + "\n"


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {one.__name__: one for one in FILTERS}
    made.filters |= {
        "as_data": as_data,
        "breakable": breakable,
        "year_strip": charts.year_strip,
        "runs_chart": charts.runs_chart,
    }
    made.globals |= {"counted": words.counted, "relations": drawings.relations, "day_lines": drawings.day_lines}
    made.globals |= {"shades": drawings.shades, "small_line": charts.small_line}
    made.globals |= {"figure_said": figure_said, "trend_said": trend_said, "why_said": why_said, "is_number": is_number}
    return made


def search_script(found: Sequence[Found]) -> str:
    """The file with the index of the catalogue: a script, as a page from a disk may load no other data."""
    rows = [(one.table, one.column, one.type, one.meaning, one.place, int(one.is_personal)) for one in found]
    return f"planlakeFound({as_data(rows)});\n"


def breakable(name: str) -> Markup:
    """A long name that may go on in the next line behind each `_`."""
    return Markup("_<wbr>").join(escape(part) for part in name.split("_"))


def as_data(value: object) -> Markup:
    """A value for script, inside of `<script type="application/json">`: nothing in it can end that element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))  # noqa: S704 - escaped
