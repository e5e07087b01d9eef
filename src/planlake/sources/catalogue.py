"""Reads what is known of a source beforehand from its TOML files into frozen records.

A source is a folder beside this file, or a folder or a single file that a configuration names. In a folder
`source.toml` holds what is true of every resource, every other TOML file one or more resources, a table each. In a
single file the table `source` stands for `source.toml`.
"""

import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from planlake.config import Config, suggestion
from planlake.errors import ConfigurationError
from planlake.sources.dialect import Dialect
from planlake.sources.naming import check_columns, check_resource

ColumnType = Literal["integer", "long", "float", "double", "boolean", "timestamp", "timestamp_utc", "text"]
Cadence = Literal["daily", "weekly", "none"]
COLUMN_TYPES: tuple[str, ...] = get_args(ColumnType)
NAME = re.compile(r"[a-z][a-z0-9_-]*")
CODED = re.compile(r"(.*_)?(id|code|date|reference|reference_number)")  # what such a text holds is no free text
REACHES = re.compile(r"mail|phone|post|zip")


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource of an API: what its table looks like and how it is read.

    `path` is what stands in its address, where that is not its name. `changed` is the column a day window asks for;
    empty where nothing says when a record changed, so that the resource is read whole each time. `personal` lists
    columns that name or reach a person (`*`: all but the key); `accepted` the values, as text, that a column is
    expected to have; `known_drift` how it is known to differ from the vendor's page.
    """

    name: str
    columns: dict[str, ColumnType]
    cadence: Cadence = "none"
    path: str = ""
    key: str = "id"
    changed: str = "last_updated"
    complete: str = "id"
    complete_minimum: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.99
    personal: frozenset[str] = frozenset()
    relations: dict[str, str] = field(default_factory=dict)
    relations_guessed: dict[str, str] = field(default_factory=dict)
    relations_unresolved: tuple[str, ...] = ()
    accepted: dict[str, tuple[str, ...]] = field(default_factory=dict)
    documented_types: dict[str, ColumnType] = field(default_factory=dict)
    known_drift: dict[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """The last part of its address."""
        return self.path or self.name

    def type_of(self, column: str) -> ColumnType:
        """The type of a column; text for every key nobody declared."""
        return self.columns.get(column, "text")

    def documented_type_of(self, column: str) -> ColumnType:
        """The type the vendor documents for a declared column: its own, unless it deliberately has another."""
        return self.documented_types.get(column, self.columns[column])

    def is_personal(self, column: str) -> bool:
        """Whether values of this column must be masked outside the data itself."""
        return column in self.personal or ("*" in self.personal and column != self.key)

    def may_name_people(self, column: str, codes: Collection[str] = ()) -> bool:
        """Whether pages and `planlake ui` hide this column: it is personal, or a text that may be a free one.

        Of texts those are shown that `codes` lists, and declared ones that are the key, have accepted values or are
        called as codes are.
        """
        if self.is_personal(column) or column in codes or self.type_of(column) != "text":
            return self.is_personal(column)
        is_known = column in (self.key, self.changed) or column in self.accepted
        is_code = bool(CODED.fullmatch(column)) and not REACHES.search(column)
        return column not in self.columns or not (is_known or is_code)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All resources of one source, by name, and what holds for every one of them."""

    source: str
    resources: Mapping[str, Resource]
    time_zone: str
    page_size: int
    dropped_keys: tuple[str, ...]
    dialect: Dialect = field(default_factory=Dialect)
    changed: str = "last_updated"

    def resource(self, name: str) -> Resource:
        """The resource of this name; a misspelt one is a ConfigurationError with suggestions."""
        if name in self.resources:
            return self.resources[name]
        if name.startswith("trusted."):
            hint = "planlake model list shows what it reads: name that, and it follows"
            raise ConfigurationError(f"{name} is built of other tables by its model", hint=hint)
        hint = suggestion(name, self.resources)
        raise ConfigurationError(f'no resource is called "{name}"', facts={"source": self.source}, hint=hint)


