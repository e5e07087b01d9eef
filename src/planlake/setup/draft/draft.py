"""Drafts a catalogue of resources from a few answers of their API."""

import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from planlake.config import Api, Config, Settings
from planlake.engines.duckdb.connection import connected
from planlake.errors import ConfigurationError, PlanlakeError, SourceRefused, SourceUnreachable
from planlake.printable import quoted
from planlake.setup.draft.answers import Seen, take_apart
from planlake.setup.draft.catalogue_file import DraftResource, catalogue_text
from planlake.setup.draft.columns import CHANGES, DraftColumn, draft_columns, key_of
from planlake.setup.draft.questions import Paging, find_paging
from planlake.sources.catalogue import catalogue_from
from planlake.sources.dialect import Dialect, Query, opened, page_query
from planlake.sources.http.client import NO_ANSWER, OK
from planlake.sources.http.plain import PlainAnswer, ask_plainly
from planlake.sources.naming import name_of
from planlake.sources.signing import signer_of

MORE_PAGES = 4
REFUSED = (401, 403)
NOTHING = "Nothing was written"
Signing = Literal["none", "bearer", "tascomi-hmac"]
WAYS: tuple[Signing, ...] = ("none", "bearer", "tascomi-hmac")
VARIABLES: Mapping[Signing, tuple[str, ...]] = {
    "none": (),
    "bearer": ("PLANLAKE_API_TOKEN",),
    "tascomi-hmac": ("TASCOMI_PUBLIC_KEY", "PLANLAKE_API_PUBLIC_KEY"),
}
SIGNED = {
    "none": "no key is needed",
    "bearer": "the token is taken",
    "tascomi-hmac": "requests are signed with both keys",
}
ABSENT = {"integer": "-1", "long": "-1", "text": "planlake-asks-for-none"}


@dataclass(frozen=True, slots=True)
class Draft:
    """A catalogue as a file has it, what it is made of, and how many requests that took."""

    text: str = field(repr=False)
    resources: tuple[DraftResource, ...]
    sure: tuple[str, ...]
    doubts: tuple[str, ...]
    requests: int


@dataclass(slots=True)
class _Api:
    """The API that is asked; how its requests are signed is found out with the first."""

    config: Config
    again: str  # the command as it was called
    signing: Signing = "none"
    requests: int = 0

    @property
    def base_url(self) -> str:
        return self.config.source_api().base_url

    def ask(self, address: str, query: Query) -> PlainAnswer:
        headers = {}
        if self.signing != "none":
            headers = dict(signer_of(self.config, Dialect(signing=self.signing))(datetime.now(UTC)))
        self.requests += 1
        return ask_plainly(self.base_url, address, query, headers, self.config.settings)

    def first(self, address: str) -> PlainAnswer:
        """The answer to the plainest question, signed as it wants to be."""
        answer = self.ask(address, {})
        for way in WAYS:
            if answer.status not in REFUSED:
                break
            self.signing = way
            if any(name in os.environ for name in VARIABLES[way]):
                answer = self.ask(address, {})
        return answer

    def seen(self, address: str, query: Query) -> Seen | None:
        answer = self.ask(address, query)
        if answer.trouble or answer.status != OK:
            return None
        try:
            return take_apart(answer.body, answer.headers)
        except ValueError:
            return None


def draft(
    base_url: str, addresses: Sequence[str], *, again: str, key: str = "", settings: Settings | None = None
) -> Draft:
    """Ask for each resource and draft its table; `key` names the column that tells records apart, where none shows it.

    Keys and tokens come from where `planlake init` says that they are kept; `again` is the command for hints. Raises
    SourceUnreachable, SourceRefused, and ConfigurationError where an answer holds no records to draft from.
    """
    api = _Api(Config(api=Api(base_url=base_url), settings=settings or Settings()), again)
    paging, dialect = Paging(), Dialect()
    found: list[DraftResource] = []
    doubts: list[str] = []
    sure: list[str] = []
    spoken: dict[str, Any] = {}
    for address in addresses:
        first = _first_answer(api, address)
        seen = _records_seen(api, address, first)
        path = seen.paths[0]
        if not found:
            paging = find_paging(lambda query, address=address: api.seen(address, query), seen, path)  # type: ignore[misc]
            spoken = {"signing": api.signing, **paging.dialect}
            dialect = Dialect(**spoken, page_size=paging.page_size)
            if len(seen.paths) > 1:
                doubts.append(f"other lists of the answer are left out: {', '.join(seen.paths[1:])}")
        elif path != dialect.records:
            raise _trouble(
                api, f'the records of {address} are not in "{dialect.records}"', "draft it into another file"
            )
        resource = _drafted(api, address, [seen, *(paging.answers if not found else ())], dialect=dialect, key=key)
        if not found:
            nothing, said, is_sure = _no_records(api, address, resource, dialect)
            spoken["no_records_status"] = nothing
            (sure if is_sure else doubts).append(said)
        found.append(resource)
    text = catalogue_text(spoken, paging.page_size, found)
    tables = tomllib.loads(text)
    catalogue_from("draft", tables.pop("source"), tables)  # the loader takes it, or says why not
    sure = [SIGNED[api.signing], *paging.sure, *sure]
    return Draft(text, tuple(found), tuple(sure), (*paging.doubts, *doubts), api.requests)


