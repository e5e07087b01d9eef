"""Planning: the reports and returns among the models, as charts and tables; of single cases how many there are.

A model stands here when it is called `report_...` or `return_...`. One that has a column of ids has a row for each case
or person: of it only counts are shown.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from html import unescape
from typing import Any

from planlake.engines.duckdb.connection import Connection
from planlake.engines.duckdb.reading import rows_sql
from planlake.engines.sql import identifier
from planlake.errors import ConfigurationError
from planlake.flow.trust.room import made_rows, opened_room
from planlake.lake.about_tables import resource_of
from planlake.lake.tables.data_files import data_files
from planlake.lake.views.models import Model
from planlake.lake.views.personal import Personal
from planlake.report.pages import words
from planlake.report.pages.figures.lake_facts import LakeFacts
from planlake.report.pages.figures.today import rests_on
from planlake.sources.catalogue import catalogue_of
from planlake.sources.meanings import plain_texts

BEGINNINGS, PERCENT = ("report_", "return_"), "_percent"
OVER_DATE = "report_over_date"
ROWS_SHOWN, POINTS, LETTERS = 100, 120, 80
NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL")
WORDS = (  # columns of the shipped reports that hold a few words each, of no person
    *(
        "application_type",
        "application_type_code",
        "application_stage_name",
        "development_type",
        "dev_type",
        "dev_group",
    ),
    *("part", "line", "line_name", "measure", "class", "outcome", "code"),
)
Series = tuple[str, tuple[tuple[date, float | None], ...]]


@dataclass(frozen=True, slots=True)
class Drawn:
    """What of a model is drawn: values over a column of days, added up for each, of the rows that `where` takes.

    With `by` there is a line for each of its values, else one for each of `values`.
    """

    day: str
    values: tuple[str, ...]
    where: str = "true"
    by: str = ""


DRAWN = {  # of the models that are shipped; others are drawn where each day has one row
    "report_backlog": Drawn("report_week", ("live_at_end",)),
    "report_received_and_decided": Drawn("report_week", ("received", "decided")),
    "return_ps2": Drawn("quarter", ("in_time_percent", "in_statutory_time_percent"), "line = 'Total'"),
    "return_speed": Drawn("window_end", ("in_time_percent",), by="measure"),
    "return_quality": Drawn("window_end", ("overturned_percent",), by="measure"),
}


@dataclass(frozen=True, slots=True)
class Period:
    """What a day of a column stands for: how it is said, its name while it lasts, how many days around that day it has.

    A report week is called by its Monday and begins on the Sunday before; a window is called by its last day.
    """

    said: str
    this: str
    before: int
    after: int


PERIODS = {
    "report_week": Period("in the week of", "this week so far", 1, 5),
    "quarter": Period("in the quarter from", "this quarter so far", 0, 89),
    "window_end": Period("up to", "", 91, 0),
}
ON_DAYS = Period("on", "", 0, 0)


@dataclass(frozen=True, slots=True)
class PlanningModel:
    """A report: its definition, its lines over time, its rows as they are shown; or why it is not there yet.

    `counts` says of one that has a row for each case in how many of them something is true. `count` is all its rows.
    """

    name: str
    about: str
    count: int = 0
    columns: tuple[str, ...] = ()
    meanings: Mapping[str, str] | None = None
    rows: tuple[tuple[object, ...], ...] = ()
    series: tuple[Series, ...] = ()
    counts: tuple[tuple[str, int], ...] = ()
    is_of_cases: bool = False
    unit: str = ""
    period: str = ""
    today: date | None = None
    left_out: tuple[str, ...] = ()
    trouble: str = ""

    @property
    def title(self) -> str:
        """Its name as people read it."""
        kind, _, rest = self.name.partition("_")
        said = rest.upper() if rest[-1:].isdigit() else rest.replace("_", " ")
        return f"{said[:1].upper()}{said[1:]}" + (" (return)" if kind == "return" else "")

    @property
    def finding(self) -> str:
        """What the chart shows, in a sentence: the last figure, and the one before it."""
        parts = []
        for name, points in self.series:
            known = [(day, value) for day, value in points if value is not None]
            if known:
                (first, before), (last, now) = known[-2:][0], known[-1]
                shown = f"{_plain(now)}{self.unit}", f"{_plain(before)}{self.unit}"
                parts.append(f"{name} {shown[0]} {self._when(last)}, {shown[1]} {self._when(first)}")
        return "; ".join(parts)

    def _when(self, day: date) -> str:
        """When a figure is of: `in the week of 16 November 2026`, of the one that lasts `this week so far`."""
        period = PERIODS.get(self.period, ON_DAYS)
        end = day + timedelta(days=period.after)
        so_far = period is not ON_DAYS and self.today is not None and self.today <= end
        if so_far and period.this:
            return period.this
        return f"{period.said} {words.day(day)}{' so far' if so_far else ''}"


@dataclass(frozen=True, slots=True)
class Planning:
    """All reports and returns, those first that can be shown; `cautions` tell of tables behind them.

    `linked` are words at the end of the answer which a report is about, and the name of that report.
    """

    answer: str
    models: tuple[PlanningModel, ...]
    cautions: tuple[str, ...] = ()
    linked: tuple[str, str] | None = None


def has_planning(facts: LakeFacts) -> bool:
    """Whether there is a model to show."""
    return any(_reports(facts))


def planning(facts: LakeFacts) -> Planning:
    """Every report and return, carried out now."""
    found = [_shown(facts, model) for model in _reports(facts)]
    there = [one for one in found if not one.trouble]
    missing = [one for one in found if one.trouble]
    live, over = _live(there)
    answer = f"{live}, {over}" if live else words.counted(len(there), "report", "reports")
    if missing:
        answer += f", and {words.counted(len(missing), 'that is', 'that are')} not there yet"
    first = [*DRAWN, OVER_DATE]
    there.sort(key=lambda one: (one.is_of_cases, one.name not in first, one.name))
    linked = (over, OVER_DATE) if over else None
    return Planning(answer, tuple(there + missing), rests_on(facts, _read_by_reports(facts)), linked)


def _read_by_reports(facts: LakeFacts) -> set[str]:
    """The tables that a report reads, or a model that it reads."""
    models = [one for report in _reports(facts) for one in (report, *facts.models.all_below(report))]
    return {resource_of(name) for model in models for schema, name in model.reads if schema in ("raw", "refined")}


def _live(reports: Sequence[PlanningModel]) -> tuple[str, str]:
    """How many applications are live and how many of them are over their date, where the shipped reports say it."""
    by_name = {one.name: one for one in reports}
    backlog, over = by_name.get("report_backlog"), by_name.get(OVER_DATE)
    if backlog is None or not backlog.series or over is None:
        return "", ""
    live = int(backlog.series[0][1][-1][1] or 0)
    said = f"{words.counted(live, 'application is', 'applications are')} live"
    return said, f"{over.count:,} of them over their date"


def _reports(facts: LakeFacts) -> Iterator[Model]:
    return (model for name, model in facts.models.by_name.items() if name.startswith(BEGINNINGS))


def _shown(facts: LakeFacts, model: Model) -> PlanningModel:
    if model.trouble:
        return PlanningModel(model.name, model.about, trouble=model.trouble)
    try:
        with _rows_of(facts, model) as (connection, rows):
            return _asked(facts, model, connection, rows)
    except ConfigurationError as error:
        return PlanningModel(model.name, model.about, trouble=error.message)
    except Exception as error:
        return PlanningModel(model.name, model.about, trouble=f"it cannot be shown: {type(error).__name__}")


@contextmanager
def _rows_of(facts: LakeFacts, model: Model) -> Iterator[tuple[Connection, str]]:
    """A connection and the rows of a model there: of a table as it was built last, of a view as it is now."""
    if model.is_view:
        resources = catalogue_of(facts.config).resources
        with opened_room(facts.config, facts.lake, resources, facts.models, model) as (room, _):
            yield room.connection, made_rows(room, model)
        return
    table = facts.table("trusted", model.name)
    if table is None:
        raise ConfigurationError(f"trusted.{model.name} was not built yet")
    yield facts.connection, rows_sql(data_files(table), table.schema())


def _asked(facts: LakeFacts, model: Model, connection: Connection, rows: str) -> PlanningModel:
    types = {name: kind for name, kind, *_ in connection.execute(f"describe select * from {rows}").fetchall()}
    (count,) = connection.execute(f"select count(*) from {rows}").fetchall()[0]
    resources, texts = catalogue_of(facts.config).resources, plain_texts(facts.config)
    hidden = set(Personal(facts.lake, resources, facts.models, texts).hidden_of_model(model.name, types))
    if hidden or any(name == "id" or name.endswith("_id") for name in types):
        truths = [name for name, kind in types.items() if kind == "BOOLEAN"]
        terms = ", ".join(f"count(*) filter ({identifier(name)})" for name in truths) or "1"
        counts = connection.execute(f"select {terms} from {rows}").fetchall()[0]
        named = tuple(zip(truths, counts, strict=False))
        return PlanningModel(model.name, model.about, count, meanings=model.columns, counts=named, is_of_cases=True)
    drawn = DRAWN.get(model.name) or _drawn(connection, rows, types)
    day = drawn.day if drawn else next((name for name, kind in types.items() if kind == "DATE"), "")
    order = f"order by {identifier(day)} desc" if day else ""
    columns = [name for name, kind in types.items() if _may_be_shown(name, kind)]
    listed = ", ".join(map(identifier, columns)) or "1"
    shown = connection.execute(f"select {listed} from {rows} {order} limit {ROWS_SHOWN}").fetchall() if columns else []
    return PlanningModel(
        model.name,
        model.about,
        count,
        tuple(columns),
        model.columns,
        tuple(tuple(map(_cell, columns, row)) for row in shown),
        tuple(_begun(one, day, facts.today) for one in _series(connection, rows, drawn)) if drawn else (),
        left_out=tuple(name for name in types if name not in columns),
        unit=f"{words.BLANK}%" if drawn and all(name.endswith(PERCENT) for name in drawn.values) else "",
        period=day,
        today=facts.today,
    )


def _may_be_shown(name: str, kind: str) -> bool:
    """Whether values of a column are no text of anybody's: numbers, days, truths, and words of the shipped reports."""
    return (kind.startswith((*NUMBERS, "DATE", "TIMESTAMP", "BOOLEAN")) and not kind.endswith("]")) or name in WORDS


