"""Refuses names of resources and columns that a catalogue may not use.

A resource is a part of the names of tables and views, and an API may call its own anything; `path` says what stands in
the address where that is no name of a table, or one of Planlake's own.
"""

import re
from collections.abc import Mapping

from planlake.engines.names import (
    BEGINNINGS,
    CATALOGUES,
    CONTROL_CHARACTERS,
    IMPORTED,
    OF_CATALOGUES,
    OWN_TABLES,
    is_own_column,
)
from planlake.errors import ConfigurationError

RESOURCE_NAME = re.compile(r"[a-z0-9_][a-z0-9_-]*")  # Glue keeps names in lower case; it is a part of folders, too
PATH = re.compile(r"[A-Za-z0-9_.~-]+(/[A-Za-z0-9_.~-]+)*")
LONGEST_NAME = 200  # with what Planlake puts before and behind it a file has room for 255 characters
KEY_TYPES = ("integer", "long", "text")


def check_resource(name: str, path: str) -> None:
    """Refuse a name no table can have, or that would stand for a table of Planlake's own; and a path that is none."""
    if trouble := _trouble_of(name):
        raise ConfigurationError(trouble, facts={"name": _shown(name)}, hint=_another(name))
    if path and (not PATH.fullmatch(path) or {".", ".."} & set(path.split("/"))):
        hint = "the last part of its address, behind base_url, without a question mark"
        raise ConfigurationError("path: that is not part of an address", facts={"resource": name}, hint=hint)


def check_columns(name: str, columns: Mapping[str, str], *, key: str, changed: str) -> None:
    """Refuse a key of which no table can be made; other columns that are called like Planlake's own get a number."""
    facts = {"resource": name}
    for place, column in (("key", key), ("changed", changed)):
        is_odd = CONTROL_CHARACTERS.search(column) or not column
        if (column or place == "key") and (is_odd or is_own_column(column)):
            hint = (
                "another column that tells records apart" if place == "key" else 'changed: "" reads it whole each time'
            )
            message = "no column can have this name" if is_odd else "Planlake has a column of this name"
            raise ConfigurationError(f"{place}: {message}", facts={**facts, "column": _shown(column)}, hint=hint)
    if (kind := columns.get(key)) is not None and kind not in KEY_TYPES:
        facts = {**facts, "key": _shown(key), "type": kind}
        raise ConfigurationError("a key is integer, long or text", facts=facts, hint=f"declare {key} as text")
    for column in columns:
        if not column.isascii() and column.encode(errors="replace").decode() != column:
            raise ConfigurationError("a column's name holds half a character", facts=facts)


def _shown(name: str) -> str:
    """A name as a message shows it; half a character could not be printed."""
    return f'"{name[:LONGEST_NAME].encode(errors="backslashreplace").decode()}"'


def _trouble_of(name: str) -> str:
    if not RESOURCE_NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        return "that is not a valid resource name"
    if name in OWN_TABLES:
        return "Planlake has a table of this name"
    if name in IMPORTED:
        return "Planlake has a column of this name"
    if name in CATALOGUES or name.startswith(OF_CATALOGUES):
        return "DuckDB has a table of this name"
    if beginning := next((one for one in BEGINNINGS if name.startswith(one)), ""):
        return f"names that begin with {beginning} belong to tables made from other resources"
    return ""


def name_of(address: str) -> str:
    """How the resource at an address may be called: like it, unless no table can; then `path` has the address."""
    if not _trouble_of(address):
        return address
    plain = re.sub(r"[^a-z0-9_-]", "_", address.lower())[: LONGEST_NAME // 2]
    return plain if plain.strip("_") and not _trouble_of(plain) else f"the_{plain}"


def _another(name: str) -> str:
    """How a resource may be called that somebody called like its address."""
    if not PATH.fullmatch(name):
        return "lower-case letters, digits, _ and -; path says what stands in the address where that is more"
    return f"call it {name_of(name)}, with path: {name[:LONGEST_NAME]}"
