"""Comparing loaded tables with the API, as a run of its own."""

from collections.abc import Sequence

from planlake.changes.rollback import finish_interrupted
from planlake.config import Config
from planlake.event_loop import run_to_end
from planlake.flow.open_run import open_for_writing
from planlake.flow.operations_records import record_command
from planlake.inspection.reconcile import TableDifference, count, sweep
from planlake.lake.previews.own_tables import add_own_tables
from planlake.lake.state.ledger import History, read_histories
from planlake.sources.signing import opened_source
from planlake.telemetry.progress import Notify, ignore


def reconcile(
    config: Config,
    tables: Sequence[str],
    *,
    is_deep: bool = False,
    environment: str | None = None,
    notify: Notify = ignore,
) -> list[TableDifference]:
    """Compare the loaded tables with the API: counts by one request each, or every id and hash by a sweep."""
    with open_for_writing(config, environment, notify) as context:
        finish_interrupted(context)
        histories = read_histories(context.lake, context.connection)
        loaded = [name for name in tables if histories.get(name, History()).last_full()]
        add_own_tables(context.lake, loaded, run=context.run)

        async def compare() -> list[TableDifference]:
            async with opened_source(config, context.catalogue.dialect) as source:
                found = []
                for name in loaded:
                    resource = context.catalogue.resource(name)
                    if is_deep:
                        found.append(await sweep(context, source, resource, history=histories[name]))
                    else:
                        found.append(await count(context, source, resource, history=histories[name]))
                return found

        found = run_to_end(compare())
        different = [one.table for one in found if not one.is_equal]
        message = f"differ from the API: {', '.join(different)}" if different else "equal to the API"
        record_command(context, "reconciled", message if found else "no table is loaded", [])
        return found
