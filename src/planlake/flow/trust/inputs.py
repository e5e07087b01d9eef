"""Says what a trusted table is made of: its model, and the version of each table that the model reads.

It stands in the summary of the version that was made of it. What says the same need not be made again, and
housekeeping, which only moves rows about, changes nothing in it.
"""

import hashlib
import json
from collections.abc import Iterator

from planlake.flow.context import Context
from planlake.lake.lake import Lake
from planlake.lake.state.operations import published_dates
from planlake.lake.tables.version_summary import BOOKMARK, RUN, entry
from planlake.lake.views.models import MAPPING, Model, Models


def inputs_of(context: Context, models: Models, model: Model) -> str:
    """What a model would be made of now, as text; equal where nothing of it has changed."""
    return json.dumps(dict(sorted(_inputs(context, models, model))), separators=(",", ":"))


def _inputs(context: Context, models: Models, model: Model) -> Iterator[tuple[str, str]]:
    yield model.name, model.digest
    if "run_day(" in model.query:
        yield "run day", f"{context.clock.today():%Y%m%d}"
    if "setting(" in model.query:
        yield "settings", _digest(json.dumps(dict(models.settings), sort_keys=True))
    if "working_days(" in model.query:
        yield "closing days", _digest(" ".join(map(str, models.closing_days())))
    for schema, name in model.reads:
        if schema == MAPPING:
            yield f"{MAPPING}.{name}", _digest(models.mappings[name].read_text(errors="replace"))
        elif schema == "trusted" and models.by_name[name].is_view:
            yield from _inputs(context, models, models.by_name[name])
        else:
            yield f"{schema}.{name}", version_read(context.lake, schema, stored_as(schema, name))
            if schema == "refined" and "snapshot_" in model.query:
                yield f"{name} published", published_dates(context.lake, context.connection).get(name, "")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def stored_as(schema: str, name: str) -> str:
    """The table that a refined view reads."""
    if schema != "refined" or name.startswith(("increment_", "current_")):
        return name
    return f"increment_{name.removeprefix('history_')}" if name.startswith("history_") else f"current_{name}"


def version_read(lake: Lake, zone: str, name: str) -> str:
    """Which version of a table is shown: its bookmark and run, or its number; empty where there is none."""
    table = lake.shown(zone, name)
    version = table.current_snapshot() if table is not None else None
    if version is None:
        return ""
    made = entry(version, RUN)
    return f"{entry(version, BOOKMARK)}.{made}" if made else str(version.snapshot_id)
