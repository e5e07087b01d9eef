"""Simulates any API that a catalogue can describe, with generated records.

A data set knows its records by `id` and `last_updated`. A catalogue may call the key and the time of change otherwise:
the records are made under the data set's names, and renamed where they are sent.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from planlake.simulator.app import Speech
from planlake.simulator.dataset import Dataset, encode
from planlake.simulator.faults import Answer
from planlake.simulator.register import TOKEN, native
from planlake.sources.catalogue import Catalogue, Resource
from planlake.sources.dialect import IN_BODY, Dialect

KEY, CHANGED = "id", "last_updated"


def is_as_tascomi(catalogue: Catalogue) -> bool:
    """Whether the data set's names and the simulator's usual way of answering will do."""
    usual = Dialect(page_size=catalogue.page_size, time_zone=catalogue.time_zone)
    names = {resource.key for resource in catalogue.resources.values()} | {KEY}
    changed = {resource.changed for resource in catalogue.resources.values()} | {CHANGED, ""}
    is_at_name = all(not resource.path for resource in catalogue.resources.values())
    return is_at_name and catalogue.dialect == usual and len(names) == 1 and len(changed) == len({CHANGED, ""})


def as_held(catalogue: Catalogue) -> Catalogue:
    """The same catalogue with keys and times of change under the names a data set has for them."""
    return replace(catalogue, resources={name: _as_held(one) for name, one in catalogue.resources.items()})


def speech_of(catalogue: Catalogue) -> Speech:
    """How this API answers, in words of its dialect."""
    names = {name: {ours: theirs for theirs, ours in _held_names(one).items()}
             for name, one in catalogue.resources.items()}  # fmt: skip

    def page(data: Dataset, resource: str, query: Mapping[str, str]) -> Answer:
        return _page(catalogue.dialect, data, resource, query, names=names[resource])

    addresses = {resource.path: name for name, resource in catalogue.resources.items() if resource.path}
    signing = catalogue.dialect.signing
    return Speech(page, TOKEN if signing == "bearer" else "", names, addresses, is_open=signing == "none")


def _held_names(resource: Resource) -> dict[str, str]:
    """The data set's name of each column it has another name for; others that are called so step aside."""
    names = {resource.key: KEY, **({resource.changed: CHANGED} if resource.changed else {})}
    aside = {name: f"{name} of theirs" for name in (KEY, CHANGED) if name not in names and name in resource.columns}
    return {**aside, **names}


def _as_held(resource: Resource) -> Resource:
    names = _held_names(resource)
    columns = {names.get(column, column): kind for column, kind in resource.columns.items()}
    documented = {names.get(column, column): kind for column, kind in resource.documented_types.items()}
    complete = names.get(resource.complete, resource.complete)
    return replace(
        resource, key=KEY, changed=CHANGED if resource.changed else "", complete=complete, columns=columns,
        documented_types=documented,
    )  # fmt: skip


def _page(
    dialect: Dialect, data: Dataset, resource: str, query: Mapping[str, str], *, names: Mapping[str, str]
) -> Answer:
    """One page by ascending key; a query that makes no sense is answered with 400."""
    try:
        place = int(query.get(dialect.page_parameter, "1" if dialect.paging == "page" else "0"))
        size = max(1, min(int(query.get(dialect.size_parameter, dialect.page_size)), dialect.page_size))
        chosen = _chosen(dialect, data, resource, query, names=names)
    except ValueError:
        return Answer(400, {"Content-Type": "application/json"}, encode({"error": "a parameter makes no sense"}))
    start = (place - 1) * size if dialect.paging == "page" else place
    records = [_sent(data, resource, one, names) for one in chosen[start : start + size]]
    if not records and dialect.no_records_status:
        return Answer(dialect.no_records_status, {}, b"")
    return _enveloped(dialect, records, {dialect.total: len(chosen), dialect.size: size, dialect.place: place})


def _chosen(
    dialect: Dialect, data: Dataset, resource: str, query: Mapping[str, str], *, names: Mapping[str, str]
) -> list[int]:
    chosen, day = data.ids(resource), query.get(dialect.day_parameter or names.get(CHANGED, CHANGED))
    if day is not None:
        moment = datetime.strptime(day, dialect.day_format)  # noqa: DTZ007 - the data set's clock is the API's
        chosen = data.ids_since(resource, moment.isoformat(" ", "seconds"))
        if dialect.day_filter == "day":
            is_of_day = f"{moment:%Y-%m-%d}"
            chosen = [one for one in chosen if str(data.record(resource, one).get(CHANGED))[:10] == is_of_day]
    key = names[KEY]
    return [one for one in chosen if str(one) == query[key]] if key in query else chosen


def _sent(data: Dataset, resource: str, identity: int, names: Mapping[str, str]) -> dict[str, object]:
    """A record under the API's names, with JSON's numbers, and times as ISO writes them."""
    kinds = data.fields[resource]
    sent: dict[str, object] = {}
    for column, value in data.record(resource, identity).items():
        kind = kinds.get(column, "text")
        if value is not None and kind.startswith("timestamp"):
            value = value.replace(" ", "T") + ("Z" if kind == "timestamp_utc" else "")  # noqa: PLW2901
        sent[names.get(column, column)] = native(value, kind)
    return sent


def _enveloped(dialect: Dialect, records: list[dict[str, object]], figures: Mapping[str, int]) -> Answer:
    """Records and figures where the dialect says they stand."""
    headers, envelope = {"Content-Type": "application/json"}, dict[str, Any]()
    for where, figure in figures.items():
        kind, _, path = where.partition(":")
        if kind == IN_BODY.rstrip(":"):
            _put(envelope, path, figure)
        elif path:
            headers[path] = str(figure)
    if not dialect.records:
        return Answer(200, headers, encode(records))
    _put(envelope, dialect.records, records)
    return Answer(200, headers, encode(envelope))


def _put(envelope: dict[str, Any], path: str, value: object) -> None:
    *outer, last = path.split(".")
    for name in outer:
        envelope = envelope.setdefault(name, {})
    envelope[last] = value
