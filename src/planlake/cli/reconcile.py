"""`planlake reconcile`: does the lake hold what the API has, by count or record by record."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from planlake.cli.options import AsJson, ConfigFile, EnvironmentName, TableNames

if TYPE_CHECKING:
    from planlake.flow.reconcile import Difference

SHOWN_IDS = 8


def reconcile(
    tables: TableNames = None,
    deep: Annotated[bool, typer.Option("--deep", help="Read every page and compare each record.")] = False,
    repair: Annotated[bool, typer.Option("--repair", help="Land what differs as a batch, with --deep.")] = False,
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
    from planlake.flow.plan import Selection
    from planlake.flow.run import reconcile as compare
    from planlake.flow.run import run

    names = tuple(tables or (*loaded.tables.daily, *loaded.tables.weekly))
    with progress_bars() as notify:
        found = compare(loaded, names, is_deep=deep, environment=env, notify=notify)
    if json:
        print_json([asdict(one) for one in found])
    else:
        _show(found)
    different = [one for one in found if not one.is_equal]
    if different and repair:
        from planlake.cli.run import show

        selection = Selection(tuple(one.table for one in different), is_full=True)
        with progress_bars() as notify:
            result = run(loaded, selection, environment=env, notify=notify)
        if not json:
            show(result)
        raise typer.Exit(result.exit_code)
    if different:
        remark(f"{len(different)} of {len(found)} tables differ from the API")
        remark("hint: planlake reconcile --deep --repair")
    raise typer.Exit(1 if different else 0)


def _show(found: "list[Difference]") -> None:
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


def _verdict(one: "Difference") -> str:
    if one.error:
        return f"! not known: {one.error}"
    if one.is_equal:
        return "= equal"
    if not one.is_swept:
        return f"x {abs(one.total - one.held)} {'missing' if one.total > one.held else 'too many'}"
    parts = (("missing", one.missing), ("extra", one.extra), ("changed", one.changed))
    return "x " + "; ".join(f"{kind} {_ids(ids)}" for kind, ids in parts if ids)


def _ids(ids: tuple[str, ...]) -> str:
    return ", ".join(ids[:SHOWN_IDS]) + (f" and {len(ids) - SHOWN_IDS} more" if len(ids) > SHOWN_IDS else "")
