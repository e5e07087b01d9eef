"""What is checked of a new version of `current_` before it is committed."""

from collections.abc import Callable, Iterator, Sequence

from pyiceberg.manifest import DataFile
from pyiceberg.schema import Schema

from planlake.checks.quality import CheckResult, custom, rows_dropped, unique
from planlake.engines.duckdb.locked import Limits
from planlake.engines.duckdb.reading import rows_sql
from planlake.engines.sql import identifier
from planlake.errors import ConfigurationError
from planlake.flow.context import Context
from planlake.lake.row_counts import live_row_count
from planlake.lake.views.conditions import counting
from planlake.sources.catalogue import Resource


def version_checks(
    context: Context, resource: Resource, *, before: Sequence[DataFile], after: Sequence[DataFile], schema: Schema
) -> tuple[CheckResult, ...]:
    """What is checked of a version that is there already, by the files of `current_` it would take the place of."""
    key = identifier(resource.key)
    rows = rows_sql(after, schema, columns=(resource.key,))
    with context.connection.cursor() as cursor:
        total, distinct = cursor.execute(f"select count(*), count(distinct {key}) from {rows}").fetchall()[0]
    counts = [live_row_count(context.connection, schema, files) for files in (before, after)]
    return (
        unique(resource.key, rows=total, distinct=distinct),
        rows_dropped(before=counts[0], after=counts[1], percent=context.config.settings.dropped_rows_percent),
        *own_checks(context, resource, lambda: after, schema),
    )


def own_checks(
    context: Context, resource: Resource, files: Callable[[], Sequence[DataFile]], schema: Schema
) -> Iterator[CheckResult]:
    """The configuration's checks of a table, on the version these files are; a wrong condition is its mistake."""
    wanted = [check for check in context.config.checks if check.table == resource.name]
    if not wanted:
        return
    settings = context.config.settings
    limits = Limits(settings.query_seconds, settings.query_memory_megabytes)
    with counting(context.lake, limits, files=files(), schema=schema, name=resource.name) as count_where:
        for check in wanted:
            try:
                found = count_where(check.rows, {"check": check.name})
            except ConfigurationError as error:
                if check.holds:
                    raise
                yield CheckResult(check.name, "warning", 0.0, 0.0, message=error.message)
                continue
            yield custom(check.name, rows=found, condition=check.rows, holds=check.holds)
