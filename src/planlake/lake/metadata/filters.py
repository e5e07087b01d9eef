"""Filters by which files are left out that cannot hold the rows wanted."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from pyiceberg.expressions import BooleanExpression

INTEGER_BYTES, LONG_BYTES = 4, 8  # also of a long column, for a file written when it was an integer
MOST_COMPARED = 200  # values that a file's bounds are held against; pyiceberg looks at no more


class Bounded(Protocol):
    """A file of which the lowest and the highest value of some columns is known."""

    @property
    def lower_bounds(self) -> Mapping[int, bytes]:
        """The lowest values by the column's number."""

    @property
    def upper_bounds(self) -> Mapping[int, bytes]:
        """The highest values by the column's number."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Rows whose column holds one of these values or, where there are none, a number from `low` to `high`."""

    column: str
    values: frozenset[Any] | None = None
    low: int | None = None
    high: int | None = None

    def may_be_in(self, file: Bounded, numbers: Mapping[str, int], parts: Mapping[str, Any]) -> bool:
        """Whether a file may hold such a row.

        `numbers` are those of the columns of whole numbers, `parts` the values that all of its rows have.
        """
        if self.column in parts:
            return self._holds(parts[self.column])
        number = numbers.get(self.column, 0)  # no column has this number
        low, high = file.lower_bounds.get(number), file.upper_bounds.get(number)
        if low is None or high is None:
            return True
        return self._meets(number_in(low), number_in(high))

    def _holds(self, value: Any) -> bool:  # noqa: ANN401 - a text or a number
        if self.values is not None:
            return value in self.values
        return value is not None and self._meets(value, value)

    def _meets(self, low: int, high: int) -> bool:
        if self.values is not None:
            return len(self.values) > MOST_COMPARED or any(low <= value <= high for value in self.values)
        return (self.low is None or self.low <= high) and (self.high is None or low <= self.high)


Filter = tuple[Condition, ...]  # all of them are to hold
EVERYTHING: Filter = ()


def number_in(bound: bytes) -> int:
    """A whole number as a file's bounds have it; a ValueError where that is none."""
    if len(bound) not in (INTEGER_BYTES, LONG_BYTES):
        raise ValueError("a bound of a wrong length")
    return int.from_bytes(bound, "little", signed=True)


def is_equal(column: str, value: str) -> Filter:
    """A filter for rows whose column holds this value."""
    return (Condition(column, frozenset([value])),)


def is_one_of(column: str, values: Collection[str]) -> Filter:
    """A filter for rows whose column holds one of these texts."""
    return (Condition(column, frozenset(values)),)


def is_among(column: str, values: Collection[int]) -> Filter:
    """A filter for rows whose column holds one of these values."""
    return (Condition(column, frozenset(values)),)


def is_above(column: str, value: int) -> Filter:
    """A filter for rows whose column lies above this value."""
    return (Condition(column, low=value + 1),)


def is_between(column: str, low: int, high: int) -> Filter:
    """A filter for rows whose column lies between two values, both included."""
    return (Condition(column, low=low, high=high),)


def of_resource(resource: str, above_batch: int) -> Filter:
    """A filter for rows of a resource in batches above the given one."""
    return (*is_equal("resource", resource), *is_above("batch", above_batch))


def expression_of(where: Filter) -> "BooleanExpression":
    """The same filter as pyiceberg has it."""
    from pyiceberg.expressions import AlwaysTrue, And, GreaterThanOrEqual, In, LessThanOrEqual  # noqa: PLC0415

    found: BooleanExpression = AlwaysTrue()
    for one in where:
        if one.values is not None:
            found = And(found, In(one.column, set(one.values)))  # type: ignore[arg-type,call-arg] # pydantic's view of it
        if one.low is not None:
            found = And(found, GreaterThanOrEqual(one.column, one.low))  # type: ignore[arg-type,call-arg]
        if one.high is not None:
            found = And(found, LessThanOrEqual(one.column, one.high))  # type: ignore[arg-type,call-arg]
    return found
