"""Reading a page: in goes an address or the name of a file, out comes its text, and where it was found.

An address may hold a key after its path, so messages show it up to there.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import aiohttp

from planlake.config import Settings
from planlake.errors import ConfigurationError, PlanlakeError, SourceUnreachable
from planlake.sources.client import OK, RETRIED_STATUSES, reason_of

MOST_BYTES = 32 * 2**20
STATE = "Nothing was compared"


@dataclass(frozen=True, slots=True)
class PageText:
    """The text of a page, and as facts of a message where it was found: `page`, and `redirected_to` where it was."""

    text: str
    facts: Mapping[str, str]


def page_text(place: str, folder: Path, settings: Settings) -> PageText:
    """The text of a page at an address, or in a file (relative to `folder`).

    Raises SourceUnreachable where no answer comes, ConfigurationError where there is no such page or file.
    """
    if is_address(place):
        return asyncio.run(_fetched(place, settings))
    file = folder / place
    try:
        with file.open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "that is no name of a file"
        hint = "--docs takes an address or a file; api.documentation is the usual place"
        raise ConfigurationError(f"{file} cannot be read: {reason}", state=STATE, hint=hint) from None
    _check_size(len(content), place)
    return PageText(content.decode("utf-8", "replace"), {"page": place})


def _check_size(size: int, shown: str) -> None:
    if size > MOST_BYTES:
        message = f"the documentation is larger than {MOST_BYTES // 2**20} MB"
        raise ConfigurationError(message, facts={"page": shown}, state=STATE)


def is_address(place: str) -> bool:
    """Whether a place is an address rather than a file."""
    return place.lower().startswith(("http://", "https://"))


def shown_place(place: str) -> str:
    """A place as messages may show it: an address without whatever may be a key."""
    if not is_address(place):
        return place
    try:
        parts = urlsplit(place)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "the address given"
    page, dot, _ = parts.path.partition(".html")  # the vendor's pages have the key right behind it
    return urlunsplit((parts.scheme, host + port, page + dot, "", ""))


async def _fetched(address: str, settings: Settings) -> PageText:
    shown = shown_place(address)
    timeout = aiohttp.ClientTimeout(total=settings.timeout_seconds, sock_connect=settings.connect_timeout_seconds)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(address) as response:
            if response.status != OK:
                raise _refused(response.status, shown)
            content = bytearray()
            async for part in response.content.iter_chunked(2**16):
                content += part
                _check_size(len(content), shown)
            facts = {"page": shown}
            if response.history:
                facts["redirected_to"] = shown_place(str(response.url))
            return PageText(content.decode(_encoding(response), "replace"), facts)
    except TimeoutError:
        raise _unreachable(f"no answer within {settings.timeout_seconds:g} s", shown) from None
    except aiohttp.InvalidURL:
        message, hint = "that is no address", "it looks like https://HOST/rest/v1/documentation.html"
        raise ConfigurationError(message, facts={"page": shown}, state=STATE, hint=hint) from None
    except aiohttp.ClientResponseError as error:  # its text holds the whole address
        raise _unreachable(type(error).__name__, shown) from None
    except (aiohttp.ClientError, OSError) as error:
        raise _unreachable(reason_of(error), shown) from None


def _encoding(response: aiohttp.ClientResponse) -> str:
    try:
        return response.get_encoding()
    except (RuntimeError, LookupError):
        return "utf-8"


def _unreachable(reason: str, shown: str) -> SourceUnreachable:
    hint = "planlake drift --docs FILE reads a page that was saved"
    return SourceUnreachable(
        f"the documentation cannot be reached: {reason}", facts={"page": shown}, state=STATE, hint=hint
    )


def _refused(status: int, shown: str) -> PlanlakeError:
    if status in RETRIED_STATUSES:
        return _unreachable(f"status {status}", shown)
    hint = "--docs takes an address or a file; api.documentation is the usual place"
    return ConfigurationError(
        f"there is no documentation: status {status}", facts={"page": shown}, state=STATE, hint=hint
    )
