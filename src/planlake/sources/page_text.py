"""Reads the text of a page, from an address or a file.

An address may hold a key after its path, so messages show it up to there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from planlake.config import Settings
from planlake.errors import ConfigurationError, PlanlakeError, SourceUnreachable
from planlake.event_loop import run_to_end
from planlake.sources.addresses import is_address, is_meant_as_address, shown_place
from planlake.sources.http.body import MEGABYTE, read_body
from planlake.sources.http.client import OK, RETRIED_STATUSES
from planlake.sources.http.proxy import proxy_of
from planlake.sources.http.reasons import reason_of

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
        return run_to_end(_fetched(place, settings))
    file, shown = folder / place, shown_place(place)
    most = settings.answer_megabytes * MEGABYTE
    try:
        with file.open("rb") as stream:
            content = stream.read(most + 1)
    except (OSError, ValueError) as error:
        hint = "--docs takes an address or a file; api.documentation is the usual place"
        if is_meant_as_address(place):
            message = f"{shown} is neither an address nor a file: an address begins with http:// or https://"
            raise ConfigurationError(message, state=STATE, hint=hint) from None
        reason = getattr(error, "strerror", None) or "that is not a file name"
        raise ConfigurationError(f"{file} cannot be read: {reason}", state=STATE, hint=hint) from None
    if len(content) > most:
        raise _too_large(shown, settings)
    return PageText(content.decode("utf-8", "replace"), {"page": shown})


def _too_large(shown: str, settings: Settings) -> ConfigurationError:
    message = f"the documentation is larger than {settings.answer_megabytes} MB, which settings.answer_megabytes allows"
    return ConfigurationError(message, facts={"page": shown}, state=STATE)


async def _fetched(address: str, settings: Settings) -> PageText:
    shown, proxy = shown_place(address), proxy_of(address)
    through = proxy.address if proxy else None
    timeout = aiohttp.ClientTimeout(total=settings.timeout_seconds, sock_connect=settings.connect_timeout_seconds)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(address, proxy=through) as response:
            if response.status != OK:
                raise _refused(response.status, shown)
            body = await read_body(response, settings.answer_megabytes * MEGABYTE)
            if body.is_cut:
                raise _too_large(shown, settings)
            facts = {"page": shown}
            if response.history:
                facts["redirected_to"] = shown_place(str(response.url))
            return PageText(body.content.decode(_encoding(response), "replace"), facts)
    except TimeoutError:
        raise _unreachable(f"no answer within {settings.timeout_seconds:g} s", shown) from None
    except aiohttp.InvalidURL:
        message, hint = "that is not an address", "it looks like https://HOST/rest/v1/documentation.html"
        raise ConfigurationError(message, facts={"page": shown}, state=STATE, hint=hint) from None
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
