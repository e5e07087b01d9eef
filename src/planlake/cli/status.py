"""`planlake status`: per table freshness, completeness, gaps and the last error; a calendar of days."""

from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from planlake.cli.options import AsJson, ConfigFile, EnvironmentName

if TYPE_CHECKING:
    from planlake.flow.status import DayState, TableStatus

SIGNS: "dict[DayState, str]" = {"loaded": "#", "empty": ".", "failed": "x", "gap": "?", "none": " "}
STYLES: "dict[DayState, str]" = {"loaded": "green", "empty": "dim", "failed": "red", "gap": "yellow", "none": ""}


def status(
    calendar: Annotated[bool, typer.Option("--calendar", help="Draw each day of each table.")] = False,
    days: Annotated[int, typer.Option("--days", help="How many days the calendar shows.", min=1, max=366)] = 35,
    env: EnvironmentName = None,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Show per table: last published, rows held against the API's total, gaps, open windows, the last error."""
    from planlake.cli.loading import configuration
    from planlake.cli.screen import print_json

    loaded = configuration(config)
    from planlake.flow import status as library

    if calendar:
        states = library.calendar(loaded, days, env)
        if json:
            print_json({table: {str(day): state for day, state in row.items()} for table, row in states.items()})
        else:
            _draw(states)
        return
    found = library.status(loaded, env)
    if json:
        print_json([{**asdict(one), "is_complete": one.is_complete} for one in found])
    else:
        _show(found)


def _show(found: "list[TableStatus]") -> None:
    from planlake.cli.screen import print_table, remark

    columns = ("table", "published", "rows held", "API's total", "counted", "gaps", "open", "verdict", "last error")
    rows = [
        (
            one.table,
            _day(one.published),
            one.held,
            one.total,
            f"{one.counted_at:%Y-%m-%d}" if one.counted_at else None,
            len(one.gaps) or None,
            ", ".join(one.open[:3]),
            _verdict(one),
            one.last_error,
        )
        for one in found
    ]
    print_table("", columns, rows, numbers=("rows held", "API's total", "gaps"))
    for one in found:
        if one.gaps:
            first, last = one.gaps[0], one.gaps[-1]
            remark(f"{one.table} has {len(one.gaps)} gaps from {first} to {last}")
            remark(f"hint: planlake backfill {one.table} --from {first} --to {last}")


def _verdict(one: "TableStatus") -> str:
    if one.total is None:
        return "- not loaded"
    if one.is_complete:
        return "= complete"
    if one.gaps:
        return "? gaps"
    return "! open" if one.open else f"! {one.total - one.held} missing"


def _day(text: str | None) -> str | None:
    return f"{text[:4]}-{text[4:6]}-{text[6:]}" if text else None


def _draw(states: "dict[str, dict[date, DayState]]") -> None:
    """One line per table, one sign per day; the signs say it without colour."""
    from rich.text import Text

    from planlake.cli.screen import console, remark

    screen = console(stderr=False)
    width = max((len(table) for table in states), default=0)
    first = next(iter(states.values()), {})
    heading = "".join(f"{day.day:02}"[0] if day.day in (1, 8, 15, 22, 29) else " " for day in first)
    second = "".join(f"{day.day:02}"[1] if day.day in (1, 8, 15, 22, 29) else " " for day in first)
    if first:
        screen.print(f"{'':{width}}  {min(first)} to {max(first)}")
    screen.print(f"{'':{width}}  {heading}\n{'':{width}}  {second}")
    for table, row in states.items():
        line = Text(f"{table:{width}}  ")
        for state in row.values():
            line.append(SIGNS[state], style=STYLES[state])
        screen.print(line)
    remark("# loaded   . nothing changed   x failed   ? gap   (blank) not asked")
