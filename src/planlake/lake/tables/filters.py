"""Filters by which Iceberg leaves out files that cannot hold the rows wanted."""

from collections.abc import Collection

from pyiceberg.expressions import (
    And,
    BooleanExpression,
    EqualTo,
    GreaterThan,
    GreaterThanOrEqual,
    In,
    LessThanOrEqual,
)


def is_equal(column: str, value: str) -> BooleanExpression:
    """A filter for rows whose column holds this value."""
    return EqualTo(column, value)  # type: ignore[arg-type,call-arg] # pydantic's view of pyiceberg's constructors


def is_one_of(column: str, values: Collection[str]) -> BooleanExpression:
    """A filter for rows whose column holds one of these texts."""
    return In(column, set(values))  # type: ignore[arg-type,call-arg]


def is_among(column: str, values: Collection[int]) -> BooleanExpression:
    """A filter for rows whose column holds one of these values."""
    return In(column, set(values))  # type: ignore[arg-type,call-arg]


def is_above(column: str, value: int) -> BooleanExpression:
    """A filter for rows whose column lies above this value."""
    return GreaterThan(column, value)  # type: ignore[arg-type,call-arg]


def is_between(column: str, low: int, high: int) -> BooleanExpression:
    """A filter for rows whose column lies between two values, both included."""
    return And(GreaterThanOrEqual(column, low), LessThanOrEqual(column, high))  # type: ignore[arg-type,call-arg]


def of_resource(resource: str, above_batch: int) -> BooleanExpression:
    """A filter for rows of a resource in batches above the given one."""
    return And(is_equal("resource", resource), is_above("batch", above_batch))
