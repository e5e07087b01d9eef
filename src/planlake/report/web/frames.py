"""What the process that carries out queries is asked and answers: records as JSON, each behind its length.

An answer is read as these records and nothing else: whoever has taken over that process can send no object.
"""

import struct
from dataclasses import dataclass, field, replace
from typing import IO, TypeVar

import msgspec

T = TypeVar("T")
Cell = str | int | float | None
MIDNIGHT = " 00:00:00"
_LENGTH = struct.Struct(">I")


@dataclass(frozen=True, slots=True)
class Setup:
    """What the process is told when it starts: the configuration as JSON, which lake, and how far queries may go."""

    config: str
    environment: str | None
    hides_personal: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class Request:
    """A query with values for its `?`, the day it is asked about, how many rows are wanted, and for how long it may go.

    `format` is `csv`, `parquet` or `xlsx` for a file, empty for rows; without a query the tables are listed.
    """

    sql: str
    as_of: str | None = None
    max_rows: int = 1000
    values: tuple[Cell, ...] | None = None
    format: str = ""
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A column of an answer: `type` is a word of the catalogue's, as `type_words` has them."""

    name: str
    type: str

    @property
    def is_number(self) -> bool:
        """Whether its values are numbers, which stand on the right."""
        return self.type in ("integer", "long", "double", "decimal")


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why there is no answer, and where in the query the mistake is: line and column from 1, 0 where nobody knows."""

    message: str
    hint: str = ""
    line: int = 0
    column: int = 0
    exit_code: int = 2


@dataclass(frozen=True, slots=True)
class Answer:
    """Columns and rows of a query (texts, numbers, None), whether there are more, what to know of them, and how long.

    `hidden` are the columns whose values are, of the tables that were asked.
    `tables` is the answer where the tables were asked for: the columns and types of each, by `database.table`.
    """

    columns: tuple[Column, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    is_cut: bool = False
    notes: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    seconds: float = 0.0
    trouble: Trouble | None = None
    tables: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    @property
    def in_days(self) -> "Answer":
        """Itself as people read it: moments of a column that are all at midnight as days."""
        at_midnight = {
            place
            for place, one in enumerate(self.columns)
            if one.type == "timestamp" and all(str(row[place] or MIDNIGHT).endswith(MIDNIGHT) for row in self.rows)
        }
        if not at_midnight:
            return self
        rows = (
            tuple(
                str(cell).removesuffix(MIDNIGHT) if cell is not None and place in at_midnight else cell
                for place, cell in enumerate(row)
            )
            for row in self.rows
        )
        return replace(self, rows=tuple(rows))


def send(stream: IO[bytes], record: object, content: bytes = b"") -> None:
    """Write a record, and bytes that belong to it."""
    for part in (msgspec.json.encode(record), content):
        stream.write(_LENGTH.pack(len(part)))
        stream.write(part)
    stream.flush()


def receive(stream: IO[bytes], kind: type[T]) -> tuple[T, bytes]:
    """The next record and its bytes; an EOFError where the other side is gone, a ValueError where it is no record."""
    record, content = _part(stream), _part(stream)
    return msgspec.json.decode(record, type=kind), content


def _part(stream: IO[bytes]) -> bytes:
    head = stream.read(_LENGTH.size)
    size = _LENGTH.unpack(head)[0] if len(head) == _LENGTH.size else 0
    found = stream.read(size)
    if len(head) < _LENGTH.size or len(found) < size:
        raise EOFError
    return found
