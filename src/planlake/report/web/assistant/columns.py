"""The columns of a table, or those of all tables that have a word in their names or meanings, as lines of text."""

import re
from collections.abc import Iterator, Sequence

from planlake.errors import ConfigurationError
from planlake.lake.about_tables import resource_of
from planlake.lake.tables.columns import key_by_column
from planlake.report.meanings import Described, describe_columns, describe_resource
from planlake.report.pages import words
from planlake.report.pages.figures.described import ColumnLine, column_lines
from planlake.report.pages.figures.lake_facts import LakeFacts
from planlake.report.web.assistant.asked import AboutColumns
from planlake.report.web.frames import Column
from planlake.sources.catalogue import catalogue_of

SHOWN, LABELS_SHOWN = 80, 12
KNOWN_FROM = {"public": "published", "name": "from the column's name", "guess": "a guess"}


def columns(facts: LakeFacts, asked: AboutColumns, of_view: Sequence[Column] = ()) -> Iterator[str]:
    """Columns with types, what they mean and how that is known, and how full they are, 80 of them at most.

    `of_view` are those of the table where it is not a configured one. Raises ConfigurationError where neither a table
    nor a word is given.
    """
    if not asked.table and not asked.containing.strip():
        raise ConfigurationError("a table or a word is needed", hint="the tool tables lists the tables")
    if not asked.table:
        lines = list(_everywhere(facts))
    elif asked.table in facts.verdicts:
        lines = [_column(one) for one in column_lines(facts, catalogue_of(facts.config).resource(asked.table))]
    else:
        lines = [_described(one) for one in _of_view(facts, asked.table.rpartition(".")[2], of_view)]
    wanted = [re.compile(rf"(?<![^\W_]){re.escape(word)}") for word in asked.containing.lower().split()]
    found = [line for line in lines if all(word.search(line.lower()) for word in wanted)]
    yield f"{words.counted(len(found), 'column', 'columns')}{f' of {asked.table}' if asked.table else ''}"
    yield from found[asked.skip : asked.skip + SHOWN]
    left = len(found) - asked.skip - SHOWN
    if left > 0:
        yield f"{left} more: ask again with skip {asked.skip + SHOWN}, or with words in containing"


def _everywhere(facts: LakeFacts) -> Iterator[str]:
    """The declared columns of the whole catalogue, loaded or not, and those that models describe."""
    for resource in catalogue_of(facts.config).resources.values():
        left_out = "" if resource.name in facts.verdicts else "; not loaded"
        for one in describe_resource(facts.config, resource).values():
            yield f"{resource.name}.{_described(one)}{left_out}"
    for model in facts.models.by_name.values():
        yield from (f"{model.name}.{column}: {meaning}" for column, meaning in model.columns.items())


def _of_view(facts: LakeFacts, name: str, shown: Sequence[Column]) -> list[Described]:
    """Columns of a view, a model or a table of Planlake's own, with the meanings that are known."""
    model = facts.models.by_name.get(name)
    if model is not None:
        return [Described(one.name, one.type, model.columns.get(one.name, "")) for one in shown]
    resource = catalogue_of(facts.config).resources.get(resource_of(name))
    increment = facts.lake.shown("refined", f"increment_{resource.name}") if resource is not None else None
    keys = key_by_column(increment.schema() if increment is not None else None, resource) if resource else {}
    return describe_columns(facts.config, resource_of(name), {one.name: one.type for one in shown}, keys)


def _column(one: ColumnLine) -> str:
    """A line such as `fee_type_id integer: what it is (a guess); filled 94 %; leads to fee_types`."""
    notes = [
        "the key" if one.is_key else "",
        "personal" if one.is_personal else "",
        "not declared" if not one.is_declared else "",
        f"filled {words.percent(one.filled)}" if one.filled is not None else "not loaded",
        f"leads to {one.target}{' (a guess)' if one.is_guessed else ''}" if one.target else "",
        _common(one),
    ]
    return "; ".join([_described(one.about), *filter(None, notes)])


def _described(one: Described) -> str:
    source = one.source if one.source != one.confidence else ""
    known = ", ".join(filter(None, (KNOWN_FROM.get(one.confidence or "", ""), source)))
    values = ", ".join(f"{value} = {label}" for value, label in list(one.labels.items())[:LABELS_SHOWN])
    meaning = f": {one.meaning}{f' ({known})' if known else ''}" if one.meaning else ""
    return f"{one.column} {one.type}{meaning}{f'; values: {values}' if values else ''}"


def _common(one: ColumnLine) -> str:
    said = [
        f"{each.value}{f' ({each.label})' if each.label else ''} {words.percent(each.share)}" for each in one.common
    ]
    return f"mostly {', '.join(said)}" if said else ""
