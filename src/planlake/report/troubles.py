"""Puts what is not well into sentences, each with the next command.

A sentence says since when. One cause that hits many tables is one sentence that names them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from planlake.checks.quality import is_of_deletions
from planlake.clock import london_day
from planlake.lake.state.ledger import Gap
from planlake.printable import listed
from planlake.sources.catalogue import Cadence
from planlake.sources.http.strangers import is_not_the_api

NAMES_SHOWN = 5
STALE_DAYS: Mapping[Cadence, int] = {"daily": 2, "weekly": 14}
KEPT = "people see the last good version"
DOCTOR, AGAIN = "planlake doctor", "planlake run TABLE"


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is not well: which tables (none: the lake itself), what in a sentence, and the next command.

    `kind` is a word for it; `others` are commands that may be right instead, each with the words that say when. `why`
    is the cause alone and `since` the London day on which it began, where the sentence names these.
    """

    kind: str
    said: str
    command: str
    tables: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    why: str = ""
    since: date | None = None

    @property
    def sentence(self) -> str:
        """The whole sentence, with the tables it is about."""
        return f"{named(self.tables)}: {self.said}" if self.tables else self.said

    @property
    def next_command(self) -> str:
        """The command that is to be given next, for all of these tables."""
        return self._typed(self.command)

    @property
    def hints(self) -> tuple[str, ...]:
        """The next command and those that may be right instead."""
        return tuple(map(self._typed, (self.command, *self.others)))

    def _typed(self, command: str) -> str:
        return command.replace("TABLE", " ".join(self.tables))


@dataclass(frozen=True, slots=True)
class Series:
    """How a table's last runs went that were not well: the last one's outcome and message, the first and how many."""

    outcome: str
    message: str
    since: datetime
    runs: int
    first_run: int


@dataclass(frozen=True, slots=True)
class SetBack:
    """A rollback that stands: its run, to what, and whether what came since is voided."""

    run: int
    target: str
    is_voided: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a table; days are London's, `since_open` when an open window was first not read to its end.

    `set_back` is the last rollback, where nothing was published since. `total` is the API's when it was last known,
    `held_then` the rows held at that moment where they were counted, and `excused` records that the API counts and that
    cannot be rows: refused, forgotten, or sent twice. `believed_percent` is how much of a table may change at once.
    """

    table: str
    cadence: Cadence
    today: date
    is_loaded: bool = False
    is_sampled: bool = False
    has_version: bool = False
    published: date | None = None
    series: Series | None = None
    open: tuple[str, ...] = ()
    gaps: tuple[Gap, ...] = ()
    held: int = 0
    total: int | None = None
    held_then: int | None = None
    counted_on: date | None = None
    excused: int = 0
    waiting: bool = field(default=False)
    set_back: SetBack | None = None
    believed_percent: float = 100.0


def troubles_of(facts: Facts) -> list[Trouble]:
    """What is not well with a table, the worst first."""
    judges: Sequence[Callable[[Facts], Trouble | None]] = (
        *(_broken, _set_back, _open, _never, _waiting, _gaps, _missing, _stale),
    )
    found = [replace(one, tables=(facts.table,)) for judge in judges if (one := judge(facts)) is not None]
    kinds = {one.kind for one in found}
    is_other_api = any(one.kind == "held" and one.command == DOCTOR for one in found)  # its total says nothing
    return [
        one
        for one in found
        if not (one.kind == "open" and "failed" in kinds)
        and not (one.kind in ("missing", "too many") and (is_other_api or "rolled back" in kinds))
        and not (one.kind in ("waiting", "stale") and "rolled back" in kinds)
    ]


def hints_shown(troubles: Sequence[Trouble]) -> list[tuple[Trouble, tuple[str, ...]]]:
    """Troubles with the hints to print: a run of everything, once it was named, is also what single tables need.

    Where the place of the lake is what is wrong, every run is refused, and none is named.
    """
    shown: list[tuple[Trouble, tuple[str, ...]]] = []
    is_run_named = any(one.kind == "place" for one in troubles)
    for one in troubles:
        shown.append((one, one.hints[1:] if is_run_named and one.command == AGAIN else one.hints))
        is_run_named = is_run_named or one.command == "planlake run"
    return shown


def joined(troubles: Iterable[Trouble]) -> list[Trouble]:
    """One sentence for what is the same of several tables, in the order in which it was first said."""
    found: dict[Trouble, list[str]] = {}
    for one in troubles:
        found.setdefault(replace(one, tables=()), []).extend(one.tables)
    return [replace(one, tables=tuple(tables)) for one, tables in found.items()]


def named(tables: Sequence[str]) -> str:
    """Tables in a sentence."""
    if len(tables) > NAMES_SHOWN:
        return listed(tables, NAMES_SHOWN)
    return " and ".join(filter(None, (", ".join(tables[:-1]), tables[-1])))


def unanswered(tables: Sequence[str], days: Sequence[date], why: str, today: date) -> Trouble:
    """That the API was asked for days once more, as for today, and did not answer in full: no table is worse for it."""
    asked = " and ".join(day_in_words(day, today) for day in sorted(days))
    said = f"the API was asked again for {asked} and did not answer in full: {why}; what came before is shown"
    return Trouble("unanswered", f"{said}; the next run asks again", DOCTOR, tuple(tables), why=why)


def day_in_words(day: date, today: date) -> str:
    """A day as people say it: without the year where it is this one's."""
    return f"{day.day} {day:%B}" + ("" if day.year == today.year else f" {day.year}")


