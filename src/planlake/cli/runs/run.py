"""`planlake run`: everything that is due, or the named tables, through all steps."""

import sys
from dataclasses import asdict, replace
from datetime import date
from typing import TYPE_CHECKING

import typer

from planlake.cli.options import (
    AcceptDeletions,
    AcceptGaps,
    AsJson,
    CadenceName,
    ConfigFile,
    EngineName,
    EnvironmentName,
    InFull,
    StepOption,
    TableNames,
)
from planlake.printable import listed, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from planlake.config import Config
    from planlake.flow.results import RunResult, TableResult
    from planlake.flow.trust.result import ModelResult
    from planlake.runs.plan import Selection

OFTEN_NONE = ("uncastable", "rejected")  # shown where there are any
COLUMNS = ("table", "outcome", "requests", "received", "new", "rows now", "uncastable", "rejected", "why")

# Queries that hints print: of the columns that matter no more than a terminal of 80 columns shows.
UNCASTABLE = "select id, u.column, raw_value, wanted_type from uncastable u where resource = '{}' order by run desc"
REJECTED = "select id, reason, left(api_response, 30) as record from rejected where resource = '{}' order by run desc"
NOT_WELL = """select run, c.check, verdict, message from checks c
where resource = '{}' and verdict <> 'ok' order by run desc""".replace("\n", " ")