@dataclass(frozen=True, slots=True)
class _Common:
    """What holds for every resource of a source."""

    time_zone: str = "Europe/London"
    page_size: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 50
    changed: str = "last_updated"
    dropped_keys: tuple[str, ...] = ()
    like: str = ""
    dialect: Mapping[str, Any] = field(default_factory=dict)


@cache
def load_catalogue(source: str) -> Catalogue:
    """Read the catalogue of a source by its name, for example `tascomi`."""
    folder = files("planlake.sources").joinpath(source)
    if not source.isidentifier() or not folder.joinpath("source.toml").is_file():
        raise _unknown(source)
    return catalogue_from(source, *_read_folder(folder))


def catalogue_at(path: Path) -> Catalogue:
    """Read a catalogue that is no part of Planlake: a folder, or a single TOML file."""
    if not (path.is_file() or path.joinpath("source.toml").is_file()):
        raise _unknown(str(path))
    if not NAME.fullmatch(path.stem):
        hint = "databases are named after it: lower-case letters, digits, _ and -"
        raise ConfigurationError("the catalogue's name is not a valid source name", facts={"file": path}, hint=hint)
    if path.joinpath("source.toml").is_file():
        return catalogue_from(path.stem, *_read_folder(path))
    tables = _read(path)
    return catalogue_from(path.stem, tables.pop("source", {}), tables)


def catalogue_from(source: str, common: Mapping[str, Any], tables: Mapping[str, Any]) -> Catalogue:
    """The catalogue from what holds for every resource and a table for each; a mistake is a ConfigurationError.

    `like` in the former names the source that whatever is not said is taken from.
    """
    like = _common_of(common["like"]) if "like" in common else {}
    dialect = {**like.get("dialect", {}), **_table(common.get("dialect", {}), "dialect")}
    try:
        said = msgspec.convert({**like, **common, "dialect": dialect}, _Common)
        spoken = msgspec.convert({**dialect, "page_size": said.page_size, "time_zone": said.time_zone}, Dialect)
        ZoneInfo(said.time_zone)
    except (msgspec.ValidationError, ZoneInfoNotFoundError, ValueError) as error:
        raise ConfigurationError(f"the description of a source is wrong: {error}", facts={"source": source}) from None
    _check_keys(source, common, _Common)
    _check_keys(source, dialect, Dialect)
    defaults = {"changed": said.changed}
    resources = {name: resource_from(name, {**defaults, **_table(table, name)}) for name, table in tables.items()}
    if not resources:
        raise ConfigurationError("the catalogue has no resource", facts={"source": source})
    return Catalogue(source, resources, said.time_zone, said.page_size, said.dropped_keys, spoken, said.changed)


def configured_catalogue(config: Config) -> Catalogue:
    """The catalogue that the configuration names, as it stands in its files."""
    return catalogue_at(config.catalogue_path) if config.catalogue_path else load_catalogue(config.source)


def catalogue_of(config: Config) -> Catalogue:
    """The catalogue with the configuration's own `resources:` laid over it; every configured table is looked up."""
    catalogue = configured_catalogue(config)
    overridden = {name: _overridden(catalogue, name, table) for name, table in config.resources.items()}
    catalogue = replace(catalogue, resources={**catalogue.resources, **overridden})
    for resource in overridden.values():
        _check_relations(catalogue, resource)
    for name in (*config.tables.daily, *config.tables.weekly):
        catalogue.resource(name)
    for check in config.checks:
        catalogue.resource(check.table)
    doubled = set(config.tables.daily) & set(config.tables.weekly)
    if doubled:
        raise ConfigurationError(f'"{min(doubled)}" stands under daily and weekly', hint="keep it in one of the lists")
    return catalogue


def _check_relations(catalogue: Catalogue, resource: Resource) -> None:
    """Refuse a relation to a resource that nobody knows."""
    for column, target in (*resource.relations.items(), *resource.relations_guessed.items()):
        if target not in catalogue.resources:
            facts = {"resource": resource.name, "column": column}
            hint = suggestion(target, catalogue.resources)
            raise ConfigurationError(f'relations: no resource is called "{target}"', facts=facts, hint=hint)


