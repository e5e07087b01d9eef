"""Asks the API one request at a time, and gives each answer as a record, whatever happened.

An answer that is not what was asked for is a record too, with its status and error: what to do about it is decided
where the ledger is written. An error is raised only if every further request is pointless: refused keys, or an API that
has not answered at all.
"""

import asyncio
import heapq
import itertools
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from time import monotonic
from urllib.parse import quote, urlencode

import aiohttp
import stamina

from planlake.config import Config
from planlake.errors import ConfigurationError, SourceRefused, SourceUnreachable
from planlake.sources.dialect import Dialect, Totals, opened
from planlake.sources.encoding import Encoding
from planlake.sources.http.body import MEGABYTE, Body, read_body
from planlake.sources.http.proxy import proxy_of, through
from planlake.sources.http.reasons import reason_of
from planlake.sources.http.strangers import said_of_status, stranger
from planlake.sources.records import NULL_BODIES, Records

stamina.instrumentation.set_on_retry_hooks([])  # the ledger keeps attempts; a log line for each would hold bodies

NO_ANSWER = 0
OK = 200
UNAUTHORISED = 401
SLOW_DOWN_STATUSES = frozenset({429, 503})
RETRIED_STATUSES = frozenset({NO_ANSWER, OK, 202, 429, 500, 502, 503, 504})  # 200, 202: what came with it is of no use
NEVER_ANSWERED_SECONDS = 5.0
RETRY_SECONDS = 120.0
LONGEST_PAUSE_SECONDS = 60.0
CLOCK_SKEW_SECONDS = 60.0
KEPT = "planlake.yaml says where ours are kept"
STRANGERS_BYTES = 2**20  # read of an answer whose status says that it holds no records
TASCOMI = Dialect()

Read = Callable[[bytes, Encoding], Records]  # raises ValueError where a body is no array of records
Signer = Callable[[datetime], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What one request brought: its records, the size of its body in bytes, and how it went.

    `status` is 0 where no answer came; `error` is empty where all is well; `retry_after` is in seconds.
    `started` is when its turn had come, in seconds of a clock that only runs on; it took `seconds` from then.
    """

    url: str
    status: int
    records: Records = field(default_factory=Records, repr=False)
    size: int = 0
    totals: Totals | None = None
    attempts: int = 1
    error: str = ""
    started: float = 0.0
    seconds: float = 0.0
    server_date: datetime | None = None
    retry_after: float = 0.0

    @property
    def is_ok(self) -> bool:
        """Whether the API gave what was asked for, or said that there is nothing."""
        return not self.error


@dataclass(frozen=True, slots=True)
class _Request:
    """What is asked: the address, the query in it, and what makes records of the answer."""

    resource: str
    url: str
    query: Mapping[str, str | int]
    read: Read = field(repr=False)


class _Retriable(Exception):  # noqa: N818 - never leaves this module
    def __init__(self, answer: Answer) -> None:
        self.answer = answer


class _Places:
    """How many requests may be on the way: halved when the API asks for less, growing again with each good answer.

    Of those that wait, the one with the lowest turn goes first, and among these the one that came first.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._limit = float(most)
        self._used = 0
        self._slowed_at = 0.0
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._came = itertools.count()

    @asynccontextmanager
    async def taken(self, turn: int) -> AsyncIterator[None]:
        """Wait for a place, and have it to the end."""
        let_in = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (turn, next(self._came), let_in))
        self._let_in()
        try:
            await let_in
            yield
        finally:
            if let_in.done() and not let_in.cancelled():
                self._used -= 1
            self._let_in()

    def _let_in(self) -> None:
        while self._waiting and self._used < int(self._limit):
            _, _, let_in = heapq.heappop(self._waiting)
            if not let_in.cancelled():
                let_in.set_result(None)
                self._used += 1

    def slow_down(self, asked_at: float) -> None:
        """Halve the limit, once for all requests that were on the way together."""
        if asked_at >= self._slowed_at:
            self._limit, self._slowed_at = max(1.0, self._limit / 2), monotonic()

    def speed_up(self) -> None:
        """Grow by one place for each round of good answers."""
        self._limit = min(float(self._most), self._limit + 1 / self._limit)


