"""Tries a resource out: loads a sample of it into a preview through every step, and gives a verdict.

The preview is made where there is none; the sample can be queried there, and is never promoted. `planlake run` in the
preview puts it aside and reads the table whole.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from planlake.changes.previews import create, remove
from planlake.changes.promote import changed_files
from planlake.changes.rollback import finish_interrupted
from planlake.checks.examples import for_example
from planlake.checks.quality import OF_EVERY_TABLE, CheckResult, as_row, blocking, troubles
from planlake.clock import naive_utc
from planlake.config import Config
from planlake.errors import ConfigurationError, PlanlakeError, SourceError
from planlake.flow.context import Context
from planlake.flow.ingest.load_sample import Sample, drop_samples, take_sample
from planlake.flow.open_run import open_for_writing
from planlake.flow.operations_records import record_command
from planlake.flow.refine.step import refine
from planlake.flow.snapshot.step import snapshot
from planlake.lake.lake import Lake, clear_errors
from planlake.lake.open_lake import is_preview
from planlake.lake.previews.own_tables import add_own_tables
from planlake.lake.state.ledger import History, read_histories
from planlake.lake.state.operations import append_operations
from planlake.lake.tables.columns import keys_of
from planlake.lake.tables.data_files import row_count
from planlake.runs.estimate import Estimate
from planlake.runs.expectations import expectations
from planlake.setup.add_tables import suggested_cadence
from planlake.setup.sample_verdict import (
    Changes,
    ColumnTrial,
    IdFigures,
    change_trial,
    column_trials,
    key_trial,
    texts_of_sample,
    whole,
)
from planlake.sources.catalogue import Cadence, Resource, catalogue_of
from planlake.sources.signing import signer_of
from planlake.telemetry.progress import Notify, ignore

NOT_REACHED = "not reached"
NOT_OF_SAMPLES = {"freshness": "a sample is not published", "deletions": "a sample does not show deletions"}
_Problem = tuple[str, str]  # as it is shown, and as it is kept: without an example, as samples are put aside


@dataclass(frozen=True, slots=True)
class CheckTrial:
    """A check that every run of the table makes: what it found in the sample, or why it was not made."""

    check: str
    column: str
    verdict: str
    message: str


@dataclass(frozen=True, slots=True)
class Trial:
    """What trying a resource found; `problems` are what would hold it back or fail it, empty where all is well.

    `made_on` is the environment the preview was made on just now, empty where it was there before.
    `records` different records were sampled of `total` that the API says it has, `new` of them not held before;
    `held_before` is how many rows the base has. `cadence` is what the configuration says, empty where nothing.
    """

    table: str
    preview: str
    made_on: str
    held_before: int
    total: int
    total_pages: int
    pages: tuple[int, ...]
    records: int
    new: int
    columns: tuple[ColumnTrial, ...]
    keys: IdFigures
    changes: Changes
    cadence: str
    expected: Estimate
    checks: tuple[CheckTrial, ...]
    problems: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """0 where the resource would load well, 1 where something would hold it back or fail it."""
        return int(bool(self.problems))


def try_out(config: Config, table: str, preview: str, *, pages: int = 5, notify: Notify = ignore) -> Trial:
    """Take some pages of a resource through every step in a preview, and say how the whole of it would fare.

    Where the API refuses or does not answer, a preview that was made for it is dropped again.

    Raises ConfigurationError for a name that is none or no preview's, for a missing key or token, and where a run
    loaded the table there already; SourceUnreachable and SourceRefused.
    """
    catalogue = catalogue_of(config)
    resource = catalogue.resource(table)
    if preview in config.environments:
        message, hint = f"{preview} is not a preview; a sample is loaded into a preview only", "--env takes a new name"
        raise ConfigurationError(message, state="Nothing was changed", hint=hint)
    signer_of(config, catalogue.dialect)  # a key that is missing is told before anything is made
    made_on = "" if is_preview(config, preview) else create(config, preview).base
    made = preview if made_on else ""
    with _dropped_again(config, made), clear_errors(), open_for_writing(config, preview, notify) as context:
        finish_interrupted(context)
        history = _entered(context, resource)
        return _tried(context, resource, take_sample(context, resource, history, pages), made_on=made_on)


@contextmanager
def _dropped_again(config: Config, made: str) -> Iterator[None]:
    """Drop the preview that was just made where the API gives nothing to keep in it."""
    try:
        yield
    except SourceError as error:
        if made:
            try:
                remove(config, made, confirm=lambda _: True)
            except PlanlakeError:
                error.state = f"The preview {made} was made and is empty; `planlake env drop {made}` deletes it"
        raise


def _entered(context: Context, resource: Resource) -> History:
    """Give the preview tables of its own, without an earlier sample; what the ledger says of the resource."""
    name, lake = resource.name, context.lake
    histories = read_histories(lake, context.connection)
    if not drop_samples(context, histories, [name]) and name in lake.own and changed_files(lake, name):
        message, hint = f"{name} was run in this preview already", f"planlake env diff {lake.preview} {name}"
        raise ConfigurationError(message, facts={"preview": lake.preview}, state="Nothing was changed", hint=hint)
    add_own_tables(lake, [name], run=context.run)
    return read_histories(lake, context.connection).get(name, History())


def _tried(context: Context, resource: Resource, sample: Sample, *, made_on: str) -> Trial:
    results, noted = _carried_through(context, resource)
    texts = texts_of_sample(context, resource, sample)
    records, settings = len(texts.rows), context.config.settings
    total = sample.totals.results if sample.totals else 0
    factor = max(1.0, total / max(1, records))
    columns = column_trials(context.connection, resource, texts, settings=settings, factor=factor)
    keys = key_trial(resource, sample, columns, settings, factor=factor)
    usual = suggested_cadence(resource)
    problems = [*_troubles(sample, columns, keys), *_held_by(results, columns)]
    trial = Trial(
        table=resource.name,
        preview=context.lake.preview,
        made_on=made_on,
        held_before=_held(context.lake.stands_on, resource),
        total=total,
        total_pages=sample.totals.pages if sample.totals else 0,
        pages=tuple(page.number or 0 for page in sample.good),
        records=records,
        new=sample.stored,
        columns=tuple(columns),
        keys=keys,
        changes=change_trial(context, resource, sample=sample, texts=texts, usual=usual),
        cadence=_configured(context.config, resource.name),
        expected=whole(sample, settings.concurrency),
        checks=tuple(_checks(context, resource, results, has_new=sample.stored > 0)),
        problems=tuple(problem for problem, _ in problems),
    )
    _keep(context, trial, [one for one in results if one not in noted], "; ".join(told for _, told in problems))
    return trial


def _carried_through(context: Context, resource: Resource) -> tuple[list[CheckResult], list[CheckResult]]:
    """Refine and snapshot as in a run; what was checked on the way, and of it what the gates noted already."""
    refined = refine(context, resource)
    results = list(refined.checks)
    if not blocking(results):
        results += snapshot(context, resource).checks
    noted = troubles(results)
    if refined.rows and not blocking(results):
        results += expectations(context, resource, refined)
    return results, noted


def _troubles(sample: Sample, columns: Sequence[ColumnTrial], keys: IdFigures) -> Iterator[_Problem]:
    """What did not come, and what would hold the whole resource back."""
    for page in sample.failed:
        yield _plain(f"page {page.number} of {page.window} did not come: {page.answer.error}")
    for one in columns:
        if one.verdict == "would hold":
            said = f"{one.column}: {one.bad} of {one.filled} values are not {one.declared}"
            yield f"{said}{for_example(one.quoted)}", said
    if keys.would_hold:
        yield _plain(f"{keys.unusable} of {keys.records} records have no usable {keys.column}")


def _plain(problem: str) -> _Problem:
    return problem, problem


def _held_by(results: Sequence[CheckResult], columns: Sequence[ColumnTrial]) -> Iterator[_Problem]:
    """The checks that hold the preview's tables back, but those of columns that are named already."""
    named = {one.column for one in columns if one.verdict == "would hold"}
    for one in blocking(results):
        if one.check != "casts" or one.column not in named:
            yield one.message, one.message_without_example


