"""`planlake forget`: a person's record out of every table and every version of it."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from planlake.cli.completing import table_names
from planlake.cli.options import AsJson, ConfigFile, DryRun, EnvironmentName, Yes

if TYPE_CHECKING:
    from planlake.changes.forget import Affected, Confirm
    from planlake.config import Config

RETURNS = """\
while the API still has this record, a full reading, a change to it or reconcile --repair brings it back: erase it \
in the planning system first
exports, backups and reports made before are not touched"""
OF_TRUSTED = """\
trusted tables that ever read it go whole, with their past days, and are built again of what is left: export a return \
that was sent first"""


def forget(
    resource: Annotated[str, typer.Argument(help="The resource, such as contacts.", autocompletion=table_names)],
    id: Annotated[str, typer.Argument(help="The id; of a record without one # and its hash.")],  # noqa: A002
    dry_run: DryRun = False,
    yes: Yes = False,
    env: EnvironmentName = None,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Erase one record everywhere: raw, refined, findings, all days; nothing takes it back."""
    from planlake.cli.confirming import act_or_show
    from planlake.cli.loading import configuration
    from planlake.cli.screen import progress_bars, remark

    loaded = configuration(config)
    from planlake.changes.forget import forget as erase
    from planlake.lake.open_lake import environment_of

    def act(confirm: "Confirm") -> "Sequence[Affected]":
        with progress_bars() as notify:
            return erase(loaded, resource, id, confirm=confirm, environment=env, notify=notify)

    show = None if json else _show
    base = environment_of(loaded, env)
    found, answers = act_or_show(act, loaded, base, says_yes=yes, is_dry_run=dry_run, show=show)
    is_gone = any(answers) or (not found and not answers and not dry_run)
    remark("it is no longer in the lake" if is_gone else "Nothing was changed")
    remark(RETURNS)
    named = _columns_that_name(loaded, resource)
    if named:
        remark(f"these columns of other tables may still hold its id: {', '.join(named)}")


def _show(found: "Sequence[Affected]") -> None:
    from planlake.cli.screen import print_table, remark
    from planlake.lake.lake import ZONES

    names = ("database", "table", "versions", "files", "rows to remove", "rows to edit")
    rows = [tuple(asdict(one).values()) for one in found]
    if rows:
        print_table("", names, rows, numbers=names[2:])
    else:
        remark("no table holds it any more; the leftovers of an earlier attempt are deleted")
    if any(one.database.endswith(ZONES["trusted"]) for one in found):
        remark(OF_TRUSTED)


def _columns_that_name(config: "Config", resource: str) -> list[str]:
    """Columns of other resources that hold ids of this one, as far as is known."""
    from planlake.sources.catalogue import catalogue_of

    others = catalogue_of(config).resources.values()
    known = [(one.name, {**one.relations_guessed, **one.relations}) for one in others]
    return [f"{name}.{column}" for name, targets in known for column, target in targets.items() if target == resource]
