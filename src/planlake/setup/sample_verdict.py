"""Judges a sample of a resource: its columns, ids, changes and size.

Types are inferred with the same casts that refine uses. What would hold the whole resource back is reckoned from the
sample: a share of cells is the same share of more cells.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from planlake.checks.examples import MASKED, masked, shortened
from planlake.checks.quality import Cells, blocking, casts, rejected
from planlake.config import Settings
from planlake.engines.duckdb.casting import cast_expression
from planlake.engines.duckdb.connection import Connection
from planlake.engines.duckdb.fitting import Fit, fit_types
from planlake.engines.names import column_names
from planlake.flow.context import Context
from planlake.flow.ingest.load_sample import Sample
from planlake.flow.refine.parsing import keys_in, read_texts
from planlake.inspection.cadence import AGES, SELDOM
from planlake.lake.tables.columns import keys_of
from planlake.printable import printable
from planlake.runs.estimate import Estimate
from planlake.sources.catalogue import Cadence, Resource
from planlake.sources.records import plain_id

INSTANTS = ("timestamp", "timestamp_utc")  # what says when a record changed, however it is declared
ColumnVerdict = Literal["ok", "undeclared", "empty", "not sent", "some do not cast", "would hold"]


@dataclass(frozen=True, slots=True)
class ColumnTrial:
    """One column: its type in the catalogue, the narrowest type its values fit, and how it would fare.

    `filled` of so many sampled records hold something; `bad` of these do not cast, `example` among them.
    """

    column: str
    declared: str
    fits: str
    records: int
    filled: int
    bad: int
    example: str
    verdict: ColumnVerdict

    @property
    def quoted(self) -> str:
        """The example as a sentence shows it."""
        return self.example if MASKED.fullmatch(self.example) else f'"{printable(self.example)}"'


@dataclass(frozen=True, slots=True)
class IdFigures:
    """The ids of so many sampled records: how many come more than once, how many records have no usable one.

    `would_hold` says that of the whole resource so many would be refused that it is held back.
    """

    column: str
    records: int
    repeated: int
    unusable: int
    would_hold: bool


@dataclass(frozen=True, slots=True)
class Changes:
    """How much changes: records last updated on each of the last days, as the API counts them, and ages of a sample.

    `ages` is the share of sampled records last updated within 7, 30 and 365 days. `calls` are API calls a week, by day
    and whole.
    """

    by_day: Mapping[str, int]
    ages: Mapping[int, float]
    calls: Mapping[Cadence, float]
    proposal: Cadence
    why: str


@dataclass(frozen=True, slots=True)
class Texts:
    """The sampled records taken apart: a column of texts for each key, each record once; the column of each key."""

    rows: pa.Table
    columns: Mapping[str, str]
    sent: frozenset[str]


def texts_of_sample(context: Context, resource: Resource, sample: Sample) -> Texts:
    """Take the records of a sample apart, also those that are held already."""
    increment = context.lake.find("refined", f"increment_{resource.name}")
    columns = keys_of(increment.schema() if increment is not None else None, resource)
    with context.connection.cursor() as cursor:
        cursor.register("received", sample.rows)
        pages = ", ".join(str(page.request_id) for page in sample.pages)  # before those of the days
        order = f"request_id not in ({pages}), request_id"
        once = f"row_number() over (partition by record_id, record_hash order by {order}) = 1"
        cursor.register("sampled", cursor.sql(f"select * from received qualify {once}").to_arrow_table())
        found = keys_in(cursor, "sampled", context.catalogue.dropped_keys)
        sent = frozenset((*found.regular, *found.others))
        columns |= column_names(sorted(sent - columns.keys()), columns.values())
        return Texts(read_texts(cursor, "sampled", columns, found), columns, sent)


def column_trials(
    connection: Connection, resource: Resource, texts: Texts, *, settings: Settings, factor: float
) -> list[ColumnTrial]:
    """Every column of a sample; the whole resource has `factor` times as many records."""
    if not len(texts.rows):
        return []
    wanted: dict[str, str] = {column: resource.type_of(key) for key, column in texts.columns.items()}
    fits = fit_types(connection, texts.rows, wanted)
    found = []
    for key, column in texts.columns.items():
        fit = fits[column]
        verdict: ColumnVerdict = "not sent" if key not in texts.sent else _verdict(column, fit, settings, factor)
        if verdict == "ok" and key not in resource.columns:
            verdict = "undeclared"
        is_personal = resource.is_personal(key) or (key == resource.key and bool(resource.personal))
        example = masked(fit.example, is_personal=True) if is_personal and fit.example else shortened(fit.example)
        declared, shown = resource.columns.get(key, ""), example or ""
        filled = (len(texts.rows), fit.filled, fit.bad)
        found.append(ColumnTrial(column, declared, fit.fits, *filled, shown, verdict))
    return found


def _verdict(column: str, fit: Fit, settings: Settings, factor: float) -> ColumnVerdict:
    if not fit.filled:
        return "empty"
    if not fit.bad:
        return "ok"
    cells = Cells(column, column, round(fit.filled * factor), round(fit.bad * factor))
    is_held = blocking(casts([cells], percent=settings.uncastable_percent, at_least=settings.uncastable_cells))
    return "would hold" if is_held else "some do not cast"


def key_trial(
    resource: Resource, sample: Sample, columns: Sequence[ColumnTrial], settings: Settings, *, factor: float
) -> IdFigures:
    """The ids of a sample; repeated ones are looked for in the pages of the resource, which show each record once."""
    pages = pa.array([page.request_id for page in sample.good], pa.int64())
    rows = sample.rows.filter(pc.is_in(sample.rows["request_id"], pages))
    is_text = resource.type_of(resource.key) == "text"
    ids = Counter(one if is_text else plain_id(one) for one in rows["record_id"].drop_null().to_pylist())
    repeated = [one for one, count in ids.items() if count > 1]
    unusable = sum(one.records - one.filled + one.bad for one in columns if one.column == resource.key)
    records = max((one.records for one in columns), default=0)
    refused = rejected(
        round(unusable * factor),
        rows=round(records * factor),
        percent=settings.rejected_percent,
        at_least=settings.rejected_records,
    )
    return IdFigures(resource.key, records, len(repeated), unusable, refused.verdict == "held")


def change_trial(context: Context, resource: Resource, *, sample: Sample, texts: Texts, usual: Cadence) -> Changes:
    """How much of a resource changes, and the cadence that follows; `usual` where nothing speaks for either."""
    by_day = _by_day(sample)
    pages = sample.totals.pages if sample.totals else 0
    by_days = _calls_by_day(sample, by_day) if resource.changed else 7.0 * pages
    calls: dict[Cadence, float] = {"daily": by_days, "weekly": float(pages)}
    ages = _ages(context, resource, sample, texts)
    proposal, why = _proposal(resource, sample, by_day=by_day, calls=calls, usual=usual)
    return Changes(by_day, ages, calls, proposal, why)


def _by_day(sample: Sample) -> dict[str, int]:
    """How many records changed last on each day; of a lower bound what a day has more than the one after it."""
    totals = sample.totals_by_day
    if not sample.is_cumulative:
        return {str(day): total for day, total in totals.items()}
    after = {day: totals.get(day + timedelta(days=1)) for day in totals}
    return {str(day): max(0, total - later) for day, total in totals.items() if (later := after[day]) is not None}


def _calls_by_day(sample: Sample, by_day: Mapping[str, int]) -> float:
    """Calls a week if read by day: each day itself, counted again, and today; a lower bound gives all three at once."""
    size, totals = sample.totals.per_page if sample.totals else 1, list(sample.totals_by_day.values())
    if sample.is_cumulative:
        since = totals[-3] if len(totals) > 2 else 0  # from the day on that is counted again
        return 7.0 * max(1, -(-since // size))
    more = sum(2 * max(0, -(-number // size) - 1) for number in by_day.values())
    return 7 * (3 + more / max(1, len(by_day)))


def _looks_at_days(sample: Sample, by_day: Mapping[str, int], results: int) -> bool:
    """Whether the API's filter leaves records out: a record was last updated on one day only."""
    totals = list(sample.totals_by_day.values())
    if sample.is_cumulative:
        return not totals or totals[-1] < results
    return sum(by_day.values()) <= results


