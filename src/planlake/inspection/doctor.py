"""Says whether everything is ready for a run: a list of findings, each with what to do."""

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from errno import ENOTDIR
from pathlib import Path
from tempfile import TemporaryFile

from planlake.clock import read_clock
from planlake.config import Config
from planlake.engines.duckdb.connection import connected
from planlake.errors import PlanlakeError, SourceRefused
from planlake.event_loop import run_to_end
from planlake.flow.future_dated_runs import future_runs
from planlake.inspection.aws import examine_aws
from planlake.inspection.cluster import examine_cluster
from planlake.inspection.finding import Finding, failed
from planlake.inspection.own_checks import mistaken_checks
from planlake.lake.aws.file_access import FileAccess
from planlake.lake.disk_errors import advice
from planlake.lake.lake import ZONES, Lake, catalogue_file
from planlake.lake.open_lake import open_lake
from planlake.lake.repair.check_location import check_known, displaced, has_files, is_made, warehouse_of
from planlake.lake.repair.damage import damages
from planlake.lake.repair.split_histories import check_histories
from planlake.sources.catalogue import catalogue_of, configured_catalogue
from planlake.sources.dialect import Dialect, page_query
from planlake.sources.http.client import CLOCK_SKEW_SECONDS, Answer, Signer, clock_skew, open_source
from planlake.sources.http.proxy import proxy_of
from planlake.sources.records import no_records
from planlake.sources.signing import signer_of

LOW_DISK_BYTES = 2 * 2**30
KEYS = {"tascomi-hmac": "both found", "bearer": "the token was found", "none": "none are needed"}


def examine(config: Config, environment: str | None = None) -> Iterator[Finding]:
    """Look at configuration, catalogue, lake, Spark where it is used, keys, API and clock, in this order."""
    count = len(config.tables.daily) + len(config.tables.weekly)
    places = len(config.environments)
    seen = f"{count} table{'s' * (count != 1)}, {places} environment{'s' * (places != 1)}"
    yield Finding("configuration", "ok", seen)
    yield from _catalogue(config)
    yield from _lake(config, environment)
    name = environment if environment in config.environments else None
    yield from examine_aws(config, name)
    yield from _spark(config, name)
    yield from _source(config)


def _catalogue(config: Config) -> Iterator[Finding]:
    try:
        catalogue = catalogue_of(config)
    except PlanlakeError as error:
        yield failed("catalogue", error)
        return
    columns = sum(len(resource.columns) for resource in catalogue.resources.values())
    yield Finding("catalogue", "ok", f"{len(catalogue.resources)} resources, {columns} columns known beforehand")


def _lake(config: Config, environment: str | None) -> Iterator[Finding]:
    """The catalogue and where its tables lie; nothing is made that is not there."""
    name = environment if environment in config.environments else None
    if not is_made(config, name) and not has_files(config, name):
        yield Finding("lake catalogue", "ok", "not made yet: the first run makes it")
        yield _warehouse(warehouse_of(config, name))
        return
    try:
        lake = open_lake(config, environment)
        base = lake.base or lake
        tables = sum(len(lake.names(zone)) for zone in ZONES)
        check_known(base)
        found = displaced(base)
        if found is None:
            check_histories(base)
    except PlanlakeError as error:
        found_so = failed("lake catalogue", error)
        yield found_so if found_so.advice else replace(found_so, advice=_of_file(config, name))
        yield _warehouse(warehouse_of(config, name))
        return
    yield Finding("lake catalogue", "ok", f"{tables} tables, databases named like {lake.database('refined')}")
    if found is not None:
        yield failed("warehouse", found.error)
        return
    yield from _own_checks(config, lake)
    damaged = list(_damaged(lake))
    yield from (
        _skipped("needs tables that can be read", "order of runs") if damaged else _runs(config, lake, environment)
    )
    yield _warehouse(base.warehouses["raw"])
    yield from damaged or [Finding("tables", "ok", "every file is there and can be read")]


def _spark(config: Config, name: str | None) -> Iterator[Finding]:
    access = FileAccess(tuple(sorted(config.environment(name).catalog.properties.items())))
    yield from examine_cluster(config, warehouse_of(config, name), access)


def _own_checks(config: Config, lake: Lake) -> Iterator[Finding]:
    """Whether the conditions of one's own checks fit the columns of their tables."""
    if not config.checks:
        return
    mistaken = list(mistaken_checks(config, lake))
    for check, error in mistaken:
        yield Finding("own checks", "failed", f"{check.table}: {error}", error.hint, error.exit_code)
    if not mistaken:
        yield Finding("own checks", "ok", f"{len(config.checks)} in the configuration")


def _damaged(lake: Lake) -> Iterator[Finding]:
    """Files that the tables need and that are gone or damaged; on this machine each is read to its end."""
    try:
        for one in damages(lake):
            yield Finding("tables", "failed", f"{one.database}.{one.table}: {one.said}", one.repair, 3)
    except PlanlakeError as error:
        yield failed("tables", error)


