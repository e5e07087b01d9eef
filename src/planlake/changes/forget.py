"""Forgets a person's record: takes it out of every table and every version of the lake.

What is to be done is shown first. Then it is noted as planned, every table is rewritten in a commit of its own, raw
last, all files that nothing refers to any more are deleted, and it is noted as done. If it is killed at any point, the
same command does the rest.
"""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import pyarrow as pa
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table
from pyiceberg.types import StringType

from planlake.changes.rollback import finish_or_refuse_interrupted
from planlake.checks.examples import with_examples_forgotten, without_values
from planlake.clock import naive_utc
from planlake.config import Config
from planlake.engines.spill import sweep_spilled
from planlake.errors import ConfigurationError, LakeError
from planlake.flow.context import Context
from planlake.flow.open_run import open_for_writing
from planlake.flow.operations_records import record_command
from planlake.lake.forgetting.forgotten_table import (
    Forgetting,
    done_row,
    is_unfinished,
    planned_row,
    rows_about,
    write_row,
)
from planlake.lake.forgetting.rewrite import (
    check_can_list,
    check_can_rewrite,
    delete_unreferenced,
    replace_in_versions,
    trim_metadata_log,
)
from planlake.lake.forgetting.rules import (
    Person,
    finding_rules,
    ledger_rule,
    message_rules,
    person,
    raw_rule,
    refined_rules,
)
from planlake.lake.forgetting.search import Hit, Rule, Search, gone_rows, rewrite_without_rows, search_tables
from planlake.lake.forgetting.trusted_tables import drop_trusted_tables, tables_that_read
from planlake.lake.lake import Lake, clear_errors
from planlake.lake.open_lake import environment_of
from planlake.lake.previews.names import preview_names
from planlake.lake.repair.damage import previews_of
from planlake.lake.repair.metadata_files import stored_previews
from planlake.lake.tables.data_files import data_files, row_count
from planlake.lake.warehouse import table_storages
from planlake.sources.catalogue import Resource
from planlake.sources.records import texts_of
from planlake.telemetry.progress import Notify, Progress, ignore


@dataclass(frozen=True, slots=True)
class Affected:
    """What forgetting does to one table: versions that hold the record, files of them, rows that go or change.

    A row is counted once for every file that holds it; of a trusted table, which goes whole, each row of its last one.
    """

    database: str
    table: str
    versions: int
    files: int
    rows_removed: int
    rows_changed: int


Place = tuple[str, str]  # a zone and a table of it
Found = Mapping[Place, Sequence[tuple[Lake, Search]]]  # of each lake that has it


@dataclass(frozen=True, slots=True)
class _Plan:
    """What was found: in the order in which the tables are rewritten, each with the lake it is of."""

    who: Person
    found: Found
    earlier: Sequence[Forgetting]
    lakes: Sequence[Lake]

    @property
    def searches(self) -> list[tuple[Lake, Search]]:
        return [one for searches in self.found.values() for one in searches]

    @property
    def hits(self) -> int:
        return sum(len(search.hits) for _, search in self.searches)


Confirm = Callable[[Sequence[Affected]], bool] | None


def forget(
    config: Config,
    resource: str,
    identity: str,
    *,
    confirm: Confirm,
    environment: str | None = None,
    notify: Notify = ignore,
) -> list[Affected]:
    """Take a record out of every table and every version of it, of an environment and of all its previews.

    Nothing is done where `confirm` refuses; None is a dry run.

    A ConfigurationError where nothing with that id is in the lake and nothing was forgotten, a ConflictError where a
    run is writing, and in a dry run where an action was killed half way; a LakeError where a preview is damaged, or
    its files are there and the catalogue does not know it.
    """
    base, is_dry_run = environment_of(config, environment), confirm is None
    with clear_errors(), open_for_writing(config, base, notify, is_dry_run=is_dry_run, sweeps=True) as context:
        finish_or_refuse_interrupted(context, is_dry_run=is_dry_run)
        _check_known(context.lake)
        lakes = [context.lake, *previews_of(context.lake)]
        for lake in lakes if not is_dry_run else ():
            lake.upgrade()
        return forget_in(context, lakes, context.catalogue.resource(resource), identity, confirm=confirm)