def _proposal(
    resource: Resource, sample: Sample, *, by_day: Mapping[str, int], calls: Mapping[Cadence, float], usual: Cadence
) -> tuple[Cadence, str]:
    results = sample.totals.results if sample.totals else 0
    if not results:
        return usual, "there are no records to judge by"
    if not resource.changed:
        return "weekly", "no column says when a record changed: it is read whole each time"
    if not _looks_at_days(sample, by_day, results):
        return "weekly", f"the API ignores {resource.changed}: it gives every record for each day"
    changed = sum(1 for number in by_day.values() if number)
    on_days = f"something changed on {changed} of the last {len(by_day)} days"
    if by_day and changed > len(by_day) * SELDOM:
        return "daily", on_days
    if calls["weekly"] > calls["daily"]:
        return "daily", f"{on_days}, but whole it takes {calls['weekly']:,.0f} calls"
    return "weekly", on_days


def _ages(context: Context, resource: Resource, sample: Sample, texts: Texts) -> dict[int, float]:
    """The share of the records of the sampled pages that were last updated within so many days."""
    column = texts.columns.get(resource.changed, "")
    if column not in texts.rows.column_names:
        return {}
    pages = pa.array([page.request_id for page in sample.good], pa.int64())
    narrow = texts.rows.filter(pc.is_in(texts.rows["import_request_id"], pages)).select([column])
    if not len(narrow):
        return {}
    with context.connection.cursor() as cursor:
        cursor.register("changes", narrow)
        first = context.clock.today() + timedelta(days=1)
        day = f"coalesce({', '.join(cast_expression(column, kind) for kind in INSTANTS)})::date"
        counts = ", ".join(f"count(*) filter ({day} >= '{first - timedelta(days=age)}')" for age in AGES)
        found = cursor.execute(f"select {counts} from changes").fetchall()[0]
    return {age: number / len(narrow) for age, number in zip(AGES, found, strict=True)}


def whole(sample: Sample, concurrency: int) -> Estimate:
    """What reading the whole resource takes, from the pages that came."""
    if sample.pages[0].answer.error:
        return Estimate(error=sample.pages[0].answer.error)
    pages = max(1, sample.totals.pages) if sample.totals else 1
    sizes, seconds = ([getattr(page.answer, name) for page in sample.good] for name in ("size", "seconds"))
    each = sum(seconds) / len(seconds)
    return Estimate(pages, round(pages * sum(sizes) / len(sizes)), pages * each / min(pages, concurrency))
