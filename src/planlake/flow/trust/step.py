"""Builds trusted tables: each model is carried out, checked and committed whole, after those that it reads.

Nothing is committed of a model that fails; what stands on it is left alone. All of them see one moment of the lake: it
is held for writing, and they are built after the snapshots of the run.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from time import monotonic
from typing import Final

import pyarrow as pa
from pyiceberg.manifest import DataFile
from pyiceberg.schema import Schema
from pyiceberg.table import Table

from planlake.checks.quality import CheckResult, as_row, reasons
from planlake.clock import naive_utc
from planlake.engines.duckdb.locked import Locked
from planlake.engines.duckdb.reading import rows_sql
from planlake.errors import PlanlakeError, QualityError
from planlake.flow.context import Context
from planlake.flow.trust.gate import Before, model_checks
from planlake.flow.trust.inputs import inputs_of, sources_of, stored_as, stored_in, texts_in, version_read
from planlake.flow.trust.result import TRUSTED, ModelResult, left_behind
from planlake.flow.trust.room import answer_of, made_rows, models_of, opened_room, pieces_of, related, tables_left
from planlake.flow.trust.rows import columns_not_given, schema_for, shaped
from planlake.lake.forgetting.trusted_tables import drop_trusted_table
from planlake.lake.state.operations import append_operations
from planlake.lake.tables.commits import commit
from planlake.lake.tables.data_files import data_files, row_count
from planlake.lake.tables.parquet import Target, target_of, write_rows
from planlake.lake.tables.version_summary import READ, SOURCES, bookmark_properties, day_tag, entry
from planlake.lake.views.models import MAPPING, Model, Models
from planlake.lake.views.views import Views
from planlake.telemetry.reporter import report_step
from planlake.telemetry.steps import StepEnd, StepOutcome

MODELS: Final = "models"
WAITING: Final = "waiting"
FILE_BYTES = 64 * 2**20  # of rows in memory, in one file and one row group of it: no range of ids is read alone


def trust(context: Context) -> tuple[ModelResult, ...]:
    """Build every model of which something that it reads has changed, or its own text; in their order."""
    context.followed.add(MODELS)
    models = models_of(context.config, context.connection, context.catalogue.resources)
    results: dict[str, ModelResult] = {}
    for model in models.by_name.values():
        if model.trouble:
            results[model.name] = ModelResult(model.name, "failed", model.trouble, _rows(context, model.name))
            continue
        if model.is_view and not model.has_checks:
            continue
        work = _looked_at if model.is_view else _built
        found = _left(context, models, model, results) or work(context, models, model)
        results[model.name] = replace(found, is_view=model.is_view)
    left = tables_left(context.config, context.lake, models)
    return (*results.values(), *(ModelResult(name, "up to date", left_behind(name)) for name in left))


def follow(context: Context, *, since: float) -> None:
    """Build what stands on tables that a command changed, at its end; a QualityError names what could not be.

    `since` is when it began, in seconds since 1970, by this machine's clock.
    """
    changed = [
        name
        for (zone, name), table in context.lake.loaded.items()
        if zone == "refined" and name.startswith("current_") and table.metadata.last_updated_ms >= since * 1000
    ]
    if not changed or MODELS in context.followed:
        return
    models = models_of(context.config, context.connection, context.catalogue.resources)
    standing = _standing_on(models, {name.removeprefix("current_") for name in changed})
    results = [one for one in trust(context) if not one.is_view]  # of views the next run tells
    broken = [one for one in results if one.is_troubled and one.model in standing]
    if broken:
        said = "; ".join(f"{one.model}: {one.message}" for one in broken)
        state = "All else that the command was to do is done; these trusted tables show their last good version, if any"
        raise QualityError(f"models were not built: {said}", state=state, hint="planlake run --step trust")


def _standing_on(models: Models, resources: Collection[str]) -> set[str]:
    """The models that read one of these resources, themselves or through other models."""
    found: set[str] = set()
    for model in models.by_name.values():  # each after those that it reads
        named = {stored_as(schema, name).partition("_")[2] for schema, name in model.reads if schema == "refined"}
        if named.intersection(resources) or found.intersection(models.reads_of(model)):
            found.add(model.name)
    return found


def _left(context: Context, models: Models, model: Model, results: Mapping[str, ModelResult]) -> ModelResult | None:
    """What is said of a model that cannot be built as something that it reads is not there or not well."""
    below = [results[name] for name in _models_below(models, model) if name in results]
    if waiting := [one.model for one in below if one.outcome == WAITING]:
        return ModelResult(model.name, WAITING, f"it reads {', '.join(waiting)}")
    if missing := _not_loaded(context, models, model):
        return ModelResult(
            model.name, WAITING, f"{', '.join(missing)} {'were' if missing[1:] else 'was'} not loaded yet"
        )
    if broken := [one.model for one in below if one.is_troubled]:
        return ModelResult(model.name, "left alone", f"it reads {', '.join(broken)}", _rows(context, model.name))
    return None


def _not_loaded(context: Context, models: Models, model: Model) -> list[str]:
    """The refined tables that a model reads, itself or by views, cannot do without, and that were never loaded."""
    of = (model, *models.views_below(model))
    own = dict.fromkeys(
        name for one in of for schema, name in one.reads if schema == "refined" and name not in one.optional
    )
    tables = {name: stored_as("refined", name) for name in own}
    return [f"refined.{name}" for name, table in tables.items() if not version_read(context.lake, "refined", table)]


def _models_below(models: Models, model: Model) -> list[str]:
    """The models that a model reads, those that views between them read too."""
    of = (model, *models.views_below(model))
    return list(dict.fromkeys(name for one in of for name in models.reads_of(one)))


def _built(context: Context, models: Models, model: Model) -> ModelResult:
    started, shown = monotonic(), context.lake.shown("trusted", model.name)
    try:
        inputs = inputs_of(context, models, model)
        if shown is not None and entry(shown.current_snapshot(), READ) == inputs:
            return ModelResult(model.name, "up to date", rows=row_count(shown))
        with report_step(
            context.reporter, f"{TRUSTED}{model.name}", "trust", reads=_tables_read(models, model)
        ) as step:
            result = _carried_out(context, models, model, inputs)
            step.end = _end_of(result)
    except PlanlakeError as error:
        result = ModelResult(model.name, "failed", str(error), _rows(context, model.name))
    made = context.lake.find("trusted", model.name) if result.outcome != "built" else None
    if made is not None and made.current_snapshot() is None:  # it was made for a first version
        drop_trusted_table(context.lake, model.name)  # with its file of metadata, of which `recover` would make a table
    return _noted(context, result, started)


def _looked_at(context: Context, models: Models, model: Model) -> ModelResult:
    """A view, checked as it is now."""
    started = monotonic()
    try:
        with opened_room(context.config, context.lake, context.catalogue.resources, models, model) as (room, views):
            made = made_rows(room, model)
            checks = model_checks(
                room.connection, model, rows=made, others=related(views, model), before=Before(0, None)
            )
    except PlanlakeError as error:
        return _noted(context, ModelResult(model.name, "failed", str(error)), started)
    message = reasons(checks)
    return _noted(
        context, ModelResult(model.name, "held" if message else "up to date", message, checks=checks), started
    )


def _noted(context: Context, result: ModelResult, started: float) -> ModelResult:
    """The result with the time it took; its checks are kept."""
    resource = f"{TRUSTED}{result.model}"
    common = {"run": context.run, "resource": resource, "checked_at": naive_utc(context.clock.now())}
    append_operations(context.lake, "checks", [as_row(one, common) for one in result.checks])
    return replace(result, seconds=monotonic() - started)


def _tables_read(models: Models, model: Model) -> list[tuple[str, str]]:
    """Zone and name of the tables that a model reads, itself and by views."""
    reads = [read for one in (model, *models.views_below(model)) for read in one.reads if read[0] != MAPPING]
    of_views = {("trusted", one.name) for one in models.views_below(model)}
    stored = (place for read in reads if read not in of_views for place in stored_in(*read))
    return list(dict.fromkeys(stored))


def _end_of(result: ModelResult) -> StepEnd:
    """How the step of a model ended, as log and lineage tell it."""
    outcome: StepOutcome = "done" if result.outcome == "built" else "held"
    return StepEnd(outcome, result.message, rows=result.rows if outcome == "done" else None, checks=result.checks)


def _rows(context: Context, name: str) -> int | None:
    table = context.lake.shown("trusted", name)
    return row_count(table) if table is not None and table.current_snapshot() is not None else None


def _carried_out(context: Context, models: Models, model: Model, inputs: str) -> ModelResult:
    """The model, carried out: files are written and checked before anything is committed."""
    table = context.lake.find("trusted", model.name)
    with opened_room(context.config, context.lake, context.catalogue.resources, models, model) as (room, views):
        reader = answer_of(room, model)
        held = table.schema() if table is not None else None
        schema = schema_for(model, reader.schema, held, table.metadata.last_column_id if table is not None else 0)
        if table is None:
            table = context.lake.create("trusted", model.name, schema, bookmarked=True, about=model.about)
            schema = table.schema()
        target = target_of(table, schema)
        files: list[DataFile] = []
        try:
            _write(target, shaped(pieces_of(reader), schema, most_bytes=FILE_BYTES), files)
            checks = _audit(room, views, model, files=files, schema=schema, before=_before(context, table, inputs))
        except Exception:
            _delete(table, files)
            raise
    if message := reasons(checks):
        _delete(table, files)
        return ModelResult(model.name, "held", message, _rows(context, model.name), checks=checks)
    today = context.clock.today()
    with context.lake.commits:
        said = {READ: inputs, SOURCES: sources_of(context.lake, models, model)}
        properties = bookmark_properties(context.run, context.run, today) | said
        commit(table, add=files, remove=data_files(table), properties=properties, tag=day_tag(today), schema=schema)
    said_of_columns = columns_not_given(model, schema.column_names)
    return ModelResult(model.name, "built", said_of_columns, row_count(table), checks=checks)


def _write(target: Target, pieces: Iterable[pa.Table], files: list[DataFile]) -> None:
    """Write each piece while the next one is made; all that is written is in `files`, where it fails half way too."""
    with ThreadPoolExecutor(1, thread_name_prefix="write") as pool:
        begun: list[Future[DataFile]] = []
        try:
            for rows in pieces:
                files.extend(one.result() for one in begun)
                begun = [pool.submit(write_rows, target, rows, row_group_bytes=FILE_BYTES)]
        finally:
            files.extend(one.result() for one in begun)


def _delete(table: Table, files: Sequence[DataFile]) -> None:
    """Files of a version that is not committed: they may hold somebody who is to be forgotten."""
    for file in files:
        table.io.delete(file.file_path)


def _before(context: Context, table: Table, inputs: str) -> Before:
    """The version that is shown; a model with another text, its own or of one that it reads, may have fewer rows."""
    is_same = texts_in(entry(table.current_snapshot(), READ)) == texts_in(inputs)
    return Before(row_count(table), context.config.settings.dropped_rows_percent if is_same else None)


def _audit(
    room: Locked, views: Views, model: Model, *, files: Sequence[DataFile], schema: Schema, before: Before
) -> tuple[CheckResult, ...]:
    """What is checked of files that are written and not committed."""
    # DuckDB takes 50 ms to bind 766 columns, at each check: those that no check could mean are left out.
    said, names = str(model.checks).lower(), schema.column_names
    meant = [name for name in names if name.lower() in said] or names[:1]
    rows = rows_sql(files, schema, columns=meant, called=room.files.name_of)
    return model_checks(room.connection, model, rows=rows, others=related(views, model), before=before)
