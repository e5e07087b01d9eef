"""Creates, lists, compares, promotes and drops preview environments.

A preview shows the tables of the environment it stands on. What a run changes there stays there until it is promoted.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from pyiceberg.schema import Schema
from pyiceberg.table import Table

from planlake.changes import promote as promoting
from planlake.changes.compare_versions import (
    ChangedCell,
    Version,
    changed_cells,
    compare_rows,
    compare_versions,
    without_shared_files,
)
from planlake.changes.promote import Promotion, changed_files, changes_in_base, promotions
from planlake.changes.rollback import finish_interrupted, finish_or_refuse_interrupted
from planlake.clock import naive_utc
from planlake.config import Config
from planlake.engines.duckdb.connection import Connection, connected
from planlake.engines.sql import literal
from planlake.errors import ConfigurationError, LakeError, QualityError
from planlake.flow.context import Context
from planlake.flow.future_dated_runs import future_runs
from planlake.flow.open_run import check_clock, open_for_writing
from planlake.flow.operations_records import record_command
from planlake.flow.trust.result import TRUSTED
from planlake.lake.built_in_tables import built_in_rows_sql
from planlake.lake.lake import ZONES, Lake, clear_errors, open_environment
from planlake.lake.open_lake import about_environment, base_of, open_to_read
from planlake.lake.previews.drop_preview import Dropped, drop
from planlake.lake.previews.entered import check_entered, check_name, preview_of
from planlake.lake.previews.kept_files import check_keeps_files
from planlake.lake.previews.names import preview_names, unread
from planlake.lake.repair.damage import damage_of
from planlake.lake.row_counts import live_row_count_of
from planlake.lake.state.journal import DONE, unfinished, write_entries
from planlake.lake.state.ledger import read_histories
from planlake.lake.tables.columns import IMPORT_COLUMNS, REFINED_OWN
from planlake.lake.tables.data_files import data_files
from planlake.lake.warehouse import database_storage
from planlake.sources.catalogue import Resource, catalogue_of
from planlake.telemetry.progress import ignore


@dataclass(frozen=True, slots=True)
class EnvironmentInfo:
    """An environment or a preview: what it stands on, when it was made (UTC), its own tables, files and bytes.

    `damage` says what of a preview somebody deleted, or why an environment cannot be read: nothing else is known of it
    then; `hint` is what helps an environment.
    """

    name: str
    base: str
    made_at: datetime | None
    tables: tuple[str, ...]
    files: int
    bytes: int
    damage: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class TableDifference:
    """How a table of a preview differs from its base: columns, rows, a sample of changed cells, checks, bytes.

    Rows are those that views show; of a trusted table, `trusted.NAME`, which has no ids, a row with another cell is one
    removed and one added. `retyped` are columns with both types; `moved` says whether the base went on since,
    `checks` what was not well, `is_sample` that no more than a sample was loaded.
    """

    table: str
    is_new: bool
    moved: str
    columns_added: tuple[str, ...]
    columns_removed: tuple[str, ...]
    retyped: tuple[tuple[str, str, str], ...]
    rows_base: int
    rows_preview: int
    added: int
    removed: int
    changed: int
    sample: tuple[ChangedCell, ...]
    checks: tuple[tuple[str, str, str], ...]
    files: int
    bytes: int
    is_sample: bool = False


def create(config: Config, name: str, *, base: str | None = None) -> EnvironmentInfo:
    """Make a preview of an environment (the first of the file where none is named); no table is touched."""
    base_name = base or next(iter(config.environments))
    if config.environment(base_name).catalog.type == "glue" and name != name.lower():
        hint = f"planlake env create {name.lower()}"
        raise ConfigurationError("Glue keeps names in lower case", facts={"name": name}, hint=hint)
    with clear_errors(), open_for_writing(config, base_name, ignore) as context:
        finish_interrupted(context)
        check_name(name, [*config.environments, *preview_names(context.lake), *_names_elsewhere(config, base_name)])
        check_keeps_files(context.lake)
        preview = preview_of(context.lake, name)
        record_command(replace(context, lake=preview), "created", f"a preview of {base_name}", [])
        return EnvironmentInfo(name, base_name, naive_utc(context.clock.now()), (), 0, 0)


def _names_elsewhere(config: Config, base: str) -> list[str]:
    """The names of the previews of all other environments that can be opened."""
    found: list[str] = []
    for name in config.environments:
        with suppress(LakeError):
            found += preview_names(open_environment(config, name)) if name != base else []
    return found


def environments(config: Config) -> list[EnvironmentInfo]:
    """Every configured environment, each followed by its previews."""
    found = []
    with connected(config.settings.memory_limit_megabytes) as connection:
        for name in config.environments:
            try:
                lake = open_to_read(config, name)
            except LakeError as error:  # the others can be listed
                hint = about_environment(config, name, error).hint
                found.append(EnvironmentInfo(name, "", None, (), 0, 0, str(error), hint))
                continue
            found.append(EnvironmentInfo(name, "", None, tuple(lake.names("refined")), 0, 0))
            found += [_listed(unread(lake, preview), connection, name) for preview in preview_names(lake)]
    return found


def _listed(preview: Lake, connection: Connection, base: str) -> EnvironmentInfo:
    """A preview of which nothing was read yet."""
    damage, made_at = damage_of(preview), None
    if not damage:
        runs = built_in_rows_sql(preview, "operations", "runs", columns=("started_at",))
        made_at = connection.execute(f"select min(started_at) from {runs}").fetchall()[0][0]
    files = [file for zone in ZONES for file in database_storage(preview, zone).list_files()]
    tables = () if damage else tuple(sorted(preview.own))
    return EnvironmentInfo(preview.preview, base, made_at, tables, len(files), sum(file.size for file in files), damage)


def differences(config: Config, name: str, tables: Sequence[str], *, records: int = 5) -> list[TableDifference]:
    """How the tables a preview has of its own (or the named ones of them) differ from its base's as they are now."""
    catalogue = catalogue_of(config)
    _, base = base_of(config, name)
    preview = preview_of(base, name)
    named = [table for table in tables if table.startswith(TRUSTED)]
    resources = [catalogue.resource(table).name for table in tables if table not in named]
    own = own_models(preview)
    if unknown := [table for table in named if table.removeprefix(TRUSTED) not in own]:
        hint = f"planlake run --env {name} --step trust"
        raise ConfigurationError(f"{name} has no {unknown[0]} of its own", hint=hint)
    wanted = _own_of(preview, resources) if resources or not tables else []
    with clear_errors(), connected(config.settings.memory_limit_megabytes) as connection:
        histories = read_histories(preview, connection)
        sampled = {name for name, history in histories.items() if history.is_sampled}
        found = [_difference(preview, connection, catalogue.resource(table), records) for table in wanted]
        models = [one.removeprefix(TRUSTED) for one in named] if tables else own
        of_models = [_difference_of_model(preview, connection, model) for model in models]
        return [*(replace(one, is_sample=one.table in sampled) for one in found), *of_models]


