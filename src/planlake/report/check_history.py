"""The newest result of each check and how its figure went, from the table `checks`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from planlake.checks.quality import OF_EVERY_TABLE, Verdict
from planlake.config import Config, suggestion
from planlake.engines.duckdb.connection import Connection, connected_to_read
from planlake.errors import ConfigurationError
from planlake.flow.trust.result import TRUSTED, is_trusted
from planlake.lake.built_in_tables import built_in_rows_sql
from planlake.lake.open_lake import open_to_read
from planlake.report.query import models_in
from planlake.sources.catalogue import catalogue_of

HISTORY = 30
# Checks that are not made by every run keep their result until they are made again; one of the configuration's that it
# has no more does not.
KNOWN = (*OF_EVERY_TABLE, "accepted values", "relations", "audit", "encoding", "documentation")


@dataclass(frozen=True, slots=True)
class CheckHistory:
    """One check of one table: its newest result and the figures of its last runs, oldest first.

    `checked_at` is in UTC; `column` is empty where the check is of the whole table.
    """

    table: str
    check: str
    column: str
    verdict: Verdict
    figure: float
    limit: float
    message: str
    checked_at: datetime
    figures: Sequence[float]
    verdicts: Sequence[Verdict]


def check_histories(config: Config, tables: Sequence[str], environment: str | None = None) -> list[CheckHistory]:
    """The newest results by table, those that are not well first; of all tables where none is named."""
    catalogue = catalogue_of(config)
    lake = open_to_read(config, environment)
    models = models_in(config, catalogue.resources).by_name if any(map(is_trusted, tables)) else {}
    for name in tables:
        if not is_trusted(name):
            catalogue.resource(name)
        elif (plain := name.removeprefix(TRUSTED)) not in models:
            raise ConfigurationError(f'no model is called "{plain}"', hint=suggestion(plain, models))
    with connected_to_read(config.settings.memory_limit_megabytes) as connection:
        rows = built_in_rows_sql(lake, "operations", "checks")
        found = histories_in(config, connection, rows, HISTORY)
    return [one for one in found if not tables or one.table in tables]


def histories_in(config: Config, connection: Connection, rows: str, runs: int) -> list[CheckHistory]:
    """The newest result of each check out of rows of `checks`, with the figures of that many runs at most.

    Nothing of a model whose file is gone.
    """
    query = f"""
        with ranked as (
            select *, row_number() over (partition by resource, "check", "column" order by run desc) as place,
                max(run) over (partition by resource, "check") as newest_run,
                max(run) over (partition by resource) as newest_of_all
            from {rows})
        select resource, "check", coalesce("column", '') as "column", arg_max(verdict, run), arg_max(figure, run),
            arg_max("limit", run), coalesce(arg_max(coalesce(message, ''), run), ''), max(checked_at),
            list(figure order by run), list(verdict order by run), max(run) = any_value(newest_of_all)
        from ranked where place <= {runs}
        group by resource, "check", "column", newest_run
        having max(run) = newest_run  -- a column without bad cells any more has no newer result of its own
        order by resource, arg_max(verdict, run) = 'ok', arg_max(verdict, run), "check", "column" """
    names = CheckHistory.__dataclass_fields__
    answered = connection.execute(query).fetchall()
    found = [(CheckHistory(**dict(zip(names, row, strict=True))), is_newest) for *row, is_newest in answered]
    own = {(check.table, check.name) for check in config.checks}
    has_models = any(_is_of_model(one) for one, _ in found)
    models = models_in(config, catalogue_of(config).resources).by_name if has_models else {}
    return [
        one
        for one, is_newest in found
        if (is_newest or one.check in KNOWN or (one.table, one.check) in own)
        and (not _is_of_model(one) or one.table.removeprefix(TRUSTED) in models)
    ]


def _is_of_model(one: CheckHistory) -> bool:
    return is_trusted(one.table or "")  # NULL where a check is of no table, such as that of the vendor's documentation
