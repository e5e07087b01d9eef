"""`planlake undo`: take back the last rollback, rebuild or promotion."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from planlake.cli.options import AsJson, ConfigFile, DryRun, EnvironmentName, Yes

if TYPE_CHECKING:
    from planlake.lake.state.journal import Entry


def undo(
    dry_run: DryRun = False,
    yes: Yes = False,
    env: EnvironmentName = None,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Take back the last rollback, rebuild or promotion: versions, tags and batches."""
    from planlake.cli.confirming import act_or_show
    from planlake.cli.loading import configuration
    from planlake.cli.screen import counted, remark

    loaded = configuration(config)
    from planlake.changes.rollback import undo as take_back
    from planlake.flow.future_dated_runs import future_runs_now

    found, answers = act_or_show(
        lambda confirm: take_back(loaded, confirm=confirm, environment=env),
        loaded,
        env,
        says_yes=yes,
        is_dry_run=dry_run,
        show=None if json else _show,
        lasts="undo: tables are set to what they were",
    )
    restored = counted(len(found), "table is as it was", "tables are as they were")
    done = any(answers)
    remark(f"{restored} before it" if done else "No table was changed")
    if done and (ahead := future_runs_now(loaded, env)) is not None:
        remark(f"! {ahead.warning}\nhint: {ahead.hint}")


def _show(found: "Sequence[Entry]") -> None:
    from planlake.cli.screen import print_table
    from planlake.lake.state.journal import PROMOTED, described

    batches = "batches voided" if found[0].zone == PROMOTED else "batches restored"
    rows = [(one.resource, described(one), len(one.voided)) for one in found]
    print_table("", ("table", "takes back", batches), rows, numbers=(batches,))
