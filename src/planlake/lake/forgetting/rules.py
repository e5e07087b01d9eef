"""Makes the rules that take every trace of one record out of the lake.

Its own rows go: as received, as typed, and what was found of them. Rows that only name it stay without the name: the
ledger says with which id a page began and which one was asked for alone, and messages show a value as an example.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote

import pyarrow as pa

from planlake.engines.casts import WHOLE
from planlake.engines.duckdb.connection import Connection
from planlake.engines.sql import identifier, literal
from planlake.lake.forgetting.search import Rule, Treated
from planlake.lake.state.drop_unchanged import plain_id_sql
from planlake.lake.tables.columns import ResourceSpec

MARK = "[forgotten]"  # what stands where something named the record
MESSAGES = {"checks": "message", "runs": "message", "drift": "detail"}  # tables of operations, and where theirs stand


@dataclass(frozen=True, slots=True)
class Person:
    """A record by its resource and its id, written as the type of its key writes it; neither is ever logged.

    `has_text_ids` says whether the key is text in every version of its tables, in one lake.
    """

    resource: ResourceSpec
    id: str
    has_text_ids: bool

    def __repr__(self) -> str:
        return f"Person({self.resource.name})"

    @property
    def number(self) -> tuple[str, int] | None:
        """The key and the id as a number, where ids are numbers and this is one."""
        is_number = not self.has_text_ids and re.fullmatch(WHOLE, self.id)
        return (self.resource.key, int(self.id)) if is_number else None


def person(connection: Connection, resource: ResourceSpec, identity: str, *, has_text_ids: bool) -> Person:
    """The record of this id, however the id is spelt: 007 is 7 where ids are numbers.

    A record without an id is named by a # and its hash.
    """
    plain = connection.execute(f"select {plain_id_sql(literal(identity), has_text_ids=has_text_ids)}").fetchall()[0][0]
    return Person(resource, str(plain), has_text_ids)


def raw_rule(connection: Connection, who: Person) -> Rule:
    """Every version as it was received, tombstones too, whether anything was made of it or not."""
    identity = f"coalesce({plain_id_sql('record_id', has_text_ids=who.has_text_ids)}, '#' || record_hash)"
    goes = f"resource = {literal(who.resource.name)} and {identity} = {literal(who.id)}"
    columns = ("resource", "record_id", "record_hash", "request_id", "position")
    return Rule("raw", "api_responses", columns, _by_sql(connection, goes), resource=who.resource.name)


def refined_rules(connection: Connection, who: Person) -> Iterator[Rule]:
    """Every version as it was typed, and the latest; whatever type the key has in a file."""
    key = f"{identifier(who.resource.key)}::varchar"
    goes = f"{plain_id_sql(key, has_text_ids=who.has_text_ids)} = {literal(who.id)}"
    for kind in ("increment", "current"):
        name = f"{kind}_{who.resource.name}"
        yield Rule("refined", name, (who.resource.key,), _by_sql(connection, goes), number=who.number)


def finding_rules(connection: Connection, who: Person, received: Iterable[pa.Table]) -> Iterator[Rule]:
    """Cells that did not cast and records that were refused, by their id or, where it is hidden, by their place.

    `received` are the record's own raw rows.
    """
    places = {place for rows in received for place in zip(*_columns(rows, "request_id", "position"), strict=True)}
    among = f"(request_id, position) in ({', '.join(map(str, sorted(places)))})" if places else "false"
    is_named = f"{plain_id_sql('id', has_text_ids=who.has_text_ids)} = {literal(who.id)}"
    goes = f"resource = {literal(who.resource.name)} and ({is_named} or {among})"
    for name in ("uncastable", "rejected"):
        columns = ("resource", "id", "request_id", "position")
        yield Rule("operations", name, columns, _by_sql(connection, goes), resource=who.resource.name)


def _columns(rows: pa.Table, *names: str) -> list[list[int]]:
    return [rows[name].to_pylist() for name in names]


def ledger_rule(connection: Connection, who: Person) -> Rule:
    """The first and last ids of pages, and addresses that asked for the record alone; the rows themselves stay."""
    key = re.escape(quote(who.resource.key))
    pattern = literal(f"([?&]{key}=)([^&]*)")
    asked = f"url_decode(regexp_extract(url, {pattern}, 2))"
    hidden = f"regexp_replace(url, {pattern}, '\\1{MARK}')"
    texts = {"first_id": ("first_id", literal(MARK)), "last_id": ("last_id", literal(MARK)), "url": (asked, hidden)}
    becomes = {}
    for column, (text, instead) in texts.items():
        is_named = f"{plain_id_sql(text, has_text_ids=who.has_text_ids)} = {literal(who.id)}"
        is_meant = f"resource = {literal(who.resource.name)} and {is_named}"
        becomes[column] = f"case when {is_meant} then {instead} else {column} end"
    columns = ("resource", *texts)
    return Rule("raw", "api_requests", columns, _by_sql(connection, "false", becomes), resource=who.resource.name)


def _by_sql(
    connection: Connection, goes: str, becomes: Mapping[str, str] | None = None
) -> Callable[[pa.Table], Treated]:
    """What becomes of rows, by an SQL condition for those that go and expressions for columns that change."""
    changes = becomes or {}
    terms = [f"not coalesce({goes}, false) as stays", *(f"{sql} as {name}" for name, sql in changes.items())]

    def treat(rows: pa.Table) -> Treated:
        with connection.cursor() as cursor:
            cursor.register("treated", rows)
            found = cursor.sql(f"select {', '.join(terms)} from treated").to_arrow_table()
        return Treated(found["stays"], {name: found[name] for name in changes})

    return treat


def message_rules(who: Person, hidden: Callable[[str], str]) -> Iterator[Rule]:
    """Messages about the resource or about a whole run; `hidden` gives a message without the record's values."""
    for name, column in MESSAGES.items():
        yield Rule("operations", name, ("resource", column), _hiding(who.resource.name, column, hidden))


def _hiding(resource: str, column: str, hidden: Callable[[str], str]) -> Callable[[pa.Table], Treated]:
    def treat(rows: pa.Table) -> Treated:
        pairs = zip(rows["resource"].to_pylist(), rows[column].to_pylist(), strict=True)
        texts = [hidden(text) if text and of in (resource, None) else text for of, text in pairs]
        return Treated(pa.repeat(pa.scalar(value=True), len(rows)), {column: pa.array(texts, rows[column].type)})

    return treat
