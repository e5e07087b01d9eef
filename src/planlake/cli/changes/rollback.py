"""`planlake rollback`: tables as they were on a day or after a run, data and bookmark together."""

from collections.abc import Sequence
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Annotated, cast

import typer

from planlake.cli.options import AsJson, ConfigFile, DryRun, EnvironmentName, TableNames, Yes
from planlake.clock import dashed

if TYPE_CHECKING:
    from planlake.changes.rollback import Confirm, RollbackPlan, RollbackTarget, Zone


def rollback(
    tables: TableNames = None,
    to: Annotated[
        str,
        typer.Option(
            "--to", help="A day (YYYY-MM-DD), a run's number, or last-good: the version before the one shown."
        ),
    ] = "last-good",
    zone: Annotated[
        str, typer.Option("--zone", help="refined: apply the same records again; all: ask the API for them again.")
    ] = "refined",
    dry_run: DryRun = False,
    yes: Yes = False,
    env: EnvironmentName = None,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Set tables back, data and bookmark together; `planlake undo` takes it back."""
    from planlake.cli.confirming import act_or_show
    from planlake.cli.loading import configuration
    from planlake.cli.screen import counted, remark
    from planlake.cli.selecting import check_zone

    target = _target(to)
    check_zone(zone)
    loaded = configuration(config)
    from planlake.changes.rollback import rollback as set_back

    def act(confirm: "Confirm | None") -> "Sequence[RollbackPlan]":
        return set_back(loaded, tables or [], target, zone=cast("Zone", zone), confirm=confirm, environment=env)

    show = None if json else partial(_show, zone=zone)
    lasts = "rollback: tables are set back"
    found, answers = act_or_show(act, loaded, env, says_yes=yes, is_dry_run=dry_run, show=show, lasts=lasts)
    if not found:
        remark(f"nothing to do: every table is as it was at {to}, or was set back further\nhint: planlake undo")
    elif any(answers):
        what = "asks the API for them again" if zone == "all" else "applies the same records again"
        remark(f"{counted(len(found), 'table is', 'tables are')} set back; the next run {what}")
        remark("hint: planlake undo takes it back")
        if zone != "all":
            names = "".join(f" {table}" for table in tables or [])
            again = f"planlake rollback{names} --to {to} --zone all"
            remark(
                f"if the records themselves were wrong, this after the undo asks the API for them again:\nhint: {again}"
            )
    else:
        remark("No table was changed")


def _target(text: str) -> "RollbackTarget":
    from planlake.errors import ConfigurationError

    if text == "last-good":
        return "last-good"
    if text.isascii() and text.isdigit() and len(text) < 8:
        return int(text)
    try:
        return date.fromisoformat(text)
    except ValueError:
        hint = "--to 2026-11-20, --to 57 (a run) or --to last-good"
        raise ConfigurationError(f'"{text}" is neither a day nor a run', hint=hint) from None


def _day(digits: str) -> str:
    """A day as people write it; anything else as it is."""
    return dashed(digits) if digits.isdigit() else digits


def _show(found: "Sequence[RollbackPlan]", zone: str) -> None:
    from planlake.cli.screen import print_table

    rows = [
        (
            one.resource,
            f"{_day(one.day_from)} ({one.rows_from:,} rows)",
            f"{_day(one.day_to) or 'before its first load'} ({one.rows_to:,} rows)",
            len(one.batches),
            one.versions,
            "kept version" if one.is_kept else "worked out from the versions received",
        )
        for one in found
    ]
    batches = "batches voided" if zone == "all" else "batches to apply again"
    names = ("table", "from", "to", batches, "versions undone", "how")
    print_table("", names, rows, numbers=(batches, "versions undone"), aside=(batches, "versions undone", "how"))
