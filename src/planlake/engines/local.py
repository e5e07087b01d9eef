"""The engine of one machine: units run side by side in threads, as the work of DuckDB and Arrow lets others run."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

from planlake.engines.engine import Done, Unit
from planlake.engines.memory import give_back

WORKERS = 2


@dataclass(frozen=True, slots=True)
class LocalEngine:
    """So many units at a time; a unit begins when another was taken off, so that memory holds no more than these."""

    workers: int = WORKERS
    share: float = 1.0

    def map(self, work: Callable[[Unit], Done], units: Sequence[Unit]) -> Iterator[Done]:
        """What the work gives for each unit, in order; memory goes back to the system between many."""
        if len(units) == 1:  # a thread of its own would cost more than it brings
            yield work(units[0])
            return
        waiting = iter(units)
        with ThreadPoolExecutor(self.workers, thread_name_prefix="unit") as pool:
            begun: list[Future[Done]] = [pool.submit(work, unit) for unit in islice(waiting, self.workers)]
            try:
                while begun:
                    done = begun.pop(0).result()
                    begun += [pool.submit(work, unit) for unit in islice(waiting, 1)]
                    yield done
                    if len(units) > self.workers:
                        give_back()
            finally:
                for one in begun:
                    one.cancel()
