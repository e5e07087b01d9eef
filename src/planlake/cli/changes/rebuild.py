"""`planlake rebuild` and `planlake reset`: build refined tables again, without asking the API."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, cast

import typer

from planlake.cli.completing import table_names
from planlake.cli.options import AsJson, ConfigFile, EnvironmentName, TableNames, Yes

if TYPE_CHECKING:
    from planlake.changes.rebuild import Origin, Rebuilt, TableToReset
    from planlake.config import Config


def rebuild(
    tables: Annotated[list[str], typer.Argument(help="Tables.", autocompletion=table_names)],
    origin: Annotated[
        str,
        typer.Option(
            "--from", help="raw: parse and cast again; increments: only pick the latest version of each id again."
        ),
    ] = "raw",
    env: EnvironmentName = None,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Build tables again from what was received; `planlake undo` takes it back."""
    from planlake.cli.loading import configuration
    from planlake.cli.selecting import check_origin

    check_origin(origin)
    _carry_out(configuration(config), tables, origin=origin, env=env, as_json=json)


def reset(
    tables: TableNames = None,
    yes: Yes = False,
    env: EnvironmentName = None,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Build all refined tables again from raw; `planlake undo` takes it back."""
    from planlake.cli.confirming import is_protected
    from planlake.cli.loading import configuration

    loaded = configuration(config)
    if yes or not is_protected(loaded, env) or _is_wanted(loaded, tables or [], env=env, as_json=json):
        _carry_out(loaded, tables or [], origin="raw", env=env, as_json=json)


def _is_wanted(config: "Config", tables: list[str], *, env: str | None, as_json: bool) -> bool:
    """Whether somebody who was shown what would be rebuilt agrees; nobody is asked where nothing would."""
    from planlake.changes.rebuild import plan_reset
    from planlake.cli.confirming import asking_first
    from planlake.cli.screen import print_json, remark

    confirm, _ = asking_first(config, env, says_yes=False, show=None if as_json else _show_those)
    found = plan_reset(config, tables, environment=env)
    if not found or confirm(found):
        return True
    if as_json:
        print_json([])
    remark("No table was changed")
    return False


def _show_those(found: "Sequence[TableToReset]") -> None:
    from planlake.cli.screen import print_table

    rows = [(one.table, one.rows) for one in found]
    print_table("to be built again from raw", ("table", "rows"), rows, numbers=("rows",))


def _carry_out(config: "Config", tables: list[str], *, origin: str, env: str | None, as_json: bool) -> None:
    from planlake.changes.rebuild import rebuild as build_again
    from planlake.cli.screen import print_json, progress_bars

    with progress_bars() as notify:
        found = build_again(config, tables, origin=cast("Origin", origin), environment=env, notify=notify)
    if as_json:
        print_json([asdict(one) for one in found])
    else:
        _show(found)
    raise typer.Exit(int(any(one.trouble for one in found)))


def _show(found: "list[Rebuilt]") -> None:
    from planlake.cli.screen import print_table, remark

    names = ("table", "rows before", "rows after", "new", "gone", "changed")
    rows = [
        (
            one.table,
            *("unknown" if it is None else it for it in (one.rows_before, one.rows_after)),
            *("unknown" if it is None else it for it in (one.added, one.removed, one.changed)),
        )
        for one in found
        if not one.trouble
    ]
    if rows:
        print_table("", names, rows, numbers=names[1:])
        remark("hint: planlake undo takes it back")
    for one in found:
        if one.trouble:
            remark(f"{one.table} is as it was: {one.trouble}")
    if not found:
        remark("no table is loaded yet\nhint: planlake run")
