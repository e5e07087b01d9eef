"""`planlake advise`: daily or weekly, from how tables really change."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from planlake.cli.options import AsJson, ConfigFile, EnvironmentName, TableNames

if TYPE_CHECKING:
    from planlake.inspection.cadence import Advice


def advise(
    tables: TableNames = None,
    days: Annotated[int, typer.Option("--days", help="How many days to look back.", min=14, max=366)] = 28,
    env: EnvironmentName = None,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Propose which tables to read daily and which weekly, from how they changed, with the API calls that saves."""
    from planlake.cli.loading import configuration
    from planlake.cli.screen import print_json, print_table, remark, waiting

    loaded = configuration(config)
    from planlake.inspection.cadence import advice

    with waiting("advise: changes of the last days are counted"):
        found = advice(loaded, tables or [], days=days, environment=env)
    if json:
        print_json([{**asdict(one), "saved": one.saved} for one in found])
        return
    columns = ("table", "read", "days", "with changes", "records", "of 30 days", "calls", "the other way", "advice")
    rows = [
        (
            one.table,
            one.cadence,
            one.days,
            one.changed_days,
            one.records,
            f"{one.recent[30]:.1%}" if one.recent else None,
            _calls(one.calls),
            _calls(one.other_calls),
            f"{_sign(one)} {one.why}",
        )
        for one in found
    ]
    print_table("", columns, rows, numbers=columns[2:8], spare=columns[7:1:-1])
    remark(f"of the last {days} days; calls of the API in a week; of 30 days: share of records last updated in them")
    for one in found:
        if one.proposal:
            remark(_said(one))


def _sign(one: "Advice") -> str:
    if one.proposal:
        return f"> {one.proposal}:"
    return "=" if one.is_known else "?"


def _calls(number: float | None) -> str | None:
    return None if number is None else f"{number:,.0f}"


def _said(one: "Advice") -> str:
    saved = one.saved or 0.0
    costs = f"saves {saved:,.0f}" if saved >= 0 else f"costs {-saved:,.0f} more"
    return f"hint: move {one.table} from {one.cadence} to {one.proposal} in the configuration: it {costs} calls a week"
