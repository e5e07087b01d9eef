"""How a table stands, in one word: the only place that decides it, for every page and for the terminal."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal

from planlake.checks.examples import without_examples
from planlake.report.status import Status, TableStatus
from planlake.report.troubles import Trouble

State = Literal[
    "failed",
    "held",
    "gap",
    "late",
    "open",
    "undone",
    "not loaded",
    "missing rows",
    "more rows",
    "not known",
    "complete",
]
Tone = Literal["red", "amber", "green"]

# What `status` calls it and what people read, the first that holds of a table.
_STATES: Mapping[str, State] = {
    "damaged": "failed",
    "failed": "failed",
    "pages failed": "failed",
    "held": "held",
    "gaps": "gap",
    "stale": "late",
    "open": "open",
    "waiting": "open",
    "rolled back": "undone",
    "not loaded": "not loaded",
    "sample": "not loaded",
    "to be read": "not loaded",
    "missing": "missing rows",
    "too many": "more rows",
}


@dataclass(frozen=True, slots=True)
class Word:
    """A state as people meet it: how a sentence about a table ends, how bad it is, its sign in a terminal and its mark.

    Red is what is wrong or missing, amber what somebody should look at. A mark is a shape of `macros.html`.
    """

    phrase: str
    tone: Tone
    sign: str
    mark: str


WORDS: Mapping[State, Word] = {  # docs/pages.md has the same, with when each holds
    "failed": Word("failed", "red", "x", "failed"),
    "held": Word("is held by a check", "red", "!", "held"),
    "gap": Word("has a gap", "red", "^", "gap"),
    "late": Word("is late", "amber", "!", "gap"),
    "open": Word("is not read to its end", "amber", "/", "open"),
    "undone": Word("was set back", "amber", "~", "undone"),
    "not loaded": Word("is not loaded", "amber", "-", "unknown"),
    "missing rows": Word("has too few rows", "red", "!", "gap"),
    "more rows": Word("has more rows than the API", "amber", "!", "gap"),
    "not known": Word("is not known to be complete", "amber", "?", "unknown"),
    "complete": Word("is complete", "green", "=", "complete"),
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one table stands: a word, why, since which London day, and the commands that may be right, likeliest first.

    `published` is the day of the version that people see, `why` a part of a sentence, empty where all is well.
    """

    table: str
    state: State
    published: date | None = None
    rows: int | None = None
    why: str = ""
    since: date | None = None
    commands: tuple[str, ...] = ()

    @property
    def tone(self) -> Tone:
        """How bad it is."""
        return WORDS[self.state].tone

    @property
    def mark(self) -> str:
        """The shape that stands for it."""
        return WORDS[self.state].mark

    @property
    def phrase(self) -> str:
        """The end of a sentence that begins with the table's name."""
        return WORDS[self.state].phrase

    @property
    def phrase_of_several(self) -> str:
        """The same of several tables."""
        verb, _, rest = self.phrase.partition(" ")
        return " ".join(filter(None, ({"is": "are", "has": "have", "was": "were"}.get(verb, verb), rest)))


def verdicts(status: Status) -> dict[str, Verdict]:
    """The verdict of every configured table."""
    return {table.table: _verdict(table, status.troubles) for table in status.tables}


def _verdict(table: TableStatus, troubles: tuple[Trouble, ...]) -> Verdict:
    own = [one for one in troubles if table.table in one.tables and _kind(one) in _STATES]
    worst = min(own, key=lambda one: list(_STATES).index(_kind(one)), default=None)
    day = datetime.strptime(table.published, "%Y%m%d").date() if table.published else None  # noqa: DTZ007 - a day
    if worst is not None:
        hints = replace(worst, tables=(table.table,)).hints
        why = without_examples(worst.why or worst.said)
        return Verdict(table.table, _STATES[_kind(worst)], day, table.held, why, worst.since, hints)
    if not table.trouble and table.total is not None:
        return Verdict(table.table, "complete", day, table.held)
    of_lake = next((one for one in troubles if not one.tables), None)
    why = without_examples(of_lake.said) if of_lake else "never counted"
    return Verdict(table.table, _STATES.get(table.trouble, "not known"), day, table.held, why)


def _kind(trouble: Trouble) -> str:
    """A table whose pages failed is failed; one that was begun and not read to its end is open."""
    return "pages failed" if trouble.kind == "open" and trouble.why else trouble.kind
