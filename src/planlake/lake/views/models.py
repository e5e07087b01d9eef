"""Reads models: files of the user's, each one SELECT with a block of comment lines at its top that says what it is.

The lines up to the first that is only `--` are the comment of the table; what follows is YAML: `kind`, `optional`,
`checks` and `columns`.
"""

import hashlib
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from planlake.engines.duckdb.connection import Connection
from planlake.engines.duckdb.macros import define_macros
from planlake.errors import ConfigurationError
from planlake.lake.lake import ZONES, Lake
from planlake.lake.views.parse_query import line_of_mistake, parse_query, place_of

NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")
MAPPING = "mapping"
KINDS = ("table", "view")
PARTS = {"kind", "optional", "checks", "columns"}
MACROS = ("working_days", "run_day", "setting")
CHECKS = {"unique", "complete", "relations", "accepted", "conditions"}
MEGABYTE = 2**20


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
    read `trouble` says why; it is a table of which there is no new version.
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


def read_models(
    folder: Path, connection: Connection, resources: Mapping[str, object], checks: Mapping[str, Mapping[str, Any]]
) -> Models:
    """The models in a folder; none where there is no such folder. What is wrong with one is its `trouble`.

    `checks` are those that the configuration has for models, by their names, beside those in the files.
    """
    files = sorted(file for file in folder.iterdir() if file.suffix.lower() == ".sql") if folder.is_dir() else []
    mappings = {file.stem: file for file in sorted(folder.glob("mappings/*.csv"))}
    found = {
        _name(file): _or_trouble(
            Model(_name(file), file, "", 1), lambda one: _read(one.file, connection, checks.get(one.name, {}))
        )
        for file in files
    }
    for name in checks.keys() - found.keys():
        file = folder / f"{name}.sql"
        found[name] = Model(name, file, "", 1, trouble=f"the configuration has checks for it, and there is no {file}")
    known = _Known(resources, found, mappings)
    for name, model in found.items():
        if not model.trouble:
            found[name] = _or_trouble(model, lambda one: _resolved(one, known, connection))
    return Models({model.name: model for model in _in_order(found)}, mappings)


def _or_trouble(model: Model, work: Callable[[Model], Model]) -> Model:
    try:
        return work(model)
    except ConfigurationError as error:
        return replace(model, reads=(), trouble=str(error))
    except RecursionError:
        return replace(model, reads=(), trouble=f"it is nested too deep to be read (at={model.file.name})")


@dataclass(frozen=True, slots=True)
class _Known:
    resources: Mapping[str, object]
    models: Mapping[str, Model]
    mappings: Mapping[str, Path]

    def schema_of(self, schema: str, name: str) -> str:
        """The schema that is meant, empty where there is no such table."""
        if schema == MAPPING:
            return schema if name in self.mappings else ""
        if schema == "trusted":
            return schema if name in self.models else ""
        if schema == "refined":
            plain = re.sub(r"^(history|current|increment)_", "", name)
            return schema if name in self.resources or plain in self.resources else ""
        if schema:
            return schema if schema in ZONES else ""
        return "refined" if name in self.resources else "trusted" if name in self.models else ""


def _resolved(model: Model, known: _Known, connection: Connection) -> Model:
    """The model with the schema of every table it reads; a ConfigurationError for a table that nobody knows."""
    reads = []
    targets = (tuple(target.split(".")[:2]) for target in model.checks.relations.values())
    for schema, name in (*parse_query(connection, model.query).tables, *targets):
        meant = known.schema_of(schema.lower(), name.lower())
        if not meant:
            line = place_of(connection, model.query, schema, name)
            shown, facts = f"{schema}.{name}" if schema else name, {"model": model.name, "at": model.place(line)}
            hint = "a model reads refined.TABLE, trusted.MODEL and mapping.FILE; planlake tables lists what is loaded"
            raise ConfigurationError(f'no table is called "{shown}"', facts=facts, hint=hint)
        if not schema:
            hint, at = f"{meant}.{name}", model.place(place_of(connection, model.query, schema, name))
            raise ConfigurationError(f'"{name}" has to be named with its schema', facts={"at": at}, hint=hint)
        reads.append((meant, name.lower()))
    return replace(model, reads=tuple(dict.fromkeys(reads)))