def run(
    tables: TableNames = None,
    cadence: CadenceName = None,
    step: StepOption = None,
    full: InFull = False,
    accept_gaps: AcceptGaps = False,
    accept_deletions: AcceptDeletions = False,
    engine: EngineName = None,
    env: EnvironmentName = None,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Load what is due, or the named tables: ingest, refine, snapshot, and trust: the models that read them."""
    from planlake.cli.loading import configuration
    from planlake.cli.selecting import selection, with_engine

    wanted = selection(tables, cadence=cadence, step=step, is_full=full, accepts_gaps=accept_gaps)
    wanted = replace(wanted, accepts_deletions=accept_deletions)
    carry_out(with_engine(configuration(config), engine), wanted, environment=env, as_json=json)


def carry_out(config: "Config", selection: "Selection", *, environment: str | None, as_json: bool) -> None:
    """Run what was selected, print what happened and leave with its exit status."""
    from planlake.cli.reporting import follow_up
    from planlake.cli.screen import print_json, progress_bars
    from planlake.errors import ConfigurationError, ConflictError
    from planlake.runs.run import run as run_selected

    try:
        with progress_bars() as notify:
            result = run_selected(config, selection, environment=environment, notify=notify)
    except ConflictError:  # another run has the lake: it tells what there is to tell
        raise
    except ConfigurationError as error:
        if not sys.stderr.isatty():  # what somebody mistypes is told to them alone
            follow_up(config, environment, error)
        raise
    except Exception as error:
        follow_up(config, environment, error)
        raise
    if as_json:
        print_json({**asdict(result), "exit_code": result.exit_code})
    else:
        show(result)
    follow_up(config, environment)
    raise typer.Exit(result.exit_code)


def show(result: "RunResult") -> None:
    """Print what a run did, table by table, and what to do about trouble."""
    from planlake.cli.screen import counted, print_table, remark

    title = f"Run {result.run} of {result.run_date}, {result.seconds:.1f} s"
    done = sorted(
        (table for table in result.tables if table.outcome != "up to date"), key=lambda one: not one.is_troubled
    )
    is_built = any(one.outcome != "up to date" for one in result.models)
    if not result.tables:  # models alone
        remark(title)
    elif not done:
        all_of_them = counted(len(result.tables), "table is", "tables are")
        nothing = f"nothing to do, {all_of_them} up to date; no data was changed"
        remark(f"{title}: {f'{all_of_them} up to date' if is_built else nothing}")
    else:
        rows = [dict(zip(COLUMNS, _row(table), strict=True)) for table in _said_once(done)]
        shown = [name for name in COLUMNS if name not in OFTEN_NONE or any(row[name] for row in rows)]
        print_table(title, shown, [[row[name] for name in shown] for row in rows], numbers=COLUMNS[2:8])
        rest = len(result.tables) - len(done)
        if rest:
            remark(f"{counted(rest, 'more table is', 'more tables are')} up to date")
    _show_models(result.models)
    _show_remarks(result)


def _show_remarks(result: "RunResult") -> None:
    """What is told beside the tables: of the lake, of single tables, what those in trouble show, and what to do."""
    from planlake.cli.screen import remark

    for said in filter(None, (result.engines, result.views)):
        remark(said)
    if result.housekeeping:
        remark(f"{result.housekeeping}\nhint: planlake maintain")
    if result.documentation:
        remark(f"{result.documentation}\nhint: planlake drift")
    for table in result.tables:
        for line in _remarks(table):
            remark(line)
    for (said, hint), tables in _standing(result.tables).items():
        several = said if len(tables) == 1 else _of_several(said)
        remark(f"{_listed(tables)} {several}{hint.replace('TABLE', ' '.join(tables))}")
    for line in _unanswered(result):
        remark(line)


def _show_models(results: "Sequence[ModelResult]") -> None:
    """What became of trusted tables, trouble first; nothing of those that are up to date."""
    from planlake.cli.screen import MARKS, counted, print_table, remark

    done = sorted((one for one in results if one.outcome != "up to date"), key=lambda one: not one.is_troubled)
    if done:
        rows = [(one.model, MARKS[one.outcome], one.rows, one.message) for one in done]
        print_table("", ("model", "outcome", "rows", "why"), rows, numbers=("rows",))
    left = [one.message for one in results if one.outcome == "up to date" and one.message]
    if rest := len(results) - len(done) - len(left):
        remark(f"{counted(rest, 'model is', 'models are')} up to date")
    for message in left:
        remark(message)
    for one in done:
        if one.is_troubled and one.outcome != "left alone":
            of_table = "has no version yet" if one.rows is None else "still shows its last good version"
            shows = "is a view: people see it as it is" if one.is_view else of_table
            remark(f"trusted.{one.model} {shows}\nhint: planlake model test {one.model}")


def _said_once(results: "Sequence[TableResult]") -> "Iterator[TableResult]":
    """The results; trouble with the same cause as that of a table before is only called that."""
    said: set[str] = set()
    for one in results:
        is_said = one.is_troubled and one.message in said
        said.add(one.message)
        yield replace(one, message="the same") if is_said and len(one.message) > len("the same") else one


def _row(result: "TableResult") -> tuple[object, ...]:
    from planlake.cli.screen import mark_of

    read, refined, taken = result.ingest, result.refine, result.snapshot
    return (
        result.table,
        mark_of(result.outcome, is_read=read is not None),
        read.requests if read else None,
        read.records if read else None,
        read.stored if read else None,
        taken.rows if taken else None,
        refined.uncastable if refined else None,
        refined.rejected if refined else None,
        result.message,
    )


def _listed(names: "Sequence[str]") -> str:
    return listed([printable(name) for name in names], 5)


def _remarks(result: "TableResult") -> list[str]:
    from planlake.cli.screen import counted

    lines = []
    if result.gaps:
        first, last, count = result.gaps[0], result.gaps[-1], len(result.gaps)
        lines.append(
            f"gap: {result.table} lacks {counted(count, 'day', 'days')} from {first} to {last}, "
            "beyond the look-back cap\n"
            f"hint: planlake backfill {result.table} --from {first} --to {last}"
        )
    if result.refine and result.refine.uncastable:
        one, several = (
            "cell does not cast and is NULL; its value is",
            "cells do not cast and are NULL; their values are",
        )
        if result.outcome == "held" and result.refine.rebuilt:  # the version that is shown has the values
            one, several = one.replace("is NULL", "would be NULL"), several.replace("are NULL", "would be NULL")
        lines.append(
            f"{result.table}: {counted(result.refine.uncastable, one, several)} kept\n"
            f'hint: planlake sql "{UNCASTABLE.format(result.table)}"'
        )
    if result.refine and result.refine.new_columns and not result.refine.is_first:
        names = result.refine.new_columns
        one, several = "new column, which nobody declared, is", "new columns, which nobody declared, are"
        lines.append(f"{result.table}: {counted(len(names), one, several)} kept as text: {_listed(names)}")
    vanished = [one.column for one in result.refine.drift if one.what == "vanished"] if result.refine else []
    if vanished:
        lines.append(f"{result.table}: {_listed(vanished)} is in no record any more and is NULL from now on")
    if result.refine and result.refine.rejected:
        one, several = "record has no usable id; it is", "records have no usable id; they are"
        lines.append(
            f"{result.table}: {counted(result.refine.rejected, one, several)} kept\n"
            f'hint: planlake sql "{REJECTED.format(result.table)}"'
        )
    told = ("casts", "rejected", "audit")  # in lines of their own, or in the table
    lines += [
        f"{result.table}: {printable(check.message)}"
        for check in result.checks
        if check.verdict == "warning" and check.check not in told
    ]
    return lines + _about_audit(result)


def _about_audit(result: "TableResult") -> list[str]:
    """What to do where a slice could not be compared with the API."""
    found = result.ingest.audit if result.ingest else None
    if found is None or found.is_proven:
        return []
    if not found.held_back:
        why = printable(found.error)
        return [f"{result.table}: a slice was not compared with the API, {why}; the next run asks again"]
    many = f"{result.table}: {found.held_back:,} records of a slice are not in the API's answer any more"
    believe = f"planlake run {result.table} --full --accept-deletions"
    hint = f"hint: planlake doctor shows which API answers\nhint: {believe}, if they were deleted there"
    return [f"{many}, too many to accept; the slice is ignored\n{hint}"]


def _standing(results: "Sequence[TableResult]") -> "dict[tuple[str, str], list[str]]":
    """What tables show that nothing new of was published, and a hint: what is said of several is said once."""
    found: dict[tuple[str, str], list[str]] = {}
    for one in results:
        if one.repair:
            said = f"is damaged: {printable(one.damage or one.message)}"
            found.setdefault((said, f"\nhint: {one.repair}"), []).append(one.table)
        elif one.outcome in ("held", "open", "failed"):
            said = "still shows its last good version" if one.is_published else "has no version yet"
            found.setdefault(_explained(one, said), []).append(one.table)
    return found


def _explained(result: "TableResult", said: str) -> tuple[str, str]:
    from planlake.sources.http.strangers import is_not_the_api

    if result.outcome == "held" and result.ingest is not None and result.ingest.held_back:
        believe = f"planlake run {result.table} --full --accept-deletions"
        why = f"{said}: {printable(result.message)}; this reading is ignored"
        return why, f"\nhint: planlake doctor shows which API answers\nhint: {believe}, if they were deleted there"
    if result.outcome == "held":
        query = NOT_WELL.format(result.table)
        return f"{said}: {printable(result.message)}", f'\nhint: planlake sql "{query}"'
    is_of_disk = result.outcome == "failed" and result.message.startswith("the lake")
    is_outside = is_of_disk or is_not_the_api(result.message)
    return f"{said}; the next run asks again", f"\nhint: planlake {'doctor' if is_outside else 'run TABLE'}"


def _unanswered(result: "RunResult") -> "Iterator[str]":
    """The days that were asked for once more, today among them, without a whole answer: what failed is said once."""
    from planlake.report.troubles import unanswered

    found: dict[tuple[frozenset[str], str], list[str]] = {}
    for one in result.tables:
        if one.outcome in ("loaded", "unchanged") and one.ingest is not None and one.ingest.unproven:
            days, (*_, why) = frozenset(day for day, *_ in one.ingest.unproven), one.ingest.unproven[0]
            found.setdefault((days, why), []).append(one.table)
    for (days, why), tables in found.items():
        trouble = unanswered(tables, [date.fromisoformat(day) for day in days], why, result.run_date)
        yield f"{printable(trouble.sentence)}\nhint: {trouble.next_command}"


def _of_several(said: str) -> str:
    several = said.replace("still shows its last good version", "still show their last good versions")
    return several.replace("has no version", "have no version")
