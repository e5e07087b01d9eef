"""Brings tables of older Planlake versions up to date and refuses those of newer ones.

The number of the format stands in the properties of the tables. Older lakes get the columns and properties they lack
when they are next written; newer ones are refused, as this version cannot know what it would break.
"""

from typing import TYPE_CHECKING

from planlake.errors import LakeError
from planlake.lake.tables.columns import TABLES, iceberg_type

if TYPE_CHECKING:
    from pyiceberg.table import Table

FORMAT = 3
FORMAT_PROPERTY = "planlake.format"


def check_format(table: "Table") -> None:
    """Refuse a table of a newer format; a LakeError says which."""
    found = int(table.properties.get(FORMAT_PROPERTY, 1))
    if found > FORMAT:
        facts = {"table": ".".join(table.name()), "format": found, "known": FORMAT}
        state = "Nothing was changed"
        raise LakeError(
            "this lake was written by a newer version of Planlake", facts=facts, state=state, hint="upgrade Planlake"
        )


def is_current(table: "Table") -> bool:
    """Whether a table has this version's format; newer ones are refused."""
    check_format(table)
    return int(table.properties.get(FORMAT_PROPERTY, 1)) == FORMAT


def check_columns(table: "Table", zone: str, name: str) -> None:
    """Refuse to read one of Planlake's own tables that an older version made; a LakeError says what upgrades it."""
    if missing_columns(table, zone, name):
        facts = {"table": name}
        state = "Nothing was changed"
        hint = "planlake maintain upgrades it"
        raise LakeError("this lake was made by an older version of Planlake", facts=facts, state=state, hint=hint)


def missing_columns(table: "Table", zone: str, name: str) -> list[str]:
    """Columns that this version of Planlake's own table has and the table lacks."""
    present = set(table.schema().column_names)
    return [column for column in TABLES.get((zone, name), {}) if column not in present]


def upgrade(table: "Table", zone: str, name: str, *, properties: dict[str, str]) -> bool:
    """Give a table of an older format what it lacks; whether it lacked anything."""
    check_format(table)
    missing = missing_columns(table, zone, name)
    if missing:
        with table.update_schema() as update:
            for column in missing:
                update.add_column((column,), iceberg_type(TABLES[zone, name][column]))
    lacking = {key: value for key, value in properties.items() if table.properties.get(key) != value}
    if lacking:
        with table.transaction() as transaction:
            transaction.set_properties(lacking)
    return bool(missing or lacking)
