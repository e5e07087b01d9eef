"""Compares the vendor's documentation with the catalogue and the lake.

Differences are written to `drift` when they come and when they go. Every comparison is a row of `checks`; the newest
one says when the next is due. What the page said of a resource when it was first read is kept in `documented`: the
catalogue of most resources lists only typed columns, so that only memory tells a new text column from an old one.
"""

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from planlake.checks.documentation import (
    CLASSES,
    GONE_RESOURCE,
    MENDED,
    WHOLE,
    Difference,
    Sides,
    differences,
    differences_to_report,
    outdated_known_drift,
)
from planlake.checks.quality import CheckResult, as_row
from planlake.clock import london_day, naive_utc
from planlake.config import Config, suggestion
from planlake.engines.sql import literal
from planlake.errors import ConfigurationError, DriftError, PlanlakeError
from planlake.flow.context import Context
from planlake.flow.open_run import open_for_writing
from planlake.flow.operations_records import record_command
from planlake.flow.refine.column_drift import last_told
from planlake.inspection.observed_types import observe_columns
from planlake.lake.built_in_tables import built_in_rows_sql
from planlake.lake.lake import clear_errors
from planlake.lake.state.operations import append_operations
from planlake.sources.addresses import shown_place
from planlake.sources.catalogue import Catalogue, Resource, catalogue_of
from planlake.sources.documentation_page import Fields, column_type, read_documentation
from planlake.sources.page_text import page_text
from planlake.telemetry.progress import Notify, Progress, ignore

CHECK = "documentation"
DUE_AFTER_DAYS = 7
USUAL_PAGE = "documentation.html"  # beside the resources of the API
Page = Mapping[str, Fields]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What comparing a page brought: how many resources and columns it documents, and every difference.

    `outlived` are known differences that are none any more.
    """

    page: str
    resources: int
    columns: int
    differences: tuple[Difference, ...]
    documented: Page
    outlived: tuple[Difference, ...] = ()


def compare(config: Config, *, docs: str = "", environment: str | None = None, notify: Notify = ignore) -> Comparison:
    """Compare a page, `api.documentation` where none is given, with the catalogue and an environment's lake.

    Raises DriftError where the page cannot be understood, ConfigurationError where there is none, SourceUnreachable
    where it cannot be reached, ConflictError where a run is writing.
    """
    catalogue = catalogue_of(config)
    check_known_drift(catalogue)
    place, folder = (docs, Path()) if docs else (_usual_place(config), config.folder)
    page = _read(config, catalogue, place, folder)
    with clear_errors(), open_for_writing(config, environment, notify) as context:
        found = _record_differences(context, page, place)
        record_command(context, "compared", _message(found.differences), [])
        return found


def compare_weekly(context: Context) -> str:
    """Compare the configured page if the last time is a week ago; the findings in a few words, or an empty text.

    Trouble with the page is reported and fails no run; the next one tries again.
    """
    config = context.config
    try:
        is_preview = context.lake.base is not None
        if is_preview or config.api is None or not config.api.documentation or not _is_due(context):
            return ""
        check_known_drift(context.catalogue)
        page = _read(config, context.catalogue, config.api.documentation, config.folder)
        return _message(_record_differences(context, page, config.api.documentation).differences)
    except (OSError, PlanlakeError) as error:
        return f"the documentation was not compared: {error}"
    except Exception as error:
        if "PLANLAKE_DEBUG" in os.environ:
            raise
        return f"the documentation was not compared: internal error: {type(error).__name__}"


def check_known_drift(catalogue: Catalogue) -> None:
    """Refuse a class of difference that there is not."""
    for resource in catalogue.resources.values():
        for column, what in resource.known_drift.items():
            if what not in CLASSES:
                facts = {"resource": resource.name, "column": column}
                hint = suggestion(what, CLASSES)
                raise ConfigurationError(f'known_drift: no difference is called "{what}"', facts=facts, hint=hint)


def _usual_place(config: Config) -> str:
    api = config.source_api()
    return api.documentation or f"{api.base_url}/{USUAL_PAGE}"


def _read(config: Config, catalogue: Catalogue, place: str, folder: Path) -> Page:
    """The page, without keys that are taken off before anything is kept."""
    page = page_text(place, folder, config.settings)
    try:
        names = {resource.address: name for name, resource in catalogue.resources.items()}
        read = {names.get(at, at): found for at, found in read_documentation(page.text, names).items()}
        _check_whole(catalogue, read)
    except DriftError as error:
        facts = {**page.facts, **error.facts}
        raise DriftError(error.message, facts=facts, state=error.state, hint=error.hint) from None
    dropped = set(catalogue.dropped_keys)
    return {
        name: {column: written for column, written in fields.items() if column not in dropped}
        for name, fields in read.items()
    }


def _check_whole(catalogue: Catalogue, read: Page) -> None:
    """Refuse a page that lacks most of what the catalogue expects on it: that is no drift of the vendor's."""
    state = "Nothing was compared"
    if not read.keys() & catalogue.resources.keys():
        facts = {"resources": len(read), "first": min(read)}
        message, hint = "no resource of the documentation is in the catalogue", "is it the page of another API?"
        raise DriftError(message, facts=facts, state=state, hint=hint)
    resources = catalogue.resources.values()
    expected = {one.name for one in resources if one.known_drift.get(WHOLE) != GONE_RESOURCE}
    missing = expected - read.keys()
    if 2 * len(missing) > len(expected):
        found = f"{len(read)} resources, {len(missing)} of {len(expected)} expected are missing"
        facts = {"found": found, "first_missing": min(missing)}
        message = "most resources of the catalogue are missing from the documentation"
        hint = "is the page complete? name under known_drift what it lacks on purpose"
        raise DriftError(message, facts=facts, state=state, hint=hint)