def _overridden(catalogue: Catalogue, name: str, table: Mapping[str, Any]) -> Resource:
    if name not in catalogue.resources:
        return resource_from(name, table)
    known = catalogue.resources[name]
    settings = {field: getattr(known, field) for field in Resource.__dataclass_fields__ if field != "name"}
    columns, documented = table.get("columns", {}), table.get("documented_types", {})
    merged: dict[str, Any] = {}  # of these an override names single columns, the others stay
    if isinstance(columns, dict):
        merged["columns"] = {**known.columns, **columns}
    if isinstance(columns, dict) and isinstance(documented, dict):
        kept = {name: kind for name, kind in known.columns.items() if columns.get(name, kind) != kind}
        merged["documented_types"] = {**kept, **known.documented_types, **documented}
    return resource_from(name, {**settings, **table, **merged})


def known_sources() -> list[str]:
    """Names of the sources that have a catalogue."""
    root = files("planlake.sources")
    return sorted(entry.name for entry in root.iterdir() if entry.joinpath("source.toml").is_file())


def resource_from(name: str, table: Mapping[str, Any]) -> Resource:
    """One resource from its table of the catalogue file; a wrong name, key or value is a ConfigurationError."""
    unknown = table.keys() - (Resource.__dataclass_fields__.keys() - {"name"})
    if unknown:
        facts = {"resource": name}
        hint = suggestion(min(unknown), list(Resource.__dataclass_fields__))
        raise ConfigurationError(f'unknown key "{min(unknown)}" of a resource', facts=facts, hint=hint)
    columns = table.get("columns", {})
    for column, type_name in columns.items() if isinstance(columns, dict) else ():
        if type_name not in COLUMN_TYPES:
            facts = {"resource": name, "column": column, "type": type_name}
            raise ConfigurationError("unknown column type", facts=facts, hint=f"one of {', '.join(COLUMN_TYPES)}")
    try:
        resource = msgspec.convert({"columns": {}, **table, "name": name}, Resource)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"the description of a resource is wrong: {error}", facts={"resource": name}) from None
    check_resource(name, resource.path)
    check_columns(name, resource.columns, key=resource.key, changed=resource.changed)
    if resource.key not in resource.columns:
        hint = suggestion(resource.key, resource.columns)
        raise ConfigurationError(f'key: "{resource.key}" is not a declared column', facts={"resource": name}, hint=hint)
    return resource


def _common_of(source: str) -> dict[str, Any]:
    """What a source of Planlake's own says of all its resources."""
    load_catalogue(source)  # an unknown one is refused
    return _read(files("planlake.sources").joinpath(source, "source.toml"))


def _read_folder(folder: Traversable) -> tuple[dict[str, Any], dict[str, Any]]:
    tables: dict[str, Any] = {}
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".toml") and file.name != "source.toml":
            found = _read(file)
            if twice := found.keys() & tables:
                facts = {"resource": min(twice), "file": file}
                raise ConfigurationError("two files of the catalogue describe one resource", facts=facts)
            tables |= found
    return _read(folder.joinpath("source.toml")), tables


def _read(file: Traversable) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        reason = error.strerror
    except ValueError as error:  # no TOML, or no UTF-8
        reason = str(error)
    except RecursionError:
        reason = "it is nested too deeply"
    raise ConfigurationError(f"the catalogue cannot be read: {reason}", facts={"file": file})


def _unknown(source: str) -> ConfigurationError:
    hint = "a catalogue of your own is a file, or a folder with source.toml, named by its path: source: ./NAME.toml"
    facts = {"known": ", ".join(known_sources())}
    return ConfigurationError(f'no source is called "{source}"', facts=facts, hint=hint)


def _table(value: object, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        hint = "in a single file what holds for every resource stands under [source]"
        raise ConfigurationError(f'"{name}" of the catalogue is not a table', hint=hint)
    return value


def _check_keys(source: str, table: Mapping[str, Any], kind: type) -> None:
    unknown = table.keys() - kind.__dataclass_fields__.keys()  # type: ignore[attr-defined]
    if unknown:
        hint = suggestion(min(unknown), list(kind.__dataclass_fields__))  # type: ignore[attr-defined]
        raise ConfigurationError(f'unknown key "{min(unknown)}" of a source', facts={"source": source}, hint=hint)
