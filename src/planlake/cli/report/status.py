"""`planlake status`: what is not well, then each table; a calendar of days."""

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from planlake.cli.completing import table_names
from planlake.cli.options import AsJson, ConfigFile, EnvironmentName
from planlake.clock import naive_utc, read_clock
from planlake.printable import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planlake.config import Config
    from planlake.report.pages.figures.days import DayState, TableDay
    from planlake.report.status import Status, TableStatus
    from planlake.report.verdicts import Verdict

DAYS_WITHOUT_YEAR, LISTED = 300, 10
# A sign of a day, and its colour: the signs say it without one.
SIGNS: "dict[DayState, tuple[str, str]]" = {
    "complete": ("#", "green"),
    "full": ("o", "green"),
    "failed": ("x", "red"),
    "gap": ("^", "yellow"),
    "held": ("=", "magenta"),
    "undone": ("~", "yellow"),
    "open": ("/", ""),
    "not asked": ("?", "yellow"),
    "not due": (" ", ""),
}


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
        _calendar(loaded, env, tables or (), days, as_json=json)
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
        print_json({"is_well": found.is_well, "troubles": troubles, "notes": found.told, "tables": shown})
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
    for one in found.unanswered:
        remark(f"{printable(one.sentence)}\nhint: {one.next_command}", is_data=True)
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
    is_long_ago = abs((naive_utc(read_clock().now()) - day).days) > DAYS_WITHOUT_YEAR
    return f"{day.day} {day:%b %Y}" if is_long_ago else f"{day.day} {day:%b}"


def _calendar(config: "Config", environment: str | None, tables: "Sequence[str]", days: int, *, as_json: bool) -> None:
    """The last days of each table, by the figures of the page Completeness."""
    from planlake.cli.screen import print_json, waiting
    from planlake.report.pages.figures.days import days_of_tables
    from planlake.report.pages.figures.lake_facts import open_facts
    from planlake.report.status import of_tables

    with waiting("status: the lake is read"), open_facts(config, environment) as facts:
        of_tables(facts.status, tables)  # which refuses one that is not configured
        found = {name: row for name, row in days_of_tables(facts, days).items() if not tables or name in tables}
    if as_json:
        print_json({name: {str(one.day): one.state for one in row} for name, row in found.items()})
    else:
        _draw(found)


def _draw(found: "dict[str, list[TableDay]]") -> None:
    """One line per table, one sign per day, what the signs mean, and what to do about days that are not whole."""
    from rich.text import Text

    from planlake.cli.screen import console, remark
    from planlake.report.pages.figures.days import WORDS_OF_DAYS

    screen = console(stderr=False)
    width = max((len(table) for table in found), default=0)
    first = [one.day for one in next(iter(found.values()), [])]
    if first:
        screen.print(f"{'':{width}}  {first[0]} to {first[-1]}")
    for digit in (0, 1):
        heads = (f"{day.day:02}"[digit] if day.day in (1, 8, 15, 22, 29) else " " for day in first)
        screen.print(f"{'':{width}}  {''.join(heads)}".rstrip())
    for table, row in found.items():
        line = Text(f"{table:{width}}  ")
        for one in row:
            line.append(SIGNS[one.state][0], style=SIGNS[one.state][1])
        line.rstrip()
        screen.print(line)
    seen = {one.state for row in found.values() for one in row} - {"not due"}
    remark(
        "; ".join(f"{sign} {WORDS_OF_DAYS.get(state, state)}" for state, (sign, _) in SIGNS.items() if state in seen),
        is_data=True,
    )
    wrong = [one for row in found.values() for one in row if one.command]
    for one in wrong[-LISTED:]:
        said = one.said.replace("\u00a0", " ")  # which keeps words together on a page
        remark(f"{one.table}, {one.day}: {said}\nhint: {one.command}", is_data=True)
    if len(wrong) > LISTED:
        remark(f"{len(wrong) - LISTED} more days before these are not whole; --json has them all", is_data=True)