def _first_answer(api: _Api, address: str) -> PlainAnswer:
    """The first answer; an error where it is none, a refusal, or not the API's."""
    answer = api.first(address)
    facts = {"url": answer.url}
    if answer.status == NO_ANSWER:
        message = f"the API cannot be reached: {answer.trouble}"
        raise SourceUnreachable(message, facts=facts, state=NOTHING, hint=f"curl -si {answer.url}")
    if answer.status in REFUSED:
        hint = f"export PLANLAKE_API_TOKEN=... (or TASCOMI_PUBLIC_KEY and TASCOMI_PRIVATE_KEY), then {api.again}"
        message = f"the API wants a key, or another one: status {answer.status}"
        raise SourceRefused(message, facts=facts, state=NOTHING, hint=hint)
    if answer.trouble:
        raise _trouble(api, f"{address} gave no records: {answer.trouble}", f"curl -si {answer.url}")
    return answer


def _records_seen(api: _Api, address: str, answer: PlainAnswer) -> Seen:
    show = f"curl -si {answer.url}"
    try:
        seen = take_apart(answer.body, answer.headers)
    except ValueError:
        raise _trouble(api, f"the answer of {address} is not JSON", show) from None
    if seen.paths:
        return seen
    if seen.has_nested:
        raise _trouble(api, f"the records of {address} are lists in a list, not objects with names", show)
    if seen.lists or not answer.body.strip():
        hint = f"{api.again.removesuffix(f' {quoted(address)}')} RESOURCE drafts another one that has records"
        raise _trouble(api, f"{address} has no record now, so there is nothing to draft from", hint)
    raise _trouble(api, f"the answer of {address} holds no list of records", show)


def _trouble(api: _Api, message: str, hint: str) -> PlanlakeError:
    return ConfigurationError(message, facts={"base_url": api.base_url}, state=NOTHING, hint=hint)


def _drafted(api: _Api, address: str, answers: Sequence[Seen], *, dialect: Dialect, key: str) -> DraftResource:
    """The table of a resource, of all records that were seen, the page that a run asks for first among them."""
    answer = api.ask(address, page_query(dialect, 1))
    doubts, total = [], None
    try:
        total = opened(dialect, page_query(dialect, 1), headers=answer.headers, body=answer.body).totals.results
        answers = [*answers, take_apart(answer.body, answer.headers), *_more_pages(api, address, dialect, total)]
    except ValueError as error:
        doubts.append(f"planlake run cannot read it so: {error}")
    texts = list(dict.fromkeys(text for one in answers for text in one.records(dialect.records)))
    with connected(api.config.settings.memory_limit_megabytes) as connection:
        columns = draft_columns(connection, texts)
    chosen = _key(api, address, columns, key)
    doubts += [*_about_key(columns, chosen), *_about_changes(columns)]
    return DraftResource(name_of(address), address, chosen.name, columns, len(texts), total, tuple(doubts))


def _more_pages(api: _Api, address: str, dialect: Dialect, total: int) -> Iterator[Seen]:
    """Some pages evenly from the second to the last: what is old is often filled otherwise than what is new."""
    pages = -(-total // dialect.page_size)
    for number in sorted({1 + round(step * (pages - 1) / MORE_PAGES) for step in range(1, MORE_PAGES + 1)} - {1}):
        if seen := api.seen(address, page_query(dialect, number)):
            yield seen


def _key(api: _Api, address: str, columns: Sequence[DraftColumn], key: str) -> DraftColumn:
    named = next((one for one in columns if one.name == key), None)
    if key and (named is None or not named.can_be_key):
        why = "is in no record" if named is None else "does not tell the records apart"
        raise _trouble(api, f"{key} {why} of {address}", f"{api.again} --key COLUMN")
    chosen = named or key_of(columns, address)
    if chosen is None:
        message = f"no column of {address} looks like an id: filled in every record, and another in each"
        raise _trouble(api, message, f"{api.again} --key COLUMN names one")
    return chosen


def _about_key(columns: Sequence[DraftColumn], key: DraftColumn) -> list[str]:
    others = [one.name for one in columns if one.can_be_key and one.name != key.name and key_of([one], "") is not None]
    return [f"{key.name} is taken as the id; so could be {', '.join(others)}"] if others else []


def _about_changes(columns: Sequence[DraftColumn]) -> list[str]:
    names = [one.name for one in columns if one.type in ("timestamp", "timestamp_utc") and CHANGES.search(one.name)]
    can = "read whole each time; where the API filters by it, that is the column"
    return [f"{' or '.join(names)} may say when a record changed: {can} `changed`"] if names else []


def _no_records(api: _Api, address: str, resource: DraftResource, dialect: Dialect) -> tuple[int, str, bool]:
    """The status of an answer without records, what that says, and whether it is sure."""
    kinds: Mapping[str, str] = {one.name: one.type for one in resource.columns}
    answer = api.ask(address, {**page_query(dialect, 1), resource.key: ABSENT[kinds[resource.key]]})
    if answer.status not in (OK, *REFUSED, NO_ANSWER) and not answer.body.strip():
        return answer.status, f"{resource.key}=... that is not there: status {answer.status}", True
    if answer.status == OK and not answer.trouble:
        try:
            is_empty = not take_apart(answer.body, answer.headers).records(dialect.records)
        except ValueError:
            is_empty = False
        if is_empty:
            return 0, f"{resource.key}=... asks for one record, and nothing is an empty list", True
    return 0, f"one record cannot be asked for by {resource.key}=...: deletions are not marked", False


def catalogue_place(source: str, folder: Path) -> tuple[str, Path]:
    """What a configuration calls the drafted catalogue, and its file: `trees` is ./trees.toml."""
    named = source if source.endswith(".toml") else f"{source}.toml"
    return (named if "/" in named else f"./{named}"), folder / named
