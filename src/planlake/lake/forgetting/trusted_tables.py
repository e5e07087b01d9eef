"""Takes trusted tables out with everything they ever held: they are made anew of what is left.

Which rows of one came from a record only its model knows, and models change. So of a record that is forgotten every
trusted table that read its resource goes, with its past days.
"""

import json
from collections.abc import Sequence
from dataclasses import replace

from planlake.lake.forgetting.rewrite import delete_unreferenced
from planlake.lake.lake import Lake
from planlake.lake.previews.own_tables import drop_table
from planlake.lake.tables.version_summary import READ, entry
from planlake.lake.warehouse import database_storage, table_folders, table_storages


def drop_trusted_tables(lakes: Sequence[Lake], resource: str) -> list[str]:
    """Drop those that ever read a resource, in all these lakes, with all files; their names. It can be repeated.

    Folders of trusted tables that no catalogue knows go too: of which resource they are, nobody knows any more.
    """
    reads = {name: found for lake in lakes for name, found in _reads(lake).items()}
    gone = {name for name, found in reads.items() if any(_is_of(one, resource) for one in found)}
    while more := {name for name, found in reads.items() if found & {f"trusted.{one}" for one in gone}} - gone:
        gone |= more
    for lake in lakes:
        for name in gone.intersection(lake.names("trusted")):
            drop_table(lake, "trusted", name)
    unknown = table_folders(lakes[0], "trusted") - {name for lake in lakes for name in lake.names("trusted")}
    for name in {name for lake in lakes for name in lake.names("trusted")}:  # what a killed build left
        tables = [table for lake in lakes if (table := lake.find("trusted", name)) is not None]
        delete_unreferenced(tables, table_storages(lakes[0], "trusted", name))
    for name in gone | unknown:
        for storage in table_storages(lakes[0], "trusted", name):
            storage.delete(storage.deletable(file.path for file in storage.list_files()))
    return sorted(gone)


def drop_trusted_table(lake: Lake, name: str) -> None:
    """Drop one of this lake alone, with all its files. Killed between both, recover finds it as it was."""
    storage = database_storage(lake, "trusted")
    of_table = replace(storage, folder=f"{storage.folder}/{name}")
    drop_table(lake, "trusted", name)
    of_table.delete(of_table.deletable(file.path for file in of_table.list_files()))


def _reads(lake: Lake) -> dict[str, set[str]]:
    """What every kept version of each trusted table was made of."""
    found: dict[str, set[str]] = {}
    for name in lake.names("trusted"):
        table = lake.find("trusted", name)
        for version in table.metadata.snapshots if table is not None else ():
            found.setdefault(name, set()).update(json.loads(entry(version, READ) or "{}"))
    return found


def _is_of(read: str, resource: str) -> bool:
    """Whether something that a table was made of is a resource's, raw and the ledger's tables included."""
    zone, _, name = read.partition(".")
    plain = name.removeprefix("history_").removeprefix("increment_").removeprefix("current_")
    return plain.removeprefix("api_response_") == resource or zone in ("raw", "operations")
