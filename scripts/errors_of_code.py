"""Reads in the code every error that it raises on purpose: what it says, and the hint that it gives.

A message may be written in the call, or have a name in the function around it; what differs from case to case is `…`.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import planlake
from planlake import errors

PACKAGE = Path(planlake.__file__).parent
KINDS = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.PlanlakeError)
}
WORDS = re.compile(r"[A-Za-z]{2,} .*[A-Za-z]{2,}")  # what is made of nothing but its parts says nothing here
ELSEWHERE = "its hint says it"
USUAL = {
    "ConfigurationError": "correct what it names",
    "SourceUnreachable": "planlake doctor",
    "LakeError": "planlake doctor",
    "OutputError": "write to a place with room",
    "ConflictError": "try again once the other has ended",
    "InternalError": "please report it",
}
ROOMS = {
    "Commands, planlake.yaml and other files you write": (
        *("cli", "config.py", "config_file.py", "config_values.py", "setup", "clock.py"),
    ),
    "The API and its catalogue": ("sources", "inspection", "simulator"),
    "The lake, its files and its catalogue": ("lake", "engines"),
    "Runs, and what is done to tables on purpose": ("runs", "flow", "changes", "telemetry"),
    "Queries, exports and pages": ("report", "library", "loopback.py"),
}


@dataclass(frozen=True, order=True)
class Raised:
    """An error as it is raised in one place; `hint` is empty where none is written there."""

    message: str
    hint: str
    kind: str
    room: str


def raised() -> tuple[list[Raised], list[str]]:
    """Every error by its message, and the places (`file:line`) whose message is made elsewhere."""
    found, unread = set[Raised](), list[str]()
    for file in sorted(PACKAGE.rglob("*.py")):
        place = file.relative_to(PACKAGE)
        reader = _Reader()
        reader.read(ast.parse(file.read_text(encoding="utf-8")))
        unread += [f"{place.as_posix()}:{line}" for line in reader.unread]
        found |= {Raised(*one, place.parts[0]) for one in reader.found if WORDS.search(one[0])}
    return sorted(found), unread


def tables() -> str:
    """The errors in tables, one for each part of the product."""
    everything, _ = raised()
    parts = []
    for title, rooms in ROOMS.items():
        rows = [one for one in everything if one.room in rooms]
        head = f"### {title}\n\n| what it says | status | what to do |\n|---|---|---|"
        parts.append("\n".join([head, *dict.fromkeys(map(_row, rows)), ""]))
    return "\n".join(parts)


def _row(one: Raised) -> str:
    return f"| {_cell(one.message)} | {KINDS[one.kind].exit_code} | {_cell(one.hint or USUAL.get(one.kind, ''))} |"


def _cell(text: str) -> str:
    """A text in a cell, where nothing of it is Markdown."""
    return re.sub(r"([\\`*_<>\[\]|])", r"\\\1", " ".join(text.split()))


@dataclass(frozen=True)
class _Named:
    """A name that a statement gives to texts, and the list of statements it stands in."""

    name: str
    texts: list[str]
    block: list[ast.stmt]

    @property
    def is_left(self) -> bool:
        """Whether what follows that list never sees the name, as it ends by leaving the function."""
        return isinstance(self.block[-1], ast.Raise | ast.Return)


class _Reader:
    """Reads a module statement by statement: names of texts that hold where an error is made, and the errors."""

    def __init__(self) -> None:
        self.found: list[tuple[str, str, str]] = []
        self.unread: list[int] = []
        self._named: list[_Named] = []
        self._blocks: list[list[ast.stmt]] = []

    def read(self, node: ast.AST) -> None:
        """Read a node and all within it; what a function names is forgotten at its end."""
        known = len(self._named)
        if isinstance(node, ast.Assign):
            for name, value in _pairs(node.targets[0], node.value):
                if texts := self._texts(value):
                    self._named.append(_Named(name, texts, self._blocks[-1]))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in KINDS:
            self._note(node, node.func.id)
        for _, value in ast.iter_fields(node):
            self._read_all(value if isinstance(value, list) else [value])
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            del self._named[known:]

    def _read_all(self, values: list[object]) -> None:
        statements = [one for one in values if isinstance(one, ast.stmt)]
        self._blocks += [statements] if statements else []
        for one in values:
            if isinstance(one, ast.AST):
                self.read(one)
        del self._blocks[len(self._blocks) - bool(statements) :]

    def _note(self, call: ast.Call, kind: str) -> None:
        messages = self._texts(call.args[0]) if call.args else []
        given = next((one.value for one in call.keywords if one.arg == "hint"), None)
        hints = (self._texts(given) or [ELSEWHERE]) if given is not None else [""]
        if not messages:
            self.unread.append(call.lineno)
        if len(messages) != len(hints):  # else the one goes with the other
            hints = [hints[0] if len(hints) == 1 else ELSEWHERE] * len(messages)
        self.found += [(message, hint, kind) for message, hint in zip(messages, hints, strict=True)]

    def _texts(self, node: ast.expr) -> list[str]:
        """The texts that an expression may be; none where that cannot be read here."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return [node.value]
        if isinstance(node, ast.JoinedStr):
            return ["".join(str(one.value) if isinstance(one, ast.Constant) else "…" for one in node.values)]
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "suggestion":
            return ["its hint has the nearest names that there are"]
        if isinstance(node, ast.IfExp):
            return [*self._texts(node.body), *self._texts(node.orelse)]
        return self._of_name(node.id) if isinstance(node, ast.Name) else []

    def _of_name(self, name: str) -> list[str]:
        """The texts of a name: those given last in the innermost list of statements around, else all that may hold."""
        mine = [one for one in self._named if one.name == name]
        for block in reversed(self._blocks):
            if near := [one for one in mine if one.block is block]:
                return near[-1].texts
            mine = [one for one in mine if not one.is_left or any(one.block is other for other in self._blocks)]
        return list(dict.fromkeys(text for one in mine for text in one.texts))


def _pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        for one, other in zip(target.elts, value.elts, strict=True):
            yield from _pairs(one, other)
