"""Takes a trusted table away whose model is gone, with its past days and all its files."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from planlake.changes.rollback import finish_or_refuse_interrupted
from planlake.config import Config
from planlake.errors import ConfigurationError
from planlake.flow.open_run import open_for_writing
from planlake.flow.operations_records import record_command
from planlake.flow.trust.result import TRUSTED
from planlake.flow.trust.room import models_of
from planlake.lake.forgetting.trusted_tables import drop_trusted_table
from planlake.lake.lake import clear_errors
from planlake.lake.tables.data_files import row_count
from planlake.telemetry.progress import ignore


@dataclass(frozen=True, slots=True)
class LeftTable:
    """A trusted table that no model makes any more: the rows it shows, and how many versions are kept."""

    table: str
    rows: int
    versions: int


def drop_model_table(
    config: Config,
    name: str,
    *,
    confirm: Callable[[Sequence[LeftTable]], bool] | None,
    environment: str | None = None,
) -> list[LeftTable]:
    """Take away the trusted table that a model left, of this environment alone; nothing takes that back.

    Nothing is done where `confirm` refuses; None is a dry run. A ConfigurationError where there is no such table, or a
    model that would make it again.
    """
    is_dry_run = confirm is None
    with clear_errors(), open_for_writing(config, environment, ignore, is_dry_run=is_dry_run, sweeps=True) as context:
        finish_or_refuse_interrupted(context, is_dry_run=is_dry_run)
        model = models_of(config, context.connection, context.catalogue.resources).by_name.get(name)
        if model is not None and not model.is_view:
            hint = "delete the file first; a model that is there makes its table again"
            raise ConfigurationError(f"{name} is made by a model", facts={"file": model.file}, hint=hint)
        table = context.lake.find("trusted", name)
        if table is None:
            raise ConfigurationError(f'no trusted table is called "{name}" here', hint="planlake tables")
        found = [LeftTable(f"{TRUSTED}{name}", row_count(table), len(table.metadata.snapshots))]
        if confirm is not None and confirm(found):
            drop_trusted_table(context.lake, name)
            record_command(context, "dropped", f"the trusted table {name}", [])
        return found