def _in_order(models: Mapping[str, Model]) -> list[Model]:
    """The models, each after those it reads; those that read each other in a circle have that as their trouble."""
    left, done = dict(models), dict[str, Model]()
    while left:
        ready = [
            one for one in left.values() if all(name not in left for schema, name in one.reads if schema == "trusted")
        ]
        if not ready:
            for one in _circle(left):
                others = " reads ".join([other.name for other in (*_circle(left, one), one)])
                trouble = f"models read each other in a circle: {others} (at={one.place(1)})"
                done[one.name] = replace(one, reads=(), trouble=trouble)
            ready = []
        done.update({one.name: one for one in ready})
        left = {name: one for name, one in left.items() if name not in done}
    return list(done.values())


def _circle(models: Mapping[str, Model], first: Model | None = None) -> list[Model]:
    """A circle of models that read each other; beginning with one of it, where that is given."""
    path = [first or next(iter(models.values()))]
    while True:
        following = next(models[name] for schema, name in path[-1].reads if schema == "trusted" and name in models)
        if following in path:
            return path[path.index(following) :]
        path.append(following)


def _name(file: Path) -> str:
    """What a model is called, by its file; with the ending where that is none of a model."""
    return file.name.removesuffix(".sql")


def _read(file: Path, connection: Connection, checks: Mapping[str, Any]) -> Model:
    if not NAME.fullmatch(_name(file)):
        better = re.sub(r"\W", "_", file.stem.lower())
        like = f", such as {better}.sql" if NAME.fullmatch(better) else ""
        message = f"{file.name} is no name of a model: small letters, digits and _, and .sql{like}"
        raise ConfigurationError(message, facts={"file": file})
    try:
        with file.open("rb") as stream:
            content = stream.read(MEGABYTE + 1)
        text = content.decode("utf-8-sig")
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"a model cannot be read: {error}", facts={"file": file}) from None
    if len(content) > MEGABYTE:
        raise ConfigurationError("a model is larger than 1 MB", facts={"file": file})
    return model_of(file, text, connection, checks)


def model_of(file: Path, text: str, connection: Connection, checks: Mapping[str, Any]) -> Model:
    """A model from the text of its file, with more checks; a ConfigurationError names the line of a mistake."""
    lines = text.replace("\r\n", "\n").split("\n")
    head, about, count = _head(lines)
    query = "\n".join(lines[count:])
    model = Model(file.stem, file, query.rstrip().rstrip(";"), count + 1, about=about)
    _refuse_misplaced_parts(model, lines, count - len(head))
    said = _yaml(model, head)
    try:
        question = parse_query(connection, model.query)
    except ConfigurationError as error:
        facts = {"model": model.name, "at": model.place(line_of_mistake(connection, model.query))}
        raise ConfigurationError(error.message, facts=facts, hint=error.hint) from None
    if question.lists or question.describes:
        raise ConfigurationError("a model is one SELECT", facts={"at": model.place(1)})
    return replace(
        model,
        reads=question.tables,
        is_view=said.get("kind", "table") == "view",
        optional=_optional(model, said.get("optional"), question.tables),
        checks=_both(_checks(file.name, said.get("checks") or {}), _checks("models.checks", checks)),
        columns=_meanings(model, said.get("columns") or {}),
        digest=hashlib.sha256(f"{text}{checks or ''}".encode()).hexdigest()[:16],
    )


def _head(lines: Sequence[str]) -> tuple[list[str], str, int]:
    """The lines of YAML at the top, the comment before them, and how many lines both take."""
    count = next((number for number, line in enumerate(lines) if not line.startswith("--")), len(lines))
    said = [line[2:].removeprefix(" ").rstrip() for line in lines[:count]]
    end = said.index("") if "" in said else len(said)
    return said[end:], " ".join(said[:end]).strip(), count


def _refuse_misplaced_parts(model: Model, lines: Sequence[str], end: int) -> None:
    """Refuse `checks:` and the like among the sentences, and in comments between these lines and the query.

    There they would be words of a comment: a model would be built without its checks.
    """
    for number, line in enumerate(lines, 1):
        if line.strip() and not line.lstrip().startswith("--"):
            return
        found = re.match(rf"\s*--\s*({'|'.join(sorted(PARTS))})\s*:", line)
        if found and (number <= end or number >= model.first_line):
            message = f"{found[1]}: is not read where it stands"
            facts = {"model": model.name, "at": f"{model.file.name}:{number}"}
            hint = "the comment, then a line of only --, then kind, optional, checks and columns, no empty line between"
            raise ConfigurationError(message, facts=facts, hint=hint)


