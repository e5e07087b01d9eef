"""Writes a drafted catalogue as TOML: names and types, never a value of a record."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from textwrap import wrap

from planlake.setup.draft.columns import DraftColumn, types_by_name
from planlake.sources.dialect import Dialect

BARE = re.compile(r"[A-Za-z0-9_-]+")
WIDTH = 100
HEAD = """\
# Drafted by planlake init from a few answers of the API. It holds names and types, nothing of any record.
# Look at what it is not sure of, then: planlake try RESOURCE --env NAME. What each key means: docs/add-a-source.md
"""
TOTAL_MISSING = '# total = "body:..."            # not seen: where an answer says how many records the query has\n'
BY_DAY = """\
changed = ""                     # read whole each time; else the column that says when a record changed
"""


@dataclass(frozen=True, slots=True)
class DraftResource:
    """One resource: its name, its address, its key, and its columns."""

    name: str
    address: str
    key: str
    columns: Sequence[DraftColumn] = field(repr=False)
    records: int
    total: int | None
    doubts: tuple[str, ...] = ()


def catalogue_text(dialect: Mapping[str, str | int], page_size: int, resources: Sequence[DraftResource]) -> str:
    """The file."""
    usual = {name: getattr(Dialect(), name) for name in dialect}
    spoken = "".join(f"{name} = {_quoted(value)}\n" for name, value in dialect.items() if value != usual[name])
    if "total" not in dialect:
        spoken += TOTAL_MISSING
    spoken = spoken and f"\n[source.dialect]\n{spoken}"
    head = f"{HEAD}\n[source]\npage_size = {page_size}\n{BY_DAY}{spoken}"
    return "\n".join([head, *(_resource(one) for one in resources)])


def _resource(one: DraftResource) -> str:
    people = [
        _quoted(column.name).replace(" ", "\\u0020")
        for column in one.columns
        if column.may_name_people and column.name != one.key
    ]
    lines = [f"[{one.name}]", 'cadence = "weekly"']
    lines += [f"path = {_quoted(one.address)}"] if one.address != one.name else []
    lines += [f"key = {_quoted(one.key)}", f"complete = {_quoted(one.key)}"]
    if people:
        lines += ["personal = [                     # by their names: look at them", *_wrapped(people, "  "), "]"]
    lines += ["", f"[{one.name}.columns]", *_columns(one)]
    return "\n".join([*lines, ""])


def _columns(one: DraftResource) -> Iterator[str]:
    declared = types_by_name(one.columns, one.key)
    for name, kind in declared.items():
        yield f"{_name(name)} = {_quoted(kind)}"
    texts = [_quoted(column.name).replace(" ", "\\u0020") for column in one.columns if column.name not in declared]
    if texts:
        yield "# text, as is every key that is not declared:"
        yield from _wrapped(texts, "#   ")


def _wrapped(names: Sequence[str], before: str) -> list[str]:
    text = ", ".join(names)
    return wrap(
        text, WIDTH, initial_indent=before, subsequent_indent=before, break_long_words=False, break_on_hyphens=False
    )


def _name(value: str) -> str:
    """A name as TOML takes it before an equals sign."""
    return value if BARE.fullmatch(value) else _quoted(value)


def _quoted(value: str | int) -> str:
    """A value as TOML writes it; JSON's texts are TOML's but for one character."""
    text = json.dumps(value, ensure_ascii=False)
    return text.replace("\x7f", "\\u007f")
