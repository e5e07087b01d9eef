"""Adds names to the lists in a configuration's text, and leaves all else of it as it was.

ruamel.yaml only says where each list stands; names are put in there. So comments, order, quotes, indentation and line
ends stay as they are.
"""

import json
import re
from collections.abc import Sequence
from io import StringIO

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import DocumentEndEvent
from ruamel.yaml.nodes import ScalarNode, SequenceNode

from planlake.errors import ConfigurationError
from planlake.setup.yaml_places import (
    Node,
    behind_colon,
    end_of_last,
    entry_of,
    line_end,
    line_start,
    newline_of,
    refuse_alias,
    root_of,
)

PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
WORDS = ("true", "false", "yes", "no", "on", "off", "null", "y", "n")  # what YAML takes for something else than a name
DASH = re.compile(r"[ \t]*-[ \t]+")
GAP = r"(?:\s|#[^\n]*\n)*"  # a comment reaches to the end of its line: a comma in it is none of the list


def with_tables(text: str, cadence: str, names: Sequence[str]) -> str:
    """The text of a configuration with these names at the end of `tables.daily` or `tables.weekly`.

    Raises ConfigurationError where the list stands in the file in a way that names cannot be put in.
    """
    try:
        return _with_names(text, cadence, [yaml_name(name) for name in names])
    except (YAMLError, ValueError):  # what it says of places no longer holds
        raise edit_error() from None


def _with_names(text: str, cadence: str, names: Sequence[str]) -> str:
    root, listed = root_of(text), f"[{', '.join(names)}]"
    found = entry_of(root, "tables")
    if found is None:
        return _with_section(text, root, f"{cadence}: {listed}")
    refuse_alias(found)
    key, tables = found
    if isinstance(tables, ScalarNode):
        return _with_value(text, key, tables, f"{{{cadence}: {listed}}}")
    wanted = entry_of(tables, cadence)
    if wanted is None:
        return _with_key(text, tables, f"{cadence}: {listed}")
    refuse_alias(wanted)
    return _with_items(text, *wanted, names)


def yaml_name(name: str) -> str:
    """A name as YAML reads it, quoted only where it must be."""
    return name if PLAIN.fullmatch(name) and name.lower() not in WORDS else json.dumps(name)


def _with_items(text: str, key: Node, node: Node, names: Sequence[str]) -> str:
    if isinstance(node, ScalarNode):
        return _with_value(text, key, node, f"[{', '.join(names)}]")
    if not isinstance(node, SequenceNode):
        raise ValueError
    if not node.value:
        return _inserted(text, text.index("[", node.start_mark.index) + 1, ", ".join(names))
    last = node.value[-1]
    refuse_alias((key, last))
    return _in_flow(text, node, last, names) if node.flow_style else _in_block(text, last, names)


def _in_block(text: str, last: Node, names: Sequence[str]) -> str:
    """A line of its own for each name, begun like the last one."""
    lead = text[line_start(text, last.start_mark.index) : last.start_mark.index]
    if not DASH.fullmatch(lead):
        raise ValueError
    added = "".join(f"{newline_of(text)}{lead}{name}" for name in names)
    return _inserted(text, line_end(text, last.end_mark.index), added)


def _in_flow(text: str, node: Node, last: Node, names: Sequence[str]) -> str:
    """Behind the last name; on lines of their own where the last one has its own and what follows it is not the end."""
    start, end = last.start_mark.index, last.end_mark.index
    behind = text[end : node.end_mark.index]
    comma = re.match(rf"{GAP}(,)", behind)
    lead = text[line_start(text, start) : start]
    if lead.strip() or (comma and "\n" in comma[0]) or re.match(r"[ \t]*,?[ \t]*\]", behind):
        glue = f",{newline_of(text)}{lead}" if not lead.strip() and len(node.value) > 1 else ", "
        return _inserted(text, end, "".join(glue + name for name in names))
    added = "".join(f",{newline_of(text)}{lead}{name}" for name in names)[1:] + ("," if comma else "")
    text = _inserted(text, line_end(text, end), added)
    return text if comma else _inserted(text, end, ",")


def _with_value(text: str, key: Node, node: Node, value: str) -> str:
    """A value in the place of none."""
    start, end = node.start_mark.index, node.end_mark.index
    if text[start:end].strip():
        return text[:start] + value + text[end:]
    return _inserted(text, behind_colon(text, key), f" {value}")


def _with_section(text: str, root: Node, entry: str) -> str:
    if root.flow_style:
        return _with_key(text, root, f"tables: {{{entry}}}")
    newline, indent, place = newline_of(text), " " * root.start_mark.column, _end_of_document(text)
    gap = "" if text[:place].endswith("\n") else newline
    return _inserted(text, place, f"{gap}{newline}{indent}tables:{newline}{indent}  {entry}{newline}")


def _end_of_document(text: str) -> int:
    """Where the only document ends: before its `...`, where it has one."""
    events = YAML(typ="safe", pure=True).parse(StringIO(text))
    end = next(event for event in events if isinstance(event, DocumentEndEvent))
    return int(end.start_mark.index) if end.explicit else len(text)


def _with_key(text: str, mapping: Node, entry: str) -> str:
    """Another entry of a mapping, behind its last one."""
    if mapping.flow_style:
        return _inserted(text, end_of_last(text, mapping), f", {entry}" if mapping.value else entry)
    indent = " " * mapping.value[0][0].start_mark.column
    place = line_end(text, end_of_last(text, mapping))
    return _inserted(text, place, f"{newline_of(text)}{indent}{entry}")


def _inserted(text: str, place: int, added: str) -> str:
    return text[:place] + added + text[place:]


def edit_error() -> ConfigurationError:
    """What is said where names cannot be put into a file."""
    hint = "add the name to the list under tables: by hand"
    return ConfigurationError("the lists of this file cannot be edited safely", state="Nothing was changed", hint=hint)
