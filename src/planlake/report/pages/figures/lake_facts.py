"""What every page asks: the lake's own records, without anything personal, and the verdict of each table."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, TypeVar, cast

import duckdb
import pyarrow as pa

from planlake.clock import naive_utc, read_clock
from planlake.config import Config
from planlake.engines.duckdb.connection import Connection, connected_to_read
from planlake.engines.sql import identifier
from planlake.errors import LakeError
from planlake.lake.built_in_tables import built_in_rows_sql
from planlake.lake.lake import Lake
from planlake.lake.open_lake import open_to_read
from planlake.lake.repair.damage import explain_error
from planlake.lake.tables.columns import TABLES
from planlake.lake.views.models import Models
from planlake.lake.views.personal import SENTENCES, without_examples_sql
from planlake.report.pages.figures.kept import Kept
from planlake.report.query import models_in
from planlake.report.status import Status, status_of
from planlake.report.verdicts import Verdict, verdicts
from planlake.sources.catalogue import catalogue_of

if TYPE_CHECKING:
    from pyiceberg.table import Table

Found = TypeVar("Found")
# Columns that hold values or ids of the vendor's records. No page can ask for them.
PERSONAL = ("id", "raw_value", "api_response", "url", "first_id", "last_id", "salt", "id_hash")
LEFT_OUT = ("api_responses", "previewed", "forgotten")


@dataclass(frozen=True, slots=True)
class LakeFacts:
    """A lake that is open to be read, at one moment (`now` is UTC, without zone; `today` is London's).

    `connection` has the views `runs`, `published`, `checks`, `journal`, `drift`, `documented`, `uncastable`, `rejected`
    and `api_requests`, as docs/databases.md has them, without the columns in `PERSONAL`. `kept` is what was worked out
    of versions of tables.
    """

    config: Config
    environment: str
    lake: Lake
    connection: Connection
    now: datetime
    today: date
    status: Status
    verdicts: Mapping[str, Verdict]
    models: Models
    kept: Kept = field(default_factory=Kept, repr=False)
    worked_out: dict[str, object] = field(default_factory=dict, repr=False)

    def ask(self, query: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """The rows of a query over the lake's own records; `values` stand for each `?`."""
        return self.connection.execute(query, values).fetchall()

    def once(self, name: str, work_out: Callable[[], Found]) -> Found:
        """What several pages need, under a name of its own, worked out for the first of them."""
        if name not in self.worked_out:
            self.worked_out[name] = work_out()
        return cast("Found", self.worked_out[name])

    def table(self, zone: str, name: str) -> "Table | None":
        """A table as it is shown; None where there is none, or its metadata is damaged, which its verdict says."""
        try:
            return self.lake.shown(zone, name)
        except LakeError:
            return None


@contextmanager
def explaining(lake: Lake) -> Iterator[None]:
    """Say which files are gone or damaged where something cannot be read for that: a LakeError with what repairs it."""
    try:
        yield
    except (LakeError, duckdb.Error, pa.ArrowException, OSError) as error:
        if (found := explain_error(lake, error)) is error:
            raise
        raise found from error


@contextmanager
def open_facts(config: Config, environment: str | None = None, *, kept: Kept | None = None) -> Iterator[LakeFacts]:
    """The facts of an environment or a preview as they are now; a LakeError where it cannot be read.

    `kept` is what was worked out before, and is given what is worked out now.
    """
    lake, clock = open_to_read(config, environment), read_clock()
    with explaining(lake), connected_to_read(config.settings.memory_limit_megabytes) as connection:
        found = status_of(config, lake, connection, environment)
        for zone, name in TABLES:
            if name not in LEFT_OUT:
                _make_view(lake, connection, (zone, name))
        name = environment or next(iter(config.environments))
        now = naive_utc(clock.now())
        models = models_in(config, catalogue_of(config).resources)
        of_tables, before = verdicts(found), kept or Kept()
        yield LakeFacts(config, name, lake, connection, now, clock.today(), found, of_tables, models, before)


def _make_view(lake: Lake, connection: Connection, place: tuple[str, str]) -> None:
    """A table of the lake's own as a temporary one: it is read once, without what is personal and without examples."""
    names = [name for name in TABLES[place] if name not in PERSONAL]
    columns = ", ".join(
        f"{without_examples_sql(name)} as {name}" if name in SENTENCES else identifier(name) for name in names
    )
    rows = built_in_rows_sql(lake, *place, columns=names)
    connection.execute(f"create or replace temp table {identifier(place[1])} as select {columns} from {rows}")
