"""`planlake status`: what is not well, then each table; a calendar of days."""

from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from planlake.cli.options import AsJson, ConfigFile, EnvironmentName
from planlake.printable import printable

if TYPE_CHECKING:
    from planlake.flow.status import DayState, Status, TableStatus

SIGNS: "dict[DayState, str]" = {"loaded": "#", "empty": ".", "failed": "x", "gap": "?", "none": " "}
SIGN_OF = {"not loaded": "-", "sample": "-", "failed": "x", "gaps": "?", "not known": "?"}
STYLES: "dict[DayState, str]" = {"loaded": "green", "empty": "dim", "failed": "red", "gap": "yellow", "none": ""}


def status(
    calendar: Annotated[bool, typer.Option("--calendar", help="Draw each day of each table.")] = False,
    days: Annotated[int, typer.Option("--days", help="How many days the calendar shows.", min=1, max=366)] = 35,
    env: EnvironmentName = None,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Show what is not well, since when and the next command, then each table; exit 1 where anything is not well."""
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
        troubles = [{**asdict(one), "sentence": one.sentence, "next": one.next_command} for one in found.troubles]
        tables = [{**asdict(one), "is_complete": one.is_complete} for one in found.tables]
        print_json({"is_well": found.is_well, "troubles": troubles, "notes": found.notes, "tables": tables})
    else:
        _show(found)
    raise typer.Exit(0 if found.is_well else 1)


def _show(found: "Status") -> None:
    """What is not well first; then the tables, which fit into 80 columns."""
    from planlake.cli.screen import print_table, remark

    for one in found.troubles:
        remark(f"! {printable(one.sentence)}\nhint: {one.next_command}", is_data=True)
    for note in found.notes:
        remark(note, is_data=True)
    columns = ("table", "published", "rows", "API's", "counted", "audited", "verdict")
    rows = [
        (
            one.table,
            _day(one.published),
            one.held,
            one.total,
            f"{one.counted_at:%Y-%m-%d}" if one.counted_at else None,
            _audited(one),
            _verdict(one),
        )
        for one in found.tables
    ]
    print_table("", columns, rows, numbers=("rows", "API's"))


def _audited(one: "TableStatus") -> str:
    """How much of a table was compared with the API, record by record, and since when where that is not all."""
    if one.audit.why_not:
        return f"not, {one.audit.why_not}"
    if one.audit.percent is None:
        return ""
    is_part = one.audit.percent < 100 and one.audit.since is not None
    return f"{one.audit.percent} %" + (f" since {one.audit.since:%-d %b}" if is_part else "")


def _verdict(one: "TableStatus") -> str:
    if one.trouble:
        return f"{SIGN_OF.get(one.trouble, '!')} {one.trouble}"
    return "= complete" if one.is_complete else "- not counted"


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
