"""Reads the vendor's documentation page: the columns of each resource with their Postgres types.

Each resource has a heading and below it a table, of which the columns headed `Field` and `Type` are read. Tables within
such a table are descriptions; tables around it are layout. A page that is built in another way, or whose end is
missing, is a DriftError that says what was found instead.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

from planlake.errors import DriftError
from planlake.printable import listed
from planlake.sources.catalogue import ColumnType

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode as Node

Fields = dict[str, str]  # each column of a resource with its type as the page writes it
POSTGRES_TYPES: Mapping[str, ColumnType] = {
    **dict.fromkeys(("integer", "int", "int4", "smallint", "int2", "serial", "serial4"), "integer"),
    **dict.fromkeys(("bigint", "int8", "bigserial", "serial8"), "long"),
    **dict.fromkeys(("real", "float4"), "float"),
    **dict.fromkeys(("double precision", "float8", "float"), "double"),
    **dict.fromkeys(("boolean", "bool"), "boolean"),
    **dict.fromkeys(("timestamp without time zone", "timestamp"), "timestamp"),
    **dict.fromkeys(("timestamp with time zone", "timestamptz"), "timestamp_utc"),
}
LENGTH = re.compile(r"\s*\([\s\d,]*\)")
CONSTRAINT = re.compile(
    r"\s(not null|null|default|primary key|unique|references|check|generated|collate)\b.*", re.DOTALL
)
FIELD, TYPE = "field", "type"
HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
SECTIONS = ("section", "article", "div")
SEPARATING = ("br", "p", "div", "li")
UNSEEN = dict.fromkeys(map(ord, "\u00ad\u200b\u2060\ufeff"))  # they only say where a long word may break
SHOWN = 5
SILENT = re.compile("<!--.*?-->|<(script|style)\\b.*?</\\1", re.DOTALL | re.IGNORECASE)  # a tag in there is none
BEGUN = re.compile("<(table|html|body)\\b", re.IGNORECASE)
ENDED = re.compile("</(table|html|body)\\b", re.IGNORECASE)


def column_type(written: str) -> ColumnType:
    """The type of a column the page gives this Postgres type, whatever its length; text for what has no other."""
    plain = CONSTRAINT.sub("", LENGTH.sub("", written.casefold()))
    return POSTGRES_TYPES.get(" ".join(plain.split()), "text")


def read_documentation(html: str, known: Collection[str]) -> dict[str, Fields]:
    """The columns of each resource; `known` are names that tell a resource's heading from any other.

    A known resource that the page does not mention is left out. Raises DriftError where the page cannot be understood.
    """
    from selectolax.lexbor import LexborHTMLParser  # noqa: PLC0415 - only when a page is read

    _check_end(html)
    page = LexborHTMLParser(html)
    tables = page.css("table")
    heads = {table.mem_id: head for table in tables if (head := _head(table))}
    outermost = [table for table in tables if table.mem_id in heads and not _is_inside(table, heads)]
    if not outermost:
        _refuse_tables(page.css_first("title"), tables)
    ours = {table.mem_id for table in outermost}
    outline = _Outline(known, ours)
    found: dict[str, Fields] = {}
    for node in page.css(", ".join((*HEADINGS, "table"))):
        if node.mem_id in ours:
            name = outline.name_of(node)
            if name in found:
                _refuse("two tables of the page belong to one resource", resource=name)
            found[name] = _fields(name, node, heads[node.mem_id])
        elif node.tag in HEADINGS and not _is_inside(node, ours):
            outline.add(node)
    bare = (outline.known_names | _section_names(page.css(", ".join(SECTIONS)), known)) - found.keys()
    if bare:
        _refuse("a resource has a section without a table of fields and types", resources=listed(sorted(bare), SHOWN))
    return found


def _check_end(html: str) -> None:
    """Refuse a page that begins what it does not end: only a part of it arrived."""
    shown = SILENT.sub("", html)
    begun, ended = ([name.lower() for name in kind.findall(shown)] for kind in (BEGUN, ENDED))
    is_open = bool({"html", "body"} & {*begun}) and not {"html", "body"} & {*ended}
    if is_open or begun.count("table") > ended.count("table"):
        _refuse("its end is missing", characters=len(html), tables=begun.count("table"))


@dataclass(slots=True)
class _Outline:
    """The headings above the place that was reached, and the known resources that any heading named."""

    known: Collection[str]
    tables: Collection[int]
    known_names: set[str] = field(default_factory=set)
    _above: list["Node"] = field(default_factory=list)

    def add(self, heading: "Node") -> None:
        level = heading.tag or ""
        self._above = [*(one for one in self._above if (one.tag or "") < level), heading]
        name = self._known_among([_text(heading), *_ids_of(heading)])
        if name:
            self.known_names.add(name)

    def name_of(self, table: "Node") -> str:
        """The resource a table is of: a known name among caption, headings above and ids, else the likeliest one."""
        captions = [_text(child) for child in table.iter() if child.tag == "caption"]
        above = self._above[::-1]
        titles = [text for text in (*captions, *map(_text, above)) if text]
        around = self._ids_around(table)
        name = self._known_among([*titles, *(one for heading in above for one in _ids_of(heading)), *around])
        if name:
            return name
        if not titles and not around:
            _refuse("a table of fields and types has no heading", first_field=_first_cell(table))
        if not titles or titles[0].isidentifier():
            return (titles or around)[0]
        ids = _ids_of(above[0]) if above else []
        likely = [one for one in (*ids, *around) if one == _as_name(titles[0])]
        return [*likely, *(one for one in around if one.isidentifier()), titles[0]][0]

    def _known_among(self, names: Sequence[str]) -> str:
        """The first known resource among names, as they are or as titles; empty where there is none."""
        return next((one for name in names for one in (name, _as_name(name)) if one in self.known), "")

    def _ids_around(self, table: "Node") -> list[str]:
        """The ids of elements that hold this table and none of another resource, the innermost first."""
        found: list[str] = []
        for node in _around(table):
            if sum(one.mem_id in self.tables for one in node.css("table")) > 1:
                break
            found += [node.attributes.get("id") or ""]
        return [one for one in found if one]


def _as_name(title: str) -> str:
    """What a resource with this title may be called."""
    return title.casefold().replace(" ", "_").replace("-", "_")


def _ids_of(heading: "Node") -> list[str]:
    """The ids of a heading and of anchors in it."""
    anchors = [node.attributes.get(key) for node in heading.css("a") for key in ("id", "name")]
    return [one for one in (heading.attributes.get("id"), *anchors) if one]


def _section_names(sections: Iterable["Node"], known: Collection[str]) -> set[str]:
    return {name for node in sections if (name := node.attributes.get("id") or "") in known}


@dataclass(frozen=True, slots=True)
class _Head:
    """The row of headings of a table: its place among the rows, and the places of field and type in it."""

    row: int
    field: int
    type: int


def _head(table: "Node") -> _Head | None:
    """Where a table has its headings field and type; None where it has none."""
    for number, row in enumerate(_rows(table)):
        cells = [text.casefold().rstrip(":") for text in _cells(row)]
        if FIELD in cells and TYPE in cells:
            return _Head(number, cells.index(FIELD), cells.index(TYPE))
    return None


def _fields(name: str, table: "Node", head: _Head) -> Fields:
    found: Fields = {}
    for row in list(_rows(table))[head.row + 1 :]:
        cells = _cells(row)
        column, written = (cells[place] if place < len(cells) else "" for place in (head.field, head.type))
        if not (column or written) or _is_title(row) or (column.casefold(), written.casefold()) == (FIELD, TYPE):
            continue
        if not column or not written:
            _refuse("a row of the page lacks its field or its type", resource=name, row=" | ".join(cells)[:80])
        if found.setdefault(column, written).casefold() != written.casefold():
            _refuse("the page gives one field two types", resource=name, field=column)
    if not found:
        _refuse("a table of the page has headings and no fields", resource=name)
    return found


def _is_title(row: "Node") -> bool:
    """Whether a row is one cell across the table: a title, or something nested."""
    cells = _own_cells(row)
    return len(cells) == 1 and _width(cells[0]) > 1


def _rows(table: "Node") -> Iterator["Node"]:
    """The rows of a table itself, not those of tables in it."""
    for child in table.iter():
        if child.tag == "tr":
            yield child
        elif child.tag in ("thead", "tbody", "tfoot"):
            yield from (row for row in child.iter() if row.tag == "tr")


def _own_cells(row: "Node") -> list["Node"]:
    return [cell for cell in row.iter() if cell.tag in ("td", "th")]


def _cells(row: "Node") -> list[str]:
    """The texts of a row's cells, one for each column that a cell takes."""
    return [text for cell in _own_cells(row) for text in [_text(cell), *[""] * (_width(cell) - 1)]]


