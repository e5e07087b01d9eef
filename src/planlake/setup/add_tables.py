"""Adds names of tables to planlake.yaml, and says what is known of each.

The new file is read and compared before it takes the place of the old one, in one step.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from planlake.config import Config, Tables, load_config
from planlake.errors import ConfigurationError
from planlake.setup.replace_file import replace_file
from planlake.setup.yaml_lists import edit_error, with_tables
from planlake.sources.catalogue import Cadence, Resource, catalogue_of


@dataclass(frozen=True, slots=True)
class Added:
    """One table that was asked for: under which cadence it stands now, whether it is new there, and what is known."""

    table: str
    cadence: Cadence
    is_new: bool
    resource: Resource


def planned_additions(config: Config, names: Sequence[str], cadence: Cadence | None = None) -> list[Added]:
    """What adding these names would do; nothing is written.

    Raises ConfigurationError for an unknown name, and for one that stands under the other cadence.
    """
    catalogue = catalogue_of(config)
    configured = _configured(config)
    found = []
    for name in dict.fromkeys(names):
        resource, there = catalogue.resource(name), configured.get(name)
        if there and cadence not in (None, there):
            hint = f"move it from {there} to {cadence} in the file"
            raise ConfigurationError(f'"{name}" is read {there}', state="Nothing was changed", hint=hint)
        found.append(Added(name, there or cadence or suggested_cadence(resource), there is None, resource))
    return found


def write_added(config: Config, file: Path, added: Sequence[Added]) -> None:
    """Put the new ones among the tables of the file, which is replaced in one step and keeps its mode.

    Raises ConfigurationError where the file cannot be edited or written, ConflictError where somebody else changes it.
    """
    names: dict[Cadence, list[str]] = {}
    for one in added:
        if one.is_new:
            names.setdefault(one.cadence, []).append(one.table)
    if names:
        _replace(config, file.resolve(), names)


def suggested_cadence(resource: Resource) -> Cadence:
    """The catalogue's; where it has none, daily if records say when they changed: a day is cheap to ask for."""
    if resource.cadence != "none":
        return resource.cadence
    return "daily" if resource.changed else "weekly"


def _configured(config: Config) -> dict[str, Cadence]:
    configured: dict[str, Cadence] = dict.fromkeys(config.tables.daily, "daily")
    return configured | dict.fromkeys(config.tables.weekly, "weekly")


def _replace(config: Config, file: Path, names: Mapping[Cadence, Sequence[str]]) -> None:
    try:
        before = file.read_bytes()
        text = before.decode("utf-8")
        for cadence, more in names.items():
            text = with_tables(text, cadence, more)
        replace_file(
            file, before=before, after=text.encode("utf-8"), check=lambda beside: _compare(config, beside, names)
        )
    except OSError as error:
        state = "Nothing was changed"
        raise ConfigurationError(f"{file} cannot be written: {error.strerror}", state=state) from None


def _compare(config: Config, beside: Path, names: Mapping[Cadence, Sequence[str]]) -> None:
    """Refuse a new file that says anything but the old one and the names."""
    tables = config.tables
    more = Tables(daily=(*tables.daily, *names.get("daily", ())), weekly=(*tables.weekly, *names.get("weekly", ())))
    wanted = config.model_copy(update={"tables": more})
    try:
        is_wanted = load_config(beside).model_copy(update={"folder": config.folder}) == wanted
    except ConfigurationError:
        is_wanted = False
    if not is_wanted:
        raise edit_error()
