"""Tries whether a REST catalogue keeps the files of tables it drops, and takes tables that were made of files.

Previews need both: what is promoted stays where the preview had it. SeaweedFS's tables and those of S3 Tables are gone
with their entry.
"""

import uuid

from pyiceberg.exceptions import RESTError
from pyiceberg.io import load_file_io
from pyiceberg.partitioning import UNPARTITIONED_PARTITION_SPEC
from pyiceberg.serializers import ToOutputFile
from pyiceberg.table.metadata import new_table_metadata
from pyiceberg.table.sorting import UNSORTED_SORT_ORDER

from planlake.errors import LakeError
from planlake.lake.catalogues import is_rest
from planlake.lake.lake import Lake

PROBE = ("operations", "planlake_probe")


def check_keeps_files(lake: Lake) -> None:
    """Refuse a REST catalogue whose tables cannot be made of files or take their files along when they are dropped."""
    if is_rest(lake.catalog) and not _keeps_files(lake):
        message = "this catalogue deletes the files of a table that is dropped, or takes no table that is made of files"
        hint = "previews need a catalogue whose warehouse is a bucket or folder of its own"
        raise LakeError(message, state="Nothing was changed", hint=hint)


def _keeps_files(lake: Lake) -> bool:
    """Whether the file of a table that was registered and dropped again is still there."""
    catalog, database, place = lake.catalog, lake.database(PROBE[0]), lake.place(*PROBE)
    io, location = load_file_io(catalog.properties, place), f"{place}/metadata/00000-{uuid.uuid4()}.metadata.json"
    schema = lake.built_in_schema("operations", "runs")
    try:
        ToOutputFile.table_metadata(
            new_table_metadata(schema, UNPARTITIONED_PARTITION_SPEC, UNSORTED_SORT_ORDER, place),
            io.new_output(location),
        )
        catalog.create_namespace_if_not_exists(database)
        catalog.register_table((database, PROBE[1]), location)
        catalog.drop_table((database, PROBE[1]))
    except (RESTError, NotImplementedError, OSError):
        return False
    is_there = io.new_input(location).exists()
    if is_there:
        io.delete(location)
    return is_there
