"""A served data set and a signed request, made here without the product's own client."""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest

from planlake.simulator.app import PRIVATE_KEY, PUBLIC_KEY
from planlake.simulator.faults import FaultPlan
from planlake.simulator.generator import generate
from planlake.simulator.recipes import is_lookup
from planlake.simulator.server import Simulator
from planlake.sources.catalogue import load_catalogue

NOW = datetime.fromisoformat("2026-11-23T03:00")
_CATALOGUE = load_catalogue("tascomi")
SMALL = {name: 60 for name, resource in _CATALOGUE.resources.items() if not is_lookup(resource)}
SMALL |= {"applications": 120, "contacts": 130, "documents": 260}


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict
    body: bytes

    @property
    def records(self):
        return json.loads(self.body)


def signature(instant, private_key=PRIVATE_KEY):
    minute = instant.astimezone(ZoneInfo("Europe/London")).strftime("%Y%m%d%H%M")
    token = hashlib.sha256((PUBLIC_KEY + minute).encode()).hexdigest()
    digest = hmac.new(private_key.encode(), token.encode(), hashlib.sha256).hexdigest()
    return {"X-Public": PUBLIC_KEY, "X-Hash": base64.b64encode(digest.encode()).decode()}


def ask(simulator, path, query=None, *, headers=None, method="GET"):
    """One request on a connection of its own; `path` follows the host."""
    host = simulator.url.removeprefix("http://").split("/")[0]
    connection = HTTPConnection(host, timeout=10)
    try:
        signed = signature(datetime.now(UTC)) if headers is None else headers
        connection.request(method, path + ("?" + urlencode(query) if query else ""), headers=signed)
        response = connection.getresponse()
        return Reply(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())
    finally:
        connection.close()


def get(simulator, resource, **query):
    return ask(simulator, f"/rest/v1/{resource}", query)


def read_all(simulator, resource, **query):
    """Every record of every page."""
    first = get(simulator, resource, page=1, **query)
    pages = -(-int(first.headers["x-number-of-results"]) // int(first.headers["x-results-per-page"]))
    rest = [get(simulator, resource, page=page, **query).records for page in range(2, pages + 1)]
    return sum(rest, first.records)


@pytest.fixture(scope="session")
def catalogue():
    return _CATALOGUE


@pytest.fixture(scope="session")
def data(catalogue):
    """Records no test changes."""
    return generate(catalogue, seed=7, now=NOW, sizes=SMALL)


@pytest.fixture
def fresh(catalogue):
    """The same records, to be changed."""
    return generate(catalogue, seed=7, now=NOW, sizes=SMALL)


@pytest.fixture(scope="session")
def _serving(data):
    with Simulator(data) as running:
        yield running


@pytest.fixture
def simulator(_serving):
    """The records no test changes, served, with no faults and an empty log."""
    _serving.faults = FaultPlan()
    _serving.requests.clear()
    return _serving


@pytest.fixture
def changing(fresh):
    """A server whose records and clock may be changed."""
    with Simulator(fresh) as running:
        yield running
