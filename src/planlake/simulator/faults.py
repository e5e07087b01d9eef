"""Faults for tests: makes answers of the simulator late, spoilt, cut short or refused.

Only a test in the same process sets these: `simulator.faults = FaultPlan([Rule(resource="fees", status=503)])`.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, NamedTuple

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Answer(NamedTuple):
    """An HTTP response before it is sent; header names are in the API's spelling."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Which requests go wrong, and how; whatever is left out goes right.

    A request matches when the resource is the same (none: any) and every pair of `query` is in its query (`page` is
    "1" where the request names none). The rule acts from the `nth` matching request on, `times` in all (None: for
    ever). Times are in seconds.
    """

    resource: str | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    nth: int = 1
    times: int | None = 1
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    drop_headers: tuple[str, ...] = ()
    body: bytes | None = None
    mutate: Callable[[bytes], bytes] | None = None
    delay: float = 0.0
    drip: float = 0.0  # seconds between pieces of a tenth of the body
    cut_at: int | None = None  # close the connection after so many bytes of the body
    reset: bool = False  # close the connection before any answer


class FaultPlan:
    """The rules in force; every rule counts the requests it matches, the first that is due acts alone."""

    def __init__(self, rules: list[Rule] | None = None) -> None:
        self.rules = list(rules or [])
        self._matched: Counter[int] = Counter()
        self._acted: Counter[int] = Counter()
        self._lock = Lock()

    def next_for(self, resource: str, query: Mapping[str, str]) -> Rule | None:
        """The rule that acts on this request, if any; counts the request for every rule that matches it."""
        asked = {"page": "1", **query}
        with self._lock:
            matching = [place for place, rule in enumerate(self.rules) if _matches(rule, resource, asked)]
            self._matched.update(matching)
            for place in matching:
                if self._is_due(place):
                    self._acted[place] += 1
                    return self.rules[place]
        return None

    def _is_due(self, place: int) -> bool:
        rule = self.rules[place]
        return self._matched[place] >= rule.nth and (rule.times is None or self._acted[place] < rule.times)


def _matches(rule: Rule, resource: str, query: Mapping[str, str]) -> bool:
    return rule.resource in (None, resource) and rule.query.items() <= query.items()


def spoilt(answer: Answer, rule: Rule) -> Answer:
    """The answer with the status, headers and body the rule says."""
    dropped = {name.lower() for name in rule.drop_headers}
    headers = {name: value for name, value in answer.headers.items() if name.lower() not in dropped}
    body = answer.body if rule.body is None else rule.body
    if rule.mutate:
        body = rule.mutate(body)
    return Answer(rule.status or answer.status, headers | dict(rule.headers), body)


async def deliver(answer: Answer, rule: Rule | None, send: Send) -> None:
    """Send the answer as ASGI messages; a cut or reset connection is left without its end, so the server closes it."""
    if rule is None:
        await _start(answer, send)
        await send({"type": "http.response.body", "body": answer.body})
        return
    await asyncio.sleep(rule.delay)
    if rule.reset:
        send.__self__.transport.abort()  # type: ignore[attr-defined]  # uvicorn's: ASGI has no word for it
        return
    await _start(answer, send)
    body = answer.body if rule.cut_at is None else answer.body[: rule.cut_at]
    for piece in _pieces(body) if rule.drip else [body]:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
        await asyncio.sleep(rule.drip)
    if rule.cut_at is None:
        await send({"type": "http.response.body", "body": b""})


async def _start(answer: Answer, send: Send) -> None:
    headers = {"Content-Length": str(len(answer.body)), **answer.headers}
    pairs = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": pairs})


def _pieces(body: bytes) -> list[bytes]:
    size = max(1, -(-len(body) // 10))
    return [body[start : start + size] for start in range(0, len(body), size)]
