"""`planlake runs`: what ran, when, and what it did to each table."""

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from planlake.cli.options import AsJson, ConfigFile, EnvironmentName
from planlake.printable import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planlake.checks.quality import CheckResult
    from planlake.report.run_history import PastRun, PastTable

TROUBLED = ("failed", "open", "held", "left alone")


def runs(
    run: Annotated[int | None, typer.Argument(help="A run's number, to see each of its tables.")] = None,
    env: EnvironmentName = None,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """List the last runs, or what one run did to each table."""
    from planlake.cli.loading import configuration
    from planlake.cli.screen import print_json, remark

    loaded = configuration(config)
    from planlake.report.run_history import past_runs, tables_of_run

    found = past_runs(loaded, environment=env, run=run)
    if run is not None:
        tables = tables_of_run(loaded, run, environment=env)
        if json:
            print_json({"run": asdict(found[0]), "tables": [asdict(one) for one in tables]})
        else:
            _show_runs(found)
            _show_tables(tables)
    elif json:
        print_json([asdict(one) for one in found])
    elif found:
        _show_runs(found)
    else:
        remark("nothing ran yet\nhint: planlake run")


def _show_runs(found: "list[PastRun]") -> None:
    from planlake.cli.screen import print_table

    rows = [
        (
            one.run,
            f"{one.started_at:%Y-%m-%d %H:%M}" if one.started_at else "",
            f"{one.seconds:.1f} s" if one.seconds is not None else "",
            f"{one.outcome}, {one.message}" if one.message else one.outcome,
            one.tables,
            one.troubled or None,
            one.records,
            one.configuration_hash[:8],
        )
        for one in found
    ]
    names = ("run", "began (UTC)", "took", "what", "tables", "in trouble", "records", "configuration")
    print_table("", names, rows, numbers=("run", "took", "tables", "in trouble", "records"), spare=names[-1:])


def _show_tables(found: "list[PastTable]") -> None:
    from planlake.cli.screen import mark_of, print_table, remark

    if not found:
        remark("this run did nothing to any table")
        return
    rows = [
        (
            one.table,
            mark_of(one.outcome, is_read=one.records is not None),
            one.records,
            one.stored,
            one.current_rows,
            f"{one.bytes / 1e6:.1f}" if one.bytes is not None else None,
            f"{one.seconds:.1f}" if one.seconds is not None else None,
            _counted(one.checks),
            _short(one.snapshot_before),
            _short(one.snapshot_after),
            one.message,
        )
        for one in sorted(found, key=lambda one: one.outcome not in TROUBLED)
    ]
    names = ("table", "outcome", "received", "new", "rows", "MB", "seconds", "checks", "before", "after", "why")
    print_table("", names, rows, numbers=names[2:7], spare=("before", "after", "seconds", "MB"))
    for one in found:
        for check in one.checks:
            if check.verdict != "ok":
                what = f"{check.verdict}: {check.check} {check.column}".rstrip()
                remark(f"{one.table}: {printable(what)}: {printable(check.message)}")
    remark("before and after are the versions of current_, by the end of their number: --json shows it all")


def _short(version: int | None) -> str:
    """The end of a version's number, which has up to 19 digits."""
    from planlake.cli.screen import is_unicode

    begun = "…" if is_unicode(sys.stdout) else "."
    return "" if version is None else f"{begun}{version % 1_000_000:06}"


def _counted(checks: "Sequence[CheckResult]") -> str:
    """How many checks there were, by verdict: "5 ok, 1 warning"."""
    verdicts = [check.verdict for check in checks]
    return ", ".join(f"{verdicts.count(one)} {one}" for one in ("held", "warning", "ok") if one in verdicts)
