"""Finds which tables belong together: entities with their keys and columns, and relations.

Keys and relations are the catalogue's. Only for undeclared columns the lake is looked at.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from planlake.config import Config
from planlake.lake.lake import Lake, catalogue_file
from planlake.lake.open_lake import environment_of, open_to_read
from planlake.lake.tables.columns import keys_of
from planlake.sources.catalogue import Catalogue, Resource, catalogue_of

ShownColumns = Literal["keys", "typed", "all"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of an entity: its type, whether it is the key, and the table whose id it holds (empty: none)."""

    name: str
    type: str
    is_key: bool = False
    refers_to: str = ""


@dataclass(frozen=True, slots=True)
class Entity:
    """One table with the columns that are shown, and how many more it has."""

    table: str
    columns: tuple[Column, ...]
    more: int


@dataclass(frozen=True, slots=True)
class Relation:
    """A column that holds the key of another table; `is_guessed` where only its name suggests it."""

    table: str
    column: str
    target: str
    target_column: str
    is_guessed: bool = False


@dataclass(frozen=True, slots=True)
class Diagram:
    """Entities by name, and the relations between them."""

    entities: tuple[Entity, ...]
    relations: tuple[Relation, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a diagram shows: tables by name (none: all configured), every known one, which columns, guesses too."""

    tables: Sequence[str] = ()
    is_known: bool = False
    columns: ShownColumns = "keys"
    has_guesses: bool = False


def diagram(config: Config, wanted: Wanted, environment: str | None = None) -> Diagram:
    """The named tables and those directly related to them, or all configured ones.

    Raises ConfigurationError for an unknown name.
    """
    base, catalogue = environment_of(config, environment), catalogue_of(config)
    related = [one for resource in catalogue.resources.values() for one in _relations(catalogue, resource, wanted)]
    configured = {*config.tables.daily, *config.tables.weekly}
    drawn = set(catalogue.resources) if wanted.is_known or not configured else configured
    named = [catalogue.resource(name).name for name in wanted.tables]
    if named:
        related = [one for one in related if _is_beside(one, named, drawn)]
        drawn = {*named, *(one.table for one in related), *(one.target for one in related)}
    relations = tuple(one for one in related if one.table in drawn and one.target in drawn)
    is_there = wanted.columns == "all" and _has_lake(config, base)
    lake = open_to_read(config, environment) if is_there else None
    found = {name: _undeclared(lake, catalogue.resources[name]) for name in drawn} if lake is not None else {}
    entities = (
        _entity(catalogue.resources[name], relations, wanted.columns, found.get(name, ())) for name in sorted(drawn)
    )
    return Diagram(tuple(entities), relations)


def _is_beside(relation: Relation, named: Sequence[str], drawn: set[str]) -> bool:
    """Whether a relation begins at a named table, or leads to one from a table that is drawn anyway."""
    return relation.table in named or (relation.target in named and relation.table in drawn)


def _relations(catalogue: Catalogue, resource: Resource, wanted: Wanted) -> Iterable[Relation]:
    guesses = resource.relations_guessed if wanted.has_guesses else {}
    names = keys_of(None, resource)
    for columns, is_guessed in ((resource.relations, False), (guesses, True)):
        for column, target in sorted(columns.items()):
            if target in catalogue.resources:
                yield Relation(
                    resource.name, names.get(column, column), target, catalogue.resources[target].key, is_guessed
                )


def _entity(
    resource: Resource, relations: Sequence[Relation], columns: ShownColumns, undeclared: Sequence[str]
) -> Entity:
    """The key first, then columns that lead to other tables, then the others that are wanted."""
    targets = {one.column: one.target for one in relations if one.table == resource.name}
    names = keys_of(None, resource)
    declared = {names[key]: kind for key, kind in resource.columns.items()}
    types: dict[str, str] = {**dict.fromkeys((*declared, *undeclared), "text"), **declared}
    first = [resource.key, *(name for name in targets if name != resource.key)]
    others = [] if columns == "keys" else [name for name in types if columns == "all" or types[name] != "text"]
    listed = list(dict.fromkeys([*first, *others]))
    shown = (Column(name, types.get(name, "text"), name == resource.key, targets.get(name, "")) for name in listed)
    return Entity(resource.name, tuple(shown), len(types.keys() - set(listed)))


def _has_lake(config: Config, environment: str) -> bool:
    """Whether an environment has a lake, as far as can be told without making one."""
    file = catalogue_file(config, environment)
    return file is None or file.exists()


def _undeclared(lake: Lake, resource: Resource) -> list[str]:
    """Columns that a table has for keys nobody declared."""
    table = lake.shown("refined", f"current_{resource.name}")
    columns = keys_of(table.schema()) if table is not None else {}
    return [column for key, column in columns.items() if key not in resource.columns]