def _check_known(lake: Lake) -> None:
    """Refuse to go on where a preview is not in the catalogue: its files would be taken for nobody's."""
    unknown = sorted(set(stored_previews(lake)) - set(preview_names(lake)))
    if unknown:
        facts, state = {"previews": ", ".join(unknown)}, "Nothing was changed"
        message = "the files of some previews are here, but the catalogue does not know them"
        raise LakeError(message, facts=facts, state=state, hint="planlake recover")


def forget_in(
    context: Context, lakes: Sequence[Lake], resource: Resource, identity: str, *, confirm: Confirm
) -> list[Affected]:
    """The same in several lakes that share files; they must be all that do. It is noted in the context's own."""
    plan = _forget_plan(context, lakes, resource, identity)
    if not plan.hits and not any(map(is_unfinished, plan.earlier)):
        if plan.earlier:  # as where the command was killed after its last step, and is given again
            return []
        facts, state = {"resource": resource.name}, "Nothing was changed"
        raise ConfigurationError("nothing with that id is in the lake", facts=facts, state=state)
    found = [_affected(lake, search) for lake, search in plan.searches if search.hits]
    found += [_whole(lake, name) for lake, name in tables_that_read(lakes, resource.name)]
    if confirm is not None and confirm(found):
        check_can_rewrite(plan.searches[0][1].table)
        _carry_out(context, plan)
    return found


def _forget_plan(context: Context, lakes: Sequence[Lake], resource: Resource, identity: str) -> _Plan:
    """Where the record is. The tables that tell what else to look for are searched first, and rewritten last."""
    connection = context.connection
    kinds = [_has_text_ids(lake, resource) for lake in lakes]
    people = [person(connection, resource, identity, has_text_ids=kind) for kind in kinds]
    meant = list(zip(lakes, people, strict=True))
    raw = _search(meant, lambda _, who: [raw_rule(connection, who)])
    refined = _search(meant, lambda _, who: refined_rules(connection, who))
    received = [gone_rows(hit) for hit in _hits(raw)]
    findings = _search(meant, lambda _, who: finding_rules(connection, who, received))
    typed = [gone_rows(hit) for hit in (*_hits(refined), *_hits(findings))]
    values = {*_values_received(received), *_values_typed(context, typed)}
    messages = _search(meant, lambda lake, who: message_rules(who, _hiding(lake, values)))
    ledger = _search(meant, lambda _, who: [ledger_rule(connection, who)])
    found = {**messages, **findings, **refined, **ledger, **raw}
    return _Plan(people[0], found, rows_about(context.lake, connection, people[0]), lakes)


def _has_text_ids(lake: Lake, resource: Resource) -> bool:
    """Whether a lake's ids of a resource are texts: they are numbers once any version of a table has them as such."""
    tables = [lake.find("refined", f"{kind}_{resource.name}") for kind in ("increment", "current")]
    schemas = [schema for table in tables if table is not None for schema in table.metadata.schemas]
    kinds = [schema.find_type(resource.key) for schema in schemas if resource.key in schema.column_names]
    if not kinds:
        return resource.type_of(resource.key) == "text"
    return all(isinstance(kind, StringType) for kind in kinds)


def _search(meant: Iterable[tuple[Lake, Person]], rules: Callable[[Lake, Person], Iterable[Rule]]) -> Found:
    """The tables of these rules, of all lakes; the same table of several lakes is searched together.

    Of a file that they share, a lake whose ids are numbers decides: there 007 is 7, and both are the record.
    """
    places: dict[Place, list[tuple[Lake, Table, Rule]]] = {}
    for lake, who in sorted(meant, key=lambda one: one[1].has_text_ids):
        for rule in rules(lake, who):
            of_place, table = places.setdefault((rule.zone, rule.name), []), lake.find(rule.zone, rule.name)
            if table is not None:
                check_can_list(table)
                of_place.append((lake, table, rule))
    found: dict[Place, Sequence[tuple[Lake, Search]]] = {}
    for place, tables in places.items():
        _check_no_links(tables[0][0] if tables else None, place)
        searches = search_tables((table, rule) for _, table, rule in tables)
        found[place] = [(lake, search) for (lake, *_), search in zip(tables, searches, strict=True)]
    return found


def _check_no_links(lake: Lake | None, place: Place) -> None:
    """Refuse to forget where files of a table lie behind a link: nothing is deleted there."""
    for folder in table_storages(lake, *place) if lake is not None else ():
        paths = [file.path for file in folder.list_files()]
        if behind := sorted({*paths} - {*folder.deletable(paths)}):
            facts, state = {"table": place[1], "for example": behind[0]}, "Nothing was changed"
            hint = "replace the link with the files themselves"
            message = "files of a table are behind a link, and nothing behind a link is deleted"
            raise LakeError(message, facts=facts, state=state, hint=hint)