def _drawn(connection: Connection, rows: str, types: Mapping[str, str]) -> Drawn | None:
    """Of a model that nobody said it of: its first two numbers over its first column of days, one row for each."""
    day = next((name for name, kind in types.items() if kind in ("DATE", "TIMESTAMP")), "")
    values = [name for name, kind in types.items() if kind.startswith(NUMBERS)][:2]
    if not day or not values:
        return None
    query = f"select count({identifier(day)}) = count(distinct {identifier(day)}) from {rows}"
    return Drawn(day, tuple(values)) if connection.execute(query).fetchall()[0][0] else None


def _series(connection: Connection, rows: str, drawn: Drawn) -> Iterator[Series]:
    sums = ", ".join(f"sum({identifier(name)})::double" for name in drawn.values)
    by = identifier(drawn.by) if drawn.by else "''"
    query = f"""select {identifier(drawn.day)}::date, {by}, {sums} from {rows}
                where {drawn.where} and {identifier(drawn.day)} is not null group by all order by all"""
    found = connection.execute(query).fetchall()
    if drawn.by:
        for name in sorted({row[1] for row in found if row[1] is not None})[:2]:
            said = f"{name} {_said(drawn.values[0])}"
            yield said, tuple((row[0], row[2]) for row in found if row[1] == name)[-POINTS:]
        return
    for place, name in enumerate(drawn.values, 2):
        yield _said(name), tuple((row[0], row[place]) for row in found)[-POINTS:]


def _begun(one: Series, period: str, today: date) -> Series:
    """A line without weeks, quarters and windows that have not begun: a date that is ahead makes some."""
    if period not in PERIODS:
        return one
    name, points = one
    last = today + timedelta(days=PERIODS[period].before)
    return name, tuple((day, value) for day, value in points if day <= last)


def _cell(name: str, value: Any) -> object:  # noqa: ANN401 - whatever DuckDB gives
    """A value as it is shown: its kind for the eye, and nothing that is longer than a line."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime | date):
        return words.short_day(value if not isinstance(value, datetime) else value.date())
    if isinstance(value, str):
        return unescape(value)[:LETTERS]  # the API sends `'` as `&#39;`
    if name.endswith(PERCENT):
        return words.percent(float(value) / 100)
    return float(value) if not isinstance(value, int) else value


def _said(name: str) -> str:
    return name.removesuffix(PERCENT).replace("_", " ")


def is_number(rows: Sequence[Sequence[object]], place: int) -> bool:
    """Whether a column of shown rows has numbers, which stand on the right."""
    return any(isinstance(row[place], int | float) or str(row[place]).endswith("%") for row in rows)


def _plain(value: float) -> str:
    return words.number(value) if value == int(value) else f"{value:.1f}"
