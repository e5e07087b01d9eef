"""What each question of an assistant takes, as records from which the tools' schemas are made too."""

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

MOST_ROWS = 1000
TableName = Annotated[str, Meta(description="A configured table, e.g. applications.", max_length=200)]


@dataclass(frozen=True, slots=True)
class Nothing:
    """A question that takes nothing."""


@dataclass(frozen=True, slots=True)
class AboutTable:
    """Of one table, or of all where none is named."""

    table: TableName = ""


@dataclass(frozen=True, slots=True)
class AboutColumns:
    """Of one table, of all where none is named; `containing` are words, `skip` lines that were seen already."""

    table: Annotated[str, Meta(description="A table, view or model; all of the catalogue if left out.")] = ""
    containing: Annotated[
        str, Meta(description="Only columns with these words in name or meaning.", max_length=200)
    ] = ""
    skip: Annotated[int, Meta(description="Leave out so many columns that were shown before.", ge=0, le=100_000)] = 0


@dataclass(frozen=True, slots=True)
class AboutDay:
    """Of one London day, of the last on which anything came where none is named."""

    day: Annotated[str, Meta(description="A day as YYYY-MM-DD; the last with changes if left out.")] = ""


@dataclass(frozen=True, slots=True)
class Query:
    """SQL, the day that it is about, and how many rows are wanted."""

    sql: Annotated[str, Meta(description="One SELECT in DuckDB's SQL.")]
    as_of: Annotated[str, Meta(description="Ask the lake as it was on this day, YYYY-MM-DD.")] = ""
    max_rows: Annotated[int, Meta(description="How many rows at most.", ge=1, le=MOST_ROWS)] = 100