def _yaml(model: Model, lines: Sequence[str]) -> dict[str, Any]:
    from ruamel.yaml import YAML  # noqa: PLC0415 - only where there are models
    from ruamel.yaml.error import MarkedYAMLError, YAMLError  # noqa: PLC0415

    before, text = model.first_line - len(lines) - 1, "\n".join(lines)
    at = model.file.name
    try:
        parser = YAML(typ="safe", pure=True)
        if "*" in text and any(type(event).__name__ == "AliasEvent" for event in parser.parse(text)):
            raise ConfigurationError("what stands above a model names nothing by *aliases", facts={"at": at})
        said = YAML(typ="safe", pure=True).load(text) or {}
    except (YAMLError, ValueError, RecursionError) as error:
        mark = error.problem_mark if isinstance(error, MarkedYAMLError) else None
        at = f"{at}:{before + mark.line + 1}" if mark else at
        message = "what stands above a model is not YAML"
        raise ConfigurationError(message, facts={"at": at}, hint="planlake model new shows how it looks") from None
    unknown = set(said) - PARTS if isinstance(said, dict) else {"what is no list of names"}
    if unknown or said.get("kind", "table") not in KINDS:
        wrong = ", ".join(sorted(map(str, unknown))) or f"kind: {said['kind']}"
        hint = "kind (table or view), optional, checks and columns can stand there"
        raise ConfigurationError(f"a model cannot say {wrong}", facts={"at": model.file.name}, hint=hint)
    return dict(said)


def _optional(model: Model, said: object, tables: Collection[tuple[str, str]]) -> frozenset[str]:
    """The resources that a model can do without; a ConfigurationError where it does not read one of them."""
    read = {name.lower() for schema, name in tables if schema.lower() == "refined"}
    unknown = [name for name in said if name not in read] if isinstance(said, list) else [said] if said else []
    if unknown:
        hint = "optional: [TABLE], each of them read as refined.TABLE"
        raise ConfigurationError(
            f"the model does not read refined.{unknown[0]}", facts={"at": model.file.name}, hint=hint
        )
    return frozenset(map(str, said if isinstance(said, list) else ()))


def _meanings(model: Model, said: object) -> dict[str, str]:
    if not isinstance(said, dict):
        hint = "columns: {NAME: what it means}"
        raise ConfigurationError(
            "columns of a model are names with their meanings", facts={"at": model.file.name}, hint=hint
        )
    return {str(name): str(meaning) for name, meaning in said.items()}


def _both(one: ModelChecks, other: ModelChecks) -> ModelChecks:
    return ModelChecks(
        tuple(dict.fromkeys((*one.unique, *other.unique))),
        tuple(dict.fromkeys((*one.complete, *other.complete))),
        {**one.relations, **other.relations},
        {**one.accepted, **other.accepted},
        {**one.conditions, **other.conditions},
    )


def _checks(at: str, said: Mapping[str, Any]) -> ModelChecks:
    try:
        if unknown := set(said) - CHECKS:
            raise ValueError(f"no check is called {min(unknown)}")
        return ModelChecks(
            tuple(_together(one) for one in _listed(said.get("unique"))),
            tuple(str(one) for one in _listed(said.get("complete"))),
            {str(column): _target(target) for column, target in (said.get("relations") or {}).items()},
            {str(column): _values(values) for column, values in (said.get("accepted") or {}).items()},
            {str(name): str(condition) for name, condition in (said.get("conditions") or {}).items()},
        )
    except (AttributeError, TypeError, ValueError) as error:
        hint = f"checks are {', '.join(sorted(CHECKS))}; planlake model new shows how they look"
        message = f"the checks of a model cannot be read: {error}"
        raise ConfigurationError(message, facts={"at": at}, hint=hint) from None


def _listed(given: object) -> list[Any]:
    if given is not None and not isinstance(given, list):
        raise ValueError("unique, complete and the values accepted are lists: [id]")
    return given or []


def _values(given: object) -> tuple[str, ...]:  # as DuckDB writes them: what YAML reads as true is `true`
    return tuple(str(one).lower() if isinstance(one, bool) else str(one) for one in _listed(given))


def _together(given: object) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(map(str, given))  # type: ignore[call-overload]


def _target(given: object) -> str:
    if str(given).count(".") != 2:
        raise ValueError(f"a relation leads to schema.table.column, not to {given}")
    return str(given)


def left_tables(models: Models, lake: Lake) -> list[str]:
    """The trusted tables of a lake that no model makes any more."""
    made = {name for name, model in models.by_name.items() if not model.is_view}
    return [name for name in lake.names("trusted") if name not in made]


def standing_on(models: Models, name: str) -> Iterator[str]:
    """The models that read this one, directly."""
    return (other for other, model in models.by_name.items() if name in models.reads_of(model))
