"""Reads the text of the configuration file and replaces the variables in it.

Whoever wrote the file chose its size and shape: it is read up to a bound, and what a few lines of `*aliases` would make
of it is counted before it is made.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from planlake.errors import ConfigurationError

MEGABYTE = 2**20
MOST_VALUES = 10_000
INSIDE = re.compile(r"""["']([^"']*)["']""")
QUOTED = re.compile(r"""(["']).*\1""")  # values stay out of messages: one may be a secret
VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
SECRETS = ("public_key", "private_key", "token")
LOOK_THERE = "look there for a bracket or a quote without its end, a colon without a space, and spaces that differ"
ESCAPE = r"in double quotes \ is more than a sign: write a path with /, or without quotes"
# Never replaced by what they refer to.
REFERENCES = (
    *(("api", name) for name in SECRETS),
    ("lineage", "key"),
    *(("notify", name) for name in ("slack", "teams", "webhook")),
    ("notify", "email", "password"),
)
_NESTED = re.compile(r"(?:[\[{][^\[\]{}]*){100}")  # opened a hundred times, never closed
_DEEP = "the configuration is nested too deeply"
_Node = Any  # ruamel's nodes have no types


def read_file(file: Path) -> dict[str, Any]:
    """What stands in the file, with `${VARIABLE}` replaced in every text but those that say where a secret is kept.

    Raises ConfigurationError where there is no such file, it is no YAML, or a variable is not set or empty.
    """
    text = _text(file)
    try:
        raw = _parsed(text, file)
        if not isinstance(raw, dict):
            raise ConfigurationError("the configuration holds no settings", facts={"file": file}, hint="planlake init")
        return _with_variables(raw, file)
    except RecursionError:
        raise ConfigurationError(_DEEP, facts={"file": file}) from None


def _text(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            content = stream.read(MEGABYTE + 1)
        text = content.decode("utf-8-sig")
    except FileNotFoundError:
        hint = "planlake init writes one; --config FILE or PLANLAKE_CONFIG names another"
        raise ConfigurationError("no configuration found", facts={"file": file}, hint=hint) from None
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"the configuration cannot be read: {error}", facts={"file": file}) from None
    if len(content) > MEGABYTE:
        raise ConfigurationError("the configuration is larger than 1 MB", facts={"file": file})
    return text


def _parsed(text: str, file: Path) -> Any:  # noqa: ANN401 - what stands in the file
    from ruamel.yaml import YAML  # noqa: PLC0415 - only when a configuration is read
    from ruamel.yaml.error import YAMLError  # noqa: PLC0415

    if _NESTED.search(text):
        raise ConfigurationError(_DEEP, facts={"file": file})
    try:
        if "*" in text:
            _check_weight(YAML(typ="safe", pure=True).compose(text), file)
        return YAML(typ="safe").load(text)
    except YAMLError as error:
        problem = str(getattr(error, "problem", None) or "it cannot be parsed").splitlines()[0]
        where = QUOTED.sub("...", problem) if re.search(r"\w", "".join(INSIDE.findall(problem))) else problem
        mark = _mark(error)
        facts = {"file": file, "line": mark.line + 1 if mark else "?"}
        hint = ESCAPE if "escape" in problem else LOOK_THERE
        raise ConfigurationError(f"the configuration is not YAML: {where}", facts=facts, hint=hint) from None
    except ValueError:  # a date that is none, a number of thousands of digits, `!!int` before a word
        message = "the configuration is not YAML: it holds an invalid date or number"
        raise ConfigurationError(message, facts={"file": file}, hint="what is meant as a text has quotes") from None


def _mark(error: Exception) -> Any:  # noqa: ANN401 - of a library that has no types
    """Where the mistake is: of what has no end its beginning, as the library sees it at the end of the file only."""
    has_no_end = any(
        word in (getattr(error, "context", None) or "") for word in ("flow", "quoted scalar", "simple key")
    )
    begun, seen = getattr(error, "context_mark", None), getattr(error, "problem_mark", None)
    return begun if has_no_end and begun is not None else seen


def _check_weight(root: _Node, file: Path) -> None:
    """Refuse a file that its aliases make larger than any configuration is, or that holds itself."""
    weights: dict[int, int] = {}

    def weight(node: _Node) -> int:
        if id(node) not in weights:
            weights[id(node)] = MOST_VALUES + 1  # as long as it is being weighed: who meets it now is inside it
            inner = node.value if isinstance(node.value, list) else []
            parts = [part for one in inner for part in (one if isinstance(one, tuple) else (one,))]
            weights[id(node)] = 1 + sum(map(weight, parts))
        return weights[id(node)]

    if root is not None and weight(root) > MOST_VALUES:
        message = f"the configuration holds more than {MOST_VALUES:,} values once its *aliases are put in"
        raise ConfigurationError(message, facts={"file": file})


def _with_variables(raw: Mapping[str, Any], file: Path) -> dict[str, Any]:
    return {key: _expanded(value, (key,), file) for key, value in raw.items()}


def _expanded(value: Any, place: tuple[Any, ...], file: Path) -> Any:  # noqa: ANN401
    """A value with its variables replaced, unless it says where a secret is kept; `place` is where it stands."""
    if place in REFERENCES:
        return value
    if isinstance(value, str):
        return _replaced(value, place, file)
    if isinstance(value, dict):
        return {key: _expanded(inner, (*place, key), file) for key, inner in value.items()}
    if isinstance(value, list):
        return [_expanded(inner, (*place, number), file) for number, inner in enumerate(value)]
    return value


def _replaced(text: str, place: tuple[Any, ...], file: Path) -> str:
    where, facts = ".".join(map(str, place)), {"file": file}
    for name in VARIABLE.findall(text):
        if not os.environ.get(name, "").strip():
            state = "not set" if name not in os.environ else "empty"
            message, hint = f"{where}: the variable {name} is {state}", f"set {name}, or write its value here"
            raise ConfigurationError(message, facts=facts, hint=hint)
    if "${" in VARIABLE.sub("", text):
        hint = "a variable is written ${NAME}, with letters, digits and _, and has no default"
        raise ConfigurationError(f"{where}: what follows ${{ is not the name of a variable", facts=facts, hint=hint)
    return VARIABLE.sub(lambda match: os.environ[match[1]].rstrip("\r\n"), text)


def path_of(location: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """Where a mistake is; the kinds of warehouse that were tried are no part of the place."""
    return tuple(part for part in location if not str(part).startswith(("str", "Warehouses", "function-")))


def place_of(location: tuple[int | str, ...]) -> str:
    """The same, as it is written in a message."""
    return ".".join(map(str, path_of(location)))
