"""The simulated Tascomi API as an ASGI application: serves a data set as `api-behaviour.md` describes.

Beside the API stand two addresses of the simulator's own, unsigned, for the demo: `POST /_simulator/move_to?now=...`
and `GET /_simulator/state`.
"""

import base64
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from html import escape
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from planlake.errors import ConfigurationError
from planlake.simulator.dataset import Dataset, Fields, encode
from planlake.simulator.faults import Answer, FaultPlan, Send, deliver, spoilt
from planlake.sources.catalogue import ColumnType

PUBLIC_KEY = "planlake-demo-public"
PRIVATE_KEY = "planlake-demo-private"
ROOT = "/rest/v1/"

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Scope = Mapping[str, Any]

_POSTGRES: Mapping[ColumnType, str] = {
    "integer": "integer",
    "long": "bigint",
    "float": "real",
    "double": "double precision",
    "boolean": "boolean",
    "timestamp": "timestamp without time zone",
    "timestamp_utc": "timestamp with time zone",
}


class Request(NamedTuple):
    """One request the API answered: for counting in tests."""

    path: str
    query: dict[str, str]
    status: int


class Speech(NamedTuple):
    """How an API is spoken to: what answers a page, and the token it takes; empty where requests are signed.

    `names` are, by resource, the columns it calls otherwise than the data set does; `addresses` the resources that
    stand at another address than their name, by it. One that `is_open` wants neither keys nor a token.
    """

    page: Callable[[Dataset, str, Mapping[str, str]], Answer]
    token: str = ""
    names: Mapping[str, Mapping[str, str]] = MappingProxyType({})
    addresses: Mapping[str, str] = MappingProxyType({})
    is_open: bool = False


class SimulatedApi:
    """The ASGI application; `requests` grows by one for every request to the API."""

    def __init__(
        self, data: Dataset, *, keys: tuple[str, str], speech: Speech, faults: FaultPlan, clock: Callable[[], datetime]
    ) -> None:
        self.data = data
        self.faults = faults
        self.requests: list[Request] = []
        self._keys = keys
        self._speech = speech
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - bodies are not read
        """Answer one HTTP request."""
        path: str = scope["path"]
        query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        if path.startswith("/_simulator/"):
            await deliver(_control(self, scope["method"], path, query), None, send)
            return
        address = path.removeprefix(ROOT)
        resource = self._speech.addresses.get(address, address)
        answer = self._answer(scope, resource, query)
        answer.headers["Date"] = formatdate(usegmt=True)
        rule = self.faults.next_for(resource, query)
        if rule:
            answer = spoilt(answer, rule)
        self.requests.append(Request(path, query, answer.status))
        await deliver(answer, rule, send)

    def _answer(self, scope: Scope, resource: str, query: dict[str, str]) -> Answer:
        if not scope["path"].startswith(ROOT):
            return _not_found()
        if resource.startswith("documentation.html"):
            return _html(200, documentation(self._documented()))
        if scope["method"] != "GET":
            return _json(405, {"error": "Method not allowed"})
        if not self._signed(dict(scope["headers"])):
            return _json(401, {"error": "Not authorised"})
        if resource not in self.data.fields:
            return _not_found()
        return self._speech.page(self.data, resource, query)

    def _documented(self) -> dict[str, Fields]:
        """The fields of each resource under the names this API has for them."""
        names = self._speech.names
        address_of = {resource: address for address, resource in self._speech.addresses.items()}
        return {
            address_of.get(resource, resource): {
                names.get(resource, {}).get(column, column): kind for column, kind in fields.items()
            }
            for resource, fields in self.data.fields.items()
        }

    def _signed(self, headers: Mapping[bytes, bytes]) -> bool:
        if self._speech.is_open:
            return True
        if self._speech.token:
            return hmac.compare_digest(headers.get(b"authorization", b""), f"Bearer {self._speech.token}".encode())
        public_key, private_key = self._keys
        if headers.get(b"x-public") != public_key.encode():
            return False
        now = self._clock()
        minutes = {_minute(now, self.data.time_zone), _minute(now - timedelta(minutes=1), self.data.time_zone)}
        given = headers.get(b"x-hash", b"")
        return any(hmac.compare_digest(given, _expected_hash(public_key, private_key, each)) for each in minutes)