def _of_file(config: Config, environment: str | None) -> str:
    """What to do where the catalogue's database says that it cannot be used, and nothing else is known."""
    file = catalogue_file(config, environment)
    return f"make {file} and its folder readable and writable for the user who runs this" if file else ""


def _runs(config: Config, lake: Lake, environment: str | None) -> Iterator[Finding]:
    """Whether a run that counts began after now: then nothing may be written."""
    try:
        with connected(config.settings.memory_limit_megabytes) as connection:
            ahead = future_runs(config, lake, connection=connection, clock=read_clock(), asked=environment)
    except PlanlakeError as error:  # most often the catalogue's, which is told above
        yield failed("order of runs", error)
        return
    if ahead is None:
        yield Finding("order of runs", "ok", "the last run began before now")
    else:
        yield Finding("order of runs", "failed", ahead.said, ahead.advice, ahead.error.exit_code)


def _warehouse(place: str) -> Finding:
    """Whether a run could write there; a folder that is not there yet is made by the first run."""
    if "://" in place:
        told = "looked at below" if place.startswith("s3") else "remote: the first run will tell"
        return Finding("warehouse", "skipped", f"{place}: {told}")
    folder = Path(place)
    there = next(one for one in (folder, *folder.parents) if one.exists())
    try:
        if not there.is_dir():
            raise NotADirectoryError(ENOTDIR, os.strerror(ENOTDIR))
        with TemporaryFile(dir=there) as probe:
            probe.write(b"x")
    except OSError as error:
        return Finding("warehouse", "failed", f"{folder}: {error.strerror}", advice(error, folder), 3)
    free = shutil.disk_usage(there).free
    if free < LOW_DISK_BYTES:
        return Finding(
            "warehouse", "warning", f"{folder}: only {free / 2**30:.1f} GB free", "make room before a full load"
        )
    state = "writable" if there == folder else "not made yet: the first run makes it"
    return Finding("warehouse", "ok", f"{folder}: {state}, {free / 2**30:.0f} GB free")


def _source(config: Config) -> Iterator[Finding]:
    try:
        catalogue = configured_catalogue(config)
    except PlanlakeError:
        yield from _skipped("needs the catalogue", "keys", "API", "signature", "clock")
        return
    dialect, known = catalogue.dialect, catalogue.resources
    try:
        sign = signer_of(config, dialect)
    except PlanlakeError as error:
        yield failed("keys", error)
        yield from _skipped("needs the keys", "API", "signature", "clock")
        return
    yield Finding("keys", "ok", KEYS[dialect.signing])
    with suppress(PlanlakeError):  # one's own are asked for as well, where they can be read
        known = catalogue_of(config).resources
    configured = (name for name in (*config.tables.daily, *config.tables.weekly) if name in known)
    resource = next(configured, next(iter(known)))
    try:
        answer = run_to_end(_first_page(config, sign, dialect, known[resource].address))
    except SourceRefused as error:
        yield Finding("API", "ok", "answers")
        yield Finding("signature", "failed", str(error), error.hint, 3)
        yield from _skipped("the signature is refused", "clock")
        return
    except PlanlakeError as error:
        yield Finding("API", "failed", str(error), _advice_about(str(error)), 3)
        yield from _skipped("needs an answer", "signature", "clock")
        return
    if answer.error:
        yield Finding("API", "failed", f"{answer.url}: {answer.error}", _advice_about(answer.error), 3)
        yield from _skipped("needs a good answer", "signature")
    else:
        total = answer.totals.results if answer.totals else 0
        proxy = proxy_of(config.source_api().base_url)
        way = f" through the proxy {proxy.name}" if proxy else ""
        where = config.source_api().base_url
        yield Finding(
            "API", "ok", f"{where} has {total:,} records of {resource}, answered in {answer.seconds:.2f} s{way}"
        )
        yield Finding("signature", "ok", "accepted")
    yield _clock(clock_skew(answer, datetime.now(UTC)))


async def _first_page(config: Config, sign: Signer, dialect: Dialect, address: str) -> Answer:
    async with open_source(config, sign, dialect) as source:
        return await source.get(address, page_query(dialect, 1), no_records)


def _skipped(reason: str, *checks: str) -> Iterator[Finding]:
    for check in checks:
        yield Finding(check, "skipped", reason)


def _advice_about(trouble: str) -> str:
    """What to look at where the API does not answer as it should: a firewall only where a page of its answers."""
    advice = "check api.base_url, the network and a proxy"
    is_page = "not the API" in trouble
    return f"{advice}; an HTML page means a firewall answers instead of the API" if is_page else advice


def _clock(skew: float | None) -> Finding:
    if skew is None:
        return Finding("clock", "skipped", "the API does not say what time it is")
    seen = f"{abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} the API's"
    if abs(skew) > CLOCK_SKEW_SECONDS:
        advice = "set this machine's clock (NTP): signatures are good for about a minute"
        return Finding("clock", "failed", seen, advice, 3)
    if abs(skew) > CLOCK_SKEW_SECONDS / 4:
        return Finding("clock", "warning", seen, "set this machine's clock (NTP) before requests are refused")
    return Finding("clock", "ok", seen)
