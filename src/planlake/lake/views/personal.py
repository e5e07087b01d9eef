"""Hides what is personal in what queries read: each value says only that there was one, and how long it was.

What hides is the view itself, and a query can read nothing but the views: the files below them have names that nobody
can guess (`engines.duckdb.named_files`).
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from planlake.engines.duckdb.connection import Connection
from planlake.engines.duckdb.reading import type_name
from planlake.engines.sql import identifier, literal
from planlake.errors import ConfigurationError
from planlake.lake.about_tables import resource_of
from planlake.lake.lake import Lake
from planlake.lake.tables.columns import ResourceSpec, key_by_column
from planlake.lake.tables.version_summary import READ, TEXT_OF, entry
from planlake.lake.tables.versions import version_of_day
from planlake.lake.views.derived import Derived, derived
from planlake.lake.views.models import MAPPING, Model, Models
from planlake.printable import AN_EXAMPLE, ANY_EXAMPLE, EARLIER

if TYPE_CHECKING:
    from pyiceberg.table import Table

LEDGER = "api_requests"  # the one table of the raw zone without records
OF_OWN_TABLES = {
    LEDGER: ("url", "first_id", "last_id"),
    "rejected": ("id", "api_response"),
    "uncastable": ("raw_value",),
}
SENTENCES = ("message", "error", "detail")  # which may show a value as an example
TEXT, TRUTH = "VARCHAR", "boolean"


@dataclass(frozen=True, slots=True)
class Personal:
    """What is personal in a lake: by its catalogue, and in what models make of that."""

    lake: Lake
    resources: Mapping[str, ResourceSpec]
    models: Models = field(default_factory=Models, repr=False)
    plain_texts: Mapping[str, Collection[str]] = field(default_factory=dict, repr=False)  # keys, by resource
    hidden: list[str] = field(default_factory=list)  # columns, of all that was defined
    worked_out: dict[str, Derived] = field(default_factory=dict, repr=False)  # of models
    as_of: date | None = None  # the past day that the lake is asked about

    def hide(self, connection: Connection, zone: str, name: str, query: str) -> str:
        """The query of a table or view with its personal values hidden; `hidden` gets the columns that are.

        Records as received are refused by a ConfigurationError.

        `connection` can read what the query reads.
        """
        if zone == "raw" and name != LEDGER:
            message = f'"{name}" is not shown here: it holds records as they were received, with personal data'
            raise ConfigurationError(message, hint=f'planlake sql "select * from {name}" shows it')
        model = self.models.by_name.get(name) if zone == "trusted" else None
        if model is not None and model.is_view:  # it reads what is hidden already
            self.hidden.extend(self._derived(name).hidden)
            return query
        found = {row[0]: row[1] for row in connection.execute(f"describe {query}").fetchall()}
        types = self._columns_now(zone, name) or found
        hidden = tuple(column for column in self.hidden_columns(zone, name, types) if column in found)
        self.hidden.extend(hidden)
        shown = {column: hidden_length_sql(identifier(column)) for column in hidden}
        if zone == "operations" or name == LEDGER:
            shown |= {one: without_examples_sql(one) for one in SENTENCES if one in found}
        # Column by column: of `* replace` with hundreds of them DuckDB takes a second.
        columns = (f"{shown[one]} as {identifier(one)}" if one in shown else identifier(one) for one in found)
        return f"select {', '.join(columns)} from ({query})" if shown else query

    def _columns_now(self, zone: str, name: str) -> dict[str, str] | None:
        """The columns of a refined table or view of the present; None of others, of which DuckDB has to be asked."""
        kind = "increment" if name.startswith(("increment_", "history_")) else "current"
        table = self.lake.shown("refined", f"{kind}_{resource_of(name)}") if zone == "refined" else None
        return None if table is None or self.as_of is not None else _types_of(table)

    def hidden_columns(self, zone: str, name: str, types: Mapping[str, str]) -> Iterator[str]:
        """The columns of a table whose values are not shown; also some that it may have."""
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
        """Of what a model makes: columns that are derived from hidden ones of what it reads, whatever it calls them.

        Where nobody can tell, as its file is gone or was another when the table was built, all are that may be values.
        """
        found = self._derived(name)
        yield from (
            column
            for column, kind in types.items()
            if column.lower() in found.hidden or not (found.is_known or kind.lower() == TRUTH)
        )

    def _derived(self, name: str) -> Derived:
        """Which columns of a model hold hidden values, by its query."""
        if name not in self.worked_out:
            self.worked_out[name] = self._worked_out(name)
        return self.worked_out[name]

    def _worked_out(self, name: str) -> Derived:
        model = self.models.by_name.get(name)
        if model is None or not self._was_built_of(model):
            return Derived()
        hidden = {(schema, one): self._hidden_in(schema, one) for schema, one in model.reads}
        if not any(columns is None or columns for columns in hidden.values()):
            return Derived(is_known=True)
        return derived(model.query, {place: columns for place, columns in hidden.items() if columns is not None})

    def _was_built_of(self, model: Model) -> bool:
        """Whether what is shown of a model was made by its text as it is now, and by those of all that it reads."""
        table = None if model.is_view else self.lake.shown("trusted", model.name)
        if model.trouble or table is None:
            return not model.trouble
        version = version_of_day(table, self.as_of) if self.as_of else table.current_snapshot()
        made_of = json.loads(entry(version, READ) or "{}")
        return all(made_of.get(f"{TEXT_OF} {one.name}") == one.digest for one in (model, *self.models.all_below(model)))

    def _hidden_in(self, schema: str, name: str) -> set[str] | None:
        """The hidden columns of a table that a model reads; None where it is as a whole."""
        if schema == MAPPING:
            return set()
        if schema == "trusted" and name in self.models.by_name:
            model, table = self.models.by_name[name], self.lake.shown("trusted", name)
            types = _types_of(table) if table else dict.fromkeys(model.columns, TEXT)
            found = self._derived(name)
            if not found.is_known:
                return set(types) if table else None
            return {one for one in types if one.lower() in found.hidden} if table else set(found.hidden)
        if schema == "refined" and resource_of(name) in self.resources:
            return set(self._hidden_of(self.resources[resource_of(name)], self._columns_now(schema, name)))
        is_own = schema == "operations" or name == LEDGER
        return {*OF_OWN_TABLES.get(name, ()), *SENTENCES} if is_own else None

    def _keys(self, resource: ResourceSpec) -> dict[str, str]:
        """The key of the API that each column of a resource holds."""
        increment = self.lake.shown("refined", f"increment_{resource.name}")
        return key_by_column(increment.schema() if increment is not None else None, resource)


def note_of_hidden(query: str, hidden: Collection[str]) -> list[str]:
    """What to know of the answer to a query that names hidden columns: one sentence, or none."""
    named = [one for one in dict.fromkeys(hidden) if one.lower() in names_in(query)]
    verb = "holds" if len(named) == 1 else "hold"
    what = "filters, sorting, groups and sums work on the hidden text, not on the values"
    return [f"{', '.join(named)} {verb} personal values, which are hidden here: {what}"] if named else []


def names_in(query: str) -> set[str]:
    """The words of a query that may be names of columns, in lower case."""
    return set(re.findall(r"\w+", re.sub(r"'(?:[^']|'')*'|--[^\n]*", " ", query).lower()))


def _types_of(table: "Table") -> dict[str, str]:
    """The columns of a table, of texts with DuckDB's type."""
    types = ((one.name, type_name(one)) for one in table.schema().fields)
    return {name: TEXT if kind == "string" else kind for name, kind in types}


def hidden_length_sql(column: str) -> str:
    """As `checks.examples.masked` writes it; NULL stays NULL."""
    return f"'[personal, ' || length({column}::varchar) || ' characters]'"


def without_examples_sql(column: str) -> str:
    """A message without the values that it shows as examples, as `checks.examples.without_examples` finds them."""
    each = rf"regexp_replace({column}, {literal(AN_EXAMPLE)}, '\1', 'gs')"
    all_at_once = f"regexp_replace({column}, {literal(ANY_EXAMPLE)}, '', 's')"
    plain = f"case when regexp_matches({each}, {literal(EARLIER)}) then {all_at_once} else {each} end"
    return rf"regexp_replace({plain}, '(internal error: \w+): .*', '\1', 's')"
