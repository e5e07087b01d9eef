"""The answer of a query, held in memory, as Arrow, pandas, polars or plain Python."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from planlake.engines.duckdb.connection import Connection
from planlake.errors import ConfigurationError
from planlake.report.printable_rows import NOT_HELD, as_text, printable_rows

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

MOST_DRAWN, DRAWN_OF_MORE = 40, 20  # rows


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Answer:
    """Rows and columns that a lake answered with. They stay as they are, whatever becomes of the lake.

    `notes` say what to know of it: which day is shown, that there are more rows than were asked for. Printed, it is a
    table with the notes below; of more than 40 rows the first 20.

    >>> answer = lake.sql("select id, name from wards order by id limit 2")
    >>> answer
    ┌───────┬────────────┐
    │  id   │    name    │
    │ int32 │  varchar   │
    ├───────┼────────────┤
    │    43 │ Brownswood │
    │    44 │ Cazenove   │
    └───────┴────────────┘
    >>> len(answer), answer.columns
    (2, ('id', 'name'))
    """

    _rows: pa.Table
    notes: tuple[str, ...] = field(default=())

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns, in order. No two are alike: a second `n` is called `n_2`."""
        return tuple(self._rows.column_names)

    def __len__(self) -> int:
        """The number of rows."""
        return int(self._rows.num_rows)

    def arrow(self) -> pa.Table:
        """The answer as a `pyarrow.Table`; nothing is copied.

        integer is int32, bigint int64, timestamp `timestamp[us]` without zone, text string.

        >>> lake.table("wards").arrow().schema.field("last_updated").type
        TimestampType(timestamp[us])
        """
        return self._rows

    def df(self) -> "pd.DataFrame":
        """The answer as a `pandas.DataFrame`; a ConfigurationError where pandas is not installed or cannot hold it.

        Whole numbers and booleans are pandas' `Int32`, `Int64`, `boolean`, which keep them exactly where some are
        missing, timestamps `datetime64[us]`.
        """
        try:
            import pandas as pd  # noqa: PLC0415 - whoever asks for it has it
        except ImportError:
            raise _missing("pandas", "df") from None
        exact = {
            getattr(pa, name.lower())(): getattr(pd, f"{name}Dtype")()
            for name in ("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64")
        }
        try:
            return self._rows.to_pandas(types_mapper={**exact, pa.bool_(): pd.BooleanDtype()}.get)
        except (ValueError, NotImplementedError, pa.ArrowException) as error:
            raise _not_held("pandas", error) from None

    def pl(self) -> "pl.DataFrame":
        """The answer as a `polars.DataFrame`; a ConfigurationError where polars is not installed or cannot hold it."""
        try:
            import polars as pl  # noqa: PLC0415 - whoever asks for it has it
        except ImportError:
            raise _missing("polars", "pl") from None
        try:
            return pl.DataFrame(self._rows)
        except (ValueError, pl.exceptions.PolarsError) as error:
            raise _not_held("polars", error) from None

    def rows(self) -> list[dict[str, Any]]:
        """The answer in plain Python: a dictionary for each row, null is None.

        What Python has no word for, a day beyond the year 9999 for example, is written as text.

        >>> lake.sql("select 1 as id, date '2026-11-21' as day, null as fee").rows()
        [{'id': 1, 'day': datetime.date(2026, 11, 21), 'fee': None}]
        """
        columns = [_values(column) for column in self._rows.columns]
        return [dict(zip(self.columns, row, strict=True)) for row in zip(*columns, strict=True)]

    def __repr__(self) -> str:
        is_long = len(self) > MOST_DRAWN
        rows = self._rows.slice(0, DRAWN_OF_MORE) if is_long else self._rows
        with _drawing() as connection:
            table = str(connection.from_arrow(printable_rows(connection, rows))).rstrip("\n")
        more = [f"the first {DRAWN_OF_MORE} of {len(self):,} rows"] if is_long else []
        return "\n".join([table, *more, *self.notes])


def _drawing() -> Connection:
    return duckdb.connect(config={"temp_directory": ""})


def _missing(library: str, method: str) -> ConfigurationError:
    hint = f"pip install {library}; arrow() and rows() need nothing more"
    return ConfigurationError(f"{method}() needs {library}, which is not installed", hint=hint)


def _not_held(library: str, error: Exception) -> ConfigurationError:
    said = (str(error).splitlines() or [""])[0]
    return ConfigurationError(f"{library} cannot hold this answer: {said}", hint="cast the column to text: x::varchar")


def _values(column: pa.ChunkedArray) -> list[Any]:
    try:
        found: list[Any] = column.to_pylist()
    except NOT_HELD:
        with _drawing() as connection:
            found = as_text(connection, column).to_pylist()
    return found
