"""Opens a lake for queries, and fetches whole answers from it."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date

import pyarrow as pa

from planlake.clock import read_clock
from planlake.config import Config
from planlake.engines.duckdb.connection import connected_to_read
from planlake.engines.duckdb.locked import Limits
from planlake.engines.memory import no_more_than
from planlake.flow.trust.room import given, models_of
from planlake.lake.open_lake import open_to_read
from planlake.lake.views.models import Models
from planlake.lake.views.parse_query import check_text
from planlake.lake.views.query import QueryContext, Values, answer_query
from planlake.lake.views.views import Views
from planlake.report.printable_rows import unique
from planlake.sources.catalogue import catalogue_of
from planlake.sources.meanings import plain_texts
from planlake.sources.records import texts_of


def open_for_queries(
    config: Config, *, environment: str | None = None, as_of: date | None = None, hides_personal: bool = False
) -> QueryContext:
    """A lake for queries that people write, as of a day where one is named; `lake.query.answered` answers them."""
    limits = Limits(config.settings.query_seconds, config.settings.query_memory_megabytes)
    resources = catalogue_of(config).resources
    return QueryContext(
        *(open_to_read(config, environment), resources, texts_of, limits, as_of, models_in(config, resources)),
        hides_personal=hides_personal,
        plain_texts=plain_texts(config) if hides_personal else {},
    )


def models_in(config: Config, resources: Mapping[str, object]) -> Models:
    """The models of a configuration and what they are given; none where it has no folder for them."""
    if not (config.folder / config.models.folder).is_dir():
        return given(config, Models())
    with connected_to_read(config.settings.memory_limit_megabytes) as connection:
        return models_of(config, connection, resources)


@contextmanager
def open_views(config: Config, *, environment: str | None = None, as_of: date | None = None) -> Iterator[Views]:
    """The views of a lake on a connection that may write files, for SQL of our own, as of a day where one is named."""
    lake = open_to_read(config, environment)
    with connected_to_read(config.settings.memory_limit_megabytes) as connection:
        resources = catalogue_of(config).resources
        models = models_in(config, resources)
        models.define_macros(connection, "", as_of or read_clock().today())
        yield Views(lake, resources, connection, texts_of, as_of, models=models)


@dataclass(frozen=True, slots=True)
class Fetched:
    """A whole answer: its rows, of which no two columns have one name, and what to know of it.

    It `is_cut` where there are more rows than were asked for; `hidden` are columns whose values are.
    """

    rows: pa.Table
    notes: tuple[str, ...]
    is_cut: bool = False
    hidden: tuple[str, ...] = ()


def fetch(asked: QueryContext, query: str, values: Values = None, *, most: int | None = None) -> Fetched:
    """Every row of a query, or the first `most`; a ConfigurationError says what is wrong with it.

    The rows may take as much memory as the query itself. Raises LakeError where a file of a table cannot be read.
    """
    check_text(query)
    pieces, count, size, is_cut = list[pa.RecordBatch](), 0, 0, False
    megabytes = asked.limits.megabytes
    with no_more_than(megabytes), answer_query(asked, query, values) as answer, closing(answer.pieces) as coming:
        notes = answer.notes
        for piece in coming:
            pieces.append(piece if most is None else piece.slice(0, most - count))
            count, size = count + piece.num_rows, size + piece.nbytes
            if size > megabytes * 1_000_000:
                raise MemoryError
            if most is not None and count > most:
                is_cut = True
                asked_for = "row was" if most == 1 else f"{most:,} rows were"
                notes = (*notes, f"only the first {asked_for} asked for; there are more")
                break
        rows = pa.Table.from_batches(pieces, answer.schema)
    return Fetched(rows.rename_columns(unique(rows.column_names)), notes, is_cut, answer.hidden)