def own_models(preview: Lake) -> list[str]:
    """The trusted tables that were built in a preview, of which its base may have none or another version."""
    found = ((name, preview.find("trusted", name)) for name in preview.names("trusted"))
    return [name for name, table in found if table is not None and table.current_snapshot() is not None]


def models_that_differ(config: Config, name: str) -> list[str]:
    """The trusted tables of a preview, by `trusted.NAME`, that show something else than its base's."""
    found = (one for one in differences(config, name, [], records=0) if one.table.startswith(TRUSTED))
    return [
        one.table
        for one in found
        if one.added or one.removed or one.columns_added or one.columns_removed or one.retyped
    ]


def _difference_of_model(preview: Lake, connection: Connection, model: str) -> TableDifference:
    shown, own = (lake.find("trusted", model) for lake in (preview.stands_on, preview))
    before, after = _version(shown), _version(own)
    removed, added = compare_rows(connection, before=before, after=after)
    return TableDifference(
        f"{TRUSTED}{model}",
        shown is None,
        "",
        *_columns_that_differ(before.schema, after.schema),
        sum(file.record_count for file in before.files),
        sum(file.record_count for file in after.files),
        added,
        removed,
        0,
        (),
        _troubles(preview, connection, f"{TRUSTED}{model}"),
        len(after.files),
        sum(file.file_size_in_bytes for file in after.files),
    )


def _columns_that_differ(
    before: Schema, after: Schema
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[tuple[str, str, str], ...]]:
    """Columns that are new, columns that are gone, and those of another type with both."""
    old, new = _types(before), _types(after)
    return (
        tuple(column for column in new if column not in old),
        tuple(column for column in old if column not in new),
        tuple((column, old[column], new[column]) for column in old if new.get(column, old[column]) != old[column]),
    )


def _own_of(preview: Lake, tables: Sequence[str]) -> list[str]:
    """The named resources, which a preview must have tables of its own of; all it has where none is named."""
    check_entered(preview, tables)
    return list(tables) or sorted(preview.own)


