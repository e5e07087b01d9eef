"""Recovers the tables of a lost, damaged or outdated catalogue from the files of the lake."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from planlake.clock import naive_utc
from planlake.config import Config
from planlake.engines.duckdb.connection import connected
from planlake.errors import ConfigurationError, LakeError, PlanlakeError
from planlake.flow.keep_views import keep_all_views
from planlake.lake.lake import Lake, catalogue_file, clear_errors, lock_of, open_environment
from planlake.lake.repair.other_catalogues import check_alone
from planlake.lake.repair.register_tables import LEFT_ALONE, SET_BACK, Recovered, files_gone
from planlake.lake.repair.register_tables import recover as register
from planlake.lake.repair.repair_tables import mend
from planlake.lake.repair.split_histories import Chosen
from planlake.lake.state.ledger import raw_files, raw_rows_sql
from planlake.lake.state.lock import hold_for_writing
from planlake.lake.tables.data_files import row_count
from planlake.lake.tables.unreadable import BOOKMARKED
from planlake.lake.tables.version_summary import bookmark
from planlake.telemetry.log import open_log, say

RAW_COLUMNS = ("resource", "batch", "request_id")


def recover(
    config: Config, *, environment: str | None = None, is_moved: bool = False, history: Chosen | None = None
) -> tuple[list[Recovered], Path | None]:
    """Register the newest of every table of an environment and its previews; a damaged SQLite file is put aside.

    Where that is comes second. What was made elsewhere is made whole where it is, where `is_moved` says that it was;
    where two histories lie in the warehouse, `history` says which is to be the lake's.

    Raises ConflictError where a run is writing, LakeError where the lake was moved, another catalogue nearby knows what
    this one does not, or the catalogue is not damaged and cannot be used, ConfigurationError where a preview is named.
    """
    _check_environment(config, environment)
    file, wait_seconds = catalogue_file(config, environment), config.settings.lease_wait_seconds
    with hold_for_writing(lock_of(config, environment), wait_seconds) as held, clear_errors():
        aside = _put_aside(file) if file is not None and file.exists() and _is_damaged(file, wait_seconds) else None
        base = open_environment(config, environment)
        with held.guard(base.catalog):
            if aside is None:  # a damaged catalogue was the lake's: what lies beside it is a copy of it
                check_alone(base)
            found = register(base, is_moved=is_moved, history=history)
        if not any(one.is_apart for one in found):
            back = [one for one in found if one.done == SET_BACK and not one.database.startswith("preview-")]
            base = open_environment(config, environment)
            with held.guard(base.catalog):
                mended = _mend(config, base, {one.table for one in back})
                _keep_views(base, config)
            told = {(one.database, one.table) for one in mended}
            kept = (one for one in found if not (_is_of_gone_files(one) and (one.database, one.table) in told))
            found = [*(_with_waiting(config, base, one) if one in back else one for one in kept), *mended]
    say(open_log(config.settings.log), "info", "recovered", tables=[f"{one.database}.{one.table}" for one in found])
    return found, aside


def _keep_views(base: Lake, config: Config) -> None:
    """Bring the views up to date; what stands in their way is told, as it changes nothing about what was recovered."""
    try:
        keep_all_views(base, config)
    except LakeError as error:
        say(open_log(config.settings.log), "warning", str(error), hint=error.hint)


def _mend(config: Config, base: Lake, behind: set[str]) -> list[Recovered]:
    """Take out of the tables that nothing else holds what is lost of them; what can be had is asked for again."""
    with connected(config.settings.memory_limit_megabytes) as connection:
        done = mend(base, connection, naive_utc(datetime.now(UTC)), behind=behind)
    rows = {one.table: row_count(base.reload(one.zone, one.table)) for one in done}
    return [
        Recovered(base.database(one.zone), one.table, rows[one.table], "mended", one.said, is_trouble=True)
        for one in done
    ]


def _is_of_gone_files(one: Recovered) -> bool:
    """Whether nothing is said of a table but that files of it are gone: how it was mended says more."""
    return one.done == LEFT_ALONE and one.said.endswith(f"; {files_gone(one.number_to)}")


def _with_waiting(config: Config, base: Lake, one: Recovered) -> Recovered:
    """What is said of a table that was set back, with how much of what raw holds it lacks, and what brings it."""
    kind, _, resource = one.table.partition("_")
    if f"{kind}_" not in BOOKMARKED:
        return one
    try:
        with connected(config.settings.memory_limit_megabytes) as connection:
            applied = bookmark(base.find("refined", one.table))
            rows = raw_rows_sql(base, raw_files(base, resource, applied), resource, applied, columns=RAW_COLUMNS)
            lacking, last = connection.execute(f"select count(*), max(batch) from {rows}").fetchall()[0]
    except (PlanlakeError, duckdb.Error, OSError):
        return replace(one, said=f"{one.said}; planlake rebuild {resource} builds it again from raw")
    if not lacking:
        return replace(one, said=f"{one.said}; it lacks nothing that raw holds")
    batches = f"batch {last}" if last == applied + 1 else f"batches {applied + 1} to {last}"
    many = f"{lacking:,} record{'s' if lacking > 1 else ''} of {batches}"
    return replace(one, said=f"{one.said}; it lacks {many}: planlake run {resource} brings them")


def _check_environment(config: Config, environment: str | None) -> None:
    """Refuse what is no environment: a preview is recovered with what it stands on, and its catalogue may be lost."""
    known = list(config.environments)
    if environment is not None and environment not in known:
        message = f'no environment is called "{environment}"; a preview is recovered with the environment it stands on'
        hint = f"planlake recover --env {known[0]}" if len(known) == 1 else f"one of {', '.join(known)}"
        raise ConfigurationError(message, state="Nothing was changed", hint=hint)


def _is_damaged(file: Path, wait_seconds: float) -> bool:
    """Whether SQLite says so; a file that somebody has locked, or that cannot be opened, is a LakeError."""
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=rw", timeout=wait_seconds, uri=True)) as connection:
            return connection.execute("pragma quick_check(1)").fetchall() != [("ok",)]
    except sqlite3.OperationalError as error:
        facts, state = {"file": file}, "Nothing was changed"
        raise LakeError(
            f"the lake's catalogue cannot be used: {error}", facts=facts, state=state, hint="planlake doctor"
        ) from None
    except sqlite3.DatabaseError:
        return True


def _put_aside(file: Path) -> Path:
    aside = file.with_name(f"{file.name}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%S}")
    file.rename(aside)
    return aside
