"""A second simulated API over the same data sets, unlike Tascomi's.

A bearer token, `offset` and `limit`, `modified_since` as a lower bound, numbers and booleans as JSON has them, and the
key and the time of change under other names: `planlake simulate --source public_register`.
"""

import re
from collections.abc import Mapping
from datetime import datetime

from planlake.simulator.dataset import Dataset, Record, encode
from planlake.simulator.faults import Answer
from planlake.sources.catalogue import ColumnType

TOKEN = "planlake-demo-token"  # noqa: S105 - for loopback only
KEY, CHANGED = "reference", "modified"
NAMES = {"id": KEY, "last_updated": CHANGED}
USUAL_LIMIT, HIGHEST_LIMIT = 25, 200
PARAMETERS = {"offset", "limit", "modified_since", KEY}
NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,12})?")
BOOLEANS = {"t": True, "f": False}


def register_page(data: Dataset, resource: str, query: Mapping[str, str]) -> Answer:
    """Records from an offset on, by ascending key; a query that makes no sense is answered with 400."""
    if unknown := query.keys() - PARAMETERS:
        return _answer(400, {"error": f"unknown parameter {min(unknown)}"})
    try:
        offset, limit = int(query.get("offset", "0")), int(query.get("limit", USUAL_LIMIT))
        chosen = _chosen(data, resource, query)
    except ValueError:
        return _answer(400, {"error": "a parameter is no number or no instant"})
    limit = max(1, min(limit, HIGHEST_LIMIT))
    types = data.fields[resource]
    items = [_shaped(data.record(resource, identity), types) for identity in chosen[offset : offset + limit]]
    return _answer(200, {"total": len(chosen), "offset": offset, "limit": limit, "items": items})


def _chosen(data: Dataset, resource: str, query: Mapping[str, str]) -> list[int]:
    since = query.get("modified_since")
    chosen = data.ids(resource)
    if since is not None:
        chosen = data.ids_since(resource, datetime.fromisoformat(since).isoformat(" ", "seconds"))
    return [identity for identity in chosen if str(identity) == query[KEY]] if KEY in query else chosen


def _shaped(record: Record, types: Mapping[str, ColumnType]) -> dict[str, object]:
    """The record with this API's names, and with numbers and booleans where the columns are some."""
    shaped = {NAMES.get(name, name): native(value, types.get(name, "text")) for name, value in record.items()}
    changed = record.get("last_updated")
    return shaped if changed is None else {**shaped, CHANGED: changed.replace(" ", "T")}


def native(value: str | None, kind: ColumnType) -> object:
    """A cell as JSON: a number or a boolean where its column has some and the text is one."""
    if value is None or kind in ("text", "timestamp", "timestamp_utc"):
        return value
    if kind == "boolean":
        return BOOLEANS.get(value, value)
    found = NUMBER.fullmatch(value)
    if found is None:  # as published: "302,219"
        return value
    return float(value) if found[2] else int(value)


def _answer(status: int, value: object) -> Answer:
    return Answer(status, {"Content-Type": "application/json"}, encode(value))
