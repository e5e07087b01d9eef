"""Asks and understands an API as its catalogue says: queries of pages and days, totals in answers.

What differs between APIs and can be said in words is data here. The defaults are Tascomi's.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from planlake.clock import LONDON
from planlake.sources.encoding import Encoding, in_utf_8
from planlake.sources.records import members_of

Query = dict[str, str | int]
IN_BODY, IN_HEADER = "body:", "header:"
HIGHEST = 2**31 - 1  # of what an answer says of itself: the ledger keeps whole numbers of 32 bits
LONGEST = 24  # signs of a figure that are read, or repeated in a message
FIGURE = re.compile("-?[0-9]+")  # int() takes more: 1_000, other scripts' digits
OTHER_PAGE = "the answer says it is page"  # in the error of a page that is another one than the one asked for
SHORT = re.compile(r"[A-Za-z0-9.+_-]{0,24}|[0-9, ]{0,24}")  # what a message may repeat of a figure that is none


@dataclass(frozen=True, slots=True)
class Totals:
    """What an answer says of paging: all results of the query, results per page, the page's number from 1."""

    results: int
    per_page: int
    page: int

    @property
    def pages(self) -> int:
        """How many pages the query has."""
        return -(-self.results // self.per_page)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How requests are signed, paged and filtered, and where an answer keeps its records and totals.

    `day_filter` says what the filter by day gives: records changed on that `day`, or `since` it, that is from its
    midnight on. `total`, `size` and `place` are `header:NAME` or `body:PATH`, the latter two empty where no answer says
    them; `records` is the path of the records in the body, empty where the body is nothing else. Paths have dots.
    `no_records_status` is the status of an answer without records and body, 0 where there is none.
    """

    signing: Literal["tascomi-hmac", "bearer", "none"] = "tascomi-hmac"
    paging: Literal["page", "offset"] = "page"
    page_parameter: str = "page"
    size_parameter: str = ""
    page_size: int = 50
    always: Mapping[str, str] = field(default_factory=dict)
    day_filter: Literal["day", "since"] = "day"
    day_parameter: str = ""
    day_format: str = "%Y-%m-%d"
    time_zone: str = "Europe/London"
    records: str = ""
    total: str = "header:X-Number-Of-Results"
    size: str = "header:X-Results-Per-Page"
    place: str = "header:X-Page-Number"
    no_records_status: int = 202


def page_query(dialect: Dialect, number: int) -> Query:
    """The query of a page, counted from 1."""
    place = number if dialect.paging == "page" else (number - 1) * dialect.page_size
    query: Query = {dialect.page_parameter: place, **dialect.always}
    if dialect.size_parameter:
        query[dialect.size_parameter] = dialect.page_size
    return query


def day_query(dialect: Dialect, changed: str, day: str) -> Query:
    """What is added to ask for a London day (`2026-11-22`), or for everything since; `changed` is the column."""
    moment = datetime.fromisoformat(day).replace(tzinfo=LONDON)
    if dialect.day_filter == "since":
        moment = moment.astimezone(ZoneInfo(dialect.time_zone))
    return {dialect.day_parameter or changed: moment.strftime(dialect.day_format)}


def opened(dialect: Dialect, query: Mapping[str, str | int], *, headers: Mapping[str, str], body: bytes) -> "Opened":
    """The records of an answer, still as bytes, and its totals; ValueError where it says them wrongly or not at all.

    Names of headers are in lower case; one that came more than once with other values has all of them.
    """
    places = (dialect.records, dialect.total, dialect.size, dialect.place)
    body, encoding = in_utf_8(body, headers)
    is_enveloped = bool(dialect.records) or any(place.startswith(IN_BODY) for place in places)
    members = members_of(body) if is_enveloped else {}
    records = _part(members, dialect.records) if dialect.records else body
    return Opened(records, _totals(dialect, query, headers=headers, members=members), encoding)


@dataclass(frozen=True, slots=True)
class Opened:
    """An answer taken apart: the JSON array of its records in UTF-8, its totals, and how its bytes came."""

    records: bytes = field(repr=False)
    totals: Totals
    encoding: Encoding


def _totals(
    dialect: Dialect, query: Mapping[str, str | int], *, headers: Mapping[str, str], members: Mapping[str, bytes]
) -> Totals:
    asked = int(query.get(dialect.page_parameter, 1 if dialect.paging == "page" else 0))
    results = _figure(dialect.total, headers, members)
    per_page = _figure(dialect.size, headers, members) if dialect.size else dialect.page_size
    place = _figure(dialect.place, headers, members) if dialect.place else asked
    if per_page < 1 or results < 0:
        raise _no_sense(dialect.total, f"{results} results, {per_page} per page")
    if dialect.paging == "page":
        if place != asked:
            raise ValueError(f"page {asked} was asked for, {OTHER_PAGE} {place}")
        return Totals(results, per_page, place)
    _check_offset(dialect, per_page=per_page, place=place, asked=asked)
    return Totals(results, per_page, place // per_page + 1)


def _check_offset(dialect: Dialect, *, per_page: int, place: int, asked: int) -> None:
    """Offsets are worked out from the size that is asked for, so the API must keep to both."""
    if per_page != dialect.page_size:
        raise ValueError(f"the API gives {per_page} records a page, the catalogue's page_size is {dialect.page_size}")
    if place != asked:
        raise ValueError(f"records from {asked} on were asked for, the answer says {place}")


def _figure(where: str, headers: Mapping[str, str], members: Mapping[str, bytes]) -> int:
    """A whole number in an answer, written in digits; a ValueError if it is missing or too high."""
    kind, _, name = where.partition(":")
    try:
        given = headers[name.lower()] if f"{kind}:" == IN_HEADER else _part(members, name).decode("ascii", "replace")
    except (KeyError, ValueError):
        raise ValueError(f"the paging {_kind(where)} are missing or not numbers: there is no {name}") from None
    text = given.strip(' "')
    if not FIGURE.fullmatch(text):
        said = f'"{text}"' if SHORT.fullmatch(text) else "something else"
        raise ValueError(f"the paging {_kind(where)} are missing or not numbers: {name} is {said}")
    if len(text) > LONGEST or int(text) > HIGHEST:
        beyond = "below 0" if text.startswith("-") else f"above {HIGHEST:,}"
        raise _no_sense(where, f"{name} is {text[:LONGEST]}, {beyond}")
    return int(text)


def _no_sense(where: str, why: str) -> ValueError:
    return ValueError(f"the paging {_kind(where)} make no sense: {why}")


def _kind(where: str) -> str:
    return "headers" if where.startswith(IN_HEADER) else "figures"


def _part(members: Mapping[str, bytes], path: str) -> bytes:
    first, *others = path.split(".")
    try:
        part = members[first]
        for name in others:
            part = members_of(part)[name]
    except KeyError:
        raise ValueError(f'the body has no "{path}"') from None
    return part
