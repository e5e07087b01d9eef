"""Hides what is personal in what queries read: each value says only that there was one, and how long it was.

What hides is the view itself, and a query can read nothing but the views: the files below them have names that nobody
can guess (`engines.duckdb.named_files`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

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
    is_of_past: bool = False  # the lake is asked about another day

    def hide(self, connection: Connection, zone: str, name: str, query: str) -> str:
        """The query of a table or view with its personal values hidden; a ConfigurationError for records as received.

        `connection` can read what the query reads.
        """
        if zone == "raw" and name != LEDGER:
            message = f'"{name}" is not shown here: it holds records as they were received, with personal data'
            raise ConfigurationError(message, hint=f'planlake sql "select * from {name}" shows it')
        if not self._has_any(zone, name):
            return query
        types = self._columns_now(zone, name)
        if types is None:
            types = {row[0]: row[1] for row in connection.execute(f"describe {query}").fetchall()}
        hidden = [column for column in self._hidden(zone, name, types) if column in types]
        if not hidden:
            return query
        shown = ", ".join(f"{_length_of(identifier(column))} as {identifier(column)}" for column in hidden)
        return f"select * replace ({shown}) from ({query})"

    def _has_any(self, zone: str, name: str) -> bool:
        """Whether a table or view may hold anything personal."""
        if zone == "refined":
            resource = self.resources.get(resource_of(name))
            return resource is not None and bool(resource.personal)
        return zone == "trusted" or name in OF_OWN_TABLES

    def _columns_now(self, zone: str, name: str) -> dict[str, str] | None:
        """The columns of a refined table or view of the present; None of others, of which DuckDB has to be asked."""
        kind = "increment" if name.startswith(("increment_", "history_")) else "current"
        table = self.lake.shown("refined", f"{kind}_{resource_of(name)}") if zone == "refined" else None
        return dict.fromkeys(table.schema().column_names, "") if table is not None and not self.is_of_past else None

    def _hidden(self, zone: str, name: str, types: Mapping[str, str]) -> Iterator[str]:
        if name in OF_OWN_TABLES:
            yield from OF_OWN_TABLES[name]
        elif zone == "refined" and resource_of(name) in self.resources:
            resource = self.resources[resource_of(name)]
            yield from (column for column, key in self._keys(resource).items() if resource.is_personal(key))
        elif zone == "trusted":
            yield from self.hidden_of_model(name, types)

    def hidden_of_model(self, name: str, types: Mapping[str, str]) -> Iterator[str]:
        """Of what a model makes: columns that are called like a personal one.

        A model gives columns names of its own. So where it reads a resource of which everything is personal, each
        other text is hidden too, unless it is called like a column that is known not to be.
        """
        read = [self.resources[one] for one in self._resources_below(name, set()) if one in self.resources]
        keys = {(resource.name, column): key for resource in read for column, key in self._keys(resource).items()}
        of = {resource.name: resource for resource in read}
        personal = {column for (resource, column), key in keys.items() if of[resource].is_personal(key)}
        known = {column for _, column in keys} | OF_COLUMNS.keys()
        is_wholly = any("*" in resource.personal for resource in read)
        yield from (
            column
            for column, kind in types.items()
            if column in personal or (is_wholly and kind == TEXT and column not in known)
        )

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


def _length_of(column: str) -> str:
    """As `checks.examples.masked` writes it."""
    return f"case when {column} is not null then '[personal, ' || length({column}::varchar) || ' characters]' end"
