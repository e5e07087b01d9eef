"""Notes in `forgotten` that a record was forgotten, without keeping its id.

A row keeps a hash of the id with a salt of its own. Whoever asks about an id finds out whether it was forgotten; but
numbers are few, so whoever may read the table and tries them all finds out, too.
"""

import hashlib
import secrets
from dataclasses import asdict, dataclass, replace

from planlake.engines.duckdb.connection import Connection
from planlake.engines.duckdb.reading import rows_sql
from planlake.engines.sql import literal
from planlake.lake.forgetting.rules import Person
from planlake.lake.lake import Lake
from planlake.lake.state.operations import append_operations
from planlake.lake.tables.data_files import data_files

PLANNED, DONE = "planned", "done"


@dataclass(frozen=True, slots=True)
class Forgetting:
    """One record being forgotten, or forgotten: by which run, and in how many tables, files and rows it was."""

    run: int
    state: str
    resource: str
    salt: str
    id_hash: str
    tables: int
    files: int
    rows: int


def planned_row(run: int, who: Person, *, tables: int, files: int, rows: int) -> Forgetting:
    """A new row about a record, with a salt that no other row has."""
    salt = secrets.token_hex(16)
    return Forgetting(run, PLANNED, who.resource.name, salt, _hashed(who, salt), tables, files, rows)


def _hashed(who: Person, salt: str) -> str:
    return hashlib.sha256(f"{salt}:{who.resource.name}:{who.id}".encode()).hexdigest()


def write_row(lake: Lake, one: Forgetting, noted_at: object) -> None:
    """Write a row: before the first commit that forgets as planned, after the last deletion as done."""
    append_operations(lake, "forgotten", [{**asdict(one), "noted_at": noted_at}])


def done_row(one: Forgetting) -> Forgetting:
    """The same, done."""
    return replace(one, state=DONE)


def rows_about(lake: Lake, connection: Connection, who: Person) -> list[Forgetting]:
    """What is noted of this record, oldest first; of one that was planned and done the latter alone."""
    table = lake.find("operations", "forgotten")
    if table is None:
        return []
    names = ", ".join(Forgetting.__dataclass_fields__)
    query = f"""select {names} from {rows_sql(data_files(table), table.schema())}
                where resource = {literal(who.resource.name)} order by run, state desc"""
    found = (Forgetting(*row) for row in connection.execute(query).fetchall())
    by_salt = {one.salt: one for one in found if _hashed(who, one.salt) == one.id_hash}
    return list(by_salt.values())


def is_unfinished(one: Forgetting) -> bool:
    """Whether a row was planned and never done."""
    return one.state == PLANNED