def _record_differences(context: Context, page: Page, place: str) -> Comparison:
    """The differences; they are also written to `drift`."""
    remembered = _first_seen_columns(context)
    names = sorted({*page, *context.catalogue.resources})
    lakes = [lake for lake in (context.lake, context.lake.base) if lake is not None]
    tables = {table for lake in lakes for table in lake.names("refined")}
    found: list[Difference] = []
    past: list[Difference] = []
    for number, name in enumerate(names, start=1):
        resource = context.catalogue.resources.get(name)
        sides = _sides(name, fields=page.get(name), resource=resource, remembered=remembered.get(name))
        if resource is not None and f"increment_{name}" in tables:
            seen = observe_columns(context, resource, sides.documented or {})
            sides = replace(sides, sent=seen.sent, contradicted=seen.contradicted)
        known = resource.known_drift if resource else {}
        found += differences(sides, known)
        past += outdated_known_drift(sides, known)
        context.notify(Progress("documentation", "compare", number, len(names)))
    _keep_first_seen(context, page, remembered, found)
    _write_rows(context, found)
    columns = sum(len(fields) for fields in page.values())
    return Comparison(shown_place(place), len(page), columns, tuple(found), page, tuple(past))


def _sides(name: str, *, fields: Fields | None, resource: Resource | None, remembered: Collection[str] | None) -> Sides:
    """What page and catalogue say of a resource."""
    documented = None if fields is None else {column: column_type(written) for column, written in fields.items()}
    columns = resource.columns if resource is not None else ()
    types = None if resource is None else {column: resource.documented_type_of(column) for column in columns}
    return Sides(name, documented, types, fields or {}, remembered=remembered)


def _write_rows(context: Context, found: list[Difference]) -> None:
    """Rows of `drift` for what is new, and one of `checks` for the comparison."""
    now = naive_utc(context.clock.now())
    told = differences_to_report(found, last_told(context, (*CLASSES, MENDED)))
    rows = [
        {
            "run": context.run,
            "resource": one.resource,
            "column": one.column or None,
            "what": one.what,
            "detail": in_words(one),
            "noticed_at": now,
        }
        for one in told
    ]
    append_operations(context.lake, "drift", rows)
    message = _message(found)
    result = CheckResult(CHECK, "warning" if found else "ok", float(len(found)), 0.0, message=message)
    append_operations(context.lake, "checks", [as_row(result, {"run": context.run, "checked_at": now})])


def in_words(one: Difference) -> str:
    """The types on both sides, and what else is to say."""
    types = [f"{one.catalogue} in the catalogue"] * bool(one.catalogue)
    types += [f"{one.documented} on the page"] * bool(one.documented)
    return "; ".join(filter(None, (*types, one.detail)))


def _message(found: Collection[Difference]) -> str:
    if not found:
        return ""
    resources = len({one.resource for one in found})
    return f"the documentation differs in {len(found)} places, of {resources} resources"


def _is_due(context: Context) -> bool:
    rows = built_in_rows_sql(context.lake, "operations", "checks", columns=("check", "checked_at"))
    with context.connection.cursor() as cursor:
        query = f"""select max(checked_at) from {rows} where "check" = {literal(CHECK)}"""
        last = cursor.execute(query).fetchall()[0][0]
    return last is None or _days_since(context, london_day(last)) >= DUE_AFTER_DAYS


def _days_since(context: Context, day: date) -> int:
    return (context.clock.today() - day).days


def _first_seen_columns(context: Context) -> dict[str, set[str]]:
    """The columns of each resource that the page had when it was first read."""
    rows = built_in_rows_sql(context.lake, "operations", "documented", columns=("resource", "column"))
    found: dict[str, set[str]] = {}
    with context.connection.cursor() as cursor:
        for resource, column in cursor.execute(f"""select resource, "column" from {rows}""").fetchall():
            found.setdefault(resource, set()).add(column)
    return found


def _keep_first_seen(context: Context, page: Page, remembered: Collection[str], found: Iterable[Difference]) -> None:
    """Keep what the page says of resources that it was never read of; what is told as a difference is no memory."""
    told = {(one.resource, one.column) for one in found}
    append_operations(context.lake, "documented", _documented_rows(context, page, remembered, told))


def _documented_rows(
    context: Context, page: Page, remembered: Collection[str], told: Collection[tuple[str, str]]
) -> Iterator[dict[str, object]]:
    common = {"run": context.run, "noticed_at": naive_utc(context.clock.now())}
    for name, fields in page.items():
        if name in remembered or name not in context.catalogue.resources:
            continue
        for column, written in fields.items():
            if (name, column) not in told:
                yield {**common, "resource": name, "column": column, "type": written}
