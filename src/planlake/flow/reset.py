"""Before a reset: in go names of tables, out comes which of them it would make anew, with the rows people see."""

from collections.abc import Sequence
from dataclasses import dataclass

from planlake.config import Config
from planlake.flow.context import ignore
from planlake.flow.gate import live_count
from planlake.flow.opening import opened_for_writing
from planlake.flow.rollback import loaded_tables
from planlake.lake.lake import clear_errors


@dataclass(frozen=True, slots=True)
class Shown:
    """A table that would be made anew, and how many rows its view shows."""

    table: str
    rows: int


def to_reset(config: Config, tables: Sequence[str], *, environment: str | None = None) -> list[Shown]:
    """What a reset of these tables (all loaded ones where none is named) would make anew; nothing is changed.

    Raises ConflictError where a run is writing.
    """
    with clear_errors(), opened_for_writing(config, environment, ignore) as context:
        names = [context.catalogue.resource(name).name for name in tables] or loaded_tables(context)
        held = {name: context.lake.shown("refined", f"current_{name}") for name in names}
        return [Shown(name, live_count(context.connection, table)) for name, table in held.items()]
