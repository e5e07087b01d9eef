"""`planlake recover`: restores a lost, damaged or outdated catalogue from the metadata files in the warehouse."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from planlake.cli.options import AsJson, ConfigFile, EnvironmentName

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planlake.lake.repair.register_tables import Recovered


APART = """\
Nothing was changed: one history can be restored whole, a later planlake maintain deletes the other
hint: planlake recover --history older restores what was loaded before the catalogue was lost; runs read the rest
hint: planlake recover --history newer goes on with what was loaded since"""


def recover(
    here: Annotated[
        bool,
        typer.Option(
            "--here",
            help="The lake was moved or copied: rewrite its paths to where it is now; the original stays as it is.",
        ),
    ] = False,
    history: Annotated[
        str | None,
        typer.Option("--history", help="Which one to keep where the warehouse holds two histories: older or newer."),
    ] = None,
    env: EnvironmentName = None,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Make the catalogue know the newest of every table again, from the metadata files in the warehouse."""
    from planlake.cli.loading import configuration
    from planlake.cli.screen import print_json, print_table, remark, waiting
    from planlake.cli.selecting import history_of

    chosen, loaded = history_of(history), configuration(config)
    from planlake.changes.recover import recover as recover_tables

    with waiting("recover: files of the lake are looked for"):
        found, aside = recover_tables(loaded, environment=env, is_moved=here, history=chosen)
    if json:
        print_json({"aside": aside, "tables": [asdict(one) for one in found]})
    elif found:
        rows = [(one.database, one.table, one.rows, one.said) for one in found]
        print_table("", ("database", "table", "rows", "what was done"), rows, numbers=("rows",))
    if aside is not None:
        remark(f"the damaged catalogue is kept as {aside}")
    remark(_summed_up(found))
    for hint in _next_steps(found):
        remark(hint)
    if any(one.is_trouble for one in found):
        raise typer.Exit(1)


def _next_steps(found: "Sequence[Recovered]") -> list[str]:
    """What is to be done where not everything is as it was: first what is lost, then what runs bring again."""
    from planlake.lake.repair.register_tables import LOST
    from planlake.lake.tables.unreadable import BOOKMARKED, repair_command_of

    if any(one.is_apart for one in found):
        return [APART]
    lost = [one for one in found if one.done == LOST]
    damaged = [one for one in found if one.lacks_files and one.table.startswith(BOOKMARKED)]
    hints = [*map(_of_lost, lost), *(repair_command_of(one.database, one.table) for one in damaged)]
    behind = [one for one in found if one.is_trouble and not one.database.startswith("preview-")]
    if not lost and any(one not in damaged for one in behind):
        hints.append("planlake run loads again what the API still has")
    return [f"hint: {one}" for one in dict.fromkeys(hints)]


def _of_lost(one: "Recovered") -> str:
    from planlake.lake.tables.unreadable import BOOKMARKED, repair_command_of

    if one.database.startswith("preview-") or one.table.startswith(BOOKMARKED):
        return repair_command_of(one.database, one.table)
    return f"restore the metadata folder of {one.database}.{one.table} from a backup, then planlake recover"


def _summed_up(found: "Sequence[Recovered]") -> str:
    """How many tables something was done to."""
    if not found:
        return "nothing to do: the catalogue knows the newest version of every table"
    counts: dict[str, int] = {}
    for one in found:
        counts[one.done] = counts.get(one.done, 0) + 1
    return "tables: " + ", ".join(f"{number} {done}" for done, number in counts.items())
