"""`planlake tables`: databases, tables, columns with types, freshness."""

from typing import Annotated, Any

import typer

from planlake.cli.options import AsJson, ConfigFile, EnvironmentName


def tables(
    table: Annotated[str | None, typer.Argument(help="Show the columns of this table.")] = None,
    known: Annotated[bool, typer.Option("--known", help="List every resource of the catalogue instead.")] = False,
    env: EnvironmentName = None,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """List databases and tables, or the columns of one table."""
    from planlake.cli.loading import configuration
    from planlake.cli.screen import print_json, print_table

    loaded = configuration(config)
    shown: tuple[str, tuple[str, ...], list[tuple[object, ...]]]
    if known:
        shown = ("Resources of the catalogue", RESOURCE_COLUMNS, _resources(loaded))
    else:
        from planlake.report.query import open_views

        with open_views(loaded, environment=env) as views:
            if table is None:
                shown = ("", TABLE_COLUMNS, _tables(views))
            else:
                shown = (table, ("column", "type"), _columns(views, table))
    title, columns, rows = shown
    if json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        print_table(title, columns, rows, numbers=("rows", "columns", "relations"))


TABLE_COLUMNS = ("database", "table", "kind", "rows", "columns", "published")
RESOURCE_COLUMNS = ("resource", "cadence", "columns", "relations", "configured")


def _tables(views: Any) -> list[tuple[object, ...]]:  # noqa: ANN401 - Views, not imported at start-up
    from planlake.lake.state.operations import published_dates
    from planlake.lake.tables.data_files import row_count
    from planlake.lake.views.views import known_names

    published = published_dates(views.lake, views.connection)
    lakes = [lake for lake in (views.lake, views.lake.base) if lake is not None]
    zones = {lake.database(zone): zone for lake in lakes for zone in ("raw", "refined", "trusted", "operations")}
    rows: list[tuple[object, ...]] = []
    for database, names in known_names(views.lake, views.resources).items():
        for name in names:
            found = views.lake.shown(zones[database], name)
            size = (row_count(found), len(found.schema().fields)) if found else (None, None)
            date = published.get(name) if zones[database] == "refined" else None
            rows.append((database, name, "table" if found else "view", *size, date))
    return rows


def _columns(views: Any, table: str) -> list[tuple[object, ...]]:  # noqa: ANN401
    from planlake.lake.views.query import columns_of

    database, _, name = table.rpartition(".")
    return [(column, kind.lower()) for column, kind in columns_of(views, database, name).items()]


def _resources(configuration: Any) -> list[tuple[object, ...]]:  # noqa: ANN401 - Config
    from planlake.sources.catalogue import catalogue_of

    configured = dict.fromkeys(configuration.tables.daily, "daily") | dict.fromkeys(
        configuration.tables.weekly, "weekly"
    )
    return [
        (name, one.cadence, len(one.columns), len(one.relations), configured.get(name, ""))
        for name, one in catalogue_of(configuration).resources.items()
    ]
