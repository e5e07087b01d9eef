"""A documentation page as odd as one may be, and a council of a few loaded tables that is served with it."""

from datetime import datetime
from html import escape
from pathlib import Path

from planlake.simulator.columns import fields_of
from planlake.simulator.dataset import Dataset
from planlake.sources.catalogue import load_catalogue

NOW = "2026-11-17T03:00:00"
LOADED = {"fees": 5, "wards": 3, "notes": 30, "asset_constraints": 5}  # with so many records
SETTINGS = """
tables:
  daily: [fees, notes]     # read by day
  weekly:  [wards, asset_constraints]
"""
WRITTEN = {
    "integer": "integer",
    "long": "bigint",
    "float": "real",
    "double": "double precision",
    "boolean": "boolean",
    "timestamp": "timestamp without time zone",
    "text": "character varying(255)",
}
VALUES = {
    "integer": "1",
    "long": "10008000000",
    "float": "1.5",
    "double": "1.5",
    "boolean": "t",
    "timestamp": "2026-11-16 09:00:00",
    "text": "some text",
}
RESOURCES = load_catalogue("tascomi").resources
FIELDS = {name: fields_of(resource) for name, resource in RESOURCES.items()}


def documented():
    """What the page says: each column of each resource with its Postgres type; free to be changed."""
    return {name: {column: WRITTEN[kind] for column, kind in fields.items()} for name, fields in FIELDS.items()}


def records(name):
    """The records of a loaded table as the API sends them; free to be changed."""
    fields = {column: VALUES[kind] for column, kind in FIELDS[name].items()}
    return [{**fields, "id": str(number)} for number in range(1, LOADED[name] + 1)]


def served(changed=None):
    """A data set of the loaded tables; `changed` are records that are not as usual, by table."""
    data = Dataset(FIELDS, now=datetime.fromisoformat(NOW))
    for name in LOADED:
        for record in (changed or {}).get(name) or records(name):
            data.put(name, record)
    return data


def page(sections):
    """The page of these sections: layout tables, nested tables, odd spacing, every second name in entities."""
    parts = "".join(_section(number, name, fields) for number, (name, fields) in enumerate(sections.items()))
    links = "".join(f'<li><a href="#{name}">{name}</a>' for name in sections)
    return f"<!doctype html><title>API</title><h1>API</h1><ul>{links}</ul><TABLE><tr><td>menu<td>{parts}</table>"


def save(sections, file: Path):
    """The page in a file."""
    file.write_text(page(sections), encoding="utf-8")
    return file


def _section(number, name, fields):
    head = (
        "<tr><th>Field<th>Type<th>About</tr>",
        "<thead><tr><td>&nbsp;#</td><td>\n FIELD </td><td>type:</td></thead>",
    )
    rows = "".join(_row(place, number % 2, column, kind) for place, (column, kind) in enumerate(fields.items()))
    title = f'<h3 id="r{number}">{_entities(name)}</h3>' if number % 3 else f'<section id="{name}"><h3>About it</h3>'
    return f"{title}<p>What it is.<table>{head[number % 2]}{rows}</table>{'' if number % 3 else '</section>'}"


def _row(place, is_numbered, column, kind):
    name = _entities(column) if place % 2 else f" \n {escape(column)}&nbsp;"
    nested = "<table><tr><th>Field<th>Type</tr><tr><td>one<td>integer</tr></table>" if place % 5 == 0 else ""
    cells = f"<td>{name}</td><td>{kind.replace(' ', ' <br> ')}{nested}</td>"
    return f"<tr><td>{place}</td>{cells}</tr>" if is_numbered else f"<tr>{cells}<td>{nested}see above</td></tr>"


def _entities(text):
    return "".join(f"&#{ord(each)};" if place % 2 else escape(each) for place, each in enumerate(text))
