"""Speaking to the API: in go a resource and a query, out comes one answer as a record, whatever happened.

An answer that is not what was asked for is a record too, with its status and error: what to do about it is decided
where the ledger is written. Only what makes every further request pointless is raised: refused keys, and an API that
has not answered at all.
"""

import asyncio
import errno
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from time import monotonic
from urllib.parse import quote, urlencode

import aiohttp
import stamina

from planlake.config import Config
from planlake.errors import SourceRefused, SourceUnreachable
from planlake.sources.records import NULL_BODIES, Records

stamina.instrumentation.set_on_retry_hooks([])  # the ledger keeps attempts; a log line for each would hold bodies

NO_ANSWER = 0
OK, NO_DATA = 200, 202
UNAUTHORISED = 401
SLOW_DOWN_STATUSES = frozenset({429, 503})
RETRIED_STATUSES = frozenset(
    {NO_ANSWER, OK, NO_DATA, 429, 500, 502, 503, 504}
)  # 200: its body or headers are of no use
NEVER_ANSWERED_SECONDS = 5.0
RETRY_SECONDS = 120.0
LONGEST_PAUSE_SECONDS = 60.0
CLOCK_SKEW_SECONDS = 60.0

Read = Callable[[bytes], Records]  # raises ValueError where a body is no array of records
Signer = Callable[[datetime], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Totals:
    """What the paging headers say: all results of the query, results per page, the page's number from 1."""

    results: int
    per_page: int
    page: int

    @property
    def pages(self) -> int:
        """How many pages the query has."""
        return -(-self.results // self.per_page)


@dataclass(frozen=True, slots=True)
class Answer:
    """What one request brought: its records, the size of its body in bytes, and how it went.

    `status` is 0 where no answer came; `error` is empty where all is well; `retry_after` is in seconds.
    """

    url: str
    status: int
    records: Records = field(default_factory=Records, repr=False)
    size: int = 0
    totals: Totals | None = None
    attempts: int = 1
    error: str = ""
    seconds: float = 0.0
    server_date: datetime | None = None
    retry_after: float = 0.0

    @property
    def is_ok(self) -> bool:
        """Whether the API gave what was asked for, or said that there is nothing."""
        return not self.error


class _Retriable(Exception):  # noqa: N818 - never leaves this module
    def __init__(self, answer: Answer) -> None:
        self.answer = answer


class _Places:
    """How many requests may be on the way: halved when the API asks for less, growing again with each good answer."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._limit = float(most)
        self._used = 0
        self._slowed_at = 0.0
        self._free = asyncio.Condition()

    async def __aenter__(self) -> None:
        async with self._free:
            await self._free.wait_for(lambda: self._used < int(self._limit))
            self._used += 1

    async def __aexit__(self, *_: object) -> None:
        async with self._free:
            self._used -= 1
            self._free.notify_all()

    def slow_down(self, asked_at: float) -> None:
        """Halve the limit, once for all requests that were on the way together."""
        if asked_at >= self._slowed_at:
            self._limit, self._slowed_at = max(1.0, self._limit / 2), monotonic()

    def speed_up(self) -> None:
        """Grow by one place for each round of good answers."""
        self._limit = min(float(self._most), self._limit + 1 / self._limit)


class Source:
    """An open connection to the API; made by `open_source`."""

    def __init__(self, session: aiohttp.ClientSession, config: Config, sign: Signer) -> None:
        self._session = session
        self._base_url = config.source_api().base_url
        self._settings = config.settings
        self._sign = sign
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

    async def get(self, resource: str, query: Mapping[str, str | int], read: Read) -> Answer:
        """Ask once, and again with growing pauses after a failure that may pass; `read` makes records of a body.

        Raises SourceRefused where the keys or the clock are wrong, SourceUnreachable where the API has not answered
        a single request of this run.
        """
        url = self.url_of(resource, query)
        async with self._places:
            started = monotonic()
            try:
                answer, attempts = await self._ask(url, read), 1
            except _Retriable as failure:
                answer, attempts = await self._ask_again(url, read, failure)
                if answer.status == NO_ANSWER and not self._has_answered:
                    raise self._unreachable(answer) from None
            self._unanswered = self._unanswered + 1 if answer.status == NO_ANSWER else 0
        return replace(answer, attempts=attempts, seconds=monotonic() - started)

    async def _ask_again(self, url: str, read: Read, failure: _Retriable) -> tuple[Answer, int]:
        """The answer after the first attempt failed, and how many attempts there were."""
        attempts = 1
        try:
            async for attempt in self._retries():
                with attempt:
                    attempts = attempt.num
                    if attempts == 1:
                        raise failure  # the attempt that was made: the pause after it is the retries' to measure
                    return await self._ask(url, read), attempts
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

    async def _ask(self, url: str, read: Read) -> Answer:
        started = monotonic()
        answer = await self._ask_once(url, read)
        if answer.status == UNAUTHORISED:  # the minute may have turned between signing and checking: sign anew, once
            answer = await self._ask_once(url, read)
        if answer.status == UNAUTHORISED:
            raise _refused(answer)
        if answer.status in SLOW_DOWN_STATUSES:
            self._places.slow_down(started)
        if answer.error and answer.status in RETRIED_STATUSES:
            raise _Retriable(answer)
        self._places.speed_up()
        return answer

    async def _ask_once(self, url: str, read: Read) -> Answer:
        headers = {"Content-Type": "application/json", **self._sign(datetime.now(UTC))}
        try:
            async with self._session.get(url, headers=headers, allow_redirects=False) as response:
                body = await response.read()
        except TimeoutError:
            return Answer(url, NO_ANSWER, error=f"no answer within {self._settings.timeout_seconds:g} s")
        except (aiohttp.ClientError, OSError) as error:
            return Answer(url, NO_ANSWER, error=reason_of(error))
        self._has_answered = True
        return _answer(url, response.status, body, response.headers, read)

    def _unreachable(self, answer: Answer) -> SourceUnreachable:
        return SourceUnreachable(
            f"the API cannot be reached: {answer.error}",
            facts={"base_url": self._base_url},
            state="Nothing was changed",
            hint="planlake doctor",
        )


@asynccontextmanager
async def open_source(config: Config, sign: Signer) -> AsyncIterator[Source]:
    """Connect to the API of the configuration; `sign` makes the headers of one request from an instant."""
    settings = config.settings
    timeout = aiohttp.ClientTimeout(total=settings.timeout_seconds, sock_connect=settings.connect_timeout_seconds)
    connector = aiohttp.TCPConnector(limit=settings.concurrency)
    async with aiohttp.ClientSession(
        timeout=timeout, connector=connector, read_bufsize=2**20, raise_for_status=False
    ) as session:
        yield Source(session, config, sign)


def clock_skew(answer: Answer, now: datetime) -> float | None:
    """Seconds by which our clock is ahead of the server's; None where it did not say."""
    return (now - answer.server_date).total_seconds() if answer.server_date else None


def _answer(url: str, status: int, body: bytes, headers: Mapping[str, str], read: Read) -> Answer:
    answer = Answer(url, status, size=len(body), server_date=_server_date(headers), retry_after=_retry_after(headers))
    if status == NO_DATA:
        is_nothing = body.strip() in NULL_BODIES
        return (
            answer if is_nothing else replace(answer, error="status 202 with a body: a firewall answers, not the API")
        )
    if status != OK:
        return replace(answer, error=f"status {status}")
    try:
        totals = _totals(headers)
        return replace(answer, records=read(body), totals=totals)
    except ValueError as error:
        return replace(answer, error=str(error))


def _totals(headers: Mapping[str, str]) -> Totals:
    names = ("X-Number-Of-Results", "X-Results-Per-Page", "X-Page-Number")
    try:
        totals = Totals(*(int(headers[name]) for name in names))
    except (KeyError, ValueError):
        raise ValueError("the paging headers are missing or no numbers") from None
    if totals.per_page < 1 or totals.results < 0:
        raise ValueError(f"the paging headers make no sense: {totals.results} results, {totals.per_page} per page")
    return totals


def _retry_after(headers: Mapping[str, str]) -> float:
    """Seconds the API asks us to wait; 0 where it does not say, or names a date."""
    text = headers.get("Retry-After", "")
    return float(text) if text.isdecimal() else 0.0


def _server_date(headers: Mapping[str, str]) -> datetime | None:
    try:
        return parsedate_to_datetime(headers["Date"]).replace(tzinfo=UTC)
    except (KeyError, ValueError):
        return None


def _refused(answer: Answer) -> SourceRefused:
    skew = clock_skew(answer, datetime.now(UTC))
    state = "Everything committed so far is kept"
    if skew is not None and abs(skew) > CLOCK_SKEW_SECONDS:
        ahead = "ahead of" if skew > 0 else "behind"
        message = f"the API refuses our signature: this machine's clock is {abs(skew):.0f} s {ahead} the server's"
        return SourceRefused(message, facts={"status": 401}, state=state, hint="set the clock, then planlake doctor")
    cause = "the keys are wrong" if skew is not None else "the keys or this machine's clock are wrong"
    return SourceRefused(
        f"the API refuses our signature: {cause}", facts={"status": 401}, state=state, hint="planlake doctor"
    )


def reason_of(error: Exception) -> str:
    """Why no answer came, in a few words."""
    if isinstance(error, aiohttp.ClientSSLError):  # its number is OpenSSL's, not the operating system's
        found = getattr(error, "certificate_error", None) or getattr(error, "os_error", error)
        reason = getattr(found, "verify_message", "") or getattr(found, "reason", "") or found
        return f"no secure connection: {reason}"
    number = getattr(error, "errno", None)
    if isinstance(number, int) and number in errno.errorcode:
        return os.strerror(number).lower()
    return str(error) or type(error).__name__