def _broken(facts: Facts) -> Trouble | None:
    """The last runs of the table failed, or a check holds it."""
    series = facts.series
    if series is None or series.outcome not in ("held", "failed"):
        return None
    began, shown = london_day(series.since), _shown(facts)
    since = day_in_words(began, facts.today)
    runs = f", {series.runs} runs" if series.runs > 1 else ""
    said = f"{series.outcome} since {since} (run {series.first_run}{runs}): {series.message}; {shown}"
    if series.outcome == "held" and is_of_deletions(series.message):
        believe = "planlake run TABLE --full --accept-deletions, if this is the right API and they were deleted"
        return Trouble("held", said, DOCTOR, others=(believe,), why=series.message, since=began)
    if series.outcome == "held":
        return Trouble("held", said, "planlake check TABLE", why=series.message, since=began)
    is_outside = series.message.startswith("the lake") or is_not_the_api(series.message)
    return Trouble("failed", said, DOCTOR if is_outside else AGAIN, why=series.message, since=began)


def _set_back(facts: Facts) -> Trouble | None:
    """A rollback that stands: what each of the ways on from it means."""
    back = facts.set_back
    if back is None or not (facts.waiting or back.is_voided):
        return None
    said = f"rolled back to {_target(back.target, facts.today)} (run {back.run}); {_shown(facts)}"
    undo = "planlake undo, which takes the rollback back"
    if back.is_voided:
        said += "; the next run asks the API again for what came since"
        return Trouble("rolled back", said, AGAIN, others=(undo,))
    said += "; the next run applies the same records again"
    asked_again = f"planlake rollback TABLE --to {back.target} --zone all, after the undo, if the records were wrong"
    return Trouble(
        "rolled back", said, undo, others=(asked_again, "planlake run TABLE, which applies the same records again")
    )


def _target(target: str, today: date) -> str:
    if target.isdigit():
        return f"run {target}"
    return day_in_words(date.fromisoformat(target), today) if target[:1].isdigit() else "the version before the last"


def _shown(facts: Facts) -> str:
    if not facts.has_version:
        return "no version is published yet"
    if not facts.held:
        return "it shows no rows"
    return f"{KEPT}, of {day_in_words(facts.published, facts.today)}" if facts.published else KEPT


def _open(facts: Facts) -> Trouble | None:
    if not facts.open:
        return None
    series, windows = facts.series, ", ".join(facts.open[:3])
    if series is None or series.outcome != "open":
        return Trouble("open", f"open, begun and not read to its end: {windows}; {_shown(facts)}", AGAIN)
    began = london_day(series.since)
    said = f"failed since {day_in_words(began, facts.today)}: {series.message}; {_shown(facts)}"
    command = DOCTOR if is_not_the_api(series.message) else AGAIN
    return Trouble("open", said, command, why=series.message, since=began)


def _never(facts: Facts) -> Trouble | None:
    if facts.is_loaded or facts.open or facts.series is not None:
        return None
    if facts.is_sampled:
        return Trouble("sample", "holds a sample only", AGAIN)
    if facts.has_version:
        said = f"its full reading no longer counts; the next run reads it again; {_shown(facts)}"
        return Trouble("to be read", said, AGAIN)
    return Trouble("not loaded", "never loaded", AGAIN)


