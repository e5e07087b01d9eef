"""Which columns of a query hold what is hidden in the tables it reads: by what each of them is derived from.

It goes by names, and takes too many for hidden rather than one too few: a name that is hidden anywhere in a query is so
everywhere in it, but behind the name of a table whose column of that name is not. Where a value cannot be followed (a
union of `*`, columns that are named by their places) it says so.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import duckdb

from planlake.lake.views.parse_query import called_on_in

Node = Any  # of DuckDB's syntax tree
Hidden = Mapping[tuple[str, str], Collection[str]]  # columns, by schema and name of the table
QUERIES = ("SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE")
SOURCES = ("BASE_TABLE", "SUBQUERY", "JOIN", "TABLE_FUNCTION", "EMPTY", "EXPRESSION_LIST")
# What says something of a value and does not hold it.
TRUTHS = ("COMPARISON", "CONJUNCTION", "BETWEEN")
TRUTH_OPERATORS = ("OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL", "OPERATOR_NOT", "COMPARE_IN", "COMPARE_NOT_IN")
MEASURES = {"count", "length", "strlen", "approx_count_distinct", "bool_and", "bool_or", "count_if"}
MEASURES |= {"contains", "starts_with", "ends_with", "prefix", "suffix", "regexp_matches", "regexp_full_match"}
MEASURES |= {"~~", "!~~", "~~*", "!~~*", "~~~", "row_number", "rank", "dense_rank", "ntile", "percent_rank"}
PATTERNS = ("regexp_full_match", "~~", "!~~", "~~*", "!~~*", "~~~")  # after a `*`: the names that it takes
ALL = {"class": "STAR", "columns": False, "exclude_list": [], "replace_list": [], "qualified_exclude_list": []}
# Parts of a query that decide which rows there are, and in which order.
BESIDE = {"when_expr", "filter", "filter_expr", "order_bys", "partitions", "orders", "arg_orders", "from_table"}
BESIDE |= {"where_clause", "group_expressions", "having", "qualify", "modifiers", "cte_map", "rename_list"}


@dataclass(frozen=True, slots=True)
class Derived:
    """Names of columns that hold hidden values, in small letters; any may where it is not `is_known`."""

    hidden: frozenset[str] = frozenset()
    is_known: bool = False


def derived(query: str, hidden: Hidden) -> Derived:
    """What of a query's columns is hidden, where `hidden` has the tables it reads with their hidden columns."""
    with suppress(duckdb.Error, RecursionError, ValueError, KeyError, TypeError):
        found = _Reading({key: {one.lower() for one in columns} for key, columns in hidden.items()})
        found.read(json.loads(_tree(query))["statements"])
        return Derived(frozenset(found.hidden), is_known=found.is_known)
    return Derived()


@lru_cache(maxsize=256)
def _tree(query: str) -> str:
    with duckdb.connect(config={"temp_directory": ""}) as connection:
        told = connection.execute("select json_serialize_sql(?)", [query.strip().rstrip(";")]).fetchall()
    return str(told[0][0])


