"""Adds overrides of the catalogue to a configuration's text, and leaves all else of it as it was.

ruamel.yaml only says where each mapping stands; entries are put in there. So comments, order, quotes, indentation and
line ends stay as they are.
"""

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode

from planlake.errors import ConfigurationError
from planlake.setup.yaml_places import (
    Node,
    behind_colon,
    end_of_last,
    entry_of,
    line_end,
    newline_of,
    refuse_alias,
    root_of,
)

Overrides = Mapping[str, Mapping[str, Any]]  # by resource: its keys; values that are mappings are added to
SECTION = "resources"
WIDTH = 10_000  # no line is broken
USUAL_STEP = 2


@dataclass(frozen=True, slots=True)
class _Edit:
    """What comes in the place of a part of the text; an empty part is where something is put in."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class _File:
    """A file and how it is written: how far a mapping stands within another one, and what ends a line."""

    text: str
    step: int
    newline: str


def with_overrides(text: str, overrides: Overrides) -> str:
    """The text with these overrides under `resources:`; every line that says nothing of them stays as it is.

    Raises ConfigurationError, with the lines to write, where the file is written in a way that cannot be edited.
    """
    wanted = {SECTION: overrides}
    try:
        root = root_of(text)
        file = _File(text, _step(root), newline_of(text))
        edited = _with_edits(text, list(_edits(file, root, wanted)))
        if _plain(edited) == _merged(_plain(text), wanted):
            return edited
    except (YAMLError, ValueError):  # what it says of places no longer holds
        pass
    lines = _block(wanted, USUAL_STEP, "\n")
    hint = f"add this to the file by hand, beside what is there:\n{lines}"
    raise ConfigurationError("this file cannot be edited safely", state="Nothing was changed", hint=hint)


def _with_edits(text: str, edits: list[_Edit]) -> str:
    """The text with every edit; of several at one place the first comes first."""
    parts, reached = [], 0
    for edit in sorted(edits, key=lambda one: one.start):
        parts += [text[reached : edit.start], edit.text]
        reached = edit.end
    return "".join([*parts, text[reached:]])


def _edits(file: _File, mapping: Node, wanted: Mapping[str, Any]) -> Iterator[_Edit]:
    """What makes a mapping of the file hold what is wanted; inner mappings first."""
    missing = {}
    for name, value in wanted.items():
        found = entry_of(mapping, name)
        if found is None:
            missing[name] = value
            continue
        refuse_alias(found)
        if isinstance(value, Mapping) and not isinstance(found[1], ScalarNode):
            yield from _edits(file, found[1], value)
        elif found[1].value != value:
            yield _changed(file, found, value, in_flow=mapping.flow_style)
    if missing:
        yield _added(file, mapping, missing)


def _changed(file: _File, entry: tuple[Node, Node], value: Any, *, in_flow: bool) -> _Edit:  # noqa: ANN401
    """Another value in the place of a plain one, or of none."""
    key, node = entry
    start, end = node.start_mark.index, node.end_mark.index
    is_none = not file.text[start:end].strip()
    if not isinstance(node, ScalarNode) or node.style in ("|", ">") or (isinstance(value, Mapping) and node.value):
        raise ValueError
    if not is_none:
        return _Edit(start, end, _flow(value))
    place = behind_colon(file.text, key)
    if in_flow or not isinstance(value, Mapping):
        return _Edit(place, place, f" {_flow(value)}")
    return _lines_behind(file, place, value, key.start_mark.column + file.step)


def _added(file: _File, mapping: Node, entries: Mapping[str, Any]) -> _Edit:
    """More entries of a mapping, behind its last one; of the whole file behind its last comment."""
    text = file.text
    if mapping.flow_style:
        place = end_of_last(text, mapping)
        return _Edit(place, place, (", " if mapping.value else "") + _flow(entries)[1:-1])
    column = mapping.value[0][0].start_mark.column
    if SECTION not in entries:
        return _lines_behind(file, end_of_last(text, mapping), entries, column)
    place = mapping.end_mark.index
    gap = "" if text[:place].endswith("\n") else file.newline
    return _Edit(place, place, gap + _block(entries, file.step, file.newline, column))


def _lines_behind(file: _File, place: int, entries: Mapping[str, Any], column: int) -> _Edit:
    """Lines of their own behind the line that holds a place."""
    end = line_end(file.text, place)
    lines = _block(entries, file.step, file.newline, column)
    return _Edit(end, end, file.newline + lines[: -len(file.newline)])


def _step(root: Node) -> int:
    """How far the first mapping within the file's own stands to the right of it."""
    inner = [node for _, node in root.value if isinstance(node, MappingNode) and not node.flow_style and node.value]
    return inner[0].value[0][0].start_mark.column - root.value[0][0].start_mark.column if inner else USUAL_STEP


def _block(entries: Mapping[str, Any], step: int, newline: str, column: int = 0) -> str:
    """Entries as lines, each with its end."""
    yaml = YAML()
    yaml.indent(mapping=step)
    lines = _written(yaml, entries).splitlines()
    return "".join(f"{' ' * column}{line}{newline}" for line in lines)


def _flow(value: Any) -> str:  # noqa: ANN401 - untyped YAML is named here, at the border
    """A value as it stands within a line."""
    yaml = YAML()
    yaml.default_flow_style = True
    return re.sub(r"\n(\.\.\.\n)?$", "", _written(yaml, value))


def _written(yaml: YAML, value: Any) -> str:  # noqa: ANN401
    yaml.width = WIDTH
    stream = io.StringIO()
    yaml.dump(value, stream)
    return stream.getvalue()


def _merged(data: Any, wanted: Mapping[str, Any]) -> Any:  # noqa: ANN401
    for key, value in wanted.items():
        if isinstance(value, Mapping):
            data[key] = _merged(data[key] if isinstance(data.get(key), dict) else {}, value)
        else:
            data[key] = value
    return data


def _plain(text: str) -> Any:  # noqa: ANN401
    return _unshared(YAML(typ="safe", pure=True).load(text))


def _unshared(data: Any) -> Any:  # noqa: ANN401
    """The same with a copy wherever the file says `*name`: a change at one place must not be one at another."""
    if isinstance(data, dict):
        return {key: _unshared(value) for key, value in data.items()}
    return [_unshared(value) for value in data] if isinstance(data, list) else data