def _difference(preview: Lake, connection: Connection, resource: Resource, records: int) -> TableDifference:
    base, name = preview.stands_on, f"current_{resource.name}"
    shown, own = (lake.find("refined", name) for lake in (base, preview))
    before, after = without_shared_files(_version(shown), _version(own))
    found = compare_versions(connection, resource, before=before, after=after)
    cells = changed_cells(connection, resource, before=before, after=after, records=records) if found.changed else []
    files = changed_files(preview, resource.name)
    return TableDifference(
        resource.name,
        shown is None,
        changes_in_base(base, preview, resource.name),
        *_columns_that_differ(before.schema, after.schema),
        live_row_count_of(connection, shown),
        live_row_count_of(connection, own),
        found.added,
        found.removed,
        found.changed,
        tuple(cells),
        _troubles(preview, connection, resource.name),
        len(files),
        sum(file.file_size_in_bytes for file in files),
    )


def _version(table: Table | None) -> Version:
    return Version(data_files(table), table.schema()) if table is not None else Version()


def _types(schema: Schema) -> dict[str, str]:
    """The vendor's columns and their types."""
    own = {*IMPORT_COLUMNS, *REFINED_OWN}
    return {field.name: str(field.field_type) for field in schema.fields if field.name not in own}


def _troubles(preview: Lake, connection: Connection, resource: str) -> tuple[tuple[str, str, str], ...]:
    """What was not well in the last run of a table here: check, verdict, message."""
    rows = built_in_rows_sql(preview, "operations", "checks")
    query = f"""
        select "check", verdict, coalesce(message, '') from {rows} where resource = {literal(resource)}
        qualify run = max(run) over () and verdict <> 'ok' order by "check", "column" """
    return tuple(connection.execute(query).fetchall())


def promote(
    config: Config, name: str, tables: Sequence[str], *, confirm: Callable[[Sequence[Promotion]], bool] | None
) -> list[Promotion]:
    """Make the tables of a preview (or the named ones) its base's; all of them or, where one is refused, none.

    Without `confirm` it is a dry run. Raises ConflictError where a run is writing, and in a dry run where an action was
    killed half way; QualityError where a table's base moved on or a check holds it.
    """
    (base_name, _), is_dry_run = base_of(config, name), confirm is None
    with clear_errors(), open_for_writing(config, base_name, ignore, is_dry_run=is_dry_run) as context:
        finish_or_refuse_interrupted(context, is_dry_run=is_dry_run)
        preview = preview_of(context.lake, name)
        if not is_dry_run:
            preview.upgrade()
        check_clock(future_runs(config, preview, connection=context.connection, clock=context.clock, asked=name))
        wanted = _own_of(preview, [context.catalogue.resource(table).name for table in tables])
        found = [one for one in promotions(context, preview, wanted) if one.files or one.trouble]
        _refuse_troubled(found, name)
        if found and confirm is not None and confirm(found):
            promoting.carry_out_promotion(context, [one.entry for one in found])
            before = {one.table: one.entry.current_from for one in found}
            record_command(context, "promoted", f"from {name}", list(before), before=before)
        return found


def _refuse_troubled(found: Sequence[Promotion], name: str) -> None:
    troubled = [one for one in found if one.trouble]
    if troubled:
        first = troubled[0]
        facts = {"preview": name, "refused": ", ".join(one.table for one in troubled)}
        again = f"planlake env drop {name}, then create it again"
        hint = f"planlake env diff {name}; where its base has changed since: {again}"
        if first.is_sample:
            hint = f"planlake run --env {name} {first.table}"
        message = f"{first.table} cannot be promoted: {first.trouble}"
        raise QualityError(message, facts=facts, state="Nothing was promoted", hint=hint)


def remove(config: Config, name: str, *, confirm: Callable[[EnvironmentInfo], bool]) -> Dropped | None:
    """Drop a preview with everything that is its own, or that is left of it; None where `confirm` refuses."""
    base_name, _ = base_of(config, name)
    with clear_errors(), open_for_writing(config, base_name, ignore) as context:
        preview = unread(context.lake, name)
        if damage_of(preview):
            _give_up_promotion(context, name)
        finish_interrupted(context)
        listed = _listed(preview, context.connection, base_name)
        if not confirm(listed):
            return None
        found = drop(preview, run=context.run, now=datetime.now(UTC), is_damaged=bool(listed.damage))
        record_command(context, "dropped", f"the preview {name}", [])
        return found


def _give_up_promotion(context: Context, name: str) -> None:
    """Note a promotion as done that was killed and cannot be finished any more; undoing takes it back."""
    entries = [one for one in unfinished(context.lake, context.connection) if one.target == name]
    if entries and entries[0].kind == "promote":
        write_entries(context.lake, entries, DONE, naive_utc(context.clock.now()))