class Source:
    """An open connection to the API; made by `open_source`."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        config: Config,
        sign: Signer,
        dialect: Dialect,
        sign_anew: Callable[[], Signer],
    ) -> None:
        self._session = session
        self._dialect = dialect
        self._base_url = config.source_api().base_url
        self._proxy = proxy_of(self._base_url)
        self._settings = config.settings
        self._sign = sign
        self._sign_anew = sign_anew
        self._most_bytes = config.settings.answer_megabytes * MEGABYTE
        self._places = _Places(config.settings.concurrency)
        self._retries_left = config.settings.retry_budget
        self._has_answered = False
        self._unanswered = 0

    @property
    def is_silent(self) -> bool:
        """Whether so many requests in a row brought no answer that asking on would only wait."""
        return self._unanswered >= 2 * self._settings.concurrency

    def url_of(self, resource: str, query: Mapping[str, str | int]) -> str:
        """The address of a request; it never holds a key."""
        pairs = urlencode(query, quote_via=quote)
        return f"{self._base_url}/{resource}?{pairs}" if pairs else f"{self._base_url}/{resource}"

    async def get(self, resource: str, query: Mapping[str, str | int], read: Read, *, turn: int = 0) -> Answer:
        """Ask once, and again with growing pauses after a failure that may pass; `read` makes records of a body.

        While all places are taken, requests of a lower `turn` go first.

        Raises SourceRefused where the keys or the clock are wrong, SourceUnreachable where the API has not answered
        a single request of this run.
        """
        asked = _Request(resource, self.url_of(resource, query), query, read)
        async with self._places.taken(turn):
            started = monotonic()
            try:
                answer, attempts = await self._ask(asked), 1
            except _Retriable as failure:
                answer, attempts = await self._ask_again(asked, failure)
                if answer.status == NO_ANSWER and not self._has_answered:
                    raise self._unreachable(answer) from None
            self._unanswered = self._unanswered + 1 if answer.status == NO_ANSWER else 0
        return replace(answer, attempts=attempts, started=started, seconds=monotonic() - started)

    async def _ask_again(self, asked: _Request, failure: _Retriable) -> tuple[Answer, int]:
        """The answer after the first attempt failed, and how many attempts there were."""
        attempts = 1
        try:
            async for attempt in self._retries():
                with attempt:
                    attempts = attempt.num
                    if attempts == 1:
                        raise failure  # the attempt that was made: the pause after it is the retries' to measure
                    return await self._ask(asked), attempts
        except _Retriable as last:
            return last.answer, attempts
        raise AssertionError("the retries end with an answer or a failure")

    def _retries(self) -> AsyncIterator[stamina.Attempt]:
        patience = RETRY_SECONDS if self._has_answered else NEVER_ANSWERED_SECONDS
        return stamina.retry_context(
            on=self._pause, attempts=self._settings.attempts, timeout=patience, wait_initial=0.1, wait_max=10.0
        )

    def _pause(self, error: Exception) -> bool | float:
        """Whether to ask again, and after how many seconds where the API says so."""
        if not isinstance(error, _Retriable) or self._retries_left < 1:
            return False
        if error.answer.retry_after > LONGEST_PAUSE_SECONDS:
            return False
        self._retries_left -= 1
        return error.answer.retry_after or True

    async def _ask(self, asked: _Request) -> Answer:
        started, sign = monotonic(), self._sign
        answer = await self._ask_once(asked)
        if answer.status == UNAUTHORISED:  # the minute has turned since it was signed, or the keys were changed
            if self._sign is sign:  # else another request has had the keys read again meanwhile
                self._read_keys_again()
            answer = await self._ask_once(asked)
        if answer.status == UNAUTHORISED:
            raise _refused(answer, self._dialect)
        if answer.status in SLOW_DOWN_STATUSES:
            self._places.slow_down(started)
        if answer.error and answer.status in RETRIED_STATUSES:
            raise _Retriable(answer)
        self._places.speed_up()
        return answer

    def _read_keys_again(self) -> None:
        """Sign with the keys as they are kept now; where they are not there any more, with those known."""
        with suppress(ConfigurationError):
            self._sign = self._sign_anew()

    async def _ask_once(self, asked: _Request) -> Answer:
        headers = {"Content-Type": "application/json", **self._sign(datetime.now(UTC))}
        proxy = self._proxy.address if self._proxy else None
        try:
            async with self._session.get(asked.url, headers=headers, allow_redirects=False, proxy=proxy) as response:
                is_read = response.status in (OK, self._dialect.no_records_status)
                body = await read_body(response, self._most_bytes if is_read else STRANGERS_BYTES)
        except TimeoutError:
            return Answer(asked.url, NO_ANSWER, error=f"no answer within {self._settings.timeout_seconds:g} s")
        except (aiohttp.ClientError, OSError) as error:
            return Answer(asked.url, NO_ANSWER, error=reason_of(error))
        self._has_answered = True
        return _answer(self._dialect, asked, status=response.status, body=body, headers=joined(response))

    def _unreachable(self, answer: Answer) -> SourceUnreachable:
        return SourceUnreachable(
            f"the API cannot be reached: {answer.error}",
            facts={"base_url": self._base_url, **through(self._proxy)},
            state="Nothing was changed",
            hint="planlake doctor",
        )


@asynccontextmanager
async def open_source(
    config: Config, sign: Signer, dialect: Dialect = TASCOMI, sign_anew: Callable[[], Signer] | None = None
) -> AsyncIterator[Source]:
    """Connect to the API of the configuration; `sign` makes the headers of one request from an instant.

    After a 401 `sign_anew` reads the keys again, and what it gives signs that request and those that follow.
    """
    settings = config.settings
    timeout = aiohttp.ClientTimeout(total=settings.timeout_seconds, sock_connect=settings.connect_timeout_seconds)
    connector = aiohttp.TCPConnector(limit=settings.concurrency)
    async with aiohttp.ClientSession(
        timeout=timeout, connector=connector, read_bufsize=2**20, raise_for_status=False
    ) as session:
        yield Source(session, config, sign, dialect, sign_anew or (lambda: sign))


def clock_skew(answer: Answer, now: datetime) -> float | None:
    """Seconds by which our clock is ahead of the server's; None where it did not say."""
    return (now - answer.server_date).total_seconds() if answer.server_date else None


