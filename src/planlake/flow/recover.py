"""A lost or damaged catalogue: in goes the configuration, out come the tables that it knows again."""

from datetime import UTC, datetime
from pathlib import Path

from planlake.config import Config
from planlake.errors import LakeError
from planlake.flow.log import opened_log, say
from planlake.lake.lake import catalogue_file, clear_errors, open_lake
from planlake.lake.lease import writing
from planlake.lake.recovery import Recovered
from planlake.lake.recovery import recover as register


def recover(config: Config, *, environment: str | None = None) -> tuple[list[Recovered], Path | None]:
    """Register every table of the warehouse anew; a damaged SQLite catalogue is put aside, and told where."""
    aside = None
    if not _is_usable(config, environment):
        aside = _put_aside(config, environment)
    lake = open_lake(config, environment)
    with writing(lake, config.settings.lease_wait_seconds), clear_errors():
        found = register(lake)
    say(opened_log(config.settings.log), "info", "recovered", tables=[f"{one.database}.{one.table}" for one in found])
    return found, aside


def _is_usable(config: Config, environment: str | None) -> bool:
    try:
        lake = open_lake(config, environment)
        with clear_errors():
            for namespace in lake.catalog.list_namespaces():
                lake.catalog.list_tables(namespace)
    except LakeError:
        return False
    return True


def _put_aside(config: Config, environment: str | None) -> Path:
    file = catalogue_file(config, environment)
    if file is None or not file.exists():
        raise LakeError("the catalogue cannot be used, and it is no file that could be put aside")
    aside = file.with_name(f"{file.name}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%S}")
    file.rename(aside)
    return aside
