"""`planlake plan`: the list of steps a run would carry out now; nothing is done."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from planlake.cli.options import AsJson, CadenceName, ConfigFile, EnvironmentName, InFull, StepOption, TableNames

if TYPE_CHECKING:
    from planlake.flow.windows import Window


def plan(
    tables: TableNames = None,
    cadence: CadenceName = None,
    step: StepOption = None,
    full: InFull = False,
    env: EnvironmentName = None,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Show what `planlake run` would do now, and why; nothing is done."""
    from planlake.cli.loading import configuration
    from planlake.cli.screen import print_json, print_table, remark
    from planlake.cli.selecting import selection

    wanted = selection(tables, cadence=cadence, step=step, is_full=full)
    loaded = configuration(config)
    from planlake.flow.run import planned

    steps = planned(loaded, wanted, environment=env)
    if json:
        print_json([asdict(one) for one in steps])
        return
    rows = [(one.table, one.step, _windows(one.windows) if one.step == "ingest" else "", one.why) for one in steps]
    print_table("", ("table", "step", "windows", "why"), rows)
    due = sum(1 for one in steps if one.windows)
    remark(f"{due} tables are due; planlake run does this")
    for one in steps:
        if one.gaps:
            remark(f"gap: {one.table} lacks {len(one.gaps)} days from {one.gaps[0]} to {one.gaps[-1]}")


def _windows(windows: "Sequence[Window]") -> str:
    """Windows in few words: how many days from when to when, and what else is asked."""
    if not windows:
        return "none due"
    days = [window.name for window in windows if window.event == "page"]
    asked = [days[0] if len(days) == 1 else f"{days[0]} to {days[-1]} ({len(days)})"] if days else []
    asked += [f"{window.name} again" for window in windows if window.event == "recount"]
    asked += [f"{window.name} so far" for window in windows if window.event == "provisional"]
    return ", ".join(asked)
