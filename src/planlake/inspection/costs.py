"""What nights cost: calls, seconds and bytes of each table, from the run history, at prices of the configuration."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from planlake.clock import london_day
from planlake.config import Config
from planlake.config_sections import Cost
from planlake.engines.duckdb.connection import connected_to_read
from planlake.errors import ConfigurationError, LakeError
from planlake.lake.built_in_tables import built_in_rows_sql
from planlake.lake.lake import Lake
from planlake.lake.open_lake import open_to_read
from planlake.lake.tables.version_summary import RUN, figure

NIGHTS, LEAST_SECONDS = 30, 60  # looked at; what Fargate and Glue bill for a run at the least
ADDED = "added-files-size"
TABLES = {"runs": ("operations", "runs"), "ledger": ("raw", "api_requests")}
# What the jobs were that are replaced, as they last stood: of each kind the jobs of a day, workers, DPUs of a worker.
EARLIER = (("ingestion", 21, 4, 1), ("snapshot", 1, 16, 2))
# Runs that asked the API; one that only built models is none of them. Seconds are those of requests: the steps of a
# table also wait for those of others.
HISTORY = """
    with asked as (
        select run, max(seconds) filter (where resource is null) as seconds, min(started_at) as began from {runs}
        group by run having sum(requests) > 0 and max(outcome) filter (where resource is null) = 'finished'),
    taken as (select run, resource, sum(seconds) as seconds from {ledger}
              where event not in ('closed', 'audited') group by all)
    select run, asked.seconds, asked.began, resource, coalesce(requests, 0), coalesce(taken.seconds, 0),
        coalesce(bytes, 0)
    from {runs} join asked using (run) left join taken using (run, resource)
    where resource is not null order by run, resource"""


@dataclass(frozen=True, slots=True)
class TableCost:
    """What a table takes in a mean night: API calls, the seconds they took, bytes received and written.

    Bytes written are those of the files of its refined tables. `fargate` and `glue` are its share of the
    money, by these seconds.
    """

    table: str
    requests: float
    seconds: float
    received: float
    written: float
    fargate: float
    glue: float


@dataclass(frozen=True, slots=True)
class NightCost:
    """What a mean night takes, and each of its tables, the dearest first; so many `nights` were looked at.

    A night is all that ran on one day of London's: one run of everything, or one for each table.

    `earlier_minute` is what a minute of each of the jobs cost that Planlake replaces, at the same price of a DPU.
    """

    nights: int
    seconds: float
    fargate: float
    glue: float
    earlier_minute: float
    currency: str
    tables: tuple[TableCost, ...]


def night_cost(config: Config, environment: str | None = None) -> NightCost:
    """What the last runs that asked the API cost in the mean; a ConfigurationError where there was none."""
    lake, prices = open_to_read(config, environment), config.cost
    with connected_to_read(config.settings.memory_limit_megabytes) as connection:
        places = {name: built_in_rows_sql(lake, *place) for name, place in TABLES.items()}
        rows = connection.execute(HISTORY.format(**places)).fetchall()
    days = sorted({london_day(began) for _, _, began, *_ in rows})[-NIGHTS:]
    rows = [(int(run), seconds, *others) for run, seconds, began, *others in rows if london_day(began) in days]
    whole = {run: float(seconds) for run, seconds, *_ in rows}
    if not whole:
        message = "no run has asked the API yet, so nobody knows what one costs"
        raise ConfigurationError(message, hint="planlake run")
    nights, money = len(days), {run: _money(prices, seconds) for run, seconds in whole.items()}
    asked = Counter[int]()
    for run, _, _, _, seconds, _ in rows:
        asked[run] += seconds
    sums: dict[str, list[float]] = {}
    for run, _, table, requests, seconds, received in rows:
        share = seconds / (asked[run] or 1)
        found = sums.setdefault(table, [0.0] * 5)
        for place, one in enumerate((requests, seconds, received, *(share * each for each in money[run]))):
            found[place] += one / nights
    written = _written(lake, sums, whole)
    tables = [
        TableCost(table, requests, seconds, received, written[table] / nights, fargate, glue)
        for table, (requests, seconds, received, fargate, glue) in sums.items()
    ]
    return NightCost(
        nights,
        sum(whole.values()) / nights,
        sum(fargate for fargate, _ in money.values()) / nights,
        sum(glue for _, glue in money.values()) / nights,
        sum(jobs * workers * units for _, jobs, workers, units in EARLIER) * prices.dpu_hour / 60,
        prices.currency,
        tuple(sorted(tables, key=lambda one: -one.fargate)),
    )


def _money(prices: Cost, seconds: float) -> tuple[float, float]:
    """What so many seconds cost on Fargate and on Glue."""
    hours = max(seconds, LEAST_SECONDS) / 3600
    fargate = prices.vcpus * prices.vcpu_hour + prices.gigabytes * prices.gigabyte_hour
    return hours * fargate, hours * prices.workers * prices.dpu_hour


def _written(lake: Lake, tables: Iterable[str], runs: Iterable[int]) -> dict[str, float]:
    """The bytes of files that these runs added to the refined tables; of versions that are not kept any more none."""
    found = dict.fromkeys(tables, 0.0)
    chosen = set(runs)
    for name in found:
        for prefix in ("increment_", "current_"):
            try:
                table = lake.shown("refined", f"{prefix}{name}")
            except LakeError:  # damaged, which `status` says
                continue
            versions = table.metadata.snapshots if table is not None else []
            added = sum(figure(one, ADDED) for one in versions if figure(one, RUN) in chosen)
            found[name] += added
    return found
