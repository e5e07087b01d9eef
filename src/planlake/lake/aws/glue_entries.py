"""What Glue has of a database beside Iceberg tables: Planlake's views, which say what they were made of."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from planlake.lake.aws.still_held import check_held

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog

MADE_OF = "planlake.views"


def is_glue(catalog: "Catalog") -> bool:
    """Whether it is a Glue catalogue, which keeps views."""
    return type(catalog).__name__ == "GlueCatalog"


def glue_of(catalog: "Catalog") -> Any:  # noqa: ANN401 - boto3 has no types of its own
    """The client of a Glue catalogue."""
    return vars(catalog)["glue"]


def is_view(table: Mapping[str, Any]) -> bool:
    """Whether an entry is one of Planlake's views."""
    return table.get("TableType") == "VIRTUAL_VIEW" and MADE_OF in table.get("Parameters", {})


def drop_views(catalog: "Catalog", database: str) -> None:
    """Delete Planlake's views of a database, which else could not be dropped."""
    if not is_glue(catalog):
        return
    glue = glue_of(catalog)
    for page in glue.get_paginator("get_tables").paginate(DatabaseName=database):
        for table in filter(is_view, page["TableList"]):
            check_held(catalog)
            glue.delete_table(DatabaseName=database, Name=table["Name"])
