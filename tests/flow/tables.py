"""Tables of a few records each, alike in their columns, one for every case of a test."""

import json
import re

import pytest

DAY_1, LATER, DAY_2, DAY_3 = "2026-11-17T03:00:00", "2026-11-17T05:00:00", "2026-11-18T03:00:00", "2026-11-19T03:00:00"
COLUMNS = {"id": "integer", "last_updated": "timestamp", "amount": "double", "name": "text"}
EVERY_TYPE = (
    "id: integer, last_updated: timestamp, amount: double, whole: integer, flag: boolean, at: timestamp, name: text"
)


def table_name(case):
    """The name of the table of a case; the names of tests' own tables stay as they are."""
    name = re.sub("[^a-z0-9]+", "_", case.lower()).strip("_")
    return name if name == "things" else f"of_{name}"  # `null` alone would be no text in YAML


def settings_of(cases, more=""):
    """YAML that declares a daily table for every case."""
    tables = [table_name(case) for case in cases]
    declared = "".join(f"  {table}: {{columns: {{{EVERY_TYPE}}}}}\n" for table in tables)
    listed = ", ".join([*tables, *(["codes"] if more else [])])
    return f"source: tascomi\nresources:\n{declared}{more}tables: {{daily: [{listed}]}}\n"


def named(cases):
    """A test for every case, called by its name."""
    return pytest.mark.parametrize("name", list(cases), ids=list(cases))


def put(feed, place, record, *, resource="things"):
    """Serve a record at this place of the API's order, whatever its id is; bytes are served as they are."""
    body = record if isinstance(record, bytes) else json.dumps(record).encode()
    changed = record.get("last_updated") if isinstance(record, dict) else None
    feed.data.put(resource, {"id": str(place), "last_updated": changed}, body=body)


def thing(identity, name, changed="2026-11-16 09:00:00", **more):
    return {"id": str(identity), "last_updated": changed, "name": name, **more}


def numbered(identity, changed="2026-11-16 09:00:00", **more):
    """A record with the COLUMNS; amount and name follow from its id, where they are not given."""
    return {
        "id": str(identity),
        "last_updated": str(changed),
        "amount": f"{identity}.5",
        "name": f"name {identity}",
    } | more


def columns_with(**types):
    """The COLUMNS as YAML; types given here are laid over the usual ones."""
    return ", ".join(f"{name}: {kind}" for name, kind in {**COLUMNS, **types}.items())


def names(feed, table="things"):
    return {row["id"]: row["name"] for row in feed.rows(f"select id, name from {table}")}


def troubles(result, *tables):
    """Tables that failed or stayed open, with what is said of them; only the named ones where some are."""
    return [
        (table.table, table.outcome, table.message)
        for table in result.tables
        if table.outcome in ("failed", "open") and (not tables or table.table in tables)
    ]
