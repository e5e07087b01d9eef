"""Carries out a model and its checks on the lake as it is, and keeps nothing."""

from dataclasses import dataclass

import pyarrow as pa

from planlake.checks.quality import CheckResult
from planlake.config import Config
from planlake.engines.duckdb.connection import connected
from planlake.engines.duckdb.locked import Locked
from planlake.engines.duckdb.reading import rows_sql
from planlake.errors import ConfigurationError
from planlake.flow.trust.gate import Before, model_checks
from planlake.flow.trust.room import answer_of, made_rows, models_of, opened_room, related
from planlake.flow.trust.rows import columns_not_given, schema_for
from planlake.lake.open_lake import open_to_read
from planlake.lake.views.models import Model
from planlake.sources.catalogue import catalogue_of

SHOWN = 5


@dataclass(frozen=True, slots=True)
class TriedModel:
    """How a model does: how many rows it gives, the first of them, what its checks say, and whether it is a view.

    `note` is what else to know of it.
    """

    name: str
    rows: int
    first: pa.Table
    checks: tuple[CheckResult, ...]
    is_view: bool
    note: str = ""


def try_model(config: Config, name: str, *, environment: str | None = None) -> TriedModel:
    """One model, carried out with its checks; nothing is written. A ConfigurationError says what is wrong with it."""
    resources = catalogue_of(config).resources
    with connected(config.settings.memory_limit_megabytes) as connection:
        models = models_of(config, connection, resources)
    if name not in models.by_name:
        raise ConfigurationError(f'no model is called "{name}"', hint="planlake model list")
    model = models.by_name[name]
    if model.trouble:
        raise ConfigurationError(model.trouble, hint=model.hint)
    lake = open_to_read(config, environment)
    with opened_room(config, lake, resources, models, model) as (room, views):
        made = made_rows(room, model) if model.is_view else _stored_rows(room, model)
        rows = room.connection.sql(f"from {made}")
        count = room.connection.execute(f"select count(*) from {made}").fetchall()[0][0]
        checks = model_checks(room.connection, model, rows=made, others=related(views, model), before=Before(0, None))
        first, note = rows.limit(SHOWN).to_arrow_table(), columns_not_given(model, rows.columns)
        return TriedModel(name, int(count), first, checks, model.is_view, note)


def _stored_rows(room: Locked, model: Model) -> str:
    """The rows of a model as a table of the connection, in the types in which a run would store them; its name."""
    schema = schema_for(model, answer_of(room, model).schema, None, 0)
    room.connection.execute(f"create temporary table made as from {rows_sql([], schema)}")
    room.connection.execute(f"insert into made {model.query}")
    return "made"
