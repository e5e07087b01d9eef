"""What each type accepts: one definition, for SQL and for Python.

Engines disagree on what `12.7`, `1e3`, `12:30` or `2024` mean as a number or an instant, and all of them "succeed"
where a value should be reported. So a value is cast only when it matches a regular expression that DuckDB and Python
understand alike; whatever does not match, or does not cast, is a cell that does not cast. The empty string is NULL in a
typed column. No expression holds a backslash or a quote, so it is the same text in SQL and in Python.

An instant is kept as it is written. `timestamp` takes none with a zone, since nobody could tell afterwards whether it
was London's; `timestamp_utc` takes those that say they are UTC, of which the zone is left out.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

YEAR = "(?:[1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])"
DAY = YEAR + "-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
TIME = "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:[.][0-9]{1,6})?"
WHOLE = "[+-]?[0-9]{1,19}"
DECIMAL = "[+-]?(?:[0-9]{1,40}(?:[.][0-9]{0,40})?|[.][0-9]{1,40})(?:[eE][+-]?[0-9]{1,2})?"


@dataclass(frozen=True, slots=True)
class Cast:
    """How text becomes one type: `accepts` must match the whole value before it is cast to `sql_type`."""

    accepts: str
    sql_type: str


CASTS: Mapping[str, Cast] = {
    "integer": Cast(WHOLE, "INTEGER"),
    "long": Cast(WHOLE, "BIGINT"),
    "float": Cast(DECIMAL, "DOUBLE"),
    "double": Cast(DECIMAL, "DOUBLE"),
    "timestamp": Cast(f"{DAY}(?:[ T]{TIME})?", "TIMESTAMP"),
    "timestamp_utc": Cast(f"{DAY}(?:[ T]{TIME}(?:Z|[+]00:00)?)?", "TIMESTAMP"),
}
TRUE_TEXTS = "[tT]|[tT][rR][uU][eE]|1"
FALSE_TEXTS = "[fF]|[fF][aA][lL][sS][eE]|0"

_IS_WHOLE, _BEYOND = re.compile(WHOLE), 2**63


def whole_number(text: str | None) -> int | None:
    """The whole number that a text says, as an id for example; None where it says none of at most 64 bits."""
    if text is None or not _IS_WHOLE.fullmatch(text):
        return None
    number = int(text)
    return number if -_BEYOND <= number < _BEYOND else None


def type_to_declare(values: Iterable[str]) -> str:
    """The type for a column of which no value casts: `timestamp_utc` where all are instants in UTC, else `text`."""
    accepts = re.compile(CASTS["timestamp_utc"].accepts)
    return "timestamp_utc" if all(accepts.fullmatch(value) for value in values) else "text"
