"""Asks an API that nobody has described yet, one request at a time, and gives each answer as it came."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

import aiohttp

from planlake.config import Settings
from planlake.event_loop import run_to_end
from planlake.sources.http.body import MEGABYTE, read_body
from planlake.sources.http.client import NO_ANSWER, OK, joined
from planlake.sources.http.proxy import proxy_of
from planlake.sources.http.reasons import reason_of
from planlake.sources.http.strangers import said_of_status, stranger


@dataclass(frozen=True, slots=True)
class PlainAnswer:
    """What came: status (0 where nothing did), headers by their names in lower case, body; `trouble` if it is no JSON.

    An answer without a body is no trouble, whatever its status below 300.
    """

    url: str
    status: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    trouble: str = ""


def ask_plainly(
    base_url: str, address: str, query: Mapping[str, str | int], headers: Mapping[str, str], settings: Settings
) -> PlainAnswer:
    """Ask once; whatever happens is an answer."""
    url = f"{base_url}/{address}" + (f"?{urlencode(query)}" if query else "")
    return run_to_end(_asked(url, address, headers, settings))


async def _asked(url: str, address: str, headers: Mapping[str, str], settings: Settings) -> PlainAnswer:
    timeout = aiohttp.ClientTimeout(total=settings.timeout_seconds, sock_connect=settings.connect_timeout_seconds)
    proxy = proxy_of(url)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(
                url, headers=headers, allow_redirects=False, proxy=proxy.address if proxy else None
            ) as response,
        ):
            body = await read_body(response, settings.answer_megabytes * MEGABYTE)
            said = joined(response)
    except TimeoutError:
        return PlainAnswer(url, NO_ANSWER, trouble=f"no answer within {settings.timeout_seconds:g} s")
    except (aiohttp.ClientError, OSError) as error:
        return PlainAnswer(url, NO_ANSWER, trouble=reason_of(error))
    trouble = stranger(body.content)
    if response.status >= 300 or (response.status != OK and body.content.strip()):
        trouble = said_of_status(response.status, said, body.content, asked=url, resource=address)
    elif body.is_cut:
        trouble = f"the answer is larger than {settings.answer_megabytes} MB"
    return PlainAnswer(url, response.status, said, body.content, trouble)