@dataclass(slots=True)
class _Reading:
    """A walk over a syntax tree: hidden columns of `tables` by their aliases, and aliases of what is no table."""

    of_tables: Mapping[tuple[str, str], set[str]]
    hidden: set[str] = field(default_factory=set)
    tables: dict[str, set[str]] = field(default_factory=dict)
    others: set[str] = field(default_factory=set)
    rows: set[int] = field(default_factory=set)  # names of tables where they may stand for whole rows
    following: set[int] = field(default_factory=set)  # queries whose own names count for nothing
    is_known: bool = True

    def read(self, tree: Node) -> None:
        """Find all names that hold hidden values, those that depend on others of them too."""
        nodes = list(_nodes(tree))
        self.others = {entry["key"].lower() for node in nodes for entry in _ctes(node)}
        for node in nodes:
            self._source(node)
            if node.get("type") == "SELECT_NODE":
                self.rows |= set(_rows(node))
            if node.get("setop_type", "UNION_BY_NAME") != "UNION_BY_NAME":
                self.following |= {id(one) for one in _parts(node)[1:]}
            elif node.get("class") == "SUBQUERY":
                self.following |= {id(one) for one in _parts(node["subquery"]["node"])}
        self.hidden = {one for columns in self.tables.values() for one in columns}
        before = -1
        while before < len(self.hidden):
            before = len(self.hidden)
            for node in nodes:
                self._names(node)

    def _source(self, node: Node) -> None:
        kind, alias = node.get("type"), str(node.get("alias", "")).lower()
        if kind == "BASE_TABLE":
            name = node["table_name"].lower()
            if not node["schema_name"] and name in self.others:
                self.others.add(alias or name)
                return
            found = self.of_tables.get((node["schema_name"].lower(), name))
            self.is_known &= found is not None and not (found and node["column_name_alias"])
            self.tables.setdefault(alias or name, set()).update(found or ())
        elif kind in ("SUBQUERY", "TABLE_FUNCTION", "EXPRESSION_LIST") and alias:
            self.others.add(alias)
        for key in ("from_table", "left", "right"):
            child = node.get(key)
            if isinstance(child, dict) and "class" not in child and child.get("type") not in (*SOURCES, *QUERIES):
                self.is_known = False

    def _names(self, node: Node) -> None:
        """Take in what a part of the query calls columns."""
        kind = node.get("type")
        if kind == "SELECT_NODE":
            for item in node["select_list"]:
                self._item(item, is_named=id(node) not in self.following)
        elif kind in ("SET_OPERATION_NODE", "RECURSIVE_CTE_NODE"):
            lists = [found for part in _parts(node) for found in _lists(part)]
            if node.get("setop_type") != "UNION_BY_NAME":
                self._by_place([_name(one) for one in lists[0]], lists)
        elif "cte_map" in node and kind not in QUERIES:
            self.is_known = False
        elif kind in ("TABLE_FUNCTION", "EXPRESSION_LIST"):
            self.is_known &= not self.holds(node.get("function", node.get("values")))
        elif kind == "SUBQUERY" and node.get("column_name_alias"):
            self._by_place(node["column_name_alias"], _lists(node["subquery"]["node"]))
        for entry in _ctes(node):
            self._by_place(entry["value"]["aliases"], _lists(entry["value"]["query_node"]))

    def _by_place(self, names: Sequence[str], lists: Sequence[Sequence[Node]]) -> None:
        """Names that stand for what several lists of columns have at the same place."""
        if names and any(_star(item) for items in lists for item in items):
            self.is_known &= not self.hidden
            return
        for place, name in enumerate(names):
            if any(place < len(items) and self.holds(items[place]) for items in lists):
                self._add(name)

    def _item(self, item: Node, *, is_named: bool) -> None:
        star = _star(item)
        if star is None:
            if self.holds(item) and (is_named or _name(item)):
                self._add(_name(item))
                self.is_known &= item.get("function_name") != "unnest"  # of a struct it names its parts
            return
        of = star["relation_name"].lower()
        self.is_known &= not (self.hidden and star["columns"] and star["alias"])
        self.is_known &= not of or of in self.tables or of in self.others or of not in self.hidden
        for entry in star["rename_list"]:
            name, column = entry["value"].lower(), entry["key"]["column"].lower()
            if self._is_hidden([*filter(None, [of]), column]):
                self._add(name)
        for entry in star["replace_list"]:
            if self.holds(entry["value"]):
                self._add(entry["key"])

    def _add(self, name: str) -> None:
        self.is_known &= bool(name)
        self.hidden.add(name.lower())

    def holds(self, node: Node) -> bool:
        """Whether a value is, or is made of, one that is hidden."""
        if isinstance(node, list):
            return any(map(self.holds, node))
        if not isinstance(node, dict) or _tells(node):
            return False
        kind = node.get("class")
        if kind == "COLUMN_REF":
            return self._is_hidden([one.lower() for one in node["column_names"]], may_be_row=id(node) in self.rows)
        if kind in ("STAR", "POSITIONAL_REFERENCE"):
            return bool(self.hidden)
        called_on = [one.lower() for one in called_on_in(node)]
        if called_on and self._is_hidden(called_on, may_be_row=True):
            return True
        return any(self.holds(value) for key, value in node.items() if key not in BESIDE)

    def _is_hidden(self, names: Sequence[str], *, may_be_row: bool = False) -> bool:
        """Whether a name, as it is written, may stand for a hidden value."""
        first, *rest = names
        if may_be_row and (self.tables.get(names[-1]) or (names[-1] in self.others and self.hidden)):
            return True
        if not rest:
            return first in self.hidden
        if first in self.tables and first not in self.others:
            return not self.tables[first].isdisjoint(rest)
        return not self.hidden.isdisjoint(rest if first in self.others else names)


