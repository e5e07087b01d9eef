"""Hides what is personal in what queries read: each value says only that there was one, and how long it was.

What hides is the view itself, and a query can read nothing but the views: the files below them have names that nobody
can guess (`engines.duckdb.named_files`).
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from pyiceberg.table import Table

from planlake.engines.duckdb.connection import Connection
from planlake.engines.sql import identifier
from planlake.errors import ConfigurationError
from planlake.lake.about_tables import OF_COLUMNS, resource_of
from planlake.lake.lake import Lake
from planlake.lake.tables.columns import ResourceSpec, key_by_column
from planlake.lake.views.models import Models

LEDGER = "api_requests"  # the one table of the raw zone without records
OF_OWN_TABLES = {
    LEDGER: ("url", "first_id", "last_id"),
    "rejected": ("id", "api_response"),
    "uncastable": ("raw_value",),
}
TEXT = "VARCHAR"


@dataclass(frozen=True, slots=True)
class Personal:
    """What is personal in a lake: by its catalogue, and in what models make of that."""

    lake: Lake
    resources: Mapping[str, ResourceSpec]
    models: Models = field(default_factory=Models, repr=False)
    plain_texts: Mapping[str, Collection[str]] = field(default_factory=dict, repr=False)  # keys, by resource
    hidden: list[str] = field(default_factory=list)  # columns, of all that was defined
    is_of_past: bool = False  # the lake is asked about another day

    def hide(self, connection: Connection, zone: str, name: str, query: str) -> str:
        """The query of a table or view with its personal values hidden; `hidden` gets the columns that are.

        Records as received are refused by a ConfigurationError.

        `connection` can read what the query reads.
        """
        if zone == "raw" and name != LEDGER:
            message = f'"{name}" is not shown here: it holds records as they were received, with personal data'
            raise ConfigurationError(message, hint=f'planlake sql "select * from {name}" shows it')
        if zone == "operations" and name not in OF_OWN_TABLES:
            return query
        types = self._columns_now(zone, name)
        if types is None:
            types = {row[0]: row[1] for row in connection.execute(f"describe {query}").fetchall()}
        hidden = tuple(column for column in self._hidden(zone, name, types) if column in types)
        if not hidden:
            return query
        self.hidden.extend(hidden)
        shown = ", ".join(f"{_length_of(identifier(column))} as {identifier(column)}" for column in hidden)
        return f"select * replace ({shown}) from ({query})"

    def _columns_now(self, zone: str, name: str) -> dict[str, str] | None:
        """The columns of a refined table or view of the present; None of others, of which DuckDB has to be asked."""
        kind = "increment" if name.startswith(("increment_", "history_")) else "current"
        table = self.lake.shown("refined", f"{kind}_{resource_of(name)}") if zone == "refined" else None
        return None if table is None or self.is_of_past else _types_of(table)

    def _hidden(self, zone: str, name: str, types: Mapping[str, str]) -> Iterator[str]:
        if name in OF_OWN_TABLES:
            yield from OF_OWN_TABLES[name]
        elif zone == "refined" and resource_of(name) in self.resources:
            yield from self._hidden_of(self.resources[resource_of(name)], types)
        elif zone == "trusted":
            yield from self.hidden_of_model(name, types)

    def _hidden_of(self, resource: ResourceSpec, types: Mapping[str, str] | None = None) -> Iterator[str]:
        """The columns of a resource that are hidden; also a text that was declared as something else since."""
        codes = self.plain_texts.get(resource.name, ())
        for column, key in self._keys(resource).items():
            is_old_text = (types or {}).get(column) == TEXT and resource.columns.get(key, "text") != "text"
            if is_old_text or resource.may_name_people(key, codes):
                yield column

    def hidden_of_model(self, name: str, types: Mapping[str, str]) -> Iterator[str]:
        """Of what a model makes: columns that are called like a hidden one of what it reads.

        A model gives columns names of its own. So where it reads a resource of which everything is personal, or its
        query names a hidden column, each other text is hidden too, unless it is called like one that is shown.
        """
        below = self._resources_below(name, set())
        read = [self.resources[one] for one in below if one in self.resources]
        hidden = {column for resource in read for column in self._hidden_of(resource)} | self._hidden_below(name)
        known = {column for resource in read for column in self._keys(resource)} | OF_COLUMNS.keys()
        model = self.models.by_name.get(name)
        is_any = any("*" in resource.personal for resource in read) or (
            model is not None and not hidden.isdisjoint(names_in(model.query))
        )
        yield from (
            column
            for column, kind in types.items()
            if column in hidden or (is_any and TEXT in kind and column not in known)
        )

    def _hidden_below(self, name: str) -> set[str]:
        """The hidden columns of the models that a model reads."""
        found = set[str]()
        for schema, one in self.models.by_name[name].reads if name in self.models.by_name else ():
            if schema == "trusted" and one in self.models.by_name and one != name:
                table = self.lake.shown("trusted", one)
                types = _types_of(table) if table else dict.fromkeys(self.models.by_name[one].columns, TEXT)
                found |= set(self.hidden_of_model(one, types))
        return found

    def _resources_below(self, name: str, seen: set[str]) -> set[str]:
        """The resources that a model reads, itself or by others; of one whose file is gone all may be among them."""
        model = self.models.by_name.get(name)
        if model is None or model.trouble:
            return set(self.resources)
        found = set[str]()
        for schema, one in model.reads:
            if schema == "trusted" and one not in seen:
                seen.add(one)
                found |= self._resources_below(one, seen)
            elif schema != "trusted":
                found.add(resource_of(one))
        return found

    def _keys(self, resource: ResourceSpec) -> dict[str, str]:
        """The key of the API that each column of a resource holds."""
        increment = self.lake.shown("refined", f"increment_{resource.name}")
        return key_by_column(increment.schema() if increment is not None else None, resource)


def note_of_hidden(query: str, hidden: Collection[str]) -> list[str]:
    """What to know of the answer to a query that names hidden columns: one sentence, or none."""
    named = [one for one in dict.fromkeys(hidden) if one.lower() in names_in(query)]
    what = "what was asked of it is not so" if len(named) == 1 else "what was asked of them is not so"
    verb = "holds" if len(named) == 1 else "hold"
    return [f"{', '.join(named)} {verb} personal values, which are hidden here: {what}"] if named else []


def names_in(query: str) -> set[str]:
    """The words of a query that may be names of columns, in lower case."""
    return set(re.findall(r"\w+", re.sub(r"'(?:[^']|'')*'|--[^\n]*", " ", query).lower()))


def _types_of(table: Table) -> dict[str, str]:
    """The columns of a table, of texts with DuckDB's type."""
    types = ((one.name, str(one.field_type)) for one in table.schema().fields)
    return {name: TEXT if kind == "string" else kind for name, kind in types}


def _length_of(column: str) -> str:
    """As `checks.examples.masked` writes it."""
    return f"case when {column} is not null then '[personal, ' || length({column}::varchar) || ' characters]' end"
