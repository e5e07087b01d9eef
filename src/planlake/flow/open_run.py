"""Opens a lake for writing and gives the context that every step works with."""

import itertools
from asyncio import CancelledError
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from time import time

import duckdb

from planlake.clock import naive_utc, read_clock
from planlake.config import Config
from planlake.engines.choosing import Engines
from planlake.engines.duckdb.connection import Connection, connected
from planlake.engines.spark import SparkEngine, is_installed
from planlake.errors import PlanlakeError
from planlake.flow.context import Context
from planlake.flow.future_dated_runs import FutureRuns, future_runs, is_way_back
from planlake.flow.keep_views import keep_views_of
from planlake.flow.operations_records import broken_by, configuration_hash, record_broken_off
from planlake.flow.trust.step import follow
from planlake.lake.lake import Lake
from planlake.lake.open_lake import open_lake
from planlake.lake.previews.entered import preview_of
from planlake.lake.previews.names import preview_names
from planlake.lake.repair.check_location import check_own
from planlake.lake.repair.split_histories import check_histories
from planlake.lake.state.landing import Arrivals
from planlake.lake.state.ledger import last_request_id
from planlake.lake.state.lock import HeldLock, hold_for_writing, note_end, note_run
from planlake.lake.state.operations import is_recorded, last_run
from planlake.lake.state.unfinished_runs import find_unfinished_runs
from planlake.sources.catalogue import catalogue_of
from planlake.telemetry.progress import Notify
from planlake.telemetry.reporter import open_reporter
from planlake.version import __version__


@contextmanager
def open_for_writing(
    config: Config,
    environment: str | None,
    notify: Notify,
    *,
    is_dry_run: bool = False,
    sweeps: bool = False,
    way_back_to: object = None,
) -> Iterator[Context]:
    """The context of a new run, holding the lake until the end; a lake of an older version is upgraded.

    A dry run leaves it as it is. Raises ConflictError where another run is writing, ConfigurationError where the clock
    stands before a run that counts: only going `way_back_to` a run or a day before that is allowed then. Where the
    command `sweeps` files away, a LakeError where those of another history are among them. Models and
    the views in the catalogue follow at the end.
    """
    clock, catalogue, began = read_clock(), catalogue_of(config), time()
    about = {
        "environment": environment or next(iter(config.environments)),
        "configuration": configuration_hash(config),
        "version": __version__,
    }
    with _hold(config, environment) as (held, lake, connection):
        check_own(lake)
        if sweeps:
            check_histories(lake.base or lake)
        for one in (lake.base, lake):
            if one is not None and not is_dry_run:
                one.upgrade()
        last = last_run(lake, connection)
        left = find_unfinished_runs(lake, connection, held.left, above=last.recorded, until=last.run)
        look = partial(future_runs, config, connection=connection, clock=clock, asked=environment)
        if lake.base is not None:  # it comes first: no way back of the preview's is one of its
            check_clock(look(lake.base))
        check_clock(look(lake, left=tuple(left)), way_back_to=way_back_to)
        number, ids = _next_numbers(lake, connection, max([last.run, *(one.run for one in held.left)]))
        with open_reporter(config, lake, run=number, about=about) as reporter:
            context = Context(
                run=number,
                config=config,
                catalogue=catalogue,
                lake=lake,
                connection=connection,
                clock=clock,
                arrivals=Arrivals(lake),
                reporter=reporter,
                notify=notify,
                request_ids=ids,
                engines=engines_of(config),
            )
            with nullcontext() if is_dry_run else _keep_note(held, replace(context, unfinished=tuple(left))) as noted:
                yield noted or context
                if not is_dry_run:
                    follow(context, since=began)
                    keep_views_of(context)


@contextmanager
def _hold(config: Config, environment: str | None) -> Iterator[tuple[HeldLock, Lake, Connection]]:
    """The lake, held for writing, with a connection."""
    lake, settings = open_lake(config, environment), config.settings
    opened = connected(settings.memory_limit_megabytes)
    with hold_for_writing(lake.lock, settings.lease_wait_seconds) as held, opened as connection:
        if lake.base is not None:
            lake = open_lake(config, environment)  # what it has entered may have changed while this one waited
        with held.guard(lake.catalog):
            yield held, lake, connection


@contextmanager
def _keep_note(held: HeldLock, context: Context) -> Iterator[Context]:
    """A run that is known to have begun, also where it cannot say any more how it ended."""
    began = (context.run, context.lake.preview, naive_utc(context.clock.start))
    note_run(held, *began)
    try:
        yield context
    except (Exception, KeyboardInterrupt, CancelledError) as error:
        if record_broken_off(context, error):
            _note_end(held, context)
        else:  # the note is all that will be known of this run
            note_run(held, *began, broken=broken_by(error))
        raise
    _note_end(held, context)


def _note_end(held: HeldLock, context: Context) -> None:
    """Notes of killed runs of this lake go once they have their rows."""
    is_told = (
        held.left and context.unfinished and is_recorded(context.lake, context.connection, context.unfinished[-1].run)
    )
    told = [(one.run, one.preview) for one in held.left if one.preview == context.lake.preview]
    note_end(held, told if is_told or not context.unfinished else ())


def _next_numbers(lake: Lake, connection: Connection, run: int) -> tuple[int, Iterator[int]]:
    """The number of a new run and those of its requests: above all of the environment and of its previews.

    So they stay unique whatever is promoted, of another version's preview too: it is upgraded then. A preview that
    cannot be read cannot be promoted and stops nobody.
    """
    request = last_request_id(lake)
    base = lake.base or lake
    for name in preview_names(base):
        try:
            other = preview_of(base, name, takes_any_format=True)
            run = max(run, last_run(other, connection).run)
            request = max(request, last_request_id(other))
        except (OSError, duckdb.Error, PlanlakeError):
            continue
    return run + 1, itertools.count(request + 1)


def engines_of(config: Config) -> Engines:
    """The engines by the configuration; none is started."""
    return Engines(
        config.settings.engine,
        spark=spark_of(config),
        spark_from_megabytes=config.spark.from_megabytes,
        has_spark=is_installed(),
    )


def spark_of(config: Config) -> SparkEngine:
    """Spark by the configuration, not started."""
    return SparkEngine(config.spark.master, config.spark.settings, config.spark.packages)


def check_clock(ahead: FutureRuns | None, *, way_back_to: object = None) -> None:
    """Refuse a clock that stands before a run that counts, but for what takes back all that lies ahead."""
    if ahead is not None and not is_way_back(ahead, way_back_to):
        raise ahead.error
