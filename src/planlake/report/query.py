"""Opening a lake for queries: in goes the configuration, out comes what answers them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from planlake.config import Config
from planlake.engines.duckdb.connection import connected_to_read
from planlake.engines.duckdb.locked import Limits
from planlake.lake.opening import open_to_read
from planlake.lake.views.query import Asked
from planlake.lake.views.views import Views
from planlake.sources.catalogue import catalogue_of
from planlake.sources.records import texts_of


def opened_lake(config: Config, *, environment: str | None = None, as_of: date | None = None) -> Asked:
    """A lake for queries that people write, as of a day where one is named; `lake.query.answered` answers them."""
    limits = Limits(config.settings.query_seconds, config.settings.query_memory_megabytes)
    return Asked(open_to_read(config, environment), catalogue_of(config).resources, texts_of, limits, as_of)


@contextmanager
def opened_views(config: Config, *, environment: str | None = None, as_of: date | None = None) -> Iterator[Views]:
    """The views of a lake on a connection that may write files, for SQL of our own, as of a day where one is named."""
    lake = open_to_read(config, environment)
    with connected_to_read(config.settings.memory_limit_megabytes) as connection:
        yield Views(lake, catalogue_of(config).resources, connection, texts_of, as_of)
