"""`planlake status`: what is not well, then each table; a calendar of days."""

from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from planlake.cli.completing import table_names
from planlake.cli.options import AsJson, ConfigFile, EnvironmentName
from planlake.printable import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planlake.report.status import DayState, Status, TableStatus
    from planlake.report.verdicts import Verdict

SIGNS: "dict[DayState, str]" = {"loaded": "#", "empty": ".", "failed": "x", "gap": "^", "none": " "}
DAYS_WITHOUT_YEAR = 300
STYLES: "dict[DayState, str]" = {"loaded": "green", "empty": "dim", "failed": "red", "gap": "yellow", "none": ""}


def status(
    tables: Annotated[
        list[str] | None, typer.Argument(help="Only these tables, and their calendar.", autocompletion=table_names)
    ] = None,
    calendar: Annotated[bool, typer.Option("--calendar", help="Draw each day of each table.")] = False,
    days: Annotated[int, typer.Option("--days", help="How many days the calendar shows.", min=1, max=366)] = 35,
    env: EnvironmentName = None,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Show what is not well, since when and the next command, then each table; exit 1 where anything is not well."""
    from planlake.cli.loading import configuration
    from planlake.cli.screen import print_json, waiting

    loaded = configuration(config)
    from planlake.report import status as library
    from planlake.report.verdicts import verdicts

    if calendar:
        states = {
            table: row for table, row in library.calendar(loaded, days, env).items() if not tables or table in tables
        }
        if json:
            print_json({table: {str(day): state for day, state in row.items()} for table, row in states.items()})
        else:
            _draw(states)
        return
    with waiting("status: the lake is read"):
        found = library.status(loaded, env)
    if tables:
        found = library.of_tables(found, tables)
    if json:
        troubles = [{**asdict(one), "sentence": one.sentence, "next": one.next_command} for one in found.troubles]
        words = verdicts(found)
        shown = [
            {**asdict(one), "state": words[one.table].state, "is_complete": one.is_complete} for one in found.tables
        ]
        print_json({"is_well": found.is_well, "troubles": troubles, "notes": found.notes, "tables": shown})
    else:
        _show(found)
    raise typer.Exit(0 if found.is_well else 1)


def _show(found: "Status") -> None:
    """What is not well first; then the tables, which fit into 80 columns."""
    from planlake.cli.screen import print_table, remark
    from planlake.report.troubles import hints_shown
    from planlake.report.verdicts import verdicts

    states = verdicts(found)
    for one, hints in hints_shown(found.troubles):
        remark("\n".join([f"! {printable(one.sentence)}", *(f"hint: {hint}" for hint in hints)]), is_data=True)
    for note in found.notes:
        remark(note, is_data=True)
    columns = ("table", "as of", "rows", "API's", "counted", "audited", "verdict")
    rows = [
        (
            one.table,
            _short(datetime.strptime(one.published, "%Y%m%d") if one.published else None),  # noqa: DTZ007 - a day
            one.held,
            one.total,
            _short(one.counted_at),
            _audited(one),
            _verdict(one, states[one.table]),
        )
        for one in sorted(found.tables, key=lambda one: states[one.table].state == "complete")
    ]
    print_table("", columns, rows, numbers=("rows", "API's"), spare=("audited", "counted"))
    for how, tables in _audits(found.tables).items():
        remark(f"{printable(how)}: {', '.join(tables)}", is_data=True)


def _audits(tables: "Sequence[TableStatus]") -> dict[str, list[str]]:
    """Which tables are not audited and why, or since when in part."""
    found: dict[str, list[str]] = {}
    for one in tables:
        since = one.audit.since
        is_part = one.audit.percent is not None and one.audit.percent < 100
        how = f"audited in part since {since.day} {since:%b}" if is_part and since is not None else ""
        how = f"not audited, {one.audit.why_not}" if one.audit.why_not else how
        if how:
            found.setdefault(how, []).append(one.table)
    return found


def _audited(one: "TableStatus") -> str:
    """How much of a table was compared with the API, record by record."""
    if one.audit.why_not:
        return "not"
    return "" if one.audit.percent is None else f"{one.audit.percent} %"


def _verdict(one: "TableStatus", found: "Verdict") -> str:
    """The word of the pages, and of a complete table how many rows it has that came since the API was counted."""
    from planlake.report.verdicts import WORDS

    newer = f", {one.since:,} newer" if one.since and found.state == "complete" else ""
    return f"{WORDS[found.state].sign} {found.state}{newer}"


def _short(day: "datetime | None") -> str | None:
    """A day in few characters, so that a table fits into 80; with its year where that is long ago."""
    if day is None:
        return None
    is_long_ago = abs((datetime.now(UTC).replace(tzinfo=None) - day).days) > DAYS_WITHOUT_YEAR
    return f"{day.day} {day:%b %Y}" if is_long_ago else f"{day.day} {day:%b}"


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
    remark("# complete   . complete, nothing changed   x failed   ^ gap   (blank) not due or not asked yet")
