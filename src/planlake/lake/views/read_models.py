"""Reads models: files of the user's, each one SELECT with a block of comment lines at its top that says what it is.

The lines up to the first that is only `--` are the comment of the table; what follows is YAML: `kind`, `optional`,
`checks` and `columns`.
"""

import hashlib
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from planlake.config import suggestion
from planlake.engines.duckdb.connection import Connection
from planlake.errors import ConfigurationError
from planlake.lake.lake import ZONES
from planlake.lake.views.models import MAPPING, Model, ModelChecks, Models
from planlake.lake.views.parse_query import line_of_mistake, parse_query, place_of

NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")
KINDS = ("table", "view")
PARTS = {"kind", "optional", "checks", "columns"}
CHECKS = {"unique", "complete", "relations", "accepted", "conditions"}
MEGABYTE = 2**20
WHAT_IT_READS = "a model reads refined.TABLE, trusted.MODEL and mapping.FILE; planlake tables lists what is loaded"


def read_models(
    folder: Path, connection: Connection, resources: Mapping[str, object], checks: Mapping[str, Mapping[str, Any]]
) -> Models:
    """The models in a folder; none where there is no such folder. What is wrong with one is its `trouble`.

    `checks` are those that the configuration has for models, by their names, beside those in the files.
    """
    there = folder.iterdir() if folder.is_dir() else ()
    files = sorted(one for one in there if one.suffix.lower() == ".sql" and not one.name.startswith("."))
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
    return Models({model.name: model for model in _in_order(found, connection)}, mappings)


def _or_trouble(model: Model, work: Callable[[Model], Model]) -> Model:
    try:
        return work(model)
    except ConfigurationError as error:
        return replace(model, reads=(), trouble=str(error), hint=error.hint)
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

    def nearest(self, name: str) -> str:
        """A hint at tables that are called most like one that nobody knows, else at what a model can read."""
        known = {"refined": self.resources, "trusted": self.models, MAPPING: self.mappings}
        hint = suggestion(name, [f"{schema}.{one}" for schema, names in known.items() for one in names])
        return hint if hint.startswith("did you mean") else WHAT_IT_READS


def _resolved(model: Model, known: _Known, connection: Connection) -> Model:
    """The model with the schema of every table it reads; a ConfigurationError for a table that nobody knows."""
    reads = []
    targets = (tuple(target.split(".")[:2]) for target in model.checks.relations.values())
    for schema, name in (*model.reads, *targets):
        meant = known.schema_of(schema.lower(), name.lower())
        if not meant:
            line = place_of(connection, model.query, schema, name)
            shown, facts = f"{schema}.{name}" if schema else name, {"model": model.name, "at": model.place(line)}
            raise ConfigurationError(f'no table is called "{shown}"', facts=facts, hint=known.nearest(shown))
        if not schema:
            hint, at = f"{meant}.{name}", model.place(place_of(connection, model.query, schema, name))
            raise ConfigurationError(f'"{name}" has to be named with its schema', facts={"at": at}, hint=hint)
        reads.append((meant, name.lower()))
    return replace(model, reads=tuple(dict.fromkeys(reads)))


def _in_order(models: Mapping[str, Model], connection: Connection) -> list[Model]:
    """The models, each after those it reads; those that read each other in a circle have that as their trouble."""
    left, done = dict(models), dict[str, Model]()
    while left:
        ready = [
            one for one in left.values() if all(name not in left for schema, name in one.reads if schema == "trusted")
        ]
        if not ready:
            for one in _circle(left):
                names = [other.name for other in (*_circle(left, one), one)]
                at = one.place(place_of(connection, one.query, "trusted", names[1]))
                trouble = f"models read each other in a circle: {' reads '.join(names)} (at={at})"
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
