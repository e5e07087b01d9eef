"""The checks a table must pass before a new version of it is committed, each a result with its figures.

A result that is `held` keeps the whole new version back; a warning is only reported.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from planlake.checks.examples import for_example

Verdict = Literal["ok", "warning", "held"]
OF_EVERY_TABLE = ("casts", "complete", "repeats", "rejected", "unique", "rows dropped", "freshness", "deletions")

BELIEVED = "believed up to"
MOST_REASONS = 3


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check of one table: its figure, the limit it was held against, and what it means.

    `column` is empty where the check is of the whole table; `example` is a value as the message shows it.
    """

    check: str
    verdict: Verdict
    figure: float
    limit: float
    column: str = ""
    message: str = ""
    example: str = ""

    @property
    def message_without_example(self) -> str:
        """The message as it may leave the lake: without the example, which nobody could take back."""
        return self.message.replace(for_example(self.example), "") if self.example else self.message


@dataclass(frozen=True, slots=True)
class Cells:
    """Cells of one column: how many hold something, how many of those did not cast, and what one of them holds.

    `better` is the type that would do for those that did not cast, `key` the key of the API that it is declared under.
    """

    column: str
    key: str
    filled: int
    bad: int
    example: str = ""
    better: str = "text"


def casts(cells: Iterable[Cells], *, percent: float, at_least: int) -> list[CheckResult]:
    """Cells that did not cast: a warning, or `held` if more than `at_least` and than `percent` of a column's cells."""
    results = []
    for one in cells:
        share = 100 * one.bad / max(1, one.filled)
        is_held = share > percent and one.bad > at_least
        message = f"{one.bad} of {one.filled} values of {one.column} do not cast{for_example(one.example)}"
        if one.bad == one.filled > 1:
            message += f"; none casts: declare {one.key} as {one.better}"
        verdict: Verdict = "held" if is_held else "warning"
        results.append(CheckResult("casts", verdict, share, percent, one.column, message, one.example))
    return results or [CheckResult("casts", "ok", 0.0, percent)]


def complete(column: str, *, filled: int, rows: int, minimum: float) -> CheckResult:
    """A column that must be filled, as a share of the new rows."""
    share = filled / rows if rows else 1.0
    message = f"{column} is filled in {filled} of {rows} rows" if share < minimum else ""
    return CheckResult("complete", "ok" if share >= minimum else "held", share, minimum, column, message)


def unique(column: str, *, rows: int, distinct: int) -> CheckResult:
    """Ids that stand in more than one row of a version."""
    doubled = rows - distinct
    message = f"{doubled} rows repeat an id" if doubled else ""
    return CheckResult("unique", "held" if doubled else "ok", float(doubled), 0.0, column, message)


def rows_dropped(*, before: int, after: int, percent: float) -> CheckResult:
    """Rows a new version has fewer than the old one, in percent."""
    share = 100 * (before - after) / before if before else 0.0
    message = f"{before} rows would become {after}" if share > percent else ""
    return CheckResult("rows dropped", "held" if share > percent else "ok", max(0.0, share), percent, message=message)


def deletions(gone: int, *, held: int, percent: float, is_resumed: bool = False) -> CheckResult:
    """Records held that a full reading no longer shows, in percent; a single one is never too many.

    Of a reading that goes on where an earlier run stopped only the numbers are known.
    """
    share = 100 * gone / held if held else 0.0
    is_held = share > percent and gone > 1
    message = f"{gone} of {held} records held are not in the API's answer any more"
    if is_resumed:
        message = f"{held} records are held or have just come, the API says it has {held - gone}"
    message += f" ({share:.3g} %, {BELIEVED} {percent:g} %)"
    return CheckResult("deletions", "held" if is_held else "ok", share, percent, message=message if is_held else "")


def is_of_deletions(message: str) -> bool:
    """Whether a message is of a table that more deletions hold than are believed."""
    return BELIEVED in message


