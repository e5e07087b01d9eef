"""Describes tables of a lake as sources of dbt: what they hold, their columns, tests and freshness, as `sources.yml`.

One file serves every reader: what database and schema the tables are in there are variables of dbt, with the lake's own
databases as defaults.
"""

import re
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from planlake.config import Config
from planlake.errors import ConfigurationError
from planlake.lake.views.query import columns_of, place_of_table
from planlake.lake.views.views import Views
from planlake.report.exports.export import exported_tables
from planlake.report.meanings import Described, about_table, comment_of, describe_table
from planlake.report.query import open_views
from planlake.runs.expectations import DAYS_OF
from planlake.sources.catalogue import Resource, catalogue_of

HEAD = "# Made by `planlake export --dbt-sources FILE`, which writes it anew with --force; docs/dbt.md has more.\n"
PUBLISHED_AT = "try_cast(snapshot_year || '-' || snapshot_month || '-' || snapshot_day as timestamp)"
OPENS_JINJA = re.compile(r"\{[{%#]")
NEEDS_NO_QUOTES = re.compile(r"[a-z_][a-z0-9_]*")


def dbt_sources(config: Config, tables: Sequence[str], *, environment: str | None = None) -> str:
    """The text of a `sources.yml` of the named tables or views, or of the refined views of all that were loaded.

    Raises ConfigurationError for an unknown table, and where nothing was loaded.
    """
    with open_views(config, environment=environment) as views:
        chosen = exported_tables(views, tables)
        if not chosen:
            raise ConfigurationError("nothing was loaded yet", hint="planlake run")
        found: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
        for database, name in chosen.values():
            columns = {column: kind.lower() for column, kind in columns_of(views, database, name).items()}
            place = place_of_table(views, database, name)
            found.setdefault(place, {})[name] = _table(views, config, place[0], name, columns)
    sources = [_source(config, zone, database, [*listed.values()]) for (zone, database), listed in found.items()]
    text = StringIO()
    writer = YAML()
    writer.width = 4096  # a sentence is a line
    writer.indent(mapping=2, sequence=4, offset=2)
    writer.dump({"version": 2, "sources": sources}, text)
    return HEAD + text.getvalue()


def check_sources_file(path: Path, *, replaces: bool) -> None:
    """Refuse a place that is taken, unless by a file that was made here and may be replaced."""
    if not path.parent.is_dir():
        raise ConfigurationError(f"there is no folder {path.parent}", hint="make it, or name another file")
    if not path.exists():
        return
    state = "It was left as it is"
    try:
        is_ours = path.is_file() and path.read_bytes().startswith(HEAD.encode())
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}", state=state) from None
    if not is_ours:
        message = f"{path} was not made by planlake export --dbt-sources FILE"
        raise ConfigurationError(message, state=state, hint="name another file")
    if not replaces:
        raise ConfigurationError(f"{path} is there already", state=state, hint="--force replaces it")


def write_sources_file(path: Path, text: str) -> None:
    """Write the file in one step. Raises ConfigurationError where that cannot be done."""
    beside = path.with_name(f".{path.name}.new")
    try:
        beside.write_text(text, encoding="utf-8", newline="\n")
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}") from None


def _source(config: Config, zone: str, database: str, tables: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": f"{config.source_name}_{zone}".replace("-", "_"),
        "description": f"The {zone} tables and views of {config.source_name}, as Planlake keeps them.",
        "database": "{{ var('planlake_database', target.database) }}",
        "schema": f"{{{{ var('planlake_schema', '{database}') }}}}",
        "tables": tables,
    }


def _table(views: Views, config: Config, zone: str, name: str, columns: Mapping[str, str]) -> dict[str, Any]:
    """One table; only the view of a resource has one row for each id, and says when it was brought up to date."""
    resource = catalogue_of(config).resources.get(name) if zone == "refined" else None
    described = describe_table(views, config, zone, name, columns)
    found: dict[str, Any] = {"name": _plain(name)}
    if said := about_table(views, zone, name):
        found["description"] = _plain(said)
    if days := _days(config, name) if resource is not None else 0:
        # a snapshot is of a day, so it is older than the limit of the check `freshness` a day after that has passed
        found["config"] = {
            "loaded_at_field": PUBLISHED_AT,
            "freshness": {"warn_after": {"count": 2 * days + 1, "period": "day"}},
        }
    found["columns"] = [_column(one, resource) for one in described]
    return found


def _days(config: Config, name: str) -> int:
    """After how many days a table is brought up to date; 0 where it is not configured any more."""
    if name in config.tables.daily:
        return DAYS_OF["daily"]
    return DAYS_OF["weekly"] if name in config.tables.weekly else 0


def _column(one: Described, resource: Resource | None) -> dict[str, Any]:
    found: dict[str, Any] = {"name": _plain(one.column)}
    if said := comment_of(one):
        found["description"] = _plain(said)
    found["data_type"] = one.type
    if not NEEDS_NO_QUOTES.fullmatch(one.column):
        found["quote"] = True
    if resource is not None and one.column == resource.key:
        found["data_tests"] = ["unique", "not_null"]
    elif resource is not None and one.column == resource.complete:
        found["data_tests"] = [{"not_null": {"config": {"severity": "warn"}}}]  # filled in nearly every row
    return found


def _plain(text: str) -> str:
    """A text that dbt takes as it is, whatever of it looks like a template, or like a truth value of its older YAML."""
    escaped = OPENS_JINJA.sub(lambda found: f"{{{{ '{found[0]}' }}}}", text)
    quoted: str = DoubleQuotedScalarString(escaped)
    return quoted
