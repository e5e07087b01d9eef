"""Columns that come and go: in go the columns a run's records had, out come rows of `drift` for what is new about them.

What was noticed before stands in `drift` itself, so a column is told once when it comes and once when it goes.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from planlake.clock import naive_utc
from planlake.engines.sql import literal
from planlake.flow.context import Context
from planlake.lake.reading import own_rows_sql
from planlake.sources.catalogue import Resource

# What is noticed of a column: nobody declared it; it is declared and never came; it came no more; it came again.
UNDECLARED, NEVER_SENT, VANISHED, SENT_AGAIN = "undeclared", "never sent", "vanished", "sent again"


@dataclass(frozen=True, slots=True)
class Drift:
    """Something new about a column of a resource."""

    column: str
    what: str


def noticed(
    context: Context, resource: Resource, columns: Collection[str], sent: Collection[str], *, is_first: bool
) -> tuple[Drift, ...]:
    """What is new about the columns of a table, of which `sent` came with this run's records.

    The API sends every key with every record, so a column that no record had is one it no longer has.
    """
    if not set(sent) - {resource.key}:  # nothing but deletions
        return ()
    known = _known(context, resource)
    return tuple(_changes(resource, columns, sent, known, is_first=is_first))


def _changes(
    resource: Resource, columns: Collection[str], sent: Collection[str], known: dict[str, str], *, is_first: bool
) -> Iterator[Drift]:
    for column in columns:
        before = known.get(column)
        is_gone = before in (NEVER_SENT, VANISHED)
        if column in sent and is_gone:
            yield Drift(column, SENT_AGAIN)
        elif column in sent and before is None and column not in resource.columns:
            yield Drift(column, UNDECLARED)
        elif column not in sent and not is_gone:
            yield Drift(column, NEVER_SENT if is_first else VANISHED)


def _known(context: Context, resource: Resource) -> dict[str, str]:
    """What was noticed last of each column."""
    rows = own_rows_sql(context.lake, "operations", "drift", columns=("run", "resource", "column", "what"))
    query = f"""select "column", arg_max(what, run) from {rows}
                where resource = {literal(resource.name)} and "column" is not null group by 1"""
    with context.connection.cursor() as cursor:
        return dict(cursor.execute(query).fetchall())


def drift_rows(context: Context, resource: str, found: Collection[Drift]) -> Iterator[dict[str, object]]:
    """What was noticed as rows of `drift`."""
    for one in found:
        yield {
            "run": context.run,
            "resource": resource,
            "column": one.column,
            "what": one.what,
            "noticed_at": naive_utc(context.clock.now()),
        }
