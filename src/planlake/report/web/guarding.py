"""Who may speak to the ui: the browser that was given its link, from the ui's own pages, and nobody else.

A page of another site can make a browser send requests here, and the name of its own host can be made to lead here. So
hosts and origins are held against a fixed list, never against each other.
"""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

ADDRESSES = ("127.0.0.1", "localhost")
LONGEST_BODY = 1_000_000  # bytes; a query has 100,000 characters at most
SECONDS_OF_A_COOKIE = 7 * 24 * 3600
HEADERS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{}'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
OPEN_AGAIN = "Open the link that planlake ui printed. It works once; planlake ui, started again, prints another."


@dataclass(slots=True)
class Guard:
    """What opens the ui on a port: the token of the link, until it was used, and the cookie that it is changed for."""

    port: int
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    cookie: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    @property
    def hosts(self) -> tuple[str, ...]:
        """What a browser may call this server."""
        return tuple(f"{one}:{self.port}" for one in ADDRESSES)

    @property
    def link(self) -> str:
        """The address that opens the ui once."""
        return f"http://{self.hosts[0]}/open?token={self.token}"

    @property
    def cookie_name(self) -> str:
        """The cookie's name: browsers keep one jar for all ports of a host."""
        return f"planlake_{self.port}"

    def opened_by(self, token: str) -> bool:
        """Whether this is the token, which is of no use afterwards."""
        is_right = bool(self.token) and hmac.compare_digest(token.encode(), self.token.encode())
        if is_right:
            self.token = ""
        return is_right

    def knows(self, headers: Headers) -> bool:
        """Whether a request has the cookie."""
        given = cookie_parser(headers.get("cookie", "")).get(self.cookie_name, "")
        return hmac.compare_digest(given.encode(), self.cookie.encode())


def guarded(app: "ASGIApp", guard: Guard) -> "ASGIApp":
    """The application behind its guard, every answer with the headers that keep a browser strict."""

    async def answer(scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] != "http":
            return
        nonce = secrets.token_urlsafe(16)
        scope.setdefault("state", {})["nonce"] = nonce

        async def sent(message: "Message") -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update({**HEADERS, "Content-Security-Policy": POLICY.format(nonce)})
            await send(message)

        await (_refusal(scope, guard) or _opening(scope, guard) or app)(scope, receive, sent)

    return answer


def _refusal(scope: "Scope", guard: Guard) -> Response | None:
    """Why a request is not answered, whoever has the cookie; None where it may be."""
    headers = Headers(scope=scope)
    if headers.get("host") not in guard.hosts:
        return _said(421, "This address is not the one that planlake ui has.")
    if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        return _said(403, f"Another site asked for this page. {OPEN_AGAIN}")
    if scope["method"] == "POST":
        return _refused_question(headers, guard)
    return None if scope["method"] in ("GET", "HEAD") else _said(405, "Only GET and POST are answered here.")


def _refused_question(headers: Headers, guard: Guard) -> Response | None:
    if headers.get("origin") not in [f"http://{one}" for one in guard.hosts]:
        return _said(403, "Only a page of planlake ui can ask.")
    if headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
        return _said(415, "A question is JSON.")
    size = headers.get("content-length", "")
    if "transfer-encoding" in headers or not size.isdecimal() or int(size) > LONGEST_BODY:
        return _said(413, f"A question has {LONGEST_BODY // 1000:,} kB at most, and says how many.")
    return None


def _opening(scope: "Scope", guard: Guard) -> Response | None:
    """The answer to the link; a refusal where the cookie is missing; None where the request may go on."""
    is_known = guard.knows(Headers(scope=scope))
    if scope["path"] == "/open" and scope["method"] == "GET":
        token = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if not is_known and not guard.opened_by(token):
            return _said(403, OPEN_AGAIN)
        response = RedirectResponse("/", status_code=303)
        response.set_cookie(
            *(guard.cookie_name, guard.cookie),
            max_age=SECONDS_OF_A_COOKIE,
            httponly=True,
            samesite="strict",
        )
        return response
    if is_known:
        return None
    return refused(401, OPEN_AGAIN) if scope["path"].startswith("/api/") else _said(403, OPEN_AGAIN)


def _said(status: int, sentence: str) -> Response:
    page = (
        f'<!doctype html><html lang="en-GB"><title>Planlake</title><h1>This is not shown</h1><p>{sentence}</p></html>'
    )
    return HTMLResponse(page, status)


def refused(status: int, message: str, hint: str = "", *, line: int = 0, column: int = 0) -> Response:
    """What is wrong with a question, as scripts of the pages read it."""
    error = {"message": message, "hint": hint, "line": line or None, "column": column or None}
    return JSONResponse({"error": error}, status)
