"""Finds which tables a user's SQL query reads, or says in plain words what is wrong with it.

This only tells mistakes early. What keeps a query from writing is the connection it is carried out on
(`engines.duckdb.locked`).
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from planlake.engines.duckdb.connection import Connection
from planlake.engines.names import CATALOGUES, OF_CATALOGUES
from planlake.errors import ConfigurationError

LONGEST_QUERY = 100_000  # characters
HINT = "planlake tables lists what can be queried"
THAT_READ = "only queries that read are allowed: SELECT, WITH, FROM, DESCRIBE, SUMMARIZE, SHOW TABLES"
QUERIES = {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"}
TABLE_FUNCTIONS = {"range", "generate_series", "unnest", "json_each", "json_tree", "repeat"}
# They tell of this machine or hold it up; the connection has no secret and no file, so this is for a clear answer.
REFUSED_FUNCTIONS = {"current_setting", "getvariable", "getenv", "write_log", "sleep_ms", "which_secret"}
OF_CATALOGUE_FUNCTIONS = "pg_get_"  # how the names of functions begin that show the text of a view
# Words a query begins with that are no query, and what somebody who types them may be after.
INSTEAD = {
    "show tables ": "show tables, without a database, lists the tables of all",
    "explain": "EXPLAIN is not supported; leave it out to carry out the query",
    "pivot": "select * from (pivot TABLE on COLUMN in ('one', 'other') using count(*)) does the same",
    "unpivot": "select * from (unpivot TABLE on COLUMN, COLUMN) does the same",
    "pragma": "show tables lists the tables, describe TABLE the columns of one",
    ".": "show tables lists the tables, describe TABLE the columns of one",
    "\\": "show tables lists the tables, describe TABLE the columns of one",
    "use": 'name a table with its database: "DATABASE"."TABLE"',
}
TABLES, DATABASES = "tables", "databases"
LISTED = {
    '"tables"': TABLES,
    "__show_tables_expanded": TABLES,
    '"databases"': DATABASES,
    '"schemas"': DATABASES,
}


@dataclass(frozen=True, slots=True)
class Question:
    """A query that may be carried out: the tables it reads (schema and name), in the order it names them.

    `lists` is what it asks to be listed where it is SHOW TABLES or the like, `of` the database that is meant, if any;
    `describes` says that it is DESCRIBE, SUMMARIZE or SHOW of a table.
    """

    tables: tuple[tuple[str, str], ...] = ()
    lists: str = ""
    of: str = ""
    describes: bool = False


def check_text(query: str) -> None:
    """Refuse a query in another encoding."""
    try:
        query.encode()
    except UnicodeEncodeError:
        hint = "iconv -f LATIN1 -t UTF-8 makes it so, where it is Latin-1"
        raise ConfigurationError("the query is not UTF-8 text", hint=hint) from None


def parse_query(connection: Connection, query: str) -> Question:
    """What a query asks; a ConfigurationError where it is no single one that only reads."""
    statement = _parsed(connection, query)
    shown = statement.get("from_table") or {}
    if shown.get("type") == "SHOW_REF" and shown["show_type"] in ("SHOW_SPECIAL", "SHOW_FROM"):
        lists = TABLES if shown["show_type"] == "SHOW_FROM" else LISTED.get(shown["table_name"], "")
        if not lists:
            hint = "use SHOW TABLES, SHOW DATABASES, DESCRIBE TABLE or SUMMARIZE TABLE"
            raise ConfigurationError(f"SHOW {shown['table_name'].strip(chr(34))} is not supported", hint=hint)
        return Question(lists=lists, of=shown["schema_name"])
    return Question(tuple(dict.fromkeys(_tables_in(statement))), describes=shown.get("type") == "SHOW_REF")


def names_in(connection: Connection, query: str) -> set[str]:
    """The functions and columns that a query names, in small letters; `*` where it takes columns without naming them.

    `age` is not among them where it is given both its moments.
    """
    left: list[Any] = [_parsed(connection, query)]
    columns, functions, tables, takes_all = set[str](), set[str](), set[str](), False
    while left:
        node = left.pop()
        if isinstance(node, list):
            left += node
        if not isinstance(node, dict):
            continue
        left += node.values()
        columns.update(name.lower() for name in node.get("using_columns") or ())
        columns.update(name.lower() for name in called_on_in(node)[-1:])
        kind = node.get("class") or node.get("type")
        if kind == "COLUMN_REF":
            columns.add(node["column_names"][-1].lower())
        elif kind == "FUNCTION" and not node["is_operator"]:
            name = node["function_name"].lower()
            functions |= {name} if name != "age" or not node["arguments"][1:] else set()
        elif kind == "BASE_TABLE":
            tables.add((node["alias"] or node["table_name"]).lower())  # which is a name of its whole rows too
        takes_all |= kind in ("STAR", "POSITIONAL_REFERENCE") or node.get("ref_type") == "NATURAL"
        takes_all |= kind == "BASE_TABLE" and bool(node["column_name_alias"])
    return columns | functions | ({"*"} if takes_all or columns & tables else set())


def called_on_in(node: Mapping[str, Any]) -> list[str]:
    """What a function of a syntax tree is called on, `t.email` in `t.email.upper()`: there it stands as its schema."""
    path = (node.get("qualified_name") or {}).get("path") or [node.get("catalog"), node.get("schema"), ""]
    return [one for one in path[:-1] if one] if "function_name" in node else []


def place_of(connection: Connection, query: str, schema: str, name: str) -> int:
    """The line of a query on which it first names a table, from 1; 1 where it does not name it."""
    left: list[Any] = [_parsed(connection, query)]
    found: list[int] = []
    while left:
        node = left.pop()
        if isinstance(node, dict):
            named = (node["schema_name"], node["table_name"]) if node.get("type") == "BASE_TABLE" else ()
            if [one.lower() for one in named] == [schema.lower(), name.lower()]:
                found.append(int(node.get("query_location", 0)))
            left += node.values()
        elif isinstance(node, list):
            left += node
    return _line(query, min(found, default=0))


def tables_called(connection: Connection, query: str, name: str) -> Iterator[tuple[str, str]]:
    """The tables (schema and name) that a query calls by a name: their own, or one that it gives them."""
    left: list[Any] = [_parsed(connection, query)]
    while left:
        node = left.pop()
        if isinstance(node, dict):
            if node.get("type") == "BASE_TABLE" and (node["alias"] or node["table_name"]).lower() == name.lower():
                yield node["schema_name"], node["table_name"]
            left += node.values()
        elif isinstance(node, list):
            left += node


def line_of_mistake(connection: Connection, query: str) -> int:
    """The line of a query on which its syntax is wrong, from 1; 1 where it is not."""
    told = connection.execute("select json_serialize_sql(?)", [query.strip().rstrip(";")]).fetchall()[0][0]
    try:
        return _line(query, int(json.loads(told).get("position") or 0))
    except RecursionError:  # it is right, and nested deep
        return 1


def _line(query: str, place: int) -> int:
    """The line of a place in what `_parsed` parses, in bytes."""
    blanks = len(query) - len(query.lstrip())
    return (query[:blanks].encode() + query[blanks:].encode()[:place]).count(b"\n") + 1


def _parsed(connection: Connection, query: str) -> dict[str, Any]:
    """DuckDB's syntax tree of a single query."""
    if len(query) > LONGEST_QUERY:
        message = f"the query is too long: {len(query):,} characters, and {LONGEST_QUERY:,} are read"
        raise ConfigurationError(message)
    text = query.strip().rstrip(";")
    try:
        told = connection.execute("select json_serialize_sql(?)", [text]).fetchall()[0][0]
        tree = json.loads(told)
    except RecursionError:
        raise ConfigurationError("the query is nested too deep to be read") from None
    if tree["error"]:
        raise _unreadable(text, str(tree["error_message"]).splitlines()[0])
    if not tree["statements"]:
        raise ConfigurationError("there is no query, only blanks or comments")
    if len(tree["statements"]) != 1:
        raise ConfigurationError(f"one query at a time; these are {len(tree['statements'])}")
    statement: dict[str, Any] = tree["statements"][0]["node"]
    return statement


