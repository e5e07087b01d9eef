"""Splits the text of a JSON array or object into its parts, each as it is written.

Only keys are parsed, so neither a number of thousands of digits nor thousands of levels are too much. It accepts JSON,
and what Python's own reader accepts beside it: control characters within texts, `NaN`, `Infinity`.
"""

import json
import re
from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple

_SPACE = re.compile(r"[ \t\r\n]*")
_STRICT_ENOUGH = json.JSONDecoder(strict=False, parse_int=str, parse_float=str)
_TOKEN = re.compile(
    r"[ \t\r\n]*(?:(?P<opens>[\[{])|(?P<closes>[\]}])|(?P<sign>[,:])"
    r'|(?P<text>"[^"\\]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\]*)*")'
    r"|(?P<bare>-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null|NaN|-?Infinity))"
)
MALFORMED = "it breaks off or is malformed"


class Member(NamedTuple):
    """One member of an object: its key, and where it begins, its value begins, and both end."""

    key: str
    start: int
    value: int
    end: int


def elements(text: str) -> list[str]:
    """The elements of a JSON array, each as it is written; ValueError where the text is no array."""
    try:
        return [text[start:end] for start, end in _parts(text, "[", "]", _end_of)]
    except ValueError as error:
        raise ValueError(f"the body is not a JSON array of records: {error}") from None


def members(text: str) -> Iterator[Member]:
    """The members of a JSON object, one after the other; ValueError where the text is no object, at its place."""
    for start, end in _parts(text, "{", "}", _end_of_member):
        key, behind = _STRICT_ENOUGH.raw_decode(text, start)
        yield Member(key, start, _past_sign(text, _past_space(text, behind), ":"), end)


def _parts(text: str, opens: str, closes: str, end_of: Callable[[str, int], int]) -> Iterator[tuple[int, int]]:
    """Where each part of an array or an object begins and ends."""
    place = _past_sign(text, _past_space(text, 0), opens)
    is_last = text[place : place + 1] == closes
    while not is_last:
        end = end_of(text, place)
        yield place, end
        place = _past_space(text, end)
        is_last = text[place : place + 1] == closes
        if not is_last:
            place = _past_sign(text, place, ",")
    if _past_space(text, place + 1) < len(text):
        raise ValueError("something follows it")


def without(text: str, keys: Collection[str]) -> str:
    """The text of an object without these members, whatever their values are; all else stays as it is written."""
    try:
        found = list(members(text))
    except ValueError:
        return text
    if all(one.key not in keys for one in found):
        return text
    kept, before = [text[: found[0].start]], found[0].start
    for one in found:
        if one.key not in keys:
            kept.append(text[before if len(kept) > 1 else one.start : one.end])
        before = one.end
    return "".join([*kept, text[before:]])


def _past_space(text: str, place: int) -> int:
    found = _SPACE.match(text, place)
    return found.end() if found else place


def _past_sign(text: str, place: int, sign: str) -> int:
    """The place behind a sign that must stand here, and behind the space that follows it."""
    if text[place : place + 1] != sign:
        raise ValueError(MALFORMED if place else f"it does not begin with {sign}")
    return _past_space(text, place + 1)


def _end_of_member(text: str, place: int) -> int:
    """Where the member of an object ends whose key begins here."""
    if text[place : place + 1] != '"':
        raise ValueError(MALFORMED)
    return _end_of(text, _past_sign(text, _past_space(text, _end_of(text, place)), ":"))


def _end_of(text: str, place: int) -> int:
    """Where the value ends that begins here."""
    try:
        return _STRICT_ENOUGH.raw_decode(text, place)[1]
    except RecursionError:
        return _end_of_deep(text, place)
    except ValueError:
        raise ValueError(MALFORMED) from None


def _end_of_deep(text: str, place: int) -> int:
    """The same for a value of any depth: what may follow depends on the last token and on what is open."""
    open_: list[str] = []
    may_follow, is_key = {"opens", "text", "bare"}, False
    while found := _TOKEN.match(text, place):
        kind, last, place = str(found.lastgroup), found[0][-1], found.end()
        if kind not in may_follow and last not in may_follow:
            break
        if kind == "opens":
            is_key = last == "{"
            open_.append("}" if is_key else "]")
            may_follow = {"text", "}"} if is_key else {"opens", "text", "bare", "]"}
        elif kind == "sign":
            is_key = last == "," and open_[-1] == "}"
            may_follow = {"text"} if is_key else {"opens", "text", "bare"}
        elif kind == "text" and is_key:
            may_follow = {":"}
        else:
            if kind == "closes":
                open_.pop()
            if not open_:
                return place
            may_follow, is_key = {",", open_[-1]}, False
    raise ValueError(MALFORMED)
