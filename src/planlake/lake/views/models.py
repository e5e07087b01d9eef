"""Models: SELECTs of the user's that trusted tables and views are made of, and which of them read which."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from planlake.engines.duckdb.connection import Connection
from planlake.engines.duckdb.macros import define_macros
from planlake.lake.lake import Lake

MAPPING = "mapping"
MACROS = ("working_days", "run_day", "setting")


@dataclass(frozen=True, slots=True)
class ModelChecks:
    """What must hold of a model's rows: columns (or several together) without repeats, columns that are never NULL.

    `relations` are ids that another table has (column: `schema.table.column`), `accepted` the values of a column,
    `conditions` are true of every row, by their names.
    """

    unique: tuple[tuple[str, ...], ...] = ()
    complete: tuple[str, ...] = ()
    relations: Mapping[str, str] = field(default_factory=dict)
    accepted: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    conditions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Model:
    """A model: its query, and the line of its file on which that begins; the tables it reads, by schema and name.

    `optional` are resources that it reads and can do without: empty where they were never loaded. Of one that cannot be
    read `trouble` says why, and `hint` what to do; it is a table of which there is no new version.
    """

    name: str
    file: Path
    query: str
    first_line: int
    reads: tuple[tuple[str, str], ...] = ()
    about: str = ""
    is_view: bool = False
    optional: frozenset[str] = frozenset()
    checks: ModelChecks = field(default_factory=ModelChecks)
    columns: Mapping[str, str] = field(default_factory=dict)
    digest: str = ""
    trouble: str = ""
    hint: str = ""

    @property
    def has_checks(self) -> bool:
        """Whether anything is checked of its rows."""
        return self.checks != ModelChecks()

    @property
    def text(self) -> str:
        """Its query and the conditions of its checks: all SQL of it."""
        return "\n".join(self.texts)

    @property
    def texts(self) -> tuple[str, ...]:
        """Its query, and each condition of its checks as a query."""
        return (self.query, *(f"select [{condition}\n]" for condition in self.checks.conditions.values()))

    def place(self, line: int) -> str:
        """A line of the query as people find it in the file."""
        return f"{self.file.name}:{self.first_line + line - 1}"


@dataclass(frozen=True, slots=True)
class Models:
    """All models of a configuration in an order in which each stands after those it reads, and what they are given.

    `closing_days` are found out where a query counts working days; `settings` are values that it asks for.
    """

    by_name: Mapping[str, Model] = field(default_factory=dict)
    mappings: Mapping[str, Path] = field(default_factory=dict)
    closing_days: Callable[[], Collection[date]] = tuple
    settings: Mapping[str, str] = field(default_factory=dict)

    def define_macros(self, connection: Connection, query: str, day: date) -> None:
        """Define what a query calls beside DuckDB's own functions, where it or a view among the models calls any."""
        texts = [query, *(model.query for model in self.by_name.values() if model.is_view)]
        used = {name for name in MACROS if any(name in text.lower() for text in texts)}
        if used:
            days = self.closing_days() if "working_days" in used else ()
            define_macros(connection, closing_days=days, day=day, settings=self.settings)

    def views_below(self, model: Model) -> list[Model]:
        """The views that a model reads, and those that these read, each once."""
        return self._below(model, lambda one: one.is_view)

    def all_below(self, model: Model) -> list[Model]:
        """The models that a model reads, and those that these read, each once."""
        return self._below(model, lambda _: True)

    def _below(self, model: Model, counts: Callable[[Model], bool]) -> list[Model]:
        found: dict[str, Model] = {}
        left = [model]
        while left:
            new = [self.by_name[name] for name in self.reads_of(left.pop()) if name not in found]
            left += [one for one in new if counts(one)]
            found |= {one.name: one for one in new if counts(one)}
        return list(found.values())

    def reads_of(self, model: Model) -> tuple[str, ...]:
        """The models that a model reads."""
        return tuple(name for schema, name in model.reads if schema == "trusted" and name in self.by_name)


def left_tables(models: Models, lake: Lake) -> list[str]:
    """The trusted tables of a lake that no model makes any more."""
    made = {name for name, model in models.by_name.items() if not model.is_view}
    return [name for name in lake.names("trusted") if name not in made]


def standing_on(models: Models, name: str) -> Iterator[str]:
    """The models that read this one, directly."""
    return (other for other, model in models.by_name.items() if name in models.reads_of(model))
