"""A preview as a lake: it shows its base's tables and keeps its own changes to itself.

The databases of a preview are called `preview-NAME--<database>`. It shows its base's tables until a resource is
entered: then its tables are made here from the base's metadata, which name the same files, and rows of shared tables
are added by their files. The versions it stands on are pinned by tags, which is all that is ever written to the base.
"""

import re
import time
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from pyiceberg.manifest import DataFile
from pyiceberg.serializers import ToOutputFile
from pyiceberg.table import Table
from pyiceberg.table.refs import SnapshotRef, SnapshotRefType
from pyiceberg.table.snapshots import Snapshot
from pyiceberg.table.update.snapshot import ManageSnapshots

from planlake.lake.lake import PARTITIONED_BY_RESOURCE, Lake, clear_errors
from planlake.lake.metadata.filters import expression_of, is_one_of
from planlake.lake.previews.entered import ENTERED, LEFT
from planlake.lake.state.operations import append_operations
from planlake.lake.tables.columns import TABLES
from planlake.lake.tables.commits import commit, transaction_on
from planlake.lake.tables.data_files import data_files, row_count

PIN = re.compile(r"preview-(?P<preview>.+)-of-(?P<resource>.+)")
KINDS = ("current", "increment")
SHARED = tuple(place for place in TABLES if place[1] in PARTITIONED_BY_RESOURCE)
TOLD = ("published", "drift")  # what was told of a resource before


def pin_name(preview: Lake, resource: str) -> str:
    """The tag that keeps the versions a preview stands on."""
    return f"preview-{preview.preview}-of-{resource}"


def pinned_version(preview: Lake, table: Table | None, resource: str) -> Snapshot | None:
    """The version of a table of the base that a preview stands on; None where there was none."""
    return table.snapshot_by_name(pin_name(preview, resource)) if table is not None else None


def add_own_tables(preview: Lake, resources: Iterable[str], *, run: int) -> list[str]:
    """Give a preview its own tables of these resources; which of them it did not have before.

    The order makes every crash safe: what is not noted as entered is made again the next time.
    """
    new = [resource for resource in dict.fromkeys(resources) if resource not in preview.own]
    if preview.base is None or not new:
        return []
    _discard(preview, new)
    for zone, name, wanted in places_of(new):
        _pin(preview, zone, name, resources=wanted)
        _show_same(preview, zone, name, resources=wanted)
    _tell_same(preview, new)
    write_event(preview, new, ENTERED, run)
    preview.own.update(new)
    return new


def drop_own_tables(preview: Lake, resources: Collection[str], *, run: int) -> None:
    """Take the tables of these resources from a preview, which then shows its base's again, and their pins.

    It can be repeated: what was noted as left is still taken.
    """
    entered = preview.own.intersection(resources)
    if entered:
        write_event(preview, entered, LEFT, run)
    preview.own.difference_update(resources)
    _discard(preview, resources)
    remove_pins(preview, resources)


def pinning(base: Lake) -> dict[str, set[str]]:
    """The previews that have pins in a lake, each with the resources that these are of.

    Tables that all resources share are pinned first and let go last, so they tell of all pins.
    """
    tables = [found for place in SHARED if (found := base.find(*place)) is not None]
    pins: dict[str, set[str]] = {}
    for parts in filter(None, (PIN.fullmatch(tag) for table in tables for tag in table.refs())):
        pins.setdefault(parts["preview"], set()).add(parts["resource"])
    return pins


def remove_pins(preview: Lake, resources: Collection[str]) -> list[tuple[str, str]]:
    """Let the base's housekeeping have the versions that a preview stood on; the tables that had pins, by zone."""
    base, pins = preview.stands_on, {pin_name(preview, resource) for resource in resources}
    freed = []
    for zone, name, _ in reversed(list(places_of(resources))):
        found = base.find(zone, name)
        held = [tag for tag in found.refs() if tag in pins] if found is not None else []
        if held:
            with base.commits:
                table = base.reload(zone, name)
                with transaction_on(table) as transaction:
                    for tag in held:
                        ManageSnapshots(transaction).remove_tag(tag).commit()
                base.loaded[zone, name] = table
            freed.append((zone, name))
    return freed


def places_of(resources: Collection[str]) -> Iterator[tuple[str, str, list[str]]]:
    """The tables that may hold something of these resources: zone, name, and which of them."""
    for zone, name in SHARED:
        yield zone, name, list(resources)
    for resource in resources:
        for kind in KINDS:
            yield "refined", f"{kind}_{resource}", [resource]


def _pin(preview: Lake, zone: str, name: str, *, resources: Collection[str]) -> None:
    base = preview.stands_on
    if base.find(zone, name) is None:
        return
    with base.commits:
        table = base.reload(zone, name)
        version = table.current_snapshot()
        if version is not None:
            with transaction_on(table) as transaction:
                for resource in resources:
                    ManageSnapshots(transaction).create_tag(version.snapshot_id, pin_name(preview, resource)).commit()
            base.loaded[zone, name] = table


