"""Recognises answers that are not the API's, and says in a sentence what answered instead.

A firewall, a proxy or a login page answers in HTML, or sends the request on to somewhere else.
"""

import re
from collections.abc import Mapping
from html import unescape

from planlake.sources.addresses import moved_to, printable

REDIRECTS = frozenset({301, 302, 303, 307, 308})
PROXY_LOGIN = ": the proxy wants another name and password (http://NAME:PASSWORD@HOST:PORT in its variable)"
_LOOKED_AT = 2**16  # bytes of a page that may hold its title
_HTML = re.compile(rb"<!doctype\s+html|<(?:html|head|body|title|center|h1)\b", re.IGNORECASE)
_TITLE = re.compile(rb"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)
_LONGEST_TITLE = 60
_NOT_THE_API = re.compile(
    r"not the API|status (?:3\d\d|40[0-7]|41\d)\b|no answer within|no secure connection|"
    r"the proxy|the API (?:refuses|cannot be reached)|(?:redirects|sent on) without end|"
    r"connection refused|cannot connect",
    re.IGNORECASE,
)


def stranger(body: bytes) -> str:
    """What a body is that is a document rather than JSON, with its title; empty where it is none."""
    if body[:1] in (b"[", b"{"):  # as every page of records begins
        return ""
    start = body[:_LOOKED_AT].removeprefix(b"\xef\xbb\xbf").lstrip()
    if not start.startswith(b"<"):
        return ""
    if not _HTML.search(start):
        return "an XML document answered, not the API"
    found = _TITLE.search(start)
    title = " ".join(unescape(found[1].decode("utf-8", "replace")).split()) if found else ""
    if len(title) > _LONGEST_TITLE:
        title = f"{title[:_LONGEST_TITLE]}..."
    return "an HTML page answered, not the API" + (f': "{printable(title)}"' if title else "")


def said_of_status(status: int, headers: Mapping[str, str], body: bytes, *, asked: str, resource: str) -> str:
    """A status that is no good one, with where it leads and who answered, as far as that is told."""
    if status in REDIRECTS:
        return f"status {status}{_redirect(asked, headers.get('location', ''), resource)}"
    if status == 407:
        return f"status {status}{PROXY_LOGIN}"
    who = stranger(body)
    return f"status {status}, {who}" if who else f"status {status}"


def _redirect(asked: str, location: str, resource: str) -> str:
    target, base = moved_to(asked, location, resource)
    if not target:
        return " without saying where to"
    if base:
        return f": the API is said to be at {base}; set api.base_url to that if it is right"
    return f": redirected to {target}, which is not followed; is api.base_url right?"


def is_not_the_api(reason: str) -> bool:
    """Whether a reason says that someone else answers, or no one: then to ask again brings the same.

    The doctor looks at that. A status of 429 or 500 and above may pass by itself.
    """
    return bool(_NOT_THE_API.search(reason))
