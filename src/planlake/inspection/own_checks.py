"""The checks of planlake.yaml: which of their conditions cannot be carried out on the columns that the tables have."""

from collections.abc import Iterator

from planlake.config import Config, SqlCheck
from planlake.engines.duckdb.locked import Limits
from planlake.errors import ConfigurationError, LakeError
from planlake.lake.lake import Lake
from planlake.lake.views.conditions import counting


def mistaken_checks(config: Config, lake: Lake) -> Iterator[tuple[SqlCheck, ConfigurationError]]:
    """The checks with what is wrong with them. No row is read; of a table that was never loaded nothing is known."""
    limits = Limits(config.settings.query_seconds, config.settings.query_memory_megabytes)
    for name in dict.fromkeys(check.table for check in config.checks):
        try:
            table = lake.shown("refined", f"current_{name}")
        except LakeError:  # a damaged table is told as one
            continue
        if table is None:
            continue
        with counting(lake, limits, files=[], schema=table.schema(), name=name) as count_where:
            for check in (one for one in config.checks if one.table == name):
                try:
                    count_where(check.rows, {"check": check.name})
                except ConfigurationError as error:
                    yield check, error