def _hits(found: Found) -> list[Hit]:
    """Each file that was hit, once."""
    searches = [search for of_place in found.values() for _, search in of_place]
    return list({hit.file.file_path: hit for search in searches for hit in search.hits}.values())


def _hiding(lake: Lake, values: Collection[str]) -> Callable[[str], str]:
    """What hides these values in messages of a lake.

    In a preview every example goes: it may be of a sample that was put aside, whose values nobody knows any more.
    """
    if not values:  # nothing of the record is held, or a kill left files alone
        return lambda text: text
    return with_examples_forgotten if lake.base is not None else lambda text: without_values(text, values)


def _values_received(received: Iterable[pa.Table]) -> Iterator[str]:
    """Every value of these records as text: as it was sent, and as DuckDB writes it."""
    for rows in received:
        for text in rows["api_response"].to_pylist():
            for value in filter(None, (texts_of(text) or {}).values()):
                yield value
                with suppress(ValueError, RecursionError):
                    yield json.dumps(json.loads(value), ensure_ascii=False, separators=(",", ":"))


def _values_typed(context: Context, versions: Iterable[pa.Table]) -> Iterator[str]:
    """Every value of these rows, as a message would write it."""
    for rows in versions:
        with context.connection.cursor() as cursor:
            cursor.register("versions", rows)
            texts = cursor.sql("select columns(*)::varchar from versions").to_arrow_table()
        for column in texts.columns:
            yield from filter(None, column.unique().to_pylist())


def _affected(lake: Lake, search: Search) -> Affected:
    return Affected(
        lake.database(search.rule.zone),
        search.rule.name,
        search.versions,
        len(search.hits),
        sum(hit.gone for hit in search.hits),
        sum(hit.changed for hit in search.hits),
    )


def _whole(lake: Lake, name: str) -> Affected:
    """A trusted table, which goes with all it has, and is built again of what is left."""
    table = lake.find("trusted", name)
    versions = len(table.metadata.snapshots) if table is not None else 0
    files, rows = (len(data_files(table)), row_count(table)) if table is not None and versions else (0, 0)
    return Affected(lake.database("trusted"), name, versions, files, rows, 0)


def _carry_out(context: Context, plan: _Plan) -> None:
    """Every step can be repeated: a kill leaves the record where it was, or in files that nothing refers to."""
    noting = [one for one in plan.earlier if is_unfinished(one)]
    if not noting:
        noting = [_planned_row(context, plan)]
        write_row(context.lake, noting[0], naive_utc(context.clock.now()))
    _rewrite(context, plan)
    drop_trusted_tables(plan.lakes, plan.who.resource.name)
    for lake, search in plan.searches:
        with lake.commits:
            trim_metadata_log(search.table)
    _delete_left_over(context, plan)
    sweep_spilled()
    name = plan.who.resource.name
    record_command(context, "forgotten", f"{noting[0].rows} rows of a record", [name])
    for one in noting:
        write_row(context.lake, done_row(one), naive_utc(context.clock.now()))


def _delete_left_over(context: Context, plan: _Plan) -> None:
    """Delete what no table refers to, also in folders whose table is in no catalogue any more, as of a left preview."""
    for (zone, name), searches in plan.found.items():
        delete_unreferenced([search.table for _, search in searches], table_storages(context.lake, zone, name))


def _planned_row(context: Context, plan: _Plan) -> Forgetting:
    hits = [hit for _, search in plan.searches for hit in search.hits]
    tables = sum(1 for _, search in plan.searches if search.hits)
    return planned_row(context.run, plan.who, tables=tables, files=len(hits), rows=sum(hit.gone for hit in hits))


def _rewrite(context: Context, plan: _Plan) -> None:
    """Write every file once, whatever tables share it, and commit one table after another."""
    replaced: dict[str, DataFile | None] = {}
    for number, (lake, search) in enumerate(plan.searches, start=1):
        for hit in search.hits:
            if hit.file.file_path not in replaced:
                replaced[hit.file.file_path] = rewrite_without_rows(hit)
        with lake.commits:
            replace_in_versions(search, replaced)
        context.notify(Progress("the lake", "forget", number, len(plan.searches)))
