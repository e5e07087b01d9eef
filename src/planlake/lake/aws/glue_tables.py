"""What Glue says of all tables of a database at once."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog


def locations_in_glue(catalog: "Catalog", database: str) -> dict[str, str] | None:
    """Where the newest metadata file of each table of a database lies, by its name; None of other catalogues."""
    if type(catalog).__name__ != "GlueCatalog":
        return None
    from pyiceberg.catalog.glue import GlueCatalog  # noqa: PLC0415 - brings boto3

    assert isinstance(catalog, GlueCatalog)  # noqa: S101 - for the type checker
    glue, found = catalog.glue, dict[str, str]()
    try:
        for page in glue.get_paginator("get_tables").paginate(DatabaseName=database):
            for table in page["TableList"]:
                if location := table.get("Parameters", {}).get("metadata_location"):
                    found[table["Name"]] = location
    except glue.exceptions.EntityNotFoundException:
        return {}
    return found
