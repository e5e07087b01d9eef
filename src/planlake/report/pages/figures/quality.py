"""Quality: which checks do not hold, how their figures went, what did not cast, which records were rejected."""

from collections.abc import Sequence
from dataclasses import dataclass

from planlake.report.check_history import CheckHistory, histories_in
from planlake.report.pages import words
from planlake.report.pages.figures.lake_facts import LakeFacts

RUNS_SHOWN, LISTED = 60, 200
PERCENT, SHARE = ("casts", "rows dropped"), ("complete",)  # what figures of these checks are; of others a number


@dataclass(frozen=True, slots=True)
class NotCast:
    """Cells of a column that its type could not hold, of all versions received; `run` found the newest of them."""

    table: str
    column: str
    type: str
    cells: int
    run: int


@dataclass(frozen=True, slots=True)
class Rejected:
    """Records that could not become rows, by the reason; `run` found the newest of them."""

    table: str
    reason: str
    records: int
    run: int


@dataclass(frozen=True, slots=True)
class Alike:
    """Results of one check of one table with one verdict, of one column or several, the worst first.

    `command` is for what holds a table, beside the first of its rows.
    """

    results: tuple[CheckHistory, ...]
    command: str = ""

    @property
    def worst(self) -> CheckHistory:
        """The one whose figures stand for all."""
        return self.results[0]


@dataclass(frozen=True, slots=True)
class Quality:
    """The checks that do not hold, the worst first, and of those that do how many there are of each name.

    `not_listed` are those that do not hold and for which there is no room.
    """

    answer: str
    checks: int
    not_well: tuple[CheckHistory, ...]
    not_listed: int
    well: tuple[tuple[str, int], ...]
    not_cast: tuple[NotCast, ...]
    rejected: tuple[Rejected, ...]

    @property
    def rows(self) -> tuple[Alike, ...]:
        """What does not hold as the page shows it: a row for each check of each table, whose columns are in it."""
        grouped: dict[tuple[str, str, str], list[CheckHistory]] = {}
        for one in self.not_well:
            grouped.setdefault((one.table, one.check, one.verdict), []).append(one)
        held = {table: check for table, check, verdict in reversed(grouped) if verdict == "held" and table}
        return tuple(
            Alike(tuple(found), f"planlake check {table}" if verdict == "held" and held.get(table) == check else "")
            for (table, check, verdict), found in grouped.items()
        )


def quality(facts: LakeFacts) -> Quality:
    """The newest result of every check, and what was found that is no row or no value."""
    found = histories_in(facts.config, facts.connection, "checks", RUNS_SHOWN)
    bad = sorted((one for one in found if one.verdict != "ok"), key=_badness)
    well: dict[str, int] = {}
    for one in found:
        if one.verdict == "ok":
            well[one.check] = well.get(one.check, 0) + 1
    cast = facts.ask("""
        select resource, "column", arg_max(wanted_type, run), count(*), max(run) from uncastable
        group by resource, "column" order by count(*) desc, resource, "column" limit ?""", [LISTED])  # fmt: skip
    rejected = facts.ask("""
        select resource, reason, count(*), max(run) from rejected
        group by resource, reason order by count(*) desc, resource, reason limit ?""", [LISTED])  # fmt: skip
    return Quality(
        _answer(bad, len(found)),
        len(found),
        tuple(bad[:LISTED]),
        max(0, len(bad) - LISTED),
        tuple(sorted(well.items())),
        tuple(NotCast(*row) for row in cast),
        tuple(Rejected(*row) for row in rejected),
    )


def figure_said(one: CheckHistory, figure: float) -> str:
    """A figure of a check as people write it: a share in per cent, or a number."""
    if one.check in PERCENT:
        return words.percent(figure / 100)
    if one.check in SHARE:
        return words.percent(figure)
    return words.number(figure) if figure == int(figure) else f"{figure:.1f}"


def trend_said(one: CheckHistory) -> str:
    """How the figures of a check went, in a sentence."""
    now, runs = figure_said(one, one.figures[-1]), len(one.figures)
    if runs == 1:
        return f"{now} in the one run that made the check"
    lowest, highest = min(one.figures), max(one.figures)
    if lowest == highest:
        return f"{now} in both runs" if runs == 2 else f"{now} in each of {runs} runs"
    if runs == 2:
        return f"{now} now, {figure_said(one, one.figures[0])} in the run before"
    return f"{now} now, between {figure_said(one, lowest)} and {figure_said(one, highest)} in {runs} runs"


def why_said(one: CheckHistory) -> str:
    """Why a check warns whose figure is under its limit; empty of any other."""
    if one.verdict != "warning" or one.check in SHARE or one.figure > one.limit:
        return ""
    still = "the values are NULL until they are corrected" if one.check == "casts" else "it is told so that it is seen"
    return f"Under the limit, so nothing is held back; {still}."


def _badness(one: CheckHistory) -> tuple[bool, float, str, str, str]:
    """Those that hold a table first, then those that are farthest beyond their limits."""
    over = one.figure / one.limit if one.limit else float(one.figure)
    return one.verdict != "held", -over, one.table, one.check, one.column


def _answer(bad: Sequence[CheckHistory], count: int) -> str:
    if not count:
        return "No check was made yet"
    held = sum(one.verdict == "held" for one in bad)
    said = [
        words.counted(held, "check holds a table back", "checks hold tables back") if held else "",
        words.counted(len(bad) - held, "check warns", "checks warn") if len(bad) > held else "",
    ]
    return " and ".join(filter(None, said)) or f"All {words.counted(count, 'check is', 'checks are')} well"