def surplus(held: int, *, total: int) -> CheckResult:
    """Rows held beyond what the API counts, in percent: records deleted there that are shown here."""
    more = max(0, held - total)
    message = f"{held} rows are held, the API has {total}" if more else ""
    return CheckResult("deletions", "warning" if more else "ok", 100 * more / max(1, held), 0.0, message=message)


def repeats(ids: int) -> CheckResult:
    """Warn of ids that one run brought in several versions: all are kept, and the latest counts."""
    message = f"{ids} ids came with different contents in one run; the latest of each counts" if ids else ""
    return CheckResult("repeats", "warning" if ids else "ok", float(ids), 0.0, message=message)


def rejected(count: int, *, rows: int, percent: float, at_least: int) -> CheckResult:
    """Records that were refused: a warning, or `held` if more than `at_least` and than `percent` of all."""
    share = 100 * count / max(1, rows)
    is_held = share > percent and count > at_least
    message = f"{count} of {rows} records were refused" if count else ""
    verdict: Verdict = "held" if is_held else "warning" if count else "ok"
    return CheckResult("rejected", verdict, float(count), float(at_least), message=message)


def encoding(resource: str, records: int) -> CheckResult:
    """Records with bytes that are no UTF-8: how they were read is a guess, and what came is kept."""
    message = f"""records with bytes that are not UTF-8, read as what they may be ({records}): \
select record_id, api_response, from_base64(api_response_base64) from api_responses \
where resource = '{resource}' and api_response_base64 is not null"""
    return CheckResult("encoding", "warning", float(records), 0.0, message=message)


def accepted_values(column: str, *, rows: int, example: str) -> CheckResult:
    """New rows whose value is not among those the catalogue names; empty ones are no fault."""
    message = f"{rows} rows have an unknown {column}{for_example(example)}" if rows else ""
    verdict: Verdict = "warning" if rows else "ok"
    return CheckResult("accepted values", verdict, float(rows), 0.0, column, message, example)


def relations(column: str, target: str, *, rows: int) -> CheckResult:
    """New rows whose id another table does not have."""
    message = f"{rows} rows have a {column} that is not in {target}" if rows else ""
    return CheckResult("relations", "warning" if rows else "ok", float(rows), 0.0, column, message)


def freshness(*, days: int, limit: int) -> CheckResult:
    """Days since a table was last published, against twice its cadence."""
    message = f"last published {days} days ago" if days > limit else ""
    return CheckResult("freshness", "warning" if days > limit else "ok", float(days), float(limit), message=message)


def custom(name: str, *, rows: int, condition: str, holds: bool) -> CheckResult:
    """A check from the configuration: rows that meet its condition."""
    message = f"{rows} rows where {condition}" if rows else ""
    return CheckResult(name, "ok" if not rows else "held" if holds else "warning", float(rows), 0.0, message=message)


def blocking(results: Iterable[CheckResult]) -> list[CheckResult]:
    """The results that keep a version back."""
    return [result for result in results if result.verdict == "held"]


def reasons(results: Iterable[CheckResult], *, has_examples: bool = True) -> str:
    """Why a version is kept back, in words, of many checks the first few; empty where nothing holds it."""
    found = blocking(results)
    said = [one.message if has_examples else one.message_without_example for one in found[:MOST_REASONS]]
    more = len(found) - len(said)
    return "; ".join([*said, *([f"and {more} more check{'s' if more > 1 else ''}"] if more else [])])


def troubles(results: Iterable[CheckResult]) -> list[CheckResult]:
    """Those that are not well: warnings, and what holds a version."""
    return [result for result in results if result.verdict != "ok"]


def as_row(result: CheckResult, common: Mapping[str, object]) -> dict[str, object]:
    """A result as a row of `checks`."""
    return {
        **common,
        "check": result.check,
        "column": result.column or None,
        "verdict": result.verdict,
        "figure": result.figure,
        "limit": result.limit,
        "message": result.message or None,
    }