def _nodes(tree: Node) -> Iterator[dict[str, Any]]:
    left = [tree]
    while left:
        node = left.pop()
        if isinstance(node, dict):
            yield node
            left += node.values()
        elif isinstance(node, list):
            left += node


def _tells(node: Node) -> bool:
    """Whether a value only says something of others."""
    kind, is_query = node.get("class"), node.get("class") == "SUBQUERY" and node["subquery_type"] != "SCALAR"
    return is_query or kind in TRUTHS or node.get("type") in TRUTH_OPERATORS or node.get("function_name") in MEASURES


def _rows(query: Node) -> Iterator[int]:
    """Where a SELECT has a name that one of its tables has."""
    left, aliases = [query["from_table"]], set[str]()
    while left:
        source = left.pop()
        aliases.add(str(source.get("alias") or source.get("table_name", "")).lower())
        left += [source[side] for side in ("left", "right") if source["type"] == "JOIN"]
    for node in _nodes([value for key, value in query.items() if key != "cte_map"]):
        names = [one.lower() for one in node["column_names"]] if node.get("class") == "COLUMN_REF" else []
        if names and names[-1] in aliases and aliases.isdisjoint(names[:-1]):  # with its schema, or without
            yield id(node)


def _ctes(node: Node) -> list[Node]:
    return node["cte_map"]["map"] if isinstance(node.get("cte_map"), dict) else []


def _parts(query: Node) -> list[Node]:
    """The queries of a union, each a SELECT."""
    if query["type"] == "SELECT_NODE":
        return [query]
    parts = query.get("children") or [query["left"], query["right"]]
    return [found for part in parts for found in _parts(part)]


def _lists(query: Node) -> list[list[Node]]:
    """The lists of columns of a query, of a union those of each part, of rows of values each of these."""
    found = []
    for part in _parts(query):
        of, columns = part["from_table"], part["select_list"]
        is_all = len(columns) == 1 and columns[0] == {**columns[0], **ALL}
        if is_all and of["type"] == "EXPRESSION_LIST":
            found += of["values"]
        else:
            found += _lists(of["subquery"]["node"]) if is_all and of["type"] == "SUBQUERY" else [columns]
    return found


def _star(item: Node) -> Node | None:
    """The `*` that an item of a query's list is, with a pattern behind it or without."""
    if item.get("function_name") in PATTERNS:
        item = item["arguments"][0]["expression"]
        return item if item["class"] == "STAR" and not item["columns"] else None
    return item if item.get("class") == "STAR" else None


def _name(item: Node) -> str:
    """What an item is called; empty where DuckDB makes up a name."""
    if item.get("alias") or item.get("class") != "COLUMN_REF":
        return str(item.get("alias", "")).lower()
    return str(item["column_names"][-1]).lower()
