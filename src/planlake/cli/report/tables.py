"""`planlake tables`: databases, tables, columns with types, freshness."""

from typing import Annotated, Any

import typer

from planlake.cli.completing import resource_names
from planlake.cli.options import AsJson, ConfigFile, EnvironmentName
from planlake.cli.report.meanings import show_described, show_found


def tables(
    tables: Annotated[
        list[str] | None,
        typer.Argument(help="Show the columns of these tables, and what they mean.", autocompletion=resource_names),
    ] = None,
    known: Annotated[bool, typer.Option("--known", help="List every resource of the catalogue instead.")] = False,
    search: Annotated[
        str | None,
        typer.Option("--search", help="Find tables and columns by their names and meanings, loaded or not."),
    ] = None,
    env: EnvironmentName = None,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """List databases and tables, the columns of some tables, or what has a word in its name or meaning."""
    from planlake.cli.loading import configuration
    from planlake.cli.screen import print_json, print_table
    from planlake.errors import ConfigurationError

    if sum((bool(tables), known, search is not None)) > 1:
        message = "tables, --known and --search exclude each other"
        raise ConfigurationError(message, hint="planlake tables --search WORD")
    loaded = configuration(config)
    if known:
        rows = _resources(loaded)
        if json:
            print_json([dict(zip(RESOURCE_COLUMNS, row, strict=True)) for row in rows])
        else:
            print_table("Resources of the catalogue", RESOURCE_COLUMNS, rows, numbers=("columns", "relations"))
        return
    from planlake.report.query import open_views

    with open_views(loaded, environment=env) as views:
        if tables:
            show_described(views, loaded, tables, json=json)
        elif search is not None:
            show_found(views, loaded, search, json=json)
        else:
            _show_tables(views, json=json)


def _show_tables(views: Any, *, json: bool) -> None:  # noqa: ANN401 - Views, not imported at start-up
    from planlake.cli.screen import as_date, print_json, print_table

    rows = _tables(views)
    if json:
        print_json([dict(zip(TABLE_COLUMNS, row, strict=True)) for row in rows])
    else:
        rows = [(*row[:-1], as_date(row[-1])) for row in rows]
        print_table("", TABLE_COLUMNS, rows, numbers=("rows", "columns"), spare=("columns", "kind"))


TABLE_COLUMNS = ("table", "database", "kind", "rows", "columns", "published")
RESOURCE_COLUMNS = ("resource", "cadence", "columns", "relations", "configured")


def _tables(views: Any) -> list[tuple[str, str, str, int | None, int | None, str | None]]:  # noqa: ANN401 - as above
    from planlake.lake.state.operations import published_dates
    from planlake.lake.tables.data_files import row_count
    from planlake.lake.views.views import known_names

    published = published_dates(views.lake, views.connection)
    lakes = [lake for lake in (views.lake, views.lake.base) if lake is not None]
    zones = {lake.database(zone): zone for lake in lakes for zone in ("raw", "refined", "trusted", "operations")}
    rows: list[tuple[str, str, str, int | None, int | None, str | None]] = []
    for database, names in known_names(views.lake, views.resources, views.models).items():
        for name in names:
            found = views.lake.shown(zones[database], name)
            size = (row_count(found), len(found.schema().fields)) if found else (None, None)
            date = published.get(name) if zones[database] == "refined" else None
            rows.append((name, database, "table" if found else "view", *size, date))
    return rows


def _resources(configuration: Any) -> list[tuple[object, ...]]:  # noqa: ANN401 - Config
    from planlake.sources.catalogue import catalogue_of

    configured = dict.fromkeys(configuration.tables.daily, "daily") | dict.fromkeys(
        configuration.tables.weekly, "weekly"
    )
    return [
        (name, one.cadence, len(one.columns), len(one.relations), configured.get(name, ""))
        for name, one in catalogue_of(configuration).resources.items()
    ]
