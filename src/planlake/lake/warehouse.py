"""The folders of a lake in its warehouse: of its databases, its tables and its previews."""

from collections.abc import Callable
from dataclasses import replace

import pyarrow as pa
import pyarrow.fs

from planlake.engines.remote_contents import open_remote
from planlake.lake.lake import Lake, clear_errors
from planlake.lake.metadata.local_files import HERE, opening, split_location
from planlake.lake.tables.stored_files import Storage, file_system, storage_of


def file_opener(lake: Lake) -> Callable[[str], pa.NativeFile]:
    """Opens data files of a lake by their locations, for reading, as the lake itself does: here, on S3, elsewhere."""
    systems: dict[tuple[str, str], pyarrow.fs.FileSystem] = {}

    def opened(location: str) -> pa.NativeFile:
        scheme, host, path = split_location(location)
        if (scheme, host) not in systems:
            systems[scheme, host] = file_system(opening(lake.catalog.properties, location), location)
        if scheme == HERE:  # what is on this machine is read as it is now: somebody may have cut it off
            return systems[scheme, host].open_input_file(path)
        return open_remote(systems[scheme, host], path, location)

    return opened


def database_storage(lake: Lake, zone: str) -> Storage:
    """The folder of a zone's database."""
    place = f"{lake.warehouses[zone]}/{lake.database(zone)}"
    return storage_of(opening(lake.catalog.properties, place), place, depth=1, catalog=lake.catalog)


def table_storages(lake: Lake, zone: str, name: str) -> list[Storage]:
    """The folders in which files of a table may lie: the lake's own, and of previews, also of those dropped since."""
    root = _warehouse(lake, zone)
    databases = (lake.database(zone), *preview_databases(lake, zone))
    return [replace(root, folder=f"{root.folder}/{one}/{name}") for one in databases]


def table_folders(lake: Lake, zone: str) -> set[str]:
    """The names of the tables that have a folder in a zone's database, whatever is in it."""
    storage = database_storage(lake, zone)
    selector = pyarrow.fs.FileSelector(storage.folder, allow_not_found=True)
    with clear_errors():
        return {one.base_name for one in storage.files.get_file_info(selector) if not one.is_file}


def preview_databases(lake: Lake, zone: str) -> list[str]:
    """The names of the folders that previews have in a zone's warehouse, also those dropped since."""
    root = _warehouse(lake, zone)
    selector = pyarrow.fs.FileSelector(root.folder, allow_not_found=True)
    with clear_errors():
        names = [one.base_name for one in root.files.get_file_info(selector)]
    return [one for one in names if one.startswith("preview-") and one.endswith(f"--{lake.database(zone)}")]


def _warehouse(lake: Lake, zone: str) -> Storage:
    place = lake.warehouses[zone]
    return storage_of(opening(lake.catalog.properties, place), place, catalog=lake.catalog)
