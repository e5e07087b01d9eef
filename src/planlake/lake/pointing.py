"""Points a table's entry in the catalogue to another metadata file in one step, so that the table is never unknown."""

import re
from typing import TYPE_CHECKING

from pyiceberg.exceptions import TableAlreadyExistsError

from planlake.errors import LakeError
from planlake.lake.aws.still_held import check_held
from planlake.lake.catalogues import is_rest
from planlake.lake.tables.stored_files import path_in_storage

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog

# Whoever commits names it: 00007-ID.metadata.json here and in most REST catalogues, v7.metadata.json in SeaweedFS's.
METADATA = re.compile(r"(?P<folder>.+)/(?P<table>[^/]+)/metadata/v?(?P<number>[0-9]+)(-[^/]+)?\.metadata\.json")


def number_of(location: str) -> int:
    """The number in a metadata file's name; 0 where it has none, as files that others wrote."""
    found = METADATA.fullmatch(path_in_storage(location))
    return int(found["number"]) if found else 0


def point_to(catalog: "Catalog", identifier: tuple[str, str], location: str) -> None:
    """Let the catalogue name another metadata file of a table that it knows.

    Raises ConflictError where the lake is not held any more, LakeError where a REST catalogue cannot: never is the
    table dropped for it, as some delete its files then.
    """
    if is_rest(catalog):
        _in_rest(catalog, identifier, location)
    elif type(catalog).__name__ == "GlueCatalog":
        _in_glue(catalog, identifier, location)
    else:
        _in_sql(catalog, identifier, location)


def _in_sql(catalog: "Catalog", identifier: tuple[str, str], location: str) -> None:
    from planlake.lake.sqlite_catalogue import SqliteCatalogue  # noqa: PLC0415 - brings all that writes tables

    check_held(catalog)
    if isinstance(catalog, SqliteCatalogue):
        catalog.point_to(identifier, location)
        return
    from pyiceberg.catalog.sql import IcebergTables, SqlCatalog  # noqa: PLC0415 - brings SQLAlchemy
    from sqlalchemy import update  # noqa: PLC0415
    from sqlalchemy.orm import Session  # noqa: PLC0415

    assert isinstance(catalog, SqlCatalog)  # noqa: S101 - for the type checker
    names = (IcebergTables.catalog_name, IcebergTables.table_namespace, IcebergTables.table_name)
    wanted = [column == value for column, value in zip(names, (catalog.name, *identifier), strict=True)]
    with Session(catalog.engine) as session:
        session.execute(update(IcebergTables).where(*wanted).values(metadata_location=location))
        session.commit()


def _in_glue(catalog: "Catalog", identifier: tuple[str, str], location: str) -> None:
    """An update of Glue's own entry under its VersionId; grants on the table stay."""
    from pyiceberg.catalog import glue  # noqa: PLC0415 - brings boto3

    assert isinstance(catalog, glue.GlueCatalog)  # noqa: S101 - for the type checker
    database, name = identifier
    held = catalog.glue.get_table(DatabaseName=database, Name=name)["Table"]
    from pyiceberg.io import load_file_io  # noqa: PLC0415
    from pyiceberg.serializers import FromInputFile  # noqa: PLC0415

    metadata = FromInputFile.table_metadata(load_file_io(catalog.properties, location).new_input(location))
    before = held.get("Parameters", {}).get("metadata_location")
    given = glue._construct_table_input(name, location, metadata.properties, metadata, held, before)
    check_held(catalog)  # after its VersionId was read, so that nothing comes between
    catalog._update_glue_table(database, name, given, held["VersionId"])


def _in_rest(catalog: "Catalog", identifier: tuple[str, str], location: str) -> None:
    try:
        catalog.register_table(identifier, location, overwrite=True)
    except (TableAlreadyExistsError, NotImplementedError) as error:
        facts, state = {"table": ".".join(identifier)}, "Nothing was changed"
        message = "this catalogue cannot register a table it knows (overwrite), which points it to another version"
        hint = "a newer version of the catalogue; or take the table out there without its files, then: planlake recover"
        raise LakeError(message, facts=facts, state=state, hint=hint) from error
