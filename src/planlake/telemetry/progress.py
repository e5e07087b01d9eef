"""How far a step has come, reported while it runs."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a step of a table has come; `total` is None while it is not known."""

    table: str
    step: str
    done: int
    total: int | None = None


Notify = Callable[[Progress], None]


def ignore(_: Progress) -> None:
    """Report progress to nobody."""
