"""`planlake check`: what the checks of each table found, now or over its last runs."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from planlake.cli.options import AsJson, ConfigFile, EnvironmentName, TableNames

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planlake.report.check_history import CheckHistory

SIGNS = {"ok": "= ok", "warning": "! warning", "held": "x held"}
LEVELS = " .:-=+*#"  # drawn without colour and in any font: from nothing to the highest figure


def check(
    tables: TableNames = None,
    history: Annotated[bool, typer.Option("--history", help="Draw how each figure went over the last runs.")] = False,
    shows_all: Annotated[
        bool, typer.Option("--all", help="Show the checks that are ok, too; the default where tables are named.")
    ] = False,
    env: EnvironmentName = None,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Show what the newest checks of each table found, with their figures; exit 1 where a table is held back."""
    from planlake.cli.loading import configuration
    from planlake.cli.screen import print_json, print_table, remark, waiting

    loaded = configuration(config)
    from planlake.report.check_history import check_histories

    with waiting("check: the lake is read"):
        found = check_histories(loaded, tables or [], env)
    is_held = any(one.verdict == "held" for one in found)
    if json:
        print_json([asdict(one) for one in found])
        raise typer.Exit(int(is_held))
    if not found:
        remark("no checks are kept yet\nhint: planlake run")
        return
    if history:
        drawn = [(one.table, one.check, one.column, SIGNS[one.verdict], _drawn(one)) for one in found]
        print_table("", ("table", "check", "column", "now", "last runs"), drawn)
        remark(f"each character is a run, oldest first, from '{LEVELS[1]}' low to '{LEVELS[-1]}' high; x was held back")
    else:
        _show(found, shows_all=shows_all or bool(tables))
    raise typer.Exit(int(is_held))


def _show(found: "Sequence[CheckHistory]", *, shows_all: bool) -> None:
    """The checks with their figures; those that are ok are only counted, unless all are wanted."""
    from planlake.cli.screen import counted, print_table, remark

    wanted = [one for one in found if shows_all or one.verdict != "ok"]
    shown = sorted(wanted, key=lambda one: [*SIGNS][::-1].index(one.verdict))  # the worst first
    rows = [
        (one.table, one.check, one.column, SIGNS[one.verdict], f"{one.figure:.4g}", f"{one.limit:.4g}", one.message)
        for one in shown
    ]
    names = ("table", "check", "column", "verdict", "figure", "limit", "message")
    if rows:
        print_table("", names, rows, numbers=("figure", "limit"))
    if len(found) > len(shown):
        more = ("more check is", "more checks are") if rows else ("check is", "checks are")
        remark(f"{counted(len(found) - len(shown), *more)} ok\nhint: planlake check --all shows them", is_data=True)


def _drawn(one: "CheckHistory") -> str:
    """The figures as signs, the highest of them the fullest."""
    highest = max((*one.figures, one.limit)) or 1.0
    levels = len(LEVELS) - 1
    return "".join(
        "x" if verdict == "held" else LEVELS[max(1, min(levels, round(figure / highest * levels)))]
        for figure, verdict in zip(one.figures, one.verdicts, strict=True)
    )
