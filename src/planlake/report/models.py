"""What is told of models: what each reads and who reads it."""

from collections.abc import Iterator
from dataclasses import dataclass

from planlake.config import Config
from planlake.engines.duckdb.connection import Connection
from planlake.flow.trust.result import TRUSTED, left_behind
from planlake.flow.trust.room import tables_left
from planlake.lake.lake import Lake
from planlake.lake.open_lake import open_to_read
from planlake.lake.tables.data_files import row_count
from planlake.lake.tables.version_summary import RUN_DATE, entry
from planlake.lake.views.model_settings import settings_of_no_query
from planlake.lake.views.models import Model, Models, standing_on
from planlake.report.query import models_in
from planlake.report.troubles import Trouble
from planlake.sources.catalogue import catalogue_of


@dataclass(frozen=True, slots=True)
class ListedModel:
    """A model: its kind, what it reads and which models read it, rows and London day of the version that is shown.

    `trouble` says why its file cannot be read.
    """

    name: str
    kind: str
    reads: tuple[str, ...]
    read_by: tuple[str, ...]
    rows: int | None
    built_on: str
    about: str
    file: str
    trouble: str = ""


def listed_models(config: Config, environment: str | None = None) -> list[ListedModel]:
    """Every model of the configuration's folder, each after those it reads."""
    lake = open_to_read(config, environment)
    return list(_listed(lake, models_in(config, catalogue_of(config).resources)))


def _listed(lake: Lake, models: Models) -> Iterator[ListedModel]:
    for model in models.by_name.values():
        table = None if model.is_view else lake.shown("trusted", model.name)
        version = table.current_snapshot() if table is not None else None
        yield ListedModel(
            model.name,
            "view" if model.is_view else "table",
            tuple(f"{schema}.{name}" for schema, name in model.reads),
            tuple(standing_on(models, model.name)),
            row_count(table) if table is not None and version is not None else None,
            entry(version, RUN_DATE),
            model.about,
            model.file.name,
            model.trouble,
        )


def troubles_of_models(config: Config, connection: Connection, runs: str) -> Iterator[Trouble]:
    """The models that were not built when they last had to be, each with why; of those whose files are still there.

    `runs` are the rows of `runs` as a SQL table.
    """
    query = f"""select resource, arg_max(outcome, run), arg_max(message, run), max(run) from {runs}
                where starts_with(resource, '{TRUSTED}') group by resource order by resource"""
    models = models_in(config, catalogue_of(config).resources)
    there = models.by_name
    for resource, outcome, message, run in connection.execute(query).fetchall():
        name = resource.removeprefix(TRUSTED)
        if name in there and _is_well_again(there[name]):
            continue
        if name in there and outcome in ("held", "failed", "left alone"):
            said = f"not built by run {run}, {outcome}: {message}; people see the last good version, if there is one"
            if there[name].is_view:
                said = f"not well in run {run}, {outcome}: {message}; people see it as it is"
            yield Trouble("model", f"{resource}: {said}", f"planlake model test {name}")
    yield from _unasked_settings(models)


def _unasked_settings(models: Models) -> Iterator[Trouble]:
    """Settings of models that do nothing; where a model cannot be read, nobody knows what it asks for."""
    texts = [one.text for one in models.by_name.values() if one.query]
    if models.by_name.keys() and len(texts) == len(models.by_name):
        for name, hint in settings_of_no_query(texts, models.settings):
            yield Trouble("model", f"no model asks for the setting {name} of models.settings, so it does nothing", hint)


def _is_well_again(model: Model) -> bool:
    """Whether it can be read now and no run looks at it: a view without checks fails by its text alone."""
    return model.is_view and not model.has_checks and not model.trouble


def notes_of_models(config: Config, lake: Lake) -> list[str]:
    """What is said of trusted tables whose models are gone."""
    models = models_in(config, catalogue_of(config).resources)
    return [left_behind(name) for name in tables_left(config, lake, models)]
