"""Takes trusted tables out with everything they ever held: they are made anew of what is left.

Which rows of one came from a record only its model knows, and models change. So of a record that is forgotten every
trusted table that read its resource goes, with its past days. Each version says itself which tables its rows come from,
through other trusted tables too: one of these may have another model since, or be gone.
"""

import json
from collections.abc import Sequence
from dataclasses import replace

from planlake.lake.forgetting.rewrite import delete_unreferenced
from planlake.lake.lake import Lake
from planlake.lake.previews.own_tables import drop_table
from planlake.lake.tables.version_summary import SOURCES, entry
from planlake.lake.warehouse import database_storage, table_folders, table_storages


def tables_that_read(lakes: Sequence[Lake], resource: str) -> list[tuple[Lake, str]]:
    """The trusted tables of these lakes that ever read a resource, by their names."""
    return [(lake, name) for lake in lakes for name in lake.names("trusted") if _ever_read(lake, name, resource)]


def drop_trusted_tables(lakes: Sequence[Lake], resource: str) -> list[str]:
    """Drop those that ever read a resource, in all these lakes, with all files; their names. It can be repeated.

    Folders of trusted tables that no catalogue knows go too: of which resource they are, nobody knows any more.
    """
    gone = {name for _, name in tables_that_read(lakes, resource)}
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


def _ever_read(lake: Lake, name: str, resource: str) -> bool:
    """Whether a kept version of a trusted table has rows that come from a resource; so too where it does not say."""
    table = lake.find("trusted", name)
    versions = table.metadata.snapshots if table is not None else ()
    said = [json.loads(entry(version, SOURCES) or "null") for version in versions]
    return any(one is None or any(_is_of(source, resource) for source in one) for one in said)


def _is_of(source: str, resource: str) -> bool:
    """Whether a table that rows come from is a resource's, raw and the ledger's tables included."""
    zone, _, name = source.partition(".")
    plain = name.removeprefix("history_").removeprefix("increment_").removeprefix("current_")
    return plain == resource if zone == "refined" else zone != "mapping"
