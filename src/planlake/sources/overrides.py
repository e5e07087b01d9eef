"""Overrides of the catalogue in a configuration: in goes the text of the file, out comes the text with more of them.

ruamel.yaml keeps comments and order, but not every space. So the file is written by it twice, as it is and with the
overrides, and only the lines in which the two differ are put into the text.
"""

import io
from collections.abc import Mapping
from difflib import SequenceMatcher
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.util import load_yaml_guess_indent

from planlake.errors import ConfigurationError

Overrides = Mapping[str, Mapping[str, Any]]  # by resource: its keys; values that are mappings are added to
SECTION = "resources"
WIDTH = 10_000  # no line is broken


def with_overrides(text: str, overrides: Overrides) -> str:
    """The text with these overrides under `resources:`; every line that says nothing of them stays as it is.

    Raises ConfigurationError where the file is written in a way that cannot be edited.
    """
    newline = "\r\n" if "\r\n" in text else "\n"
    plain = text.replace("\r\n", "\n")
    wanted = _with(_plain(plain), overrides)
    before = _written(plain, {})
    for edited in (_spliced(plain, before, _written(plain, overrides)), _written(plain, overrides)):
        if _plain(edited) == wanted:
            return edited.replace("\n", newline)
    hint = "write what is shown under resources: yourself"
    raise ConfigurationError("this file cannot be edited safely", state="Nothing was changed", hint=hint)


def _written(text: str, overrides: Overrides) -> str:
    """The file as ruamel.yaml writes it, with these overrides."""
    _, indent, sequence = load_yaml_guess_indent(text)
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = WIDTH
    if indent:
        yaml.indent(mapping=indent, sequence=indent + (sequence or 0), offset=sequence or 0)
    stream = io.StringIO()
    yaml.dump(_with(yaml.load(text), overrides), stream)
    return stream.getvalue()


def _with(data: Any, overrides: Overrides) -> Any:  # noqa: ANN401 - untyped YAML is named here, at the border
    for resource, keys in overrides.items():
        section = _mapping_in(_mapping_in(data, SECTION), resource)
        for key, value in keys.items():
            if isinstance(value, Mapping):
                _mapping_in(section, key).update(value)
            else:
                section[key] = value
    return data


def _mapping_in(data: Any, key: str) -> Any:  # noqa: ANN401
    """The mapping under a key, made where there is none."""
    if not isinstance(data.get(key), dict):
        data[key] = CommentedMap()
    return data[key]


def _spliced(text: str, before: str, after: str) -> str:
    """The text with the lines in which `after` differs from `before`, whose other lines are the text's own."""
    own, old, new = (part.splitlines(keepends=True) for part in (text, before, after))
    if len(own) != len(old):
        return after
    if own and not own[-1].endswith("\n"):
        own[-1] += "\n"
    lines: list[str] = []
    for kind, start, end, new_start, new_end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        lines += own[start:end] if kind == "equal" else new[new_start:new_end]
    return "".join(lines)


def _plain(text: str) -> Any:  # noqa: ANN401
    return _unshared(YAML(typ="safe", pure=True).load(text))


def _unshared(data: Any) -> Any:  # noqa: ANN401
    """The same with a copy wherever the file says `*name`: a change at one place must not be one at another."""
    if isinstance(data, dict):
        return {key: _unshared(value) for key, value in data.items()}
    return [_unshared(value) for value in data] if isinstance(data, list) else data
