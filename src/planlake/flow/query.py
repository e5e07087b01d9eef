"""Opening a lake for queries: in goes the configuration, out come views that open the tables a query names."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from planlake.config import Config
from planlake.engines.duckdb import connected
from planlake.lake.previews import open_to_read
from planlake.lake.views import Views
from planlake.sources.catalogue import catalogue_of
from planlake.sources.records import texts_of


@contextmanager
def opened_views(config: Config, *, environment: str | None = None, as_of: date | None = None) -> Iterator[Views]:
    """The views of a lake on a connection of their own, as of a day where one is named."""
    lake = open_to_read(config, environment)
    with connected(config.settings.memory_limit_megabytes) as connection:
        yield Views(lake, catalogue_of(config).resources, connection, texts_of, as_of)
