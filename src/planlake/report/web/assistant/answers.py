"""What assistants are told of a lake, as lines of text, out of the records that the pages are made of.

None of these lines shows a value of a record: values come from `query` alone, which the worker carries out.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date

from planlake.checks.examples import without_examples
from planlake.errors import ConfigurationError
from planlake.report.check_history import HISTORY, CheckHistory, histories_in
from planlake.report.pages import words
from planlake.report.pages.figures.catalogue import catalogue
from planlake.report.pages.figures.change import changes_of
from planlake.report.pages.figures.drift import Difference
from planlake.report.pages.figures.drift import drift as differences
from planlake.report.pages.figures.lake_facts import LakeFacts
from planlake.report.pages.figures.quality import figure_said, quality, trend_said
from planlake.report.pages.figures.runs import runs
from planlake.report.pages.figures.today import today
from planlake.report.status import of_tables
from planlake.report.troubles import Trouble
from planlake.report.verdicts import Verdict
from planlake.report.web.assistant.asked import AboutDay, AboutTable, Nothing
from planlake.sources.catalogue import catalogue_of

Lines = Iterator[str]
OPEN_SHOWN, NAMES_SHOWN = 50, 10


def tables(facts: LakeFacts, _: Nothing) -> Lines:
    """Every table and model with how it stands, and the databases that they are in."""
    found = catalogue(facts)
    yield f"{found.answer}, in the database {found.refined}; models are in {found.trusted}"
    for one in found.tables:
        verdict = one.verdict
        yield (
            f"{one.name}: {_stands(verdict)}; {words.counted(one.columns, 'column', 'columns')}, read {one.cadence}"
            f"{f'; key: {one.about}' if one.about else ''}"
        )
    for model in found.models:
        yield f"{model.name}: a {model.kind} of the models; {model.about or 'not described'}; reads {_few(model.reads)}"
    for database in found.databases:
        yield f"{database.name}: {database.about} It has {', '.join(name for name, _, _ in database.tables)}"
    if found.others:
        yield f"{words.counted(len(found.others), 'resource', 'resources')} of the source are known and not loaded"


def status(facts: LakeFacts, asked: AboutTable) -> Lines:
    """What is not well, since when, and the next command; of one table alone where it is named."""
    if asked.table:
        yield from _status_of_table(facts, asked.table)
        return
    found = today(facts)
    yield f"{found.answer}: {found.summary}"
    for trouble in facts.status.troubles:
        yield from _trouble(trouble)
    yield from map(without_examples, found.notes)
    if (last := found.last_run) is not None:
        began = words.moment(last.started_at, facts.today)
        records = words.counted(last.records, "record", "records")
        yield f"the last run ({last.run}) began {began}: {last.outcome}, {records}"
    for one in found.corrections:
        done = f"{one.what} {words.moment(one.at, facts.today)} (run {one.run})"
        yield f"{words.named(one.tables) or 'the lake'}: {done}; {without_examples(one.message)}".removesuffix("; ")


def _status_of_table(facts: LakeFacts, name: str) -> Lines:
    found = of_tables(facts.status, [name])
    verdict, [table] = facts.verdicts[name], found.tables
    yield f"{name}: {_stands(verdict)}"
    if table.total is not None:
        yield f"the API had {words.number(table.total)} rows when they were last counted, {_moment(table.counted_at)}"
    for window, what in ((table.gaps, "given up or never read"), (table.open, "not read to their end")):
        if window:
            yield f"{what}: {_few(window)}"
    for trouble in found.troubles:
        yield from _trouble(replace(trouble, tables=(name,)) if trouble.tables else trouble)


def checks(facts: LakeFacts, asked: AboutTable) -> Lines:
    """The checks that do not hold, with how their figures went; of a table that is named all its checks."""
    if asked.table:
        _check_table(facts, asked.table)
        found = histories_in(facts.config, facts.connection, "checks", HISTORY)
        own = [one for one in found if one.table == asked.table]
        yield from map(_check, own) if own else ["no check was made of it yet"]
        return
    all_of_them = quality(facts)
    yield all_of_them.answer
    yield from map(_check, all_of_them.not_well)
    if all_of_them.well:
        yield f"well: {', '.join(f'{name} of {count}' for name, count in all_of_them.well)} tables or columns"
    for cast in all_of_them.not_cast[:OPEN_SHOWN]:
        cells = words.counted(cast.cells, "cell", "cells")
        yield f"{cast.table}.{cast.column}: {cells} could not be read as {cast.type}, the newest in run {cast.run}"
    for one in all_of_them.rejected[:OPEN_SHOWN]:
        records = words.counted(one.records, "record", "records")
        yield f"{one.table}: {records} could not become rows ({one.reason}), the newest in run {one.run}"


def drift(facts: LakeFacts, asked: AboutTable) -> Lines:
    """What still differs from what was declared, and what was noticed in the last 30 days and no longer does."""
    if asked.table:
        _check_table(facts, asked.table)
    found = differences(facts)
    if not asked.table:
        yield found.answer
    still = [one for one in found.still if asked.table in ("", one.table)]
    settled = [one for one in found.settled if asked.table in ("", one.table)]
    for heading, some in (("open", still), ("noticed in the last 30 days, and settled", settled)):
        yield from (f"{heading}: {_difference(one)}" for one in some[:OPEN_SHOWN])
        if len(some) > OPEN_SHOWN:
            yield f"{heading}: {len(some) - OPEN_SHOWN} more; name a table"
    if asked.table and not still and not settled:
        yield f"{asked.table}: the source sends what was declared"


def changes(facts: LakeFacts, asked: AboutDay) -> Lines:
    """How many records a day added, changed and deleted, by table, and what ran on it."""
    day = _day(asked.day) if asked.day else None
    resources = catalogue_of(facts.config)
    found = {name: changes_of(facts, resources.resource(name)) for name in facts.verdicts}
    days = [of for some in found.values() for of, *_ in some]
    day = day or max(days, default=facts.today)
    own = [(name, one) for name, some in found.items() for one in some if one[0] == day]
    yield f"{day}: {'' if own else 'nothing came; '}days are London's, of the requests that brought records"
    yield "a run early in the morning brings what changed the day before"
    for name, (_, added, changed, deleted) in own:
        yield f"{name}: {words.number(added)} added, {words.number(changed)} changed, {words.number(deleted)} deleted"
    for one in runs(facts).runs:
        if one.started_at is not None and words.in_london(one.started_at).date() == day:
            said = without_examples(one.message)
            yield f"run {one.run}, {words.in_london(one.started_at):%H:%M}: {one.ended}{f'; {said}' if said else ''}"
    earlier = max((of for of in days if of < day), default=None)
    if earlier is not None:
        yield f"the day before on which anything came: {earlier}"


def _stands(one: Verdict) -> str:
    """How a table stands: complete or not, of which day, how many rows, and why not."""
    as_of = f", as of {one.published}" if one.published else ""
    rows = f", {words.counted(one.rows, 'row', 'rows')}" if one.rows is not None else ""
    why = f"; {words.plainly(one.why)}" if one.why else ""
    return f"{one.state}{as_of}{rows}{why}{f'; since {one.since}' if one.since else ''}"


def _trouble(one: Trouble) -> Lines:
    since = f" (since {one.since})" if one.since else ""
    yield f"not well: {without_examples(one.sentence)}{since}"
    yield from (f"next: {command}" for command in one.hints)


def _check(one: CheckHistory) -> str:
    place = f"{one.table}.{one.column}" if one.column else one.table
    limit = f", the limit is {figure_said(one, one.limit)}" if one.verdict != "ok" else ""
    message = f"; {without_examples(one.message)}" if one.message else ""
    return f"{place}: {one.check} is {one.verdict}: {trend_said(one)}{limit}; made {_moment(one.checked_at)}{message}"


def _difference(one: Difference) -> str:
    place = f"{one.table}.{one.column}" if one.column else one.table
    return f"{place}: {one.what}{f', {one.detail}' if one.detail else ''}; noticed {_moment(one.noticed_at)}"


def _moment(instant: object) -> str:
    return f"{instant:%Y-%m-%d %H:%M} UTC" if instant else words.NOT_KNOWN


def _few(names: Iterable[str]) -> str:
    return words.named(list(names), NAMES_SHOWN)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigurationError("the day is not a date", hint="a day looks like 2026-11-27") from None


def _check_table(facts: LakeFacts, name: str) -> None:
    of_tables(facts.status, [name])