def _waiting(facts: Facts) -> Trouble | None:
    if not facts.waiting or facts.open or facts.series is not None or not facts.is_loaded:
        return None
    return Trouble("waiting", f"the latest records are not shown yet; {_shown(facts)}", AGAIN)


def _gaps(facts: Facts) -> Trouble | None:
    if not facts.gaps:
        return None
    windows = sorted({gap.window for gap in facts.gaps})
    pages = sum(gap.page is not None for gap in facts.gaps)
    what = f"{pages} pages were given up" if pages else f"{len(windows)} days were never read"
    one = {1: what.replace("pages", "page").replace("days", "day").replace("were", "was")}
    span = windows[0] if len(windows) == 1 else f"{windows[0]} to {windows[-1]}"
    command = f"planlake backfill TABLE --from {windows[0]} --to {windows[-1]}"
    if not windows[0][:1].isdigit():
        command = "planlake run TABLE --full"
    return Trouble("gaps", f"{one.get(pages or len(windows), what)}: {span}", command)


def _missing(facts: Facts) -> Trouble | None:
    """Fewer or more rows than the API has. More can only be told of the moment at which they were counted."""
    if facts.total is None or facts.counted_on is None or not facts.has_version:
        return None
    counted = f"the API had {facts.total:,} on {day_in_words(facts.counted_on, facts.today)}"
    missing = facts.total - facts.excused - facts.held
    if missing > 0:
        many = "1 row is missing" if missing == 1 else f"{missing:,} rows are missing"
        return _differing("missing", f"{many}: {facts.held:,} are held, {counted}", missing, facts)
    more = facts.held_then - facts.total if facts.held_then is not None else 0
    if more > 0:
        many = f"{more:,} row{'s' * (more > 1)} more than the API has"
        return _differing("too many", f"{many}: {facts.held_then:,} were held when {counted}", more, facts)
    return None


def _differing(kind: str, said: str, rows: int, facts: Facts) -> Trouble:
    """What to do where the API has other rows: of many more or less than are believed gone it may be another API."""
    command = "planlake reconcile TABLE --deep --repair"
    if rows == 1 or 100 * rows <= facts.believed_percent * max(facts.held, facts.total or 0):
        return Trouble(kind, said, command)
    return Trouble(kind, said, DOCTOR, others=(f"{command}, if the right API answers",))


def _stale(facts: Facts) -> Trouble | None:
    if facts.published is None or (facts.series is not None and facts.series.outcome != "open"):
        return None
    days = (facts.today - facts.published).days
    if days <= STALE_DAYS[facts.cadence]:
        return None
    published = day_in_words(facts.published, facts.today)
    return Trouble("stale", f"last published on {published}, {days} days ago, and it is read {facts.cadence}", AGAIN)


@dataclass(frozen=True, slots=True)
class Ran:
    """A run or command as a whole, as `runs` has it; when it began is UTC, None where nothing tells."""

    run: int
    started_at: datetime | None
    outcome: str
    message: str


def troubles_of_runs(ran: Iterable[Ran], today: date) -> Iterator[Trouble]:
    """What is not well with the last runs, newest first: they failed, or never ended, since one went well."""
    series: list[Ran] = []
    for one in ran:
        if one.outcome in ("finished", "nothing to do"):
            break
        if one.outcome in ("failed", "killed", "stopped", "not ended"):
            series.append(one)
    if not series:
        return
    last, first = series[0], series[-1]
    how = {"failed": f"failed: {last.message}", "stopped": f"was stopped {last.message}"}
    how["killed"] = f"was killed; {last.message}".removesuffix("; ")
    said = how.get(last.outcome, f"did not end: {last.message}")
    when = f" of {day_in_words(london_day(last.started_at), today)}" if last.started_at else ""
    before = f"; {len(series)} in a row did not end well" if len(series) > 1 else ""
    if before and first.started_at:
        before += f", since {day_in_words(london_day(first.started_at), today)} (run {first.run})"
    command = DOCTOR if last.outcome == "failed" else "planlake run"
    yield Trouble("last run", f"the last run ({last.run}{when}) {said}{before}", command)
