"""`planlake plan`: the list of steps a run would carry out now, and what a full load will take; nothing is done."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from planlake.cli.options import AsJson, CadenceName, ConfigFile, EnvironmentName, InFull, StepOption, TableNames

if TYPE_CHECKING:
    from planlake.config import Config
    from planlake.runs.estimate import Estimate
    from planlake.runs.plan import Step, TablePlan


def plan(
    tables: TableNames = None,
    cadence: CadenceName = None,
    step: StepOption = None,
    full: InFull = False,
    env: EnvironmentName = None,
    config: ConfigFile = None,
    json: AsJson = False,
    cost: Annotated[
        bool, typer.Option("--cost", help="What a night costs, table by table, from the last nights.")
    ] = False,
) -> None:
    """Show what `planlake run` would do now, why, and what it takes where a table is read whole; nothing is done.

    Where a run would be refused because of the clock, that is said instead, and the exit status is 1.
    """
    from planlake.cli.loading import configuration
    from planlake.cli.screen import print_json, print_table, remark, waiting
    from planlake.cli.selecting import selection

    wanted = selection(tables, cadence=cadence, step=step, is_full=full)
    loaded = configuration(config)
    if cost:
        _show_cost(loaded, env, as_json=json)
        return
    from planlake.flow.future_dated_runs import future_runs_now
    from planlake.report.query import models_in
    from planlake.runs.plan import steps_of, steps_of_models
    from planlake.runs.run import table_plans
    from planlake.sources.catalogue import catalogue_of

    if (ahead := future_runs_now(loaded, env)) is not None:
        if json:
            print_json([])
        remark(f"! {ahead.warning}\nhint: {ahead.hint}")
        raise typer.Exit(1)
    with waiting("plan: the lake is read"):
        plans = table_plans(loaded, wanted, environment=env)
    steps = list(steps_of(plans))
    if wanted.builds_models:
        models = models_in(loaded, catalogue_of(loaded).resources)
        steps += steps_of_models(name for name, one in models.by_name.items() if not one.is_view)
    expected = _expected(loaded, plans)
    if json:
        print_json([{**asdict(one), "expected": _as_json(expected.get((one.table, one.step)))} for one in steps])
        return
    rows = [
        (one.table, one.step, _windows(one), takes(expected.get((one.table, one.step))), _why(one)) for one in steps
    ]
    print_table("", ("table", "step", "windows", "expected", "why"), rows)
    _say_how_many(sum(1 for one in plans if one.windows), tables or (), cadence=cadence, step=step, full=full)
    for one in steps:
        if one.gaps:
            remark(f"gap: {one.table} lacks {len(one.gaps)} days from {one.gaps[0]} to {one.gaps[-1]}")


def _say_how_many(due: int, tables: "Sequence[str]", *, cadence: str | None, step: str | None, full: bool) -> None:
    """How many tables are due, and the command that does what was planned."""
    from planlake.cli.screen import counted, remark

    remark(f"{counted(due, 'table is', 'tables are')} due")
    if due:
        options = {f"--cadence {cadence}": cadence, f"--step {step}": step, "--full": full}
        chosen = [one for one, is_on in options.items() if is_on]
        remark(f"hint: {' '.join(['planlake run', *tables, *chosen])}")


def _show_cost(config: "Config", environment: str | None, *, as_json: bool) -> None:
    from planlake.cli.screen import counted, print_json, print_table, remark
    from planlake.inspection.costs import LEAST_SECONDS, night_cost

    found = night_cost(config, environment)
    if as_json:
        print_json(asdict(found))
        return
    columns = ("table", "calls", "seconds", "MB read", "MB written", "on Fargate", "on Glue")
    rows = [
        (
            one.table,
            f"{one.requests:,.1f}",
            f"{one.seconds:,.1f}",
            f"{one.received / 1e6:,.2f}",
            f"{one.written / 1e6:,.2f}",
            f"{one.fargate:,.5f}",
            f"{one.glue:,.5f}",
        )
        for one in found.tables
    ]
    title = f"A mean night of the last {counted(found.nights, 'night', 'nights')}; money in {found.currency}"
    print_table(title, columns, rows, numbers=columns[1:], spare=("MB read", "MB written"))
    month = 30
    for place, night in (("Fargate", found.fargate), ("Glue", found.glue)):
        remark(f"on {place}: {night:,.4f} a night, {night * month:,.2f} in {month} nights", is_data=True)
    remark(
        f"a night takes {found.seconds:,.1f} s here; {LEAST_SECONDS} s are billed at the least; storage, requests to "
        f"S3 and the network are not in it\na minute of each job that is replaced: {found.earlier_minute:,.2f} "
        "(21 ingestions of 4 DPUs, a snapshot of 32)",
        is_data=True,
    )


def _expected(config: "Config", plans: "Sequence[TablePlan]") -> "Mapping[tuple[str, str], Estimate]":
    """What the ingest of each table to be read whole will take; a remark where the API cannot be asked."""
    from planlake.cli.screen import remark, waiting
    from planlake.errors import PlanlakeError
    from planlake.runs.estimate import estimate_full_loads

    try:
        with waiting("plan: the API is asked how much it has"):
            found = estimate_full_loads(config, plans)
    except PlanlakeError as error:
        remark(f"requests, size and time are not known: {error}")
        return {}
    return {(table, "ingest"): estimate for table, estimate in found.items()}


def takes(estimate: "Estimate | None") -> str:
    """Requests, size and time in a few words; nothing where there is no estimate."""
    if estimate is None:
        return ""
    if estimate.error:
        return f"not known: {estimate.error}"
    from planlake.cli.screen import counted

    seconds = max(1, round(estimate.seconds))
    time = f"{seconds / 60:.0f} min" if seconds >= 120 else f"{seconds} s"
    size = f"{estimate.bytes / 1e6:,.0f} MB" if estimate.bytes >= 1e6 else f"{estimate.bytes / 1e3:,.0f} kB"
    return f"{counted(estimate.requests, 'request', 'requests')}, {size}, about {time}"


def _as_json(estimate: "Estimate | None") -> dict[str, object] | None:
    return asdict(estimate) if estimate else None


def _windows(step: "Step") -> str:
    """Windows in few words: how many days from when to when, and what else is asked."""
    from planlake.cli.screen import counted

    if step.step != "ingest":
        return ""
    if not step.windows:
        return "none due"
    windows = step.windows
    days = [day for window in windows if window.event == "page" for day in (window.closes or (window.name,))]
    asked = [days[0] if len(days) == 1 else f"{days[0]} to {days[-1]} ({len(days)})"] if days else []
    asked += [f"{window.name} again" for window in windows if window.event == "recount"]
    asked += [f"{window.name} so far" for window in windows if window.event == "provisional"]
    if step.audit:
        asked.append(f"audit of {counted(step.audit.pages, 'page', 'pages')}")
    return ", ".join(asked)


def _why(step: "Step") -> str:
    """Why these windows and, where a slice is compared, how far its round is."""
    return f"{step.why}; audit: {step.audit.why}" if step.audit else step.why
