"""Finds columns that come and go: compares the columns that the records of a run had with those known before.

What was noticed before stands in `drift` itself, so a column is told once when it comes and once when it goes.
"""

from collections.abc import Collection, Iterator, Mapping

from planlake.engines.sql import literal
from planlake.flow.context import Context
from planlake.flow.refine.result import NEVER_SENT, NOTICED, SENT_AGAIN, UNDECLARED, VANISHED, Drift
from planlake.lake.built_in_tables import built_in_rows_sql
from planlake.sources.catalogue import Resource


def column_changes(
    context: Context, resource: Resource, columns: Mapping[str, bool], sent: Collection[str], held: Collection[str]
) -> tuple[Drift, ...]:
    """What is new about the columns of a resource: `sent` came with this run's records, `held` may have values already.

    `columns` says of each whether it is declared.

    The API sends every key with every record, so a column that no record had is one it no longer has.
    """
    if not set(sent) - {resource.key}:  # nothing but deletions
        return ()
    known = last_noticed(context, resource.name)
    return tuple(_changes(columns, sent, known, held))


def _changes(
    columns: Mapping[str, bool], sent: Collection[str], known: Mapping[str, str], held: Collection[str]
) -> Iterator[Drift]:
    for column, is_declared in columns.items():
        before = known.get(column)
        is_gone = before in (NEVER_SENT, VANISHED)
        if column in sent and is_gone:
            yield Drift(column, SENT_AGAIN)
        elif column in sent and before is None and not is_declared:
            yield Drift(column, UNDECLARED)
        elif column not in sent and not is_gone:
            yield Drift(column, VANISHED if column in held else NEVER_SENT)


def last_noticed(context: Context, resource: str) -> dict[str, str]:
    """What was noticed last of each column of a resource."""
    return {column: what for (_, column), what in last_told(context, NOTICED, resource).items() if column}


def not_sent(context: Context, resource: str) -> set[str]:
    """Columns of a resource that no record has: none ever had them, or none has them any more."""
    return {column for column, what in last_noticed(context, resource).items() if what in (NEVER_SENT, VANISHED)}


def last_told(context: Context, kinds: Collection[str], resource: str | None = None) -> dict[tuple[str, str], str]:
    """Which of these kinds was told last, by resource and column (empty for the resource itself)."""
    rows = built_in_rows_sql(context.lake, "operations", "drift", columns=("run", "resource", "column", "what"))
    of_resource = f"and resource = {literal(resource)}" if resource is not None else ""
    query = f"""select resource, coalesce("column", ''), arg_max(what, run) from {rows}
                where what in ({", ".join(map(literal, kinds))}) {of_resource} group by all"""
    with context.connection.cursor() as cursor:
        return {(name, column): what for name, column, what in cursor.execute(query).fetchall()}
