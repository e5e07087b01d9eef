"""What the columns of a source mean, what coded values stand for, which are codes: three files beside its catalogue.

`meanings.csv` has a row for each column: `resource`, `column` (the key of the API), `meaning`, `label_source` (where
that is known from) and `confidence`. `labels.csv` has one for each coded value: `resource`, `column`, `value`, `label`.
`codes.csv` has one for each column that holds codes from a short list, which say nothing of any person: `resource`,
`column`. Values of no other column but those that are true or false are shown on pages.
A source need have none of them; a catalogue that is a single file has none.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal, cast, get_args

from planlake.config import Config
from planlake.errors import ConfigurationError
from planlake.sources.catalogue import catalogue_of

MEANINGS, LABELS, CODES = "meanings.csv", "labels.csv", "codes.csv"
Confidence = Literal["public", "name", "guess"]
Labels = Mapping[str, Mapping[str, Mapping[str, str]]]


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a column means, in a sentence, and where that is known from.

    `confidence` is `public` where a form, a page or a council's published notes say so, `name` where the column's name
    says it plainly, `guess` where the name leaves room for another reading.
    """

    text: str
    source: str
    confidence: Confidence

    @property
    def said(self) -> str:
        """The sentence as it is shown: a guess says that it is one."""
        return f"perhaps: {self.text}" if self.confidence == "guess" else self.text


def meanings_of(config: Config) -> Mapping[str, Mapping[str, Meaning]]:
    """The meaning of each key, by resource. Raises ConfigurationError where the file is not as it should be."""
    return _meanings(_folder(config))


def labels_of(config: Config) -> Labels:
    """What each coded value stands for, by resource and key. Raises ConfigurationError as `meanings_of` does."""
    return _labels(_folder(config))


def codes_of(config: Config) -> Mapping[str, frozenset[str]]:
    """The keys that hold codes, by resource. Raises ConfigurationError as `meanings_of` does."""
    return _codes(_folder(config))


def plain_texts(config: Config) -> Mapping[str, frozenset[str]]:
    """The keys whose texts say nothing of any person, by resource: codes, and the names of what codes lead to.

    Raises ConfigurationError as `meanings_of` does.
    """
    resources, codes = catalogue_of(config).resources, codes_of(config)
    leads = ({**one.relations_guessed, **one.relations} for one in resources.values())
    targets = {
        to for one, leading in zip(resources, leads, strict=True) for to in map(leading.get, codes.get(one, ())) if to
    }
    names = {one: frozenset({"name"}) for one in targets if not resources[one].personal}
    return {one: codes.get(one, frozenset()) | names.get(one, frozenset()) for one in codes.keys() | names}


def _folder(config: Config) -> Path:
    return config.catalogue_path or Path(str(files("planlake.sources").joinpath(config.source)))


@cache
def _meanings(folder: Path) -> Mapping[str, Mapping[str, Meaning]]:
    found: dict[str, dict[str, Meaning]] = {}
    for row in _rows(folder / MEANINGS, ("resource", "column", "meaning", "label_source", "confidence")):
        if row["confidence"] not in get_args(Confidence):
            facts = {"file": folder / MEANINGS, "column": f"{row['resource']}.{row['column']}"}
            hint = f"one of {', '.join(get_args(Confidence))}"
            raise ConfigurationError(f'unknown confidence "{row["confidence"]}"', facts=facts, hint=hint)
        confidence = cast("Confidence", row["confidence"])
        found.setdefault(row["resource"], {})[row["column"]] = Meaning(row["meaning"], row["label_source"], confidence)
    return found


@cache
def _labels(folder: Path) -> Labels:
    found: dict[str, dict[str, dict[str, str]]] = {}
    for row in _rows(folder / LABELS, ("resource", "column", "value", "label")):
        found.setdefault(row["resource"], {}).setdefault(row["column"], {})[row["value"]] = row["label"]
    return found


@cache
def _codes(folder: Path) -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for row in _rows(folder / CODES, ("resource", "column")):
        found.setdefault(row["resource"], set()).add(row["column"])
    return {resource: frozenset(columns) for resource, columns in found.items()}


def _rows(file: Path, columns: tuple[str, ...]) -> Iterator[Mapping[str, str]]:
    """The rows of a file that has these columns; none where there is no such file."""
    if not file.is_file():
        return
    try:
        with file.open(encoding="utf-8", newline="") as lines:
            rows = csv.DictReader(lines, restval="")
            if missing := [name for name in columns if name not in (rows.fieldnames or ())]:
                facts = {"file": file}
                raise ConfigurationError(f"a file of meanings lacks the column {missing[0]}", facts=facts)
            yield from rows
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigurationError(f"a file of meanings cannot be read: {error}", facts={"file": file}) from None
