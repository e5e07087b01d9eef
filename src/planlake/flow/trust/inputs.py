"""Says what a trusted table is made of: its model, and the version of each table that the model reads.

It stands in the summary of the version that was made of it. What says the same need not be made again, and
housekeeping, which only moves rows about, changes nothing in it.
"""

import hashlib
import json
import re
from collections.abc import Iterator

from planlake.flow.context import Context
from planlake.lake.lake import Lake
from planlake.lake.state.operations import published_dates
from planlake.lake.tables.columns import TABLES
from planlake.lake.tables.version_summary import BOOKMARK, RUN, SOURCES, TEXT_OF, entry
from planlake.lake.views.definitions import SNAPSHOT_DATES
from planlake.lake.views.mappings import read_mapping
from planlake.lake.views.model_settings import CALL, settings_asked
from planlake.lake.views.models import MAPPING, Model, Models
from planlake.lake.views.parse_query import names_in

# What gives something else on another day, and at any other moment as well: functions, and beginnings of their names.
OF_A_DAY = {"run_day", "now", "today", "age", "ago", "random", "setseed", "uuid", "uuidv4", "uuidv7", "gen_random_uuid"}
OF_A_DAY |= {"transaction_timestamp", "txid_current"}
OF_A_MOMENT = ("current_", "get_current_", "localtime")
OF_RAW = [("raw", "api_responses"), ("raw", "api_requests")]
WORKING_DAYS = re.compile(r"\bworking_days\s*\(", re.IGNORECASE)


def inputs_of(context: Context, models: Models, model: Model) -> str:
    """What a model would be made of now, as text; equal where nothing of it has changed."""
    found = dict(pair for one in (model, *models.views_below(model)) for pair in _inputs(context, models, one))
    found |= {f"{TEXT_OF} {one.name}": one.digest for one in models.all_below(model)}
    return json.dumps(dict(sorted(found.items())), separators=(",", ":"))


def _inputs(context: Context, models: Models, model: Model) -> Iterator[tuple[str, str]]:
    said = model.text
    yield f"{TEXT_OF} {model.name}", model.digest
    names = {name for text in model.texts for name in names_in(context.connection, text)}
    if names & OF_A_DAY or any(name.startswith(OF_A_MOMENT) for name in names):
        yield "run day", f"{context.clock.today():%Y%m%d}"
    if CALL.search(said):
        asked = settings_asked(said, models.settings)
        yield f"settings of {model.name}", _digest(json.dumps(asked, sort_keys=True))
    if WORKING_DAYS.search(said):
        yield "closing days", _digest(" ".join(map(str, models.closing_days())))
    takes_days = "*" in names or any(name.startswith("snapshot_") for name in names)
    reads_days = takes_days and any(schema == "refined" for schema, _ in model.reads)
    published = published_dates(context.lake, context.connection) if reads_days else {}
    for schema, name in model.reads:
        if schema == MAPPING:
            yield f"{MAPPING}.{name}", _digest(json.dumps(read_mapping(models.mappings[name]).to_pydict()))
        elif schema != "trusted" or not models.by_name[name].is_view:
            versions = [version_read(context.lake, *place) for place in stored_in(schema, name)]
            yield f"{schema}.{name}", " ".join(versions)
            if schema == "refined" and reads_days:
                yield f"{name} published", published.get(name, "")


def texts_in(inputs: str) -> dict[str, str]:
    """Of what a version was made of, the texts of its model and of all models below that."""
    return {name: value for name, value in json.loads(inputs or "{}").items() if name.startswith(f"{TEXT_OF} ")}


def sources_of(lake: Lake, models: Models, model: Model) -> str:
    """The tables of other zones that a model's rows come from now, through trusted tables too, as text.

    A trusted table whose version does not say its own stands there itself.
    """
    found: set[str] = set()
    for schema, name in (read for one in (model, *models.views_below(model)) for read in one.reads):
        if schema != "trusted":
            found.add(f"{schema}.{name}")
        elif not models.by_name[name].is_view:
            table = lake.shown(schema, name)
            said = entry(table.current_snapshot(), SOURCES) if table is not None else ""
            found.update(json.loads(said) if said else [f"{schema}.{name}"])
    return json.dumps(sorted(found), separators=(",", ":"))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def stored_in(schema: str, name: str) -> list[tuple[str, str]]:
    """Zone and name of the tables that a view or table is made of; of raw and operations, the built-in ones."""
    if schema in ("raw", "operations") and (schema, name) not in TABLES:
        return [("operations", "published"), ("operations", "journal")] if name == SNAPSHOT_DATES else OF_RAW
    return [(schema, stored_as(schema, name))]


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
