"""Faults to rehearse with: what can be wrong with an API on a bad night, by name, for `planlake simulate --fault`."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from planlake.errors import ConfigurationError
from planlake.simulator.faults import FaultPlan, Rule

LOGIN_PAGE = b"<!DOCTYPE html><html><title>Sign in</title><body>Please sign in to continue.</body></html>"
AS_JSON = {"Content-Type": "application/json"}
Records = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Fault:
    """What a fault does, in words, and its rules for a table; of an `is_of_all` one the table does not matter."""

    says: str
    rules: Callable[[str], list[Rule]]
    is_of_all: bool = False


def plan_of(kind: str, table: str) -> FaultPlan:
    """The rules of a fault; a ConfigurationError says which kinds there are."""
    if kind not in FAULTS:
        raise ConfigurationError(f'no fault is called "{kind}"', facts={"faults": ", ".join(FAULTS)})
    return FaultPlan(FAULTS[kind].rules(table))


def _answer_of_all(**wrong: Any) -> Callable[[str], list[Rule]]:  # noqa: ANN401 - as Rule takes them
    return lambda _: [Rule(times=None, **wrong)]


def _answer(**wrong: Any) -> Callable[[str], list[Rule]]:  # noqa: ANN401
    return lambda table: [Rule(resource=table, times=None, **wrong)]


def _records(change: Callable[[Records], Records]) -> Callable[[str], list[Rule]]:
    """Rules that change the records of every page."""

    def mutate(body: bytes) -> bytes:
        found = json.loads(body) if body else None  # an answer without records has none
        return json.dumps(change(found), ensure_ascii=False).encode() if isinstance(found, list) else body

    return _answer(mutate=mutate)


def _spoil_dates(records: Records) -> Records:
    return [
        {key: "31/13/2026" if key.endswith("date") and value else value for key, value in one.items()}
        for one in records
    ]


def _widen(records: Records) -> Records:
    return [{**one, "colour_of_the_file": "green"} for one in records]


def _lose_ids(records: Records) -> Records:
    return [{key: value for key, value in one.items() if key != "id"} for one in records[:1]] + records[1:]


FAULTS = {
    "down": Fault("every connection is closed before an answer", _answer_of_all(reset=True), is_of_all=True),
    "keys": Fault("every request is refused, as with wrong keys", _answer_of_all(status=401, body=b""), is_of_all=True),
    "login": Fault(
        "every answer is a page to sign in, with status 200",
        _answer_of_all(body=LOGIN_PAGE, headers={"Content-Type": "text/html"}),
        is_of_all=True,
    ),
    "error": Fault("answers with status 503", _answer(status=503, body=b"")),
    "busy": Fault(
        "says twice that it is busy (429, ask again in a second), then answers",
        lambda table: [Rule(resource=table, times=2, status=429, body=b"", headers={"Retry-After": "1"})],
    ),
    "cut": Fault("ends each answer after 100 bytes", _answer(cut_at=100)),
    "not-json": Fault("answers what is no JSON", _answer(body=b"[{", headers=AS_JSON)),
    "no-total": Fault("does not say how many records there are", _answer(drop_headers=("X-Number-Of-Results",))),
    "dates": Fault("sends dates that are none, as 31/13/2026", _records(_spoil_dates)),
    "columns": Fault("has a column that nobody declared", _records(_widen)),
    "no-id": Fault("sends the first record of each page without its id", _records(_lose_ids)),
}
