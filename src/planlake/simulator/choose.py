"""Chooses the data set that the simulator serves, by the name of a source."""

from collections.abc import Mapping
from datetime import datetime

from planlake.config import Config
from planlake.simulator.app import Speech
from planlake.simulator.dataset import Dataset
from planlake.simulator.generator import generate
from planlake.simulator.open_data import open_data
from planlake.simulator.register import NAMES, TOKEN, register_page
from planlake.simulator.spoken import as_held, is_as_tascomi, speech_of
from planlake.sources.catalogue import configured_catalogue


def dataset(source: str, *, now: datetime, seed: int = 1, sizes: Mapping[str, int] | None = None) -> Dataset:
    """Real records for `open_data` and `public_register`, generated ones for any other source, a file's included."""
    if source in ("open_data", "public_register"):
        return open_data(now)
    catalogue = configured_catalogue(Config(source=source))
    held = catalogue if is_as_tascomi(catalogue) else as_held(catalogue)
    return generate(held, seed=seed, now=now, sizes=sizes)


def speech(source: str) -> Speech | None:
    """How the simulator of a source is spoken to; None where it is as Tascomi's."""
    if source == "open_data":
        return None
    catalogue = configured_catalogue(Config(source=source))
    if source == "public_register":
        return Speech(register_page, TOKEN, dict.fromkeys(catalogue.resources, NAMES))
    return None if is_as_tascomi(catalogue) else speech_of(catalogue)