def _held(lake: Lake, resource: Resource) -> int:
    table = lake.find("refined", f"current_{resource.name}")
    return row_count(table) if table is not None else 0


def _configured(config: Config, name: str) -> str:
    cadences: dict[Cadence, tuple[str, ...]] = {"daily": config.tables.daily, "weekly": config.tables.weekly}
    return next((cadence for cadence, tables in cadences.items() if name in tables), "")


def _checks(
    context: Context, resource: Resource, results: Sequence[CheckResult], *, has_new: bool
) -> Iterator[CheckTrial]:
    """What was checked, and after it what every run checks and this one could not."""
    nothing = "" if has_new else "nothing in the sample is new"
    made = {(one.check, one.column) for one in results}
    names = {check for check, _ in made}
    for one in results:
        yield CheckTrial(one.check, one.column, one.verdict, one.message)
    for check in OF_EVERY_TABLE:
        if check not in names:
            yield CheckTrial(check, "", NOT_REACHED, NOT_OF_SAMPLES.get(check, nothing))
    increment = context.lake.find("refined", f"increment_{resource.name}")
    columns = keys_of(increment.schema() if increment is not None else None, resource)
    for key in resource.accepted:
        column = columns.get(key, key)
        if ("accepted values", column) not in made:
            yield CheckTrial("accepted values", column, NOT_REACHED, nothing)
    for key, target in resource.relations.items():
        column = columns.get(key, key)
        if ("relations", column) not in made:
            is_loaded = context.lake.shown("refined", f"current_{target}") is not None
            yield CheckTrial("relations", column, NOT_REACHED, nothing if is_loaded else f"{target} is not loaded")
    for own in context.config.checks:
        if own.table == resource.name and own.name not in names:
            yield CheckTrial(own.name, "", NOT_REACHED, own.rows)


def _keep(context: Context, trial: Trial, results: Sequence[CheckResult], message: str) -> None:
    """Note what was tried in the preview's own history of runs and checks."""
    common = {"run": context.run, "resource": trial.table, "checked_at": naive_utc(context.clock.now())}
    append_operations(context.lake, "checks", [as_row(one, common) for one in results])
    record_command(context, "tried", message, [trial.table])
