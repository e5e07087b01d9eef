"""Opens a lake for a program, and answers what it is asked."""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Self

from planlake.config import Config
from planlake.engines.sql import identifier
from planlake.errors import ConfigurationError
from planlake.lake.lake import Lake as OpenLake
from planlake.lake.lake import catalogue_file
from planlake.lake.open_lake import open_to_read
from planlake.lake.repair.damage import explain_error
from planlake.lake.views.query import Values
from planlake.lake.views.views import NOTHING_BY_THEN
from planlake.library.answer import Answer
from planlake.library.configuration import Place, find_file, read_configuration
from planlake.report.query import fetch, open_for_queries


@dataclass(frozen=True, slots=True, eq=False)
class Lake:
    """A lake to ask, as it is now or as of a `day`; `open_lake` gives it.

    Each question is answered by the tables as they are at that moment: a lake that stays open while `planlake run` goes
    on shows what was published last. Nothing is held open between two questions, and several threads may ask.
    """

    file: Path
    environment: str
    day: date | None
    _config: Config = field(repr=False)
    _closed: Event = field(repr=False)

    def sql(self, query: str, values: Values = None, *, limit: int | None = None) -> Answer:
        """The answer of one query in DuckDB's SQL; with `limit`, no more than its first rows.

        `values` stand for each `?` in it, or by their names for `$name`.

        >>> lake.sql("select count(*) as n from applications where ward_id = ?", [43]).rows()
        [{'n': 39}]

        Only the tables of the lake are read, and nothing is written: SELECT, WITH, FROM, DESCRIBE, SUMMARIZE, SHOW
        TABLES. A query may take `query_seconds` (600) and `query_memory_megabytes` (1,000), its rows as much again.
        Raises ConfigurationError for a mistake in it, a table there is none of, or one that takes more than it may;
        LakeError where a file of the lake cannot be read.
        """
        return self._answer(query, limit, values)

    def table(self, name: str, *, limit: int | None = None) -> Answer:
        """Every column of a table or view, and every row or the first so many; `DATABASE.TABLE` names it fully.

        >>> len(lake.table("wards")), len(lake.table("applications", limit=10))
        (21, 10)

        Raises what `sql` raises.
        """
        return self._answer(f"select * from {'.'.join(map(identifier, name.rsplit('.', 1)))}", limit)

    def as_of(self, day: date | str) -> "Lake":
        """The same lake, refined tables as they were published on a London day: a date, `2026-11-21` or `20261121`.

        >>> lake.as_of("2026-11-21").table("applications").notes
        ('applications as of 2026-11-21: as published on 2026-11-21',)

        Notes say which version that is. Of a day before the first load the answer has no rows, and a warning says so.
        Raises ConfigurationError for what is no day.
        """
        return replace(self, day=_day(day))

    def close(self) -> None:
        """Answer nothing any more; answers that were given stay. Leaving `with open_lake() as lake:` closes it too."""
        self._closed.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _answer(self, query: str, limit: int | None, values: Values = None) -> Answer:
        if self._closed.is_set():
            raise ConfigurationError("this lake was closed", hint="planlake.open_lake() opens it again")
        if limit is not None and limit < 0:
            raise ConfigurationError(f"limit is not a number of rows: {limit}", hint="limit=100")
        asked = open_for_queries(self._config, environment=self.environment, as_of=self.day)
        with _clear(asked.lake):
            found = fetch(asked, query, values, most=limit)
        for note in found.notes:
            if NOTHING_BY_THEN in note:
                warnings.warn(note, stacklevel=3)  # it names the line that called sql() or table()
        return Answer(found.rows, found.notes)


def open_lake(
    config: Place | None = None, *, environment: str | None = None, settings: Mapping[str, object] | None = None
) -> Lake:
    """Open the lake of a configuration to ask it.

    `config` is the file or its folder; without it `PLANLAKE_CONFIG`, or `planlake.yaml` in the working folder.
    `environment` is one of the file's (the first where none is named) or a preview. `settings` win over the file's.

    >>> lake = planlake.open_lake("demo-lake", settings={"query_seconds": 60})
    >>> lake.environment
    'local'

    Raises ConfigurationError where there is no such file or environment, something in the file is wrong or nothing was
    loaded yet; LakeError where the lake cannot be read.
    """
    loaded = read_configuration(config, settings)
    name = environment or next(iter(loaded.environments))
    catalogue = catalogue_file(loaded, name) if name in loaded.environments else None
    if catalogue is not None and not catalogue.exists():  # to open a lake that is not there would make one
        raise ConfigurationError("nothing was loaded yet", facts={"catalogue": catalogue}, hint="planlake run")
    open_to_read(loaded, name, stacklevel=3).catalog.close()  # of a copy it warns, at the line that called
    return Lake(find_file(config), name, None, loaded, Event())


@contextmanager
def _clear(lake: OpenLake) -> Iterator[None]:
    """Close the catalogue afterwards; an error that damaged files are the cause of says which, as commands do."""
    with closing(lake.catalog):
        try:
            yield
        except Exception as error:
            found = explain_error(lake, error)
            if found is error:
                raise
            raise found from error


def _day(day: date | str) -> date:
    if isinstance(day, str):
        try:
            return date.fromisoformat(day)
        except ValueError:
            raise ConfigurationError(f'not a day: "{day}"', hint='lake.as_of("2026-11-22")') from None
    return day.date() if isinstance(day, datetime) else day
