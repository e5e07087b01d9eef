"""Where things stand in the text of a YAML file, so that something can be put in beside them and all else stays.

ruamel.yaml says where each node begins and ends. Whoever is given a place that is none, because the file says `*name`
there or is written in some other unforeseen way, gets a ValueError and leaves the file alone.
"""

from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, ScalarNode

Node = Any  # ruamel's nodes have no types
Entry = tuple[Node, Node]  # a key and its value


def root_of(text: str) -> Node:
    """The outermost node of a file; a YAMLError where it is no YAML."""
    return YAML(typ="safe", pure=True).compose(text)


def entry_of(mapping: Node, name: str) -> Entry | None:
    """The entry of a mapping that has this key; None where it has none."""
    if not isinstance(mapping, MappingNode):
        raise ValueError(name)
    return next(((key, value) for key, value in mapping.value if key.value == name), None)


def end_of(text: str, entry: Entry) -> int:
    """Where an entry ends; what ruamel calls the end of a block lies behind the comments that follow it."""
    refuse_alias(entry)
    key, value = entry
    if isinstance(value, ScalarNode) and value.start_mark.index == value.end_mark.index:
        return behind_colon(text, key)
    if isinstance(value, ScalarNode) or value.flow_style:
        return len(text[: value.end_mark.index].rstrip())
    last = value.value[-1]
    return end_of(text, last if isinstance(value, MappingNode) else (key, last))


def end_of_last(text: str, mapping: Node) -> int:
    """Where another entry of a mapping can be put: behind the last one, or behind the brace of an empty one."""
    return end_of(text, mapping.value[-1]) if mapping.value else text.index("{", mapping.start_mark.index) + 1


def refuse_alias(entry: Entry) -> None:
    """Refuse `*name`: the node it gives stands elsewhere."""
    key, value = entry
    if value.start_mark.index < key.end_mark.index:
        raise ValueError(key.value)


def behind_colon(text: str, key: Node) -> int:
    """Where the value of a key can begin."""
    return text.index(":", key.end_mark.index) + 1


def line_start(text: str, place: int) -> int:
    """Where the line begins that a place lies in."""
    return text.rfind("\n", 0, place) + 1


def line_end(text: str, place: int) -> int:
    """Where the line ends that a place lies in, before its line end."""
    end = text.find("\n", place)
    if end < 0:
        return len(text)
    return end - 1 if text[end - 1 : end] == "\r" else end


def newline_of(text: str) -> str:
    """What ends a line of this file."""
    return "\r\n" if "\r\n" in text else "\n"
