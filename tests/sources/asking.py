"""Asking an API for wards, as a run asks it."""

import asyncio

from planlake.config import Api, Config, Settings
from planlake.simulator.app import PRIVATE_KEY, PUBLIC_KEY
from planlake.simulator.faults import FaultPlan
from planlake.sources.encoding import UTF_8
from planlake.sources.http.client import open_source
from planlake.sources.records import Shape, read_records
from planlake.sources.secrets import Keys
from planlake.sources.tascomi.signing import signed_headers

KEYS = Keys(PUBLIC_KEY, PRIVATE_KEY)


def records_in(body, encoding=UTF_8):
    return read_records(body, Shape("id"), encoding)


def read(url, *queries, keys=KEYS, together=False, **settings):
    """The answers to queries for wards, one after another or all at once."""
    config = Config(api=Api(base_url=url), settings=Settings(**settings))

    async def ask():
        async with open_source(config, lambda instant: signed_headers(keys, instant)) as source:
            asked = [source.get("wards", query, records_in) for query in queries or ({},)]
            return await asyncio.gather(*asked) if together else [await one for one in asked]

    return asyncio.run(ask())


def is_ok(answer):
    return not answer.error


def fail(simulator, *rules):
    simulator.faults = FaultPlan(list(rules))
