"""Keeps the views of a lake in the Glue catalogue, as Athena makes and reads them.

A view is one of Planlake's if it says what it was made of; any other table that has its name is left alone. The last
view of a resource is written last and says what all of them were made of, so a day that changes no columns asks once.
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from planlake.lake.about_tables import OF_COLUMNS
from planlake.lake.aws.glue_comments import glue_comment
from planlake.lake.aws.glue_entries import MADE_OF, glue_of, is_view
from planlake.lake.aws.still_held import check_held
from planlake.lake.lake import Lake, clear_errors
from planlake.lake.tables.columns import ResourceSpec
from planlake.lake.views.definitions import READ_BY_VIEWS, ViewDefinition, operations_views, resource_views
from planlake.lake.views.dialects import ATHENA

IN_HIVE = {"integer": "int", "varchar": "string", "timestamp(6)": "timestamp"}  # other types are called alike there
LONGEST_VIEW = 409_600  # characters that Glue takes


_ToWrite = tuple[ViewDefinition, str, Mapping[str, str]]  # what it was made of, what its columns mean


def keep_views(lake: Lake, resources: Iterable[ResourceSpec], meanings: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Make the views of these resources, or bring them up to date where they show other columns; which were left alone.

    `meanings` are those of each resource's columns. Raises LakeError where Glue refuses.
    """
    changed = [one for one in (_changed(lake, resource) for resource in resources) if one]
    if not changed:
        return []
    for place in READ_BY_VIEWS:
        lake.find_or_create_built_in_table(*place)
    views: list[_ToWrite] = [(one, "", {}) for one in operations_views(lake, ATHENA)]
    for resource, made_of in changed:
        *others, last = resource_views(lake, resource, ATHENA)
        texts = meanings.get(resource.name, {})
        views += [*((one, "", texts) for one in others), (last, made_of, texts)]
    return [left for one, made_of, texts in views for left in _write(lake, one, made_of, texts)]


def _changed(lake: Lake, resource: ResourceSpec) -> tuple[ResourceSpec, str] | None:
    """A resource whose views are not what they should be, with what they are to be made of."""
    views = list(resource_views(lake, resource, ATHENA))
    if not views or views[-1].zone != "refined":
        return None
    said = json.dumps([(one.name, one.query, [*one.columns.items()]) for one in views])
    made_of = hashlib.sha256(said.encode()).hexdigest()[:16]
    held = _stored(lake, views[-1])
    return None if held and held.get("Parameters", {}).get(MADE_OF) == made_of else (resource, made_of)


def _stored(lake: Lake, view: ViewDefinition) -> Mapping[str, Any] | None:
    """What Glue has under the name of a view."""
    with clear_errors():
        try:
            found = glue_of(lake.catalog).get_table(DatabaseName=lake.database(view.zone), Name=view.name)
        except glue_of(lake.catalog).exceptions.EntityNotFoundException:
            return None
    table: Mapping[str, Any] = found["Table"]
    return table


def _write(lake: Lake, view: ViewDefinition, made_of: str, meanings: Mapping[str, str]) -> list[str]:
    """Make or replace a view; what is to be said where that cannot be done."""
    database, held = lake.database(view.zone), _stored(lake, view)
    made_of = made_of or hashlib.sha256(view.query.encode()).hexdigest()[:16]
    if held is not None and not is_view(held):
        return [f"Glue has a table {database}.{view.name} that is not one of Planlake's: its view was not made"]
    if held is not None and held["Parameters"][MADE_OF] == made_of:
        return []
    given = _table_input(database, view, made_of, meanings)
    if len(given["ViewOriginalText"]) > LONGEST_VIEW:
        return [f"{database}.{view.name} has more columns than a view of Glue can have: it was not made"]
    check_held(lake.catalog)
    with clear_errors():
        put = glue_of(lake.catalog).create_table if held is None else glue_of(lake.catalog).update_table
        put(DatabaseName=database, TableInput=given)
    return []


def _table_input(database: str, view: ViewDefinition, made_of: str, meanings: Mapping[str, str]) -> dict[str, Any]:
    """A view as Athena stores one."""
    said = {
        "originalSql": view.query,
        "catalog": "awsdatacatalog",
        "schema": database,
        "columns": [{"name": name.lower(), "type": kind} for name, kind in view.columns.items()],
    }
    text = base64.b64encode(json.dumps(said, ensure_ascii=False).encode()).decode()
    columns = [
        {
            "Name": name,
            "Type": IN_HIVE.get(kind, kind),
            "Comment": glue_comment(meanings.get(name) or OF_COLUMNS.get(name, "")),
        }
        for name, kind in view.columns.items()
    ]
    return {
        "Name": view.name,
        "Description": view.about,
        "TableType": "VIRTUAL_VIEW",
        "Parameters": {"presto_view": "true", "comment": "Presto View", MADE_OF: made_of},
        "ViewOriginalText": f"/* Presto View: {text} */",
        "ViewExpandedText": "/* Presto View */",
        "StorageDescriptor": {"Columns": columns, "Location": "", "SerdeInfo": {}},
        "PartitionKeys": [],
    }
