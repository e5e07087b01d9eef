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
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from time import monotonic

import aiohttp
import stamina

from planlake.config import Config
from planlake.errors import SourceRefused, SourceUnreachable

stamina.instrumentation.set_on_retry_hooks([])  # the ledger keeps attempts; a log line for each would hold bodies

NO_ANSWER = 0
OK, NO_DATA = 200, 202
RETRIED_STATUSES = frozenset({429, 500, 502, 503, 504})
NEVER_ANSWERED_SECONDS = 5.0
RETRY_SECONDS = 120.0
CLOCK_SKEW_SECONDS = 60.0

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
    """What one request brought. `status` is 0 where no answer came; `error` is empty where all is well."""

    url: str
    status: int
    body: bytes = b""
    totals: Totals | None = None
    attempts: int = 1
    error: str = ""
    seconds: float = 0.0
    server_date: datetime | None = None

    @property
    def is_ok(self) -> bool:
        """Whether the API gave what was asked for, or said that there is nothing."""
        return not self.error


class _Retriable(Exception):  # noqa: N818 - never leaves this module
    def __init__(self, answer: Answer) -> None:
        self.answer = answer


class Source:
    """An open connection to the API; made by `open_source`."""

    def __init__(self, session: aiohttp.ClientSession, config: Config, sign: Signer) -> None:
        self._session = session
        self._base_url = config.source_api().base_url
        self._settings = config.settings
        self._sign = sign
        self._places = asyncio.Semaphore(config.settings.concurrency)
        self._has_answered = False

    def url_of(self, resource: str, query: Mapping[str, str | int]) -> str:
        """The address of a request; it never holds a key."""
        pairs = "&".join(f"{name}={value}" for name, value in query.items())
        return f"{self._base_url}/{resource}?{pairs}" if pairs else f"{self._base_url}/{resource}"

    async def get(self, resource: str, query: Mapping[str, str | int]) -> Answer:
        """Ask once, and again with growing pauses after a failure that may pass.

        Raises SourceRefused where the keys or the clock are wrong, SourceUnreachable where the API has not answered
        a single request of this run.
        """
        url = self.url_of(resource, query)
        async with self._places:
            attempts = 0
            started = monotonic()
            try:
                async for attempt in self._retries():
                    with attempt:
                        attempts = attempt.num
                        answer = await self._ask(url)
            except _Retriable as failure:
                answer = failure.answer
                if answer.status == NO_ANSWER and not self._has_answered:
                    raise self._unreachable(answer) from None
        return replace(answer, attempts=attempts, seconds=monotonic() - started)

    def _retries(self) -> AsyncIterator[stamina.Attempt]:
        patience = RETRY_SECONDS if self._has_answered else NEVER_ANSWERED_SECONDS
        return stamina.retry_context(
            on=_Retriable, attempts=self._settings.attempts, timeout=patience, wait_initial=0.1, wait_max=10.0
        )

    async def _ask(self, url: str) -> Answer:
        answer = await self._ask_once(url)
        if answer.status == 401:  # the minute may have turned between signing and checking: sign anew, once
            answer = await self._ask_once(url)
        if answer.status == 401:
            raise _refused(answer)
        if answer.status in RETRIED_STATUSES or answer.status == NO_ANSWER:
            raise _Retriable(answer)
        return answer

    async def _ask_once(self, url: str) -> Answer:
        headers = {"Content-Type": "application/json", **self._sign(datetime.now(UTC))}
        try:
            async with self._session.get(url, headers=headers, allow_redirects=False) as response:
                body = await response.read()
        except TimeoutError:
            return Answer(url, NO_ANSWER, error=f"no answer within {self._settings.timeout_seconds:g} s")
        except (aiohttp.ClientError, OSError) as error:
            return Answer(url, NO_ANSWER, error=_reason(error))
        self._has_answered = True
        return _answer(url, response.status, body, response.headers)

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


def _answer(url: str, status: int, body: bytes, headers: Mapping[str, str]) -> Answer:
    date = _server_date(headers)
    if status == NO_DATA:
        return Answer(url, status, server_date=date)
    if status != OK:
        return Answer(url, status, error=f"status {status}", server_date=date)
    try:
        totals = Totals(
            int(headers["X-Number-Of-Results"]), int(headers["X-Results-Per-Page"]), int(headers["X-Page-Number"])
        )
    except (KeyError, ValueError):
        return Answer(url, status, body, error="the paging headers are missing or no numbers", server_date=date)
    if totals.per_page < 1 or totals.results < 0:
        return Answer(url, status, body, error=f"the paging headers make no sense: {totals}", server_date=date)
    return Answer(url, status, body, totals, server_date=date)


def _server_date(headers: Mapping[str, str]) -> datetime | None:
    try:
        return parsedate_to_datetime(headers["Date"])
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


def _reason(error: Exception) -> str:
    number = getattr(error, "errno", None)
    if isinstance(number, int) and number in errno.errorcode:
        return os.strerror(number).lower()
    return str(error) or type(error).__name__
