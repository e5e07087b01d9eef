"""The definitions of all views of a lake, for engines that know its tables alone."""

from collections.abc import Collection
from dataclasses import dataclass

from planlake.config import Config
from planlake.errors import ConfigurationError
from planlake.lake.lake import Lake
from planlake.lake.open_lake import open_to_read
from planlake.lake.views.definitions import ViewDefinition, operations_views, resource_views
from planlake.lake.views.dialects import DIALECTS, DUCKDB, SPARK, Dialect
from planlake.report.query import models_in
from planlake.sources.catalogue import Catalogue, catalogue_of


@dataclass(frozen=True, slots=True)
class StoredView:
    """A view with the database it belongs to, and the statement that makes it in this dialect."""

    database: str
    definition: ViewDefinition
    statement: str


def stored_views(
    config: Config, dialect: str, *, names: Collection[str] = (), environment: str | None = None
) -> list[StoredView]:
    """The views of these resources, or of all with those of operations; each after those that it reads.

    Of a preview: its own tables' from there, all others from its base. A ConfigurationError where a name is not loaded.
    """
    lake, catalogue, chosen = open_to_read(config, environment), catalogue_of(config), DIALECTS[dialect]
    lakes = [one for one in (lake.base, lake) if one is not None]
    holders = {name: one for one in lakes for name in _loaded(one, catalogue)}  # a preview's own hide its base's
    for name in names:
        if name not in holders:
            catalogue.resource(name)
            raise ConfigurationError(f'"{name}" was not loaded yet', hint=f"planlake run {name}")
    wanted = {name: one for name, one in holders.items() if not names or name in names}
    found = []
    for one in lakes:
        resources = [catalogue.resource(name) for name in sorted(wanted) if wanted[name] is one]
        views = [view for resource in resources for view in resource_views(one, resource, chosen)]
        found += [_stored(one, view, chosen) for view in ([*operations_views(one, chosen), *views] if views else [])]
    return found


def views_of_models(config: Config) -> list[str]:
    """The models that are views: SQL of DuckDB's with what Planlake adds to it, which no other engine carries out."""
    models = models_in(config, catalogue_of(config).resources)
    return [name for name, one in models.by_name.items() if one.is_view]


def _loaded(lake: Lake, catalogue: Catalogue) -> list[str]:
    names = [name.removeprefix("increment_") for name in lake.names("refined") if name.startswith("increment_")]
    return [name for name in names if name in catalogue.resources and (lake.base is None or name in lake.own)]


def _stored(lake: Lake, view: ViewDefinition, dialect: Dialect) -> StoredView:
    database = lake.database(view.zone)
    return StoredView(database, view, f"{_beginning(database, view, dialect)} as\n{view.query};\n")


def _beginning(database: str, view: ViewDefinition, dialect: Dialect) -> str:
    """Spark's catalogues of Iceberg keep no views, so there they are temporary and have no database."""
    full_name = dialect.table(database, view.name)
    if dialect is SPARK:
        is_parsed = view.zone == "raw" and not view.name.startswith("api_response_")
        return f"create or replace temporary view {dialect.quoted(f'raw_{view.name}' if is_parsed else view.name)}"
    if dialect is DUCKDB:
        return f"create schema if not exists {dialect.quoted(database)};\ncreate or replace view {full_name}"
    return f"create or replace view {full_name}"
