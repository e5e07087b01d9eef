"""Writes a diagram as Mermaid, DBML, Graphviz's language or SVG.

Names may hold any character; each format has its own way of saying those.
"""

import re
import shutil
import subprocess
from html import escape

from planlake.errors import ConfigurationError
from planlake.report.diagrams.diagram import Column, Diagram, Entity, Relation

CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]")  # no text of any format may hold these
MERMAID_CODED = re.compile(r'["%\\#;~`<>&]')
MERMAID_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
MERMAID_KEYS = ("pk", "fk", "uk")
DOT_STYLE = 'rankdir=LR; node [shape=plain fontname="Helvetica" fontsize=10]; edge [fontname="Helvetica" fontsize=9];'


def mermaid(diagram: Diagram) -> str:
    """The diagram as Mermaid's `erDiagram`; guessed relations are dotted."""
    names = {one.table: _mermaid_entity(number, one.table) for number, one in enumerate(diagram.entities)}
    lines = ["erDiagram"]
    for entity in diagram.entities:
        name, shown = names[entity.table]
        lines += [f"    {shown} {{", *(f"        {_mermaid_column(one)}" for one in entity.columns), "    }"]
        if entity.more:
            lines.append(f"    %% {name} has {entity.more} more columns")
    for one in diagram.relations:
        line = ".." if one.is_guessed else "--"
        ends = f"{names[one.table][0]} }}o{line}o| {names[one.target][0]}"
        lines.append(f'    {ends} : "{_mermaid_text(one.column)}"')
    return "\n".join(lines) + "\n"


def _mermaid_entity(number: int, table: str) -> tuple[str, str]:
    """What an entity is called in relations, and where it is drawn: there with its name, if that is no word."""
    if MERMAID_WORD.fullmatch(table):
        return f'"{table}"', f'"{table}"'
    return f"table_{number}_", f'table_{number}_["{_mermaid_text(table)}"]'


def _mermaid_column(column: Column) -> str:
    plain = re.sub(r"[^A-Za-z0-9_]", "_", column.name)
    if not MERMAID_WORD.fullmatch(plain) or plain.lower() in MERMAID_KEYS:
        plain = f"_{plain}"
    keys = ", ".join([*(["PK"] if column.is_key else []), *(["FK"] if column.refers_to else [])])
    said = "" if plain == column.name else f'"{_mermaid_text(column.name)}"'
    return " ".join(part for part in (column.type, plain, keys, said) if part)


def _mermaid_text(text: str) -> str:
    """A text between quotes; characters that mean something are given by their number."""
    coded = MERMAID_CODED.sub(lambda found: f"#{ord(found[0])};", _printable(text))
    return coded or "#32;"


def dbml(diagram: Diagram) -> str:
    """The diagram as DBML, for dbdiagram.io and its tools."""
    parts = [_dbml_table(one) for one in diagram.entities]
    return "\n".join([*parts, *map(_dbml_relation, diagram.relations)]) + "\n"


def _dbml_table(entity: Entity) -> str:
    lines = [f"Table {_dbml_name(entity.table)} {{"]
    lines += [f"  {_dbml_name(one.name)} {one.type}{' [pk]' if one.is_key else ''}" for one in entity.columns]
    if entity.more:
        lines.append(f"  Note: '{entity.more} more columns'")
    return "\n".join([*lines, "}", ""])


def _dbml_relation(one: Relation) -> str:
    start = f"{_dbml_name(one.table)}.{_dbml_name(one.column)}"
    end = f"{_dbml_name(one.target)}.{_dbml_name(one.target_column)}"
    return f"Ref: {start} > {end}{' // guessed from the name' if one.is_guessed else ''}"


def _dbml_name(text: str) -> str:
    quoted = _printable(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted or " "}"'


def dot(diagram: Diagram) -> str:
    """The diagram in the language of Graphviz; guessed relations are dashed."""
    numbers = {one.table: number for number, one in enumerate(diagram.entities)}
    places = {
        (entity.table, column.name): (f"t{numbers[entity.table]}", number)
        for entity in diagram.entities
        for number, column in enumerate(entity.columns)
    }
    lines = [f"digraph planlake {{ {DOT_STYLE}"]
    lines += [f"  t{numbers[one.table]} [label=<{_dot_table(one)}>];" for one in diagram.entities]
    for one in diagram.relations:
        style = "style=dashed " if one.is_guessed else ""
        (start, column), (end, key) = places[one.table, one.column], places[one.target, one.target_column]
        lines.append(f"  {start}:e{column}:e -> {end}:w{key}:w [{style}arrowhead=normal];")
    return "\n".join([*lines, "}"]) + "\n"


def _dot_table(entity: Entity) -> str:
    rows = [f'<tr><td bgcolor="#dddddd" colspan="2"><b>{_dot_text(entity.table)}</b></td></tr>']
    for number, one in enumerate(entity.columns):
        name = f"<u>{_dot_text(one.name)}</u>" if one.is_key else _dot_text(one.name)
        kind = f'<td port="e{number}" align="left">{one.type}</td>'
        rows.append(f'<tr><td port="w{number}" align="left">{name}</td>{kind}</tr>')
    if entity.more:
        rows.append(f'<tr><td colspan="2" align="left"><i>{entity.more} more columns</i></td></tr>')
    return f'<table border="0" cellborder="1" cellspacing="0">{"".join(rows)}</table>'


def _dot_text(text: str) -> str:
    return escape(_printable(text)) or " "


def svg(diagram: Diagram) -> str:
    """The diagram as an SVG picture; a ConfigurationError where Graphviz is not installed or fails."""
    program = shutil.which("dot")
    if program is None:
        hint = "install Graphviz (the package is called graphviz), or use --format mermaid or dbml"
        raise ConfigurationError("SVG needs Graphviz: there is no program dot", hint=hint)
    command = [program, "-Tsvg"]
    done = subprocess.run(command, input=dot(diagram).encode(), capture_output=True, check=False)  # noqa: S603
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["it said nothing"]
        raise ConfigurationError(f"Graphviz failed: {said[0]}", hint="--format mermaid or dbml needs no Graphviz")
    return done.stdout.decode()


def _printable(text: str) -> str:
    return CONTROL.sub("\ufffd", text)
