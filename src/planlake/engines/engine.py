"""An engine: where units of work run, on this machine's cores or on those of others."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

Unit = TypeVar("Unit")
Done = TypeVar("Done")


class Engine(Protocol):
    """Carries units of work out, about so many `workers` of them at a time.

    `work` is a function of a module, a unit a frozen record; both can be pickled, so that another process can do it.
    """

    @property
    def workers(self) -> int:
        """How many units it carries out side by side."""
        ...

    @property
    def share(self) -> float:
        """How large a unit may be where it is carried out, 1 being what the settings say."""
        ...

    def map(self, work: Callable[[Unit], Done], units: Sequence[Unit]) -> Iterator[Done]:
        """What the work gives for each unit, in the order of the units; the first error is raised and ends it."""
        ...