def _width(cell: "Node") -> int:
    written = (cell.attributes.get("colspan") or "").strip()
    return max(1, min(int(written), 100)) if written.isdecimal() else 1


def _text(node: "Node") -> str:
    """The text of a node, spaces as one, without that of tables in it."""
    parts: list[str] = []
    waiting = list(node.iter(include_text=True))[::-1]
    while waiting:
        child = waiting.pop()
        if child.is_text_node:
            parts.append(child.text_content or "")
        elif child.tag not in ("table", "script", "style"):
            parts += [" "] * (child.tag in SEPARATING)
            waiting += list(child.iter(include_text=True))[::-1]
    return " ".join("".join(parts).translate(UNSEEN).split())


def _around(node: "Node") -> Iterator["Node"]:
    """The elements around a node, the innermost first."""
    while (parent := node.parent) is not None and parent.is_element_node:
        yield parent
        node = parent


def _is_inside(node: "Node", tables: Collection[int]) -> bool:
    return any(outer.mem_id in tables for outer in _around(node))


def _first_cell(table: "Node") -> str:
    return next((text for row in list(_rows(table))[1:] for text in _cells(row)), "")


def _refuse_tables(title: "Node | None", tables: Sequence["Node"]) -> NoReturn:
    shown = _text(title)[:80] if title is not None else "none"
    if not tables:
        _refuse("the page has no table", title=shown)
    first = next((cells for table in tables for row in _rows(table) if any(cells := _cells(row))), [])
    _refuse(
        "no table of the page has the headings Field and Type", title=shown, tables=len(tables), first=first[:SHOWN]
    )


def _refuse(found: str, **facts: object) -> NoReturn:
    """Refuse the page, with what was found in it."""
    hint = "look at the page; planlake drift --docs FILE reads one that was saved"
    message = f"the documentation page is not built as expected: {found}"
    raise DriftError(message, facts=facts, state="Nothing was compared", hint=hint)
