"""What the columns of a source mean, in a sentence each: `meanings.csv` beside its catalogue, where there is one.

Its columns are `resource`, `column` (the key of the API), `meaning`, `label_source` (where that is known from) and
`confidence` (`name` where only the column's name says it).
"""

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path

from planlake.config import Config

FILE = "meanings.csv"


def meanings_of(config: Config) -> Mapping[str, Mapping[str, str]]:
    """The meaning of each key by resource; a catalogue that is one file has none."""
    if config.catalogue_path is None:
        return _read(str(files("planlake.sources").joinpath(config.source)))
    return _read(str(config.catalogue_path))


@cache
def _read(folder: str) -> Mapping[str, Mapping[str, str]]:
    file = Path(folder, FILE)
    if not file.is_file():
        return {}
    found: dict[str, dict[str, str]] = {}
    with file.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            found.setdefault(row["resource"], {})[row["column"]] = row["meaning"]
    return found
