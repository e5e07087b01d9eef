"""`planlake reconcile`: does the lake hold what the API has, by count or record by record."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from planlake.cli.options import AsJson, ConfigFile, EnvironmentName, TableNames
from planlake.printable import listed

if TYPE_CHECKING:
    from planlake.config import Config
    from planlake.inspection.reconcile import TableDifference

SHOWN_IDS = 8


def reconcile(
    tables: TableNames = None,
    deep: Annotated[bool, typer.Option("--deep", help="Read every page and compare each record.")] = False,
    repair: Annotated[
        bool, typer.Option("--repair", help="Store what differs and compare again; needs --deep.")
    ] = False,
    env: EnvironmentName = None,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Compare tables with the API: counts, or with --deep every id and hash."""
    from planlake.cli.loading import configuration
    from planlake.cli.screen import print_json, progress_bars, remark
    from planlake.errors import ConfigurationError

    if repair and not deep:
        raise ConfigurationError("--repair needs --deep", hint="planlake reconcile --deep --repair")
    loaded = configuration(config)
    from planlake.runs.reconcile import reconcile as compare

    names = tuple(tables or (*loaded.tables.daily, *loaded.tables.weekly))
    with progress_bars() as notify:
        found = compare(loaded, names, is_deep=deep, environment=env, notify=notify)
    if json:
        print_json([asdict(one) for one in found])
    else:
        _show(found)
    different, exit_code = [one for one in found if not one.is_equal], 0
    if repair and any(one.can_be_repaired for one in different):
        exit_code, different = _repaired(loaded, different, env, is_shown=not json)
    if different:
        remark(f"{len(different)} of {len(found)} tables differ from the API")
        remark(f"hint: {_next_command(different, is_repaired=repair)}")
    raise typer.Exit(exit_code or (1 if different else 0))


def _repaired(
    loaded: "Config", different: "list[TableDifference]", environment: str | None, *, is_shown: bool
) -> "tuple[int, list[TableDifference]]":
    """Read the tables in full that differ, and compare them again: the run's exit status, and what still differs."""
    from planlake.cli.runs.run import show
    from planlake.cli.screen import progress_bars
    from planlake.runs.plan import Selection
    from planlake.runs.reconcile import reconcile as compare
    from planlake.runs.run import run

    tables = tuple(one.table for one in different if one.can_be_repaired)
    with progress_bars() as notify:
        result = run(loaded, Selection(tables, is_full=True), environment=environment, notify=notify)
    if is_shown:
        show(result)
    with progress_bars() as notify:
        again = compare(loaded, tables, is_deep=True, environment=environment, notify=notify)
    if is_shown:
        _show(again)
    others = [one for one in different if not one.can_be_repaired]
    return result.exit_code, [*others, *(one for one in again if not one.is_equal)]


def _next_command(different: "list[TableDifference]", *, is_repaired: bool) -> str:
    """What to do about tables that differ; records that cannot become rows are the API's keeper's to mend."""
    if any(one.can_be_repaired for one in different):
        return "planlake status" if is_repaired else "planlake reconcile --deep --repair"
    from planlake.cli.runs.run import REJECTED

    return f'planlake sql "{REJECTED.format(different[0].table)}"'


def _show(found: "list[TableDifference]") -> None:
    from planlake.cli.screen import print_table

    columns = ("table", "API", "held", "missing", "extra", "changed", "verdict")
    rows = [
        (
            one.table,
            one.total,
            one.held,
            len(one.missing) if one.is_swept else None,
            len(one.extra) if one.is_swept else None,
            len(one.changed) if one.is_swept else None,
            _verdict(one),
        )
        for one in found
    ]
    print_table("", columns, rows, numbers=columns[1:6])


def _verdict(one: "TableDifference") -> str:
    if one.error:
        return f"! not known: {one.error}"
    if one.is_equal:
        return "= equal"
    if not one.is_swept:
        return f"x {abs(one.total - one.held)} {'missing' if one.total > one.held else 'too many'}"
    parts = (("missing", one.missing), ("extra", one.extra), ("changed", one.changed))
    said = [f"{kind} {listed(ids, SHOWN_IDS)}" for kind, ids in parts if ids]
    return "x " + "; ".join([*said, *([f"{one.refused} without a usable id"] if one.refused else [])])
