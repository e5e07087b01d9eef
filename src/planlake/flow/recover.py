"""A lost or damaged catalogue: in goes the configuration, out come the tables that it knows again."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from planlake.config import Config
from planlake.errors import LakeError
from planlake.flow.log import opened_log, say
from planlake.lake.lake import catalogue_file, clear_errors, lock_beside
from planlake.lake.lease import writing
from planlake.lake.previews import open_lake
from planlake.lake.recovery import Recovered
from planlake.lake.recovery import recover as register


def recover(config: Config, *, environment: str | None = None) -> tuple[list[Recovered], Path | None]:
    """Register every table of the warehouse anew; a damaged SQLite catalogue is put aside, and told where.

    Raises ConflictError where a run is writing, LakeError where the catalogue is not damaged and cannot be used.
    """
    file, wait_seconds = catalogue_file(config, environment), config.settings.lease_wait_seconds
    with writing(lock_beside(file), wait_seconds), clear_errors():
        aside = _put_aside(file) if file is not None and file.exists() and _is_damaged(file, wait_seconds) else None
        found = register(open_lake(config, environment))
    say(opened_log(config.settings.log), "info", "recovered", tables=[f"{one.database}.{one.table}" for one in found])
    return found, aside


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