def _answer(dialect: Dialect, asked: _Request, *, status: int, body: Body, headers: Mapping[str, str]) -> Answer:
    date, pause = _server_date(headers), _retry_after(headers)
    answer = Answer(asked.url, status, size=body.size, server_date=date, retry_after=pause)
    if status != OK and status == dialect.no_records_status:
        is_nothing = not body.is_cut and body.content.strip() in NULL_BODIES
        who = stranger(body.content) or "a firewall answers, not the API"
        return replace(answer, error="" if is_nothing else f"status {status} with a body: {who}")
    if status != OK:
        said = said_of_status(status, headers, body.content, asked=asked.url, resource=asked.resource)
        return replace(answer, error=said)
    if who := stranger(body.content):
        return replace(answer, error=who)
    if body.is_cut:
        most = f"{body.size // MEGABYTE} MB, which settings.answer_megabytes allows"
        return replace(answer, error=f"the answer is larger than {most}")
    try:
        found = opened(dialect, asked.query, headers=headers, body=body.content)
        return replace(answer, records=asked.read(found.records, found.encoding), totals=found.totals)
    except ValueError as error:
        return replace(answer, error=str(error))


def joined(response: aiohttp.ClientResponse) -> dict[str, str]:
    """The headers by their names in lower case; what is said twice alike is said once."""
    headers = response.headers
    once = {name.lower(): value for name, value in headers.items()}
    if len(once) == len(headers):
        return once
    return {name.lower(): ", ".join(dict.fromkeys(headers.getall(name))) for name in headers}


def _retry_after(headers: Mapping[str, str]) -> float:
    """Seconds the API asks us to wait; 0 where it does not say, or names a date."""
    text = headers.get("retry-after", "")
    return float(text) if text.isdecimal() else 0.0


def _server_date(headers: Mapping[str, str]) -> datetime | None:
    try:
        return parsedate_to_datetime(headers["date"]).replace(tzinfo=UTC)
    except (KeyError, ValueError):
        return None


def _refused(answer: Answer, dialect: Dialect) -> SourceRefused:
    skew = clock_skew(answer, datetime.now(UTC))
    facts = {"status": 401} | ({"answer": answer.error.partition(", ")[2]} if ", " in answer.error else {})
    refusal = partial(SourceRefused, facts=facts, state="Everything committed so far is kept")
    if dialect.signing == "none":
        hint = 'the catalogue says signing = "none": "bearer" takes a token, "tascomi-hmac" two keys'
        return refusal("the API wants a key, and the catalogue says that it needs none", hint=hint)
    if dialect.signing == "bearer":
        message = "the API refuses our token: it is wrong or has expired"
        return refusal(message, hint=f"ask the supplier for another one; {KEPT}")
    if skew is None:
        message = "the API refuses our signature: the keys or this machine's clock are wrong"
        return refusal(message, hint=f"set the clock (NTP); where it is right, ask the supplier for the keys; {KEPT}")
    apart = f"{abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} the server's"
    if abs(skew) > CLOCK_SKEW_SECONDS:
        hint = "set the clock (NTP); where it is right, the server's is wrong: ask the supplier"
        return refusal(f"the API refuses our signature: this machine's clock is {apart}", hint=hint)
    message = f"the API refuses our signature: the keys are wrong, as this machine's clock is right ({apart})"
    return refusal(message, hint=f"ask the supplier for the keys; {KEPT}")