def create_app(
    data: Dataset,
    *,
    public_key: str = PUBLIC_KEY,
    private_key: str = PRIVATE_KEY,
    faults: FaultPlan | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    speech: Speech | None = None,
) -> SimulatedApi:
    """The API over a data set, Tascomi's unless told; `clock` is the hash's and never the data's."""
    keys = (public_key, private_key)
    return SimulatedApi(data, keys=keys, speech=speech or Speech(_page), faults=faults or FaultPlan(), clock=clock)


def _minute(instant: datetime, time_zone: str) -> str:
    return instant.astimezone(ZoneInfo(time_zone)).strftime("%Y%m%d%H%M")


def _expected_hash(public_key: str, private_key: str, minute: str) -> bytes:
    token = hashlib.sha256((public_key + minute).encode()).hexdigest()
    return base64.b64encode(hmac.new(private_key.encode(), token.encode(), "sha256").hexdigest().encode())


def _page(data: Dataset, resource: str, query: Mapping[str, str]) -> Answer:
    filters = {name: value for name, value in query.items() if name != "page"}
    page = query.get("page", "1")
    number = int(page) if page.isdecimal() and int(page) > 0 else 1
    total, body = data.page(resource, filters, number)
    if not body:
        return Answer(202, {}, b"")
    headers = {
        "Content-Type": "application/json",
        "X-Number-Of-Results": str(total),
        "X-Results-Per-Page": str(data.page_size),
        "X-Page-Number": str(number),
    }
    return Answer(200, headers, body)


def _control(api: SimulatedApi, method: str, path: str, query: Mapping[str, str]) -> Answer:
    data = api.data
    if (method, path) == ("POST", "/_simulator/move_to"):
        try:
            data.move_to(datetime.fromisoformat(query.get("now", "")))
        except (ValueError, TypeError, ConfigurationError) as error:
            return _json(400, {"error": str(error)})
    elif (method, path) != ("GET", "/_simulator/state"):
        return _not_found()
    counts = {resource: data.count(resource) for resource in data.fields}
    return _json(200, {"now": data.now.isoformat(), "records": counts, "requests": len(api.requests)})


def documentation(fields: Mapping[str, Fields]) -> str:
    """The documentation page: a section for each resource with a table of its fields and their Postgres types."""
    links = "".join(f'<li><a href="#{name}">{name}</a></li>\n' for name in fields)
    sections = "".join(_section(name, columns) for name, columns in fields.items())
    return (
        "<!DOCTYPE html>\n<html><head><title>REST API documentation</title></head><body>\n<h1>REST API</h1>\n"
        f'<h2 id="available-resources">Available resources</h2>\n<ul>\n{links}</ul>\n{sections}</body></html>\n'
    )


def _section(name: str, columns: Fields) -> str:
    rows = "".join(
        f"<tr><td>{escape(column)}</td><td>{_postgres_type(column, kind)}</td><td></td></tr>\n"
        for column, kind in columns.items()
    )
    head = "<tr><th>Field</th><th>Type</th><th>Description</th></tr>\n"
    return f'<section id="{name}">\n<h3>{name}</h3>\n<table>\n{head}{rows}</table>\n</section>\n'


def _postgres_type(column: str, kind: ColumnType) -> str:
    is_long = any(word in column for word in ("desc", "detail", "notes", "geom", "json", "base64", "justification"))
    return _POSTGRES.get(kind, "text" if is_long else "character varying(255)")


def _json(status: int, value: object) -> Answer:
    return Answer(status, {"Content-Type": "application/json"}, encode(value))


def _html(status: int, text: str) -> Answer:
    return Answer(status, {"Content-Type": "text/html; charset=utf-8"}, text.encode())


def _not_found() -> Answer:
    return _html(404, "<!DOCTYPE html>\n<html><body><h1>Not found</h1></body></html>\n")
