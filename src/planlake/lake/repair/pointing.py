"""Points a table's entry in the catalogue to another metadata file in one step, so that the table is never unknown."""

from pyiceberg.catalog import Catalog
from pyiceberg.io import load_file_io
from pyiceberg.serializers import FromInputFile


def point_to(catalog: Catalog, identifier: tuple[str, str], location: str) -> bool:
    """Whether it was done: an SQL catalogue and Glue can, others know a table only by its name and its first file."""
    if type(catalog).__name__ == "GlueCatalog":
        return _in_glue(catalog, identifier, location)
    return _in_sql(catalog, identifier, location)


def _in_sql(catalog: Catalog, identifier: tuple[str, str], location: str) -> bool:
    from pyiceberg.catalog.sql import IcebergTables, SqlCatalog  # noqa: PLC0415 - brings SQLAlchemy
    from sqlalchemy import update  # noqa: PLC0415
    from sqlalchemy.orm import Session  # noqa: PLC0415

    if not isinstance(catalog, SqlCatalog):
        return False
    names = (IcebergTables.catalog_name, IcebergTables.table_namespace, IcebergTables.table_name)
    wanted = [column == value for column, value in zip(names, (catalog.name, *identifier), strict=True)]
    with Session(catalog.engine) as session:
        session.execute(update(IcebergTables).where(*wanted).values(metadata_location=location))
        session.commit()
    return True


def _in_glue(catalog: Catalog, identifier: tuple[str, str], location: str) -> bool:
    """An update of Glue's own entry under its VersionId; grants on the table stay."""
    from pyiceberg.catalog import glue  # noqa: PLC0415 - brings boto3

    assert isinstance(catalog, glue.GlueCatalog)  # noqa: S101 - for the type checker
    database, name = identifier
    held = catalog.glue.get_table(DatabaseName=database, Name=name)["Table"]
    metadata = FromInputFile.table_metadata(load_file_io(catalog.properties, location).new_input(location))
    before = held.get("Parameters", {}).get("metadata_location")
    given = glue._construct_table_input(name, location, metadata.properties, metadata, held, before)
    catalog._update_glue_table(database, name, given, held["VersionId"])
    return True
