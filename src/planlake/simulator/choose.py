"""Which data the simulator serves: in goes the name of a source, out comes its data set."""

from collections.abc import Mapping
from datetime import datetime

from planlake.simulator.dataset import Dataset
from planlake.simulator.generator import generate
from planlake.simulator.open_data import open_data
from planlake.sources.catalogue import load_catalogue


def dataset(source: str, *, now: datetime, seed: int = 1, sizes: Mapping[str, int] | None = None) -> Dataset:
    """Real records for `open_data`, generated ones for any other source of the catalogue."""
    if source == "open_data":
        return open_data(now)
    return generate(load_catalogue(source), seed=seed, now=now, sizes=sizes)