def _unreadable(text: str, message: str) -> ConfigurationError:
    instead = next((hint for word, hint in INSTEAD.items() if text.lower().startswith(word)), HINT)
    if "Only SELECT" in message or "CTE body must be" in message or text.startswith((".", "\\")):
        return ConfigurationError(THAT_READ, hint=instead)
    return ConfigurationError(f"the query cannot be read: {message}", hint=instead)


def _tables_in(statement: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Every table a query reads, without the names it gives to queries of its own (WITH), where these hold."""
    left: list[tuple[Any, frozenset[str]]] = [(statement, frozenset())]
    while left:
        node, own = left.pop()
        if isinstance(node, list):
            left += [(child, own) for child in reversed(node)]
        if not isinstance(node, dict):
            continue
        _check_node(node)
        bodies: list[tuple[Any, frozenset[str]]] = []
        for entry in node["cte_map"]["map"] if "cte_map" in node else ():
            name = {entry["key"].lower()}
            recursive = entry["value"]["query_node"]["type"] == "RECURSIVE_CTE_NODE"
            bodies.append((entry["value"], own | name if recursive else own))
            own |= name
        if node.get("type") == "BASE_TABLE" or node.get("show_type") == "SHOW":
            schema, name_of = node["schema_name"], node["table_name"]
            if schema or name_of.lower() not in own:
                yield schema, name_of
        children = [(child, own) for key, child in node.items() if key != "cte_map"]
        left += reversed([*bodies, *children])


def _check_node(node: dict[str, Any]) -> None:
    """Refuse what is no reading of tables: writing inside WITH, functions that read files, DuckDB's own catalogue."""
    kind = node.get("type")
    if "cte_map" in node and kind not in QUERIES:
        raise ConfigurationError(THAT_READ, hint=HINT)
    if kind == "TABLE_FUNCTION":
        name = node["function"].get("function_name", "").lower()
        if name not in TABLE_FUNCTIONS:
            _refuse(name)
    elif node.get("class") == "FUNCTION":
        name = node["function_name"].lower()
        if name in REFUSED_FUNCTIONS or name.startswith(OF_CATALOGUE_FUNCTIONS):
            _refuse(name)
    elif kind == "SHOW_REF" and node["show_type"] in ("SHOW_SPECIAL", "SHOW_FROM"):
        raise ConfigurationError("SHOW TABLES and the like stand alone, not inside a query", hint=HINT)
    elif kind == "BASE_TABLE":
        _check_table(node["catalog_name"], node["schema_name"], node["table_name"])


def _refuse(function: str) -> None:
    message = f"{function}() is not allowed: a query reads the tables of the lake, and nothing else"
    raise ConfigurationError(message, hint=HINT)


def _check_table(catalog: str, schema: str, name: str) -> None:
    if catalog:
        shown = ".".join(f'"{part}"' for part in (catalog, schema, name))
        hint = f'leave the first out: "{schema}"."{name}"'
        raise ConfigurationError(f"{shown} is not a table: a table is named by its database and its name", hint=hint)
    first = (schema or name).lower()
    if first in CATALOGUES or (not schema and first.startswith(OF_CATALOGUES)):
        hint = "show tables lists the tables, describe TABLE the columns of one"
        raise ConfigurationError(f'"{schema or name}" is not part of the lake', hint=hint)
    if "/" in name or "\\" in name or (not schema and name.lower().endswith((".csv", ".json", ".parquet", ".txt"))):
        message = f'"{name}" is a file: a query reads the tables of the lake, and nothing else'
        raise ConfigurationError(message, hint=HINT)