def _show_same(preview: Lake, zone: str, name: str, *, resources: Collection[str]) -> None:
    """The preview's own table shows what the base's does: all of it, or the files of these resources."""
    theirs = preview.stands_on.find(zone, name)
    if theirs is None or theirs.current_snapshot() is None:
        return
    if (zone, name) not in SHARED:
        register_copy(preview, zone, name, like=theirs, version=theirs.current_snapshot())
        return
    files = [file for file in data_files(theirs) if file.partition[0] in resources]
    if files:
        own = preview.find(zone, name) or register_copy(preview, zone, name, like=theirs)
        with preview.commits:
            commit(own, add=files)


def _tell_same(preview: Lake, resources: Collection[str]) -> None:
    """What the base was told of these resources, but for what the preview knows from an earlier time."""
    for name in TOLD:
        known = {tuple(row.values()) for row in rows_of(preview, name, resources)}
        rows = rows_of(preview.stands_on, name, resources)
        append_operations(preview, name, [row for row in rows if tuple(row.values()) not in known])


def rows_of(lake: Lake, name: str, resources: Collection[str]) -> list[dict[str, Any]]:
    """Rows of a table of the operations database, of these resources."""
    table = lake.find("operations", name)
    if table is None:
        return []
    found: list[dict[str, Any]] = (
        table.scan(row_filter=expression_of(is_one_of("resource", resources))).to_arrow().to_pylist()
    )
    return found


def register_copy(lake: Lake, zone: str, name: str, *, like: Table, version: Snapshot | None = None) -> Table:
    """Make a table with the columns and properties of another, showing one of its versions or nothing yet.

    Only metadata is written: columns keep their ids, and the version its list of files.
    """
    database = lake.database(zone)
    location = lake.place(zone, name)
    main = {"main": _ref(version)} if version else {}
    changes: dict[str, Any] = {
        "table_uuid": uuid.uuid4(),
        "location": location,
        "snapshots": [version] if version else [],
        "current_snapshot_id": version.snapshot_id if version else None,
        "refs": main,
        "snapshot_log": [],
        "metadata_log": [],  # the other table's files of metadata are not this one's to delete
        "last_updated_ms": int(time.time() * 1000),  # what was made last tells itself from what was left before
    }
    place = f"{location}/metadata/00000-{uuid.uuid4()}.metadata.json"
    with lake.commits, clear_errors():
        ToOutputFile.table_metadata(like.metadata.model_copy(update=changes), like.io.new_output(place))
        lake.catalog.create_namespace_if_not_exists(database)
        lake.loaded[zone, name] = lake.catalog.register_table((database, name), place)
        lake.absent.discard((zone, name))
        return lake.loaded[zone, name]


def _ref(version: Snapshot) -> SnapshotRef:
    return SnapshotRef.model_validate({"snapshot-id": version.snapshot_id, "type": SnapshotRefType.BRANCH})


def own_files(preview: Lake, zone: str, name: str, *, resource: str) -> list[DataFile]:
    """Files of a resource that a preview's table has and the version it stands on has not."""
    own = preview.find(zone, name)
    if own is None:
        return []
    theirs = preview.stands_on.find(zone, name)
    version = pinned_version(preview, theirs, resource)
    shared = set()
    if theirs is not None and version is not None:
        shared = {file.file_path for file in data_files(theirs, snapshot_id=version.snapshot_id)}
    return [file for file in files_of(own, (zone, name), resource) if file.file_path not in shared]


def files_of(table: Table, place: tuple[str, str], resource: str) -> list[DataFile]:
    """Files of one resource in a table, which may be shared by all."""
    files = data_files(table)
    return [file for file in files if file.partition[0] == resource] if place in SHARED else files


def _discard(preview: Lake, resources: Collection[str]) -> None:
    """Take what a preview holds of these resources out of its catalogue; no file is deleted."""
    names = set(preview.names("refined"))
    for resource in resources:
        for name in (f"{kind}_{resource}" for kind in KINDS):
            if name in names:
                drop_table(preview, "refined", name)
    for zone, name in SHARED:
        own = preview.find(zone, name)
        files = [file for file in data_files(own) if file.partition[0] in resources] if own is not None else []
        if own is not None and files:
            with preview.commits:
                commit(own, remove=files)


def drop_table(lake: Lake, zone: str, name: str) -> None:
    """Take a table out of the catalogue; no file is deleted."""
    with lake.commits, clear_errors():
        lake.catalog.drop_table((lake.database(zone), name))
        lake.loaded.pop((zone, name), None)


def write_event(preview: Lake, resources: Collection[str], event: str, run: int) -> None:
    """Write into `previewed` that these resources were entered or left."""
    noted = preview.find("operations", "previewed")
    before = row_count(noted) if noted is not None else 0
    common: Mapping[str, Any] = {"number": before + 1, "run": run, "event": event}
    append_operations(preview, "previewed", [{**common, "resource": resource} for resource in resources])
