"""Today: is everything there, and what must somebody do."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal

from planlake.checks.examples import without_examples
from planlake.report.pages import words
from planlake.report.pages.figures.completeness import complete_up_to
from planlake.report.pages.figures.lake_facts import LakeFacts
from planlake.report.troubles import Trouble
from planlake.report.verdicts import Tone, Verdict

Light = Literal["red", "amber", "green", "grey"]
RUNS = ["finished", "nothing to do", "failed", "stopped", "killed"]  # other rows of `runs` are of other commands
IN_TROUBLE = ["open", "held", "failed"]  # what a run may say of one table
CORRECTIONS = ["rolled back", "undone", "rebuilt", "reconciled", "promoted", "forgotten", "dropped"]
CORRECTIONS_SHOWN, CORRECTION_DAYS = 8, 30
SENTENCES_SHOWN, FEW = 3, 3
# Of the rows of one run: what stands in the one of the whole run, and the sum over its tables.
OF_WHOLE, SUM = "max({}) filter (where resource is null)", "coalesce(sum({}), 0)::bigint"


@dataclass(frozen=True, slots=True)
class LastRun:
    """The last run as a whole: when it began and how long it took, what it received in all.

    `troubled` are tables that failed or are held; `alone` names the few tables that it read, if it read no others.
    """

    run: int
    outcome: str
    message: str
    started_at: datetime | None
    seconds: float | None
    records: int
    stored: int
    bytes: int
    requests: int
    troubled: int
    alone: str = ""


@dataclass(frozen=True, slots=True)
class Correction:
    """Something that somebody did to the lake on purpose."""

    run: int
    what: str
    at: datetime
    tables: tuple[str, ...]
    message: str

    @property
    def said(self) -> str:
        """What was done to which tables, in one sentence: `things was rolled back to 2026-11-28, zone refined`."""
        verb = "was" if len(self.tables) == 1 else "were"
        done = f"{words.named(self.tables)} {verb} {self.what}" if self.tables else self.what
        message = re.sub(r"^to (\d+)(?=,)", r"to run \1", self.message)
        return done + (" " if message.startswith("to ") else ": " if message else "") + message


@dataclass(frozen=True, slots=True)
class Today:
    """The state of the lake in one light and one sentence, then who needs somebody, then all that is well."""

    light: Light
    answer: str
    summary: str
    sentences: tuple[str, ...]
    of_lake: tuple[Trouble, ...]
    notes: tuple[str, ...]
    in_trouble: tuple[Verdict, ...]
    folded: tuple[tuple[Verdict, ...], ...]
    complete: tuple[Verdict, ...]
    last_run: LastRun | None
    corrections: tuple[Correction, ...]


def today(facts: LakeFacts) -> Today:
    """What people look at first in the morning."""
    found = sorted(facts.verdicts.values(), key=lambda one: (one.tone != "red", one.state, one.table))
    in_trouble = tuple(one for one in found if one.tone != "green")
    complete = tuple(one for one in facts.verdicts.values() if one.tone == "green")
    of_lake = tuple(one for one in facts.status.troubles if not one.tables or one.kind == "check")
    last = _last_run(facts)
    light = _light(facts, of_lake, last)
    return Today(
        light,
        _answer(light, in_trouble),
        _summary(light, in_trouble, facts),
        tuple(_sentences(in_trouble, facts)) if light != "grey" else (),
        of_lake if light != "grey" else (),
        tuple(map(without_examples, facts.status.told)),
        in_trouble if light != "grey" else (),
        _folded(in_trouble) if light != "grey" else (),
        complete,
        last,
        tuple(_corrections(facts)),
    )


def _light(facts: LakeFacts, of_lake: Sequence[Trouble], last: LastRun | None) -> Light:
    if last is None and all(one.state == "not loaded" for one in facts.verdicts.values()):
        return "grey"
    tones: set[Tone] = {one.tone for one in facts.verdicts.values()}
    if "red" in tones or of_lake:
        return "red"
    return "amber" if "amber" in tones else "green"


def _answer(light: Light, in_trouble: Sequence[Verdict]) -> str:
    if light == "grey":
        return "Nothing is loaded yet"
    if light == "green":
        return "Everything is there"
    if light == "red" and not in_trouble:
        return "The lake needs somebody"
    return "Not everything is there"


def _summary(light: Light, in_trouble: Sequence[Verdict], facts: LakeFacts) -> str:
    tables = len(facts.verdicts)
    if light == "grey":
        return f"{words.counted(tables, 'table is', 'tables are')} configured, and none has been loaded"
    if light == "green":
        day = words.day(complete_up_to(facts))
        return f"all {words.counted(tables, 'table is', 'tables are')} complete, with the changes up to {day}"
    if not in_trouble:
        return "every table is complete, and the lake itself needs somebody"
    unknown = sum(one.state == "not known" for one in in_trouble)
    if unknown == len(in_trouble):
        return f"{unknown} of {words.counted(tables, 'table', 'tables')} not known to be complete"
    needing = len(in_trouble) - unknown
    needs = f"{needing} of {words.counted(tables, 'table', 'tables')} {'needs' if needing == 1 else 'need'} somebody"
    return f"{needs}, {unknown} not known to be complete" if unknown else needs


def _folded(in_trouble: Sequence[Verdict]) -> tuple[tuple[Verdict, ...], ...]:
    """A row for each table, and one for all of which nothing is known for the same cause."""
    rows: dict[tuple[str, ...], list[Verdict]] = {}
    for one in in_trouble:
        rows.setdefault(("", one.why, *one.commands) if one.state == "not known" else (one.table,), []).append(one)
    return tuple(map(tuple, rows.values()))


def rests_on(facts: LakeFacts, tables: Collection[str]) -> tuple[str, ...]:
    """What must be known before a page is believed that rests on these tables: which are not well, and why."""
    found = sorted(facts.verdicts.values(), key=lambda one: (one.tone != "red", one.state, one.table))
    told = [one for one in found if one.table in tables and one.state not in ("complete", "not known")]
    return tuple(_sentences(told, facts, where="on the page Today"))


def _sentences(in_trouble: Sequence[Verdict], facts: LakeFacts, *, where: str = "below") -> list[str]:
    """The first tables in a sentence each; what is the same of several is said once."""
    causes: dict[tuple[str, str, date | None], list[Verdict]] = {}
    for one in in_trouble:
        causes.setdefault((one.state, one.why, one.published), []).append(one)
    newest = max((one.published for one in facts.verdicts.values() if one.published), default=None)
    said = [_sentence(alike, newest, facts.today) for alike in list(causes.values())[:SENTENCES_SHOWN]]
    left = sum(len(alike) for alike in list(causes.values())[SENTENCES_SHOWN:])
    return [*said, f"{words.counted(left, 'more table stands', 'more tables stand')} {where}."] if left else said


def _sentence(alike: Sequence[Verdict], newest: date | None, today: date) -> str:
    """Since when, and why: `fees is from Thursday, because ...`; of a table that shows the newest day, what it has."""
    one, names = alike[0], words.named([each.table for each in alike])
    cause = words.plainly(one.why).rstrip(".")
    if one.published and newest and one.published < newest:
        verb = "is" if len(alike) == 1 else "are"
        because = {"held": "a check holds it: ", "undone": f"{'it was' if len(alike) == 1 else 'they were'} "}.get(
            one.state, ""
        )
        return f"{names} {verb} from {words.near_day(one.published, today)}, because {because}{cause}."
    phrase = one.phrase if len(alike) == 1 else one.phrase_of_several
    return f"{names} {phrase}: {cause}." if cause and one.state != "not loaded" else f"{names} {phrase}."


def _last_run(facts: LakeFacts) -> LastRun | None:
    """The last run that asked the API; one that failed since then is among the troubles."""
    query = f"""
        select run, {OF_WHOLE.format("outcome")}, coalesce({OF_WHOLE.format("message")}, ''), min(started_at),
            {OF_WHOLE.format("seconds")}, {SUM.format("records")}, {SUM.format("stored")}, {SUM.format("bytes")},
            {SUM.format("requests")}, count(*) filter (where resource is not null and outcome in (select unnest(?))),
            list(distinct resource) filter (where resource is not null)
        from runs group by run having {OF_WHOLE.format("outcome")} in (select unnest(?))
        order by sum(requests) is null or sum(requests) = 0, run desc limit 1"""
    for *values, tables in facts.ask(query, [IN_TROUBLE, RUNS]):
        own = [one for one in tables or () if one in facts.verdicts]
        alone = words.named(sorted(own)) if 0 < len(own) < min(len(facts.verdicts), FEW + 1) else ""
        return replace(LastRun(*values), alone=alone)
    return None


def _corrections(facts: LakeFacts) -> list[Correction]:
    """What was corrected or taken back lately, newest first."""
    query = f"""
        select run, {OF_WHOLE.format("outcome")} as what, min(started_at) as began,
            list(distinct resource) filter (where resource is not null), coalesce({OF_WHOLE.format("message")}, '')
        from runs group by run
        having what in (select unnest(?)) and began >= ?::timestamp - to_days(?) order by run desc limit ?"""
    rows = facts.ask(query, [CORRECTIONS, facts.now, CORRECTION_DAYS, CORRECTIONS_SHOWN])
    return [Correction(run, what, at, tuple(sorted(tables or ())), said) for run, what, at, tables, said in rows]
