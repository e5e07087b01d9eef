"""What is checked of a model's rows before they are committed, on the rows themselves."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import duckdb

from planlake.checks.quality import CheckResult, accepted_values, complete, custom, relations, rows_dropped
from planlake.engines.duckdb.connection import Connection
from planlake.engines.sql import identifier, literal
from planlake.errors import ConfigurationError
from planlake.flow.trust.room import NO_VALUE, OF_LIMITS, OF_THE_TEXT
from planlake.lake.views.models import Model
from planlake.lake.views.parse_query import parse_query

Rows = Callable[[str], str]  # a table expression of another table that a relation leads to, by `schema.table`


@dataclass(frozen=True, slots=True)
class Before:
    """The rows of the version that is shown, and how many percent fewer a new one may have; None where any may."""

    rows: int
    percent: float | None


def model_checks(
    connection: Connection, model: Model, *, rows: str, others: Rows, before: Before
) -> tuple[CheckResult, ...]:
    """The checks of a model on a table expression; a ConfigurationError where one cannot be carried out."""
    try:
        return tuple(_held(one) for one in _checks(connection, model, rows=rows, others=others, before=before))
    except duckdb.Error as error:
        if isinstance(error, OF_LIMITS):
            raise
        said = str(error).splitlines()[0] if isinstance(error, OF_THE_TEXT) else NO_VALUE
        message = f"a check of the model {model.name} cannot be carried out: {said}"
        raise ConfigurationError(message, facts={"at": model.file.name}) from None


def _checks(connection: Connection, model: Model, *, rows: str, others: Rows, before: Before) -> Iterator[CheckResult]:
    def figure(query: str) -> tuple[int, ...]:
        return tuple(int(one or 0) for one in connection.execute(query).fetchall()[0])

    checks = model.checks
    for condition in checks.conditions.values():
        parse_query(connection, f"select [{condition}\n]")  # so it is one: it cannot close brackets of two kinds
    counted = [f"count({identifier(column)})" for column in checks.complete]
    for column, values in checks.accepted.items():
        known = ", ".join(map(literal, values))
        counted.append(f"count(*) filter (where {identifier(column)}::varchar not in ({known}))")
    counted += [f"count(*) filter (where ({one}\n) is not true)" for one in checks.conditions.values()]
    total, *counts = figure(f"select {', '.join(['count(*)', *counted])} from {rows}")  # each query binds all columns
    count = iter(counts)
    if before.percent is not None:
        yield rows_dropped(before=before.rows, after=total, percent=before.percent)
    for columns in checks.unique:
        names = ", ".join(map(identifier, columns))
        (doubled,) = figure(f"select sum(n - 1) from (select count(*) as n from {rows} group by {names} having n > 1)")
        message = f"{doubled} rows repeat a {' and '.join(columns)}" if doubled else ""
        yield CheckResult("unique", "held" if doubled else "ok", float(doubled), 0.0, ", ".join(columns), message)
    for column in checks.complete:
        yield complete(column, filled=next(count), rows=total, minimum=1.0)
    for column, target in checks.relations.items():
        place, _, key = target.rpartition(".")
        known = f"select {identifier(key)} as id from {others(place)}"
        (lost,) = figure(f"""select count(*) from {rows} as made where made.{identifier(column)} is not null
                             and not exists (from ({known}) as other where other.id = made.{identifier(column)})""")
        yield relations(column, place, rows=lost)
    for column in checks.accepted:
        yield accepted_values(column, rows=next(count), example="")  # which may be somebody's name
    for name, condition in checks.conditions.items():
        yield custom(name, rows=next(count), condition=f"not ({condition})", holds=True)


def _held(one: CheckResult) -> CheckResult:
    """A check that a model names is one it must pass, of whatever kind it is."""
    return replace(one, verdict="held") if one.verdict == "warning" else one
