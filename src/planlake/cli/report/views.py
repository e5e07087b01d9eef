"""`planlake views`: the definitions of views, for engines that know the tables alone."""

from typing import Annotated

import typer

from planlake.cli.options import AsJson, ConfigFile, EnvironmentName

NAMES = ("athena", "spark", "duckdb")


def views(
    tables: Annotated[list[str] | None, typer.Argument(help="Only these resources; all by default.")] = None,
    dialect: Annotated[str, typer.Option("--dialect", help="athena, spark or duckdb.")] = "athena",
    env: EnvironmentName = None,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Print the views of a lake as SQL, for other engines that read its tables."""
    from planlake.cli.loading import configuration
    from planlake.cli.screen import echo, print_json, remark
    from planlake.cli.selecting import check_dialect
    from planlake.printable import listed, printable

    check_dialect(dialect, NAMES)
    loaded = configuration(config)
    from planlake.report.stored_views import stored_views, views_of_models

    found = stored_views(loaded, dialect, names=tables or (), environment=env)
    if json:
        told = [
            {
                "database": one.database,
                "name": one.definition.name,
                "about": one.definition.about,
                "columns": one.definition.columns,
                "statement": one.statement,
            }
            for one in found
        ]
        print_json(told)
        return
    for one in found:
        echo(f"-- {printable(one.definition.about)}")
        echo("\n".join(map(printable, one.statement.rstrip("\n").split("\n"))))
    remark(f"{len(found)} views" if found else "nothing was loaded yet\nhint: planlake run")
    if left_out := [] if tables else views_of_models(loaded):
        said = "they are SQL of DuckDB, which Planlake alone carries out; kind: table stores their rows"
        remark(f"not among them are models of kind: view ({listed(left_out, 5)}): {said}")
